// SPDX-License-Identifier: GPL-2.0
/*
 * What both ring formats have in common at the driver's side.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver_ring.h"

/**
 * driver_load16() - read a field that the device may be writing
 * @from: aligned
 *
 * What the device wrote before the field is read after it.
 * Return: the value.
 */
uint16_t driver_load16(const void *from)
{
	return le16toh(__atomic_load_n((const uint16_t *)from, __ATOMIC_ACQUIRE));
}

/**
 * driver_store16() - write a field that the device may be reading
 * @to: aligned
 * @value: the value
 *
 * The device sees what was written before if it sees the field.
 */
void driver_store16(void *to, uint16_t value)
{
	__atomic_store_n((uint16_t *)to, htole16(value), __ATOMIC_RELEASE);
}

/**
 * driver_area() - memory for an area of a ring
 * @bytes: its size
 *
 * Return: zeroed, with the alignment of the strictest area; NULL if there is none.
 */
void *driver_area(size_t bytes)
{
	void *memory;

	if (posix_memalign(&memory, VRING_DESC_ALIGN_SIZE, bytes))
		return NULL;
	return memset(memory, 0, bytes);
}

/**
 * driver_ring_init_common() - what the format leaves to do
 * @ring: its areas are allocated, or are NULL
 * @size: number of descriptors
 *
 * Return: 0 or -ENOMEM.
 */
int driver_ring_init_common(struct driver_ring *ring, unsigned int size)
{
	unsigned int i;

	ring->size = size;
	ring->free = calloc(size, sizeof(*ring->free));
	ring->in_use = calloc(size, sizeof(*ring->in_use));
	ring->address = calloc(size, sizeof(*ring->address));
	ring->writable = calloc(size, sizeof(*ring->writable));
	ring->order = calloc(size, sizeof(*ring->order));
	if (!ring->descriptors || !ring->available || !ring->used || !ring->free ||
	    !ring->in_use || !ring->address || !ring->writable || !ring->order)
		return -ENOMEM;
	for (i = 0; i < size; i++)
		ring->free[i] = size - 1 - i;
	ring->free_ids = size;
	ring->free_count = size;
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
	free(ring->address);
	free(ring->writable);
	free(ring->order);
	memset(ring, 0, sizeof(*ring));
}

static int note_chain(struct driver_ring *ring, int id, uint64_t address, unsigned int count)
{
	ring->in_use[id] = count;
	ring->address[id] = address;
	ring->writable[id] = 0;
	ring->free_count -= count;
	if (ring->in_order)
		ring->order[(ring->order_first + ring->order_count++) % ring->size] = id;
	return id;
}

/**
 * driver_ring_add() - make a chain of direct descriptors available
 * @ring: the ring
 * @buffers: the readable ones first
 * @readable: number of device-readable buffers
 * @writable: number of device-writable buffers
 *
 * The device sees it after driver_ring_expose().
 * Return: the id (split: the head), or -ENOSPC if there are not as many free
 * descriptors.
 */
int driver_ring_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		    unsigned int readable, unsigned int writable)
{
	unsigned int count = readable + writable;
	unsigned int i;
	int id;

	if (!count || count > ring->free_count)
		return -ENOSPC;
	id = note_chain(ring, ring->layout->add(ring, buffers, readable, writable),
			buffers[0].address, count);
	for (i = readable; i < count; i++)
		ring->writable[id] += buffers[i].length;
	return id;
}

/**
 * driver_ring_add_table() - make a chain in an indirect table available
 * @ring: the ring
 * @table: guest address of the table
 * @entries: its number of descriptors
 *
 * The device sees it after driver_ring_expose().
 * Return: the id (split: the head), or -ENOSPC if no descriptor is free.
 */
int driver_ring_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries)
{
	if (!ring->free_count)
		return -ENOSPC;
	return note_chain(ring, ring->layout->add_table(ring, table, entries), table, 1);
}

/**
 * driver_ring_fill_table() - write a chain into an indirect table
 * @ring: the ring
 * @table: room for all buffers, 16 bytes each
 * @buffers: the readable ones first
 * @readable: number of device-readable buffers
 * @writable: number of device-writable buffers
 * @order: split: places of the buffers in @table, the first one 0; NULL for 0, 1,
 *	2...; packed: ignored, the table's order is that of the buffers
 */
