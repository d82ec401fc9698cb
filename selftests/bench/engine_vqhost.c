// SPDX-License-Identifier: GPL-2.0
/*
 * Our device side; PACKED says of which ring.  Indirect tables are read from guest
 * memory as the VMM has it.
 */
#include "../../kmod/virtqueue/virtqueue.h"
#include "driver.h"
#include "machine/memory.h"

#define GUEST_MEMORY 0x100000

static struct device_virtqueue device;
static struct guest_memory *memory;

int engine_init(bool indirect)
{
	struct virtqueue_config config = {
		.size = RING_SIZE,
		.packed = PACKED,
		.event_index = true,
		.indirect = true,
	};
	int err;

	err = guest_memory_create(2 * GUEST_MEMORY, &memory);
	if (!err)
		err = bench_driver_init(PACKED, indirect, GUEST_MEMORY,
					guest_memory_host(memory, GUEST_MEMORY, 0x2000));
	if (err)
		return err;
	config.memory = memory;
	config.descriptors = bench_driver.descriptors;
	config.driver_area = bench_driver.available;
	config.device_area = bench_driver.used;
	config.base = bench_driver.base;
	return virtqueue_init(&device, &config);
}

unsigned int engine_serve(unsigned int count)
{
	struct virtqueue_chain chain;
	unsigned int served;

	for (served = 0; served < count && virtqueue_next(&device, &chain) == 1; served++)
		virtqueue_push(&device, chain.id, chain.writable_length);
	if (served)
		virtqueue_publish(&device);
	return served;
}
