// SPDX-License-Identifier: GPL-2.0
/*
 * Driving a kernel device by the vhost ioctls: <linux/vhost.h>, docs/uapi.md.
 *
 * Kicks go from the queue's ioeventfd to the kernel device, and calls from there
 * to the vector's irqfd: while a queue runs, this process has no part in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vqhost.h>

#include "backend/vhost.h"
#include "backend/vhost_control.h"
#include "machine/machine.h"
#include "options.h"
#include "virtqueue/virtqueue.h"

static struct vhost_backend *to_vhost_backend(struct backend *backend)
{
	return (struct vhost_backend *)backend;
}

/**
 * vhost_queue_fd() - the file that serves a queue
 * @backend: of the queue
 * @queue: the queue
 *
 * Return: its file descriptor.
 */
int vhost_queue_fd(const struct vhost_backend *backend, const struct virtio_queue *queue)
{
	return backend->fds[queue->index / backend->vrings];
}

/**
 * vhost_queue_vring() - the number of a queue in its file
 * @backend: of the queue
 * @queue: the queue
 *
 * Return: index of the vring.
 */
unsigned int vhost_queue_vring(const struct vhost_backend *backend,
			       const struct virtio_queue *queue)
{
	return queue->index % backend->vrings;
}

static int set_addresses(const struct vhost_backend *backend, const struct virtio_queue *queue)
{
	struct vhost_vring_addr address = { .index = vhost_queue_vring(backend, queue) };
	int err = remote_queue_address(queue, &address);

	if (err)
		return err;
	return vhost_control(vhost_queue_fd(backend, queue), VHOST_SET_VRING_ADDR, &address);
}

static int set_features(struct backend *base, uint64_t features)
{
	struct vhost_backend *backend = to_vhost_backend(base);
	unsigned int i;
	int err = 0;

	features &= base->features;
	for (i = 0; i < backend->fd_count && !err; i++)
		err = vhost_control(backend->fds[i], VHOST_SET_FEATURES, &features);
	return err;
}

/* Why the kernel gave up, if it can tell. */
static const char *error_reason(const struct remote_queue *remote)
{
	const struct vhost_backend *backend = to_vhost_backend(remote->backend);
	struct vqhost_vring_stats stats = {
		.index = vhost_queue_vring(backend, remote->queue),
		.size = sizeof(stats),
	};

	if (vhost_control(vhost_queue_fd(backend, remote->queue), VQHOST_GET_VRING_STATS, &stats))
		return "the kernel device reports an error";
	return virtqueue_error_name(stats.error);
}

static int set_up_vring(const struct vhost_backend *backend, const struct virtio_queue *queue)
{
	unsigned int vring = vhost_queue_vring(backend, queue);
	int fd = vhost_queue_fd(backend, queue);
	int err;

	err = vhost_set_state(fd, vring, VHOST_SET_VRING_NUM, queue->size);
	if (!err)
		err = vhost_set_state(fd, vring, VHOST_SET_VRING_BASE, queue->base);
	if (!err)
		err = set_addresses(backend, queue);
	if (!err)
		err = vhost_set_file(fd, vring, VHOST_SET_VRING_KICK, queue->kick);
	if (!err)
		err = vhost_set_file(fd, vring, VHOST_SET_VRING_CALL, queue->call);
	if (!err)
		err = vhost_set_file(fd, vring, VHOST_SET_VRING_ERR,
				     backend->queues[queue->index].error);
	return err;
}

static int start(struct backend *base, struct virtio_queue *queue)
{
	struct vhost_backend *backend = to_vhost_backend(base);
	struct remote_queue *remote = &backend->queues[queue->index];
	int err;

	err = set_up_vring(backend, queue);
	if (err)
		return err;
	err = remote_queue_begin(remote, queue);
	if (err)
		return err;
	err = backend->type->set_backend(backend, queue, true);
	if (err)
		remote_queue_end(remote);
	return err;
}

static void stop(struct backend *base, struct virtio_queue *queue)
{
	struct vhost_backend *backend = to_vhost_backend(base);
	uint32_t position;

	backend->type->set_backend(backend, queue, false);
	if (!vhost_get_base(vhost_queue_fd(backend, queue), vhost_queue_vring(backend, queue),
			    &position))
		queue->base = position;
	remote_queue_end(&backend->queues[queue->index]);
}

static void set_call(struct backend *base, struct virtio_queue *queue)
{
	const struct vhost_backend *backend = to_vhost_backend(base);

	vhost_set_file(vhost_queue_fd(backend, queue), vhost_queue_vring(backend, queue),
		       VHOST_SET_VRING_CALL, queue->call);
}

