// SPDX-License-Identifier: GPL-2.0
/*
 * Packets through a network device behind an IOTLB: misses are served by a thread
 * that plays the VMM, every page lies elsewhere, and rings lie across pages.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tasks.h"
#include "iotlb_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define FEATURES (NET_FEATURES | FEATURE(VIRTIO_F_ACCESS_PLATFORM))

/* Rings of several pages each. */
#define RING_SIZE 512

#ifndef VHOST_BACKEND_F_IOTLB_BATCH
#define VHOST_BACKEND_F_IOTLB_BATCH 2
#define VHOST_IOTLB_BATCH_BEGIN 5
#define VHOST_IOTLB_BATCH_END 6
#endif

FIXTURE(iotlb_net) {
	struct net_setup net;
	struct iotlb_setup iotlb;
	uint8_t frame[NET_FRAME_MAX];
};

FIXTURE_VARIANT(iotlb_net) {
	const char *path;
	uint64_t features;
	uint16_t base;
	bool is_v2;
};

FIXTURE_VARIANT_ADD(iotlb_net, split) {
	.path = VQHOST_NET,
	.features = FEATURES,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(iotlb_net, split_event_index) {
	.path = VQHOST_NET,
	.features = FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.is_v2 = true,
};

FIXTURE_VARIANT_ADD(iotlb_net, packed_event_index) {
	.path = VQHOST_NET,
	.features = FEATURES | FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 500,
	.is_v2 = true,
};

FIXTURE_VARIANT_ADD(iotlb_net, packed_in_order) {
	.path = VQHOST_NET,
	.features = FEATURES | FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_F_IN_ORDER),
	.base = 0x8000,
	.is_v2 = true,
};

FIXTURE_VARIANT_ADD(iotlb_net, mainline) {
	.path = MAINLINE_NET,
	.features = FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.is_v2 = true,
};

static int open_net(struct net_setup *net, struct iotlb_setup *iotlb, const char *path,
		    uint64_t features, uint16_t base, bool is_v2)
{
	int err;

	memset(net, 0, sizeof(*net));
	net->header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	if (!strcmp(path, MAINLINE_NET) && access(MAINLINE_NET, F_OK) &&
	    system("modprobe vhost_net"))
		return -ECHILD;
	err = tap_open(&net->tap, TAP, net->header, ETHERTYPE_TEST, 0);
	if (!err)
		err = vhost_device_open(&net->device, path, features);
	if (!err)
		err = iotlb_setup_open(iotlb, &net->device, is_v2);
	if (!err)
		err = vhost_queue_open(&net->rx, &net->device, NET_RX, RING_SIZE, base);
	if (!err)
		err = vhost_queue_open(&net->tx, &net->device, NET_TX, RING_SIZE, base);
	if (!err)
		err = iotlb_place_ring(iotlb, &net->rx, IOTLB_RING(0));
	if (!err)
		err = iotlb_place_ring(iotlb, &net->tx, IOTLB_RING(1));
	if (!err)
		err = iotlb_start_answering(iotlb);
	if (!err)
		err = vhost_queue_net_backend(&net->rx, net->tap.fd);
	if (!err)
		err = vhost_queue_net_backend(&net->tx, net->tap.fd);
	return err;
}

static void close_net(struct net_setup *net, struct iotlb_setup *iotlb)
{
	iotlb_stop_answering(iotlb);
	iotlb_drop_ring(&net->rx);
	iotlb_drop_ring(&net->tx);
	net_setup_close(net);
	iotlb_setup_close(iotlb);
}

FIXTURE_SETUP(iotlb_net)
{
	ASSERT_EQ(0, open_net(&self->net, &self->iotlb, variant->path, variant->features,
			      variant->base, variant->is_v2));
}

FIXTURE_TEARDOWN(iotlb_net)
{
	close_net(&self->net, &self->iotlb);
}

static bool is_mainline(const char *path)
{
	return !strcmp(path, MAINLINE_NET);
}

