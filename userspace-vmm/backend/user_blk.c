// SPDX-License-Identifier: GPL-2.0
/*
 * Disk requests between a ring and io_uring (virtio 1.2, section 5.2).
 *
 * A batch of requests is submitted by one system call, and whatever has
 * completed is published together.  io_uring's file descriptor is readable while
 * there are completions, which is how they reach the event loop.
 *
 * Requests that are under way have an entry of the table, as many as the queue
 * has descriptors.  A driver that makes more available waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/user.h"
#include "backend/user_blk.h"

/**
 * struct user_blk - &struct user_queue.private of a disk queue
 * @store: what is behind the disk
 * @limits: what requests are checked against
 * @uring: has an entry for each of @table
 * @table: requests
 * @table_size: of @table
 * @free: entries that are not under way
 * @in_flight: number of those that are
 */
struct user_blk {
	const struct store *store;
	struct blk_limits limits;
	struct io_uring uring;
	struct user_io *table;
	unsigned int table_size;
	struct user_io *free;
	unsigned int in_flight;
};

static void free_io(struct user_blk *blk, struct user_io *io)
{
	free(io->ranges);
	io->ranges = NULL;
	io->next_free = blk->free;
	blk->free = io;
	blk->in_flight--;
}

/* A request has ended.  Returns 0 or -EIO. */
static int complete(struct user_queue *queue, struct user_io *io, int status)
{
	bool filled = io->type == VIRTIO_BLK_T_IN && status == VIRTIO_BLK_S_OK;
	int err;

	err = blk_request_complete(&queue->ring, io->id, io->status, status,
				   filled ? io->length : 0);
	free_io(queue->private, io);
	return err;
}

/* Everything that io_uring has completed.  Returns 0 or -EIO. */
static int reap(struct user_queue *queue)
{
	struct user_blk *blk = queue->private;
	struct io_uring_cqe *completion;
	struct user_io *io;
	int status;
	int err = 0;

	while (!io_uring_peek_cqe(&blk->uring, &completion)) {
		io = io_uring_cqe_get_data(completion);
		status = user_io_step(io, blk->store, completion->res);
		io_uring_cqe_seen(&blk->uring, completion);
		if (status == USER_IO_UNFINISHED)
			user_io_submit(io, blk->store, &blk->uring);
		else if (complete(queue, io, status))
			err = -EIO;
	}
	return err;
}

/* These return what prepare() returns. */
static int find_data(struct user_queue *queue, struct user_io *io,
		     const struct blk_request *request)
{
	/* A segment may cross from one region of memory to another. */
	unsigned int room = request->data_segments + 1;
	unsigned int i;
	int ret;

	if (io->vectors_room < room) {
		struct iovec *vectors = realloc(io->vectors, room * sizeof(*vectors));

		if (!vectors)
			return VIRTIO_BLK_S_IOERR;
		io->vectors = vectors;
		io->vectors_room = room;
	}
	io->vectors_first = 0;
	io->vectors_count = 0;
	for (i = 0; i < request->data_segments; i++) {
		ret = guest_memory_translate(user_queue_memory(queue), request->data[i].address,
					     request->data[i].length, request->data_writable,
					     io->vectors + io->vectors_count,
					     room - io->vectors_count);
		if (ret < 0)
			return virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY);
		io->vectors_count += ret;
	}
	return USER_IO_UNFINISHED;
}

static int find_ranges(struct user_queue *queue, struct user_io *io,
		       const struct blk_request *request)
{
	struct user_blk *blk = queue->private;
	int ret;

	io->ranges = calloc(BLK_RANGES_MAX, sizeof(*io->ranges));
	if (!io->ranges)
		return VIRTIO_BLK_S_IOERR;
	ret = blk_request_ranges(&queue->ring, request, &blk->limits, io->ranges,
				 &io->range_count);
	if (ret != VIRTIO_BLK_S_OK)
		return ret;
	/* Nothing to do for a range of nothing. */
	return io->ranges[0].sectors ? USER_IO_UNFINISHED :
				       user_io_step(io, blk->store, 0);
}

static int answer_id(struct user_queue *queue, const struct blk_request *request,
		     struct user_io *io)
{
	struct user_blk *blk = queue->private;
	int ret;

	ret = blk_request_fill(&queue->ring, request, blk->store->serial,
			       sizeof(blk->store->serial));
	if (ret < 0)
		return ret;
	return blk_request_complete(&queue->ring, io->id, io->status, VIRTIO_BLK_S_OK, ret);
}

/*
 * What has to be done for a request?  Returns USER_IO_UNFINISHED if something
 * has to be submitted, VIRTIO_BLK_S_* if not, or -errno.
 */
