/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues served by a kernel device that speaks vhost: /dev/vqhost-net,
 * /dev/vqhost-blk, mainline's /dev/vhost-net.
 *
 * A kernel device has a file for each group of vrings: a queue pair of a network
 * interface, all queues of a disk.
 */
#ifndef VQVMM_BACKEND_VHOST_H
#define VQVMM_BACKEND_VHOST_H

#include <stdbool.h>
#include <linux/vhost.h>

#include "backend/backend.h"
#include "backend/remote_queue.h"
#include "virtio/device.h"

struct machine;
struct store;
struct tap;
struct vhost_backend;

/**
 * struct vhost_settings - what the user wants
 * @option: in which the user said so: "--net"
 * @device: path of the kernel device
 * @poll_us: how long a queue polls before it sleeps, in microseconds
 * @poll_set: @poll_us is to be set; else the kernel device's own default holds
 */
struct vhost_settings {
	const char *option;
	const char *device;
	unsigned int poll_us;
	bool poll_set;
};

/**
 * struct vhost_type - what differs between types of kernel devices
 * @purpose: for messages: "a network interface"
 * @features: what the kernel device may offer that concerns the guest
 * @probe: is this file one of the type?  0; -ENOTTY if not; another -errno
 * @set_backend: start serving a vring, or stop if @on is false; 0 or -errno
 */
struct vhost_type {
	const char *purpose;
	uint64_t features;
	int (*probe)(const struct vhost_backend *backend, int fd);
	int (*set_backend)(const struct vhost_backend *backend, const struct virtio_queue *queue,
			   bool on);
};

/**
 * struct vhost_backend - queues of one device
 * @base: what the device sees
 * @type: of the kernel device
 * @machine: the machine
 * @fds: files of the kernel device
 * @fd_count: how many
 * @vrings: vrings of each file
 * @device: what is behind it: a tap, a store
 * @queues: by index, @fd_count times @vrings
 */
struct vhost_backend {
	struct backend base;
	const struct vhost_type *type;
	struct machine *machine;
	int *fds;
	unsigned int fd_count;
	unsigned int vrings;
	const void *device;
	struct remote_queue *queues;
};

/**
 * struct vhost_shape - how queues map to files
 * @type: of the kernel device
 * @device: what is behind it
 * @files: how many
 * @vrings: vrings of each
 */
struct vhost_shape {
	const struct vhost_type *type;
	const void *device;
	unsigned int files;
	unsigned int vrings;
};

int vhost_backend_create(struct machine *machine, const struct vhost_settings *settings,
			 const struct vhost_shape *shape, struct backend **out);
int vhost_queue_fd(const struct vhost_backend *backend, const struct virtio_queue *queue);
unsigned int vhost_queue_vring(const struct vhost_backend *backend,
			       const struct virtio_queue *queue);

int vhost_net_create(struct machine *machine, const struct vhost_settings *settings,
		     const struct tap *tap, struct backend **out);
int vhost_blk_create(struct machine *machine, const struct vhost_settings *settings,
		     const struct store *store, unsigned int queues, struct backend **out);

#endif /* VQVMM_BACKEND_VHOST_H */
