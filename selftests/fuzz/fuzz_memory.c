// SPDX-License-Identifier: GPL-2.0
/*
 * The VMM's guest memory: translation, reading and writing, of one region and of
 * two with a hole between them, compared with what the regions say.
 */
#include "machine/memory.h"

#include "input.h"

#define STEPS_MAX 64
#define BYTES_MAX 4096

static struct guest_memory *memories[2];

/* Is each byte of the range RAM?  Counts the regions it touches. */
static bool is_ram(const struct guest_memory *memory, u64 address, u64 length,
		   unsigned int *pieces)
{
	unsigned int count, i;
	const struct guest_region *regions = guest_memory_regions(memory, &count);

	*pieces = 0;
	while (length) {
		u64 left = 0;

		for (i = 0; i < count; i++) {
			if (address >= regions[i].address &&
			    address < regions[i].address + regions[i].size)
				left = regions[i].address + regions[i].size - address;
		}
		if (!left)
			return false;
		++*pieces;
		if (left >= length)
			return true;
		address += left;
		length -= left;
	}
	return true;
}

static void demand_vectors(const struct guest_memory *memory, const struct iovec *vectors,
			   int filled, u64 address, u64 length)
{
	unsigned int count, i;
	const struct guest_region *regions = guest_memory_regions(memory, &count);
	int j;

	for (j = 0; j < filled; j++) {
		for (i = 0; i < count; i++) {
			u64 offset = (u8 *)vectors[j].iov_base - (u8 *)regions[i].host;

			if (address - regions[i].address < regions[i].size &&
			    offset == address - regions[i].address &&
			    vectors[j].iov_len <= regions[i].size - offset)
				break;
		}
		DEMAND(i < count);
		DEMAND(vectors[j].iov_len && vectors[j].iov_len <= length);
		address += vectors[j].iov_len;
		length -= vectors[j].iov_len;
	}
	DEMAND(!length);
}

static void step(struct input *input)
{
	static u8 bytes[BYTES_MAX], back[BYTES_MAX];
	u8 kind = take8(input);
	struct guest_memory *memory = memories[kind & 1];
	unsigned int regions, pieces;
	const struct guest_region *region = guest_memory_regions(memory, &regions);
	struct iovec vectors[4];
	u64 address, length;
	u8 room = kind >> 6;
	void *host;
	bool ram;
	int ret;

	/* Near a border of a region, or anywhere. */
	region += (kind >> 1) % regions;
	if (kind & 4)
		address = take64(input);
	else
		address = region->address + (kind & 8 ? region->size : 0) + (int16_t)take16(input);
	length = kind & 16 ? take64(input) : take16(input);
	ram = is_ram(memory, address, length, &pieces);

	ret = guest_memory_translate(memory, address, length, kind & 32, vectors, room);
	if (ret >= 0) {
		DEMAND(ram && ret == (int)pieces);
		demand_vectors(memory, vectors, ret, address, length);
	} else if (ret == -ENOBUFS) {
		DEMAND(room < pieces || !ram);
	} else {
		DEMAND(ret == -EFAULT && !ram);
	}
	host = guest_memory_host(memory, address, length);
	if (length)
		DEMAND(!!host == (ram && pieces == 1));

	if (length > BYTES_MAX)
		return;
	memset(bytes, kind, length);
	ret = guest_memory_write(memory, address, bytes, length);
	DEMAND(ret == (ram ? 0 : -EFAULT));
	ret = guest_memory_read(memory, back, address, length);
	DEMAND(ret == (ram ? 0 : -EFAULT));
	if (ram)
		DEMAND(!memcmp(bytes, back, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int steps;

	if (!memories[0]) {
		DEMAND(!guest_memory_create(0x10000, &memories[0]));
		DEMAND(!guest_memory_create(GUEST_MEMORY_LOW_END + 0x4000, &memories[1]));
	}
	for (steps = 0; input.size && steps < STEPS_MAX; steps++)
		step(&input);
	return 0;
}
