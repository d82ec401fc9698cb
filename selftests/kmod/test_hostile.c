// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile drivers and hostile owners, at random: whatever both do to a queue, the one
 * beside it is served, no memory beyond the table is touched, the queue works
 * after a reset, and nothing is left when the owner ends or is killed.
 *
 * What happened is to be had again, up to the order of threads, by HOSTILE_SEED;
 * HOSTILE_SECONDS is how long each test goes on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

#include <kselftest_harness.h>

#define USUAL_SECONDS 1
#define TEST_TIME_LIMIT 600

static const struct {
	const char *name;
	void *(*run)(void *data);
} parties[] = {
	{ "driver", hostile_driver },
	{ "another CPU of it", hostile_scribbler },
	{ "owner", hostile_owner },
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Returns what is wrong with the calm queue, or NULL. */
static const char *let_loose(struct hostile *hostile, double seconds)
{
	pthread_t threads[ARRAY_LENGTH(parties)];
	double end = now() + seconds;
	const char *wrong = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_LENGTH(parties); i++) {
		if (pthread_create(&threads[i], NULL, parties[i].run, hostile))
			abort();
	}
	for (i = 0; !wrong && now() < end; i++) {
		wrong = hostile_calm_works(hostile, i);
		usleep(3000);
	}
	__atomic_store_n(&hostile->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_LENGTH(parties); i++)
		pthread_join(threads[i], NULL);
	return wrong;
}

FIXTURE(hostile) {
	uint64_t seed;
};

FIXTURE_VARIANT(hostile) {
	enum victim kind;
	uint64_t features;
};

#define NET (NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX))
#define BLK (BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX))
#define PACKED FEATURE(VIRTIO_F_RING_PACKED)

FIXTURE_VARIANT_ADD(hostile, receive_split) {
	.kind = VICTIM_RECEIVE,
	.features = NET,
};

FIXTURE_VARIANT_ADD(hostile, receive_packed) {
	.kind = VICTIM_RECEIVE,
	.features = NET | PACKED,
};

FIXTURE_VARIANT_ADD(hostile, transmit_split) {
	.kind = VICTIM_TRANSMIT,
	.features = NET_FEATURES,
};

FIXTURE_VARIANT_ADD(hostile, transmit_packed) {
	.kind = VICTIM_TRANSMIT,
	.features = NET | PACKED | FEATURE(VIRTIO_F_IN_ORDER),
};

FIXTURE_VARIANT_ADD(hostile, disk_split) {
	.kind = VICTIM_DISK,
	.features = BLK,
};

FIXTURE_VARIANT_ADD(hostile, disk_packed) {
	.kind = VICTIM_DISK,
	.features = BLK | PACKED,
};

FIXTURE_SETUP(hostile)
{
	self->seed = hostile_seed();
	TH_LOG("HOSTILE_SEED=0x%llx", (unsigned long long)self->seed);
}

FIXTURE_TEARDOWN(hostile)
{
}

TEST_F_TIMEOUT(hostile, driver_and_owner, TEST_TIME_LIMIT)
{
	struct hostile hostile;
	const char *wrong;

	ASSERT_EQ(0, hostile_open(&hostile, variant->kind, variant->features, self->seed));
	wrong = let_loose(&hostile, hostile_seconds(USUAL_SECONDS));
	EXPECT_EQ(NULL, wrong) TH_LOG("meanwhile: %s", wrong);
	EXPECT_LT(1, hostile.resets);
	wrong = hostile_all_is_well(&hostile);
	EXPECT_EQ(NULL, wrong) TH_LOG("afterwards: %s", wrong);
	TH_LOG("%u resets", hostile.resets);
	hostile_close(&hostile);
	wrong = hostile_nothing_is_left();
	EXPECT_EQ(NULL, wrong) TH_LOG("at the end: %s", wrong);
}

