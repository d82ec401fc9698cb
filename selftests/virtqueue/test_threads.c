// SPDX-License-Identifier: GPL-2.0
/*
 * Driver and device at once, on two threads: each sleeps until the other notifies
 * it, and neither does so unasked.  A notification too few ends the test by its
 * time limit; a descriptor seen too early shows in what it says.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 16
#define CHAINS 100000U

/* A length that tells which chain it is of. */
static u32 length_of(unsigned int number)
{
	return 1 + number % 1000;
}

/* How many buffers a chain has. */
static unsigned int buffers_of(unsigned int number)
{
	return 1 + number % 7 % 3;
}

/**
 * struct both - what driver and device share
 * @pair: their ring
 * @kicked: posted by the driver
 * @called: posted by the device
 * @batch: chains that the device publishes at once
 * @failed: one of them ended
 */
struct both {
	struct ring_pair pair;
	sem_t kicked;
	sem_t called;
	unsigned int batch;
	atomic_bool failed;
};

FIXTURE(threads) {
	struct both both;
};

FIXTURE_VARIANT(threads) {
	bool packed;
	bool event_index;
	bool in_order;
};

FIXTURE_VARIANT_ADD(threads, split) {
};

FIXTURE_VARIANT_ADD(threads, split_event_index) {
	.event_index = true,
};

FIXTURE_VARIANT_ADD(threads, split_in_order) {
	.event_index = true,
	.in_order = true,
};

FIXTURE_VARIANT_ADD(threads, packed) {
	.packed = true,
};

FIXTURE_VARIANT_ADD(threads, packed_event_index) {
	.packed = true,
	.event_index = true,
};

FIXTURE_VARIANT_ADD(threads, packed_in_order) {
	.packed = true,
	.event_index = true,
	.in_order = true,
};

FIXTURE_SETUP(threads)
{
	struct both *both = &self->both;

	ASSERT_EQ(0, ring_pair_init(&both->pair, variant->packed, SIZE,
				    variant->packed ? VIRTQUEUE_POSITION_WRAP : 0,
				    variant->event_index));
	if (variant->in_order)
		ASSERT_EQ(0, ring_pair_set_in_order(&both->pair));
	ASSERT_EQ(0, sem_init(&both->kicked, 0, 0));
	ASSERT_EQ(0, sem_init(&both->called, 0, 0));
}

FIXTURE_TEARDOWN(threads)
{
	ring_pair_destroy(&self->both.pair);
}

/* Take what there is, publish every @batch chains and at the end.  Returns taken. */
static int serve(struct both *both, unsigned int number)
{
	struct device_virtqueue *device = &both->pair.device;
	struct virtqueue_chain chain;
	unsigned int taken = 0, i;
	int ret;

	while ((ret = virtqueue_next(device, &chain)) == 1) {
		if (chain.writable != buffers_of(number))
			return -EPROTO;
		for (i = 0; i < chain.writable; i++) {
			if (chain.segments[i].address != PAIR_MEMORY + i ||
			    chain.segments[i].length != length_of(number))
				return -EPROTO;
		}
		if (virtqueue_push(device, chain.id, length_of(number)))
			return -EPROTO;
		number++;
		if (++taken % both->batch)
			continue;
		ret = virtqueue_publish(device);
		if (ret < 0)
			return ret;
		if (ret)
			sem_post(&both->called);
	}
	if (!ret)
		ret = virtqueue_publish(device);
	if (ret > 0)
		sem_post(&both->called);
	return ret < 0 ? ret : (int)taken;
}

static void *device_thread(void *argument)
{
	struct both *both = argument;
	unsigned int done = 0;
	int ret;

	while (done < CHAINS && !both->failed) {
		virtqueue_disable_kicks(&both->pair.device);
		ret = serve(both, done);
		if (ret < 0)
			both->failed = true;
		else
			done += ret;
		if (ret >= 0 && done < CHAINS && !virtqueue_enable_kicks(&both->pair.device))
			sem_wait(&both->kicked);
	}
	sem_post(&both->called);
	return NULL;
}

static void add(struct driver_ring *driver, unsigned int *added)
{
	struct driver_buffer buffers[3];
	unsigned int i;

	do {
		for (i = 0; i < ARRAY_SIZE(buffers); i++)
			buffers[i] = (struct driver_buffer) { PAIR_MEMORY + i, length_of(*added) };
	} while (*added < CHAINS &&
		 driver_ring_add(driver, buffers, 0, buffers_of(*added)) >= 0 && ++*added);
}

/* Returns what went wrong, or NULL. */
static const char *drive(struct both *both)
{
	struct driver_ring *driver = &both->pair.driver;
	unsigned int added = 0, reaped = 0;
	uint32_t length;
	int id;

	while (reaped < CHAINS) {
		if (both->failed)
			return "the device saw another chain than was added";
		add(driver, &added);
		if (driver_ring_expose(driver))
			sem_post(&both->kicked);
		driver_ring_calls_off(driver);
		while ((id = driver_ring_reap(driver, &length)) >= 0) {
			if (length != length_of(reaped))
				return "a chain comes back with another's length";
			reaped++;
		}
		if (id != -EAGAIN)
			return "what comes back was not under way";
		if (added == CHAINS ? reaped < CHAINS : driver->free_count < 3) {
			if (!driver_ring_calls_on(driver, 1))
				sem_wait(&both->called);
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(threads, no_notification_is_lost, 120)
{
	static const unsigned int batches[] = { 1, 4, 64 };
	struct both *both = &self->both;
	const char *wrong = NULL;
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(batches) && !wrong; i++) {
		both->batch = batches[i];
		ASSERT_EQ(0, pthread_create(&thread, NULL, device_thread, both));
		wrong = drive(both);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("batches of %u: %s", batches[i], wrong);
		both->failed = wrong;
		sem_post(&both->kicked);
		pthread_join(thread, NULL);
		while (!sem_trywait(&both->kicked) || !sem_trywait(&both->called))
			;
	}
}

TEST_HARNESS_MAIN
