/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory: one memfd, mapped shared, in at most two regions: below the
 * hole that PCI and the interrupt controllers occupy, and above 4 GiB.
 *
 * struct guest_memory is the one that virtqueue/memory.h declares; the
 * functions of that header are implemented in memory.c for this home.
 */
#ifndef VQVMM_MACHINE_MEMORY_H
#define VQVMM_MACHINE_MEMORY_H

#include <stdint.h>

#include "virtqueue/memory.h"

/* Guest memory ends here at the latest, and goes on at GUEST_MEMORY_HIGH. */
#define GUEST_MEMORY_LOW_END 0xc0000000ULL
#define GUEST_MEMORY_HIGH 0x100000000ULL

/* At most this many regions, for tables on a stack. */
#define GUEST_REGIONS_MAX 2

/**
 * struct guest_region - guest addresses that are RAM
 * @address: guest address of the first byte
 * @size: bytes, a multiple of the page size
 * @host: where the first byte is mapped in this process
 * @fd: the memfd behind it; belongs to the guest memory
 * @offset: of the first byte in @fd
 */
struct guest_region {
	uint64_t address;
	uint64_t size;
	void *host;
	int fd;
	uint64_t offset;
};

/**
 * guest_memory_create() - reserve memory for a guest
 * @size: bytes, a multiple of the page size, not 0
 * @out: receives the memory; guest_memory_destroy() gives it back
 *
 * Nothing is populated: pages appear, zeroed, when they are first touched.
 * Return: 0, or -errno: -ENOMEM or -EFBIG if the host cannot map so much.
 */
int guest_memory_create(uint64_t size, struct guest_memory **out);

/**
 * guest_memory_destroy() - unmap guest memory
 * @memory: may be NULL; nobody may use it any more
 */
void guest_memory_destroy(struct guest_memory *memory);

/**
 * guest_memory_regions() - what is RAM
 * @memory: guest memory
 * @count: receives the number of regions, 1 to GUEST_REGIONS_MAX
 *
 * Return: the regions in ascending order, valid as long as @memory.
 */
const struct guest_region *guest_memory_regions(const struct guest_memory *memory,
						unsigned int *count);

/**
 * guest_memory_host() - a contiguous piece of guest memory as a pointer
 * @memory: guest memory
 * @address: guest address of the first byte
 * @size: bytes
 *
 * Return: the address in this process, or NULL if any byte is not RAM or the
 * range crosses from one region to another.
 */
void *guest_memory_host(const struct guest_memory *memory, uint64_t address, uint64_t size);

#endif /* VQVMM_MACHINE_MEMORY_H */
