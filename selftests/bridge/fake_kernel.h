/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel device that does nothing but remember what it was told.
 */
#ifndef SELFTESTS_BRIDGE_FAKE_KERNEL_H
#define SELFTESTS_BRIDGE_FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vhost.h>

#include "bridge/device.h"

#define FAKE_VRINGS 4
#define FAKE_CALLS 256
#define FAKE_REGIONS 64

/* What is no ioctl. */
#define FAKE_START 1
#define FAKE_STOP 2

/**
 * struct fake_call - one thing that the kernel was told
 * @request: number of an ioctl, or FAKE_START, FAKE_STOP
 * @vring: index, 0 for those that concern none
 */
struct fake_call {
	unsigned long request;
	unsigned int vring;
};

/**
 * struct fake_kernel - what the kernel knows
 * @calls: in order, as far as there is room
 * @call_count: how many
 * @fail: the ioctl that fails, 0 for none
 * @features: as told
 * @owned: there is an owner
 * @table: guest memory, @region_count regions
 * @region_count: the same
 * @log: address of the log
 * @address: of each vring
 * @base: of each vring
 * @size: of each vring
 * @position: of each vring, where it is to be kept
 * @running: of each vring
 */
struct fake_kernel {
	struct fake_call calls[FAKE_CALLS];
	unsigned int call_count;
	unsigned long fail;
	uint64_t features;
	bool owned;
	struct vhost_memory_region table[FAKE_REGIONS];
	unsigned int region_count;
	uint64_t log;
	struct vhost_vring_addr address[FAKE_VRINGS];
	uint32_t base[FAKE_VRINGS];
	unsigned int size[FAKE_VRINGS];
	uint64_t position[FAKE_VRINGS];
	bool running[FAKE_VRINGS];
};

extern struct fake_kernel kernel;

/* Features that the device offers. */
#define FAKE_FEATURES (BRIDGE_FEATURES | VIRTIO_FEATURE(VIRTIO_BLK_F_MQ))

void fake_device(struct bridge_device *device);
int fake_find(unsigned long request, unsigned int from);

#endif /* SELFTESTS_BRIDGE_FAKE_KERNEL_H */
