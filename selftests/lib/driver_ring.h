/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a virtqueue, split or packed, in plain userspace.
 *
 * The tests' counterpart of the device, native or in the kernel: it exposes
 * descriptor chains, decides whether to kick, and reaps what was used.  Where
 * a test is to misbehave, it writes the areas itself.
 *
 *	driver_ring.c	what both formats have in common
 *	driver_split.c	virtio 1.2, section 2.7
 *	driver_packed.c	virtio 1.2, section 2.8
 */
#ifndef SELFTESTS_LIB_DRIVER_RING_H
#define SELFTESTS_LIB_DRIVER_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/virtio_ring.h>

/**
 * struct driver_buffer - a piece of guest memory
 * @address: guest address
 * @length: bytes
 */
struct driver_buffer {
	uint64_t address;
	uint32_t length;
};

struct driver_ring;

/**
 * struct driver_layout - what distinguishes one ring format from another
 * @add: write a chain; the first free id of the stack is its id.  Returns it
 * @add_table: the same for an indirect table
 * @fill_table: see driver_ring_fill_table()
 * @expose: see driver_ring_expose()
 * @used: see driver_ring_used()
 * @peek: the next used entry: its id, -EAGAIN if there is none, or -EPROTO
 * @consume: a chain is used: go on behind it
 * @set_calls: ask for a call when as many chains as @after more have been used, or
 *	for none if it is 0
 * @device_base: see driver_ring_device_base()
 */
struct driver_layout {
	int (*add)(struct driver_ring *ring, const struct driver_buffer *buffers,
		   unsigned int readable, unsigned int writable);
	int (*add_table)(struct driver_ring *ring, uint64_t table, unsigned int entries);
	void (*fill_table)(void *table, const struct driver_buffer *buffers,
			   unsigned int readable, unsigned int writable, const uint16_t *order);
	bool (*expose)(struct driver_ring *ring);
	unsigned int (*used)(const struct driver_ring *ring);
	int (*peek)(const struct driver_ring *ring, uint32_t *length);
	void (*consume)(struct driver_ring *ring, unsigned int id);
	void (*set_calls)(struct driver_ring *ring, unsigned int after);
	uint32_t (*device_base)(const struct driver_ring *ring);
};

/**
 * struct driver_position - a place in a packed ring
 * @index: of the descriptor
 * @wrap: wrap counter
 */
struct driver_position {
	uint16_t index;
	bool wrap;
};

/**
 * struct driver_ring - the driver's side of a virtqueue
 * @layout: the ring format
 * @size: number of descriptors
 * @base: where a device has to begin, as it is told by VHOST_SET_VRING_BASE
 * @event_index: VIRTIO_F_EVENT_IDX was negotiated
 * @descriptors: split: descriptor area
 * @packed: packed: descriptor area
 * @available: split: driver area; ends with used_event only if @event_index
 * @driver_event: packed: driver area
 * @used: split: device area; ends with avail_event only if @event_index
 * @device_event: packed: device area
 * @next_available: split: index of the next available entry to write
 * @exposed: split: the available index as the device sees it
 * @next_used: split: index of the next used entry to reap
 * @available_at: packed: the next descriptor to be made available
 * @used_at: packed: where the next used descriptor will be
 * @hidden_at: packed: the first descriptor that is to be exposed
 * @hidden_flags: packed: its flags
 * @hidden: packed: number of descriptors to be exposed
 * @free: split: descriptors that are in no chain; packed: ids of no chain; a stack
 * @free_ids: how many are in @free
 * @free_count: descriptors that are in no chain
 * @next: split: chains as they were built, whatever the device area says
 * @in_use: by id: number of descriptors of the chain, 0 if there is none
 * @address: by id: guest address of the chain's first buffer
 * @writable: by id: bytes in the chain's device-writable buffers; 0 with a table
 * @in_order: VIRTIO_F_IN_ORDER was negotiated; set after driver_ring_init()
 * @order: in order: ids of all chains that are not reaped, a ring of @size
 * @order_first: index in @order of the oldest one
 * @order_count: how many
 * @merged: in order: the used entry last read stands for more chains
 * @merged_id: of the last one of them
 * @merged_length: bytes written to that one
 *
 * The areas are allocations of their own, of exactly the size they must have:
 * an address sanitizer sees any access beyond them.
 */
