// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's vringh, for rings in the kernel's own memory: its cheapest variant,
 * without translation.  Guest addresses are addresses of this process.
 */
#include <linux/kernel.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/vringh.h>

#include <stdlib.h>

#include "engine.h"

/* What tools/virtio/vringh_test.c supplies. */
void *__kmalloc_fake, *__kfree_ignore_start, *__kfree_ignore_end;
u64 __user_addr_min, __user_addr_max;

static struct vringh vringh;
static struct kvec vectors[2][8];
static struct vringh_kiov readable, writable;

int engine_init(bool indirect)
{
	void *descriptors, *available, *used;
	void *memory = aligned_alloc(4096, 8192);
	int err;

	err = bench_driver_init(false, indirect, (unsigned long)memory, memory);
	if (err)
		return err;
	bench_driver_areas(&descriptors, &available, &used);
	vringh_kiov_init(&readable, vectors[0], ARRAY_SIZE(vectors[0]));
	vringh_kiov_init(&writable, vectors[1], ARRAY_SIZE(vectors[1]));
	return vringh_init_kern(&vringh, 1ULL << VIRTIO_F_VERSION_1 |
				1ULL << VIRTIO_RING_F_EVENT_IDX |
				1ULL << VIRTIO_RING_F_INDIRECT_DESC, RING_SIZE, true,
				descriptors, available, used);
}

unsigned int engine_serve(unsigned int count)
{
	unsigned int served;
	u16 head;

	for (served = 0; served < count; served++) {
		if (vringh_getdesc_kern(&vringh, &readable, &writable, &head, GFP_KERNEL) != 1)
			break;
		vringh_complete_kern(&vringh, head, vringh_kiov_length(&writable));
	}
	if (served)
		vringh_need_notify_kern(&vringh);
	return served;
}
