// SPDX-License-Identifier: GPL-2.0
/*
 * A guest without vCPUs: the test is its driver.
 */
#include "guest.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/vhost_user.h"

static struct guest *to_guest(struct virtio_device *device)
{
	return (struct guest *)((char *)device - offsetof(struct guest, device));
}

static int features_chosen(struct virtio_device *device)
{
	struct backend *backend = to_guest(device)->backend;

	return backend->ops->set_features(backend, device->features);
}

static struct backend *queue_backend(struct virtio_device *device, unsigned int index)
{
	(void)index;
	return to_guest(device)->backend;
}

static const struct virtio_device_ops guest_ops = {
	.features_chosen	= features_chosen,
	.queue_backend		= queue_backend,
};

static void *run(void *opaque)
{
	struct guest *guest = opaque;

	loop_run(guest->machine.loop);
	return NULL;
}

static void free_machine(struct guest *guest)
{
	loop_destroy(guest->machine.loop);
	guest_memory_destroy(guest->machine.memory);
}

/**
 * guest_begin() - a machine with a disk
 * @guest: is filled; guest_end() ends it, unless this fails
 * @socket: where the disk's back end listens
 *
 * Return: 0 or what vhost_user_blk_create() returns.
 */
int guest_begin(struct guest *guest, const char *socket)
{
	const struct vhost_user_settings settings = {
		.option = "--disk",
		.socket = socket,
		.queues = GUEST_QUEUES,
		.queue_size = GUEST_QUEUE_SIZE,
	};
	unsigned int i;
	int err;

	memset(guest, 0, sizeof(*guest));
	assert(!guest_memory_create(GUEST_MEMORY, &guest->machine.memory));
	assert(!loop_create(&guest->machine.loop));
	err = vhost_user_blk_create(&guest->machine, &settings, &guest->config, &guest->backend);
	if (err) {
		free_machine(guest);
		return err;
	}
	guest->device.machine = &guest->machine;
	guest->device.ops = &guest_ops;
	guest->device.name = "disk";
	guest->device.offered = guest->backend->features;
	assert(!virtio_device_init(&guest->device, GUEST_QUEUES, GUEST_QUEUE_SIZE));
	for (i = 0; i < GUEST_QUEUES; i++)
		guest->calls[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert(!pthread_create(&guest->thread, NULL, run, guest));
	return 0;
}

/**
 * guest_end() - the end of the machine
 * @guest: begun
 */
void guest_end(struct guest *guest)
{
	unsigned int i;

	loop_stop(guest->machine.loop);
	pthread_join(guest->thread, NULL);
	virtio_device_set_status(&guest->device, 0);
	virtio_device_fini(&guest->device);
	backend_destroy(guest->backend);
	for (i = 0; i < GUEST_QUEUES; i++)
		close(guest->calls[i]);
	free_machine(guest);
}

/**
 * guest_load_driver() - a driver takes the disk, and all of its queues
 * @guest: has no driver
 * @features: that it chooses
 */
void guest_load_driver(struct guest *guest, uint64_t features)
{
	struct virtio_device *device = &guest->device;
	struct virtio_queue *queue;
	unsigned int i;

	machine_lock(&guest->machine);
	device->features = features;
	virtio_device_set_status(device, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
				 VIRTIO_CONFIG_S_FEATURES_OK);
	assert(device->status & VIRTIO_CONFIG_S_FEATURES_OK);
	for (i = 0; i < GUEST_QUEUES; i++) {
		queue = &device->queues[i];
		queue->descriptors = GUEST_RING(i);
		queue->driver_area = GUEST_RING(i) + GUEST_DRIVER_AREA;
		queue->device_area = GUEST_RING(i) + GUEST_DEVICE_AREA;
		queue->enabled = true;
		virtio_queue_set_call(queue, guest->calls[i]);
	}
	virtio_device_set_status(device, device->status | VIRTIO_CONFIG_S_DRIVER_OK);
	machine_unlock(&guest->machine);
}

/**
 * guest_reset() - the driver resets the disk
 * @guest: may have a driver
 */
void guest_reset(struct guest *guest)
{
	machine_lock(&guest->machine);
	virtio_device_set_status(&guest->device, 0);
	assert(!guest->device.status);
	machine_unlock(&guest->machine);
}

/**
 * guest_pause() - let the machine stand still, or go on
 * @guest: begun
 * @paused: stand still
 */
void guest_pause(struct guest *guest, bool paused)
{
	machine_lock(&guest->machine);
	guest->machine.paused = paused;
	virtio_device_update(&guest->device);
	machine_unlock(&guest->machine);
}

/**
 * guest_set_index() - the index of a split ring
 * @guest: begun
 * @queue: index of the queue
 * @area: GUEST_DRIVER_AREA or GUEST_DEVICE_AREA
 * @index: how many were made available, or used
 */
void guest_set_index(struct guest *guest, unsigned int queue, unsigned int area, uint16_t index)
{
	/* Behind 16 bits of flags. */
	assert(!guest_memory_write(guest->machine.memory, GUEST_RING(queue) + area + 2, &index,
				   sizeof(index)));
}