/* One frame from guest to host, in slot @n, and the chain back. */
static bool transmit(struct net_setup *net, unsigned int n, unsigned int number)
{
	uint8_t frame[1000], received[2000];

	net_frame_fill(net, frame, sizeof(frame), number);
	if (net_send(net, frame, sizeof(frame), n) < 0)
		return false;
	vhost_queue_expose(&net->tx);
	return net_receive_from_socket(net, received, sizeof(received)) == sizeof(frame) &&
	       !memcmp(frame, received, sizeof(frame)) && !vhost_queue_wait(&net->tx, 1) &&
	       driver_ring_reap(&net->tx.ring, NULL) >= 0;
}

static bool send_to_guest(struct net_setup *net, unsigned int number)
{
	uint8_t frame[1000];

	net_frame_fill(net, frame, sizeof(frame), number);
	return send(net->tap.socket, frame, sizeof(frame), 0) == sizeof(frame);
}

static bool arrived(struct net_setup *net, unsigned int number)
{
	uint8_t frame[1000], received[2000];

	net_frame_fill(net, frame, sizeof(frame), number);
	return net_receive(net, received, sizeof(received)) ==
	       (int)(net->header + sizeof(frame)) &&
	       !memcmp(frame, received + net->header, sizeof(frame));
}

/* One frame from host to guest, into slot @n. */
static bool receive(struct net_setup *net, unsigned int n, unsigned int number)
{
	if (net_add_buffer(net, n, NET_SLOT_SIZE) < 0)
		return false;
	vhost_queue_expose(&net->rx);
	return send_to_guest(net, number) && arrived(net, number);
}

/* Everything is missed once; after that, around the rings, nothing. */
TEST_F_TIMEOUT(iotlb_net, both_ways, TEST_TIME_LIMIT)
{
	const unsigned int slots = 24;
	unsigned int i, misses = 0;

	for (i = 0; i < RING_SIZE + 2 * slots; i++) {
		ASSERT_TRUE(transmit(&self->net, i % slots, i)) TH_LOG("frame %u", i);
		ASSERT_TRUE(receive(&self->net, i % slots, i)) TH_LOG("frame %u", i);
		if (i == slots) {
			misses = iotlb_misses(&self->iotlb);
			/* Pages of buffers, and some of the rings. */
			EXPECT_LT(slots, misses);
		}
	}
	/* All the pages of the rings were looked up before. */
	if (!is_mainline(variant->path))
		EXPECT_EQ(misses, iotlb_misses(&self->iotlb));
}

/* Chains that miss several times each, in a table that is missed as well. */
TEST_F_TIMEOUT(iotlb_net, indirect, TEST_TIME_LIMIT)
{
	const uint64_t table_address = GUEST_MEMORY + IOTLB_PAGE - 24;
	struct driver_buffer pieces[5];
	uint8_t received[2000];
	struct vring_desc table[5];
	uint64_t start;
	unsigned int i, n;

	for (n = 0; n < 8; n++) {
		start = NET_TX_SLOT(2 * n);
		net_frame_fill(&self->net, self->frame, 1000, n);
		for (i = 0; i < 5; i++)
			pieces[i] = (struct driver_buffer) { start + 200 * i, 200 };
		pieces[4].length += self->net.header;
		guest_write(&self->net.device, start + self->net.header, self->frame, 1000);
		driver_ring_fill_table(&self->net.tx.ring, table, pieces, 5, 0, NULL);
		guest_write(&self->net.device, table_address + n * 2 * IOTLB_PAGE, table,
			    sizeof(table));
		ASSERT_LE(0, driver_ring_add_table(&self->net.tx.ring,
						   table_address + n * 2 * IOTLB_PAGE, 5));
	}
	vhost_queue_expose(&self->net.tx);
	for (n = 0; n < 8; n++) {
		net_frame_fill(&self->net, self->frame, 1000, n);
		ASSERT_EQ(1000, net_receive_from_socket(&self->net, received, sizeof(received)));
		ASSERT_EQ(0, memcmp(self->frame, received, 1000));
	}
	ASSERT_EQ(0, vhost_queue_wait(&self->net.tx, 8));
}

/* A frame over many buffers, each on a page that is missed: taken all or none. */
TEST_F_TIMEOUT(iotlb_net, mergeable, TEST_TIME_LIMIT)
{
	struct driver_buffer buffer = { .length = 128 };
	unsigned int i;

	for (i = 0; i < 12; i++) {
		buffer.address = GUEST_MEMORY + i * IOTLB_PAGE - i;
		ASSERT_LE(0, driver_ring_add(&self->net.rx.ring, &buffer, 0, 1));
	}
	vhost_queue_expose(&self->net.rx);
	ASSERT_TRUE(send_to_guest(&self->net, 1));
	EXPECT_TRUE(arrived(&self->net, 1));
}

