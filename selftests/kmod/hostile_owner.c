// SPDX-License-Identifier: GPL-2.0
/*
 * What an owner can do to a queue that runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostile.h"

static void set_file(struct hostile *hostile, unsigned long request, int fd)
{
	struct vhost_vring_file file = { .index = hostile->victim->index, .fd = fd };

	ioctl(hostile->device->fd, request, &file);
}

static void memory(struct hostile *hostile, struct random_state *random)
{
	hostile_set_memory(hostile, random);
}

static void backend(struct hostile *hostile, struct random_state *random)
{
	hostile_set_backend(hostile, random);
}

static void stop(struct hostile *hostile, struct random_state *random)
{
	if (hostile->kind == VICTIM_DISK)
		vhost_queue_blk_backend(hostile->victim, -1, 0);
	else
		vhost_queue_net_backend(hostile->victim, -1);
}

/* What the calm queue needs stays; it has neither indirect tables nor a use for the others. */
static void features(struct hostile *hostile, struct random_state *random)
{
	static const unsigned int bits[] = {
		VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER,
		VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_DISCARD,
	};
	uint64_t value = hostile->features;
	uint64_t bit = FEATURE(bits[random_below(random, ARRAY_LENGTH(bits))]);
	uint64_t format = FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_F_IN_ORDER);

	if (bit & FEATURE(VIRTIO_BLK_F_FLUSH) && hostile->kind != VICTIM_DISK)
		return;
	value ^= bit;
	ioctl(hostile->device->fd, VHOST_SET_FEATURES, &value);
	/* Refused, because the calm queue runs. */
	if (bit & format)
		return;
	if (random_below(random, 2))
		ioctl(hostile->device->fd, VHOST_SET_FEATURES, &hostile->features);
}

static void exchange_file(struct hostile *hostile, struct random_state *random)
{
	static const unsigned long requests[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	};
	unsigned long request = requests[random_below(random, ARRAY_LENGTH(requests))];
	int fd = eventfd(random_below(random, 3), EFD_NONBLOCK | EFD_CLOEXEC);
	/* Full: it is in error for those who wait for it. */
	eventfd_t most = 0xfffffffffffffffeULL;

	switch (random_below(random, 6)) {
	case 0:
		set_file(hostile, request, -1);
		break;
	case 1:
		set_file(hostile, request, hostile->device->fd);
		break;
	case 2:
		set_file(hostile, request, hostile->victim->kick);
		break;
	case 3:
		eventfd_write(fd, most);
		set_file(hostile, request, fd);
		break;
	default:
		set_file(hostile, request, fd);
		break;
	}
	/* The device has its own reference. */
	close(fd);
	/* Mostly it has the right one, or nothing would happen any more. */
	if (random_below(random, 4))
		set_file(hostile, VHOST_SET_VRING_KICK, hostile->victim->kick);
}

static void poll_limit(struct hostile *hostile, struct random_state *random)
{
	static const unsigned int limits[] = { 0, 1, 50, 2000 };
	struct vhost_vring_state state = {
		.index = hostile->victim->index,
		.num = limits[random_below(random, ARRAY_LENGTH(limits))],
	};

	ioctl(hostile->device->fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &state);
	ioctl(hostile->device->fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state);
}

static void look(struct hostile *hostile, struct random_state *random)
{
	struct vqhost_vring_stats stats;

	vhost_queue_stats(hostile->victim, &stats);
	if (stats.error)
		__atomic_store_n(&hostile->broken, true, __ATOMIC_RELAXED);
	vhost_queue_get_base(hostile->victim);
}

/* The victim gets another thread, be it the calm queue's, and the other one may end. */
static void worker(struct hostile *hostile, struct random_state *random)
{
	struct vhost_vring_worker attached = { .index = hostile->calm->index };
	struct vhost_vring_worker former = { .index = hostile->victim->index };
	struct vhost_worker_state made;
	int fd = hostile->device->fd;

	ioctl(fd, VHOST_GET_VRING_WORKER, &former);
	if (random_below(random, 2) || ioctl(fd, VHOST_NEW_WORKER, &made))
		ioctl(fd, VHOST_GET_VRING_WORKER, &attached);
	else
		attached.worker_id = made.worker_id;
	attached.index = hostile->victim->index;
	ioctl(fd, VHOST_ATTACH_VRING_WORKER, &attached);
	/* Refused if it is in use. */
	made.worker_id = former.worker_id;
	ioctl(fd, VHOST_FREE_WORKER, &made);
}

