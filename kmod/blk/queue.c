// SPDX-License-Identifier: GPL-2.0
/*
 * A queue's thread at work: take chains, start their I/O, collect what has
 * completed, publish.
 */
#include <linux/cred.h>
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "blk.h"

/*
 * Room for pieces of one request beyond its buffers: a buffer may cross
 * regions of guest memory that the owner has mapped apart.
 */
#define VECTORS_SPARE 64

/**
 * blk_queue_start() - prepare a queue, see &struct vqhost_device_type.start
 * @queue: parked, its ring is initialised
 * @backend: a &struct blk_backend, copied
 *
 * Context: device's mutex held, may sleep.
 * Return: 0 or -ENOMEM.
 */
int blk_queue_start(struct vqhost_queue *queue, void *backend)
{
	struct blk_queue *blk = kzalloc(sizeof(*blk), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!blk)
		return -ENOMEM;
	blk->vectors_count = queue->size + VECTORS_SPARE;
	blk->vectors = kvmalloc_array(blk->vectors_count, sizeof(*blk->vectors),
				      GFP_KERNEL_ACCOUNT);
	blk->table = kvcalloc(queue->size, sizeof(*blk->table), GFP_KERNEL_ACCOUNT);
	if (!blk->vectors || !blk->table)
		goto err_free;
	for (i = 0; i < queue->size; i++) {
		blk->table[i].queue = queue;
		blk->table[i].node.next = blk->free;
		blk->free = &blk->table[i].node;
	}
	init_llist_head(&blk->slow);
	init_llist_head(&blk->completed);
	INIT_WORK(&blk->slow_work, blk_slow_work);

	blk->backend = *(struct blk_backend *)backend;
	blk->limits.sectors = blk->backend.sectors;
	blk->limits.features = queue->device->features;
	blk->limits.readonly = blk->backend.readonly ||
			       vqhost_has_feature(queue->device, VIRTIO_BLK_F_RO);
	/*
	 * A driver that knows of no other block size works in sectors, and the
	 * page cache can put parts of a block together.
	 */
	blk->direct = blk->backend.direct &&
		      (blk->backend.offset_mask < BLK_SECTOR_SIZE ||
		       vqhost_has_feature(queue->device, VIRTIO_BLK_F_BLK_SIZE));
	queue->private = blk;
	return 0;

err_free:
	kvfree(blk->table);
	kvfree(blk->vectors);
	kfree(blk);
	return -ENOMEM;
}

/**
 * blk_queue_stop() - undo blk_queue_start()
 * @queue: parked and drained
 *
 * Context: device's mutex held, may sleep.
 */
void blk_queue_stop(struct vqhost_queue *queue)
{
	struct blk_queue *blk = queue->private;

	/* It has nothing left to do, but may not have returned. */
	flush_work(&blk->slow_work);
	blk_backend_put(&blk->backend);
	queue->private = NULL;
	kvfree(blk->table);
	kvfree(blk->vectors);
	kfree_rcu(blk, rcu);
}

/**
 * blk_queue_memory() - memory that blk_queue_start() allocated
 * @queue: running
 *
 * Return: bytes.
 */
size_t blk_queue_memory(const struct vqhost_queue *queue)
{
	const struct blk_queue *blk = queue->private;

	return sizeof(*blk) + queue->size * sizeof(*blk->table) +
	       READ_ONCE(blk->vectors_count) * sizeof(*blk->vectors);
}

/**
 * blk_io_completed() - hand a request to the queue's thread
 * @io: not to be touched afterwards
 * @result: bytes moved, or -errno
 *
 * Context: any, also hard interrupts.
 */
