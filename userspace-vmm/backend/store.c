// SPDX-License-Identifier: GPL-2.0
/*
 * Opening the file or block device behind a disk.
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
	int logical;

	if (ioctl(store->fd, BLKGETSIZE64, &bytes) || ioctl(store->fd, BLKSSZGET, &logical) ||
	    ioctl(store->fd, BLKPBSZGET, &physical))
		return -errno;
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
 * Return: 0; -ENODEV if it is neither file nor block device; -EISDIR if it is
 * a folder; another -errno.
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
	if (err)
		store_close(store);
	return err;
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
