/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file or block device behind a disk.
 */
#ifndef VQVMM_BACKEND_STORE_H
#define VQVMM_BACKEND_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_blk.h>

#include "backend/backend.h"

/* Features of requests that any store can serve. */
#define STORE_FEATURES (VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_RO) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_MQ) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | \
			VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

/* Header and status of a request take a descriptor each, beside those of its data. */
#define DESCRIPTORS_BESIDE_DATA 2

/**
 * struct store - an open file or block device
 * @fd: goes past the page cache if the file system can do that
 * @buffered_fd: goes through the page cache; the same as @fd if that does too
 * @sectors: capacity, in units of 512 bytes
 * @logical_block: bytes of the smallest access
 * @physical_block: bytes of the smallest access that needs no reading first
 * @readonly: may not be written
 * @serial: identity of the disk, padded with 0; store_open() leaves it empty
 */
struct store {
	int fd;
	int buffered_fd;
	uint64_t sectors;
	uint32_t logical_block;
	uint32_t physical_block;
	bool readonly;
	uint8_t serial[VIRTIO_BLK_ID_BYTES];
};

int store_open(struct store *store, const char *path, bool readonly);
const char *store_problem(int err);
void store_close(struct store *store);
void store_fill_config(const struct store *store, unsigned int queues, unsigned int segments,
		       struct virtio_blk_config *config);
uint64_t store_features_refused(const struct store *store, unsigned int queues);

#endif /* VQVMM_BACKEND_STORE_H */