struct driver_ring {
	const struct driver_layout *layout;
	unsigned int size;
	uint32_t base;
	bool event_index;
	union {
		struct vring_desc *descriptors;
		struct vring_packed_desc *packed;
	};
	union {
		struct vring_avail *available;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	uint16_t next_available;
	uint16_t exposed;
	uint16_t next_used;
	struct driver_position available_at;
	struct driver_position used_at;
	struct driver_position hidden_at;
	uint16_t hidden_flags;
	unsigned int hidden;
	uint16_t *free;
	unsigned int free_ids;
	unsigned int free_count;
	uint16_t *next;
	uint16_t *in_use;
	uint64_t *address;
	uint64_t *writable;
	bool in_order;
	uint16_t *order;
	unsigned int order_first;
	unsigned int order_count;
	bool merged;
	uint16_t merged_id;
	uint32_t merged_length;
};

extern const struct driver_layout driver_split;
extern const struct driver_layout driver_packed;

int driver_ring_init(struct driver_ring *ring, unsigned int size, uint16_t base, bool event_index);
int driver_ring_init_packed(struct driver_ring *ring, unsigned int size, uint16_t base,
			    bool event_index);
void driver_ring_destroy(struct driver_ring *ring);

int driver_ring_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		    unsigned int readable, unsigned int writable);
int driver_ring_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries);
void driver_ring_fill_table(const struct driver_ring *ring, void *table,
			    const struct driver_buffer *buffers, unsigned int readable,
			    unsigned int writable, const uint16_t *order);
bool driver_ring_expose(struct driver_ring *ring);
int driver_ring_reap(struct driver_ring *ring, uint32_t *length);
unsigned int driver_ring_used(const struct driver_ring *ring);
uint32_t driver_ring_device_base(const struct driver_ring *ring);

void driver_ring_calls_off(struct driver_ring *ring);
bool driver_ring_calls_on(struct driver_ring *ring, unsigned int after);

static inline bool driver_ring_is_packed(const struct driver_ring *ring)
{
	return ring->layout == &driver_packed;
}

/* Single fields of a split ring, for tests that look at them or misbehave. */
void driver_ring_add_head(struct driver_ring *ring, uint16_t head);
uint16_t driver_ring_used_index(const struct driver_ring *ring);
uint16_t driver_ring_used_flags(const struct driver_ring *ring);
uint16_t driver_ring_avail_event(const struct driver_ring *ring);
void driver_ring_set_used_event(struct driver_ring *ring, uint16_t index);
void driver_ring_set_available_index(struct driver_ring *ring, uint16_t index);
void driver_descriptor_write(struct vring_desc *to, uint64_t address, uint32_t length,
			     uint16_t flags, uint16_t next);

/* The same of a packed ring. */
void driver_position_advance(const struct driver_ring *ring, struct driver_position *position,
			     unsigned int count);
uint16_t driver_position_pack(struct driver_position position);
void driver_ring_add_packed(struct driver_ring *ring, uint64_t address, uint32_t length,
			    uint16_t id, uint16_t flags);
uint16_t driver_ring_packed_flags(const struct driver_ring *ring, uint16_t index);
void driver_ring_set_packed_flags(struct driver_ring *ring, uint16_t index, uint16_t flags);
uint16_t driver_ring_device_event(const struct driver_ring *ring, uint16_t *position);
void driver_ring_set_driver_event(struct driver_ring *ring, uint16_t flags, uint16_t position);

/* For the formats: fields are little-endian, and the device looks at any time. */
uint16_t driver_load16(const void *from);
void driver_store16(void *to, uint16_t value);
void *driver_area(size_t bytes);
unsigned int driver_ring_run(const struct driver_ring *ring, unsigned int skip, uint16_t id,
			     unsigned int *descriptors);
int driver_ring_init_common(struct driver_ring *ring, unsigned int size);

#endif /* SELFTESTS_LIB_DRIVER_RING_H */
