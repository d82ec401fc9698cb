/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a split virtqueue, in plain userspace.
 *
 * The tests' counterpart of the device, native or in the kernel: it exposes
 * descriptor chains, decides whether to kick, and reaps what was used.  Where
 * a test is to misbehave, it writes the areas itself.
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

/**
 * struct driver_ring - the driver's side of a virtqueue
 * @size: number of descriptors
 * @event_index: VIRTIO_F_EVENT_IDX was negotiated
 * @descriptors: descriptor area
 * @available: driver area; ends with used_event only if @event_index
 * @used: device area; ends with avail_event only if @event_index
 * @next_available: index of the next available entry to write
 * @exposed: the available index as the device sees it
 * @next_used: index of the next used entry to reap
 * @free: descriptors that are in no chain, a stack
 * @free_count: how many
 * @next: chains as they were built, whatever the device area says
 * @in_use: number of descriptors of the chain that begins here, 0 if none does
 *
 * The areas are allocations of their own, of exactly the size they must have:
 * an address sanitizer sees any access beyond them.
 */
struct driver_ring {
	unsigned int size;
	bool event_index;
	struct vring_desc *descriptors;
	struct vring_avail *available;
	struct vring_used *used;
	uint16_t next_available;
	uint16_t exposed;
	uint16_t next_used;
	uint16_t *free;
	unsigned int free_count;
	uint16_t *next;
	uint16_t *in_use;
};

int driver_ring_init(struct driver_ring *ring, unsigned int size, uint16_t base, bool event_index);
void driver_ring_destroy(struct driver_ring *ring);

int driver_ring_add(struct driver_ring *ring, const struct driver_buffer *buffers,
		    unsigned int readable, unsigned int writable);
int driver_ring_add_table(struct driver_ring *ring, uint64_t table, unsigned int entries);
void driver_ring_add_head(struct driver_ring *ring, uint16_t head);
bool driver_ring_expose(struct driver_ring *ring);
int driver_ring_reap(struct driver_ring *ring, uint32_t *length);
unsigned int driver_ring_used(const struct driver_ring *ring);

void driver_ring_calls_off(struct driver_ring *ring);
bool driver_ring_calls_on(struct driver_ring *ring, unsigned int after);

/* Single fields, for tests that look at them or misbehave. */
uint16_t driver_ring_used_index(const struct driver_ring *ring);
uint16_t driver_ring_used_flags(const struct driver_ring *ring);
uint16_t driver_ring_avail_event(const struct driver_ring *ring);
void driver_ring_set_used_event(struct driver_ring *ring, uint16_t index);
void driver_ring_set_available_index(struct driver_ring *ring, uint16_t index);
void driver_descriptor_write(struct vring_desc *to, uint64_t address, uint32_t length,
			     uint16_t flags, uint16_t next);
void driver_table_fill(struct vring_desc *table, const struct driver_buffer *buffers,
		       unsigned int readable, unsigned int writable, const uint16_t *order);

#endif /* SELFTESTS_LIB_DRIVER_RING_H */
