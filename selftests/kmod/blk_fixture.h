/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk with one queue running, split or packed, on every kind of store.
 */
#ifndef SELFTESTS_KMOD_BLK_FIXTURE_H
#define SELFTESTS_KMOD_BLK_FIXTURE_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "blk_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

FIXTURE(blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
	uint8_t *pattern;
	uint8_t *found;
};

FIXTURE_VARIANT(blk) {
	enum store store;
	uint64_t features;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(blk, tmpfs) {
	.store = STORE_TMPFS,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
};

FIXTURE_VARIANT_ADD(blk, ext4) {
	.store = STORE_EXT4,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, ram_disk) {
	.store = STORE_RAM_DISK,
	.features = BLK_FEATURES,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, delayed) {
	.store = STORE_DELAYED,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, packed_ram_disk) {
	.store = STORE_RAM_DISK,
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.base = 0x8000,
};

/* Completions in any order, in the second round. */
FIXTURE_VARIANT_ADD(blk, packed_delayed) {
	.store = STORE_DELAYED,
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		    FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 5,
};

FIXTURE_SETUP(blk)
{
	self->pattern = malloc(2 * BLK_DATA_MAX);
	ASSERT_NE(NULL, self->pattern);
	self->found = self->pattern + BLK_DATA_MAX;
	self->store = store_open(variant->store, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE,
				      variant->base));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(blk)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
	free(self->pattern);
}

#endif /* SELFTESTS_KMOD_BLK_FIXTURE_H */
