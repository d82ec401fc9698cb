/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vqhost.ko share among themselves.
 */
#ifndef VQHOST_CORE_INTERNAL_H
#define VQHOST_CORE_INTERNAL_H

#include <linux/spinlock.h>

#include "../compat.h"
#include "vqhost.h"

/**
 * struct vqhost_worker - a thread and the queues it serves
 * @id: in the device, as the owner knows it
 * @for_queue: made for a queue that had none, not by VHOST_NEW_WORKER
 * @attached: number of queues whose worker this is ("mutex")
 * @thread: the thread
 * @task: the same, from @started on
 * @started: completed when the thread runs, or will never
 * @attention: 1: the thread has to look at all that follows, and at
 *	&struct vqhost_queue.wanted of its queues
 * @stop: it is to end
 * @lock: see below
 * @inbox: queues that it has been given and has not seen yet
 * @dead: it takes no more: its process was killed
 * @queues: queues that it owns; nobody else touches this
 *
 * A queue is in @inbox or @queues by its node while the thread owns it, and in
 * no list while it is parked.
 */
struct vqhost_worker {
	u32 id;
	bool for_queue;
	unsigned int attached;
	struct compat_thread thread;
	struct task_struct *task;
	struct completion started;
	unsigned int attention;
	bool stop;
	spinlock_t lock;	/* protects @inbox and @dead */
	struct list_head inbox;
	bool dead;
	struct list_head queues;
};

/* device.c */
void vqhost_device_park(struct vqhost_device *device);
void vqhost_device_unpark(struct vqhost_device *device);

/* memory.c */
struct vhost_iotlb *vqhost_map_from_user(const struct vhost_memory __user *table);

/* log.c */
bool vqhost_log_memory_ok(const void __user *base, const struct vhost_iotlb *map);
bool vqhost_log_ring_ok(const struct vqhost_queue *queue, const void __user *base,
			const struct vhost_vring_addr *address);
void vqhost_log_attach(struct vqhost_queue *queue);
void vqhost_log_signal(struct vqhost_queue *queue);

/* vring.c */
long vqhost_vring_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument);

/* queue.c */
void vqhost_queue_free(struct vqhost_queue *queue);
bool vqhost_ring_access_ok(const struct vqhost_device *device,
			   const struct vhost_vring_addr *address, u32 size);
void vqhost_ring_area_sizes(const struct vqhost_device *device, u32 size,
			    size_t sizes[VQHOST_AREAS]);
u32 vqhost_queue_base(const struct vqhost_queue *queue);

/* stats.c */
void vqhost_stopwatch_start(s64 *stopwatch, s64 now);
void vqhost_stopwatch_stop(s64 *stopwatch, s64 now);
void vqhost_queue_stats(const struct vqhost_queue *queue, struct vqhost_vring_stats *stats);
long vqhost_vring_stats(struct vqhost_device *device, void __user *argument);

/* debugfs.c */
void vqhost_devices_add(struct vqhost_device *device);
void vqhost_devices_remove(struct vqhost_device *device);
void vqhost_devices_set_owner(struct vqhost_device *device, struct task_struct *owner);

/* thread.c */
bool vqhost_thread_serve(void *data);
void vqhost_thread_killed(void *data);

/* worker.c */
int vqhost_worker_for_queue(struct vqhost_queue *queue);
void vqhost_worker_free_all(struct vqhost_device *device);
void vqhost_worker_attention(struct vqhost_worker *worker);
long vqhost_worker_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument);

/* poll.c */
u64 vqhost_poll_limit_default(void);
void vqhost_poll_start(struct vqhost_poll *poll);
void vqhost_poll_begin(struct vqhost_queue *queue, enum vqhost_run state);
void vqhost_poll_look(struct vqhost_queue *queue);
void vqhost_poll_end(struct vqhost_queue *queue, u64 when);

static inline bool vqhost_backend_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	const struct vqhost_device_type *type = queue->device->type;

	return type->ready && type->ready(queue, state);
}

#endif /* VQHOST_CORE_INTERNAL_H */
