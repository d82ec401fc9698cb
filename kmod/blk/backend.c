// SPDX-License-Identifier: GPL-2.0
/*
 * The file or block device behind a queue, and what it demands of direct I/O.
 */
#include <linux/blkdev.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/stat.h>

#include "blk.h"

static int check_file(const struct file *file, bool readonly)
{
	umode_t mode = file_inode(file)->i_mode;

	if (!S_ISREG(mode) && !S_ISBLK(mode))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	/* O_APPEND would send every write to the end of the file. */
	if (!readonly && (!(file->f_mode & FMODE_WRITE) || file->f_flags & O_APPEND))
		return -EBADF;
	if (!file->f_op->read_iter || (!readonly && !file->f_op->write_iter))
		return -EINVAL;
	return 0;
}

/* A file system that does not tell is asked for as much as its device. */
static void find_file_alignment(struct blk_backend *backend)
{
	struct super_block *superblock = file_inode(backend->file)->i_sb;
	struct kstat stat = {};
	int err;

	err = vfs_getattr(&backend->file->f_path, &stat, STATX_DIOALIGN, AT_STATX_SYNC_AS_STAT);
	if (!err && stat.result_mask & STATX_DIOALIGN) {
		/* 0: this file cannot, although it could be opened so. */
		if (!stat.dio_offset_align)
			backend->direct = false;
		backend->offset_mask = stat.dio_offset_align - 1;
		backend->memory_mask = stat.dio_mem_align - 1;
	} else if (superblock->s_bdev) {
		backend->offset_mask = bdev_logical_block_size(superblock->s_bdev) - 1;
		backend->memory_mask = backend->offset_mask;
	} else {
		backend->offset_mask = BLK_SECTOR_SIZE - 1;
		backend->memory_mask = BLK_SECTOR_SIZE - 1;
	}
}

/**
 * blk_backend_get() - take a file or block device
 * @backend: filled if it succeeds; given back by blk_backend_put()
 * @fd: of the caller
 * @readonly: it will not be written
 *
 * Context: process context, may sleep.
 * Return: 0; -EBADF for a bad descriptor or its open mode, -EINVAL if it is
 * neither a regular file nor a block device.
 */
int blk_backend_get(struct blk_backend *backend, int fd, bool readonly)
{
	struct file *file = fget(fd);
	struct inode *inode;
	int err;

	if (!file)
		return -EBADF;
	err = check_file(file, readonly);
	if (err) {
		fput(file);
		return err;
	}

	memset(backend, 0, sizeof(*backend));
	inode = file->f_mapping->host;
	backend->file = file;
	backend->cred = get_current_cred();
	backend->sectors = i_size_read(inode) >> BLK_SECTOR_SHIFT;
	backend->readonly = readonly;
	backend->direct = file->f_flags & O_DIRECT;
	if (S_ISBLK(file_inode(file)->i_mode)) {
		backend->offset_mask = bdev_logical_block_size(I_BDEV(inode)) - 1;
		backend->memory_mask = bdev_dma_alignment(I_BDEV(inode));
	} else {
		backend->superblock = file_inode(file)->i_sb;
		find_file_alignment(backend);
	}
	return 0;
}

/**
 * blk_backend_put() - give a backend back
 * @backend: from blk_backend_get()
 *
 * Context: process context.
 */
void blk_backend_put(struct blk_backend *backend)
{
	put_cred(backend->cred);
	fput(backend->file);
}
