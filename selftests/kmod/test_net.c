// SPDX-License-Identifier: GPL-2.0
/*
 * Packets through a network device and a tap, both ways, and the content they
 * arrive with.  Mainline's device is a variant of every test: it shows that the
 * expectations are those of the interface and not of one implementation.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_setup.h"

#include <kselftest_harness.h>

/* Larger than the time limit of anything waited for in a test. */
#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

FIXTURE(net) {
	struct net_setup net;
	uint8_t sent[NET_FRAME_MAX];
	uint8_t received[4096];
};

FIXTURE_VARIANT(net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(net, vqhost_flags) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(net, vqhost_event_index) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 65530 },
};

/* A driver of before virtio 1.0: headers without num_buffers. */
FIXTURE_VARIANT_ADD(net, vqhost_legacy) {
	.with = { VQHOST_NET, FEATURE(VIRTIO_RING_F_INDIRECT_DESC), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(net, vqhost_macvtap) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), MACVTAP, 0 },
};

FIXTURE_VARIANT_ADD(net, packed_flags) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000 },
};

/* Soon to go around, in the second round. */
FIXTURE_VARIANT_ADD(net, packed_event_index) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		  FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 27 },
};

FIXTURE_VARIANT_ADD(net, in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_IN_ORDER) |
		  FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(net, packed_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		  FEATURE(VIRTIO_F_IN_ORDER) | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 27 },
};

FIXTURE_VARIANT_ADD(net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 65530 },
};

FIXTURE_SETUP(net)
{
	ASSERT_EQ(0, net_setup_open(&self->net, &variant->with, ETHERTYPE_TEST, 0));
}

FIXTURE_TEARDOWN(net)
{
	net_setup_close(&self->net);
}

static bool is_mainline(const struct net_variant *with)
{
	return !strcmp(with->path, MAINLINE_NET);
}

/* The next frame at the host's end is the one with this number. */
static bool arrives_at_socket(struct net_setup *net, unsigned int length, unsigned int number)
{
	uint8_t expected[NET_FRAME_MAX], received[4096];

	net_frame_fill(net, expected, length, number);
	return net_receive_from_socket(net, received, sizeof(received)) == (int)length &&
	       !memcmp(expected, received, length);
}

/* The same at the guest's end; no offload is asked for in its header. */
static bool arrives_at_guest(struct net_setup *net, unsigned int length, unsigned int number)
{
	static const uint8_t no_offload[sizeof(struct virtio_net_hdr)];
	uint8_t expected[NET_FRAME_MAX], received[4096];

	net_frame_fill(net, expected, length, number);
	return net_receive(net, received, sizeof(received)) == (int)(net->header + length) &&
	       !memcmp(received, no_offload, sizeof(no_offload)) &&
	       !memcmp(received + net->header, expected, length);
}

static bool send_from_socket(struct net_setup *net, unsigned int length, unsigned int number)
{
	uint8_t frame[NET_FRAME_MAX];

	net_frame_fill(net, frame, length, number);
	return send(net->tap.socket, frame, length, 0) == (ssize_t)length;
}

TEST_F_TIMEOUT(net, transmit_one_by_one, TEST_TIME_LIMIT)
{
	static const unsigned int lengths[] = { 60, 61, 64, 127, 512, 1000, 1024, 1513, 1514 };
	unsigned int i;
	uint32_t written;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		net_frame_fill(&self->net, self->sent, lengths[i], i);
		/* Slot 15 lies across a border of guest memory. */
		ASSERT_LE(0, net_send(&self->net, self->sent, lengths[i], 15));
		vhost_queue_expose(&self->net.tx);
		ASSERT_TRUE(arrives_at_socket(&self->net, lengths[i], i));
		ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, 1));
		ASSERT_LE(0, driver_ring_reap(&self->net.tx.ring, &written));
		EXPECT_EQ(0, written);
	}
}