void driver_ring_fill_table(const struct driver_ring *ring, void *table,
			    const struct driver_buffer *buffers, unsigned int readable,
			    unsigned int writable, const uint16_t *order)
{
	ring->layout->fill_table(table, buffers, readable, writable, order);
}

/**
 * driver_ring_expose() - show the device everything added since the last time
 * @ring: the ring
 *
 * Return: true if the device wants a kick for it.
 */
bool driver_ring_expose(struct driver_ring *ring)
{
	return ring->layout->expose(ring);
}

/**
 * driver_ring_used() - how many used chains wait to be reaped
 * @ring: the ring
 *
 * Return: their number.
 */
unsigned int driver_ring_used(const struct driver_ring *ring)
{
	return ring->layout->used(ring);
}

/**
 * driver_ring_run() - what a used entry stands for, in order
 * @ring: in order
 * @skip: chains that come before, from the oldest on
 * @id: of the used entry
 * @descriptors: receives how many descriptors its chains have
 *
 * Return: how many chains, the last of which is @id.
 */
unsigned int driver_ring_run(const struct driver_ring *ring, unsigned int skip, uint16_t id,
			     unsigned int *descriptors)
{
	unsigned int count = 0;
	uint16_t next;

	*descriptors = 0;
	do {
		next = ring->order[(ring->order_first + skip + count) % ring->size];
		*descriptors += ring->in_use[next];
		count++;
	} while (next != id && skip + count < ring->order_count);
	return count;
}

/* The oldest chain is the next one, be it that a later one's entry stands for it. */
static int reap_in_order(struct driver_ring *ring, uint32_t *length)
{
	uint16_t id = ring->order[ring->order_first];
	int last;

	if (!ring->merged) {
		last = ring->layout->peek(ring, &ring->merged_length);
		if (last < 0)
			return last;
		ring->merged_id = last;
	}
	ring->merged = id != ring->merged_id;
	*length = ring->merged ? ring->writable[id] : ring->merged_length;
	ring->order_first = (ring->order_first + 1) % ring->size;
	ring->order_count--;
	return id;
}

/**
 * driver_ring_reap() - take the next used chain back
 * @ring: the ring
 * @length: receives the bytes written by the device; may be NULL
 *
 * Return: the id (split: the head); -EAGAIN if nothing more was used; -EPROTO if
 * the device gives back what it does not have, or more than it has.
 */
int driver_ring_reap(struct driver_ring *ring, uint32_t *length)
{
	uint32_t written;
	int id;

	if (ring->in_order)
		id = reap_in_order(ring, &written);
	else
		id = ring->layout->peek(ring, &written);
	if (id < 0)
		return id;
	ring->layout->consume(ring, id);
	ring->free_count += ring->in_use[id];
	ring->in_use[id] = 0;
	if (length)
		*length = written;
	return id;
}

/**
 * driver_ring_device_base() - where a device goes on that has nothing under way
 * @ring: the ring
 *
 * Return: what VHOST_GET_VRING_BASE is to tell if the device has taken nothing
 * but what it has given back.
 */
uint32_t driver_ring_device_base(const struct driver_ring *ring)
{
	return ring->layout->device_base(ring);
}

/**
 * driver_ring_calls_off() - tell the device that calls are not needed
 * @ring: the ring
 */
void driver_ring_calls_off(struct driver_ring *ring)
{
	ring->layout->set_calls(ring, 0);
}

/**
 * driver_ring_calls_on() - ask the device for a call
 * @ring: the ring
 * @after: how many chains are to be used before it comes, at least 1; without
 *	event index it comes after each publication, and in a packed ring it comes
 *	sooner if chains have several descriptors
 *
 * Return: true if as many have been used meanwhile: no call need come then.
 */
bool driver_ring_calls_on(struct driver_ring *ring, unsigned int after)
{
	ring->layout->set_calls(ring, after);
	/* Pairs with the device's between what is used and this wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return driver_ring_used(ring) >= after;
}
