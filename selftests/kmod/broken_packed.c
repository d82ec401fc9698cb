// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed packed rings.
 */
#include "broken.h"

/* No power of 2, and an id that no good chain has. */
#define SIZE 13
#define ID 12

static void add(struct vhost_queue *queue, uint64_t address, uint32_t length, uint16_t flags)
{
	driver_ring_add_packed(&queue->ring, address, length, ID, flags);
}

/* The last descriptor of a chain, or its only one. */
static void offer(struct vhost_queue *queue, uint64_t address, uint32_t length, uint16_t flags)
{
	add(queue, address, length, flags);
	driver_ring_expose(&queue->ring);
}

static void table(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		  uint16_t flags)
{
	struct vring_desc descriptor;

	/* Of the same layout as a packed one, but for the last two fields. */
	driver_descriptor_write(&descriptor, address, length, 0, flags);
	guest_write(queue->device, TABLE + index * sizeof(descriptor), &descriptor,
		    sizeof(descriptor));
}

static void address_outside(struct vhost_queue *queue)
{
	offer(queue, NOWHERE, 64, 0);
}

static void address_wraps(struct vhost_queue *queue)
{
	offer(queue, ~0ULL - 8, 64, 0);
}

static void table_outside(struct vhost_queue *queue)
{
	offer(queue, NOWHERE, 64, VRING_DESC_F_INDIRECT);
}

static void longer_than_queue(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		table(queue, i, GUEST_MEMORY, 64, 0);
	offer(queue, TABLE, (SIZE + 1) * sizeof(struct vring_packed_desc), VRING_DESC_F_INDIRECT);
}

static void table_in_table(struct vhost_queue *queue)
{
	table(queue, 0, TABLE, 16, VRING_DESC_F_INDIRECT);
	offer(queue, TABLE, 16, VRING_DESC_F_INDIRECT);
}

static void table_with_next(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0);
	add(queue, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT);
	offer(queue, GUEST_MEMORY, 64, 0);
}

static void table_of_nothing(struct vhost_queue *queue)
{
	offer(queue, TABLE, 0, VRING_DESC_F_INDIRECT);
}

static void table_of_half_a_descriptor(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0);
	offer(queue, TABLE, 24, VRING_DESC_F_INDIRECT);
}

static void wrong_direction(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 64, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
	offer(queue, GUEST_MEMORY, 64, 0);
}

static void zero_length(struct vhost_queue *queue)
{
	offer(queue, GUEST_MEMORY, 0, 0);
}

static void id_out_of_range(struct vhost_queue *queue)
{
	driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, SIZE, 0);
	driver_ring_expose(&queue->ring);
}

static void next_not_available(struct vhost_queue *queue)
{
	offer(queue, GUEST_MEMORY, 64, VRING_DESC_F_NEXT);
}

/* All the ring is one chain without an end. */
static void no_end(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		add(queue, GUEST_MEMORY, 64, VRING_DESC_F_NEXT);
	driver_ring_expose(&queue->ring);
}

static void descriptors_gone(struct vhost_queue *queue)
{
	broken_take_areas(queue, true, false, false);
}

static void device_area_gone(struct vhost_queue *queue)
{
	broken_take_areas(queue, false, false, true);
}

/* What a transmit queue and a disk cannot take: nothing readable, or no status. */
static void bad_request(struct vhost_queue *queue)
{
	offer(queue, GUEST_MEMORY, 64, VRING_DESC_F_WRITE);
}

static void readable_buffer(struct vhost_queue *queue)
{
	offer(queue, GUEST_MEMORY, 2048, 0);
}

static const struct malformation any[] = {
	{ "address outside", address_outside, VIRTQUEUE_MEMORY, true },
	{ "address wraps", address_wraps, VIRTQUEUE_ADDRESS_WRAP },
	{ "table outside", table_outside, VIRTQUEUE_MEMORY },
	{ "longer than the queue", longer_than_queue, VIRTQUEUE_CHAIN_LENGTH },
	{ "table in a table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "table with next", table_with_next, VIRTQUEUE_INDIRECT_NEXT },
	{ "table of nothing", table_of_nothing, VIRTQUEUE_INDIRECT_SIZE },
	{ "table of half a descriptor", table_of_half_a_descriptor, VIRTQUEUE_INDIRECT_SIZE },
	{ "wrong direction", wrong_direction, VIRTQUEUE_DIRECTION },
	{ "zero length", zero_length, VIRTQUEUE_ZERO_LENGTH },
	{ "id out of range", id_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "next not available", next_not_available, VIRTQUEUE_NEXT_RANGE },
	{ "no end", no_end, VIRTQUEUE_NEXT_RANGE },
	{ "descriptors gone", descriptors_gone, VIRTQUEUE_RING_FAULT },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
	{ "bad request", bad_request, VIRTQUEUE_REQUEST },
};

static const struct malformation receive[] = {
	{ "readable buffer", readable_buffer, VIRTQUEUE_REQUEST },
	{ "no end", no_end, VIRTQUEUE_NEXT_RANGE },
	{ "id out of range", id_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "table in table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
};

/* Every place, in both rounds. */
static uint16_t base(unsigned int number)
{
	return number % SIZE | (number & 1 ? 0 : 0x8000);
}

/* Nothing else may have its id. */
static void add_bad(struct vhost_queue *queue, unsigned int id)
{
	driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, id, 0);
}

static void offer_good(struct vhost_queue *queue)
{
	driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, 0, 0);
	driver_ring_expose(&queue->ring);
}

const struct broken_format broken_packed = {
	.features = FEATURE(VIRTIO_F_RING_PACKED),
	.size = SIZE,
	.base = base,
	.any = any,
	.any_count = ARRAY_LENGTH(any),
	.receive = receive,
	.receive_count = ARRAY_LENGTH(receive),
	.add_bad = add_bad,
	.bad_error = VIRTQUEUE_ID_IN_USE,
	.offer_good = offer_good,
};
