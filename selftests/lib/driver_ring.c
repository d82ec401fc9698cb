// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's side of a split virtqueue (virtio 1.2, section 2.7).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver_ring.h"

/* Fields of the rings are little-endian, and the device looks at any time. */
static uint16_t load16(const __virtio16 *from)
{
	return le16toh(__atomic_load_n((const uint16_t *)from, __ATOMIC_ACQUIRE));
}

static void store16(__virtio16 *to, uint16_t value)
{
	__atomic_store_n((uint16_t *)to, htole16(value), __ATOMIC_RELEASE);
}

static uint32_t load32(const __virtio32 *from)
{
	return le32toh(__atomic_load_n((const uint32_t *)from, __ATOMIC_RELAXED));
}

static __virtio16 *used_event(const struct driver_ring *ring)
{
	return &ring->available->ring[ring->size];
}

static const __virtio16 *avail_event(const struct driver_ring *ring)
{
	return (const __virtio16 *)&ring->used->ring[ring->size];
}

static void *zeroed(size_t bytes)
{
	void *memory;

	/* The alignment of the strictest area, the descriptors. */
	if (posix_memalign(&memory, VRING_DESC_ALIGN_SIZE, bytes))
		return NULL;
	return memset(memory, 0, bytes);
}

/**
 * driver_ring_init() - an empty ring
 * @ring: to be destroyed by driver_ring_destroy(), also after failure
 * @size: number of descriptors, a power of 2
 * @base: where both indices begin
 * @event_index: VIRTIO_F_EVENT_IDX is negotiated
 *
 * Return: 0 or -ENOMEM.
 */
int driver_ring_init(struct driver_ring *ring, unsigned int size, uint16_t base, bool event_index)
{
	size_t event = event_index ? sizeof(__virtio16) : 0;
	unsigned int i;

	memset(ring, 0, sizeof(*ring));
	ring->size = size;
	ring->event_index = event_index;
	ring->descriptors = zeroed(size * sizeof(*ring->descriptors));
	ring->available = zeroed(sizeof(*ring->available) + size * sizeof(__virtio16) + event);
	ring->used = zeroed(sizeof(*ring->used) + size * sizeof(struct vring_used_elem) + event);
	ring->free = calloc(size, sizeof(*ring->free));
	ring->next = calloc(size, sizeof(*ring->next));
	ring->in_use = calloc(size, sizeof(*ring->in_use));
	if (!ring->descriptors || !ring->available || !ring->used || !ring->free || !ring->next ||
	    !ring->in_use)
		return -ENOMEM;

	for (i = 0; i < size; i++)
		ring->free[i] = size - 1 - i;
	ring->free_count = size;
	ring->next_available = base;
	ring->exposed = base;
	ring->next_used = base;
	store16(&ring->available->idx, base);
	store16(&ring->used->idx, base);
	return 0;
}

/**
 * driver_ring_destroy() - free a ring
 * @ring: no device uses it any more
 */
void driver_ring_destroy(struct driver_ring *ring)
{
	free(ring->descriptors);
	free(ring->available);
	free(ring->used);
	free(ring->free);
	free(ring->next);
	free(ring->in_use);
	memset(ring, 0, sizeof(*ring));
}

/**
 * driver_descriptor_write() - write a descriptor
 * @to: in the descriptor area or an indirect table
 * @address: guest address
 * @length: bytes
 * @flags: VRING_DESC_F_*
 * @next: index
 */
void driver_descriptor_write(struct vring_desc *to, uint64_t address, uint32_t length,
			     uint16_t flags, uint16_t next)
{
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t flags;
		uint16_t next;
	} raw = { htole64(address), htole32(length), htole16(flags), htole16(next) };

	memcpy(to, &raw, sizeof(raw));
}

/**
 * driver_table_fill() - write a chain into an indirect table
 * @table: room for all buffers
 * @buffers: the readable ones first
 * @readable: number of device-readable buffers
 * @writable: number of device-writable buffers
 * @order: places of the buffers in @table, the first one 0; NULL for 0, 1, 2...
 */
void driver_table_fill(struct vring_desc *table, const struct driver_buffer *buffers,
		       unsigned int readable, unsigned int writable, const uint16_t *order)
{
	unsigned int count = readable + writable;
	uint16_t place, next, flags;
	unsigned int i;

	for (i = 0; i < count; i++) {
		place = order ? order[i] : i;
		next = 0;
		flags = i < readable ? 0 : VRING_DESC_F_WRITE;
		if (i + 1 < count) {
			next = order ? order[i + 1] : i + 1;
			flags |= VRING_DESC_F_NEXT;
		}
		driver_descriptor_write(&table[place], buffers[i].address, buffers[i].length,
					flags, next);
	}
}

/**
 * driver_ring_add_head() - write an available entry
 * @ring: the ring
 * @head: any value
 *
 * The device sees it after driver_ring_expose().
 */
void driver_ring_add_head(struct driver_ring *ring, uint16_t head)
{
	store16(&ring->available->ring[ring->next_available % ring->size], head);
	ring->next_available++;
}

/**
 * driver_ring_add() - make a chain of direct descriptors available
 * @ring: the ring
 * @buffers: the readable ones first
 * @readable: number of device-readable buffers
 * @writable: number of device-writable buffers
 *
 * The device sees it after driver_ring_expose().
 * Return: the head, or -ENOSPC if there are not as many free descriptors.
 */
