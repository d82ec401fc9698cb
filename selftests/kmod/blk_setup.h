/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk driven from plain userspace: stores to put behind it, requests.
 */
#ifndef SELFTESTS_KMOD_BLK_SETUP_H
#define SELFTESTS_KMOD_BLK_SETUP_H

#include <linux/virtio_blk.h>

#include "../lib/vhost.h"

#define SECTOR 512U
#define BLK_QUEUE_SIZE 64
#define BLK_SECTORS 32768ULL
#define BLK_FEATURES (FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | \
		      FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_FLUSH) | \
		      FEATURE(VIRTIO_BLK_F_MQ) | FEATURE(VIRTIO_BLK_F_DISCARD) | \
		      FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

/* Guest memory of request n: header and status in one page, data in others. */
#define BLK_DATA_MAX 0x10000U
#define BLK_HEADER(n) (GUEST_MEMORY + (n) * 64ULL)
#define BLK_STATUS(n) (BLK_HEADER(n) + 32)
#define BLK_DATA(n) (GUEST_BORDER(1) - 4 * BLK_DATA_MAX - 0x2000 + (n) * (uint64_t)BLK_DATA_MAX)

/* What is put behind a disk; each has BLK_SECTORS sectors. */
enum store {
	STORE_TMPFS,		/* a file, through the page cache */
	STORE_EXT4,		/* a file, direct */
	STORE_RAM_DISK,		/* a block device, direct, completes at once */
	STORE_DELAYED,		/* a block device, direct, completes 2 ms later */
	STORE_MAPPED,		/* a block device, direct, whose table dmsetup changes */
};

int store_open(enum store store, int flags);
int store_start(struct vhost_queue *queue, enum store store, int *fd);

int blk_add(struct vhost_queue *queue, unsigned int n, uint32_t type, uint64_t sector,
	    uint32_t length);
int blk_add_pieces(struct vhost_queue *queue, unsigned int n, uint32_t type, uint64_t sector,
		   const struct driver_buffer *data, unsigned int pieces);
int blk_status(struct vhost_queue *queue, unsigned int n);
int blk_do(struct vhost_queue *queue, uint32_t type, uint64_t sector, uint32_t length);
bool blk_stored(int store, const uint8_t *expected, uint32_t length, uint64_t sector);
void blk_pattern(uint8_t *data, uint32_t length, uint64_t sector, unsigned int seed);

#endif /* SELFTESTS_KMOD_BLK_SETUP_H */
