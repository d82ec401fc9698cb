/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory of the native tests: a few regions, each an allocation of its own,
 * so that an address sanitizer sees any access beyond.
 */
#ifndef SELFTESTS_LIB_TEST_MEMORY_H
#define SELFTESTS_LIB_TEST_MEMORY_H

#include "../../kmod/virtqueue/memory.h"

#define TEST_REGIONS_MAX 8

/**
 * struct test_region - a piece of guest memory
 * @start: guest address of its first byte
 * @length: bytes
 * @host: its memory
 */
struct test_region {
	u64 start;
	u64 length;
	u8 *host;
};

/**
 * struct guest_memory - the map
 * @region: in any order
 * @count: how many
 * @missing: nothing is mapped yet, as behind an IOTLB
 */
struct guest_memory {
	struct test_region region[TEST_REGIONS_MAX];
	unsigned int count;
	bool missing;
};

int test_memory_add(struct guest_memory *memory, u64 start, u64 length);
void test_memory_destroy(struct guest_memory *memory);

#endif /* SELFTESTS_LIB_TEST_MEMORY_H */
