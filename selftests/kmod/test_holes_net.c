// SPDX-License-Identifier: GPL-2.0
/*
 * Holes that network backends in kernels have had, one test each: what they are is
 * said in docs/threat-model.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

/* Where no other buffer is. */
#define ELSEWHERE (GUEST_BORDER(3) + 0x1000)

FIXTURE(net) {
	struct net_setup net;
	uint8_t frame[NET_FRAME_MAX];
	uint8_t received[2048];
};

FIXTURE_VARIANT(net) {
	uint64_t features;
	enum tap_kind kind;
};

FIXTURE_VARIANT_ADD(net, split) {
	.features = NET_FEATURES,
	.kind = TAP,
};

FIXTURE_VARIANT_ADD(net, packed) {
	.features = NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_F_IN_ORDER),
	.kind = TAP,
};

FIXTURE_VARIANT_ADD(net, macvtap) {
	.features = NET_FEATURES,
	.kind = MACVTAP,
};

FIXTURE_SETUP(net)
{
	struct net_variant with = { VQHOST_NET, variant->features, variant->kind, 0 };

	ASSERT_EQ(0, net_setup_open(&self->net, &with, ETHERTYPE_TEST, 0));
	net_frame_fill(&self->net, self->frame, sizeof(self->frame), 1);
}

FIXTURE_TEARDOWN(net)
{
	net_setup_close(&self->net);
}

static int restart(struct net_setup *net, struct vhost_queue *queue, unsigned int size)
{
	bool packed = queue->device->features & FEATURE(VIRTIO_F_RING_PACKED);
	int err = vhost_queue_net_backend(queue, -1);

	queue->ring.size = size;
	if (!err)
		err = vhost_queue_reset(queue, packed ? 0 : 7);
	return err ? err : vhost_queue_net_backend(queue, net->tap.fd);
}

/*
 * Mergeable buffers of one byte (CVE-2019-3900): a packet needs hundreds of chains,
 * so a batch that counts packets is one in which nobody else gets the CPU or the
 * queue.  All packets are there before the queue begins.
 */
TEST_F_TIMEOUT(net, one_byte_buffers, TEST_TIME_LIMIT)
{
	enum { SIZE = 32768, FRAMES = 40, LENGTH = 500 };
	struct net_setup *net = &self->net;
	struct vqhost_vring_stats before, stats;
	struct driver_buffer buffer = { .length = 1 };
	unsigned int i;

	ASSERT_EQ(0, vhost_queue_net_backend(&net->rx, -1));
	net->rx.ring.size = SIZE;
	ASSERT_EQ(0, vhost_queue_reset(&net->rx, 0));
	for (i = 0; i < SIZE; i++) {
		buffer.address = ELSEWHERE + i;
		ASSERT_LE(0, driver_ring_add(&net->rx.ring, &buffer, 0, 1));
	}
	vhost_queue_expose(&net->rx);
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(LENGTH, send(net->tap.socket, self->frame, LENGTH, 0));

	ASSERT_EQ(0, vhost_queue_stats(&net->rx, &before));
	ASSERT_EQ(0, vhost_queue_net_backend(&net->rx, net->tap.fd));
	ASSERT_EQ(0, vhost_queue_wait(&net->rx, FRAMES * (net->header + LENGTH)));
	ASSERT_EQ(0, vhost_queue_stats(&net->rx, &stats));
	EXPECT_EQ(FRAMES * (net->header + LENGTH), stats.chains - before.chains);
	EXPECT_LE(FRAMES, stats.batches - before.batches);
}

/* The same in a queue that no packet fits: the flood is dropped, control calls get in. */
TEST_F_TIMEOUT(net, one_byte_buffers_that_do_not_suffice, TEST_TIME_LIMIT)
{
	enum { SIZE = 1024, FRAMES = 300 };
	struct net_setup *net = &self->net;
	struct vhost_vring_state limit = { .index = NET_RX, .num = 50 };
	struct driver_buffer buffer = { .length = 1 };
	struct vqhost_vring_stats stats;
	unsigned int i;

	ASSERT_EQ(0, restart(net, &net->rx, SIZE));
	for (i = 0; i < SIZE; i++) {
		buffer.address = ELSEWHERE + i;
		ASSERT_LE(0, driver_ring_add(&net->rx.ring, &buffer, 0, 1));
	}
	vhost_queue_expose(&net->rx);
	for (i = 0; i < FRAMES; i++) {
		send(net->tap.socket, self->frame, sizeof(self->frame), 0);
		if (i % 10 == 0)
			ASSERT_EQ(0, ioctl(net->device.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					   &limit));
	}
	ASSERT_EQ(0, vhost_queue_stats(&net->rx, &stats));
	EXPECT_EQ(0, stats.error);
	EXPECT_LT(0, stats.errors);
	EXPECT_EQ(0, driver_ring_used(&net->rx.ring));
	EXPECT_TRUE(net_transmits(net, self->frame, sizeof(self->frame)));
}

