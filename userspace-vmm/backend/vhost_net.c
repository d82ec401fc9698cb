// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface by vhost: each queue pair has a file of the kernel device,
 * and is served with its queue of the tap.
 */
#include <errno.h>
#include <linux/virtio_net.h>

#include "backend/tap.h"
#include "backend/vhost.h"
#include "backend/vhost_control.h"

/* Receive and transmit. */
#define VRINGS 2

static int set_backend(const struct vhost_backend *backend, const struct virtio_queue *queue,
		       bool on)
{
	const struct tap *tap = backend->device;

	return vhost_set_file(vhost_queue_fd(backend, queue), vhost_queue_vring(backend, queue),
			      VHOST_NET_SET_BACKEND,
			      on ? tap->fds[queue->index / VRINGS] : VHOST_FILE_UNBIND);
}

/* What stops a queue that does not run changes nothing. */
static int probe(const struct vhost_backend *backend, int fd)
{
	(void)backend;
	if (vhost_set_file(fd, 0, VHOST_NET_SET_BACKEND, VHOST_FILE_UNBIND) == -ENOTTY)
		return -ENOTTY;
	return 0;
}

static const struct vhost_type net_type = {
	.purpose	= "a network interface",
	.features	= BACKEND_RING_FEATURES | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF),
	.probe		= probe,
	.set_backend	= set_backend,
};

/**
 * vhost_net_create() - serve a network interface by a kernel device
 * @machine: has memory and a loop
 * @settings: what the user wants; needed only during the call
 * @tap: its queues are the queue pairs; must outlive the backend
 * @out: receives the backend; backend_destroy() frees it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.
 */
int vhost_net_create(struct machine *machine, const struct vhost_settings *settings,
		     const struct tap *tap, struct backend **out)
{
	const struct vhost_shape shape = {
		.type = &net_type,
		.device = tap,
		.files = tap->queues,
		.vrings = VRINGS,
	};

	return vhost_backend_create(machine, settings, &shape, out);
}
