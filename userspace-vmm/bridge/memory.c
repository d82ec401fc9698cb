// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping guest memory.
 */
#include "bridge/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/vhost.h>

/* What mmap() wants offsets and lengths to be multiples of: huge pages are larger. */
static uint64_t granularity(const struct stat *status)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t block = (uint64_t)status->st_blksize;

	return block > page && !(block & (block - 1)) ? block : page;
}

/**
 * mapping_create() - map a part of a file for reading and writing
 * @mapping: is filled; mapping_destroy() undoes it
 * @fd: the file, not needed any longer afterwards
 * @offset: where the part begins, need not be aligned
 * @size: bytes of it
 *
 * Return: NULL, or in a few words why not.
 */
const char *mapping_create(struct mapping *mapping, int fd, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size, skipped, unit;
	struct stat status;

	if (!size)
		return "is empty";
	if (end < offset || end > INT64_MAX - UINT32_MAX)
		return "lies beyond all files";
	if (fstat(fd, &status))
		return strerror(errno);
	if (S_ISREG(status.st_mode) && end > (uint64_t)status.st_size)
		return "ends behind the end of its file";
	unit = granularity(&status);
	skipped = offset % unit;
	mapping->length = (skipped + size + unit - 1) / unit * unit;
	mapping->base = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_NORESERVE, fd, (off_t)(offset - skipped));
	if (mapping->base == MAP_FAILED) {
		*mapping = (struct mapping) {};
		return strerror(errno);
	}
	/* Of no use in a core file, and large. */
	madvise(mapping->base, mapping->length, MADV_DONTDUMP);
	mapping->start = (char *)mapping->base + skipped;
	return NULL;
}

/**
 * mapping_destroy() - undo mapping_create()
 * @mapping: mapped, or zeroed
 */
void mapping_destroy(struct mapping *mapping)
{
	if (mapping->base)
		munmap(mapping->base, mapping->length);
	*mapping = (struct mapping) {};
}

static bool overlap(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Where a region is, as it was added but for its offset; the count if it is not there. */
static unsigned int find(const struct memory *memory, const struct vhost_user_region *region)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct vhost_user_region *other = &memory->regions[i].wire;

		if (other->guest_address == region->guest_address &&
		    other->user_address == region->user_address && other->size == region->size)
			break;
	}
	return i;
}

/**
 * memory_has() - is a region there already?
 * @memory: guest memory
 * @region: as the front end names it
 *
 * Return: true if so.
 */
bool memory_has(const struct memory *memory, const struct vhost_user_region *region)
{
	return find(memory, region) < memory->count;
}

/**
 * memory_add() - map a region
 * @memory: gets it
 * @region: as the front end names it
 * @fd: its file, not needed any longer afterwards
 *
 * Return: NULL, or in a few words why not.
 */
const char *memory_add(struct memory *memory, const struct vhost_user_region *region, int fd)
{
	struct memory_region *added = &memory->regions[memory->count];
	const char *problem;
	unsigned int i;

	if (memory->count == MEMORY_REGIONS_MAX)
		return "there are too many";
	if (region->guest_address + region->size < region->guest_address ||
	    region->user_address + region->size < region->user_address)
		return "wraps around";
	for (i = 0; i < memory->count; i++) {
		const struct vhost_user_region *other = &memory->regions[i].wire;

		if (overlap(region->guest_address, other->guest_address, region->size,
			    other->size) ||
		    overlap(region->user_address, other->user_address, region->size, other->size))
			return "overlaps with another one";
	}
	problem = mapping_create(&added->mapping, fd, region->offset, region->size);
	if (problem)
		return problem;
	added->wire = *region;
	memory->count++;
	return NULL;
}

/**
 * memory_remove() - unmap a region
 * @memory: has it
 * @region: as it was added, but for its offset
 *
 * Nobody uses it any longer.
 */
void memory_remove(struct memory *memory, const struct vhost_user_region *region)
{
	unsigned int i = find(memory, region);

	mapping_destroy(&memory->regions[i].mapping);
	memory->regions[i] = memory->regions[--memory->count];
	memory->regions[memory->count] = (struct memory_region) {};
}

/**
 * memory_clear() - unmap all regions
 * @memory: may be zeroed
 */
void memory_clear(struct memory *memory)
{
	while (memory->count)
		mapping_destroy(&memory->regions[--memory->count].mapping);
}

/**
 * memory_translate() - where this process has what the front end has somewhere else
 * @memory: guest memory
 * @user_address: of the front end
 * @length: bytes
 *
 * Return: its address; NULL unless all of it lies in one region.
 */
void *memory_translate(const struct memory *memory, uint64_t user_address, uint64_t length)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];
		uint64_t offset = user_address - region->wire.user_address;

		if (user_address >= region->wire.user_address && offset < region->wire.size &&
		    length <= region->wire.size - offset)
			return (char *)region->mapping.start + offset;
	}
	return NULL;
}

/**
 * memory_end() - the end of guest memory
 * @memory: guest memory
 *
 * Return: the guest address behind all regions.
 */
uint64_t memory_end(const struct memory *memory)
{
	uint64_t end = 0;
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct vhost_user_region *region = &memory->regions[i].wire;

		if (region->guest_address + region->size > end)
			end = region->guest_address + region->size;
	}
	return end;
}

/**
 * memory_table() - guest memory as VHOST_SET_MEM_TABLE wants it
 * @memory: guest memory
 *
 * Return: the table, which the caller frees; NULL if there is no memory for it.
 */
struct vhost_memory *memory_table(const struct memory *memory)
{
	struct vhost_memory *table;
	unsigned int i;

	table = calloc(1, sizeof(*table) + memory->count * sizeof(table->regions[0]));
	if (!table)
		return NULL;
	table->nregions = memory->count;
	for (i = 0; i < memory->count; i++) {
		table->regions[i].guest_phys_addr = memory->regions[i].wire.guest_address;
		table->regions[i].memory_size = memory->regions[i].wire.size;
		table->regions[i].userspace_addr = (uintptr_t)memory->regions[i].mapping.start;
	}
	return table;
}

/**
 * safe_read() - read from a mapping, whatever has become of its file
 * @to: receives what is there
 * @from: in a mapping
 * @length: bytes
 *
 * Return: 0 or -EFAULT.
 */
int safe_read(void *to, const void *from, size_t length)
{
	struct iovec local = { .iov_base = to, .iov_len = length };
	struct iovec remote = { .iov_base = (void *)from, .iov_len = length };

	/* The kernel's own look at this process's memory: no signal, an error. */
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)length)
		return -EFAULT;
	return 0;
}

/**
 * safe_write() - write to a mapping, whatever has become of its file
 * @to: in a mapping
 * @from: what is written
 * @length: bytes
 *
 * Return: 0 or -EFAULT.
 */
int safe_write(void *to, const void *from, size_t length)
{
	struct iovec local = { .iov_base = (void *)from, .iov_len = length };
	struct iovec remote = { .iov_base = to, .iov_len = length };

	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)length)
		return -EFAULT;
	return 0;
}