/*
 * Add a frame of 1000 bytes to the transmit queue, which waits for an answer that does
 * not come.  Returns where it would go on: before that frame, or -1.
 */
static int64_t transmit_missing(struct net_setup *net, struct iotlb_setup *iotlb)
{
	unsigned int misses;
	uint8_t frame[1000];
	int64_t base;

	/* The other queue shall have found its ring as well. */
	if (!transmit(net, 0, 0) || !receive(net, 0, 0))
		return -1;
	misses = iotlb_misses(iotlb);
	base = vhost_queue_get_base(&net->tx);
	iotlb_answers(iotlb, false, VHOST_ACCESS_RW);
	net_frame_fill(net, frame, sizeof(frame), 1);
	if (net_send(net, frame, sizeof(frame), 4) < 0)
		return -1;
	vhost_queue_expose(&net->tx);
	return iotlb_wait_misses(iotlb, misses + 1) ? base : -1;
}

/* One message, however often the driver kicks, and whatever else is asked meanwhile. */
TEST_F_TIMEOUT(iotlb_net, no_miss_twice, TEST_TIME_LIMIT)
{
	struct vhost_queue *tx = &self->net.tx;
	struct vqhost_vring_stats before, after;
	unsigned int i, misses;
	int64_t base;

	if (is_mainline(variant->path))
		return;
	base = transmit_missing(&self->net, &self->iotlb);
	ASSERT_LE(0, base);
	misses = iotlb_misses(&self->iotlb);
	ASSERT_EQ(0, vhost_queue_stats(tx, &before));
	for (i = 0; i < 20; i++) {
		eventfd_write(tx->kick, 1);
		/* Parked and unparked: it tries again each time. */
		ASSERT_EQ(base, vhost_queue_get_base(tx));
		/* Of another page. */
		ASSERT_EQ(0, iotlb_map(&self->iotlb, NET_TX_SLOT(0), 1, VHOST_ACCESS_RW));
		usleep(1000);
	}
	EXPECT_EQ(misses, iotlb_misses(&self->iotlb));
	ASSERT_EQ(0, vhost_queue_stats(tx, &after));
	EXPECT_EQ(before.misses, after.misses);
	EXPECT_EQ(before.chains, after.chains);
	/* Nor does it spin: it sleeps once more for each of our calls. */
	EXPECT_GE(before.sleeps + 3 * 20, after.sleeps);
	EXPECT_EQ(0, after.error);
	ASSERT_EQ(0, iotlb_answer_last(&self->iotlb, VHOST_ACCESS_RW));
	iotlb_answers(&self->iotlb, true, VHOST_ACCESS_RW);
	EXPECT_EQ(1000, net_receive_from_socket(&self->net, self->frame, sizeof(self->frame)));
}

/* Stopped while it waits: the chain was never taken, and is served after all. */
TEST_F_TIMEOUT(iotlb_net, stop_while_missing, TEST_TIME_LIMIT)
{
	struct vhost_queue *tx = &self->net.tx;
	int64_t base;

	base = transmit_missing(&self->net, &self->iotlb);
	ASSERT_LE(0, base);
	ASSERT_EQ(0, vhost_queue_net_backend(tx, -1));
	ASSERT_EQ(base, vhost_queue_get_base(tx));
	iotlb_answers(&self->iotlb, true, VHOST_ACCESS_RW);
	ASSERT_EQ(0, vhost_queue_net_backend(tx, self->net.tap.fd));
	EXPECT_EQ(1000, net_receive_from_socket(&self->net, self->frame, sizeof(self->frame)));
	EXPECT_EQ(0, vhost_queue_wait(tx, 1));
}

