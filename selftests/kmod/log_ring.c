// SPDX-License-Identifier: GPL-2.0
/*
 * A ring that lies in guest memory, where what is written to it is logged.
 */
#include <stdlib.h>
#include <string.h>

#include "log_setup.h"

/* Across pages. */
static uint64_t ring_descriptors(const struct vhost_queue *queue)
{
	return LOG_RING(queue->index) + 0xf00;
}

static uint64_t ring_driver_area(const struct vhost_queue *queue)
{
	return LOG_RING(queue->index) + 0x6000;
}

/* Give an area of a ring a place in guest memory instead of its own. */
static void *move_area(struct log_setup *log, void *area, uint64_t address, size_t length)
{
	guest_write(log->device, address, area, length);
	free(area);
	return guest_pointer(log->device, address);
}

static size_t device_area_size(const struct vhost_queue *queue)
{
	return driver_ring_is_packed(&queue->ring) ? sizeof(*queue->ring.device_event) :
						     LOG_DEVICE_AREA(queue->ring.size);
}

/**
 * log_move_ring() - move a ring into guest memory
 * @log: of the queue's device
 * @queue: stopped; not to be freed without log_ring_destroy()
 *
 * The area that the driver writes to is noted as such.
 * Return: 0 or -errno.
 */
int log_move_ring(struct log_setup *log, struct vhost_queue *queue)
{
	struct driver_ring *ring = &queue->ring;
	bool packed = driver_ring_is_packed(ring);
	size_t descriptors = ring->size * sizeof(*ring->descriptors);
	size_t available = packed ? sizeof(*ring->driver_event) : 6 + 2 * ring->size;
	size_t used = device_area_size(queue);

	ring->descriptors = move_area(log, ring->descriptors, ring_descriptors(queue), descriptors);
	ring->available = move_area(log, ring->available, ring_driver_area(queue), available);
	ring->used = move_area(log, ring->used, log_device_area(queue), used);
	log_note(log, ring_descriptors(queue), descriptors,
		 packed ? LOG_DRIVER | LOG_DEVICE : LOG_DRIVER);
	log_note(log, ring_driver_area(queue), available, LOG_DRIVER);
	log_note(log, log_device_area(queue), used, LOG_DEVICE);
	return log_ring(queue, false, 0);
}

/**
 * log_map_ring() - before a queue starts: it does not without its device area
 * @log: of the queue's device
 * @queue: after log_move_ring()
 *
 * Each negotiation of features drops what was mapped behind an IOTLB.
 * Return: 0 or -errno.
 */
int log_map_ring(struct log_setup *log, struct vhost_queue *queue)
{
	return log_is_behind_iotlb(log->device) ?
	       iotlb_map(&log->iotlb, log_device_area(queue), device_area_size(queue),
			 VHOST_ACCESS_RW) : 0;
}

/**
 * log_device_area() - where log_move_ring() puts the device area
 * @queue: the queue
 *
 * The entries of a split ring begin a page.
 * Return: its guest address.
 */
uint64_t log_device_area(const struct vhost_queue *queue)
{
	return LOG_RING(queue->index) + 0x9000 - offsetof(struct vring_used, ring);
}

/**
 * log_ring_destroy() - before vhost_queue_close(): the areas are guest memory
 * @queue: stopped
 */
void log_ring_destroy(struct vhost_queue *queue)
{
	queue->ring.descriptors = NULL;
	queue->ring.available = NULL;
	queue->ring.used = NULL;
}

/* Where the device is told that it has what the driver has there. */
static uint64_t device_address(const struct vhost_queue *queue, uint64_t address)
{
	return log_is_behind_iotlb(queue->device) ? address :
	       (uintptr_t)guest_pointer(queue->device, address);
}

/**
 * log_ring() - have what is written to a ring logged, or not
 * @queue: running or not
 * @on: so or so
 * @log_address: guest address of its device area
 *
 * Return: 0 or -errno.
 */
int log_ring(struct vhost_queue *queue, bool on, uint64_t log_address)
{
	struct vhost_vring_addr address = {
		.index = queue->index,
		.flags = on ? 1 << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = device_address(queue, ring_descriptors(queue)),
		.avail_user_addr = device_address(queue, ring_driver_area(queue)),
		.used_user_addr = device_address(queue, log_device_area(queue)),
		.log_guest_addr = log_address,
	};

	return vhost_ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address);
}

/**
 * log_note_ring() - the device may write to a ring, wherever in its device area
 * @log: the log
 * @queue: after log_move_ring()
 */
void log_note_ring(struct log_setup *log, const struct vhost_queue *queue)
{
	log_note(log, log_device_area(queue), LOG_DEVICE_AREA(queue->ring.size), LOG_DEVICE);
}

/**
 * log_missing_descriptors() - used descriptors of a packed ring that are not logged
 * @log: the device is stopped
 * @queue: the queue, of either format
 *
 * Return: their number.
 */
unsigned int log_missing_descriptors(struct log_setup *log, const struct vhost_queue *queue)
{
	uint64_t address = ring_descriptors(queue);
	const struct vring_packed_desc *now = queue->ring.packed, *then;
	unsigned int count = 0, i;
	uint16_t flags;

	if (!driver_ring_is_packed(&queue->ring))
		return 0;
	for (i = 0; i < queue->ring.size; i++, address += 16) {
		then = (const void *)(log->before + (address - GUEST_MEMORY));
		flags = now[i].flags;
		if (memcmp(&now[i], then, 16) &&
		    !(flags >> VRING_PACKED_DESC_F_AVAIL & 1) ==
		    !(flags >> VRING_PACKED_DESC_F_USED & 1))
			count += !log_is_set(log, address);
	}
	return count;
}
