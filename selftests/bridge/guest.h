/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that has nothing but a disk by vhost-user, whose driver does what it is told
 * to, and the main loop of its machine in a thread.
 */
#ifndef SELFTESTS_BRIDGE_GUEST_H
#define SELFTESTS_BRIDGE_GUEST_H

#include <pthread.h>
#include <linux/virtio_blk.h>

#include "machine/machine.h"
#include "virtio/device.h"

#define GUEST_QUEUES 2
#define GUEST_QUEUE_SIZE 64
#define GUEST_MEMORY (1ULL << 20)

/* Where the rings of a queue lie. */
#define GUEST_RING(queue) (0x10000ULL * ((queue) + 1))
#define GUEST_DRIVER_AREA 0x4000
#define GUEST_DEVICE_AREA 0x8000

/**
 * struct guest - a guest
 * @machine: with memory and a loop, and no vCPUs
 * @device: the disk
 * @config: of the disk
 * @backend: serves it
 * @calls: eventfd of each queue
 * @thread: runs the loop
 */
struct guest {
	struct machine machine;
	struct virtio_device device;
	struct virtio_blk_config config;
	struct backend *backend;
	int calls[GUEST_QUEUES];
	pthread_t thread;
};

int guest_begin(struct guest *guest, const char *socket);
void guest_end(struct guest *guest);
void guest_load_driver(struct guest *guest, uint64_t features);
void guest_reset(struct guest *guest);
void guest_pause(struct guest *guest, bool paused);
void guest_set_index(struct guest *guest, unsigned int queue, unsigned int area, uint16_t index);

#endif /* SELFTESTS_BRIDGE_GUEST_H */