void blk_io_completed(struct blk_io *io, long result)
{
	struct vqhost_queue *queue = io->queue;
	struct blk_queue *blk = queue->private;

	io->result = result;
	/*
	 * From the moment this is in the list the thread may finish it, and
	 * the queue be stopped and freed: after a grace period.  The thread need
	 * not be woken by itself, unless it was at another queue's work.
	 */
	rcu_read_lock();
	if (llist_add(&io->node, &blk->completed) &&
	    !(in_task() && current == READ_ONCE(queue->thread) && blk->submitting))
		vqhost_queue_wake(queue);
	rcu_read_unlock();
}

/*
 * Where the status byte is to be written.  With an IOTLB this has to be known
 * before anything is done: a completion cannot wait for an address, for it may be
 * drained by a control call that the owner waits for.  Returns 0 or -EINPROGRESS.
 */
static int find_status(struct vqhost_queue *queue, u64 address, u8 __user **byte)
{
	struct iovec vector;
	int ret;

	*byte = NULL;
	if (likely(!queue->memory.translations))
		return 0;
	ret = guest_memory_translate(&queue->memory, address, sizeof(**byte), true, &vector, 1);
	if (unlikely(ret < 0))
		return virtqueue_memory_error(&queue->ring, ret);
	*byte = vector.iov_base;
	return 0;
}

static struct blk_io *get_io(struct vqhost_queue *queue, const struct blk_reply *reply)
{
	struct blk_queue *blk = queue->private;
	struct blk_io *io = llist_entry(blk->free, struct blk_io, node);

	blk->free = io->node.next;
	vqhost_count(&queue->counters.in_flight, 1);
	io->reply = *reply;
	io->length = 0;
	return io;
}

static void put_io(struct vqhost_queue *queue, struct blk_io *io)
{
	struct blk_queue *blk = queue->private;

	io->node.next = blk->free;
	blk->free = &io->node;
	vqhost_count(&queue->counters.in_flight, -1);
}

/* The same as blk_request_complete(), behind an IOTLB. */
static int complete_translated(struct vqhost_queue *queue, const struct blk_reply *reply,
			       u8 status, u32 written)
{
	if (unlikely(queue->ring.error))
		return -EIO;
	if (guest_memory_write_translated(&queue->memory, reply->status_byte, &status,
					  sizeof(status)))
		return virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY);
	return virtqueue_push(&queue->ring, reply->id, written + sizeof(status));
}

/* Give a chain back for which @bytes were moved.  Returns 0, or -EIO on a broken ring. */
static int answer(struct vqhost_queue *queue, const struct blk_reply *reply, u8 status, u32 bytes)
{
	u32 written = reply->type == VIRTIO_BLK_T_OUT ? 0 : bytes;
	int err;

	if (likely(!reply->status_byte))
		err = blk_request_complete(&queue->ring, reply->id, reply->status, status, written);
	else
		err = complete_translated(queue, reply, status, written);
	if (unlikely(err))
		return err;
	vqhost_count(&queue->counters.requests, 1);
	trace_vqhost_request_complete(queue, reply->id, reply->type, bytes, status,
				      reply->taken_at);
	return 0;
}

/* The same for a request that is not carried out. */
static int refuse(struct vqhost_queue *queue, const struct blk_reply *reply, u8 status)
{
	vqhost_count_error(queue, status == VIRTIO_BLK_S_UNSUPP ? -EOPNOTSUPP : -EINVAL);
	return answer(queue, reply, status, 0);
}

/*
 * What was kept of a request is for this: it is done once more if that may help, and
 * what a read has written is logged, for one that has failed may have all the same.
 */
static int use_kept(struct vqhost_queue *queue, struct blk_io *io)
{
	struct blk_kept *kept = io->kept;
	int err = 0;

	if (kept->redo && io->result != (int)io->length)
		io->result = blk_io_redo(io);
	if (queue->memory.log && io->reply.type == VIRTIO_BLK_T_IN)
		err = vqhost_log_vectors(queue, kept->vectors, io->length);
	io->kept = NULL;
	kvfree(kept);
	return err;
}

