// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's side of a packed virtqueue (virtio 1.2, section 2.8).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver_ring.h"

#define FLAG_AVAILABLE (1U << VRING_PACKED_DESC_F_AVAIL)
#define FLAG_USED (1U << VRING_PACKED_DESC_F_USED)
#define POSITION_WRAP (1U << VRING_PACKED_EVENT_F_WRAP_CTR)

static uint16_t available_flags(bool wrap)
{
	return wrap ? FLAG_AVAILABLE : FLAG_USED;
}

static uint16_t used_flags(bool wrap)
{
	return wrap ? FLAG_AVAILABLE | FLAG_USED : 0;
}

/**
 * driver_position_advance() - go around the ring
 * @ring: packed
 * @position: to be moved
 * @count: how far, up to the size of the ring
 */
void driver_position_advance(const struct driver_ring *ring, struct driver_position *position,
			     unsigned int count)
{
	unsigned int index = position->index + count;

	if (index >= ring->size) {
		index -= ring->size;
		position->wrap = !position->wrap;
	}
	position->index = index;
}

/**
 * driver_position_pack() - a position as event suppression and ioctls have it
 * @position: any
 *
 * Return: index, and the wrap counter above it.
 */
uint16_t driver_position_pack(struct driver_position position)
{
	return position.index | (position.wrap ? POSITION_WRAP : 0);
}

/**
 * driver_ring_init_packed() - an empty packed ring
 * @ring: to be destroyed by driver_ring_destroy(), also after failure
 * @size: number of descriptors
 * @base: where both sides begin: an index less than @size, and above it the wrap
 *	counter; 0x8000 for a ring that is new
 * @event_index: VIRTIO_F_EVENT_IDX is negotiated
 *
 * Return: 0 or -ENOMEM.
 */
int driver_ring_init_packed(struct driver_ring *ring, unsigned int size, uint16_t base,
			    bool event_index)
{
	struct driver_position at = { base % POSITION_WRAP, base & POSITION_WRAP };
	unsigned int i;

	memset(ring, 0, sizeof(*ring));
	ring->layout = &driver_packed;
	ring->base = base | (uint32_t)base << 16;
	ring->event_index = event_index;
	ring->packed = driver_area(size * sizeof(*ring->packed));
	ring->driver_event = driver_area(sizeof(*ring->driver_event));
	ring->device_event = driver_area(sizeof(*ring->device_event));
	if (driver_ring_init_common(ring, size))
		return -ENOMEM;

	ring->available_at = at;
	ring->used_at = at;
	/* As the round up to here has left them: all used. */
	for (i = 0; i < size; i++)
		driver_ring_set_packed_flags(ring, i,
					     used_flags(i < at.index ? at.wrap : !at.wrap));
	return 0;
}

/* Write the next descriptor; the first one since the last exposure stays hidden. */
static void add_descriptor(struct driver_ring *ring, uint64_t address, uint32_t length,
			   uint16_t id, uint16_t flags)
{
	struct driver_position at = ring->available_at;
	struct vring_packed_desc *to = &ring->packed[at.index];
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t id;
	} raw = { htole64(address), htole32(length), htole16(id) };

	memcpy(to, &raw, offsetof(struct vring_packed_desc, flags));
	flags |= available_flags(at.wrap);
	if (ring->hidden) {
		driver_ring_set_packed_flags(ring, at.index, flags);
	} else {
		ring->hidden_at = at;
		ring->hidden_flags = flags;
	}
	ring->hidden++;
	driver_position_advance(ring, &ring->available_at, 1);
}

/**
 * driver_ring_add_packed() - write one descriptor, right or wrong
 * @ring: the ring, which does not work any more if it is wrong
 * @address: guest address
 * @length: bytes
 * @id: any value
 * @flags: VRING_DESC_F_*; what makes it available is added
 *
 * The device sees it after driver_ring_expose().
 */
