/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory, as the front end hands it over: files mapped into this process, so
 * that the kernel device can reach them.
 *
 * The bridge itself never touches what is mapped: a peer that makes its file shorter
 * than it said would end the process.  The kernel gets EFAULT.  safe_read() and
 * safe_write() are for the little that has to be known, and said.
 */
#ifndef VQVMM_BRIDGE_MEMORY_H
#define VQVMM_BRIDGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_user/message.h"

struct vhost_memory;

/* As many as the kernel device takes unless it is told otherwise: max_mem_regions. */
#define MEMORY_REGIONS_MAX 64

/**
 * struct mapping - a part of a file, mapped
 * @base: where
 * @length: bytes mapped
 * @start: where what was asked for begins
 */
struct mapping {
	void *base;
	size_t length;
	void *start;
};

/**
 * struct memory_region - a region of guest memory
 * @wire: as the front end named it
 * @mapping: where it is
 */
struct memory_region {
	struct vhost_user_region wire;
	struct mapping mapping;
};

/**
 * struct memory - all of a guest's memory that is known
 * @regions: @count of them, none of which overlap
 * @count: how many
 */
struct memory {
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned int count;
};

const char *mapping_create(struct mapping *mapping, int fd, uint64_t offset, uint64_t size);
void mapping_destroy(struct mapping *mapping);

bool memory_has(const struct memory *memory, const struct vhost_user_region *region);
const char *memory_add(struct memory *memory, const struct vhost_user_region *region, int fd);
void memory_remove(struct memory *memory, const struct vhost_user_region *region);
void memory_clear(struct memory *memory);
void *memory_translate(const struct memory *memory, uint64_t user_address, uint64_t length);
uint64_t memory_end(const struct memory *memory);
struct vhost_memory *memory_table(const struct memory *memory);
int safe_read(void *to, const void *from, size_t length);
int safe_write(void *to, const void *from, size_t length);

#endif /* VQVMM_BRIDGE_MEMORY_H */
