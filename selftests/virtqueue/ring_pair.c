// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of one virtqueue.
 */
#include "ring_pair.h"

/**
 * ring_pair_init() - set both sides up, indirect descriptors negotiated
 * @pair: to be destroyed by ring_pair_destroy(), also after failure
 * @packed: VIRTIO_F_RING_PACKED is negotiated
 * @size: number of descriptors
 * @base: where both sides begin, see driver_ring_init() and driver_ring_init_packed()
 * @event_index: VIRTIO_F_EVENT_IDX is negotiated
 *
 * Return: 0 or -errno.
 */
int ring_pair_init(struct ring_pair *pair, bool packed, unsigned int size, u16 base,
		   bool event_index)
{
	int err;

	memset(pair, 0, sizeof(*pair));
	err = test_memory_add(&pair->memory, PAIR_MEMORY, PAIR_REGION);
	if (!err)
		err = test_memory_add(&pair->memory, PAIR_BORDER, PAIR_REGION);
	if (err)
		return err;
	if (packed)
		err = driver_ring_init_packed(&pair->driver, size, base, event_index);
	else
		err = driver_ring_init(&pair->driver, size, base, event_index);
	if (err)
		return err;
	pair->config = (struct virtqueue_config) {
		.descriptors = pair->driver.descriptors,
		.driver_area = pair->driver.available,
		.device_area = pair->driver.used,
		.size = size,
		.base = pair->driver.base,
		.packed = packed,
		.event_index = event_index,
		.indirect = true,
		.memory = &pair->memory,
	};
	return virtqueue_init(&pair->device, &pair->config);
}

/**
 * ring_pair_set_in_order() - VIRTIO_F_IN_ORDER is negotiated after all
 * @pair: unused as yet
 *
 * Return: 0 or -errno.
 */
int ring_pair_set_in_order(struct ring_pair *pair)
{
	pair->driver.in_order = true;
	pair->config.in_order = true;
	return ring_pair_restart(pair);
}

/**
 * ring_pair_restart() - a new device goes on where the present one is
 * @pair: the pair
 *
 * Return: 0 or -errno.
 */
int ring_pair_restart(struct ring_pair *pair)
{
	pair->config.base = virtqueue_base(&pair->device);
	virtqueue_destroy(&pair->device);
	return virtqueue_init(&pair->device, &pair->config);
}

/**
 * ring_pair_destroy() - free both sides
 * @pair: the pair
 */
void ring_pair_destroy(struct ring_pair *pair)
{
	virtqueue_destroy(&pair->device);
	driver_ring_destroy(&pair->driver);
	test_memory_destroy(&pair->memory);
}

/**
 * pair_add() - make a chain of one buffer available
 * @pair: the pair
 * @address: guest address
 * @length: bytes
 * @writable: for the device
 *
 * Return: see driver_ring_add().
 */
int pair_add(struct ring_pair *pair, u64 address, u32 length, bool writable)
{
	struct driver_buffer buffer = { .address = address, .length = length };

	return driver_ring_add(&pair->driver, &buffer, !writable, writable);
}

/**
 * pair_add_exposed() - add chains of one readable buffer each, and expose them
 * @pair: the pair
 * @count: how many
 *
 * Return: 1 if the device wants a kick, 0 if not, or -ENOSPC.
 */
int pair_add_exposed(struct ring_pair *pair, unsigned int count)
{
	while (count--) {
		if (pair_add(pair, PAIR_MEMORY, 16, false) < 0)
			return -ENOSPC;
	}
	return driver_ring_expose(&pair->driver);
}

/**
 * pair_host() - where the tests find guest memory
 * @pair: the pair
 * @address: guest address
 *
 * Return: its host address; NULL outside guest memory.
 */
void *pair_host(struct ring_pair *pair, u64 address)
{
	struct iovec vector;

	if (guest_memory_translate(&pair->memory, address, 1, true, &vector, 1) != 1)
		return NULL;
	return vector.iov_base;
}
