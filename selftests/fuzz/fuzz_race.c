// SPDX-License-Identifier: GPL-2.0
/*
 * One thread is the device, another rewrites descriptors, indices, events and
 * indirect tables under it.  What the input chooses is the queue and where the
 * vandal writes; when, is up to the machine.  fuzz_ring has the repeatable variant.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "demands.h"

#define STEPS 300
#define SPOTS 16

static struct {
	struct ring_pair pair;
	struct {
		uint16_t *at;
		uint16_t values[2];
	} spots[SPOTS];
	unsigned int spots_count;
	atomic_bool go;		/* the vandal may write, and answers in "busy" */
	atomic_bool busy;
} all;

static void *vandal(void *unused)
{
	unsigned int round = 0;
	unsigned int i;

	for (;;) {
		atomic_store(&all.busy, true);
		/* Pairs with stop(): either it sees us busy, or we see that it is over. */
		while (atomic_load(&all.go)) {
			i = round++ % all.spots_count;
			__atomic_store_n(all.spots[i].at, all.spots[i].values[round / SPOTS % 2],
					 __ATOMIC_RELAXED);
		}
		atomic_store(&all.busy, false);
		while (!atomic_load(&all.go))
			sched_yield();
	}
	return unused;
}

static void start(void)
{
	static bool started;
	pthread_t thread;

	atomic_store(&all.go, true);
	if (!started)
		DEMAND(!pthread_create(&thread, NULL, vandal, NULL));
	started = true;
}

static void stop(void)
{
	atomic_store(&all.go, false);
	while (atomic_load(&all.busy))
		sched_yield();
}

/* Valid chains, direct and in a table, and a full queue of them. */
static void fill(struct input *input)
{
	struct driver_buffer buffers[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		buffers[i].address = PAIR_MEMORY + 0x1000 * (i + 1);
		buffers[i].length = 1 + take8(input);
	}
	driver_ring_fill_table(&all.pair.driver, pair_host(&all.pair, PAIR_MEMORY), buffers, 1, 2,
			       NULL);
	while ((take8(input) & 1 ? driver_ring_add(&all.pair.driver, buffers, 1, 2) :
				   driver_ring_add_table(&all.pair.driver, PAIR_MEMORY, 3)) >= 0)
		;
	driver_ring_expose(&all.pair.driver);
}

static void serve(void)
{
	struct device_virtqueue *vq = &all.pair.device;
	struct virtqueue_chain chain;
	unsigned int steps;
	int ret;

	for (steps = 0; steps < STEPS; steps++) {
		ret = virtqueue_next(vq, &chain);
		DEMAND(ret == 1 || ret == 0 || ret == -EIO);
		DEMAND((ret == -EIO) == (vq->error != VIRTQUEUE_OK));
		if (ret == 1) {
			demand_chain(vq, &chain);
			if (steps % 7 == 3)
				virtqueue_put_back(vq, 1);
			else if (vq->staged_count < vq->size)
				DEMAND(!virtqueue_push(vq, chain.id, steps));
		}
		if (steps % 5 == 4)
			virtqueue_publish(vq);
		if (!ret)
			virtqueue_enable_kicks(vq);
		demand_state(vq);
		if (vq->error) {
			DEMAND(virtqueue_publish(vq) == -EIO);
			virtqueue_destroy(vq);
			DEMAND(!virtqueue_init(vq, &all.pair.config));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	u8 features;
	uint8_t *at;

	if (size < 8)
		return 0;
	features = take8(&input);
	if (ring_pair_init(&all.pair, features & 1, 1U << (2 + (features >> 2) % 4), 0,
			   features & 2))
		goto out;
	fill(&input);
	all.spots_count = 0;
	while (input.size && all.spots_count < SPOTS) {
		u8 where = take8(&input);

		/* Two bytes of one word at a time, as any CPU writes them. */
		at = attackable(&all.pair, where, take16(&input) & ~1U, 2);
		if (!at || (uintptr_t)at & 1)
			continue;
		all.spots[all.spots_count].at = (uint16_t *)at;
		all.spots[all.spots_count].values[0] = where & 0x80 ? take16(&input) :
								     *(uint16_t *)at;
		all.spots[all.spots_count].values[1] = take16(&input);
		all.spots_count++;
	}
	if (all.spots_count) {
		start();
		serve();
		stop();
	}
out:
	ring_pair_destroy(&all.pair);
	return 0;
}
