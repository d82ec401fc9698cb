// SPDX-License-Identifier: GPL-2.0
/*
 * The eventfd of the dirty log: signalled after pages were logged, once for all that
 * is published together, and at no other time.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log_blk.h"
#include "log_net.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/* Publications of a queue so far, or -errno. */
static int64_t published(struct vhost_queue *queue)
{
	struct vqhost_vring_stats stats;
	int err = vhost_queue_stats(queue, &stats);

	return err ? err : (int64_t)stats.batches;
}

FIXTURE(log_event) {
	struct log_blk blk;
};

FIXTURE_VARIANT(log_event) {
	struct log_blk_variant with;
};

FIXTURE_VARIANT_ADD(log_event, split) {
	.with = { EVENT_INDEX, 0, STORE_TMPFS },
};

FIXTURE_VARIANT_ADD(log_event, packed) {
	.with = { PACKED, 0x8000, STORE_DELAYED },
};

FIXTURE_SETUP(log_event)
{
	ASSERT_EQ(0, log_blk_open(&self->blk, &variant->with));
}

FIXTURE_TEARDOWN(log_event)
{
	log_blk_close(&self->blk);
}

/* A batch of requests, and then the queue stopped: all is published and told. */
static int do_batch(struct log_blk *blk)
{
	unsigned int n;
	int ret = 0;

	for (n = 0; n < LOG_BLK_BATCH && ret >= 0; n++)
		ret = log_blk_add_any(blk, n);
	if (ret < 0)
		return ret;
	vhost_queue_expose(&blk->queue);
	ret = log_reap(&blk->queue, LOG_BLK_BATCH);
	if (!ret)
		ret = log_blk_stop(blk);
	return ret ? ret : log_blk_start(blk);
}

/* A status byte at least is written of each request, so that each batch tells of some. */
TEST_F_TIMEOUT(log_event, once_a_batch, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	int64_t before = published(queue);
	unsigned int round, signals = 0;

	ASSERT_EQ(0, log_all(&self->blk.log, true));
	for (round = 0; round < 8; round++) {
		ASSERT_EQ(0, do_batch(&self->blk));
		signals += eventfd_take(self->blk.log.event);
	}
	EXPECT_EQ(published(queue) - before, signals);
	EXPECT_LT(signals, 8 * LOG_BLK_BATCH);
}

/* Each publication, also if the queue does not run dry in between. */
TEST_F_TIMEOUT(log_event, once_a_publication, TEST_TIME_LIMIT)
{
	struct driver_buffer id = { BLK_DATA(0), VIRTIO_BLK_ID_BYTES };
	struct vhost_queue *queue = &self->blk.queue;
	const unsigned int requests = 200;
	int64_t before;
	unsigned int i;

	ASSERT_EQ(0, log_blk_stop(&self->blk));
	ASSERT_EQ(0, log_all(&self->blk.log, true));
	for (i = 0; i < requests; i++)
		ASSERT_LE(0, log_blk_add(&self->blk, 0, VIRTIO_BLK_T_GET_ID, 0, &id, 1, true));
	vhost_queue_expose(queue);
	before = published(queue);
	ASSERT_EQ(0, log_blk_start(&self->blk));
	ASSERT_EQ(0, log_reap(queue, requests));
	ASSERT_EQ(0, log_blk_stop(&self->blk));
	EXPECT_LT(before + 2, published(queue));
	EXPECT_EQ(published(queue) - before, eventfd_take(self->blk.log.event));
}

/*
 * A kick without a chain: nothing is published, but the ring says that kicks are off,
 * which is told of before the thread polls, and on again, before it sleeps.
 */
