// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's side of a split virtqueue (virtio 1.2, section 2.7).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver_ring.h"

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

/**
 * driver_ring_init() - an empty split ring
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

	memset(ring, 0, sizeof(*ring));
	ring->layout = &driver_split;
	ring->base = base;
	ring->event_index = event_index;
	ring->descriptors = driver_area(size * sizeof(*ring->descriptors));
	ring->available = driver_area(sizeof(*ring->available) + size * sizeof(__virtio16) +
				      event);
	ring->used = driver_area(sizeof(*ring->used) + size * sizeof(struct vring_used_elem) +
				 event);
	ring->next = calloc(size, sizeof(*ring->next));
	if (!ring->next || driver_ring_init_common(ring, size))
		return -ENOMEM;

	ring->next_available = base;
	ring->exposed = base;
	ring->next_used = base;
	driver_store16(&ring->available->idx, base);
	driver_store16(&ring->used->idx, base);
	return 0;
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
 * driver_ring_add_head() - write an available entry
 * @ring: the ring
 * @head: any value
 *
 * The device sees it after driver_ring_expose().
 */
void driver_ring_add_head(struct driver_ring *ring, uint16_t head)
{
	driver_store16(&ring->available->ring[ring->next_available % ring->size], head);
	ring->next_available++;
}

static int split_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		     unsigned int readable, unsigned int writable)
{
	unsigned int count = readable + writable;
	uint16_t head, index, flags;
	unsigned int i;

	head = ring->free[ring->free_ids - 1];
	for (i = 0; i < count; i++) {
		index = ring->free[--ring->free_ids];
		flags = i < readable ? 0 : VRING_DESC_F_WRITE;
		if (i + 1 < count) {
			flags |= VRING_DESC_F_NEXT;
			ring->next[index] = ring->free[ring->free_ids - 1];
		}
		driver_descriptor_write(&ring->descriptors[index], buffers[i].address,
					buffers[i].length, flags, ring->next[index]);
	}
	driver_ring_add_head(ring, head);
	return head;
}

static int split_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries)
{
	uint16_t head = ring->free[--ring->free_ids];

	driver_descriptor_write(&ring->descriptors[head], table,
				entries * sizeof(struct vring_desc), VRING_DESC_F_INDIRECT, 0);
	driver_ring_add_head(ring, head);
	return head;
}

static void split_fill_table(void *table, const struct driver_buffer *buffers,
			     unsigned int readable, unsigned int writable, const uint16_t *order)
{
	struct vring_desc *descriptors = table;
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
		driver_descriptor_write(&descriptors[place], buffers[i].address,
					buffers[i].length, flags, next);
	}
}

static bool split_expose(struct driver_ring *ring)
{
	uint16_t old = ring->exposed;

	if (ring->next_available == old)
		return false;
	ring->exposed = ring->next_available;
	driver_store16(&ring->available->idx, ring->exposed);
	/* Pairs with the device's between asking for a kick and looking again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->event_index)
		return vring_need_event(driver_load16(avail_event(ring)), ring->exposed, old);
	return !(driver_load16(&ring->used->flags) & VRING_USED_F_NO_NOTIFY);
}

static unsigned int split_used(const struct driver_ring *ring)
{
	return (uint16_t)(driver_load16(&ring->used->idx) - ring->next_used);
}

static int split_peek(const struct driver_ring *ring, uint32_t *length)
{
	const struct vring_used_elem *element;
	uint32_t head;

	if (!split_used(ring))
		return -EAGAIN;
	if (split_used(ring) > ring->size)
		return -EPROTO;
	element = &ring->used->ring[ring->next_used % ring->size];
	head = load32(&element->id);
	if (head >= ring->size || !ring->in_use[head])
		return -EPROTO;
	*length = load32(&element->len);
	return head;
}

static void split_consume(struct driver_ring *ring, unsigned int head)
{
	uint16_t count = ring->in_use[head];
	uint16_t index;

	for (index = head; count; count--, index = ring->next[index])
		ring->free[ring->free_ids++] = index;
	ring->next_used++;
}

static void split_set_calls(struct driver_ring *ring, unsigned int after)
{
	if (ring->event_index)
		driver_store16(used_event(ring), ring->next_used + after - 1);
	else
		driver_store16(&ring->available->flags, after ? 0 : VRING_AVAIL_F_NO_INTERRUPT);
}

static uint32_t split_device_base(const struct driver_ring *ring)
{
	return driver_load16(&ring->used->idx);
}

const struct driver_layout driver_split = {
	.add		= split_add,
	.add_table	= split_add_table,
	.fill_table	= split_fill_table,
	.expose		= split_expose,
	.used		= split_used,
	.peek		= split_peek,
	.consume	= split_consume,
	.set_calls	= split_set_calls,
	.device_base	= split_device_base,
};

/**
 * driver_ring_used_index() - the device's index
 * @ring: the ring
 *
 * Return: as it stands in the device area.
 */
uint16_t driver_ring_used_index(const struct driver_ring *ring)
{
	return driver_load16(&ring->used->idx);
}

/**
 * driver_ring_used_flags() - the device's flags
 * @ring: the ring
 *
 * Return: VRING_USED_F_*.
 */
uint16_t driver_ring_used_flags(const struct driver_ring *ring)
{
	return driver_load16(&ring->used->flags);
}

/**
 * driver_ring_avail_event() - the index whose exposure the device wants a kick for
 * @ring: with event index
 *
 * Return: as it stands in the device area.
 */
uint16_t driver_ring_avail_event(const struct driver_ring *ring)
{
	return driver_load16(avail_event(ring));
}

/**
 * driver_ring_set_used_event() - the index whose use the driver wants a call for
 * @ring: with event index
 * @index: any value
 */
void driver_ring_set_used_event(struct driver_ring *ring, uint16_t index)
{
	driver_store16(used_event(ring), index);
}

/**
 * driver_ring_set_available_index() - write the driver's index
 * @ring: the ring, which does not work any more afterwards
 * @index: any value
 */
void driver_ring_set_available_index(struct driver_ring *ring, uint16_t index)
{
	driver_store16(&ring->available->idx, index);
}