int driver_ring_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		    unsigned int readable, unsigned int writable)
{
	unsigned int count = readable + writable;
	uint16_t head, index, flags;
	unsigned int i;

	if (!count || count > ring->free_count)
		return -ENOSPC;
	head = ring->free[ring->free_count - 1];
	for (i = 0; i < count; i++) {
		index = ring->free[--ring->free_count];
		flags = i < readable ? 0 : VRING_DESC_F_WRITE;
		if (i + 1 < count) {
			flags |= VRING_DESC_F_NEXT;
			ring->next[index] = ring->free[ring->free_count - 1];
		}
		driver_descriptor_write(&ring->descriptors[index], buffers[i].address,
					buffers[i].length, flags, ring->next[index]);
	}
	ring->in_use[head] = count;
	driver_ring_add_head(ring, head);
	return head;
}

/**
 * driver_ring_add_table() - make a chain in an indirect table available
 * @ring: the ring
 * @table: guest address of the table
 * @entries: its number of descriptors
 *
 * The device sees it after driver_ring_expose().
 * Return: the head, or -ENOSPC if no descriptor is free.
 */
int driver_ring_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries)
{
	uint16_t head;

	if (!ring->free_count)
		return -ENOSPC;
	head = ring->free[--ring->free_count];
	driver_descriptor_write(&ring->descriptors[head], table,
				entries * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
	ring->in_use[head] = 1;
	driver_ring_add_head(ring, head);
	return head;
}

/**
 * driver_ring_expose() - show the device everything added since the last time
 * @ring: the ring
 *
 * Return: true if the device wants a kick for it.
 */
bool driver_ring_expose(struct driver_ring *ring)
{
	uint16_t old = ring->exposed;

	if (ring->next_available == old)
		return false;
	ring->exposed = ring->next_available;
	store16(&ring->available->idx, ring->exposed);
	/* Pairs with the device's between asking for a kick and looking again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->event_index)
		return vring_need_event(load16(avail_event(ring)), ring->exposed, old);
	return !(load16(&ring->used->flags) & VRING_USED_F_NO_NOTIFY);
}

/**
 * driver_ring_used() - how many used entries wait to be reaped
 * @ring: the ring
 *
 * Return: their number.
 */
unsigned int driver_ring_used(const struct driver_ring *ring)
{
	return (uint16_t)(load16(&ring->used->idx) - ring->next_used);
}

/**
 * driver_ring_reap() - take the next used chain back
 * @ring: the ring
 * @length: receives the bytes written by the device; may be NULL
 *
 * Return: the head; -EAGAIN if nothing more was used; -EPROTO if the device
 * gives back what it does not have, or more than it has.
 */
int driver_ring_reap(struct driver_ring *ring, uint32_t *length)
{
	const struct vring_used_elem *element;
	uint16_t index, count;
	uint32_t head;

	if (!driver_ring_used(ring))
		return -EAGAIN;
	if (driver_ring_used(ring) > ring->size)
		return -EPROTO;
	element = &ring->used->ring[ring->next_used % ring->size];
	head = load32(&element->id);
	if (head >= ring->size || !ring->in_use[head])
		return -EPROTO;
	if (length)
		*length = load32(&element->len);

	count = ring->in_use[head];
	ring->in_use[head] = 0;
	for (index = head; count; count--, index = ring->next[index])
		ring->free[ring->free_count++] = index;
	ring->next_used++;
	return head;
}

/**
 * driver_ring_calls_off() - tell the device that calls are not needed
 * @ring: the ring
 */
void driver_ring_calls_off(struct driver_ring *ring)
{
	if (ring->event_index)
		store16(used_event(ring), ring->next_used - 1);
	else
		store16(&ring->available->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * driver_ring_calls_on() - ask the device for a call
 * @ring: the ring
 * @after: how many chains are to be used before it comes, at least 1; without
 *	event index it comes after each publication
 *
 * Return: true if as many have been used meanwhile: no call need come then.
 */
bool driver_ring_calls_on(struct driver_ring *ring, unsigned int after)
{
	if (ring->event_index)
		store16(used_event(ring), ring->next_used + after - 1);
	else
		store16(&ring->available->flags, 0);
	/* Pairs with the device's between the used index and this wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return driver_ring_used(ring) >= after;
}

/**
 * driver_ring_used_index() - the device's index
 * @ring: the ring
 *
 * Return: as it stands in the device area.
 */
uint16_t driver_ring_used_index(const struct driver_ring *ring)
{
	return load16(&ring->used->idx);
}

/**
 * driver_ring_used_flags() - the device's flags
 * @ring: the ring
 *
 * Return: VRING_USED_F_*.
 */
uint16_t driver_ring_used_flags(const struct driver_ring *ring)
{
	return load16(&ring->used->flags);
}

/**
 * driver_ring_avail_event() - the index whose exposure the device wants a kick for
 * @ring: with event index
 *
 * Return: as it stands in the device area.
 */
uint16_t driver_ring_avail_event(const struct driver_ring *ring)
{
	return load16(avail_event(ring));
}

/**
 * driver_ring_set_used_event() - the index whose use the driver wants a call for
 * @ring: with event index
 * @index: any value
 */
void driver_ring_set_used_event(struct driver_ring *ring, uint16_t index)
{
	store16(used_event(ring), index);
}

/**
 * driver_ring_set_available_index() - write the driver's index
 * @ring: the ring, which does not work any more afterwards
 * @index: any value
 */
void driver_ring_set_available_index(struct driver_ring *ring, uint16_t index)
{
	store16(&ring->available->idx, index);
}
