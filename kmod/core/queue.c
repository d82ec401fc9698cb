// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a queue, and how a control call comes to own it.
 *
 * vqhost_queue_park() makes the thread drain the queue's I/O and give the queue
 * up: from then on the caller, who holds the device's mutex, owns it until it
 * calls vqhost_queue_unpark().  A queue that is not running stays parked, so
 * every function here may be called at any point of its life.
 */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/**
 * vqhost_queue_get() - the queue of that index
 * @device: the device
 * @index: as passed by the owner, unchecked
 *
 * Queues are allocated when they are first asked for, and live as long as
 * their device.
 * Context: device's mutex held, may sleep.
 * Return: the queue; ERR_PTR of -ENOBUFS if there is none, or -ENOMEM.
 */
struct vqhost_queue *vqhost_queue_get(struct vqhost_device *device, u32 index)
{
	struct vqhost_queue *queue;

	lockdep_assert_held(&device->mutex);
	if (index >= device->type->queues_max)
		return ERR_PTR(-ENOBUFS);
	index = array_index_nospec(index, device->type->queues_max);
	if (device->queues[index])
		return device->queues[index];

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->device = device;
	queue->index = index;
	queue->size = 1;
	queue->parked = true;
	init_completion(&queue->given_up);
	queue->kick_waiter.is_kick = true;
	INIT_LIST_HEAD(&queue->miss.node);
	queue->poll.limit_ns = vqhost_poll_limit_default();
	/* Pairs with the dependency in queue_of() in debugfs.c. */
	smp_store_release(&device->queues[index], queue);
	return queue;
}
EXPORT_SYMBOL_GPL(vqhost_queue_get);

/**
 * vqhost_queue_free() - stop a queue, take it from its device, free it
 * @queue: the queue
 *
 * Context: device's mutex held, may sleep.
 */
void vqhost_queue_free(struct vqhost_queue *queue)
{
	vqhost_queue_stop(queue);
	WRITE_ONCE(queue->device->queues[queue->index], NULL);
	/* A start that failed may have asked for an address. */
	vqhost_iotlb_forget(queue);
	if (queue->worker)
		queue->worker->attached--;
	if (queue->kick)
		fput(queue->kick);
	if (queue->call)
		eventfd_ctx_put(queue->call);
	if (queue->error)
		eventfd_ctx_put(queue->error);
	kfree_rcu(queue, rcu);
}

/**
 * vqhost_queue_park() - take a queue from its thread
 * @queue: running or not
 *
 * All I/O in flight is completed and published first, unless the ring is
 * broken.  The thread goes on with its other queues.  If it was killed it has
 * given the queue up by itself.
 *
 * Guest memory can be such that its owner has to fill it in (userfaultfd).  An
 * owner that ends meanwhile must not wait for a thread that waits for it: the
 * thread is made to wait for memory no longer, and its access fails.
 * Context: device's mutex held, may sleep.
 */
void vqhost_queue_park(struct vqhost_queue *queue)
{
	lockdep_assert_held(&queue->device->mutex);
	if (queue->parked)
		return;
	WRITE_ONCE(queue->wanted, true);
	vqhost_worker_attention(queue->worker);
	/* Pairs with complete() in give_up() in thread.c. */
	if (current->flags & PF_EXITING || wait_for_completion_killable(&queue->given_up)) {
		compat_thread_hurry(&queue->worker->thread);
		wait_for_completion(&queue->given_up);
	}
	queue->parked = true;
}
EXPORT_SYMBOL_GPL(vqhost_queue_park);

/**
 * vqhost_queue_unpark() - give a queue back to its thread
 * @queue: stays parked if it is not running, or if its thread was killed
 *
 * Context: device's mutex held.
 */
void vqhost_queue_unpark(struct vqhost_queue *queue)
{
	struct vqhost_worker *worker = queue->worker;

	lockdep_assert_held(&queue->device->mutex);
	if (!queue->running || !queue->parked)
		return;
	spin_lock(&worker->lock);
	if (!worker->dead) {
		WRITE_ONCE(queue->wanted, false);
		queue->parked = false;
		list_add_tail(&queue->node, &worker->inbox);
	}
	spin_unlock(&worker->lock);
	vqhost_worker_attention(worker);
}
EXPORT_SYMBOL_GPL(vqhost_queue_unpark);

