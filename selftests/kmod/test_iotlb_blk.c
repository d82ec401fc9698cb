// SPDX-License-Identifier: GPL-2.0
/*
 * A disk behind an IOTLB: header, data, status and tables are missed, and mappings are
 * taken away while requests are under way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blk_setup.h"
#include "iotlb_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define FEATURES (BLK_FEATURES | FEATURE(VIRTIO_F_ACCESS_PLATFORM))
#define RING_SIZE 512

FIXTURE(iotlb_blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct iotlb_setup iotlb;
	int store;
	uint8_t *pattern;
	uint8_t *found;
};

FIXTURE_VARIANT(iotlb_blk) {
	enum store store;
	uint64_t features;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(iotlb_blk, tmpfs) {
	.store = STORE_TMPFS,
	.features = FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
};

FIXTURE_VARIANT_ADD(iotlb_blk, ram_disk) {
	.store = STORE_RAM_DISK,
	.features = FEATURES,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(iotlb_blk, delayed) {
	.store = STORE_DELAYED,
	.features = FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
};

FIXTURE_VARIANT_ADD(iotlb_blk, packed_delayed) {
	.store = STORE_DELAYED,
	.features = FEATURES | FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 5,
};

FIXTURE_SETUP(iotlb_blk)
{
	self->pattern = malloc(2 * BLK_DATA_MAX);
	ASSERT_NE(NULL, self->pattern);
	self->found = self->pattern + BLK_DATA_MAX;
	self->store = store_open(variant->store, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, iotlb_setup_open(&self->iotlb, &self->device, true));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, RING_SIZE, variant->base));
	ASSERT_EQ(0, iotlb_place_ring(&self->iotlb, &self->queue, IOTLB_RING(0)));
	ASSERT_EQ(0, iotlb_start_answering(&self->iotlb));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(iotlb_blk)
{
	iotlb_stop_answering(&self->iotlb);
	vhost_device_close(&self->device);
	iotlb_drop_ring(&self->queue);
	vhost_queue_close(&self->queue);
	iotlb_setup_close(&self->iotlb);
	close(self->store);
	free(self->pattern);
}

TEST_F_TIMEOUT(iotlb_blk, write_and_read, TEST_TIME_LIMIT)
{
	static const uint32_t lengths[] = { SECTOR, 4096, 4096 + SECTOR, BLK_DATA_MAX };
	struct vhost_queue *queue = &self->queue;
	unsigned int round, i, misses = 0;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			blk_pattern(self->pattern, lengths[i], 8 * i, round);
			guest_write(&self->device, BLK_DATA(0), self->pattern, lengths[i]);
			ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_OUT, 8 * i,
							  lengths[i]));
			memset(guest_pointer(&self->device, BLK_DATA(0)), 0, 4096);
			ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 8 * i,
							  lengths[i]));
			guest_read(&self->device, self->found, BLK_DATA(0), lengths[i]);
			ASSERT_EQ(0, memcmp(self->pattern, self->found, lengths[i]));
			ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_FLUSH, 0, 0));
		}
		if (!round)
			misses = iotlb_misses(&self->iotlb);
	}
	EXPECT_LT(BLK_DATA_MAX / IOTLB_PAGE, misses);
	EXPECT_EQ(misses, iotlb_misses(&self->iotlb));
}

/* What is answered at once, and what the work item does. */
TEST_F_TIMEOUT(iotlb_blk, other_requests, TEST_TIME_LIMIT)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = 0, .num_sectors = 8 };
	struct vqhost_blk_serial serial = { "behind an IOTLB" };
	struct vhost_queue *queue = &self->queue;
	unsigned int i;

	ASSERT_EQ(0, ioctl(self->device.fd, VQHOST_BLK_SET_SERIAL, &serial));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_GET_ID, 0, 20));
		ASSERT_EQ(0, memcmp(guest_pointer(&self->device, BLK_DATA(0)), &serial, 20));
		ASSERT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(queue, 77, 0, 0));
		ASSERT_EQ(VIRTIO_BLK_S_IOERR, blk_do(queue, VIRTIO_BLK_T_IN, BLK_SECTORS, 512));
		guest_write(&self->device, BLK_DATA(0), &range, sizeof(range));
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_WRITE_ZEROES, 0,
						  sizeof(range)));
		ASSERT_EQ(0, iotlb_invalidate(self->device.fd, true, 0, 0));
	}
}

/*
 * More pages than the queue has descriptors and remembers translations, in one
 * descriptor.  Each is missing at first, and each miss begins the request anew.
 */
