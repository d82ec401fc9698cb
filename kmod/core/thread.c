// SPDX-License-Identifier: GPL-2.0
/*
 * The thread of a queue: batches, then polling (poll.c), then sleep.
 *
 * The thread runs on the owner's mm and in the owner's cgroups, on the CPUs
 * and at the nice value the owner had when the queue was started first.
 */
#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

#include "../compat.h"
#include "internal.h"

/*
 * Sleep until woken, unless somebody has woken us since the bit in
 * &struct vqhost_queue.wake was cleared.  Idle, not interruptible: a thread
 * that waits for its driver is no load.
 */
static void sleep_until_woken(struct vqhost_queue *queue, enum vqhost_run state, bool look)
{
	/* Pairs with the barrier in wake_up_process(). */
	set_current_state(TASK_IDLE);
	if (!test_bit(0, &queue->wake) && !vqhost_thread_must_look() &&
	    !(look && vqhost_backend_ready(queue, state))) {
		queue->counters.sleeps++;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/* A thread that runs, or waits for the other side, is not to be woken. */
static void set_armed(struct vqhost_queue *queue, bool kick, bool backend)
{
	WRITE_ONCE(queue->kick_waiter.armed, kick);
	WRITE_ONCE(queue->backend_waiter.armed, backend);
}

static void sleep_until_work(struct vqhost_queue *queue, enum vqhost_run state)
{
	/* Wake-ups from here on count, if they are for what is waited for. */
	set_armed(queue, state == VQHOST_RUN_EMPTY, state == VQHOST_RUN_BACKEND);
	clear_bit(0, &queue->wake);
	/* Before the looks that follow; pairs with vqhost_queue_wake(). */
	smp_mb__after_atomic();

	/* An error is reported by work(), which comes next. */
	if (state != VQHOST_RUN_EMPTY || !virtqueue_enable_kicks(&queue->ring))
		sleep_until_woken(queue, state, true);
	set_armed(queue, false, false);
}

static void wait_for_work(struct vqhost_queue *queue, enum vqhost_run state)
{
	u64 since = local_clock();

	if (vqhost_poll_hold(queue, state, since))
		return;
	if (unlikely(vqhost_queue_publish(queue)))
		return;
	if (!vqhost_poll(queue, state, since))
		sleep_until_work(queue, state);
	vqhost_poll_adapt(&queue->poll, local_clock() - since);
}

static void report_broken(struct vqhost_queue *queue)
{
	struct vqhost_device *device = queue->device;

	queue->reported = true;
	pr_info_ratelimited("%s: queue %u of %s/%d stopped: %s\n", device->type->name,
			    queue->index, device->owner->comm, task_tgid_nr(device->owner),
			    virtqueue_error_name(queue->ring.error));
	if (queue->error)
		compat_eventfd_signal(queue->error);
}

static void work(struct vqhost_queue *queue)
{
	int state;

	/* Whoever found it broken: run(), a look at the ring, or a drain before a park. */
	if (unlikely(queue->ring.error && queue->running && !queue->reported))
		report_broken(queue);
	/* Not running: the first park is still to come. */
	if (unlikely(!queue->running || queue->ring.error)) {
		clear_bit(0, &queue->wake);
		sleep_until_woken(queue, VQHOST_RUN_BACKEND, false);
		return;
	}
	state = queue->device->type->run(queue);
	if (unlikely(state < 0))
		/* The ring is broken already; never the bare error. */
		virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	else if (state != VQHOST_RUN_AGAIN)
		wait_for_work(queue, state);
	cond_resched();
}

static void drain(struct vqhost_queue *queue)
{
	const struct vqhost_device_type *type = queue->device->type;

	if (type->drain)
		type->drain(queue);
	vqhost_queue_publish(queue);
}

static int queue_thread(void *data)
{
	struct vqhost_queue *queue = data;

	queue->attach_error = cgroup_attach_task_all(queue->device->owner, current);
	complete(&queue->attached);

	kthread_use_mm(queue->device->mm);
	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			if (queue->running)
				drain(queue);
			kthread_parkme();
		} else {
			work(queue);
		}
	}
	kthread_unuse_mm(queue->device->mm);
	return 0;
}

/**
 * vqhost_thread_create() - give a queue its thread, parked
 * @queue: it has none
 *
 * Context: the owner, device's mutex held, may sleep.
 * Return: 0, or -errno if the thread cannot be made or may not join the
 * owner's cgroups.
 */
int vqhost_thread_create(struct vqhost_queue *queue)
{
	struct vqhost_device *device = queue->device;
	struct task_struct *thread;
	int err;

	lockdep_assert_held(&device->mutex);
	init_completion(&queue->attached);
	thread = kthread_create(queue_thread, queue, "%s-%d/%u", device->type->name,
				task_tgid_nr(device->owner), queue->index);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	set_user_nice(thread, task_nice(device->owner));
	/* Fails only if CPUs went offline: then any CPU is right. */
	set_cpus_allowed_ptr(thread, device->owner->cpus_ptr);

	queue->thread = thread;
	wake_up_process(thread);
	wait_for_completion(&queue->attached);
	err = queue->attach_error;
	if (err) {
		kthread_stop(thread);
		queue->thread = NULL;
		return err;
	}
	kthread_park(thread);
	queue->parked = true;
	return 0;
}