/* The ring full to the brim, over and over: order kept, none lost, none twice. */
TEST_F_TIMEOUT(net, transmit_full_ring, TEST_TIME_LIMIT)
{
	unsigned int round, i, number = 0, expected = 0;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < NET_QUEUE_SIZE; i++, number++) {
			net_frame_fill(&self->net, self->sent, 100 + number, number);
			ASSERT_LE(0, net_send(&self->net, self->sent, 100 + number, i));
		}
		ASSERT_EQ(0, self->net.tx.ring.free_count);
		vhost_queue_expose(&self->net.tx);
		ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, NET_QUEUE_SIZE));
		for (i = 0; i < NET_QUEUE_SIZE; i++, expected++) {
			ASSERT_LE(0, driver_ring_reap(&self->net.tx.ring, NULL));
			ASSERT_TRUE(arrives_at_socket(&self->net, 100 + expected, expected))
				TH_LOG("frame %u", expected);
		}
	}
}

/* A frame in as many pieces as the ring has, the header cut as well. */
TEST_F_TIMEOUT(net, transmit_in_pieces, TEST_TIME_LIMIT)
{
	struct driver_buffer pieces[NET_QUEUE_SIZE];
	uint64_t start = NET_TX_SLOT(15);
	unsigned int i, length = 0;

	for (i = 0; i < NET_QUEUE_SIZE; i++) {
		pieces[i] = (struct driver_buffer) { start + length, 5 + 2 * i };
		length += pieces[i].length;
	}
	length -= self->net.header;
	net_frame_fill(&self->net, self->sent, length, 1);
	guest_write(&self->net.device, start + self->net.header, self->sent, length);
	ASSERT_LE(0, driver_ring_add(&self->net.tx.ring, pieces, NET_QUEUE_SIZE, 0));
	vhost_queue_expose(&self->net.tx);
	EXPECT_TRUE(arrives_at_socket(&self->net, length, 1));
	ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, 1));
}

/*
 * The same in indirect tables, several at once, entries in any order.  (Mainline
 * takes them in the order of the table, whatever next says.)
 */
TEST_F_TIMEOUT(net, transmit_indirect, TEST_TIME_LIMIT)
{
	static const uint16_t scattered[] = { 0, 3, 1, 4, 2 };
	const uint16_t *order = is_mainline(&variant->with) ? NULL : scattered;
	struct driver_buffer pieces[5];
	struct vring_desc table[5];
	uint64_t start, address = GUEST_MEMORY;
	unsigned int i, n;

	for (n = 0; n < NET_QUEUE_SIZE; n++, address += sizeof(table)) {
		start = NET_TX_SLOT(n);
		net_frame_fill(&self->net, self->sent, 1000, n);
		guest_write(&self->net.device, start + self->net.header, self->sent, 1000);
		for (i = 0; i < 5; i++)
			pieces[i] = (struct driver_buffer) { start + i * 200, 200 };
		pieces[4].length = self->net.header + 1000 - 800;
		driver_ring_fill_table(&self->net.tx.ring, table, pieces, 5, 0, order);
		guest_write(&self->net.device, address, table, sizeof(table));
		ASSERT_LE(0, driver_ring_add_table(&self->net.tx.ring, address, 5));
	}
	vhost_queue_expose(&self->net.tx);
	for (n = 0; n < NET_QUEUE_SIZE; n++)
		ASSERT_TRUE(arrives_at_socket(&self->net, 1000, n));
	ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, NET_QUEUE_SIZE));
}

/* A packet that is no Ethernet frame is dropped, and the next one sent. */
TEST_F_TIMEOUT(net, transmit_runt, TEST_TIME_LIMIT)
{
	net_frame_fill(&self->net, self->sent, 60, 1);
	ASSERT_LE(0, net_send(&self->net, self->sent, 13, 0));
	ASSERT_LE(0, net_send(&self->net, self->sent, 0, 1));
	ASSERT_LE(0, net_send(&self->net, self->sent, 60, 2));
	vhost_queue_expose(&self->net.tx);
	EXPECT_TRUE(arrives_at_socket(&self->net, 60, 1));
	EXPECT_EQ(0, vhost_queue_wait(&self->net.tx, 3));
}

