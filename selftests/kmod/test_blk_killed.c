// SPDX-License-Identifier: GPL-2.0
/*
 * The owner of a disk is killed in the middle of its requests: each is done, or is as
 * if it had not been taken, and another owner goes on with the ring.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blk_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT 120

/* Requests of many pieces: to get all of their pages takes a while. */
#define QUEUE_SIZE 1024
#define REQUESTS 16
#define PIECES 32
#define PIECE 4096U
#define DATA(n, piece) (GUEST_BORDER(2) + ((n) * PIECES + (piece)) * (uint64_t)PIECE)

#define ROUNDS 25
#define STACK_SIZE 65536

/**
 * struct owner - a process that shares our memory, and is killed
 * @device: that it owns
 * @queue: of the device
 * @position: of the queue
 * @ready: 1 when all requests are exposed; -errno if that failed
 */
struct owner {
	struct vhost_device device;
	struct vhost_queue queue;
	uint64_t position;
	int ready;
};

FIXTURE(killed) {
	struct owner owner;
	void *stack;
	int store;
	uint8_t *content;
};

FIXTURE_VARIANT(killed) {
	enum store store;
	uint64_t features;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(killed, tmpfs) {
	.store = STORE_TMPFS, .features = BLK_FEATURES, .base = 65530,
};

FIXTURE_VARIANT_ADD(killed, ext4) {
	.store = STORE_EXT4, .features = BLK_FEATURES,
};

FIXTURE_VARIANT_ADD(killed, ram_disk) {
	.store = STORE_RAM_DISK, .features = BLK_FEATURES,
};

FIXTURE_VARIANT_ADD(killed, delayed) {
	.store = STORE_DELAYED, .features = BLK_FEATURES,
};

FIXTURE_VARIANT_ADD(killed, packed_ram_disk) {
	.store = STORE_RAM_DISK, .features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.base = 0x8000,
};

FIXTURE_VARIANT_ADD(killed, packed_delayed) {
	.store = STORE_DELAYED, .features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.base = 0x8000,
};

FIXTURE_SETUP(killed)
{
	uint32_t length = REQUESTS * PIECES * PIECE;

	self->store = store_open(variant->store, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, posix_memalign((void **)&self->content, PIECE, length));
	blk_pattern(self->content, length, 0, 1);
	ASSERT_EQ(length, pwrite(self->store, self->content, length, 0));
	self->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	ASSERT_NE(MAP_FAILED, self->stack);
}

FIXTURE_TEARDOWN(killed)
{
	munmap(self->stack, STACK_SIZE);
	free(self->content);
	close(self->store);
}

static int add_requests(struct vhost_queue *queue)
{
	struct driver_buffer pieces[PIECES];
	unsigned int n, i;

	for (n = 0; n < REQUESTS; n++) {
		for (i = 0; i < PIECES; i++)
			pieces[i] = (struct driver_buffer) { DATA(n, i), PIECE };
		if (blk_add_pieces(queue, n, VIRTIO_BLK_T_IN, n * PIECES * (PIECE / SECTOR),
				   pieces, PIECES) < 0)
			return -ENOSPC;
	}
	return 0;
}

/**
 * struct plan - what the owner is to do
 * @owner: itself
 * @store: behind its disk
 * @features: of its device
 * @base: of its ring
 */
struct plan {
	struct owner *owner;
	int store;
	uint64_t features;
	uint16_t base;
};

static int set_up(const struct plan *plan)
{
	struct owner *owner = plan->owner;
	struct vqhost_vring_position position = { .address = (uintptr_t)&owner->position };
	int err;

	err = vhost_device_open(&owner->device, VQHOST_BLK, plan->features);
	if (!err)
		err = vhost_queue_open(&owner->queue, &owner->device, 0, QUEUE_SIZE, plan->base);
	if (!err)
		err = vhost_ioctl(owner->device.fd, VQHOST_SET_VRING_POSITION, &position);
	if (!err)
		err = vhost_queue_blk_backend(&owner->queue, plan->store, 0);
	if (!err)
		err = add_requests(&owner->queue);
	if (err)
		return err;
	vhost_queue_expose(&owner->queue);
	return 1;
}

static int own(void *opaque)
{
	const struct plan *plan = opaque;

	__atomic_store_n(&plan->owner->ready, set_up(plan), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return 0;
}

/* Take what was answered until now: how many. */
static int reap(struct vhost_queue *queue)
{
	int count = 0;

	while (driver_ring_reap(&queue->ring, NULL) >= 0)
		count++;
	return count;
}

static bool answers_are_good(struct vhost_queue *queue, int count)
{
	unsigned int n;

	for (n = 0; n < REQUESTS; n++) {
		int status = blk_status(queue, n);

		if (status == VIRTIO_BLK_S_OK)
			count--;
		else if (status != -EINPROGRESS)
			return false;
	}
	return !count;
}

/* What has come is what the store holds. */
static bool data_is_good(struct vhost_device *device, const uint8_t *content)
{
	unsigned int n, i;

	for (n = 0; n < REQUESTS; n++) {
		for (i = 0; i < PIECES; i++) {
			uint8_t *data = guest_pointer(device, DATA(n, i));

			if (memcmp(data, content + (n * PIECES + i) * PIECE, PIECE))
				return false;
		}
	}
	return true;
}

TEST_F_TIMEOUT(killed, requests_are_done_or_go_on, TEST_TIME_LIMIT)
{
	const bool packed = variant->features & FEATURE(VIRTIO_F_RING_PACKED);
	struct owner *owner = &self->owner;
	const struct plan plan = {
		owner, self->store, variant->features, variant->base,
	};
	unsigned int round, left = 0;
	struct vhost_device next;
	int status, answered;
	uint32_t base;
	pid_t child;

	for (round = 0; round < ROUNDS; round++) {
		memset(owner, 0, sizeof(*owner));
		child = clone(own, self->stack + STACK_SIZE, CLONE_VM | SIGCHLD, (void *)&plan);
		ASSERT_LT(0, child);
		while (!__atomic_load_n(&owner->ready, __ATOMIC_ACQUIRE))
			sched_yield();
		ASSERT_EQ(1, owner->ready);
		usleep(round * 100);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));

		answered = reap(&owner->queue);
		ASSERT_TRUE(answers_are_good(&owner->queue, answered)) TH_LOG("round %u", round);
		left += REQUESTS - answered;
		base = packed ? (uint32_t)owner->position :
				driver_ring_used_index(&owner->queue.ring);
		if (packed)
			ASSERT_EQ(VQHOST_POSITION_KNOWN, owner->position & ~(uint64_t)UINT32_MAX);

		/* The same memory, at another place. */
		ASSERT_EQ(0, vhost_device_open(&next, VQHOST_BLK, variant->features));
		ASSERT_NE(MAP_FAILED, mremap(owner->device.memory, GUEST_MEMORY_SIZE,
					     GUEST_MEMORY_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
					     next.memory));
		ASSERT_EQ(0, vhost_queue_move(&owner->queue, &next, base));
		ASSERT_EQ(0, vhost_queue_blk_backend(&owner->queue, self->store, 0));
		eventfd_write(owner->queue.kick, 1);
		ASSERT_EQ(0, vhost_queue_wait(&owner->queue, REQUESTS - answered));
		EXPECT_EQ(REQUESTS - answered, reap(&owner->queue));
		ASSERT_TRUE(answers_are_good(&owner->queue, REQUESTS));
		ASSERT_TRUE(data_is_good(&next, self->content));
		vhost_device_close(&next);
		vhost_queue_close(&owner->queue);
	}
	TH_LOG("%u of %u requests were left for the next owner", left, ROUNDS * REQUESTS);
}

TEST_HARNESS_MAIN