/**
 * vqhost_ring_area_sizes() - how large the areas of a ring are
 * @device: whose ring; its features tell the format
 * @size: descriptors
 * @sizes: receives bytes, by enum vqhost_area_name
 *
 * Virtio 1.2, section 2.7 and 2.8.10.1.  Context: any.
 */
void vqhost_ring_area_sizes(const struct vqhost_device *device, u32 size,
			    size_t sizes[VQHOST_AREAS])
{
	size_t event = vqhost_has_feature(device, VIRTIO_RING_F_EVENT_IDX) ?
		       sizeof(__virtio16) : 0;

	sizes[VQHOST_AREA_DESCRIPTORS] = size * sizeof(union virtqueue_descriptor);
	sizes[VQHOST_AREA_DRIVER] = struct_size((struct vring_avail *)NULL, ring, size) + event;
	sizes[VQHOST_AREA_DEVICE] = struct_size((struct vring_used *)NULL, ring, size) + event;
	if (vqhost_has_feature(device, VIRTIO_F_RING_PACKED)) {
		sizes[VQHOST_AREA_DRIVER] = sizeof(struct vring_packed_desc_event);
		sizes[VQHOST_AREA_DEVICE] = sizeof(struct vring_packed_desc_event);
	}
}

/**
 * vqhost_ring_access_ok() - may a ring lie there?
 * @device: whose ring; its features tell the format
 * @address: as passed by the owner
 * @size: descriptors
 *
 * With an IOTLB they lie where it says: that is seen when they are looked up.
 * Context: device's mutex held.
 * Return: true if all three areas lie in user space.
 */
bool vqhost_ring_access_ok(const struct vqhost_device *device,
			   const struct vhost_vring_addr *address, u32 size)
{
	size_t sizes[VQHOST_AREAS];

	if (device->iotlb.tree)
		return true;
	vqhost_ring_area_sizes(device, size, sizes);
	return access_ok((void __user *)(unsigned long)address->desc_user_addr,
			 sizes[VQHOST_AREA_DESCRIPTORS]) &&
	       access_ok((void __user *)(unsigned long)address->avail_user_addr,
			 sizes[VQHOST_AREA_DRIVER]) &&
	       access_ok((void __user *)(unsigned long)address->used_user_addr,
			 sizes[VQHOST_AREA_DEVICE]);
}

/**
 * vqhost_queue_base() - where a queue starts that is not running
 * @queue: the queue
 *
 * Of a base that was set for a packed ring, a split one keeps the available index.
 * Context: device's mutex held.
 * Return: see &struct virtqueue_config.base.
 */
u32 vqhost_queue_base(const struct vqhost_queue *queue)
{
	if (vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED))
		return queue->base;
	return queue->base & 0xffff;
}

static int init_ring(struct vqhost_queue *queue)
{
	struct vqhost_device *device = queue->device;
	struct virtqueue_config config = {
		.descriptors = (void __user *)(unsigned long)queue->address.desc_user_addr,
		.driver_area = (void __user *)(unsigned long)queue->address.avail_user_addr,
		.device_area = (void __user *)(unsigned long)queue->address.used_user_addr,
		.size = queue->size,
		.base = vqhost_queue_base(queue),
		.packed = vqhost_has_feature(device, VIRTIO_F_RING_PACKED),
		.event_index = vqhost_has_feature(device, VIRTIO_RING_F_EVENT_IDX),
		.indirect = vqhost_has_feature(device, VIRTIO_RING_F_INDIRECT_DESC),
		.in_order = vqhost_has_feature(device, VIRTIO_F_IN_ORDER),
		.memory = &queue->memory,
	};
	int err;

	queue->memory.map = device->map;
	queue->memory.last = NULL;
	if (device->iotlb.tree) {
		err = vqhost_areas_prepare(queue, &config);
		if (err)
			return err;
	}
	err = virtqueue_init(&queue->ring, &config);
	if (err)
		vqhost_translations_destroy(queue);
	vqhost_log_attach(queue);
	return err;
}

