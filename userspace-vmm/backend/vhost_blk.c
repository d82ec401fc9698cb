// SPDX-License-Identifier: GPL-2.0
/*
 * A disk by vhost: one file of the kernel device serves all queues.
 */
#include "backend/store.h"
#include "backend/vhost.h"
#include "backend/vhost_control.h"

static int set_backend(const struct vhost_backend *backend, const struct virtio_queue *queue,
		       bool on)
{
	return vhost_set_store(vhost_queue_fd(backend, queue), vhost_queue_vring(backend, queue),
			       backend->device, on);
}

/* Only a disk has a serial number. */
static int probe(const struct vhost_backend *backend, int fd)
{
	return vhost_set_serial(fd, backend->device);
}

static const struct vhost_type blk_type = {
	.purpose	= "a disk",
	.features	= BACKEND_RING_FEATURES | STORE_FEATURES,
	.probe		= probe,
	.set_backend	= set_backend,
};

/**
 * vhost_blk_create() - serve a disk by a kernel device
 * @machine: has memory and a loop
 * @settings: what the user wants; needed only during the call
 * @store: must outlive the backend
 * @queues: of the disk
 * @out: receives the backend; backend_destroy() frees it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.
 */
int vhost_blk_create(struct machine *machine, const struct vhost_settings *settings,
		     const struct store *store, unsigned int queues, struct backend **out)
{
	const struct vhost_shape shape = {
		.type = &blk_type,
		.device = store,
		.files = 1,
		.vrings = queues,
	};

	return vhost_backend_create(machine, settings, &shape, out);
}
