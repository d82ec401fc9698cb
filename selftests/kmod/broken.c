// SPDX-License-Identifier: GPL-2.0
/*
 * What rings of either format have done to them in the same way.
 */
#include <sys/mman.h>

#include "broken.h"

/**
 * broken_take_areas() - move areas of a ring to where nobody can read or write
 * @queue: runs
 * @descriptors: take away the descriptor area
 * @driver: take away the driver area
 * @device: take away the device area
 */
void broken_take_areas(struct vhost_queue *queue, bool descriptors, bool driver, bool device)
{
	uintptr_t nowhere = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
					    -1, 0);
	struct vhost_vring_addr address = {
		.index = queue->index,
		.desc_user_addr = descriptors ? nowhere : (uintptr_t)queue->ring.descriptors,
		.avail_user_addr = driver ? nowhere : (uintptr_t)queue->ring.available,
		.used_user_addr = device ? nowhere : (uintptr_t)queue->ring.used,
	};

	vhost_ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address);
}
