// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes: asynchronous I/O between the store and guest memory.
 *
 * With direct I/O the store pins the guest's pages and moves the data itself;
 * the request completes later, in whatever context.  Otherwise, and where a
 * buffer does not meet the demands of direct I/O, it completes before
 * blk_io_submit() returns.
 */
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../compat.h"
#include "blk.h"

/* Pieces of one request at most: 32 MiB in pages, far more than drivers ask for. */
#define VECTORS_MAX 8192U

/* What was queued has completed. */
static void iocb_completed(struct kiocb *iocb, long result)
{
	struct blk_io *io = container_of(iocb, struct blk_io, iocb);
	struct blk_queue *blk = io->queue->private;

	if (iocb->ki_flags & IOCB_WRITE)
		compat_write_completed(iocb, blk->backend.superblock);
	blk_io_completed(io, result);
}

/**
 * blk_iocb_init() - how a queue's store is read or written
 * @iocb: set up for synchronous I/O, without a position
 * @blk: the queue
 * @write: direction
 *
 * Context: any.
 */
void blk_iocb_init(struct kiocb *iocb, const struct blk_queue *blk, bool write)
{
	init_sync_kiocb(iocb, blk->backend.file);
	/* The owner may have changed the file's flags since. */
	iocb->ki_flags &= ~(IOCB_APPEND | IOCB_DIRECT);
	if (blk->direct)
		iocb->ki_flags |= IOCB_DIRECT;
	if (write) {
		iocb->ki_flags |= IOCB_WRITE;
		/* Without flush, what is completed is stable (section 5.2.6.2). */
		if (!(blk->limits.features & BIT_ULL(VIRTIO_BLK_F_FLUSH)))
			iocb->ki_flags |= IOCB_DSYNC;
	}
}

/*
 * More room for vectors, at least twice as much.  Behind an IOTLB a buffer may be in
 * as many pieces as it has pages.
 */
static int make_room(struct blk_queue *blk, unsigned int used)
{
	unsigned int count = min(2 * blk->vectors_count, VECTORS_MAX);
	struct iovec *vectors;

	if (count <= blk->vectors_count)
		return -ENOBUFS;
	vectors = kvmalloc_array(count, sizeof(*vectors), GFP_KERNEL_ACCOUNT);
	if (!vectors)
		return -ENOBUFS;
	memcpy(vectors, blk->vectors, used * sizeof(*vectors));
	kvfree(blk->vectors);
	blk->vectors = vectors;
	WRITE_ONCE(blk->vectors_count, count);
	return 0;
}

/*
 * Translate a request's data into blk->vectors.  Returns their number, or
 * -EFAULT, -ENOBUFS or -EINPROGRESS.
 */
static int translate_data(struct vqhost_queue *queue, const struct blk_request *request)
{
	struct blk_queue *blk = queue->private;
	unsigned int count = 0;
	unsigned int i = 0;
	int filled;

	while (i < request->data_segments) {
		filled = guest_memory_translate(&queue->memory, request->data[i].address,
						request->data[i].length, request->data_writable,
						&blk->vectors[count], blk->vectors_count - count);
		if (unlikely(filled == -ENOBUFS) && !make_room(blk, count))
			continue;
		if (unlikely(filled < 0))
			return filled;
		count += filled;
		i++;
	}
	return count;
}

static bool memory_is_aligned(const struct blk_queue *blk, unsigned int count)
{
	unsigned long addresses = 0, lengths = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		addresses |= (unsigned long)blk->vectors[i].iov_base;
		lengths |= blk->vectors[i].iov_len;
	}
	return !(addresses & blk->backend.memory_mask) && !(lengths & blk->backend.offset_mask);
}

static void init_iter(struct iov_iter *iter, const struct blk_io *io, const struct blk_queue *blk,
		      unsigned int count)
{
	unsigned int direction = io->reply.type == VIRTIO_BLK_T_OUT ? ITER_SOURCE : ITER_DEST;

	if (count == 1)
		iov_iter_ubuf(iter, direction, blk->vectors[0].iov_base, io->length);
	else
		iov_iter_init(iter, direction, blk->vectors, count, io->length);
}

/* Returns bytes moved, -errno, or -EIOCBQUEUED: then the store has the request. */
static ssize_t start_iocb(struct blk_io *io, struct blk_queue *blk, unsigned int count)
{
	struct kiocb *iocb = &io->iocb;
	struct iov_iter iter;
	ssize_t ret = -EINVAL;

	if (!blk->direct || memory_is_aligned(blk, count)) {
		init_iter(&iter, io, blk, count);
		if (iocb->ki_flags & IOCB_WRITE)
			ret = vfs_iocb_iter_write(iocb->ki_filp, iocb, &iter);
		else
			ret = vfs_iocb_iter_read(iocb->ki_filp, iocb, &iter);
	}
	if (unlikely(ret == -EINVAL && blk->direct)) {
		init_iter(&iter, io, blk, count);
		ret = blk_transfer_bounced(iocb, &iter);
	}
	return ret;
}

