// SPDX-License-Identifier: GPL-2.0
/*
 * Workers and the queues of a disk that they serve.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../lib/tasks.h"
#include "worker_setup.h"

/**
 * worker_new() - make a worker
 * @fd: of the device
 *
 * Return: its id, or -errno.
 */
int worker_new(int fd)
{
	struct vhost_worker_state state = {};
	int err = vhost_ioctl(fd, VHOST_NEW_WORKER, &state);

	return err ? err : (int)state.worker_id;
}

/**
 * worker_free() - free a worker
 * @fd: of the device
 * @id: of the worker
 *
 * Return: 0 or -errno.
 */
int worker_free(int fd, unsigned int id)
{
	struct vhost_worker_state state = { .worker_id = id };

	return vhost_ioctl(fd, VHOST_FREE_WORKER, &state);
}

/**
 * worker_attach() - have a queue served by a worker
 * @fd: of the device
 * @index: of the queue
 * @id: of the worker
 *
 * Return: 0 or -errno.
 */
int worker_attach(int fd, unsigned int index, unsigned int id)
{
	struct vhost_vring_worker worker = { .index = index, .worker_id = id };

	return vhost_ioctl(fd, VHOST_ATTACH_VRING_WORKER, &worker);
}

/**
 * worker_of() - whose a queue is
 * @fd: of the device
 * @index: of the queue
 *
 * Return: the id of the queue's worker, or -errno.
 */
int worker_of(int fd, unsigned int index)
{
	struct vhost_vring_worker worker = { .index = index, .worker_id = NO_WORKER };
	int err = vhost_ioctl(fd, VHOST_GET_VRING_WORKER, &worker);

	if (!err && worker.index != index)
		return -EPROTO;
	return err ? err : (int)worker.worker_id;
}

/**
 * worker_threads_end() - wait until no thread serves a disk
 * @pid: of the owner
 *
 * Return: false if that takes too long: a thread that has ended is to be seen for a moment.
 */
bool worker_threads_end(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS / 10; i++) {
		if (!tasks_serving(pid, "vqhost-blk"))
			return true;
		usleep(10000);
	}
	return false;
}

/**
 * worker_start() - set a backend
 * @queue: of a disk
 * @store: behind it, or -1
 *
 * Return: 0 or -errno.
 */
int worker_start(struct vhost_queue *queue, int store)
{
	return vhost_queue_blk_backend(queue, store, 0);
}

/**
 * worker_start_shared() - have WORKER_QUEUES queues share a thread
 * @device: a disk
 * @queues: its queues
 * @store: behind them
 *
 * Return: the worker's id, or -errno.
 */
int worker_start_shared(struct vhost_device *device, struct vhost_queue *queues, int store)
{
	int id = worker_new(device->fd);
	unsigned int i;
	int err = 0;

	for (i = 0; id >= 0 && !err && i < WORKER_QUEUES; i++) {
		err = worker_attach(device->fd, i, id);
		if (!err)
			err = worker_start(&queues[i], store);
	}
	return err ? err : id;
}

/**
 * worker_data_moves() - write and read back on each queue, all with requests under way at once
 * @queues: of a disk, each with its own piece of data, headers and store
 * @count: how many
 * @seed: for other data
 *
 * Return: true if what was read is what was written.
 */
bool worker_data_moves(struct vhost_queue *queues, unsigned int count, unsigned int seed)
{
	uint8_t written[4096], read[4096];
	uint32_t type = VIRTIO_BLK_T_OUT;
	unsigned int i;

	for (;; type = VIRTIO_BLK_T_IN) {
		for (i = 0; i < count; i++) {
			blk_pattern(written, sizeof(written), 64 * i, seed);
			if (type == VIRTIO_BLK_T_OUT)
				guest_write(queues[i].device, BLK_DATA(i), written,
					    sizeof(written));
			if (blk_add(&queues[i], i, type, 64 * i, sizeof(written)) < 0)
				return false;
			vhost_queue_expose(&queues[i]);
		}
		for (i = 0; i < count; i++) {
			if (vhost_queue_wait(&queues[i], 1) ||
			    driver_ring_reap(&queues[i].ring, NULL) < 0 ||
			    blk_status(&queues[i], i) != VIRTIO_BLK_S_OK)
				return false;
		}
		if (type == VIRTIO_BLK_T_IN)
			break;
		for (i = 0; i < count; i++) {
			memset(read, 0, sizeof(read));
			guest_write(queues[i].device, BLK_DATA(i), read, sizeof(read));
		}
	}
	for (i = 0; i < count; i++) {
		blk_pattern(written, sizeof(written), 64 * i, seed);
		guest_read(queues[i].device, read, BLK_DATA(i), sizeof(read));
		if (memcmp(written, read, sizeof(read)))
			return false;
	}
	return true;
}