/* An access that the mapping denies is a miss, which says what was wanted. */
TEST_F_TIMEOUT(iotlb_net, permission, TEST_TIME_LIMIT)
{
	static const struct {
		uint8_t granted;
		uint8_t wanted;
	} cases[] = { { VHOST_ACCESS_WO, VHOST_ACCESS_RO }, { VHOST_ACCESS_RO, VHOST_ACCESS_WO } };
	unsigned int i, misses;

	if (is_mainline(variant->path))
		return;
	ASSERT_TRUE(transmit(&self->net, 0, 0));
	ASSERT_TRUE(receive(&self->net, 0, 0));
	iotlb_answers(&self->iotlb, false, VHOST_ACCESS_RW);
	for (i = 0; i < 2; i++) {
		misses = iotlb_misses(&self->iotlb);
		/* The rings' other pages are in use by now, slot 4 is not. */
		ASSERT_EQ(0, iotlb_map(&self->iotlb, i ? NET_RX_SLOT(4) : NET_TX_SLOT(4),
				       NET_SLOT_SIZE, cases[i].granted));
		net_frame_fill(&self->net, self->frame, 1000, 1);
		if (i) {
			ASSERT_LE(0, net_add_buffer(&self->net, 4, NET_SLOT_SIZE));
			vhost_queue_expose(&self->net.rx);
			ASSERT_TRUE(send_to_guest(&self->net, 1));
		} else {
			ASSERT_LE(0, net_send(&self->net, self->frame, 1000, 4));
			vhost_queue_expose(&self->net.tx);
		}
		ASSERT_TRUE(iotlb_wait_misses(&self->iotlb, misses + 1));
		EXPECT_EQ(cases[i].wanted, self->iotlb.last_miss.perm);
		EXPECT_EQ(i ? NET_RX_SLOT(4) : NET_TX_SLOT(4), self->iotlb.last_miss.iova);
		ASSERT_EQ(0, iotlb_map(&self->iotlb, i ? NET_RX_SLOT(4) : NET_TX_SLOT(4),
				       NET_SLOT_SIZE, VHOST_ACCESS_RW));
		if (i) {
			EXPECT_TRUE(arrived(&self->net, 1));
		} else {
			EXPECT_EQ(1000, net_receive_from_socket(&self->net, self->frame,
								sizeof(self->frame)));
		}
	}
}

/*
 * A page is moved again and again while frames are written to it.  Once the
 * invalidation has returned, the old page never changes, and the new one is used.
 */