TEST_F_TIMEOUT(iotlb_blk, many_pieces, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { GUEST_BORDER(2), 17 << 17 };
	struct vhost_queue *queue = &self->queue;
	uint8_t *guest = guest_pointer(&self->device, data.address);
	uint32_t i;

	for (i = 0; i < data.length; i += SECTOR)
		memset(guest + i, i / SECTOR * 7, SECTOR);
	ASSERT_LE(0, blk_add_pieces(queue, 0, VIRTIO_BLK_T_OUT, 0, &data, 1));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	memset(guest, 0, data.length);
	ASSERT_LE(0, blk_add_pieces(queue, 0, VIRTIO_BLK_T_IN, 0, &data, 1));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	for (i = 0; i < data.length; i += SECTOR)
		ASSERT_EQ((uint8_t)(i / SECTOR * 7), guest[i]);
}

/*
 * Every mapping is taken away while requests are under way, rings and status bytes
 * included: when the invalidation returns they are done, by the old mappings, and
 * nothing is written there any more.
 */
TEST_F_TIMEOUT(iotlb_blk, invalidate_in_flight, TEST_TIME_LIMIT)
{
	const uint64_t page = BLK_STATUS(0) - BLK_STATUS(0) % IOTLB_PAGE;
	struct vhost_queue *queue = &self->queue;
	unsigned int round, n, done;
	uint8_t *old, *new, *pages;
	uint8_t snapshot[IOTLB_PAGE];

	pages = mmap(NULL, 2 * IOTLB_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	old = pages;
	ASSERT_EQ(0, iotlb_move(&self->iotlb, page, old));
	for (round = 0; round < 10; round++) {
		new = old == pages ? pages + IOTLB_PAGE : pages;
		for (n = 0; n < 30; n++)
			ASSERT_LE(0, blk_add(queue, n, n % 2 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
					     8 * n, 4096));
		/* Headers as the device sees them, both before and after the move. */
		memcpy(old, guest_pointer(&self->device, page), IOTLB_PAGE);
		memcpy(new, old, IOTLB_PAGE);
		vhost_queue_expose(queue);
		usleep(round * 300);
		pthread_mutex_lock(&self->iotlb.lock);
		self->iotlb.alias[(page - GUEST_MEMORY) / IOTLB_PAGE] = new;
		ASSERT_EQ(0, iotlb_invalidate(self->device.fd, true, 0, 0));
		memcpy(snapshot, old, IOTLB_PAGE);
		pthread_mutex_unlock(&self->iotlb.lock);
		ASSERT_EQ(0, vhost_queue_wait(queue, 30));
		EXPECT_EQ(0, memcmp(snapshot, old, IOTLB_PAGE));
		for (n = 0; n < 30; n++) {
			ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
			/* In one page or the other, never in both. */
			done = old[BLK_STATUS(n) - page] == VIRTIO_BLK_S_OK;
			done += new[BLK_STATUS(n) - page] == VIRTIO_BLK_S_OK;
			ASSERT_EQ(1, done) TH_LOG("round %u, request %u", round, n);
		}
		old = new;
	}
}

/* A status byte that is missed: the request is done once, when it can be answered. */
TEST_F_TIMEOUT(iotlb_blk, status_missing, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { BLK_DATA(0), 4096 };
	struct vhost_queue *queue = &self->queue;
	struct driver_buffer buffers[3];
	struct vqhost_vring_stats stats;
	unsigned int misses;

	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	misses = iotlb_misses(&self->iotlb);
	iotlb_answers(&self->iotlb, false, VHOST_ACCESS_RW);
	blk_pattern(self->pattern, 4096, 0, 5);
	guest_write(&self->device, data.address, self->pattern, 4096);
	buffers[0] = (struct driver_buffer) { BLK_HEADER(0), 16 };
	buffers[1] = data;
	/* On a page of its own. */
	buffers[2] = (struct driver_buffer) { GUEST_BORDER(2) + 77, 1 };
	*(uint32_t *)guest_pointer(&self->device, BLK_HEADER(0)) = VIRTIO_BLK_T_OUT;
	ASSERT_LE(0, driver_ring_add(&queue->ring, buffers, 2, 1));
	vhost_queue_expose(queue);
	ASSERT_TRUE(iotlb_wait_misses(&self->iotlb, misses + 1));
	EXPECT_EQ(buffers[2].address, self->iotlb.last_miss.iova);
	EXPECT_EQ(VHOST_ACCESS_WO, self->iotlb.last_miss.perm);
	/* Nothing is under way: the data may still change. */
	blk_pattern(self->pattern, 4096, 0, 6);
	guest_write(&self->device, data.address, self->pattern, 4096);
	ASSERT_EQ(0, iotlb_answer_last(&self->iotlb, VHOST_ACCESS_RW));
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	EXPECT_EQ(VIRTIO_BLK_S_OK, *(uint8_t *)guest_pointer(&self->device, buffers[2].address));
	iotlb_answers(&self->iotlb, true, VHOST_ACCESS_RW);
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	guest_read(&self->device, self->found, BLK_DATA(0), 4096);
	EXPECT_EQ(0, memcmp(self->pattern, self->found, 4096));
	ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
	EXPECT_EQ(0, stats.errors);
}

TEST_HARNESS_MAIN
