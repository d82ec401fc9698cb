// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest can do to a queue: chains that are right or nearly so, and any
 * value in any field that it can write.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hostile.h"

#define PIECES_MAX 6
#define TABLES 16
#define TABLE(n) (VICTIM_MEMORY + 0x100000ULL + (n) * 0x1000ULL)
#define HEADER(n) (VICTIM_MEMORY + 0xf0000ULL + (n) * 64ULL)

/* A place in the descriptor area: both formats have entries of 16 bytes. */
static uint8_t *descriptor(struct hostile *hostile, struct random_state *random)
{
	struct driver_ring *ring = &hostile->victim->ring;

	return (uint8_t *)ring->descriptors + 16 * random_below(random, ring->size);
}

static uint8_t *table_entry(struct hostile *hostile, struct random_state *random)
{
	return (uint8_t *)guest_pointer(hostile->device, TABLE(random_below(random, TABLES))) +
	       16 * random_below(random, PIECES_MAX + 2);
}

/* Numbers that programs are wrong about. */
static uint64_t random_number(struct random_state *random)
{
	switch (random_below(random, 6)) {
	case 0:
		return 0;
	case 1:
		return random_below(random, 70);
	case 2:
		return 1ULL << random_below(random, 64);
	case 3:
		return (1ULL << random_below(random, 64)) - 1;
	case 4:
		return -(uint64_t)random_below(random, 70);
	default:
		return random_next(random) << 16 ^ random_next(random);
	}
}

/* Anywhere but where the calm queue has its buffers. */
static uint64_t random_address(struct random_state *random)
{
	uint64_t region = GUEST_BORDER(random_below(random, GUEST_REGIONS));

	switch (random_below(random, 8)) {
	case 0:
		return region + HOLE_START - random_below(random, 3) * 8;
	case 1:
		return region + HOLE_END + 0x80000 - random_below(random, 0x80000);
	case 2:
		return GUEST_MEMORY + GUEST_MEMORY_SIZE - random_below(random, 32);
	case 3:
		return random_number(random) | 1ULL << 40;
	default:
		return VICTIM_MEMORY + random_below(random, VICTIM_MEMORY_SIZE);
	}
}

static void store(void *to, uint64_t value, unsigned int size)
{
	memcpy(to, &value, size);
}

static void address(struct hostile *hostile, struct random_state *random)
{
	store(descriptor(hostile, random), random_address(random), 8);
}

static void length(struct hostile *hostile, struct random_state *random)
{
	store(descriptor(hostile, random) + 8, random_number(random), 4);
}

/* Flags or next of a split ring, flags or id of a packed one. */
static void half_word(struct hostile *hostile, struct random_state *random)
{
	store(descriptor(hostile, random) + 12 + 2 * random_below(random, 2),
	      random_number(random), 2);
}

static void flag(struct hostile *hostile, struct random_state *random)
{
	bool packed = driver_ring_is_packed(&hostile->victim->ring);
	uint8_t *flags = descriptor(hostile, random) + (packed ? 14 : 12);

	flags[random_below(random, 2)] ^= 1 << random_below(random, 8);
}

/* Flags, index, entries and event of a split ring, or a packed one's event. */
static void scribble_driver_area(struct hostile *hostile, struct random_state *random)
{
	struct driver_ring *ring = &hostile->victim->ring;
	unsigned int words = driver_ring_is_packed(ring) ? 2 : 2 + ring->size + ring->event_index;

	store((uint8_t *)ring->available + 2 * random_below(random, words),
	      random_number(random), 2);
}

/* The available index most of all. */
static void jump(struct hostile *hostile, struct random_state *random)
{
	struct driver_ring *ring = &hostile->victim->ring;

	if (!driver_ring_is_packed(ring))
		driver_ring_set_available_index(ring, ring->exposed + random_below(random, 70));
}

static void scribble_device_area(struct hostile *hostile, struct random_state *random)
{
	struct driver_ring *ring = &hostile->victim->ring;
	unsigned int words = driver_ring_is_packed(ring) ? 2 : 2 + 4 * ring->size;

	store((uint8_t *)ring->used + 2 * random_below(random, words), random_number(random), 2);
}

static void table(struct hostile *hostile, struct random_state *random)
{
	uint8_t *entry = table_entry(hostile, random);

	switch (random_below(random, 3)) {
	case 0:
		store(entry, random_address(random), 8);
		break;
	case 1:
		store(entry + 8, random_number(random), 4);
		break;
	default:
		store(entry + 12 + 2 * random_below(random, 2), random_number(random), 2);
		break;
	}
}

/* Type, sector, ranges of a disk's request; header of a packet; also while it is read. */
static void header(struct hostile *hostile, struct random_state *random)
{
	uint64_t at = HEADER(random_below(random, 64)) + 2 * random_below(random, 30);

	store(guest_pointer(hostile->device, at), random_number(random), 2);
}

static void kick(struct hostile *hostile, struct random_state *random)
{
	eventfd_write(hostile->victim->kick, 1);
}

static const struct {
	void (*act)(struct hostile *hostile, struct random_state *random);
	unsigned int weight;
} actions[] = {
	{ address, 4 },
	{ length, 4 },
	{ half_word, 4 },
	{ flag, 4 },
	{ scribble_driver_area, 3 },
	{ jump, 2 },
	{ scribble_device_area, 2 },
	{ table, 4 },
	{ header, 8 },
	{ kick, 4 },
};

