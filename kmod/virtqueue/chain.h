/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ring formats share when they walk a chain: the checks of a buffer,
 * and indirect tables, whose descriptors are of the same size in both.
 */
#ifndef VQHOST_VIRTQUEUE_CHAIN_H
#define VQHOST_VIRTQUEUE_CHAIN_H

#include "virtqueue.h"

/**
 * struct chain_walk - a chain while its descriptors are read
 * @vq: whose chain it is
 * @chain: what was found until now
 * @segment: where the next one goes
 * @end: there is no room from there on
 */
struct chain_walk {
	struct device_virtqueue *vq;
	struct virtqueue_chain *chain;
	struct virtqueue_segment *segment;
	struct virtqueue_segment *end;
};

/**
 * struct chain_table - an indirect table while it is read
 * @address: guest address
 * @entries: descriptors in it
 * @first: index of the first one in &struct device_virtqueue.table_batch
 * @count: how many are there
 */
struct chain_table {
	u64 address;
	u32 entries;
	u32 first;
	u32 count;
};

static inline int virtqueue_ring_fault(struct device_virtqueue *vq)
{
	return virtqueue_break(vq, VIRTQUEUE_RING_FAULT);
}

/* What is kept of a chain until it is given back. */
static inline void chain_note(struct virtqueue_buffer *buffer, const struct virtqueue_chain *chain,
			      u16 descriptors)
{
	buffer->writable = min_t(u64, chain->writable_length, U32_MAX);
	buffer->descriptors = descriptors;
}

/*
 * In order, the used entry of a chain that was used wholly need not be written if
 * that of a later one is: it stands for both (section 2.7.9 and 2.8.8).
 */
static inline bool used_is_implied(const struct device_virtqueue *vq, unsigned int index)
{
	const struct virtqueue_used *used = &vq->staged[index];

	return vq->in_order && index + 1 < vq->staged_count &&
	       used->length == vq->buffers[used->id].writable;
}

static inline void chain_begin(struct chain_walk *walk, struct device_virtqueue *vq,
			       struct virtqueue_chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->segments = vq->segments;
	*walk = (struct chain_walk) {
		.vq = vq,
		.chain = chain,
		.segment = vq->segments,
		.end = vq->segments + vq->size,
	};
}

/**
 * chain_add() - check a buffer and add it to the chain
 * @walk: of the chain
 * @address: guest address
 * @length: bytes
 * @flags: VRING_DESC_F_*
 *
 * Virtio 1.2, section 2.7.4 and 2.7.5.  Context: owner.
 * Return: 0, or -EIO: the virtqueue is broken now.
 */
static inline int chain_add(struct chain_walk *walk, u64 address, u32 length, u16 flags)
{
	struct virtqueue_chain *chain = walk->chain;
	struct virtqueue_segment *segment = walk->segment;

	/* Loops end here as well: no chain is longer than the queue. */
	if (unlikely(segment == walk->end))
		return virtqueue_break(walk->vq, VIRTQUEUE_CHAIN_LENGTH);
	if (unlikely(!length))
		return virtqueue_break(walk->vq, VIRTQUEUE_ZERO_LENGTH);
	if (unlikely(address + length - 1 < address))
		return virtqueue_break(walk->vq, VIRTQUEUE_ADDRESS_WRAP);

	if (flags & VRING_DESC_F_WRITE) {
		chain->writable++;
		chain->writable_length += length;
	} else {
		if (unlikely(chain->writable))
			return virtqueue_break(walk->vq, VIRTQUEUE_DIRECTION);
		chain->readable++;
		chain->readable_length += length;
	}
	walk->segment = segment + 1;
	segment->address = address;
	segment->length = length;
	return 0;
}

int chain_table_open(struct chain_walk *walk, struct chain_table *table, u64 address, u32 length,
		     u16 flags);
int chain_table_load(struct device_virtqueue *vq, struct chain_table *table, u32 index);

/**
 * chain_table_entry() - a descriptor of an indirect table
 * @vq: the virtqueue
 * @table: opened by chain_table_open()
 * @index: less than &struct chain_table.entries
 *
 * As long as indices grow, each descriptor is read once.
 * Context: owner, may sleep.
 * Return: the descriptor, valid until the next call; NULL if it cannot be read:
 * chain_table_error() tells why.
 */
static inline const union virtqueue_descriptor *
chain_table_entry(struct device_virtqueue *vq, struct chain_table *table, u32 index)
{
	/* True also at the start, where nothing has been read. */
	if (index - table->first >= table->count && chain_table_load(vq, table, index))
		return NULL;
	return &vq->table_batch[index - table->first];
}

/* The table lies outside guest memory, or is not mapped yet. */
static inline int chain_table_error(const struct device_virtqueue *vq)
{
	return vq->error ? -EIO : -EINPROGRESS;
}

#endif /* VQHOST_VIRTQUEUE_CHAIN_H */
