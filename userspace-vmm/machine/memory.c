// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: creation, and the access functions of virtqueue/memory.h.
 */
#include "machine/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guest_memory {
	struct guest_region regions[GUEST_REGIONS_MAX];
	unsigned int count;
	void *host;
	uint64_t size;
	int fd;
};

static void add_region(struct guest_memory *memory, uint64_t address, uint64_t size,
		       uint64_t offset)
{
	memory->regions[memory->count++] = (struct guest_region){
		.address = address,
		.size = size,
		.host = (uint8_t *)memory->host + offset,
		.fd = memory->fd,
		.offset = offset,
	};
}

int guest_memory_create(uint64_t size, struct guest_memory **out)
{
	struct guest_memory *memory;
	uint64_t low = min(size, GUEST_MEMORY_LOW_END);
	int err;

	if ((uint64_t)(off_t)size != size || (off_t)size < 0)
		return -EFBIG;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	memory->size = size;
	memory->fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory->fd < 0) {
		err = -errno;
		goto free_memory;
	}
	/* It may be handed to another process, which shall not take it away under the vCPUs. */
	if (ftruncate(memory->fd, (off_t)size) ||
	    fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		err = -errno;
		goto close_fd;
	}
	memory->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			    memory->fd, 0);
	if (memory->host == MAP_FAILED) {
		err = -errno;
		goto close_fd;
	}
	/* Where the host has large pages for this: fewer faults, smaller tables. */
	madvise(memory->host, size, MADV_HUGEPAGE);
	add_region(memory, 0, low, 0);
	if (size > low)
		add_region(memory, GUEST_MEMORY_HIGH, size - low, low);
	*out = memory;
	return 0;

close_fd:
	close(memory->fd);
free_memory:
	free(memory);
	return err;
}

void guest_memory_destroy(struct guest_memory *memory)
{
	if (!memory)
		return;
	munmap(memory->host, memory->size);
	close(memory->fd);
	free(memory);
}

const struct guest_region *guest_memory_regions(const struct guest_memory *memory,
						unsigned int *count)
{
	*count = memory->count;
	return memory->regions;
}

/* The region of an address and how many bytes follow there; NULL if it is not RAM. */
static const struct guest_region *find_region(const struct guest_memory *memory,
					      uint64_t address, uint64_t *left)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];

		/* Wraps to something large for an address below the region. */
		if (address - region->address < region->size) {
			*left = region->size - (address - region->address);
			return region;
		}
	}
	return NULL;
}

static uint8_t *host_address(const struct guest_region *region, uint64_t address)
{
	return (uint8_t *)region->host + (address - region->address);
}

void *guest_memory_host(const struct guest_memory *memory, uint64_t address, uint64_t size)
{
	const struct guest_region *region;
	uint64_t left;

	region = find_region(memory, address, &left);
	if (!region || size > left)
		return NULL;
	return host_address(region, address);
}

int guest_memory_translate(struct guest_memory *memory, u64 address, u64 length, bool write,
			   struct iovec *vectors, unsigned int count)
{
	unsigned int filled = 0;

	(void)write;	/* all of it is RAM */
	while (length) {
		const struct guest_region *region;
		uint64_t left, piece;

		region = find_region(memory, address, &left);
		if (!region)
			return -EFAULT;
		if (filled == count)
			return -ENOBUFS;
		piece = min(length, left);
		vectors[filled].iov_base = host_address(region, address);
		vectors[filled].iov_len = piece;
		filled++;
		address += piece;
		length -= piece;
	}
	return (int)filled;
}

int guest_memory_read(struct guest_memory *memory, void *to, u64 address, u64 length)
{
	uint8_t *bytes = to;

	while (length) {
		const struct guest_region *region;
		uint64_t left, piece;

		region = find_region(memory, address, &left);
		if (!region)
			return -EFAULT;
		piece = min(length, left);
		memcpy(bytes, host_address(region, address), piece);
		bytes += piece;
		address += piece;
		length -= piece;
	}
	return 0;
}

int guest_memory_write(struct guest_memory *memory, u64 address, const void *from, u64 length)
{
	const uint8_t *bytes = from;

	while (length) {
		const struct guest_region *region;
		uint64_t left, piece;

		region = find_region(memory, address, &left);
		if (!region)
			return -EFAULT;
		piece = min(length, left);
		memcpy(host_address(region, address), bytes, piece);
		bytes += piece;
		address += piece;
		length -= piece;
	}
	return 0;
}
