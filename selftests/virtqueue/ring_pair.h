/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Both sides of one virtqueue, with guest memory between them.
 */
#ifndef SELFTESTS_VIRTQUEUE_RING_PAIR_H
#define SELFTESTS_VIRTQUEUE_RING_PAIR_H

#include "../../kmod/virtqueue/virtqueue.h"
#include "../lib/driver_ring.h"
#include "../lib/test_memory.h"

/*
 * Guest memory: two regions side by side, as two RAM slots of a guest may be,
 * and nothing around them.
 */
#define PAIR_MEMORY 0x100000ULL
#define PAIR_REGION 0x8000ULL
#define PAIR_BORDER (PAIR_MEMORY + PAIR_REGION)
#define PAIR_END (PAIR_BORDER + PAIR_REGION)

/**
 * struct ring_pair - a virtqueue, seen from both sides
 * @memory: guest memory
 * @driver: the driver's side
 * @device: the device's side
 * @config: with which @device was initialised
 */
struct ring_pair {
	struct guest_memory memory;
	struct driver_ring driver;
	struct device_virtqueue device;
	struct virtqueue_config config;
};

int ring_pair_init(struct ring_pair *pair, bool packed, unsigned int size, u16 base,
		   bool event_index);
int ring_pair_set_in_order(struct ring_pair *pair);
int ring_pair_restart(struct ring_pair *pair);
void ring_pair_destroy(struct ring_pair *pair);

int pair_add(struct ring_pair *pair, u64 address, u32 length, bool writable);
int pair_add_exposed(struct ring_pair *pair, unsigned int count);
void *pair_host(struct ring_pair *pair, u64 address);

#endif /* SELFTESTS_VIRTQUEUE_RING_PAIR_H */