TEST_F_TIMEOUT(net, receive_one_by_one, TEST_TIME_LIMIT)
{
	static const unsigned int lengths[] = { 60, 61, 64, 127, 512, 1000, 1024, 1513, 1514 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_LE(0, net_add_buffer(&self->net, 15, NET_SLOT_SIZE));
		vhost_queue_expose(&self->net.rx);
		ASSERT_TRUE(send_from_socket(&self->net, lengths[i], i));
		ASSERT_TRUE(arrives_at_guest(&self->net, lengths[i], i))
			TH_LOG("length %u", lengths[i]);
	}
}

/* More packets than buffers: they wait at the tap until there are more. */
TEST_F_TIMEOUT(net, receive_more_than_buffers, TEST_TIME_LIMIT)
{
	unsigned int i, number = 0, arrived = 0;

	for (; number < 100; number++)
		ASSERT_TRUE(send_from_socket(&self->net, 100 + number, number));
	while (arrived < 100) {
		for (i = 0; i < 7; i++)
			ASSERT_LE(0, net_add_buffer(&self->net, i, NET_SLOT_SIZE));
		vhost_queue_expose(&self->net.rx);
		for (i = 0; i < 7 && arrived < 100; i++, arrived++)
			ASSERT_TRUE(arrives_at_guest(&self->net, 100 + arrived, arrived))
				TH_LOG("frame %u", arrived);
	}
	EXPECT_EQ(-EAGAIN, driver_ring_reap(&self->net.rx.ring, NULL));
}

/* All buffers of the ring filled, given back and filled again. */
TEST_F_TIMEOUT(net, receive_full_ring, TEST_TIME_LIMIT)
{
	unsigned int round, i, number = 0, arrived = 0;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < NET_QUEUE_SIZE; i++)
			ASSERT_LE(0, net_add_buffer(&self->net, i, NET_SLOT_SIZE));
		vhost_queue_expose(&self->net.rx);
		for (i = 0; i < NET_QUEUE_SIZE; i++, number++)
			ASSERT_TRUE(send_from_socket(&self->net, 100 + number, number));
		for (i = 0; i < NET_QUEUE_SIZE; i++, arrived++)
			ASSERT_TRUE(arrives_at_guest(&self->net, 100 + arrived, arrived))
				TH_LOG("frame %u", arrived);
	}
}

/*
 * A frame larger than a buffer: with mergeable buffers it fills several, without
 * them it is dropped and the next one received.
 */
TEST_F_TIMEOUT(net, receive_larger_than_a_buffer, TEST_TIME_LIMIT)
{
	bool mergeable = variant->with.features & FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	unsigned int i;

	for (i = 0; i < 20; i++)
		ASSERT_LE(0, net_add_buffer(&self->net, i, 128));
	vhost_queue_expose(&self->net.rx);
	ASSERT_TRUE(send_from_socket(&self->net, 1000, 1));
	ASSERT_TRUE(send_from_socket(&self->net, 100, 2));
	ASSERT_TRUE(send_from_socket(&self->net, 1 + 2 * 128 - self->net.header, 3));
	ASSERT_TRUE(send_from_socket(&self->net, 2 * 128 - self->net.header, 4));
	if (mergeable)
		EXPECT_TRUE(arrives_at_guest(&self->net, 1000, 1));
	EXPECT_TRUE(arrives_at_guest(&self->net, 100, 2));
	if (!mergeable)
		return;
	EXPECT_TRUE(arrives_at_guest(&self->net, 1 + 2 * 128 - self->net.header, 3));
	EXPECT_TRUE(arrives_at_guest(&self->net, 2 * 128 - self->net.header, 4));
	/* 8, 1, 3 and 2 buffers. */
	EXPECT_EQ(NET_QUEUE_SIZE - (20 - 14), self->net.rx.ring.free_count);
}

