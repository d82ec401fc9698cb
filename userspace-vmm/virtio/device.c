// SPDX-License-Identifier: GPL-2.0
/*
 * Features, status, and the life of the queues (virtio 1.2, section 2 and 3.1).
 *
 * A queue runs while the machine is not paused, the driver is ready and has
 * enabled it, and the device type names a backend for it.
 * virtio_device_update() makes that so after anything of it has changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_ring.h>

#include "machine/machine.h"
#include "virtio/device.h"
#include "virtqueue/virtqueue.h"

/* Alignment of the three areas (section 2.7 and 2.8.10.1). */
#define DESCRIPTORS_ALIGN 16
#define DRIVER_AREA_ALIGN 2
#define DEVICE_AREA_ALIGN 4
#define EVENT_ALIGN 4

#define SECONDS_BETWEEN_MESSAGES 5

/* A ring that is new begins where its format begins. */
static void set_base(struct virtio_queue *queue)
{
	queue->base = virtio_has_feature(queue->device, VIRTIO_F_RING_PACKED) ?
		      VIRTQUEUE_PACKED_BASE : 0;
}

static void reset_queue(struct virtio_queue *queue)
{
	queue->size = queue->size_max;
	queue->vector = VIRTIO_NO_VECTOR;
	queue->call = -1;
	queue->enabled = false;
	queue->broken = false;
	queue->descriptors = 0;
	queue->driver_area = 0;
	queue->device_area = 0;
	set_base(queue);
}

/**
 * virtio_device_init() - set up what all device types have
 * @device: zeroed but for what the type has filled in: machine, ops, name, id,
 *	config, offered
 * @queues: how many
 * @queue_size: descriptors of each, a power of 2 up to VIRTIO_QUEUE_SIZE_MAX
 *
 * Return: 0, or -errno; then nothing is left behind.
 */
int virtio_device_init(struct virtio_device *device, unsigned int queues, unsigned int queue_size)
{
	struct virtio_queue *queue;
	int err;

	device->queues = calloc(queues, sizeof(*device->queues));
	if (!device->queues)
		return -ENOMEM;
	device->next = device->machine->devices;
	device->machine->devices = device;
	while (device->queue_count < queues) {
		queue = &device->queues[device->queue_count];
		queue->device = device;
		queue->index = device->queue_count;
		queue->size_max = queue_size;
		reset_queue(queue);
		queue->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (queue->kick < 0) {
			err = -errno;
			virtio_device_fini(device);
			return err;
		}
		device->queue_count++;
	}
	return 0;
}

/**
 * virtio_device_fini() - undo virtio_device_init()
 * @device: reset, and no longer known to any transport
 */
void virtio_device_fini(struct virtio_device *device)
{
	struct virtio_device **link = &device->machine->devices;

	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	while (device->queue_count)
		close(device->queues[--device->queue_count].kick);
	free(device->queues);
	device->queues = NULL;
}

static void *map_area(struct guest_memory *memory, uint64_t address, uint64_t length,
		      uint64_t alignment, bool write)
{
	struct iovec area;

	if (address % alignment)
		return NULL;
	if (guest_memory_translate(memory, address, length, write, &area, 1) != 1)
		return NULL;
	return area.iov_base;
}

static void map_split(const struct virtio_queue *queue, struct virtio_rings *rings)
{
	struct guest_memory *memory = queue->device->machine->memory;
	uint64_t size = queue->size;

	rings->descriptors = map_area(memory, queue->descriptors,
				      size * sizeof(struct vring_desc), DESCRIPTORS_ALIGN, false);
	rings->driver_area = map_area(memory, queue->driver_area,
				      sizeof(struct vring_avail) + (size + 1) * sizeof(__virtio16),
				      DRIVER_AREA_ALIGN, false);
	rings->device_area = map_area(memory, queue->device_area,
				      sizeof(struct vring_used) + sizeof(__virtio16) +
				      size * sizeof(struct vring_used_elem),
				      DEVICE_AREA_ALIGN, true);
}

/* The device writes to the descriptors, too. */
static void map_packed(const struct virtio_queue *queue, struct virtio_rings *rings)
{
	struct guest_memory *memory = queue->device->machine->memory;

	rings->descriptors = map_area(memory, queue->descriptors,
				      queue->size * sizeof(struct vring_packed_desc),
				      DESCRIPTORS_ALIGN, true);
	rings->driver_area = map_area(memory, queue->driver_area,
				      sizeof(struct vring_packed_desc_event), EVENT_ALIGN, false);
	rings->device_area = map_area(memory, queue->device_area,
				      sizeof(struct vring_packed_desc_event), EVENT_ALIGN, true);
}

/**
 * virtio_queue_map() - find a queue's rings
 * @queue: enabled by the driver
 * @rings: receives the addresses
 *
 * The areas have room for event indices, used or not.  Virtio 1.2, section 2.7
 * and 2.8.
 * Return: 0, -EINVAL for a size no queue can have, -EFAULT for a misaligned area
 * or one that lies outside guest memory.
 */