static int prepare(struct user_queue *queue, struct user_io *io,
		   const struct blk_request *request)
{
	struct user_blk *blk = queue->private;
	int ret;

	ret = blk_request_check(request, &blk->limits);
	if (ret != VIRTIO_BLK_S_OK)
		return ret;
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		if (!request->data_length)
			return VIRTIO_BLK_S_OK;
		io->fd = blk->store->fd;
		io->offset = request->sector << BLK_SECTOR_SHIFT;
		io->length = request->data_length;
		return find_data(queue, io, request);
	case VIRTIO_BLK_T_FLUSH:
		return USER_IO_UNFINISHED;
	default:
		return find_ranges(queue, io, request);
	}
}

/* Returns 1 if a request was begun, 0 if there is none, or -errno. */
static int take_next(struct user_queue *queue)
{
	struct user_blk *blk = queue->private;
	struct user_io *io = blk->free;
	struct virtqueue_chain chain;
	struct blk_request request;
	int ret;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	ret = blk_request_parse(&queue->ring, &chain, &request);
	if (ret)
		return ret;

	blk->free = io->next_free;
	blk->in_flight++;
	io->id = chain.id;
	io->type = request.type;
	io->status = request.status;
	io->length = 0;
	io->done = 0;
	io->range = 0;
	io->range_count = 0;
	io->write_zeroes = false;

	if (request.type == VIRTIO_BLK_T_GET_ID) {
		ret = answer_id(queue, &request, io);
		free_io(blk, io);
		return ret ? ret : 1;
	}
	ret = prepare(queue, io, &request);
	if (ret == USER_IO_UNFINISHED) {
		user_io_submit(io, blk->store, &blk->uring);
		return 1;
	}
	if (ret < 0) {
		free_io(blk, io);
		return ret;
	}
	ret = complete(queue, io, ret);
	return ret ? ret : 1;
}

static int run(struct user_queue *queue)
{
	struct user_blk *blk = queue->private;
	unsigned int done;
	int ret = 1;
	int err;

	err = reap(queue);
	if (err)
		return err;
	/* No more can be pushed than the queue can hold. */
	for (done = 0; ret > 0 && blk->free && done < USER_BATCH &&
	     queue->ring.staged_count < queue->ring.size; done++)
		ret = take_next(queue);
	/* Nothing is lost if it fails for want of memory: the next one submits. */
	if (io_uring_sq_ready(&blk->uring))
		io_uring_submit(&blk->uring);
	if (ret < 0)
		return ret;
	/* What a fast store, or the page cache, has completed at once. */
	err = user_queue_publish(queue);
	if (!err)
		err = reap(queue);
	if (err)
		return err;
	if (io_uring_sq_ready(&blk->uring))
		return USER_AGAIN;
	if (!ret)
		return USER_EMPTY;
	return blk->free ? USER_AGAIN : USER_WAIT;
}

static int start(struct user_queue *queue)
{
	unsigned int size = queue->ring.size;
	struct user_blk *blk;
	unsigned int i;
	int err;

	blk = calloc(1, sizeof(*blk));
	if (!blk)
		return -ENOMEM;
	blk->table = calloc(size, sizeof(*blk->table));
	if (!blk->table) {
		err = -ENOMEM;
		goto free_blk;
	}
	err = io_uring_queue_init(size, &blk->uring, 0);
	if (err)
		goto free_table;
	blk->store = queue->backend->device;
	blk->limits.sectors = blk->store->sectors;
	blk->limits.readonly = blk->store->readonly;
	blk->limits.features = queue->backend->features;
	blk->table_size = size;
	for (i = 0; i < size; i++) {
		blk->table[i].next_free = blk->free;
		blk->free = &blk->table[i];
	}
	queue->private = blk;
	err = user_queue_watch(queue, blk->uring.ring_fd);
	if (!err)
		return 0;

	io_uring_queue_exit(&blk->uring);
free_table:
	free(blk->table);
free_blk:
	free(blk);
	return err;
}

static void stop(struct user_queue *queue)
{
	struct user_blk *blk = queue->private;
	unsigned int i;

	user_queue_unwatch(queue, blk->uring.ring_fd);
	while (blk->in_flight) {
		io_uring_submit_and_wait(&blk->uring, 1);
		reap(queue);
		user_queue_publish(queue);
	}
	io_uring_queue_exit(&blk->uring);
	for (i = 0; i < blk->table_size; i++)
		free(blk->table[i].vectors);
	free(blk->table);
	free(blk);
}

/**
 * user_blk_probe() - can disks be served in this process?
 *
 * Return: 0; -ENOSYS or -EPERM if this host does not allow io_uring; another
 * -errno.
 */
int user_blk_probe(void)
{
	struct io_uring uring;
	int err = io_uring_queue_init(1, &uring, 0);

	if (!err)
		io_uring_queue_exit(&uring);
	return err;
}

const struct user_handler user_blk_handler = {
	.features	= STORE_FEATURES,
	.start		= start,
	.stop		= stop,
	.run		= run,
};