/* Of a running queue too: size and base are refused then. */
static void ring(struct hostile *hostile, struct random_state *random)
{
	struct vhost_vring_state state = {
		.index = hostile->victim->index,
		.num = random_next(random) >> random_below(random, 32),
	};
	uintptr_t right = (uintptr_t)hostile->victim->ring.descriptors;
	const uint64_t places[] = {
		0, 8, right, 1ULL << 47, ~0ULL << 12, -16ULL, 0xffffffff81000000ULL,
		(uintptr_t)guest_pointer(hostile->device, VICTIM_MEMORY),
		/* The end of user space. */
		(1ULL << 47) - 4096 - 16,
	};
	struct vhost_vring_addr address = {
		.index = hostile->victim->index,
		.desc_user_addr = places[random_below(random, ARRAY_LENGTH(places))],
		.avail_user_addr = places[random_below(random, ARRAY_LENGTH(places))],
		.used_user_addr = places[random_below(random, ARRAY_LENGTH(places))],
	};

	ioctl(hostile->device->fd, VHOST_SET_VRING_NUM, &state);
	ioctl(hostile->device->fd, VHOST_SET_VRING_BASE, &state);
	/* Not into the ring: that would end in the test's own heap. */
	if (address.used_user_addr == right)
		address.used_user_addr = 0;
	ioctl(hostile->device->fd, VHOST_SET_VRING_ADDR, &address);
	__atomic_store_n(&hostile->broken, true, __ATOMIC_RELAXED);
}

/**
 * hostile_reset() - set the victim up anew, as after a reset of the device
 * @hostile: the setup
 * @random: decides where the ring begins
 *
 * Return: 0 or -errno.
 */
int hostile_reset(struct hostile *hostile, struct random_state *random)
{
	struct vhost_queue *queue = hostile->victim;
	bool packed = hostile->features & FEATURE(VIRTIO_F_RING_PACKED);
	uint16_t base = random_next(random);
	int err;

	pthread_mutex_lock(&hostile->lock);
	stop(hostile, random);
	ioctl(hostile->device->fd, VHOST_SET_FEATURES, &hostile->features);
	set_file(hostile, VHOST_SET_VRING_KICK, queue->kick);
	set_file(hostile, VHOST_SET_VRING_CALL, queue->call);
	set_file(hostile, VHOST_SET_VRING_ERR, queue->error);
	eventfd_take(queue->call);
	eventfd_take(queue->error);
	queue->ring.size = VICTIM_SIZE;
	err = vhost_queue_reset(queue, packed ? base % VICTIM_SIZE : base);
	if (!err)
		err = hostile_set_backend(hostile, NULL);
	hostile->resets++;
	__atomic_store_n(&hostile->broken, false, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&hostile->lock);
	return err;
}

static void reset(struct hostile *hostile, struct random_state *random)
{
	hostile_reset(hostile, random);
}

static const struct {
	void (*act)(struct hostile *hostile, struct random_state *random);
	unsigned int weight;
} actions[] = {
	{ memory, 6 },
	{ backend, 4 },
	{ stop, 1 },
	{ features, 4 },
	{ exchange_file, 6 },
	{ poll_limit, 3 },
	{ worker, 3 },
	{ look, 8 },
	{ ring, 1 },
	{ reset, 2 },
};

/**
 * hostile_owner() - the owner, a thread
 * @data: &struct hostile
 *
 * Return: NULL.
 */
void *hostile_owner(void *data)
{
	struct hostile *hostile = data;
	struct random_state random = random_begin(hostile->seed, 3);
	unsigned int total = 0, chosen, i;

	for (i = 0; i < ARRAY_LENGTH(actions); i++)
		total += actions[i].weight;
	while (!hostile_is_over(hostile)) {
		if (__atomic_load_n(&hostile->broken, __ATOMIC_RELAXED))
			hostile_reset(hostile, &random);
		chosen = random_below(&random, total);
		for (i = 0; chosen >= actions[i].weight; i++)
			chosen -= actions[i].weight;
		actions[i].act(hostile, &random);
		usleep(random_below(&random, 2000));
	}
	return NULL;
}