int virtio_queue_map(const struct virtio_queue *queue, struct virtio_rings *rings)
{
	bool packed = virtio_has_feature(queue->device, VIRTIO_F_RING_PACKED);
	uint64_t size = queue->size;

	if (!size || size > queue->size_max || (!packed && size & (size - 1)))
		return -EINVAL;
	if (packed)
		map_packed(queue, rings);
	else
		map_split(queue, rings);
	if (!rings->descriptors || !rings->driver_area || !rings->device_area)
		return -EFAULT;
	return 0;
}

static void stop_queue(struct virtio_queue *queue)
{
	struct backend *backend = queue->backend;

	if (!backend)
		return;
	queue->backend = NULL;
	backend->ops->stop(backend, queue);
}

static void start_queue(struct virtio_queue *queue, struct backend *backend)
{
	struct virtio_rings rings;
	int err;

	err = virtio_queue_map(queue, &rings);
	if (!err)
		err = backend->ops->start(backend, queue);
	if (err) {
		virtio_queue_break(queue, strerror(-err));
		return;
	}
	queue->backend = backend;
	/* The driver may have notified already, and not do so again. */
	eventfd_write(queue->kick, 1);
}

/**
 * virtio_device_update() - start and stop queues as they should be
 * @device: something changed of it
 *
 * May be called by the backend of another queue of the same device.
 */
void virtio_device_update(struct virtio_device *device)
{
	bool ready = device->status & VIRTIO_CONFIG_S_DRIVER_OK && !device->machine->paused;
	struct virtio_queue *queue;
	struct backend *backend;
	unsigned int i;

	for (i = 0; i < device->queue_count; i++) {
		queue = &device->queues[i];
		backend = NULL;
		if (ready && queue->enabled && !queue->broken)
			backend = device->ops->queue_backend(device, i);
		if (backend == queue->backend)
			continue;
		stop_queue(queue);
		if (backend)
			start_queue(queue, backend);
	}
}

/* A guest can break queues again and again: it shall not fill anyone's log. */
static void complain(struct virtio_queue *queue, const char *reason)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (queue->complained && now.tv_sec - queue->complained < SECONDS_BETWEEN_MESSAGES)
		return;
	queue->complained = now.tv_sec;
	fprintf(stderr, "vqvmm: %s: queue %u stopped: %s\n", queue->device->name, queue->index,
		reason);
}

/**
 * virtio_queue_break() - a queue cannot go on
 * @queue: the queue, running or not; stopped afterwards
 * @reason: for the message
 *
 * Other queues of the device go on.  Virtio 1.2, section 2.1.2.
 */
void virtio_queue_break(struct virtio_queue *queue, const char *reason)
{
	struct virtio_device *device = queue->device;

	if (queue->broken)
		return;
	queue->broken = true;
	complain(queue, reason);
	stop_queue(queue);
	device->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (device->status & VIRTIO_CONFIG_S_DRIVER_OK && device->interrupt_config)
		device->interrupt_config(device, device->interrupt_opaque);
}

/**
 * virtio_queue_set_call() - change what a queue signals
 * @queue: the queue, running or not
 * @call: eventfd, or -1 for none; stays with the caller
 */
void virtio_queue_set_call(struct virtio_queue *queue, int call)
{
	queue->call = call;
	if (queue->backend)
		queue->backend->ops->set_call(queue->backend, queue);
}

/**
 * virtio_queue_reset() - the driver resets one queue
 * @queue: running or not; the driver can set it up again
 *
 * Other queues of the device go on.  Virtio 1.2, section 2.6.1.
 */
void virtio_queue_reset(struct virtio_queue *queue)
{
	queue->enabled = false;
	virtio_device_update(queue->device);
	reset_queue(queue);
}

static void reset_device(struct virtio_device *device)
{
	unsigned int i;

	device->status = 0;
	virtio_device_update(device);
	device->features = 0;
	for (i = 0; i < device->queue_count; i++)
		reset_queue(&device->queues[i]);
	if (device->ops->reset)
		device->ops->reset(device);
}

/* May the driver have these features?  Section 2.2 and 6.1. */
static bool features_acceptable(struct virtio_device *device)
{
	if (device->features & ~device->offered)
		return false;
	if (!virtio_has_feature(device, VIRTIO_F_VERSION_1))
		return false;
	return !device->ops->features_chosen || !device->ops->features_chosen(device);
}

static void set_bases(struct virtio_device *device)
{
	unsigned int i;

	for (i = 0; i < device->queue_count; i++)
		set_base(&device->queues[i]);
}

/**
 * virtio_device_set_status() - the driver writes the device status
 * @device: the device
 * @status: as written; 0 resets the device
 *
 * Virtio 1.2, section 2.1 and 3.1.1.
 */
void virtio_device_set_status(struct virtio_device *device, uint8_t status)
{
	uint8_t added = status & ~device->status;

	if (!status) {
		reset_device(device);
		return;
	}
	if (added & VIRTIO_CONFIG_S_FEATURES_OK) {
		if (features_acceptable(device))
			set_bases(device);
		else
			status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	/* A driver that skips the negotiation gets no queues. */
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	/* Only a reset takes anything back. */
	device->status |= status;
	virtio_device_update(device);
}
