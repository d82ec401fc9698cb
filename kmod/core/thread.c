// SPDX-License-Identifier: GPL-2.0
/*
 * The thread of a queue: batches, then polling, then sleep.
 *
 * The thread runs on the owner's mm and in the owner's cgroups, on the CPUs
 * and at the nice value the owner had when the queue was started first.
 *
 * Polling adapts to the driver.  After each wait the thread knows how long it
 * had nothing to do.  If that was shorter than the limit but polling gave up
 * before, the window grows; if it was longer, polling was in vain and the
 * window shrinks, down to nothing.  Whoever else wants the CPU ends a poll.
 */
#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "../compat.h"
#include "internal.h"

static uint poll_us = 50;
module_param(poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us, "Longest time in microseconds a new queue polls before it sleeps; 0 = never (default: 50)");

/* Where a closed window starts to grow again, and below which it closes. */
#define POLL_WINDOW_MIN_NS (4 * NSEC_PER_USEC)

/**
 * vqhost_poll_limit_default() - polling limit of a new queue
 *
 * Return: nanoseconds.
 */
u64 vqhost_poll_limit_default(void)
{
	return (u64)READ_ONCE(poll_us) * NSEC_PER_USEC;
}

static void adapt_window(struct vqhost_poll *poll, u64 idle_ns)
{
	if (idle_ns <= poll->window_ns)
		return;
	if (idle_ns < poll->limit_ns) {
		poll->window_ns = max_t(u64, 2 * poll->window_ns, POLL_WINDOW_MIN_NS);
		poll->window_ns = min(poll->window_ns, poll->limit_ns);
	} else {
		poll->window_ns /= 2;
		if (poll->window_ns < POLL_WINDOW_MIN_NS)
			poll->window_ns = 0;
	}
}

static bool must_look(void)
{
	return kthread_should_park() || kthread_should_stop();
}

static bool backend_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	const struct vqhost_device_type *type = queue->device->type;

	return type->ready && type->ready(queue, state);
}

/*
 * Returns true if the thread has to look again, be it for an error.  A task
 * that is to run instead does so at once, and its work is looked at after it;
 * one that waits for the CPU gets it by our sleeping.
 */
static bool poll_for_work(struct vqhost_queue *queue, enum vqhost_run state, u64 since)
{
	u64 end = since + queue->poll.window_ns;

	for (;;) {
		if (state == VQHOST_RUN_EMPTY && virtqueue_pending(&queue->ring))
			return true;
		if (backend_ready(queue, state) || must_look())
			return true;
		if (local_clock() >= end)
			return false;
		if (need_resched())
			cond_resched();
		else if (!single_task_running())
			return false;
		else
			cpu_relax();
	}
}

/*
 * Sleep until woken, unless somebody has woken us since the bit in
 * &struct vqhost_queue.wake was cleared.  Idle, not interruptible: a thread
 * that waits for its driver is no load.
 */
static void sleep_until_woken(struct vqhost_queue *queue, enum vqhost_run state, bool look)
{
	/* Pairs with the barrier in wake_up_process(). */
	set_current_state(TASK_IDLE);
	if (!test_bit(0, &queue->wake) && !must_look() &&
	    !(look && backend_ready(queue, state))) {
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

static void wait_for_work(struct vqhost_queue *queue, enum vqhost_run state)
{
	u64 since = local_clock();

	if (queue->poll.window_ns) {
		if (poll_for_work(queue, state, since)) {
			queue->counters.polls_found++;
			return;
		}
		queue->counters.polls_dry++;
	}
	/* What run() held back to publish more at once waits no longer. */
	if (unlikely(vqhost_queue_publish(queue)))
		return;

	/* Wake-ups from here on count, if they are for what is waited for. */
	set_armed(queue, state == VQHOST_RUN_EMPTY, state == VQHOST_RUN_BACKEND);
	clear_bit(0, &queue->wake);
	/* Before the looks that follow; pairs with vqhost_queue_wake(). */
	smp_mb__after_atomic();

	/* An error is reported by work(), which comes next. */
	if (state != VQHOST_RUN_EMPTY || !virtqueue_enable_kicks(&queue->ring)) {
		sleep_until_woken(queue, state, true);
		if (queue->poll.limit_ns)
			adapt_window(&queue->poll, local_clock() - since);
	}
	set_armed(queue, false, false);
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
