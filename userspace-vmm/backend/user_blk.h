/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of the disk's handler share:
 *
 *	user_blk.c	takes requests from the ring, gives them back
 *	user_blk_io.c	carries out one request by io_uring, in one or more steps
 */
#ifndef VQVMM_BACKEND_USER_BLK_H
#define VQVMM_BACKEND_USER_BLK_H

#include <liburing.h>
#include <sys/uio.h>

#include "backend/store.h"
#include "blk/request.h"

/**
 * struct user_io - a request under way; an entry of a queue's table
 * @next_free: the entry behind it in the list of free ones
 * @id: of the chain
 * @type: VIRTIO_BLK_T_*
 * @status: guest address of the status byte
 * @fd: which way to the store is taken
 * @offset: of the next step, in bytes
 * @length: bytes of a read or write
 * @done: of @length, or of the range at hand if zeroes are written to it
 * @vectors: data of a read or write, @vectors_room of them allocated
 * @vectors_room: as the largest request yet needed
 * @vectors_first: the first that is not done
 * @vectors_count: of @vectors
 * @ranges: of a discard or write zeroes, BLK_RANGES_MAX of them, or NULL
 * @range: the one at hand
 * @range_count: of @ranges
 * @write_zeroes: the store has no better way than to write zeroes
 */
struct user_io {
	struct user_io *next_free;
	uint16_t id;
	uint32_t type;
	uint64_t status;
	int fd;
	uint64_t offset;
	uint64_t length;
	uint64_t done;
	struct iovec *vectors;
	unsigned int vectors_room;
	unsigned int vectors_first;
	unsigned int vectors_count;
	struct blk_range *ranges;
	unsigned int range;
	unsigned int range_count;
	bool write_zeroes;
};

/* What user_io_step() returns besides VIRTIO_BLK_S_*. */
#define USER_IO_UNFINISHED (-EINPROGRESS)

void user_io_submit(struct user_io *io, const struct store *store, struct io_uring *uring);
int user_io_step(struct user_io *io, const struct store *store, int result);

#endif /* VQVMM_BACKEND_USER_BLK_H */
