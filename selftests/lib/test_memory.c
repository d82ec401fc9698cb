// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory of the native tests.
 */
#include "test_memory.h"

/**
 * test_memory_add() - add a zeroed region
 * @memory: the map, zeroed at first
 * @start: guest address of its first byte
 * @length: bytes
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int test_memory_add(struct guest_memory *memory, u64 start, u64 length)
{
	struct test_region *region = &memory->region[memory->count];

	if (memory->count == TEST_REGIONS_MAX)
		return -ENOSPC;
	region->host = calloc(1, length);
	if (!region->host)
		return -ENOMEM;
	region->start = start;
	region->length = length;
	memory->count++;
	return 0;
}

/**
 * test_memory_destroy() - free all regions
 * @memory: the map, empty afterwards
 */
void test_memory_destroy(struct guest_memory *memory)
{
	while (memory->count)
		free(memory->region[--memory->count].host);
}

/* Documented in ../../kmod/virtqueue/memory.h, as are the next two. */
int guest_memory_translate(struct guest_memory *memory, u64 address, u64 length, bool write,
			   struct iovec *vectors, unsigned int count)
{
	const struct test_region *region;
	unsigned int filled = 0;
	unsigned int i;
	u64 piece;

	if (memory->missing)
		return -EINPROGRESS;
	while (length) {
		region = NULL;
		for (i = 0; i < memory->count; i++) {
			if (address - memory->region[i].start < memory->region[i].length)
				region = &memory->region[i];
		}
		if (!region)
			return -EFAULT;
		if (filled == count)
			return -ENOBUFS;
		piece = min(region->start + region->length - address, length);
		vectors[filled].iov_base = region->host + (address - region->start);
		vectors[filled].iov_len = piece;
		filled++;
		address += piece;
		length -= piece;
	}
	return filled;
}

int guest_memory_read(struct guest_memory *memory, void *to, u64 address, u64 length)
{
	struct iovec vectors[TEST_REGIONS_MAX];
	int count = guest_memory_translate(memory, address, length, false, vectors,
					   TEST_REGIONS_MAX);
	int i;

	for (i = 0; i < count; i++) {
		memcpy(to, vectors[i].iov_base, vectors[i].iov_len);
		to = (u8 *)to + vectors[i].iov_len;
	}
	return min(count, 0);
}

int guest_memory_write(struct guest_memory *memory, u64 address, const void *from, u64 length)
{
	struct iovec vectors[TEST_REGIONS_MAX];
	int count = guest_memory_translate(memory, address, length, true, vectors,
					   TEST_REGIONS_MAX);
	int i;

	for (i = 0; i < count; i++) {
		memcpy(vectors[i].iov_base, from, vectors[i].iov_len);
		from = (const u8 *)from + vectors[i].iov_len;
	}
	return min(count, 0);
}