void driver_ring_add_packed(struct driver_ring *ring, uint64_t address, uint32_t length,
			    uint16_t id, uint16_t flags)
{
	add_descriptor(ring, address, length, id, flags);
}

/* The id counts in a chain's last descriptor; in the others there is another one. */
static int packed_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		      unsigned int readable, unsigned int writable)
{
	unsigned int count = readable + writable;
	uint16_t id = ring->free[--ring->free_ids];
	uint16_t flags;
	unsigned int i;

	for (i = 0; i < count; i++) {
		flags = i < readable ? 0 : VRING_DESC_F_WRITE;
		if (i + 1 < count)
			flags |= VRING_DESC_F_NEXT;
		add_descriptor(ring, buffers[i].address, buffers[i].length,
			       i + 1 < count ? 0xffff : id, flags);
	}
	return id;
}

static int packed_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries)
{
	uint16_t id = ring->free[--ring->free_ids];

	add_descriptor(ring, table, entries * sizeof(struct vring_packed_desc), id,
		       VRING_DESC_F_INDIRECT);
	return id;
}

/* Of id and flags only "write" means anything; a device is to ignore the rest. */
static void packed_fill_table(void *table, const struct driver_buffer *buffers,
			      unsigned int readable, unsigned int writable, const uint16_t *order)
{
	const uint16_t ignored = FLAG_AVAILABLE | FLAG_USED | VRING_DESC_F_NEXT;
	struct {
		uint64_t address;
		uint32_t length;
		uint16_t id;
		uint16_t flags;
	} *descriptors = table;
	unsigned int i;

	(void)order;
	for (i = 0; i < readable + writable; i++) {
		descriptors[i].address = htole64(buffers[i].address);
		descriptors[i].length = htole32(buffers[i].length);
		descriptors[i].id = 0xffff;
		descriptors[i].flags = htole16(ignored | (i < readable ? 0 : VRING_DESC_F_WRITE));
	}
}

/* Section 2.8.10: does the device want a kick for the latest @count descriptors? */
static bool wants_kick(const struct driver_ring *ring, unsigned int count)
{
	uint16_t new = ring->available_at.index;
	uint16_t position, event, flags;

	flags = driver_ring_device_event(ring, &position);
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = position % POSITION_WRAP;
	if (!(position & POSITION_WRAP) != !ring->available_at.wrap)
		event -= ring->size;
	return vring_need_event(event, new, new - count);
}