/* The buffers for a frame come one by one: it is received once they suffice. */
TEST_F_TIMEOUT(net, receive_buffers_come_late, TEST_TIME_LIMIT)
{
	unsigned int i;

	if (!(variant->with.features & FEATURE(VIRTIO_NET_F_MRG_RXBUF)))
		return;
	ASSERT_TRUE(send_from_socket(&self->net, 1000, 1));
	for (i = 0; i < 7; i++) {
		ASSERT_LE(0, net_add_buffer(&self->net, i, 128));
		vhost_queue_expose(&self->net.rx);
		usleep(2000);
		ASSERT_EQ(0, driver_ring_used(&self->net.rx.ring));
	}
	ASSERT_LE(0, net_add_buffer(&self->net, i, 128));
	vhost_queue_expose(&self->net.rx);
	EXPECT_TRUE(arrives_at_guest(&self->net, 1000, 1));
}

/* A buffer in pieces, and in an indirect table. */
TEST_F_TIMEOUT(net, receive_indirect, TEST_TIME_LIMIT)
{
	static const uint16_t scattered[] = { 0, 2, 1, 3 };
	const uint16_t *order = is_mainline(&variant->with) ? NULL : scattered;
	uint64_t table_address = GUEST_MEMORY, start = NET_RX_SLOT(15);
	struct driver_buffer pieces[4] = {
		{ start, 5 }, { start + 5, 30 }, { start + 35, 1000 }, { start + 1035, 1000 },
	};
	struct vring_desc table[4];
	uint32_t length;

	driver_ring_fill_table(&self->net.rx.ring, table, pieces, 0, 4, order);
	guest_write(&self->net.device, table_address, table, sizeof(table));
	ASSERT_LE(0, driver_ring_add_table(&self->net.rx.ring, table_address, 4));
	ASSERT_LE(0, driver_ring_add(&self->net.rx.ring, pieces, 0, 4));
	vhost_queue_expose(&self->net.rx);

	ASSERT_TRUE(send_from_socket(&self->net, 1400, 5));
	ASSERT_EQ(0, vhost_queue_wait(&self->net.rx, 1));
	ASSERT_LE(0, driver_ring_reap(&self->net.rx.ring, &length));
	EXPECT_EQ(self->net.header + 1400, length);
	net_frame_fill(&self->net, self->sent, 1400, 5);
	guest_read(&self->net.device, self->received, start + self->net.header, 1400);
	EXPECT_EQ(0, memcmp(self->sent, self->received, 1400));

	ASSERT_TRUE(send_from_socket(&self->net, 200, 6));
	ASSERT_EQ(0, vhost_queue_wait(&self->net.rx, 1));
	ASSERT_LE(0, driver_ring_reap(&self->net.rx.ring, &length));
	EXPECT_EQ(self->net.header + 200, length);
	net_frame_fill(&self->net, self->sent, 200, 6);
	guest_read(&self->net.device, self->received, start + self->net.header, 200);
	EXPECT_EQ(0, memcmp(self->sent, self->received, 200));
}

/* Stopped in the midst of traffic, and started again where it was. */
TEST_F_TIMEOUT(net, transmit_stop_and_start, TEST_TIME_LIMIT)
{
	unsigned int round, i, number = 0, arrived = 0;
	int64_t base;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < NET_QUEUE_SIZE; i++, number++) {
			net_frame_fill(&self->net, self->sent, 100 + number, number);
			ASSERT_LE(0, net_send(&self->net, self->sent, 100 + number, i));
		}
		vhost_queue_expose(&self->net.tx);
		ASSERT_EQ(0, vhost_queue_net_backend(&self->net.tx, -1));
		base = vhost_queue_get_base(&self->net.tx);
		/* What was taken has been sent and given back. */
		ASSERT_EQ(driver_ring_device_base(&self->net.tx.ring), base);
		ASSERT_EQ(0, vhost_queue_set_base(&self->net.tx, base));
		ASSERT_EQ(0, vhost_queue_net_backend(&self->net.tx, self->net.tap.fd));
		ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, NET_QUEUE_SIZE));
		for (i = 0; i < NET_QUEUE_SIZE; i++, arrived++) {
			ASSERT_LE(0, driver_ring_reap(&self->net.tx.ring, NULL));
			ASSERT_TRUE(arrives_at_socket(&self->net, 100 + arrived, arrived))
				TH_LOG("frame %u", arrived);
		}
	}
}

