// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed split rings.
 */
#include "broken.h"

#define SIZE 16

/* The descriptor that begins all malformed chains; the ones before it are in use. */
#define HEAD 15

static void direct(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		   uint16_t flags, uint16_t next)
{
	driver_descriptor_write(&queue->ring.descriptors[index], address, length, flags, next);
}

static void table(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		  uint16_t flags, uint16_t next)
{
	struct vring_desc descriptor;

	driver_descriptor_write(&descriptor, address, length, flags, next);
	guest_write(queue->device, TABLE + index * sizeof(descriptor), &descriptor,
		    sizeof(descriptor));
}

static void offer(struct vhost_queue *queue)
{
	driver_ring_add_head(&queue->ring, HEAD);
	driver_ring_expose(&queue->ring);
}

static void offer_table(struct vhost_queue *queue, uint32_t bytes)
{
	direct(queue, HEAD, TABLE, bytes, VRING_DESC_F_INDIRECT, 0);
	offer(queue);
}

static void address_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE, 64, 0, 0);
	offer(queue);
}

static void address_half_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE - 8, 64, 0, 0);
	offer(queue);
}

static void address_below(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY - 1, 64, 0, 0);
	offer(queue);
}

static void address_wraps(struct vhost_queue *queue)
{
	direct(queue, HEAD, ~0ULL - 8, 64, 0, 0);
	offer(queue);
}

static void table_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE, 64, VRING_DESC_F_INDIRECT, 0);
	offer(queue);
}

static void loop(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, HEAD - 1);
	direct(queue, HEAD - 1, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, HEAD);
	offer(queue);
}

static void longer_than_queue(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		table(queue, i, GUEST_MEMORY, 64, i < SIZE ? VRING_DESC_F_NEXT : 0, i + 1);
	offer_table(queue, (SIZE + 1) * sizeof(struct vring_desc));
}

static void next_out_of_range(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, SIZE);
	offer(queue);
}

static void table_in_table(struct vhost_queue *queue)
{
	table(queue, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	offer_table(queue, 16);
}

static void table_with_next(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0, 0);
	direct(queue, HEAD, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, HEAD - 1);
	offer(queue);
}

static void table_of_nothing(struct vhost_queue *queue)
{
	offer_table(queue, 0);
}

static void table_of_half_a_descriptor(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0, 0);
	offer_table(queue, 24);
}

static void wrong_direction(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, HEAD - 1);
	direct(queue, HEAD - 1, GUEST_MEMORY, 64, 0, 0);
	offer(queue);
}

static void zero_length(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 0, 0, 0);
	offer(queue);
}

static void index_too_far(struct vhost_queue *queue)
{
	driver_ring_set_available_index(&queue->ring, queue->ring.exposed + SIZE + 1);
}

static void index_backwards(struct vhost_queue *queue)
{
	driver_ring_set_available_index(&queue->ring, queue->ring.exposed - 1);
}

static void head_out_of_range(struct vhost_queue *queue)
{
	driver_ring_add_head(&queue->ring, SIZE);
	driver_ring_expose(&queue->ring);
}

static void descriptors_gone(struct vhost_queue *queue)
{
	broken_take_areas(queue, true, false, false);
	offer(queue);
}

static void driver_area_gone(struct vhost_queue *queue)
{
	broken_take_areas(queue, false, true, false);
}

static void device_area_gone(struct vhost_queue *queue)
{
	broken_take_areas(queue, false, false, true);
}

/* What a transmit queue and a disk cannot take: nothing readable, or no status. */
static void bad_request(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_WRITE, 0);
	offer(queue);
}

/* A header that a disk cannot read to its end, a packet without its header. */
static void short_request(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 9, 0, 0);
	offer(queue);
}

static void readable_buffer(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 2048, 0, 0);
	offer(queue);
}

static void writable_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE - 100, 2048, VRING_DESC_F_WRITE, 0);
	offer(queue);
}

static const struct malformation any[] = {
	{ "address outside", address_outside, VIRTQUEUE_MEMORY, true },
	{ "address half outside", address_half_outside, VIRTQUEUE_MEMORY, true },
	{ "address below", address_below, VIRTQUEUE_MEMORY, true },
	{ "address wraps", address_wraps, VIRTQUEUE_ADDRESS_WRAP },
	{ "table outside", table_outside, VIRTQUEUE_MEMORY },
	{ "loop", loop, VIRTQUEUE_CHAIN_LENGTH },
	{ "longer than the queue", longer_than_queue, VIRTQUEUE_CHAIN_LENGTH },
	{ "next out of range", next_out_of_range, VIRTQUEUE_NEXT_RANGE },
	{ "table in a table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "table with next", table_with_next, VIRTQUEUE_INDIRECT_NEXT },
	{ "table of nothing", table_of_nothing, VIRTQUEUE_INDIRECT_SIZE },
	{ "table of half a descriptor", table_of_half_a_descriptor, VIRTQUEUE_INDIRECT_SIZE },
	{ "wrong direction", wrong_direction, VIRTQUEUE_DIRECTION },
	{ "zero length", zero_length, VIRTQUEUE_ZERO_LENGTH },
	{ "index too far", index_too_far, VIRTQUEUE_AVAIL_JUMP },
	{ "index backwards", index_backwards, VIRTQUEUE_AVAIL_JUMP },
	{ "head out of range", head_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "descriptors gone", descriptors_gone, VIRTQUEUE_RING_FAULT },
	{ "driver area gone", driver_area_gone, VIRTQUEUE_RING_FAULT },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
	{ "bad request", bad_request, VIRTQUEUE_REQUEST },
	{ "short request", short_request, VIRTQUEUE_REQUEST },
};

static const struct malformation receive[] = {
	{ "readable buffer", readable_buffer, VIRTQUEUE_REQUEST },
	{ "writable outside", writable_outside, VIRTQUEUE_MEMORY },
	{ "loop", loop, VIRTQUEUE_CHAIN_LENGTH },
	{ "head out of range", head_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "index too far", index_too_far, VIRTQUEUE_AVAIL_JUMP },
	{ "table in table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
};

static uint16_t base(unsigned int number)
{
	return 65533 + 11 * number;
}

static void add_bad(struct vhost_queue *queue, unsigned int id)
{
	driver_ring_add_head(&queue->ring, SIZE + id);
}

static void offer_good(struct vhost_queue *queue)
{
	driver_ring_add_head(&queue->ring, 0);
	driver_ring_expose(&queue->ring);
}

const struct broken_format broken_split = {
	.features = 0,
	.size = SIZE,
	.base = base,
	.any = any,
	.any_count = ARRAY_LENGTH(any),
	.receive = receive,
	.receive_count = ARRAY_LENGTH(receive),
	.add_bad = add_bad,
	.bad_error = VIRTQUEUE_HEAD_RANGE,
	.offer_good = offer_good,
};
