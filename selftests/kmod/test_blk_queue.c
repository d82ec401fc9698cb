// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of a disk: stopped and started under load, many at once, and requests that
 * complete in another order than they came in.
 */
#include <pthread.h>
#include <string.h>

#include "blk_fixture.h"

/*
 * Stopped with requests under way: what was taken has completed when the call
 * returns, the rest is taken after the next start; each exactly once.
 */
TEST_F_TIMEOUT(blk, stop_and_start, TEST_TIME_LIMIT)
{
	const unsigned int requests = BLK_QUEUE_SIZE / 3;
	struct vhost_queue *queue = &self->queue;
	unsigned int round, n, done;
	int64_t base;

	for (round = 0; round < 8; round++) {
		for (n = 0; n < requests; n++) {
			blk_pattern(self->pattern, 4096, 8 * n, round);
			guest_write(&self->device, BLK_DATA(n), self->pattern, 4096);
			ASSERT_LE(0, blk_add(queue, n, VIRTIO_BLK_T_OUT, 8 * n, 4096));
		}
		vhost_queue_expose(queue);
		usleep(round * 300);
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		base = vhost_queue_get_base(queue);
		ASSERT_EQ(driver_ring_device_base(&queue->ring), base);
		for (n = 0, done = 0; n < requests; n++)
			done += blk_status(queue, n) == VIRTIO_BLK_S_OK;
		EXPECT_EQ(driver_ring_used(&queue->ring), done);
		ASSERT_EQ(0, vhost_queue_set_base(queue, base));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, self->store, 0));
		ASSERT_EQ(0, vhost_queue_wait(queue, requests));
		for (n = 0; n < requests; n++) {
			ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
			blk_pattern(self->pattern, 4096, 8 * n, round);
			ASSERT_TRUE(blk_stored(self->store, self->pattern, 4096, 8 * n));
		}
	}
}

#define QUEUES 4

struct worker {
	struct vhost_queue queue;
	unsigned int number;
	bool ok;
};

/* Write and read back in a part of the disk of one's own. */
static void *use_queue(void *argument)
{
	struct worker *worker = argument;
	struct vhost_queue *queue = &worker->queue;
	unsigned int slot = 40 + worker->number;
	uint8_t pattern[4096], found[4096];
	unsigned int i, seed;
	uint64_t sector;
	bool ok = true;

	for (i = 0; ok && i < 60; i++) {
		seed = worker->number * 1000 + i / 2;
		sector = 4096 * worker->number + 8 * (i / 2);
		blk_pattern(pattern, sizeof(pattern), sector, seed);
		if (!(i & 1))
			guest_write(queue->device, BLK_DATA(slot), pattern, sizeof(pattern));
		ok = blk_add(queue, slot, i & 1 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, sector,
			     sizeof(pattern)) >= 0;
		vhost_queue_expose(queue);
		ok = ok && !vhost_queue_wait(queue, 1) &&
		     driver_ring_reap(&queue->ring, NULL) >= 0 &&
		     blk_status(queue, slot) == VIRTIO_BLK_S_OK;
		guest_read(queue->device, found, BLK_DATA(slot), sizeof(found));
		ok = ok && !memcmp(pattern, found, sizeof(found));
		memset(found, 0, sizeof(found));
		guest_write(queue->device, BLK_DATA(slot), found, sizeof(found));
	}
	worker->ok = ok;
	return NULL;
}

TEST_F_TIMEOUT(blk, many_queues, TEST_TIME_LIMIT)
{
	static struct worker workers[QUEUES];
	pthread_t threads[QUEUES];
	struct vqhost_vring_stats stats;
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		workers[i].number = i;
		/* The last one that there can be, too. */
		ASSERT_EQ(0, vhost_queue_open(&workers[i].queue, &self->device,
					      i + 1 < QUEUES ? i + 1 : VQHOST_BLK_QUEUES_MAX - 1,
					      8, variant->base));
		ASSERT_EQ(0, vhost_queue_blk_backend(&workers[i].queue, self->store, 0));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_queue, &workers[i]));
	}
	for (i = 0; i < QUEUES; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_TRUE(workers[i].ok);
		ASSERT_EQ(0, vhost_queue_stats(&workers[i].queue, &stats));
		EXPECT_EQ(60, stats.chains);
		EXPECT_EQ(60 * 4096, stats.bytes);
		EXPECT_EQ(0, stats.errors);
		ASSERT_EQ(0, vhost_queue_blk_backend(&workers[i].queue, -1, 0));
		vhost_queue_close(&workers[i].queue);
	}
}

FIXTURE(out_of_order) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
};

FIXTURE_VARIANT(out_of_order) {
	uint64_t features;
	unsigned int size;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(out_of_order, split) {
	.features = BLK_FEATURES,
	.size = 16,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(out_of_order, packed) {
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.size = 11,
	.base = 0x8000 | 9,
};

FIXTURE_SETUP(out_of_order)
{
	self->store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, variant->size,
				      variant->base));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(out_of_order)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
}

/* A slow request does not hold up a quick one that came later. */
TEST_F_TIMEOUT(out_of_order, quick_after_slow, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	int read, id, n;

	for (n = 0; n < 10; n++) {
		read = blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, SECTOR);
		id = blk_add(queue, 1, VIRTIO_BLK_T_GET_ID, 0, 20);
		ASSERT_LE(0, read);
		ASSERT_LE(0, id);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, vhost_queue_wait(queue, 2));
		EXPECT_EQ(id, driver_ring_reap(&queue->ring, NULL));
		EXPECT_EQ(read, driver_ring_reap(&queue->ring, NULL));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 1));
	}
}

TEST_HARNESS_MAIN