static bool packed_expose(struct driver_ring *ring)
{
	unsigned int count = ring->hidden;

	if (!count)
		return false;
	ring->hidden = 0;
	driver_ring_set_packed_flags(ring, ring->hidden_at.index, ring->hidden_flags);
	/* Pairs with the device's between asking for a kick and looking again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return wants_kick(ring, count);
}

/* The used descriptor at @at: its id, -EAGAIN if it is none, or -EPROTO. */
static int used_id(const struct driver_ring *ring, struct driver_position at)
{
	const struct vring_packed_desc *descriptor = &ring->packed[at.index];
	uint16_t flags = driver_load16(&descriptor->flags);
	uint16_t id;

	if ((flags & (FLAG_AVAILABLE | FLAG_USED)) != used_flags(at.wrap))
		return -EAGAIN;
	id = driver_load16(&descriptor->id);
	return id < ring->size && ring->in_use[id] ? id : -EPROTO;
}

/* How many chains have been used, and what comes behind them. */
static unsigned int find_used(const struct driver_ring *ring, struct driver_position *at)
{
	unsigned int limit = ring->in_order ? ring->order_count : ring->size;
	unsigned int count = 0, descriptors;
	int id;

	*at = ring->used_at;
	if (ring->merged) {
		count = driver_ring_run(ring, 0, ring->merged_id, &descriptors);
		driver_position_advance(ring, at, descriptors);
	}
	while (count < limit) {
		id = used_id(ring, *at);
		if (id < 0)
			break;
		descriptors = ring->in_use[id];
		count += ring->in_order ? driver_ring_run(ring, count, id, &descriptors) : 1;
		driver_position_advance(ring, at, descriptors);
	}
	return count;
}

static unsigned int packed_used(const struct driver_ring *ring)
{
	struct driver_position at;

	return find_used(ring, &at);
}

static int packed_peek(const struct driver_ring *ring, uint32_t *length)
{
	const uint32_t *from = (const uint32_t *)&ring->packed[ring->used_at.index].len;
	int id = used_id(ring, ring->used_at);

	if (id >= 0)
		*length = le32toh(__atomic_load_n(from, __ATOMIC_RELAXED));
	return id;
}

static void packed_consume(struct driver_ring *ring, unsigned int id)
{
	ring->free[ring->free_ids++] = id;
	driver_position_advance(ring, &ring->used_at, ring->in_use[id]);
}

static void packed_set_calls(struct driver_ring *ring, unsigned int after)
{
	struct driver_position at;
	unsigned int used;

	if (!after || !ring->event_index) {
		driver_ring_set_driver_event(ring, after ? VRING_PACKED_EVENT_FLAG_ENABLE :
							   VRING_PACKED_EVENT_FLAG_DISABLE, 0);
		return;
	}
	/* Of chains that are not used yet it is only known that they have a descriptor. */
	used = find_used(ring, &at);
	if (used < after)
		driver_position_advance(ring, &at, after - used - 1);
	driver_ring_set_driver_event(ring, VRING_PACKED_EVENT_FLAG_DESC,
				     driver_position_pack(at));
}

static uint32_t packed_device_base(const struct driver_ring *ring)
{
	struct driver_position at;
	uint16_t position;

	find_used(ring, &at);
	position = driver_position_pack(at);
	return position | (uint32_t)position << 16;
}

const struct driver_layout driver_packed = {
	.add		= packed_add,
	.add_table	= packed_add_table,
	.fill_table	= packed_fill_table,
	.expose		= packed_expose,
	.used		= packed_used,
	.peek		= packed_peek,
	.consume	= packed_consume,
	.set_calls	= packed_set_calls,
	.device_base	= packed_device_base,
};

/**
 * driver_ring_packed_flags() - the flags of a descriptor
 * @ring: packed
 * @index: of the descriptor
 *
 * Return: as they stand in the descriptor area.
 */
uint16_t driver_ring_packed_flags(const struct driver_ring *ring, uint16_t index)
{
	return driver_load16(&ring->packed[index].flags);
}

/**
 * driver_ring_set_packed_flags() - write the flags of a descriptor
 * @ring: packed
 * @index: of the descriptor
 * @flags: any value
 */
void driver_ring_set_packed_flags(struct driver_ring *ring, uint16_t index, uint16_t flags)
{
	driver_store16(&ring->packed[index].flags, flags);
}

/**
 * driver_ring_device_event() - when the device wants to be kicked
 * @ring: packed
 * @position: receives the descriptor for which it wants that; may be NULL
 *
 * Return: VRING_PACKED_EVENT_FLAG_*, as it stands in the device area.
 */
uint16_t driver_ring_device_event(const struct driver_ring *ring, uint16_t *position)
{
	uint16_t flags = driver_load16(&ring->device_event->flags);

	if (position)
		*position = driver_load16(&ring->device_event->off_wrap);
	return flags;
}

/**
 * driver_ring_set_driver_event() - when the driver wants to be called
 * @ring: packed
 * @flags: VRING_PACKED_EVENT_FLAG_*, or any value
 * @position: the descriptor for whose use it wants that, or any value
 */
void driver_ring_set_driver_event(struct driver_ring *ring, uint16_t flags, uint16_t position)
{
	driver_store16(&ring->driver_event->off_wrap, position);
	driver_store16(&ring->driver_event->flags, flags);
}