static int answer_io(struct vqhost_queue *queue, struct blk_io *io)
{
	if (unlikely(io->kept) && use_kept(queue, io))
		return -EIO;

	/* A store that has shrunk moves less. */
	if (unlikely(io->result != (int)io->length)) {
		vqhost_count_error(queue, io->result);
		return answer(queue, &io->reply, VIRTIO_BLK_S_IOERR, 0);
	}
	vqhost_count(&queue->counters.bytes, io->length);
	return answer(queue, &io->reply, VIRTIO_BLK_S_OK, io->length);
}

/* Stage all completed requests.  Returns 0, or -EIO on a broken ring. */
static int collect_completed(struct vqhost_queue *queue)
{
	struct blk_queue *blk = queue->private;
	struct llist_node *list;
	struct blk_io *io, *next;
	int ret = 0;
	int err;

	if (llist_empty(&blk->completed))
		return 0;
	list = llist_reverse_order(llist_del_all(&blk->completed));
	llist_for_each_entry_safe(io, next, list, node) {
		err = answer_io(queue, io);
		if (unlikely(err))
			ret = err;
		put_io(queue, io);
	}
	return ret;
}

static int answer_get_id(struct vqhost_queue *queue, const struct blk_request *request,
			 const struct blk_reply *reply)
{
	u8 serial[VIRTIO_BLK_ID_BYTES];
	int written;

	blk_device_serial(queue->device, serial);
	written = blk_request_fill(&queue->ring, request, serial, sizeof(serial));
	if (unlikely(written < 0))
		return written;
	return answer(queue, reply, VIRTIO_BLK_S_OK, written);
}

static int start_ranges(struct vqhost_queue *queue, const struct blk_request *request,
			const struct blk_reply *reply)
{
	struct blk_queue *blk = queue->private;
	struct blk_ranges *ranges;
	struct blk_io *io;
	int status;

	ranges = kmalloc(struct_size(ranges, range, BLK_RANGES_MAX), GFP_KERNEL_ACCOUNT);
	if (!ranges) {
		vqhost_count_error(queue, -ENOMEM);
		return answer(queue, reply, VIRTIO_BLK_S_IOERR, 0);
	}
	status = blk_request_ranges(&queue->ring, request, &blk->limits, ranges->range,
				    &ranges->count);
	if (status != VIRTIO_BLK_S_OK) {
		kfree(ranges);
		return status < 0 ? status : refuse(queue, reply, status);
	}
	io = get_io(queue, reply);
	io->ranges = ranges;
	blk_slow_submit(io);
	return 0;
}

static int start_access(struct vqhost_queue *queue, const struct blk_request *request,
			const struct blk_reply *reply)
{
	struct blk_io *io = get_io(queue, reply);
	int ret = blk_io_submit(io, request);

	if (unlikely(ret == -EINPROGRESS || ret == -EINTR))
		put_io(queue, io);
	return ret;
}

/*
 * Returns 0, -EIO on a broken ring, -EINPROGRESS if an address is not mapped yet, or
 * -EINTR if the thread is being killed: nothing has been done then that cannot be done
 * once more.
 */
static int serve(struct vqhost_queue *queue, const struct virtqueue_chain *chain)
{
	struct blk_queue *blk = queue->private;
	struct blk_reply reply = { .id = chain->id, .taken_at = vqhost_trace_time() };
	struct blk_request request;
	u8 status;
	int err;

	err = blk_request_parse(&queue->ring, chain, &request);
	if (unlikely(err))
		return err;
	reply.type = request.type;
	reply.status = request.status;
	err = find_status(queue, request.status, &reply.status_byte);
	if (unlikely(err))
		return err;

	trace_vqhost_request_submit(queue, chain->id, request.type, request.sector,
				    request.data_length);
	status = blk_request_check(&request, &blk->limits);
	if (unlikely(status != VIRTIO_BLK_S_OK))
		return refuse(queue, &reply, status);
	switch (request.type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return start_access(queue, &request, &reply);
	case VIRTIO_BLK_T_FLUSH:
		blk_slow_submit(get_io(queue, &reply));
		return 0;
	case VIRTIO_BLK_T_GET_ID:
		return answer_get_id(queue, &request, &reply);
	default:
		return start_ranges(queue, &request, &reply);
	}
}