TEST_F_TIMEOUT(net, receive_stop_and_start, TEST_TIME_LIMIT)
{
	unsigned int round, i, number = 0, arrived = 0;
	int64_t base;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < NET_QUEUE_SIZE; i++)
			ASSERT_LE(0, net_add_buffer(&self->net, i, NET_SLOT_SIZE));
		vhost_queue_expose(&self->net.rx);
		for (i = 0; i < NET_QUEUE_SIZE; i++, number++)
			ASSERT_TRUE(send_from_socket(&self->net, 100 + number, number));
		ASSERT_EQ(0, vhost_queue_net_backend(&self->net.rx, -1));
		base = vhost_queue_get_base(&self->net.rx);
		ASSERT_EQ(driver_ring_device_base(&self->net.rx.ring), base);
		ASSERT_EQ(0, vhost_queue_set_base(&self->net.rx, base));
		ASSERT_EQ(0, vhost_queue_net_backend(&self->net.rx, self->net.tap.fd));
		for (i = 0; i < NET_QUEUE_SIZE; i++, arrived++)
			ASSERT_TRUE(arrives_at_guest(&self->net, 100 + arrived, arrived))
				TH_LOG("frame %u", arrived);
	}
}

/* Both directions at once, each at its own pace. */
TEST_F_TIMEOUT(net, both_ways, TEST_TIME_LIMIT)
{
	unsigned int round, i, number = 0;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 8; i++) {
			net_frame_fill(&self->net, self->sent, 300, number + i);
			ASSERT_LE(0, net_send(&self->net, self->sent, 300, i));
			ASSERT_LE(0, net_add_buffer(&self->net, i, NET_SLOT_SIZE));
		}
		vhost_queue_expose(&self->net.rx);
		vhost_queue_expose(&self->net.tx);
		for (i = 0; i < 8; i++)
			ASSERT_TRUE(send_from_socket(&self->net, 400, number + i));
		for (i = 0; i < 8; i++) {
			ASSERT_TRUE(arrives_at_socket(&self->net, 300, number + i));
			ASSERT_TRUE(arrives_at_guest(&self->net, 400, number + i));
		}
		ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, 8));
		for (i = 0; i < 8; i++)
			ASSERT_LE(0, driver_ring_reap(&self->net.tx.ring, NULL));
		number += 8;
	}
}

/* Nobody is called who does not want it. */
TEST_F_TIMEOUT(net, no_call_unasked, TEST_TIME_LIMIT)
{
	unsigned int i;

	/* The first publication may call, whatever was asked for. */
	net_frame_fill(&self->net, self->sent, 100, 0);
	ASSERT_LE(0, net_send(&self->net, self->sent, 100, 0));
	vhost_queue_expose(&self->net.tx);
	ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, 1));
	ASSERT_LE(0, driver_ring_reap(&self->net.tx.ring, NULL));
	ASSERT_TRUE(arrives_at_socket(&self->net, 100, 0));
	/* Counted: what is under way may still arrive. */
	usleep(10000);
	eventfd_take(self->net.tx.call);

	driver_ring_calls_off(&self->net.tx.ring);
	for (i = 0; i < 5; i++) {
		net_frame_fill(&self->net, self->sent, 100, i);
		ASSERT_LE(0, net_send(&self->net, self->sent, 100, i));
		vhost_queue_expose(&self->net.tx);
		ASSERT_TRUE(arrives_at_socket(&self->net, 100, i));
	}
	while (driver_ring_used(&self->net.tx.ring) < 5)
		usleep(1000);
	EXPECT_EQ(0, eventfd_wait(self->net.tx.call, 20));
}

TEST_HARNESS_MAIN
