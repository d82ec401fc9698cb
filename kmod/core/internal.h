/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vqhost.ko share among themselves.
 */
#ifndef VQHOST_CORE_INTERNAL_H
#define VQHOST_CORE_INTERNAL_H

#include <linux/kthread.h>

#include "vqhost.h"

/* memory.c */
struct vhost_iotlb *vqhost_map_from_user(const struct vhost_memory __user *table);

/* vring.c */
long vqhost_vring_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument);

/* queue.c */
void vqhost_queue_free(struct vqhost_queue *queue);
bool vqhost_ring_access_ok(const struct vqhost_device *device,
			   const struct vhost_vring_addr *address, u32 size);
u32 vqhost_queue_base(const struct vqhost_queue *queue);

/* stats.c */
long vqhost_vring_stats(struct vqhost_device *device, void __user *argument);

/* thread.c */
int vqhost_thread_create(struct vqhost_queue *queue);

/* poll.c */
u64 vqhost_poll_limit_default(void);
void vqhost_poll_start(struct vqhost_poll *poll);
bool vqhost_poll_hold(struct vqhost_queue *queue, enum vqhost_run state, u64 now);
bool vqhost_poll(struct vqhost_queue *queue, enum vqhost_run state, u64 since);
void vqhost_poll_adapt(struct vqhost_poll *poll, u64 idle_ns);

/* Is a control call waiting for the queue's thread, who asks? */
static inline bool vqhost_thread_must_look(void)
{
	return kthread_should_park() || kthread_should_stop();
}

static inline bool vqhost_backend_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	const struct vqhost_device_type *type = queue->device->type;

	return type->ready && type->ready(queue, state);
}

#endif /* VQHOST_CORE_INTERNAL_H */