TEST_F_TIMEOUT(iotlb_net, invalidate_under_traffic, TEST_TIME_LIMIT)
{
	const uint64_t page = NET_RX_SLOT(1) - NET_RX_SLOT(1) % IOTLB_PAGE;
	struct driver_buffer buffer = { page + 64, 2000 };
	uint8_t *old, *new, *pages, snapshot[IOTLB_PAGE];
	unsigned int round, i;
	uint32_t length;

	pages = mmap(NULL, 2 * IOTLB_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	old = pages;
	memset(pages, 0, 2 * IOTLB_PAGE);
	ASSERT_EQ(0, iotlb_move(&self->iotlb, page, old));
	for (round = 0; round < 30; round++) {
		new = old == pages ? pages + IOTLB_PAGE : pages;
		for (i = 0; i < 32; i++)
			ASSERT_LE(0, driver_ring_add(&self->net.rx.ring, &buffer, 0, 1));
		vhost_queue_expose(&self->net.rx);
		for (i = 0; i < 16; i++)
			ASSERT_TRUE(send_to_guest(&self->net, 100 * round + i));
		ASSERT_EQ(0, iotlb_move(&self->iotlb, page, new));
		memcpy(snapshot, old, IOTLB_PAGE);
		memset(new, 0xee, IOTLB_PAGE);
		for (; i < 32; i++)
			ASSERT_TRUE(send_to_guest(&self->net, 100 * round + i));
		ASSERT_EQ(0, vhost_queue_wait(&self->net.rx, 32));
		for (i = 0; i < 32; i++) {
			ASSERT_LE(0, driver_ring_reap(&self->net.rx.ring, &length));
			ASSERT_EQ(self->net.header + 1000, length);
		}
		ASSERT_EQ(0, memcmp(snapshot, old, IOTLB_PAGE));
		net_frame_fill(&self->net, self->frame, 1000, 100 * round + 31);
		ASSERT_EQ(0, memcmp(new + 64 + self->net.header, self->frame, 1000));
		old = new;
	}
}

/* A mapping is replaced without an invalidation: from then on the new one counts. */
TEST_F_TIMEOUT(iotlb_net, replace, TEST_TIME_LIMIT)
{
	const uint64_t page = NET_TX_SLOT(1) - NET_TX_SLOT(1) % IOTLB_PAGE;
	struct driver_buffer buffer = { page, self->net.header + 1000 };
	uint8_t received[2000];
	uint8_t *pages;
	unsigned int i;

	if (is_mainline(variant->path))
		return;
	pages = mmap(NULL, 2 * IOTLB_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	for (i = 0; i < 10; i++) {
		/* Twice the size, so that parts of neighbours are replaced, too. */
		ASSERT_EQ(0, iotlb_update(self->net.device.fd, variant->is_v2, page - 16,
					  IOTLB_PAGE, pages + (i % 2) * 32, VHOST_ACCESS_RO));
		memset(pages + (i % 2) * 32 + 16, 0, self->net.header);
		net_frame_fill(&self->net, pages + (i % 2) * 32 + 16 + self->net.header, 1000, i);
		ASSERT_LE(0, driver_ring_add(&self->net.tx.ring, &buffer, 1, 0));
		vhost_queue_expose(&self->net.tx);
		net_frame_fill(&self->net, self->frame, 1000, i);
		ASSERT_EQ(1000, net_receive_from_socket(&self->net, received, sizeof(received)));
		ASSERT_EQ(0, memcmp(self->frame, received, 1000));
	}
}

/* All is taken away and comes back, rings included, in batches and without. */
TEST_F_TIMEOUT(iotlb_net, invalidate_all, TEST_TIME_LIMIT)
{
	uint64_t features = FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2) |
			    FEATURE(VHOST_BACKEND_F_IOTLB_BATCH);
	struct vhost_iotlb_msg begin = { .type = VHOST_IOTLB_BATCH_BEGIN };
	struct vhost_iotlb_msg end = { .type = VHOST_IOTLB_BATCH_END };
	bool batch = variant->is_v2 && !is_mainline(variant->path);
	int fd = self->net.device.fd;
	unsigned int i, n;

	if (batch)
		ASSERT_EQ(0, ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(transmit(&self->net, i % 4, i));
		ASSERT_TRUE(receive(&self->net, i % 4, i));
		if (batch)
			ASSERT_EQ(0, iotlb_write(fd, variant->is_v2, &begin));
		for (n = 0; batch && n < 50; n++)
			ASSERT_EQ(0, iotlb_invalidate(fd, variant->is_v2,
						      GUEST_MEMORY + n * IOTLB_PAGE, IOTLB_PAGE));
		ASSERT_EQ(0, iotlb_invalidate(fd, variant->is_v2, 0, i % 2 ? 0 : ~0ULL));
		if (batch)
			ASSERT_EQ(0, iotlb_write(fd, variant->is_v2, &end));
		/* Mainline's queue finds no ring, and nobody wakes it but a kick. */
		eventfd_write(self->net.rx.kick, 1);
	}
}

/* The owner is killed while queues wait for it: they end. */
TEST_F_TIMEOUT(iotlb_net, killed_while_missing, TEST_TIME_LIMIT)
{
	struct iotlb_setup *iotlb;
	struct net_setup net;
	int pipe_fds[2], status;
	unsigned int i;
	pid_t child;
	char ready;

	if (is_mainline(variant->path))
		return;
	ASSERT_EQ(0, pipe(pipe_fds));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The one of our parent is not ours. */
		iotlb = calloc(1, sizeof(*iotlb));
		if (!iotlb || open_net(&net, iotlb, variant->path, variant->features,
				       variant->base, variant->is_v2))
			_exit(1);
		iotlb_answers(iotlb, false, VHOST_ACCESS_RW);
		net_frame_fill(&net, self->frame, 1000, 1);
		net_send(&net, self->frame, 1000, 4);
		vhost_queue_expose(&net.tx);
		iotlb_wait_misses(iotlb, 1);
		usleep(10000);
		if (write(pipe_fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(pipe_fds[1]);
	ASSERT_EQ(1, read(pipe_fds[0], &ready, 1));
	EXPECT_NE(0, tasks_serving(child, "vqhost-net"));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	for (i = 0; i < 1000 && tasks_serving(child, "vqhost-net"); i++)
		usleep(10000);
	EXPECT_EQ(0, tasks_serving(child, "vqhost-net"));
}

TEST_HARNESS_MAIN