/*
 * A packet of 4 GiB and a bit, made of one page named often: the tap counts in 32
 * bits and would send the bit.
 */
TEST_F_TIMEOUT(net, packet_longer_than_32_bits, TEST_TIME_LIMIT)
{
	enum { PIECES = 600, PIECE = GUEST_REGION_SIZE - 0x2000 };
	struct net_setup *net = &self->net;
	struct driver_buffer pieces[PIECES + 1];
	struct vqhost_vring_stats before, stats;
	uint64_t left = (1ULL << 32) + 60;
	unsigned int count = 1;

	ASSERT_EQ(0, restart(net, &net->tx, 1024));
	pieces[0] = (struct driver_buffer) { ELSEWHERE, net->header };
	for (; left; left -= pieces[count++].length)
		pieces[count] = (struct driver_buffer) { ELSEWHERE, left < PIECE ? left : PIECE };
	ASSERT_EQ(0, vhost_queue_stats(&net->tx, &before));
	ASSERT_LE(0, driver_ring_add(&net->tx.ring, pieces, count, 0));
	vhost_queue_expose(&net->tx);
	ASSERT_EQ(0, vhost_queue_wait(&net->tx, 1));
	ASSERT_LE(0, driver_ring_reap(&net->tx.ring, NULL));
	ASSERT_EQ(0, vhost_queue_stats(&net->tx, &stats));
	EXPECT_EQ(0, stats.error);
	EXPECT_EQ(before.errors + 1, stats.errors);
	EXPECT_EQ(before.bytes, stats.bytes);
	/* What arrives next is the next one. */
	EXPECT_TRUE(net_transmits(net, self->frame, sizeof(self->frame)));
}

/* Receive the same frame into memory that held @fill; keep all that is there now. */
static int receive_over(struct net_setup *net, const uint8_t *frame, unsigned int length,
			uint8_t fill, uint8_t *content, unsigned int size)
{
	uint32_t written;
	int head;

	memset(guest_pointer(&net->device, NET_RX_SLOT(0)), fill, size);
	if (net_add_buffer(net, 0, size) < 0)
		return -ENOSPC;
	vhost_queue_expose(&net->rx);
	if (send(net->tap.socket, frame, length, 0) != (ssize_t)length ||
	    vhost_queue_wait(&net->rx, 1))
		return -EIO;
	head = driver_ring_reap(&net->rx.ring, &written);
	guest_read(&net->device, content, NET_RX_SLOT(0), size);
	return head < 0 ? head : (int)written;
}

/* Every byte of a received header is written (as CVE-2018-1118). */
TEST_F_TIMEOUT(net, receive_header_is_defined, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	unsigned int length = 200, i;
	uint8_t other[2048];

	ASSERT_EQ(net->header + length, receive_over(net, self->frame, length, 0xa5,
						     self->received, sizeof(self->received)));
	ASSERT_EQ(net->header + length, receive_over(net, self->frame, length, 0x5a, other,
						     sizeof(other)));
	EXPECT_EQ(0, memcmp(self->received, other, net->header + length));
	EXPECT_EQ(0, memcmp(self->received + net->header, self->frame, length));
	for (i = net->header + length; i < sizeof(other); i++) {
		ASSERT_EQ(0xa5, self->received[i]);
		ASSERT_EQ(0x5a, other[i]);
	}
}