/*
 * Returns 1 if a request was taken, 0 if none is there, -EIO on a broken ring,
 * -EINPROGRESS if an address is not mapped yet, -EINTR if the thread is being killed.
 * Adds the length of what was looked at to *@bytes.
 */
static int take_request(struct vqhost_queue *queue, u64 *bytes)
{
	struct virtqueue_chain chain;
	int ret;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	*bytes += chain.readable_length + chain.writable_length;
	ret = serve(queue, &chain);
	if (unlikely(ret == -EINPROGRESS || ret == -EINTR))
		virtqueue_put_back(&queue->ring, 1);
	return ret ? ret : 1;
}

/*
 * A driver has no more requests under way than the ring has descriptors.  One
 * that goes beyond waits, so that table and staged entries always suffice.
 */
static bool is_full(const struct vqhost_queue *queue)
{
	return queue->counters.in_flight + queue->ring.staged_count >= queue->ring.size;
}

/* Returns enum vqhost_run, or -EIO on a broken ring. */
static int take_batch(struct vqhost_queue *queue)
{
	unsigned int taken;
	u64 bytes = 0;
	int ret;

	for (taken = 0; taken < BLK_BATCH && bytes < BLK_BATCH_BYTES; taken++) {
		if (unlikely(is_full(queue)))
			return VQHOST_RUN_AGAIN;
		ret = take_request(queue, &bytes);
		if (unlikely(ret == -EINTR))
			return VQHOST_RUN_AGAIN;
		if (unlikely(ret < 0))
			return ret == -EINPROGRESS ? VQHOST_RUN_MISS : ret;
		if (!ret)
			return VQHOST_RUN_EMPTY;
	}
	return VQHOST_RUN_AGAIN;
}

/**
 * blk_queue_run() - serve one batch, see &struct vqhost_device_type.run
 * @queue: the queue
 *
 * Context: the queue's thread, on the owner's mm.
 * Return: enum vqhost_run, or -EIO on a broken ring.
 */
int blk_queue_run(struct vqhost_queue *queue)
{
	struct blk_queue *blk = queue->private;
	const struct cred *cred;
	struct blk_plug plug;
	int ret, err;

	ret = virtqueue_disable_kicks(&queue->ring);
	if (unlikely(ret))
		return ret;
	ret = collect_completed(queue);
	if (unlikely(ret))
		return ret;

	cred = override_creds(blk->backend.cred);
	blk->submitting = true;
	blk_start_plug(&plug);
	ret = take_batch(queue);
	blk_finish_plug(&plug);
	blk->submitting = false;
	revert_creds(cred);

	/* RAM disks and the page cache have completed meanwhile. */
	err = collect_completed(queue);
	if (!err)
		err = vqhost_queue_publish_batch(queue);
	if (unlikely(err))
		return err;
	return ret == VQHOST_RUN_AGAIN && is_full(queue) ? VQHOST_RUN_BACKEND : ret;
}

/**
 * blk_queue_ready() - has any request completed?
 * @queue: the queue
 * @state: what blk_queue_run() returned
 *
 * Context: the queue's thread; does not sleep.
 * Return: true if so.
 */
bool blk_queue_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	struct blk_queue *blk = queue->private;

	return !llist_empty(&blk->completed);
}

/**
 * blk_queue_drain() - collect what has completed, see &struct vqhost_device_type.drain
 * @queue: the queue; if its ring is broken nothing is staged
 *
 * Whatever completes later wakes the thread.
 * Context: the queue's thread, on the owner's mm.
 * Return: true if nothing is in flight any more.
 */
bool blk_queue_drain(struct vqhost_queue *queue)
{
	collect_completed(queue);
	return !queue->counters.in_flight;
}
