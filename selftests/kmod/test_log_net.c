// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log of a network device, compared with what has changed in guest
 * memory.  Mainline's device is a variant: a log means the same there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "log_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/* Of a receive buffer with mergeable buffers: a packet takes up to three. */
#define SMALL_BUFFER 600U
#define FRAMES 6U

/* Two pages, the second one of which can be taken away. */
#define FAULTING (GUEST_BORDER(0) + 0x100000)

FIXTURE(log_net) {
	struct net_setup net;
	struct log_setup log;
	bool is_mainline;
	bool mergeable;
};

FIXTURE_VARIANT(log_net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(log_net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_net, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_net, not_mergeable) {
	.with = { VQHOST_NET, FEATURE(VIRTIO_F_VERSION_1), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_net, split_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_IN_ORDER) |
		  FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000 },
};

FIXTURE_VARIANT_ADD(log_net, packed_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		  FEATURE(VIRTIO_F_IN_ORDER) | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 27 },
};

static unsigned int below(unsigned int limit)
{
	return random() % limit;
}

static int stop(struct net_setup *net)
{
	int err = vhost_queue_net_backend(&net->rx, -1);

	return err ? err : vhost_queue_net_backend(&net->tx, -1);
}

static int start(struct net_setup *net)
{
	int err = vhost_queue_net_backend(&net->rx, net->tap.fd);

	return err ? err : vhost_queue_net_backend(&net->tx, net->tap.fd);
}

static int log_rings(struct net_setup *net, bool on)
{
	int err = log_ring(&net->rx, on, on ? log_device_area(&net->rx) : 0);

	return err ? err : log_ring(&net->tx, on, on ? log_device_area(&net->tx) : 0);
}

FIXTURE_SETUP(log_net)
{
	srandom(1);
	self->is_mainline = !strcmp(variant->with.path, MAINLINE_NET);
	self->mergeable = variant->with.features & FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	ASSERT_EQ(0, net_setup_open(&self->net, &variant->with, ETHERTYPE_TEST, 0));
	ASSERT_EQ(0, stop(&self->net));
	ASSERT_EQ(0, log_setup_open(&self->log, &self->net.device));
	ASSERT_EQ(0, log_move_ring(&self->log, &self->net.rx));
	ASSERT_EQ(0, log_move_ring(&self->log, &self->net.tx));
	ASSERT_EQ(0, start(&self->net));
}

FIXTURE_TEARDOWN(log_net)
{
	stop(&self->net);
	log_ring_destroy(&self->net.rx);
	log_ring_destroy(&self->net.tx);
	log_setup_close(&self->log);
	net_setup_close(&self->net);
}

static int reap(struct vhost_queue *queue, unsigned int count)
{
	int ret = vhost_queue_wait(queue, count);

	for (; ret >= 0 && count; count--)
		ret = driver_ring_reap(&queue->ring, NULL);
	return ret < 0 ? ret : 0;
}

static int add_buffer(struct net_setup *net, uint64_t address, uint32_t length)
{
	struct driver_buffer buffer = { address, length };

	return driver_ring_add(&net->rx.ring, &buffer, 0, 1);
}

/* Buffers for a frame of that length, anywhere.  Returns how many, or -errno. */
static int add_buffers(struct log_setup *log, struct net_setup *net, bool mergeable,
		       unsigned int first, unsigned int length)
{
	uint32_t size = mergeable ? SMALL_BUFFER : 2000;
	uint32_t piece, left;
	unsigned int count;
	uint64_t address;
	int err;

	for (count = 0, left = net->header + length; left; count++, left -= piece) {
		piece = left < size ? left : size;
		address = GUEST_BORDER(1) - 0x10000 + (first + count) * 0x2000ULL + below(0x1800);
		/* Not all of a large buffer is written. */
		err = add_buffer(net, address, below(2) || piece < left ? size : 0x100000);
		if (err < 0)
			return err;
		log_note(log, address, piece, LOG_DEVICE);
	}
	return count;
}

/* Frames both ways, the queues stopped after each batch. */
TEST_F_TIMEOUT(log_net, frames, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	struct log_setup *log = &self->log;
	unsigned int round, i, buffers;
	unsigned int lengths[FRAMES];
	uint8_t frame[NET_FRAME_MAX];
	int ret;

	ASSERT_EQ(0, log_all(log, true));
	ASSERT_EQ(0, log_rings(net, true));
	for (round = 0; round < 8; round++) {
		for (i = 0; i < LOG_PAGES; i++)
			log->page[i] &= log->page[i] & LOG_DRIVER ? ~0 : ~LOG_DEVICE;
		log_note(log, log_device_area(&net->rx), 6 + 8 * NET_QUEUE_SIZE, LOG_DEVICE);
		log_note(log, log_device_area(&net->tx), 6 + 8 * NET_QUEUE_SIZE, LOG_DEVICE);
		log_note(log, NET_TX_SLOT(0), NET_QUEUE_SIZE * NET_SLOT_SIZE, LOG_DRIVER);
		for (i = 0, buffers = 0; i < FRAMES; i++, buffers += ret) {
			lengths[i] = 60 + below(NET_FRAME_MAX - 60);
			ret = add_buffers(log, net, self->mergeable, buffers, lengths[i]);
			ASSERT_LT(0, ret);
		}
		for (i = 0; i < FRAMES; i++) {
			net_frame_fill(net, frame, lengths[i], round * FRAMES + i);
			ASSERT_LE(0, net_send(net, frame, lengths[i], i));
		}
		log_begin(log);
		vhost_queue_expose(&net->rx);
		vhost_queue_expose(&net->tx);
		for (i = 0; i < FRAMES; i++) {
			net_frame_fill(net, frame, lengths[i], round * 1000 + i);
			ASSERT_EQ(lengths[i], send(net->tap.socket, frame, lengths[i], 0));
		}
		ASSERT_EQ(0, reap(&net->rx, buffers));
		ASSERT_EQ(0, reap(&net->tx, FRAMES));
		ASSERT_EQ(0, stop(net));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->rx));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->tx));
		EXPECT_EQ(0, log_superfluous(log));
		/* In a packed ring that is the event suppression alone. */
		if (!driver_ring_is_packed(&net->rx.ring)) {
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->rx)));
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->tx)));
		}
		ASSERT_EQ(0, start(net));
	}
	EXPECT_NE(0, eventfd_take(log->event));

	ASSERT_EQ(0, log_all(log, false));
	ASSERT_EQ(0, log_rings(net, false));
	log_begin(log);
	eventfd_take(log->event);
	ret = add_buffers(log, net, self->mergeable, 0, 100);
	ASSERT_EQ(1, ret);
	vhost_queue_expose(&net->rx);
	ASSERT_EQ(100, send(net->tap.socket, frame, 100, 0));
	ASSERT_EQ(0, reap(&net->rx, 1));
	ASSERT_EQ(0, stop(net));
	EXPECT_EQ(0, log_count(log));
	EXPECT_EQ(0, eventfd_take(log->event));
}

