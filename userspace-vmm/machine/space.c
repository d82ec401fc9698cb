// SPDX-License-Identifier: GPL-2.0
/*
 * Finding who answers for an address: binary search in a sorted array.
 */
#include "machine/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Number of ranges that begin at or below the address. */
static unsigned int ranges_up_to(const struct space *space, uint64_t address)
{
	unsigned int low = 0, high = space->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (space->ranges[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct space_range *find_range(const struct space *space, uint64_t address)
{
	unsigned int below = ranges_up_to(space, address);
	const struct space_range *range;

	if (!below)
		return NULL;
	range = &space->ranges[below - 1];
	return address - range->address < range->size ? range : NULL;
}

int space_add(struct space *space, const struct space_range *range)
{
	uint64_t last = range->address + (range->size - 1);
	unsigned int at;

	if (!range->size || last < range->address)
		return -EINVAL;
	at = ranges_up_to(space, last);
	/* Of those that begin at or below the last byte, the last one must end before. */
	if (at) {
		const struct space_range *below = &space->ranges[at - 1];

		if (below->address >= range->address ||
		    range->address - below->address < below->size)
			return -EEXIST;
	}
	if (space->count == space->room) {
		unsigned int room = space->room ? 2 * space->room : 16;
		struct space_range *ranges;

		ranges = realloc(space->ranges, room * sizeof(*ranges));
		if (!ranges)
			return -ENOMEM;
		space->ranges = ranges;
		space->room = room;
	}
	memmove(&space->ranges[at + 1], &space->ranges[at],
		(space->count - at) * sizeof(*space->ranges));
	space->ranges[at] = *range;
	space->count++;
	return 0;
}

void space_remove(struct space *space, uint64_t address)
{
	unsigned int below = ranges_up_to(space, address);

	if (!below || space->ranges[below - 1].address != address)
		return;
	memmove(&space->ranges[below - 1], &space->ranges[below],
		(space->count - below) * sizeof(*space->ranges));
	space->count--;
}

void space_read(const struct space *space, uint64_t address, void *data, unsigned int length)
{
	const struct space_range *range = find_range(space, address);
	uint64_t offset;
	unsigned int i;

	memset(data, 0xff, length);
	if (!range) {
		/* Its end may lie in a range all the same. */
		for (i = 1; i < length; i++)
			if (find_range(space, address + i))
				space_read(space, address + i, (uint8_t *)data + i, 1);
		return;
	}
	offset = address - range->address;
	if (length > range->size - offset) {
		for (i = 0; i < length; i++)
			space_read(space, address + i, (uint8_t *)data + i, 1);
		return;
	}
	if (!range->read || range->read(range->opaque, offset, data, length))
		memset(data, 0xff, length);
}

void space_write(const struct space *space, uint64_t address, const void *data,
		 unsigned int length)
{
	const struct space_range *range = find_range(space, address);
	uint64_t offset;
	unsigned int i;

	if (!range) {
		for (i = 1; i < length; i++)
			if (find_range(space, address + i))
				space_write(space, address + i, (const uint8_t *)data + i, 1);
		return;
	}
	offset = address - range->address;
	if (length > range->size - offset) {
		for (i = 0; i < length; i++)
			space_write(space, address + i, (const uint8_t *)data + i, 1);
		return;
	}
	/* A device that has no answer to a write ignores it. */
	if (range->write)
		range->write(range->opaque, offset, data, length);
}

void space_destroy(struct space *space)
{
	free(space->ranges);
	*space = (struct space){ 0 };
}
