/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where an access by the guest goes: one space for memory-mapped addresses, one
 * for I/O ports.  Ranges do not overlap.
 *
 * Context of all functions: under the machine lock, or before the vCPUs run.
 */
#ifndef VQVMM_MACHINE_SPACE_H
#define VQVMM_MACHINE_SPACE_H

#include <stdint.h>

/**
 * struct space_range - addresses that someone answers for
 * @address: of the first byte
 * @size: bytes
 * @read: fills @data, @length bytes of it; offset is relative to @address; NULL
 *	reads as all ones
 * @write: takes @data, @length bytes of it; NULL ignores writes
 * @opaque: for both
 *
 * Accesses lie within the range; @length is 1, 2, 4 or 8 (ports: up to 4), any
 * alignment.  Both return 0, or -errno for an access the device has no answer
 * to: such a read is all ones, such a write is ignored.
 */
struct space_range {
	uint64_t address;
	uint64_t size;
	int (*read)(void *opaque, uint64_t offset, void *data, unsigned int length);
	int (*write)(void *opaque, uint64_t offset, const void *data, unsigned int length);
	void *opaque;
};

/**
 * struct space - the ranges, in ascending order
 * @ranges: @count of them
 * @count: how many
 * @room: allocated for this many
 */
struct space {
	struct space_range *ranges;
	unsigned int count;
	unsigned int room;
};

/**
 * space_add() - answer for a range from now on
 * @space: where
 * @range: is copied
 *
 * Return: 0; -EEXIST if it overlaps another; -EINVAL if it is empty or wraps;
 * -ENOMEM.
 */
int space_add(struct space *space, const struct space_range *range);

/**
 * space_remove() - answer for a range no longer
 * @space: where
 * @address: of its first byte; nothing happens if no range begins there
 */
void space_remove(struct space *space, uint64_t address);

/**
 * space_read() - the guest reads
 * @space: where
 * @address: of the first byte
 * @data: receives the bytes, all ones where nobody answers
 * @length: how many, up to 8
 */
void space_read(const struct space *space, uint64_t address, void *data, unsigned int length);

/**
 * space_write() - the guest writes
 * @space: where
 * @address: of the first byte
 * @data: the bytes
 * @length: how many, up to 8
 */
void space_write(const struct space *space, uint64_t address, const void *data,
		 unsigned int length);

/**
 * space_destroy() - forget all ranges
 * @space: where
 */
void space_destroy(struct space *space);

#endif /* VQVMM_MACHINE_SPACE_H */