/* Rings are logged if each says so, whatever is said of the rest. */
TEST_F_TIMEOUT(log_net, rings_alone, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	struct log_setup *log = &self->log;
	uint8_t frame[100];

	ASSERT_EQ(0, log_ring(&net->rx, true, log_device_area(&net->rx)));
	ASSERT_LE(0, add_buffer(net, GUEST_BORDER(1), 2000));
	log_begin(log);
	vhost_queue_expose(&net->rx);
	net_frame_fill(net, frame, sizeof(frame), 1);
	ASSERT_EQ(sizeof(frame), send(net->tap.socket, frame, sizeof(frame), 0));
	ASSERT_EQ(0, reap(&net->rx, 1));
	ASSERT_EQ(0, stop(net));
	EXPECT_FALSE(log_is_set(log, GUEST_BORDER(1)));
	if (!driver_ring_is_packed(&net->rx.ring))
		EXPECT_TRUE(log_is_set(log, log_device_area(&net->rx)));
	EXPECT_FALSE(log_is_set(log, log_device_area(&net->tx)));
	EXPECT_EQ(0, log_missing_descriptors(log, &net->rx));
	EXPECT_EQ(0, log_superfluous(log));
}

/* The memory for part of a header is gone: the packet is dropped, but begun. */
TEST_F_TIMEOUT(log_net, dropped_in_part, TEST_TIME_LIMIT)
{
	struct vhost_device *device = &self->net.device;
	struct driver_buffer buffers[] = { { FAULTING, 4 }, { FAULTING + 0x1000, 2000 } };
	void *taken = guest_pointer(device, FAULTING + 0x1000);
	struct net_setup *net = &self->net;
	struct log_setup *log = &self->log;
	struct vqhost_vring_stats stats;
	unsigned int i = 0;
	uint8_t frame[1000];

	if (self->is_mainline)
		SKIP(return, "mainline does not log it");
	ASSERT_EQ(0, log_all(log, true));
	ASSERT_EQ(0, log_rings(net, true));
	log_note(log, FAULTING, 0x2000, LOG_DEVICE);
	memset(guest_pointer(device, FAULTING), 0xaa, 0x1000);
	ASSERT_LE(0, driver_ring_add(&net->rx.ring, buffers, 0, 2));
	log_begin(log);
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
	vhost_queue_expose(&net->rx);
	net_frame_fill(net, frame, sizeof(frame), 1);
	ASSERT_EQ(sizeof(frame), send(net->tap.socket, frame, sizeof(frame), 0));
	do {
		usleep(1000);
		ASSERT_EQ(0, vhost_queue_stats(&net->rx, &stats));
	} while (!stats.errors && ++i < TIME_LIMIT_MS);
	EXPECT_EQ(1, stats.errors);
	ASSERT_EQ(0, stop(net));
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
	EXPECT_NE(0, memcmp(log->before + FAULTING - GUEST_MEMORY,
			    guest_pointer(device, FAULTING), 0x1000));
	EXPECT_EQ(0, log_missing(log));
	EXPECT_EQ(0, log_superfluous(log));
}

/* A bitmap that is taken away: the queue is broken, with nothing lost silently. */
TEST_F_TIMEOUT(log_net, bitmap_taken_away, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	struct vqhost_vring_stats stats;
	uint8_t frame[100];

	if (self->is_mainline)
		SKIP(return, "mainline goes on without");
	ASSERT_EQ(0, log_all(&self->log, true));
	ASSERT_LE(0, add_buffer(net, GUEST_BORDER(1), 2000));
	ASSERT_EQ(0, munmap(self->log.area, LOG_AREA_SIZE));
	vhost_queue_expose(&net->rx);
	net_frame_fill(net, frame, sizeof(frame), 1);
	ASSERT_EQ(sizeof(frame), send(net->tap.socket, frame, sizeof(frame), 0));
	ASSERT_NE(0, eventfd_wait(net->rx.error, TIME_LIMIT_MS));
	ASSERT_EQ(0, vhost_queue_stats(&net->rx, &stats));
	EXPECT_EQ(VIRTQUEUE_LOG, stats.error);
}

TEST_HARNESS_MAIN
