// SPDX-License-Identifier: GPL-2.0
/*
 * A disk driven from plain userspace.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk_setup.h"

/* A status that no device writes. */
#define NO_STATUS 0xee

/* What make-store calls them, what they are, how they are opened. */
static const struct {
	const char *name;
	const char *path;
	int flags;
} stores[] = {
	[STORE_TMPFS]		= { "tmpfs", "/tmp/vqhost.tmpfs", 0 },
	[STORE_EXT4]		= { "ext4", "/tmp/vqhost.ext4/file", O_DIRECT },
	[STORE_RAM_DISK]	= { "ram-disk", "/dev/ram0", O_DIRECT },
	[STORE_DELAYED]		= { "delayed", "/dev/nullb0", O_DIRECT },
	[STORE_MAPPED]		= { "mapped", "/dev/mapper/vqhost", O_DIRECT },
};

/**
 * store_open() - open a store, which is made first if it is not there
 * @store: which
 * @flags: O_RDONLY or O_RDWR
 *
 * Return: file descriptor, or -errno.
 */
int store_open(enum store store, int flags)
{
	char command[64];
	int fd;

	snprintf(command, sizeof(command), "../kmod/make-store %s", stores[store].name);
	if (access(stores[store].path, F_OK) && system(command))
		return -ECHILD;
	fd = open(stores[store].path, flags | stores[store].flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/**
 * store_start() - open a store and put it behind a queue
 * @queue: the queue
 * @store: which
 * @fd: receives its file descriptor, or -errno
 *
 * Return: 0 or -errno.
 */
int store_start(struct vhost_queue *queue, enum store store, int *fd)
{
	*fd = store_open(store, O_RDWR);
	return *fd < 0 ? *fd : vhost_queue_blk_backend(queue, *fd, 0);
}

/**
 * blk_add_pieces() - add a request whose data lies anywhere
 * @queue: the queue
 * @n: number of the request: which header and status it uses
 * @type: VIRTIO_BLK_T_*
 * @sector: where
 * @data: its buffers
 * @pieces: how many, up to 60
 *
 * Return: the head, or -ENOSPC.
 */
int blk_add_pieces(struct vhost_queue *queue, unsigned int n, uint32_t type, uint64_t sector,
		   const struct driver_buffer *data, unsigned int pieces)
{
	bool writable = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct driver_buffer buffers[62];
	uint8_t status = NO_STATUS;
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { htole32(type), 0, htole64(sector) };

	guest_write(queue->device, BLK_HEADER(n), &header, sizeof(header));
	guest_write(queue->device, BLK_STATUS(n), &status, sizeof(status));
	buffers[0] = (struct driver_buffer) { BLK_HEADER(n), sizeof(header) };
	memcpy(&buffers[1], data, pieces * sizeof(*data));
	buffers[pieces + 1] = (struct driver_buffer) { BLK_STATUS(n), sizeof(status) };
	return driver_ring_add(&queue->ring, buffers, writable ? 1 : pieces + 1,
			       writable ? pieces + 1 : 1);
}

/**
 * blk_add() - add a request with one buffer, at BLK_DATA(@n)
 * @queue: the queue
 * @n: number of the request: which header, status and data it uses
 * @type: VIRTIO_BLK_T_*
 * @sector: where
 * @length: bytes of data, may be 0
 *
 * Return: the head, or -ENOSPC.
 */
int blk_add(struct vhost_queue *queue, unsigned int n, uint32_t type, uint64_t sector,
	    uint32_t length)
{
	struct driver_buffer data = { BLK_DATA(n), length };

	return blk_add_pieces(queue, n, type, sector, &data, length != 0);
}

/**
 * blk_status() - the status of a request
 * @queue: the queue
 * @n: number of the request
 *
 * Return: VIRTIO_BLK_S_*, or -EINPROGRESS.
 */
int blk_status(struct vhost_queue *queue, unsigned int n)
{
	uint8_t status;

	guest_read(queue->device, &status, BLK_STATUS(n), sizeof(status));
	return status == NO_STATUS ? -EINPROGRESS : status;
}

/**
 * blk_do() - have one request carried out, with header, status and data 0
 * @queue: the queue, otherwise idle
 * @type: VIRTIO_BLK_T_*
 * @sector: where
 * @length: bytes of data, may be 0
 *
 * Return: its status, or -errno.
 */
int blk_do(struct vhost_queue *queue, uint32_t type, uint64_t sector, uint32_t length)
{
	int ret;

	ret = blk_add(queue, 0, type, sector, length);
	if (ret < 0)
		return ret;
	vhost_queue_expose(queue);
	ret = vhost_queue_wait(queue, 1);
	if (!ret)
		ret = driver_ring_reap(&queue->ring, NULL);
	return ret < 0 ? ret : blk_status(queue, 0);
}

/**
 * blk_pattern() - content of a disk that is nowhere like elsewhere
 * @data: destination
 * @length: bytes
 * @sector: where it is going to be
 * @seed: for another content at the same place
 */
void blk_pattern(uint8_t *data, uint32_t length, uint64_t sector, unsigned int seed)
{
	uint32_t i;

	for (i = 0; i < length; i++)
		data[i] = (sector + i / SECTOR) * 17 + i * 3 + (i >> 7) + seed * 101;
}

/**
 * blk_stored() - is that what a store holds? It is read past the device
 * @store: file descriptor
 * @expected: content
 * @length: bytes
 * @sector: where
 *
 * Return: true if so.
 */
bool blk_stored(int store, const uint8_t *expected, uint32_t length, uint64_t sector)
{
	void *buffer;
	bool same;

	if (posix_memalign(&buffer, 4096, length))
		return false;
	same = pread(store, buffer, length, sector * SECTOR) == (ssize_t)length &&
	       !memcmp(buffer, expected, length);
	free(buffer);
	return same;
}
