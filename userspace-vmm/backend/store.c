// SPDX-License-Identifier: GPL-2.0
/*
 * The file or block device behind a disk: opening it, and what is told of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "backend/store.h"
#include "blk/request.h"

static int open_both(struct store *store, const char *path)
{
	int flags = (store->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;

	store->buffered_fd = open(path, flags);
	if (store->buffered_fd < 0)
		return -errno;
	store->fd = open(path, flags | O_DIRECT);
	if (store->fd < 0) {
		/* File systems that cannot say so here. */
		if (errno != EINVAL && errno != EOPNOTSUPP) {
			int err = -errno;

			close(store->buffered_fd);
			return err;
		}
		store->fd = store->buffered_fd;
	}
	return 0;
}

static int inspect_block_device(struct store *store)
{
	uint64_t bytes;
	unsigned int physical;
	int logical, readonly;

	if (ioctl(store->fd, BLKGETSIZE64, &bytes) || ioctl(store->fd, BLKSSZGET, &logical) ||
	    ioctl(store->fd, BLKPBSZGET, &physical) || ioctl(store->fd, BLKROGET, &readonly))
		return -errno;
	/* It can be opened for writing all the same. */
	if (readonly && !store->readonly)
		return -EROFS;
	store->sectors = bytes >> BLK_SECTOR_SHIFT;
	store->logical_block = logical;
	store->physical_block = physical;
	return 0;
}

static int inspect(struct store *store)
{
	struct stat stat;

	if (fstat(store->fd, &stat))
		return -errno;
	if (S_ISBLK(stat.st_mode))
		return inspect_block_device(store);
	if (!S_ISREG(stat.st_mode))
		return -ENODEV;
	store->sectors = stat.st_size >> BLK_SECTOR_SHIFT;
	store->logical_block = BLK_SECTOR_SIZE;
	store->physical_block = stat.st_blksize;
	/* A hint, so it does not matter what file systems make of it. */
	if (store->physical_block < BLK_SECTOR_SIZE ||
	    store->physical_block & (store->physical_block - 1))
		store->physical_block = BLK_SECTOR_SIZE;
	return 0;
}

/**
 * store_open() - open what is behind a disk
 * @store: is filled; store_close() closes it
 * @path: file or block device
 * @readonly: do not ask for permission to write
 *
 * Return: 0; -ENODEV if it is neither file nor block device; -ENODATA if it is smaller
 * than a sector; -EROFS if it cannot be written, and is to be; another -errno.
 */
int store_open(struct store *store, const char *path, bool readonly)
{
	int err;

	memset(store, 0, sizeof(*store));
	store->readonly = readonly;
	err = open_both(store, path);
	if (err)
		return err;
	err = inspect(store);
	if (!err && !store->sectors)
		err = -ENODATA;
	if (err)
		store_close(store);
	return err;
}

/**
 * store_problem() - why a store could not be opened
 * @err: what store_open() returned
 *
 * Return: a few words.
 */
const char *store_problem(int err)
{
	switch (err) {
	case -ENODEV:
		return "neither a file nor a block device";
	case -ENODATA:
		return "smaller than a sector";
	case -EROFS:
		return "is read-only";
	default:
		return strerror(-err);
	}
}

/**
 * store_close() - undo store_open()
 * @store: open
 */
void store_close(struct store *store)
{
	if (store->fd != store->buffered_fd)
		close(store->fd);
	close(store->buffered_fd);
}

static uint8_t exponent(uint32_t power_of_2)
{
	uint8_t exponent = 0;

	while (power_of_2 > 1) {
		power_of_2 >>= 1;
		exponent++;
	}
	return exponent;
}

/**
 * store_fill_config() - what a driver is told of a disk (virtio 1.2, section 5.2.4)
 * @store: open
 * @queues: of the disk
 * @segments: buffers of a request's data at most
 * @config: is filled
 */
void store_fill_config(const struct store *store, unsigned int queues, unsigned int segments,
		       struct virtio_blk_config *config)
{
	uint32_t alignment = store->logical_block >> BLK_SECTOR_SHIFT;

	*config = (struct virtio_blk_config) {
		.capacity = (__force __virtio64)cpu_to_le64(store->sectors),
		.seg_max = (__force __virtio32)cpu_to_le32(segments),
		.blk_size = (__force __virtio32)cpu_to_le32(store->logical_block),
		.physical_block_exp = exponent(store->physical_block / store->logical_block),
		.num_queues = (__force __virtio16)cpu_to_le16(queues),
		.max_discard_sectors = (__force __virtio32)cpu_to_le32(BLK_DISCARD_SECTORS_MAX),
		.max_discard_seg = (__force __virtio32)cpu_to_le32(BLK_RANGES_MAX),
		.discard_sector_alignment = (__force __virtio32)cpu_to_le32(alignment),
		.max_write_zeroes_sectors =
			(__force __virtio32)cpu_to_le32(BLK_WRITE_ZEROES_SECTORS_MAX),
		.max_write_zeroes_seg = (__force __virtio32)cpu_to_le32(BLK_RANGES_MAX),
		.write_zeroes_may_unmap = 1,
	};
}

/**
 * store_features_refused() - what must not be offered, because it would be refused
 * @store: open
 * @queues: of the disk
 *
 * Return: features.
 */
uint64_t store_features_refused(const struct store *store, unsigned int queues)
{
	uint64_t features = 0;

	if (store->readonly)
		features |= VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) |
			    VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
	else
		features |= VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
	if (queues == 1)
		features |= VIRTIO_FEATURE(VIRTIO_BLK_F_MQ);
	return features;
}
