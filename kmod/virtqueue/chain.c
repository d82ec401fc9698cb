// SPDX-License-Identifier: GPL-2.0
/*
 * Indirect tables (virtio 1.2, section 2.7.5.3 and 2.8.7).
 *
 * A table is read in pieces, because drivers fill tables in order and a table is
 * 16 bytes an entry, whatever the format of the ring.
 */
#include "chain.h"

/**
 * chain_table_open() - check a descriptor that refers to a table
 * @walk: of the chain
 * @table: receives the table
 * @address: guest address
 * @length: bytes
 * @flags: VRING_DESC_F_*
 *
 * Context: owner.
 * Return: 0, or -EIO: the virtqueue is broken now.
 */
int chain_table_open(struct chain_walk *walk, struct chain_table *table, u64 address, u32 length,
		     u16 flags)
{
	struct device_virtqueue *vq = walk->vq;

	if (unlikely(!vq->indirect))
		return virtqueue_break(vq, VIRTQUEUE_INDIRECT_OFF);
	if (unlikely(flags & VRING_DESC_F_NEXT))
		return virtqueue_break(vq, VIRTQUEUE_INDIRECT_NEXT);
	if (unlikely(!length || length % sizeof(vq->table_batch[0])))
		return virtqueue_break(vq, VIRTQUEUE_INDIRECT_SIZE);
	if (unlikely(address + length - 1 < address))
		return virtqueue_break(vq, VIRTQUEUE_ADDRESS_WRAP);
	*table = (struct chain_table) {
		.address = address,
		.entries = length / sizeof(vq->table_batch[0]),
	};
	return 0;
}

/**
 * chain_table_load() - read the next piece of an indirect table
 * @vq: the virtqueue
 * @table: opened by chain_table_open()
 * @index: of the first descriptor to read, less than &struct chain_table.entries
 *
 * Context: owner, may sleep.
 * Return: 0; -EIO if it lies outside guest memory: the virtqueue is broken then;
 * -EINPROGRESS if it is not mapped yet.
 */
int chain_table_load(struct device_virtqueue *vq, struct chain_table *table, u32 index)
{
	const size_t size = sizeof(vq->table_batch[0]);
	int err;

	table->first = index;
	table->count = min_t(u32, table->entries - index, VIRTQUEUE_INDIRECT_BATCH);
	err = guest_memory_read(vq->memory, vq->table_batch, table->address + (u64)index * size,
				table->count * size);
	return unlikely(err) ? virtqueue_memory_error(vq, err) : 0;
}