/* A link that is gone under traffic. */
TEST_F_TIMEOUT(net, link_deleted_under_traffic, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	struct vqhost_vring_stats stats;
	char command[64];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		ASSERT_LE(0, net_add_buffer(net, i, NET_SLOT_SIZE));
		ASSERT_LE(0, net_send(net, self->frame, sizeof(self->frame), i));
		send(net->tap.socket, self->frame, sizeof(self->frame), 0);
	}
	vhost_queue_expose(&net->tx);
	vhost_queue_expose(&net->rx);
	snprintf(command, sizeof(command), "ip link del %s", net->tap.name);
	ASSERT_EQ(0, system(command));
	/* Its packets are dropped, and the driver has its buffers back. */
	ASSERT_EQ(0, vhost_queue_wait(&net->tx, 16));
	while (driver_ring_reap(&net->tx.ring, NULL) >= 0)
		;
	for (i = 0; i < 16; i++)
		ASSERT_LE(0, net_send(net, self->frame, sizeof(self->frame), i));
	vhost_queue_expose(&net->tx);
	eventfd_write(net->tx.kick, 1);
	ASSERT_EQ(0, vhost_queue_wait(&net->tx, 16));
	ASSERT_EQ(0, vhost_queue_stats(&net->tx, &stats));
	EXPECT_EQ(0, stats.error);
	ASSERT_EQ(0, vhost_queue_stats(&net->rx, &stats));
	EXPECT_EQ(0, stats.error);
	/* A macvtap without a link is like one that nobody sends to. */
	EXPECT_EQ(variant->kind == TAP ? -EINVAL : 0,
		  vhost_queue_net_backend(&net->rx, net->tap.fd));
	EXPECT_EQ(0, vhost_queue_net_backend(&net->tx, -1));
}

/* A tap with room for one packet, before a link that is slow; no queue runs. */
FIXTURE(full_tap) {
	struct net_setup net;
};

FIXTURE_VARIANT(full_tap) {
	uint64_t features;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(full_tap, split) {
	.features = NET_FEATURES,
	.base = 7,
};

FIXTURE_VARIANT_ADD(full_tap, packed) {
	.features = NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_F_IN_ORDER),
	.base = 0,
};

FIXTURE_SETUP(full_tap)
{
	struct net_variant with = { VQHOST_NET, variant->features, TAP, variant->base };
	struct ifreq request = {
		.ifr_name = "full",
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	struct net_setup *net = &self->net;
	int limit = 1, header;

	ASSERT_EQ(0, net_setup_prepare(net, &with, ETHERTYPE_TEST, 0));
	header = net->header;
	close(net->tap.fd);
	net->tap.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ASSERT_LE(0, net->tap.fd);
	ASSERT_EQ(0, ioctl(net->tap.fd, TUNSETIFF, &request));
	ASSERT_EQ(0, ioctl(net->tap.fd, TUNSETVNETHDRSZ, &header));
	ASSERT_EQ(0, ioctl(net->tap.fd, TUNSETSNDBUF, &limit));
	ASSERT_EQ(0, system("ip link add slow type dummy && ip link add bridge type bridge && "
			    "ip link set full master bridge && ip link set slow master bridge && "
			    "tc qdisc add dev slow root tbf rate 1kbit burst 1600 limit 100000 && "
			    "ip link set full up && ip link set slow up && ip link set bridge up"));
}

FIXTURE_TEARDOWN(full_tap)
{
	net_setup_close(&self->net);
}

/* Gone while packets wait for room in it. */
TEST_F_TIMEOUT(full_tap, link_deleted_while_it_is_full, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	struct vqhost_vring_stats stats;
	uint8_t frame[NET_FRAME_MAX];
	unsigned int i;

	net_frame_fill(net, frame, sizeof(frame), 1);
	ASSERT_EQ(0, vhost_queue_net_backend(&net->tx, net->tap.fd));
	for (i = 0; i < 16; i++)
		ASSERT_LE(0, net_send(net, frame, sizeof(frame), i));
	vhost_queue_expose(&net->tx);
	eventfd_write(net->tx.kick, 1);
	ASSERT_EQ(0, vhost_queue_wait(&net->tx, 1));
	usleep(20000);
	ASSERT_GT(16, driver_ring_used(&net->tx.ring));
	ASSERT_EQ(0, system("ip link del full"));
	ASSERT_EQ(0, vhost_queue_wait(&net->tx, 16));
	ASSERT_EQ(0, vhost_queue_stats(&net->tx, &stats));
	EXPECT_EQ(0, stats.error);
}

TEST_HARNESS_MAIN
