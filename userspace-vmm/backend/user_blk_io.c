// SPDX-License-Identifier: GPL-2.0
/*
 * Carrying out one disk request by io_uring (virtio 1.2, section 5.2.6).
 *
 * A request is one or more steps, each one entry of io_uring.  Most have one
 * step.  More are needed if the store moves less than it was asked to, for each
 * range of a discard or write zeroes, or if zeroes have to be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "backend/user_blk.h"

/* Zeroes written in one step. */
#define ZEROES_LENGTH (64 * 1024)

static const uint8_t zeroes[ZEROES_LENGTH];

static bool has_ranges(const struct user_io *io)
{
	return io->type == VIRTIO_BLK_T_DISCARD || io->type == VIRTIO_BLK_T_WRITE_ZEROES;
}

static uint64_t range_length(const struct user_io *io)
{
	return (uint64_t)io->ranges[io->range].sectors << BLK_SECTOR_SHIFT;
}

static void prepare_range(struct user_io *io, const struct store *store, struct io_uring_sqe *entry)
{
	const struct blk_range *range = &io->ranges[io->range];
	uint64_t offset = range->sector << BLK_SECTOR_SHIFT;
	uint64_t left = range_length(io) - io->done;
	int mode = FALLOC_FL_KEEP_SIZE;

	if (io->write_zeroes) {
		io_uring_prep_write(entry, store->buffered_fd, zeroes, min(left, ZEROES_LENGTH),
				    offset + io->done);
		return;
	}
	mode |= range->unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	io_uring_prep_fallocate(entry, store->fd, mode, offset, left);
}

/**
 * user_io_submit() - stage the next step of a request
 * @io: the request
 * @store: what it is for
 * @uring: has an entry for each request under way; io_uring_submit() is the
 *	caller's
 *
 * Context: the owner of the queue.
 */
void user_io_submit(struct user_io *io, const struct store *store, struct io_uring *uring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(uring);
	const struct iovec *vectors = io->vectors + io->vectors_first;
	unsigned int count = io->vectors_count - io->vectors_first;

	switch (io->type) {
	case VIRTIO_BLK_T_IN:
		io_uring_prep_readv(entry, io->fd, vectors, count, io->offset + io->done);
		break;
	case VIRTIO_BLK_T_OUT:
		io_uring_prep_writev(entry, io->fd, vectors, count, io->offset + io->done);
		break;
	case VIRTIO_BLK_T_FLUSH:
		io_uring_prep_fsync(entry, store->fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		prepare_range(io, store, entry);
		break;
	}
	io_uring_sqe_set_data(entry, io);
}

/* Skip what has been moved. */
static void advance(struct user_io *io, size_t length)
{
	struct iovec *vector = &io->vectors[io->vectors_first];

	io->done += length;
	while (length && length >= vector->iov_len) {
		length -= vector->iov_len;
		vector++;
		io->vectors_first++;
	}
	if (length) {
		vector->iov_base = (uint8_t *)vector->iov_base + length;
		vector->iov_len -= length;
	}
}

static int step_access(struct user_io *io, const struct store *store, int result)
{
	/* Buffers that direct access does not take: misaligned ones. */
	if (result == -EINVAL && io->fd != store->buffered_fd) {
		io->fd = store->buffered_fd;
		return USER_IO_UNFINISHED;
	}
	/* 0: the file has become shorter. */
	if (result <= 0)
		return VIRTIO_BLK_S_IOERR;
	advance(io, result);
	return io->done < io->length ? USER_IO_UNFINISHED : VIRTIO_BLK_S_OK;
}

static int next_range(struct user_io *io)
{
	io->done = 0;
	do {
		if (++io->range == io->range_count)
			return VIRTIO_BLK_S_OK;
	} while (!io->ranges[io->range].sectors);
	return USER_IO_UNFINISHED;
}

static int step_range(struct user_io *io, int result)
{
	if (result == -EOPNOTSUPP && !io->write_zeroes) {
		/* Nobody needs to notice that nothing was given back. */
		if (io->type == VIRTIO_BLK_T_DISCARD)
			return next_range(io);
		io->write_zeroes = true;
		return USER_IO_UNFINISHED;
	}
	if (result < 0 || (io->write_zeroes && !result))
		return VIRTIO_BLK_S_IOERR;
	if (!io->write_zeroes)
		return next_range(io);
	io->done += result;
	return io->done < range_length(io) ? USER_IO_UNFINISHED : next_range(io);
}

/**
 * user_io_step() - a step of a request has ended
 * @io: the request
 * @store: what it is for
 * @result: of io_uring: bytes moved, or -errno
 *
 * Context: the owner of the queue.
 * Return: VIRTIO_BLK_S_* if the request has ended, USER_IO_UNFINISHED if another
 * step has to be submitted.
 */
int user_io_step(struct user_io *io, const struct store *store, int result)
{
	if (result == -EINTR || result == -EAGAIN)
		return USER_IO_UNFINISHED;
	if (has_ranges(io))
		return step_range(io, result);
	if (io->type == VIRTIO_BLK_T_FLUSH)
		return result < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
	return step_access(io, store, result);
}