/* A queue that is parked waits. */
static void set_stopwatches(struct vqhost_queue *queue, bool run)
{
	struct vqhost_counters *counters = &queue->counters;
	s64 now = local_clock();

	queue->waiting = run;
	if (run) {
		vqhost_stopwatch_start(&counters->run_time, now);
		vqhost_stopwatch_start(&counters->wait_time, now);
	} else {
		vqhost_stopwatch_stop(&counters->wait_time, now);
		vqhost_stopwatch_stop(&counters->run_time, now);
	}
}

/**
 * vqhost_queue_start() - begin to serve a queue
 * @queue: not running
 * @backend: passed to the type's start(), who owns it if this succeeds
 *
 * Context: the owner, device's mutex held, may sleep.
 * Return: 0; -EBUSY if it is running; -EFAULT if the memory table or the ring
 * addresses are not set or not accessible, the IOTLB has no device area, or the
 * log is to be kept where it cannot be; -EINVAL for a size or base that the ring
 * format does not have; -ESRCH if its thread was killed; -ENOMEM; what start()
 * returns.
 */
int vqhost_queue_start(struct vqhost_queue *queue, void *backend)
{
	struct vqhost_device *device = queue->device;
	int err;

	lockdep_assert_held(&device->mutex);
	if (queue->running)
		return -EBUSY;
	if (!device->map || (!queue->address.desc_user_addr && !device->iotlb.tree) ||
	    !vqhost_ring_access_ok(device, &queue->address, queue->size))
		return -EFAULT;
	if (!vqhost_log_ring_ok(queue, device->log.base, &queue->address) ||
	    (vqhost_has_feature(device, VHOST_F_LOG_ALL) &&
	     !vqhost_log_memory_ok(device->log.base, device->map)))
		return -EFAULT;

	err = vqhost_worker_for_queue(queue);
	if (err)
		return err;
	err = init_ring(queue);
	if (err)
		return err;
	if (queue->kick) {
		err = vqhost_waiter_attach(&queue->kick_waiter, queue, queue->kick, EPOLLIN);
		if (err)
			goto err_ring;
	}
	err = device->type->start(queue, backend);
	if (err)
		goto err_kick;
	vqhost_poll_start(&queue->poll);
	queue->noted = false;
	queue->reported = false;
	WRITE_ONCE(queue->running, true);
	set_stopwatches(queue, true);
	trace_vqhost_queue_start(queue);
	vqhost_queue_unpark(queue);
	return 0;

err_kick:
	vqhost_waiter_detach(&queue->kick_waiter);
err_ring:
	virtqueue_destroy(&queue->ring);
	vqhost_translations_destroy(queue);
	return err;
}
EXPORT_SYMBOL_GPL(vqhost_queue_start);

/**
 * vqhost_queue_stop() - stop serving a queue
 * @queue: running or not
 *
 * What was taken from the ring is completed and published; the base is kept
 * for VHOST_GET_VRING_BASE.  Context: device's mutex held, may sleep.
 */
void vqhost_queue_stop(struct vqhost_queue *queue)
{
	lockdep_assert_held(&queue->device->mutex);
	if (!queue->running)
		return;
	vqhost_waiter_detach(&queue->kick_waiter);
	vqhost_queue_park(queue);
	vqhost_waiter_detach(&queue->backend_waiter);
	queue->device->type->stop(queue);
	queue->base = virtqueue_base(&queue->ring);
	virtqueue_destroy(&queue->ring);
	vqhost_iotlb_forget(queue);
	vqhost_translations_destroy(queue);
	WRITE_ONCE(queue->running, false);
	set_stopwatches(queue, false);
	trace_vqhost_queue_stop(queue);
}
EXPORT_SYMBOL_GPL(vqhost_queue_stop);