TEST_F_TIMEOUT(log_event, kick_for_nothing, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	/* With event index a driver stops kicking by itself. */
	const unsigned int writes = queue->ring.event_index ? 1 : 2;
	unsigned int i;
	int64_t sleeps;

	ASSERT_EQ(0, log_blk_stop(&self->blk));
	ASSERT_EQ(0, log_ring(queue, true, log_device_area(queue)));
	sleeps = log_sleeps(queue);
	ASSERT_EQ(0, log_blk_start(&self->blk));
	ASSERT_EQ(0, log_wait_asleep(queue, sleeps));
	EXPECT_NE(0, eventfd_take(self->blk.log.event));
	for (i = 0; i < 5; i++) {
		sleeps = log_sleeps(queue);
		ASSERT_EQ(0, eventfd_write(queue->kick, 1));
		ASSERT_EQ(0, log_wait_asleep(queue, sleeps));
		EXPECT_EQ(writes, eventfd_take(self->blk.log.event));
	}
}

/* What the memory table leaves out is not logged, so there is nothing to tell of. */
TEST_F_TIMEOUT(log_event, ring_outside_of_memory, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct vhost_device *device = &self->blk.device;
	struct {
		struct vhost_memory table;
		struct vhost_memory_region regions[GUEST_REGIONS - 1];
	} memory = { .table.nregions = GUEST_REGIONS - 1 };
	unsigned int i;

	/* Rings are in the last region. */
	for (i = 0; i < GUEST_REGIONS - 1; i++) {
		memory.regions[i] = (struct vhost_memory_region) {
			.guest_phys_addr = GUEST_BORDER(i),
			.memory_size = GUEST_REGION_SIZE,
			.userspace_addr = (uintptr_t)guest_pointer(device, GUEST_BORDER(i)),
		};
	}
	ASSERT_EQ(0, vhost_ioctl(device->fd, VHOST_SET_MEM_TABLE, &memory));
	ASSERT_EQ(0, log_ring(queue, true, log_device_area(queue)));
	ASSERT_EQ(0, do_batch(&self->blk));
	EXPECT_EQ(0, eventfd_take(self->blk.log.event));
	EXPECT_EQ(0, log_count(&self->blk.log));
}

/* Of a ring alone as well, and while the queue goes on. */
TEST_F_TIMEOUT(log_event, ring, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	unsigned int i;

	ASSERT_EQ(0, log_ring(queue, true, log_device_area(queue)));
	for (i = 0; i < 5; i++) {
		ASSERT_LE(0, log_blk_add_read(&self->blk, 0));
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
		EXPECT_NE(0, eventfd_wait(self->blk.log.event, TIME_LIMIT_MS));
	}
}

TEST_F_TIMEOUT(log_event, nothing_logged, TEST_TIME_LIMIT)
{
	int64_t before = published(&self->blk.queue);

	ASSERT_EQ(0, do_batch(&self->blk));
	ASSERT_EQ(0, log_blk_switch(&self->blk, true));
	ASSERT_EQ(0, do_batch(&self->blk));
	ASSERT_EQ(0, log_blk_switch(&self->blk, false));
	EXPECT_NE(0, eventfd_take(self->blk.log.event));
	ASSERT_EQ(0, do_batch(&self->blk));
	EXPECT_LT(before + 2, published(&self->blk.queue));
	EXPECT_EQ(0, eventfd_take(self->blk.log.event));
}

/* Another eventfd, or none, from the next batch on. */
TEST_F_TIMEOUT(log_event, exchanged, TEST_TIME_LIMIT)
{
	int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct log_setup *log = &self->blk.log;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, log_all(log, true));
	ASSERT_EQ(0, log_set_event(log, other));
	ASSERT_EQ(0, do_batch(&self->blk));
	EXPECT_EQ(0, eventfd_take(log->event));
	EXPECT_NE(0, eventfd_take(other));
	ASSERT_EQ(0, log_set_event(log, -1));
	log_begin(log);
	ASSERT_EQ(0, do_batch(&self->blk));
	EXPECT_EQ(0, eventfd_take(log->event));
	EXPECT_EQ(0, eventfd_take(other));
	EXPECT_NE(0, log_count(log));
	ASSERT_EQ(0, log_set_event(log, log->event));
	ASSERT_EQ(0, do_batch(&self->blk));
	EXPECT_NE(0, eventfd_take(log->event));
	close(other);
}

