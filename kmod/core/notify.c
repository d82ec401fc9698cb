// SPDX-License-Identifier: GPL-2.0
/*
 * Wake-ups of a queue's thread, and the driver's notifications in both
 * directions: kicks arrive at an eventfd's wait queue, calls leave through an
 * eventfd.
 */
#include <linux/sched/clock.h>

#include "../compat.h"
#include "internal.h"
#include "trace.h"

/**
 * vqhost_queue_wake() - have a queue's thread look again
 * @queue: it has a thread
 *
 * What the thread is to find must have been written before.
 * Context: any, also hard interrupts and under a wait queue's lock.
 */
void vqhost_queue_wake(struct vqhost_queue *queue)
{
	/*
	 * A full barrier even if the bit was set: orders what was written
	 * before against the thread's look after it cleared the bit, see
	 * arm() in thread.c.  Whoever set the bit wakes the thread.
	 */
	if (test_and_set_bit(0, &queue->wake))
		return;
	/*
	 * If that is no longer the queue's thread, the next one looks at the
	 * bit before it sleeps.  A task that has ended stays until we are done.
	 */
	rcu_read_lock();
	wake_up_process(READ_ONCE(queue->thread));
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(vqhost_queue_wake);

static int waiter_wake(wait_queue_entry_t *entry, unsigned int mode, int flags, void *key)
{
	struct vqhost_waiter *waiter = container_of(entry, struct vqhost_waiter, entry);
	__poll_t events = key_to_poll(key);
	bool armed;

	if (events && !(events & waiter->events))
		return 0;
	/* The wait queue's lock is held, so the count needs no other. */
	if (waiter->is_kick)
		vqhost_count(&waiter->queue->counters.kicks, 1);
	/*
	 * What made the file ready before whether the thread cares: either
	 * this sees that it does, or its last look before it sleeps sees the
	 * file ready.  Pairs with the barrier in arm() in thread.c.
	 */
	smp_mb();
	armed = READ_ONCE(waiter->armed);
	if (waiter->is_kick)
		trace_vqhost_kick(waiter->queue, armed);
	if (!armed)
		return 0;
	/* The first of several, as far as the thread has not cleared the bit. */
	if (!test_bit(0, &waiter->queue->wake))
		WRITE_ONCE(waiter->queue->woken_at, local_clock());
	vqhost_queue_wake(waiter->queue);
	return 0;
}

static void waiter_enqueue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct vqhost_waiter *waiter = container_of(table, struct vqhost_waiter, table);

	/* A file with several wait queues is none that we wait for. */
	if (waiter->head)
		return;
	waiter->head = head;
	add_wait_queue(head, &waiter->entry);
}

/**
 * vqhost_waiter_attach() - wake a queue's thread when a file becomes ready
 * @waiter: detached, member of @queue
 * @queue: it has a thread
 * @file: stays open until vqhost_waiter_detach()
 * @events: EPOLL* of interest
 *
 * Wakes the thread at once if the file is ready already.
 * Context: device's mutex held.
 * Return: 0, or -EINVAL if the file is in error.
 */
int vqhost_waiter_attach(struct vqhost_waiter *waiter, struct vqhost_queue *queue,
			 struct file *file, __poll_t events)
{
	__poll_t ready;

	lockdep_assert_held(&queue->device->mutex);
	waiter->queue = queue;
	waiter->events = events;
	waiter->head = NULL;
	init_waitqueue_func_entry(&waiter->entry, waiter_wake);
	init_poll_funcptr(&waiter->table, waiter_enqueue);
	ready = vfs_poll(file, &waiter->table);
	if (ready & EPOLLERR) {
		vqhost_waiter_detach(waiter);
		return -EINVAL;
	}
	if (ready & events)
		vqhost_queue_wake(queue);
	return 0;
}
EXPORT_SYMBOL_GPL(vqhost_waiter_attach);

/**
 * vqhost_waiter_detach() - no more wake-ups from this file
 * @waiter: attached or not
 *
 * When it returns, no wake-up is under way either: the wait queue's lock
 * has been taken.  Context: device's mutex held.
 */
void vqhost_waiter_detach(struct vqhost_waiter *waiter)
{
	if (!waiter->head)
		return;
	remove_wait_queue(waiter->head, &waiter->entry);
	waiter->head = NULL;
}
EXPORT_SYMBOL_GPL(vqhost_waiter_detach);

/**
 * vqhost_queue_publish() - publish staged used entries, call if wanted
 * @queue: the queue
 *
 * One notification decision for all entries staged since the last time
 * (virtio 1.2, section 2.7.7).
 * Context: the queue's thread.
 * Return: 0, or -EIO if the ring is or now is broken.
 */
int vqhost_queue_publish(struct vqhost_queue *queue)
{
	unsigned int staged = queue->ring.staged_count;
	bool called = false;
	int wanted;

	if (!staged) {
		vqhost_log_signal(queue);
		return 0;
	}
	queue->poll.held_since = 0;
	if (virtqueue_full(&queue->ring))
		vqhost_count(&queue->counters.ring_full, 1);
	wanted = virtqueue_publish(&queue->ring);
	vqhost_log_signal(queue);
	if (unlikely(wanted < 0))
		return wanted;
	vqhost_count(&queue->counters.chains, staged);
	vqhost_count(&queue->counters.batches, 1);
	if (wanted && queue->call) {
		vqhost_count(&queue->counters.calls, 1);
		called = true;
	}
	trace_vqhost_notify(queue, staged, called);
	if (called)
		compat_eventfd_signal(queue->call);
	return 0;
}
EXPORT_SYMBOL_GPL(vqhost_queue_publish);

/**
 * vqhost_queue_publish_batch() - publish staged used entries if there are many
 * @queue: the queue
 *
 * Fewer are left staged, for more to be published with them.
 * Context: the queue's thread.
 * Return: 0, or -EIO if the ring is or now is broken.
 */
int vqhost_queue_publish_batch(struct vqhost_queue *queue)
{
	/* Of a small queue the driver gets a quarter back at the latest. */
	if (queue->ring.staged_count < min(VQHOST_PUBLISH_BATCH, queue->ring.size / 4))
		return 0;
	return vqhost_queue_publish(queue);
}
EXPORT_SYMBOL_GPL(vqhost_queue_publish_batch);