/*
 * Keep what is known of a request only while it is submitted: its iocb's position may
 * have moved by now.  False without memory.
 */
static bool keep(struct blk_io *io, const struct blk_request *request, unsigned int count)
{
	const struct blk_queue *blk = io->queue->private;
	struct blk_kept *kept;

	kept = kvmalloc(struct_size(kept, vectors, count), GFP_KERNEL_ACCOUNT);
	if (!kept)
		return false;
	kept->redo = false;
	kept->position = request->sector << BLK_SECTOR_SHIFT;
	kept->count = count;
	memcpy(kept->vectors, blk->vectors, count * sizeof(*kept->vectors));
	io->kept = kept;
	return true;
}

static void forget(struct blk_io *io)
{
	kvfree(io->kept);
	io->kept = NULL;
}

/*
 * A thread that is being killed gets no more pages of guest memory, and none of the
 * page cache: what it submits then may fail, wholly or in part, although nothing is
 * wrong with it.  If it has failed already, it is as if it had not been taken;
 * if the store still has a part of it, it may have to be done once more.
 */
static int submitted_while_killed(struct blk_io *io, const struct blk_request *request,
				  unsigned int count, ssize_t ret)
{
	if (ret != -EIOCBQUEUED) {
		if (ret == io->length)
			return 0;
		forget(io);
		return -EINTR;
	}
	if (io->kept || keep(io, request, count))
		io->kept->redo = true;
	return 0;
}

/**
 * blk_io_submit() - start a read or write
 * @io: entry for it; belongs to the store afterwards, or to the list of
 *	completed requests; to the caller if -EINPROGRESS or -EINTR is returned
 * @request: passed blk_request_check()
 *
 * Context: the queue's thread, on the owner's mm, may sleep.
 * Return: 0, or -EIO on a broken ring, which it is now if the data lie outside
 * guest memory; -EINPROGRESS if part of them is not mapped yet: nothing was done;
 * -EINTR if the thread is being killed: it is to be done by somebody else.
 */
int blk_io_submit(struct blk_io *io, const struct blk_request *request)
{
	struct vqhost_queue *queue = io->queue;
	struct blk_queue *blk = queue->private;
	bool write = io->reply.type == VIRTIO_BLK_T_OUT;
	ssize_t ret;
	int count;

	io->length = request->data_length;
	count = translate_data(queue, request);
	if (unlikely(count == -EINPROGRESS))
		return count;
	if (unlikely(count <= 0)) {
		/* Nothing to do, or more pieces than any driver makes of it. */
		blk_io_completed(io, count);
		return count == -EFAULT ? virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY) : 0;
	}

	blk_iocb_init(&io->iocb, blk, write);
	io->iocb.ki_complete = iocb_completed;
	io->iocb.ki_pos = request->sector << BLK_SECTOR_SHIFT;
	if (unlikely(blk->direct && (io->iocb.ki_pos | io->length) & blk->backend.offset_mask)) {
		blk_io_completed(io, -EINVAL);
		return 0;
	}
	/* Where a read writes to is logged when it has completed. */
	if (unlikely(queue->memory.log) && !write && !keep(io, request, count)) {
		blk_io_completed(io, -ENOMEM);
		return 0;
	}
	if (write)
		compat_write_start(blk->backend.superblock);
	ret = start_iocb(io, blk, count);
	if (write && ret != -EIOCBQUEUED)
		compat_write_returned(blk->backend.superblock);
	if (unlikely(fatal_signal_pending(current)) &&
	    submitted_while_killed(io, request, count, ret))
		return -EINTR;
	if (ret != -EIOCBQUEUED)
		blk_io_completed(io, ret);
	return 0;
}

/**
 * blk_io_redo() - carry out a read or write once more, through kernel pages
 * @io: has failed, and is kept to be done once more
 *
 * Context: the queue's thread, on the owner's mm; sleeps until it is done.
 * Return: bytes moved, or -errno.
 */
int blk_io_redo(struct blk_io *io)
{
	const struct blk_kept *kept = io->kept;
	struct blk_queue *blk = io->queue->private;
	bool write = io->reply.type == VIRTIO_BLK_T_OUT;
	const struct cred *cred = override_creds(blk->backend.cred);
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t ret;

	blk_iocb_init(&iocb, blk, write);
	iocb.ki_pos = kept->position;
	iov_iter_init(&iter, write ? ITER_SOURCE : ITER_DEST, kept->vectors, kept->count,
		      io->length);
	if (write)
		compat_write_start(blk->backend.superblock);
	ret = blk_transfer_bounced(&iocb, &iter);
	if (write)
		compat_write_returned(blk->backend.superblock);
	revert_creds(cred);
	return ret;
}