/* What was logged before a chain broke the queue is told of all the same. */
TEST_F_TIMEOUT(log_event, broken, TEST_TIME_LIMIT)
{
	struct driver_buffer id = { BLK_DATA(0), VIRTIO_BLK_ID_BYTES };
	struct driver_buffer nowhere = { GUEST_MEMORY - 0x1000, 16 };
	struct vhost_queue *queue = &self->blk.queue;

	ASSERT_EQ(0, log_all(&self->blk.log, true));
	ASSERT_LE(0, log_blk_add(&self->blk, 0, VIRTIO_BLK_T_GET_ID, 0, &id, 1, true));
	ASSERT_LE(0, driver_ring_add(&queue->ring, &nowhere, 1, 0));
	vhost_queue_expose(queue);
	ASSERT_LT(0, log_broken(queue));
	EXPECT_NE(0, eventfd_wait(self->blk.log.event, TIME_LIMIT_MS));
}

FIXTURE(log_event_net) {
	struct log_net guest;
};

FIXTURE_VARIANT(log_event_net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(log_event_net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_event_net, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_event_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | PACKED | EVENT_INDEX, TAP, 0x8000 },
};

FIXTURE_SETUP(log_event_net)
{
	ASSERT_EQ(0, log_net_open(&self->guest, &variant->with, 0));
}

FIXTURE_TEARDOWN(log_event_net)
{
	log_net_close(&self->guest);
}

/* Mainline tells of each frame. */
TEST_F_TIMEOUT(log_event_net, received, TEST_TIME_LIMIT)
{
	int event = self->guest.log.event;
	struct vhost_queue *rx = &self->guest.net.rx;
	int64_t before = published(rx);
	uint64_t expected;
	unsigned int i;

	ASSERT_EQ(0, log_all(&self->guest.log, true));
	for (i = 0; i < NET_QUEUE_SIZE; i++)
		ASSERT_LE(0, net_add_buffer(&self->guest.net, i, NET_SLOT_SIZE));
	vhost_queue_expose(rx);
	for (i = 0; i < NET_QUEUE_SIZE; i++)
		ASSERT_EQ(0, log_net_send_to_guest(&self->guest, 100, i));
	ASSERT_EQ(0, log_reap(rx, NET_QUEUE_SIZE));
	ASSERT_EQ(0, log_net_stop(&self->guest));
	expected = self->guest.is_mainline ? NET_QUEUE_SIZE : published(rx) - before;
	EXPECT_NE(0, expected);
	EXPECT_EQ(expected, eventfd_take(event));
}

/* By frames of the guest nothing is written but the ring. */
TEST_F_TIMEOUT(log_event_net, transmitted, TEST_TIME_LIMIT)
{
	int event = self->guest.log.event;
	struct vhost_queue *tx = &self->guest.net.tx;
	uint8_t frame[100];

	net_frame_fill(&self->guest.net, frame, sizeof(frame), 1);
	ASSERT_EQ(0, log_all(&self->guest.log, true));
	ASSERT_LE(0, net_send(&self->guest.net, frame, sizeof(frame), 0));
	vhost_queue_expose(tx);
	ASSERT_EQ(0, log_reap(tx, 1));
	ASSERT_EQ(0, log_net_stop(&self->guest));
	EXPECT_EQ(0, eventfd_take(event));
	ASSERT_EQ(0, log_net_start(&self->guest));
	ASSERT_EQ(0, log_ring(tx, true, log_device_area(tx)));
	ASSERT_LE(0, net_send(&self->guest.net, frame, sizeof(frame), 0));
	vhost_queue_expose(tx);
	ASSERT_EQ(0, log_reap(tx, 1));
	ASSERT_EQ(0, log_net_stop(&self->guest));
	EXPECT_NE(0, eventfd_take(event));
}

TEST_HARNESS_MAIN
