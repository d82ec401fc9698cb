// SPDX-License-Identifier: GPL-2.0
/*
 * Flush, discard and write zeroes: they block, so each queue has a work item
 * that carries them out one after the other while its thread goes on.
 *
 * A queue thus keeps one worker busy at most, however many such requests its
 * driver makes.  They complete in any order with reads and writes; a driver
 * that wants an order waits.
 */
#include <linux/blkdev.h>
#include <linux/cred.h>
#include <linux/falloc.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "../compat.h"
#include "blk.h"

/*
 * Discard on a block device, with no page of the range left in the page cache.
 * What does not fill a block at either end is kept.
 */
static int discard_device(struct file *file, u64 offset, u64 length)
{
	struct address_space *mapping = file->f_mapping;
	struct block_device *bdev = I_BDEV(mapping->host);
	unsigned int block = bdev_logical_block_size(bdev);
	u64 end = round_down(offset + length, block);
	int err;

	offset = round_up(offset, block);
	if (offset >= end)
		return 0;
	err = filemap_write_and_wait_range(mapping, offset, end - 1);
	if (err)
		return err;
	err = blkdev_issue_discard(bdev, offset >> SECTOR_SHIFT, (end - offset) >> SECTOR_SHIFT,
				   GFP_KERNEL);
	invalidate_inode_pages2_range(mapping, offset >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
	return err;
}

/* A discard is a hint: a store that cannot do it has nothing to do. */
static int discard(struct blk_queue *blk, u64 offset, u64 length)
{
	struct file *file = blk->backend.file;
	int err;

	if (blk->backend.superblock)
		err = vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				    length);
	else
		err = discard_device(file, offset, length);
	return err == -EOPNOTSUPP ? 0 : err;
}

/* Whether the store gives space back, and how, it tells by refusing. */
static int write_zeroes(struct blk_queue *blk, u64 offset, u64 length, bool unmap)
{
	struct file *file = blk->backend.file;
	int err = -EOPNOTSUPP;

	if (unmap)
		err = vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				    length);
	if (err == -EOPNOTSUPP)
		err = vfs_fallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset,
				    length);
	/* A block device refuses part of a block so. */
	if (err == -EOPNOTSUPP || err == -EINVAL) {
		compat_write_start(blk->backend.superblock);
		err = blk_transfer_zeroes(blk, offset, length);
		compat_write_returned(blk->backend.superblock);
	}
	return err;
}

static int do_ranges(struct blk_queue *blk, const struct blk_io *io)
{
	const struct blk_range *range = io->ranges->range;
	unsigned int count = io->ranges->count;
	u64 offset, length;
	int err = 0;

	for (; count && !err; count--, range++) {
		offset = range->sector << BLK_SECTOR_SHIFT;
		length = (u64)range->sectors << BLK_SECTOR_SHIFT;
		if (!length)
			continue;
		if (io->reply.type == VIRTIO_BLK_T_DISCARD)
			err = discard(blk, offset, length);
		else
			err = write_zeroes(blk, offset, length, range->unmap);
	}
	/* Without flush, what is completed is stable (section 5.2.6.2). */
	if (!err && !(blk->limits.features & BIT_ULL(VIRTIO_BLK_F_FLUSH)))
		err = vfs_fsync(blk->backend.file, 1);
	return err;
}

/**
 * blk_slow_work() - work function of a queue
 * @work: &struct blk_queue.slow_work
 *
 * One fsync serves all flushes that were waiting when it began: whatever
 * their driver saw completed before it made them is done.
 * Context: a worker.
 */
void blk_slow_work(struct work_struct *work)
{
	struct blk_queue *blk = container_of(work, struct blk_queue, slow_work);
	struct llist_node *list = llist_reverse_order(llist_del_all(&blk->slow));
	const struct cred *cred = override_creds(blk->backend.cred);
	struct blk_io *io, *next;
	bool flushed = false;
	int flush_result = 0;
	int result;

	llist_for_each_entry_safe(io, next, list, node) {
		if (io->reply.type != VIRTIO_BLK_T_FLUSH) {
			result = do_ranges(blk, io);
			kfree(io->ranges);
		} else {
			if (!flushed)
				flush_result = vfs_fsync(blk->backend.file, 1);
			flushed = true;
			result = flush_result;
		}
		blk_io_completed(io, result);
	}
	revert_creds(cred);
}

/**
 * blk_slow_submit() - have a flush, discard or write zeroes carried out
 * @io: entry for it, with its ranges; belongs to the work item afterwards
 *
 * Context: the queue's thread.
 */
void blk_slow_submit(struct blk_io *io)
{
	struct blk_device *device = io->queue->device->private;
	struct blk_queue *blk = io->queue->private;

	llist_add(&io->node, &blk->slow);
	queue_work(device->slow_workqueue, &blk->slow_work);
}