/* The owner is killed in the middle of it. */
TEST_F_TIMEOUT(hostile, owner_is_killed, TEST_TIME_LIMIT)
{
	int ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct random_state random = random_begin(self->seed, 5);
	double end = now() + hostile_seconds(0);
	struct hostile hostile;
	const char *wrong;
	pid_t owner;
	int status;

	do {
		owner = fork();
		ASSERT_LE(0, owner);
		if (!owner) {
			if (hostile_open(&hostile, variant->kind, variant->features, self->seed))
				_exit(2);
			eventfd_write(ready, 1);
			let_loose(&hostile, TEST_TIME_LIMIT);
			_exit(3);
		}
		ASSERT_EQ(1, eventfd_wait(ready, TIME_LIMIT_MS));
		usleep(random_below(&random, 300000));
		kill(owner, SIGKILL);
		ASSERT_EQ(owner, waitpid(owner, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		wrong = hostile_nothing_is_left();
		ASSERT_EQ(NULL, wrong) TH_LOG("%s", wrong);
	} while (now() < end);
	close(ready);
}

/**
 * struct caller - a thread that calls
 * @fd: a device
 * @random: decides what
 * @fds: what it may pass
 * @count: how many
 * @end: when
 * @calls: how many were made
 */
struct caller {
	int fd;
	struct random_state random;
	const int *fds;
	unsigned int count;
	double end;
	unsigned int calls;
};

static void *call(void *data)
{
	struct caller *caller = data;

	for (; now() < caller->end; caller->calls++)
		hostile_ioctl(caller->fd, &caller->random, caller->fds, caller->count);
	return NULL;
}

/* What has to do with no victim, and is done once. */
FIXTURE(both_devices) {
	uint64_t seed;
};

FIXTURE_SETUP(both_devices)
{
	self->seed = hostile_seed();
	TH_LOG("HOSTILE_SEED=0x%llx", (unsigned long long)self->seed);
}

FIXTURE_TEARDOWN(both_devices)
{
}

/* Any calls with any arguments, by several threads, to both devices. */
TEST_F_TIMEOUT(both_devices, calls, TEST_TIME_LIMIT)
{
	static const char * const paths[] = { VQHOST_NET, VQHOST_BLK };
	struct caller callers[4] = {};
	int devices[ARRAY_LENGTH(paths)], fds[7];
	pthread_t threads[4];
	struct hostile other;
	const char *wrong;
	struct tap tap;
	unsigned int i;

	ASSERT_EQ(0, hostile_open(&other, VICTIM_DISK, BLK, self->seed));
	ASSERT_EQ(0, tap_open(&tap, TAP, 12, ETHERTYPE_TEST, 0));
	fds[0] = -1;
	fds[1] = tap.fd;
	fds[2] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fds[3] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	fds[4] = store_open(STORE_RAM_DISK, O_RDWR);
	fds[5] = store_open(STORE_DELAYED, O_RDONLY);
	fds[6] = other.disk.fd;
	for (i = 0; i < ARRAY_LENGTH(paths); i++) {
		devices[i] = open(paths[i], O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, devices[i]);
	}
	for (i = 0; i < ARRAY_LENGTH(callers); i++) {
		callers[i] = (struct caller) {
			.fd = devices[i & 1],
			.random = random_begin(self->seed, 6 + i),
			.fds = fds,
			.count = ARRAY_LENGTH(fds),
			.end = now() + hostile_seconds(2 * USUAL_SECONDS),
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, call, &callers[i]));
	}
	for (i = 0; i < ARRAY_LENGTH(callers); i++) {
		pthread_join(threads[i], NULL);
		EXPECT_LT(100, callers[i].calls);
	}
	wrong = hostile_all_is_well(&other);
	EXPECT_EQ(NULL, wrong) TH_LOG("%s", wrong);
	for (i = 0; i < ARRAY_LENGTH(devices); i++)
		close(devices[i]);
	hostile_close(&other);
	wrong = hostile_nothing_is_left();
	EXPECT_EQ(NULL, wrong) TH_LOG("%s", wrong);
	tap_close(&tap);
}

TEST_HARNESS_MAIN