static void misbehave(struct hostile *hostile, struct random_state *random)
{
	unsigned int total = 0, chosen, i;

	for (i = 0; i < ARRAY_LENGTH(actions); i++)
		total += actions[i].weight;
	chosen = random_below(random, total);
	for (i = 0; chosen >= actions[i].weight; i++)
		chosen -= actions[i].weight;
	actions[i].act(hostile, random);
}

static void fill_disk_header(struct hostile *hostile, struct random_state *random, uint64_t at)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_OUT,
		VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD,
		VIRTIO_BLK_T_WRITE_ZEROES, 77,
	};
	uint8_t *header = guest_pointer(hostile->device, at);

	store(header, types[random_below(random, ARRAY_LENGTH(types))], 4);
	store(header + 8, random_below(random, 2 * BLK_SECTORS) >> random_below(random, 8), 8);
	/* A range, for a request of this header and what follows. */
	store(header + 16, random_below(random, BLK_SECTORS), 8);
	store(header + 24, random_below(random, 64), 4);
	store(header + 28, random_below(random, 8) == 0, 4);
}

/* Mostly where it may be; now and then up to the last byte of the victim's memory, or beyond. */
static struct driver_buffer data_buffer(struct random_state *random)
{
	static const uint32_t lengths[] = { 1, 12, 64, 512, 1024, 1526, 4096, 65536 };
	uint32_t length = lengths[random_below(random, ARRAY_LENGTH(lengths))];
	uint64_t address = VICTIM_MEMORY + random_below(random, 0x1e0) * 0x1000ULL;

	if (!random_below(random, 16))
		address = GUEST_BORDER(3) + HOLE_START - length + random_below(random, 64);
	return (struct driver_buffer) { address, length };
}

/* A chain such as a driver makes, more or less. */
static void add_chain(struct hostile *hostile, struct random_state *random)
{
	struct driver_ring *ring = &hostile->victim->ring;
	struct driver_buffer buffers[PIECES_MAX + 2];
	unsigned int pieces = 1 + random_below(random, PIECES_MAX);
	unsigned int readable = 0, count = 0, i;
	uint64_t at = HEADER(random_below(random, 64));

	if (hostile->kind != VICTIM_RECEIVE)
		buffers[count++] = (struct driver_buffer) {
			at, hostile->kind == VICTIM_DISK ? 16 + 16 * random_below(random, 2) : 12,
		};
	for (i = 0; i < pieces; i++)
		buffers[count++] = data_buffer(random);
	if (hostile->kind == VICTIM_DISK) {
		fill_disk_header(hostile, random, at);
		buffers[count++] = (struct driver_buffer) { at + 48, 1 };
		readable = random_below(random, 2) ? 1 : count - 1;
	} else if (hostile->kind == VICTIM_TRANSMIT) {
		memset(guest_pointer(hostile->device, at), 0, 12);
		readable = count;
	}
	if (random_below(random, 2)) {
		driver_ring_add(ring, buffers, readable, count - readable);
		return;
	}
	at = TABLE(random_below(random, TABLES));
	driver_ring_fill_table(ring, guest_pointer(hostile->device, at), buffers, readable,
			       count - readable, NULL);
	driver_ring_add_table(ring, at, count);
}

/**
 * hostile_driver() - the victim's driver, a thread
 * @data: &struct hostile
 *
 * Most of what it does is right, so that there is always something under way.
 * Return: NULL.
 */
void *hostile_driver(void *data)
{
	struct hostile *hostile = data;
	struct random_state random = random_begin(hostile->seed, 1);
	struct vhost_queue *queue = hostile->victim;
	unsigned int i;

	while (!hostile_is_over(hostile)) {
		pthread_mutex_lock(&hostile->lock);
		for (i = random_below(&random, 5); i; i--)
			add_chain(hostile, &random);
		if (!random_below(&random, 40))
			misbehave(hostile, &random);
		driver_ring_expose(&queue->ring);
		eventfd_write(queue->kick, 1);
		for (i = 0; i < VICTIM_SIZE && driver_ring_reap(&queue->ring, NULL) >= 0; i++)
			;
		if (queue->ring.free_count <= PIECES_MAX + 2)
			__atomic_store_n(&hostile->broken, true, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&hostile->lock);
		usleep(random_below(&random, 500));
	}
	return NULL;
}

/**
 * hostile_scribbler() - another CPU of the guest, a thread
 * @data: &struct hostile
 *
 * It writes what the device is reading.
 * Return: NULL.
 */
void *hostile_scribbler(void *data)
{
	struct hostile *hostile = data;
	struct random_state random = random_begin(hostile->seed, 2);
	unsigned int i;

	while (!hostile_is_over(hostile)) {
		pthread_mutex_lock(&hostile->lock);
		for (i = random_below(&random, 60); i; i--)
			misbehave(hostile, &random);
		pthread_mutex_unlock(&hostile->lock);
		/* A queue that is broken at once is not tested. */
		usleep(random_below(&random, 10000));
	}
	return NULL;
}
