// SPDX-License-Identifier: GPL-2.0
/*
 * What backends have in common that have queues served elsewhere.
 */
#include "backend/remote_queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/machine.h"
#include "virtio/device.h"

/**
 * remote_queue_init() - set up what is needed before a queue runs
 * @remote: is filled; remote_queue_fini() undoes it, also on failure
 * @backend: of the queue
 * @reason: see &struct remote_queue
 *
 * Return: 0 or -errno.
 */
int remote_queue_init(struct remote_queue *remote, struct backend *backend,
		      const char *(*reason)(const struct remote_queue *remote))
{
	*remote = (struct remote_queue) {
		.backend = backend,
		.reason = reason,
		.error = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	return remote->error < 0 ? -errno : 0;
}

/**
 * remote_queue_fini() - undo remote_queue_init()
 * @remote: its queue does not run; may be zeroed instead
 */
void remote_queue_fini(struct remote_queue *remote)
{
	if (remote->backend && remote->error >= 0)
		close(remote->error);
}

static void failed(void *opaque)
{
	struct remote_queue *remote = opaque;
	eventfd_t count;

	eventfd_read(remote->error, &count);
	virtio_queue_break(remote->queue, remote->reason(remote));
}

/**
 * remote_queue_begin() - a queue is about to be served
 * @remote: initialised
 * @queue: which; broken when its error is signalled
 *
 * Return: 0 or -errno.
 */
int remote_queue_begin(struct remote_queue *remote, struct virtio_queue *queue)
{
	eventfd_t count;
	int err;

	/* An error of its former life is nobody's business any more. */
	eventfd_read(remote->error, &count);
	err = loop_add(queue->device->machine->loop, remote->error, failed, remote);
	if (!err)
		remote->queue = queue;
	return err;
}

/**
 * remote_queue_end() - a queue is served no longer
 * @remote: the queue runs
 */
void remote_queue_end(struct remote_queue *remote)
{
	loop_remove(remote->queue->device->machine->loop, remote->error);
	remote->queue = NULL;
}

/**
 * remote_queue_address() - where a queue lies in this process
 * @queue: enabled by the driver
 * @address: its addresses are filled in
 *
 * Return: 0 or what virtio_queue_map() returns.
 */
int remote_queue_address(const struct virtio_queue *queue, struct vhost_vring_addr *address)
{
	struct virtio_rings rings;
	int err;

	err = virtio_queue_map(queue, &rings);
	if (err)
		return err;
	address->desc_user_addr = (uintptr_t)rings.descriptors;
	address->avail_user_addr = (uintptr_t)rings.driver_area;
	address->used_user_addr = (uintptr_t)rings.device_area;
	return 0;
}
