// SPDX-License-Identifier: GPL-2.0
/*
 * Calls to a device: any number, any argument, in any order.
 */
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostile.h"

/* What an argument begins with, or is. */
enum argument {
	NOTHING,	/* any bytes */
	NUMBER,		/* 64 bits */
	INDEX_NUMBER,	/* queue and 32 bits */
	INDEX_FILE,	/* queue and file descriptor */
	ADDRESSES,	/* queue and ring addresses */
	POSITION,	/* queue and an address */
	MEMORY,		/* memory table */
};

static const struct {
	unsigned long request;
	enum argument argument;
} calls[] = {
	{ VHOST_GET_FEATURES, NOTHING },
	{ VHOST_SET_FEATURES, NUMBER },
	{ VHOST_SET_OWNER, NOTHING },
	{ VHOST_SET_OWNER, NOTHING },
	{ VHOST_SET_OWNER, NOTHING },
	{ VHOST_RESET_OWNER, NOTHING },
	{ VHOST_SET_MEM_TABLE, MEMORY },
	{ VHOST_SET_LOG_BASE, NUMBER },
	{ VHOST_SET_LOG_FD, INDEX_FILE },
	{ VHOST_SET_VRING_NUM, INDEX_NUMBER },
	{ VHOST_SET_VRING_ADDR, ADDRESSES },
	{ VHOST_SET_VRING_BASE, INDEX_NUMBER },
	{ VHOST_GET_VRING_BASE, INDEX_NUMBER },
	{ VHOST_SET_VRING_ENDIAN, INDEX_NUMBER },
	{ VHOST_GET_VRING_ENDIAN, INDEX_NUMBER },
	{ VHOST_SET_VRING_KICK, INDEX_FILE },
	{ VHOST_SET_VRING_CALL, INDEX_FILE },
	{ VHOST_SET_VRING_ERR, INDEX_FILE },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, INDEX_NUMBER },
	{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT, INDEX_NUMBER },
	{ VHOST_GET_BACKEND_FEATURES, NOTHING },
	{ VHOST_SET_BACKEND_FEATURES, NUMBER },
	{ VHOST_NET_SET_BACKEND, INDEX_FILE },
	{ VHOST_NET_SET_BACKEND, INDEX_FILE },
	{ VHOST_NEW_WORKER, NOTHING },
	{ VHOST_FREE_WORKER, INDEX_NUMBER },
	{ VHOST_ATTACH_VRING_WORKER, INDEX_NUMBER },
	{ VHOST_GET_VRING_WORKER, INDEX_NUMBER },
	{ VQHOST_GET_API_VERSION, NOTHING },
	{ VQHOST_BLK_SET_BACKEND, INDEX_FILE },
	{ VQHOST_BLK_SET_BACKEND, INDEX_FILE },
	{ VQHOST_BLK_SET_SERIAL, NOTHING },
	{ VQHOST_GET_VRING_STATS, INDEX_NUMBER },
	{ VQHOST_SET_VRING_POSITION, POSITION },
};

#define ARENA_SIZE 0x100000U

/* The only memory that a device may be pointed to. */
static uint8_t *arena(void)
{
	static uint8_t *memory;

	if (!memory)
		memory = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory;
}

static uint64_t some_address(struct random_state *random)
{
	static const uint64_t edges[] = {
		0, 1, 1ULL << 47, (1ULL << 47) - 4096, ~0ULL, 0xffff888000000000ULL,
	};

	if (random_below(random, 4))
		return (uintptr_t)arena() + random_below(random, ARENA_SIZE / 64) * 16ULL;
	return edges[random_below(random, ARRAY_LENGTH(edges))];
}

static uint32_t some_number(struct random_state *random)
{
	switch (random_below(random, 4)) {
	case 0:
		return 1U << random_below(random, 32);
	case 1:
		return random_below(random, 4);
	case 2:
		return random_next(random);
	default:
		return 64;
	}
}

static void fill_memory(void *argument, struct random_state *random)
{
	struct vhost_memory *table = argument;
	unsigned int i;

	memset(table, 0, sizeof(*table));
	table->nregions = random_below(random, 8) ? random_below(random, 4) : some_number(random);
	for (i = 0; i < 4; i++) {
		table->regions[i].guest_phys_addr = random_below(random, 4) * 0x10000ULL;
		table->regions[i].memory_size = random_below(random, 4) ? ARENA_SIZE / 2 :
						some_address(random);
		table->regions[i].userspace_addr = some_address(random);
		table->regions[i].flags_padding = 0;
	}
}

static void fill(void *argument, enum argument kind, struct random_state *random, const int *fds,
		 unsigned int count)
{
	struct vhost_vring_addr *address = argument;
	struct vhost_vring_state *state = argument;
	struct vqhost_vring_position *position = argument;
	uint64_t *number = argument;

	switch (kind) {
	case NOTHING:
		return;
	case NUMBER:
		*number = random_below(random, 3) ? 1ULL << random_below(random, 64) |
						    FEATURE(VIRTIO_F_VERSION_1) : 0;
		return;
	case MEMORY:
		fill_memory(argument, random);
		return;
	case ADDRESSES:
		memset(address, 0, sizeof(*address));
		address->desc_user_addr = some_address(random);
		address->avail_user_addr = some_address(random);
		address->used_user_addr = some_address(random);
		break;
	case POSITION:
		position->reserved = !random_below(random, 8);
		position->address = some_address(random);
		break;
	case INDEX_NUMBER:
		state->num = some_number(random);
		/* A thread that polls for an hour is not what is tested. */
		state->num &= 0xffffff >> random_below(random, 24);
		break;
	case INDEX_FILE:
		state->num = random_below(random, 8) ? fds[random_below(random, count)] :
						       random_below(random, 40) - 2;
		/* Of a disk's backend: flags, reserved. */
		memset(&state[1], 0, sizeof(state[1]));
		break;
	}
	state->index = random_below(random, 8) ? random_below(random, 3) : some_number(random);
}

/**
 * hostile_ioctl() - one call
 * @fd: a device
 * @random: decides which
 * @fds: what it may be given; nothing that the test needs
 * @count: how many
 */
void hostile_ioctl(int fd, struct random_state *random, const int *fds, unsigned int count)
{
	unsigned int chosen = random_below(random, ARRAY_LENGTH(calls));
	unsigned long request = calls[chosen].request;
	uint64_t argument[64];
	unsigned int i;

	for (i = 0; i < ARRAY_LENGTH(argument); i++)
		argument[i] = random_next(random) << 20;
	fill(argument, calls[chosen].argument, random, fds, count);
	switch (random_below(random, 16)) {
	case 0:
		ioctl(fd, request, some_address(random));
		break;
	case 1:	/* any number of ours, whatever its size and direction; our type alone */
		ioctl(fd, _IOC(random_below(random, 4), VHOST_VIRTIO, random_below(random, 256),
			       random_below(random, 256)), argument);
		break;
	default:
		ioctl(fd, request, argument);
		break;
	}
}
