// SPDX-License-Identifier: GPL-2.0
/*
 * A disk with a dirty log, and requests of which is known where they write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log_blk.h"

/* A type that no device knows. */
#define UNKNOWN_TYPE 99

static int fill_store(int fd)
{
	static uint8_t data[0x100000] __attribute__((aligned(4096)));
	unsigned int i;

	for (i = 0; i < BLK_SECTORS * SECTOR / sizeof(data); i++) {
		blk_pattern(data, sizeof(data), i * (sizeof(data) / SECTOR), i);
		if (pwrite(fd, data, sizeof(data), i * sizeof(data)) != sizeof(data))
			return -errno;
	}
	return 0;
}

/**
 * log_blk_open() - set a disk up whose queue runs and whose log is not kept yet
 * @blk: to be closed by log_blk_close(), also after failure
 * @variant: what with
 *
 * Return: 0 or -errno.
 */
int log_blk_open(struct log_blk *blk, const struct log_blk_variant *variant)
{
	int err;

	srandom(1);
	blk->store = store_open(variant->store, O_RDWR);
	err = blk->store < 0 ? blk->store : fill_store(blk->store);
	if (!err)
		err = vhost_device_open(&blk->device, VQHOST_BLK, BLK_FEATURES | variant->features);
	if (!err)
		err = vhost_queue_open(&blk->queue, &blk->device, 1, LOG_QUEUE_SIZE, variant->base);
	if (!err)
		err = log_setup_open(&blk->log, &blk->device, variant->swap);
	if (!err)
		err = log_move_ring(&blk->log, &blk->queue);
	if (!err)
		err = log_blk_start(blk);
	log_note(&blk->log, GUEST_MEMORY, 0x1000, LOG_DRIVER);
	log_note(&blk->log, LOG_BLK_TABLE(0), LOG_BLK_BATCH * 0x1000, LOG_DRIVER);
	return err;
}

/**
 * log_blk_close() - free everything
 * @blk: the disk
 */
void log_blk_close(struct log_blk *blk)
{
	log_blk_stop(blk);
	log_ring_destroy(&blk->queue);
	vhost_queue_close(&blk->queue);
	log_setup_close(&blk->log);
	vhost_device_close(&blk->device);
	close(blk->store);
}

/**
 * log_blk_start() - have the queue run
 * @blk: the queue is stopped
 *
 * Return: 0 or -errno.
 */
int log_blk_start(struct log_blk *blk)
{
	int err = log_map_ring(&blk->log, &blk->queue);

	return err ? err : vhost_queue_blk_backend(&blk->queue, blk->store, 0);
}

/**
 * log_blk_stop() - have all that was taken completed, and nothing more
 * @blk: the queue runs or not
 *
 * Return: 0 or -errno.
 */
int log_blk_stop(struct log_blk *blk)
{
	return vhost_queue_blk_backend(&blk->queue, -1, 0);
}

/**
 * log_blk_switch() - have all that is written logged, or nothing
 * @blk: the queue runs or not
 * @on: so or so
 *
 * Return: 0 or -errno.
 */
int log_blk_switch(struct log_blk *blk, bool on)
{
	int err = log_all(&blk->log, on);

	return err ? err : log_ring(&blk->queue, on, log_device_area(&blk->queue));
}

/* As one chain in the ring, or in a table. */
static int add_chain(struct log_blk *blk, unsigned int n, struct driver_buffer *buffers,
		     unsigned int readable, unsigned int writable)
{
	struct driver_ring *ring = &blk->queue.ring;
	struct vring_desc table[LOG_BLK_PIECES + 2];
	unsigned int count = readable + writable;

	if (below(2))
		return driver_ring_add(ring, buffers, readable, writable);
	driver_ring_fill_table(ring, table, buffers, readable, writable, NULL);
	guest_write(&blk->device, LOG_BLK_TABLE(n), table, count * sizeof(table[0]));
	return driver_ring_add_table(ring, LOG_BLK_TABLE(n), count);
}

