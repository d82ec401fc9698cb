/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device with one queue whose driver and owner misbehave, the victim, and one
 * that must not notice, the calm one.
 *
 *	hostile_setup.c		the device, guard memory, what must hold after a round
 *	hostile_driver.c	a table of what a guest can do
 *	hostile_owner.c		a table of what an owner can do
 *	hostile_ioctl.c		calls with any numbers and arguments
 *
 * What a new feature lets either side do is one more function in its table.
 */
#ifndef SELFTESTS_KMOD_HOSTILE_H
#define SELFTESTS_KMOD_HOSTILE_H

#include <pthread.h>

#include "blk_setup.h"
#include "net_setup.h"

/*
 * Each region of guest memory has a hole in its middle: mapped by us, in no memory
 * table.  Its first and last pages hold a pattern, as do pages around it all.
 */
#define HOLE_START 0x100000ULL
#define HOLE_END (GUEST_REGION_SIZE - 0x100000ULL)
#define GUARD_SIZE 0x40000ULL

/* Guest memory of the victim's driver: across a border, with no buffer of the calm one. */
#define VICTIM_MEMORY (GUEST_BORDER(3) - 0x100000ULL)
#define VICTIM_MEMORY_SIZE 0x200000ULL

#define VICTIM_SIZE 64

enum victim {
	VICTIM_RECEIVE,
	VICTIM_TRANSMIT,
	VICTIM_DISK,
};

/**
 * struct hostile - the setup
 * @kind: which queue is the victim
 * @net: of a network device
 * @disk: of a disk
 * @disk_queues: its queues, the victim first
 * @stores: what may be put behind the victim; the last one is the calm queue's
 * @device: @disk or the one in @net
 * @victim: queue
 * @calm: queue
 * @mapping: guest memory with guard pages around
 * @features: as negotiated at first
 * @lock: who uses @victim.ring, or replaces it
 * @seed: decides what happens
 * @broken: the driver cannot go on before the owner resets the queue
 * @resets: how often that was
 * @stop: all threads are to end
 */
struct hostile {
	enum victim kind;
	struct net_setup net;
	struct vhost_device disk;
	struct vhost_queue disk_queues[2];
	int stores[3];
	struct vhost_device *device;
	struct vhost_queue *victim;
	struct vhost_queue *calm;
	uint8_t *mapping;
	uint64_t features;
	pthread_mutex_t lock;
	uint64_t seed;
	bool broken;
	unsigned int resets;
	bool stop;
};

/**
 * struct random_state - a source of numbers that can be had again
 * @state: never 0
 */
struct random_state {
	uint64_t state;
};

static inline uint64_t random_next(struct random_state *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * 0x2545f4914f6cdd1dULL >> 16;
}

static inline unsigned int random_below(struct random_state *random, unsigned int limit)
{
	return random_next(random) % limit;
}

static inline struct random_state random_begin(uint64_t seed, unsigned int stream)
{
	return (struct random_state) { (seed ^ (stream + 1) * 0x9e3779b97f4a7c15ULL) | 1 };
}

static inline bool hostile_is_over(const struct hostile *hostile)
{
	return __atomic_load_n(&hostile->stop, __ATOMIC_RELAXED);
}

/* hostile_setup.c */
int hostile_open(struct hostile *hostile, enum victim kind, uint64_t features, uint64_t seed);
void hostile_close(struct hostile *hostile);
int hostile_set_memory(struct hostile *hostile, struct random_state *random);
int hostile_set_backend(struct hostile *hostile, struct random_state *random);
const char *hostile_calm_works(struct hostile *hostile, unsigned int number);
const char *hostile_all_is_well(struct hostile *hostile);
const char *hostile_nothing_is_left(void);
unsigned int hostile_seconds(unsigned int usual);
uint64_t hostile_seed(void);

/* hostile_driver.c */
void *hostile_driver(void *data);
void *hostile_scribbler(void *data);

/* hostile_owner.c */
int hostile_reset(struct hostile *hostile, struct random_state *random);
void *hostile_owner(void *data);

/* hostile_ioctl.c */
void hostile_ioctl(int fd, struct random_state *random, const int *fds, unsigned int count);

#endif /* SELFTESTS_KMOD_HOSTILE_H */