/* Closing the files ends the kernel's threads. */
static void destroy(struct backend *base)
{
	struct vhost_backend *backend = to_vhost_backend(base);
	unsigned int i;

	for (i = 0; backend->queues && i < backend->fd_count * backend->vrings; i++)
		remote_queue_fini(&backend->queues[i]);
	while (backend->fd_count) {
		if (backend->fds[--backend->fd_count] >= 0)
			close(backend->fds[backend->fd_count]);
	}
	free(backend->queues);
	free(backend->fds);
	free(backend);
}

static const struct backend_ops vhost_ops = {
	.set_features	= set_features,
	.start		= start,
	.stop		= stop,
	.set_call	= set_call,
	.destroy	= destroy,
};

static int set_memory_table(const struct machine *machine, int fd)
{
	const struct guest_region *regions;
	struct vhost_memory *table;
	unsigned int count, i;
	int err;

	regions = guest_memory_regions(machine->memory, &count);
	table = calloc(1, sizeof(*table) + count * sizeof(table->regions[0]));
	if (!table)
		return -ENOMEM;
	table->nregions = count;
	for (i = 0; i < count; i++) {
		table->regions[i].guest_phys_addr = regions[i].address;
		table->regions[i].memory_size = regions[i].size;
		table->regions[i].userspace_addr = (uintptr_t)regions[i].host;
	}
	err = vhost_control(fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

static int set_poll(const struct vhost_backend *backend, int fd,
		    const struct vhost_settings *settings)
{
	unsigned int vring;
	int err = 0;

	if (!settings->poll_set)
		return 0;
	for (vring = 0; vring < backend->vrings && !err; vring++)
		err = vhost_set_state(fd, vring, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
				      settings->poll_us);
	if (!err)
		return 0;
	errno = -err;
	return option_error(settings->option, "poll-us", "%s: %m", settings->device);
}

/* Has the kernel device as many as are needed? */
static int check_vrings(const struct vhost_backend *backend, int fd)
{
	uint32_t base;

	return vhost_get_base(fd, backend->vrings - 1, &base);
}

/* Open and set up one file.  0, OPTION_REJECTED (reported), or -errno. */
static int open_file(struct vhost_backend *backend, const struct vhost_settings *settings)
{
	const struct vhost_type *type = backend->type;
	const char *device = settings->device;
	uint64_t features;
	int fd, err;

	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return option_key_error(settings->option, "device", device, "%m%s",
					errno == ENOENT ? " (is its module loaded?)" : "");
	backend->fds[backend->fd_count++] = fd;

	err = vhost_control(fd, VHOST_SET_OWNER, NULL);
	if (!err)
		err = type->probe(backend, fd);
	if (err == -ENOTTY)
		return option_key_error(settings->option, "device", device,
					"not a vhost device for %s", type->purpose);
	if (!err)
		err = vhost_control(fd, VHOST_GET_FEATURES, &features);
	if (!err)
		err = set_memory_table(backend->machine, fd);
	if (!err)
		err = check_vrings(backend, fd);
	if (err) {
		errno = -err;
		return option_key_error(settings->option, "device", device, "%m");
	}
	backend->base.features &= features;
	return set_poll(backend, fd, settings);
}

static int create_queues(struct vhost_backend *backend, unsigned int count)
{
	unsigned int i;
	int err = 0;

	backend->queues = calloc(count, sizeof(*backend->queues));
	if (!backend->queues)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = remote_queue_init(&backend->queues[i], &backend->base, error_reason);
	return err;
}

/**
 * vhost_backend_create() - serve queues by a kernel device
 * @machine: has memory and a loop
 * @settings: what the user wants; needed only during the call
 * @shape: how queues map to files
 * @out: receives the backend; backend_destroy() frees it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.
 */
int vhost_backend_create(struct machine *machine, const struct vhost_settings *settings,
			 const struct vhost_shape *shape, struct backend **out)
{
	struct vhost_backend *backend = calloc(1, sizeof(*backend));
	int err = -ENOMEM;

	if (!backend)
		return -ENOMEM;
	backend->base.ops = &vhost_ops;
	backend->base.features = shape->type->features;
	backend->type = shape->type;
	backend->machine = machine;
	backend->vrings = shape->vrings;
	backend->device = shape->device;
	backend->fds = calloc(shape->files, sizeof(*backend->fds));
	if (!backend->fds)
		goto destroy;
	do {
		err = open_file(backend, settings);
		if (err)
			goto destroy;
	} while (backend->fd_count < shape->files);
	err = create_queues(backend, shape->files * shape->vrings);
	if (err)
		goto destroy;
	*out = &backend->base;
	return 0;

destroy:
	destroy(&backend->base);
	return err;
}