/**
 * log_blk_add() - add a request, and note where the device may write
 * @blk: the disk
 * @n: number of the request, below LOG_BLK_BATCH
 * @type: VIRTIO_BLK_T_*
 * @sector: where
 * @data: its buffers
 * @pieces: how many, up to LOG_BLK_PIECES
 * @writes: the device may write to them
 *
 * Return: the head, or -ENOSPC.
 */
int log_blk_add(struct log_blk *blk, unsigned int n, uint32_t type, uint64_t sector,
		const struct driver_buffer *data, unsigned int pieces, bool writes)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct driver_buffer buffers[LOG_BLK_PIECES + 2];
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { type, 0, sector };
	unsigned int i;

	guest_write(&blk->device, BLK_HEADER(n), &header, sizeof(header));
	buffers[0] = (struct driver_buffer) { BLK_HEADER(n), sizeof(header) };
	memcpy(&buffers[1], data, pieces * sizeof(*data));
	buffers[pieces + 1] = (struct driver_buffer) { LOG_BLK_STATUS(n), 1 };
	log_note(&blk->log, LOG_BLK_STATUS(n), 1, LOG_DEVICE);
	for (i = 0; writes && i < pieces; i++)
		log_note(&blk->log, data[i].address, data[i].length, LOG_DEVICE);
	return add_chain(blk, n, buffers, in ? 1 : pieces + 1, in ? pieces + 1 : 1);
}

/* Cut some sectors into pieces of any length, apart from each other. */
static unsigned int cut(struct driver_buffer *data, unsigned int n, uint32_t length)
{
	uint64_t at = BLK_DATA(n) + (below(2) ? below(8) * SECTOR : below(0x1000));
	unsigned int pieces;
	uint32_t piece;

	for (pieces = 0; length; pieces++) {
		piece = pieces + 1 < LOG_BLK_PIECES ? 1 + below(length) : length;
		/* Just one byte in the last page. */
		if (below(2))
			at += LOG_PAGE + 1 - (at + piece) % LOG_PAGE;
		data[pieces] = (struct driver_buffer) { at, piece };
		at += piece + below(0x2000);
		length -= piece;
	}
	return pieces;
}

/**
 * log_blk_add_read() - add a read of any length from anywhere
 * @blk: the disk
 * @n: number of the request
 *
 * Return: see log_blk_add().
 */
int log_blk_add_read(struct log_blk *blk, unsigned int n)
{
	uint32_t length = (1 + below(32)) * SECTOR;
	struct driver_buffer data[LOG_BLK_PIECES];
	unsigned int pieces = cut(data, n, length);

	return log_blk_add(blk, n, VIRTIO_BLK_T_IN, below(BLK_SECTORS - length / SECTOR), data,
			   pieces, true);
}

/**
 * log_blk_add_any() - add a request of any kind, also one that fails
 * @blk: the disk
 * @n: number of the request
 *
 * Return: see log_blk_add().
 */
int log_blk_add_any(struct log_blk *blk, unsigned int n)
{
	uint32_t length = (1 + below(32)) * SECTOR;
	struct driver_buffer data[LOG_BLK_PIECES];
	unsigned int pieces;

	switch (below(12)) {
	case 0:
		pieces = cut(data, n, length);
		return log_blk_add(blk, n, VIRTIO_BLK_T_OUT, below(BLK_SECTORS / 2), data, pieces,
				   false);
	case 1:
		data[0] = (struct driver_buffer) { BLK_DATA(n) + below(0x2000), 20 };
		return log_blk_add(blk, n, VIRTIO_BLK_T_GET_ID, 0, data, 1, true);
	case 2:
		/* Beyond the end. */
		pieces = cut(data, n, length);
		return log_blk_add(blk, n, VIRTIO_BLK_T_IN, BLK_SECTORS - 1 + below(2) * 9, data,
				   pieces, length == SECTOR);
	case 3:
		pieces = cut(data, n, length - 1);
		return log_blk_add(blk, n, VIRTIO_BLK_T_IN, 0, data, pieces, false);
	case 4:
		return log_blk_add(blk, n, UNKNOWN_TYPE, 0, data, 0, false);
	default:
		return log_blk_add_read(blk, n);
	}
}
