// SPDX-License-Identifier: GPL-2.0
/*
 * The thread of a worker: a batch of each of its queues in turn, then holding
 * and polling (poll.c), then sleep, when no queue has anything to do.
 *
 * A control call that wants something sets &struct vqhost_worker.attention, at
 * which the thread looks before each round.  So what a queue costs if nobody
 * wants anything is that look, and no lock.
 */
#include <linux/hrtimer.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "internal.h"
#include "trace.h"

/* A queue that is served, or waits for the other side, is not to be woken. */
static void set_armed(struct vqhost_queue *queue, bool kick, bool backend)
{
	WRITE_ONCE(queue->kick_waiter.armed, kick);
	WRITE_ONCE(queue->backend_waiter.armed, backend);
}

static void wake(struct vqhost_queue *queue)
{
	u64 when = READ_ONCE(queue->woken_at);

	set_armed(queue, false, false);
	/* From how long an address was missing there is nothing to learn. */
	if (unlikely(queue->state == VQHOST_RUN_MISS))
		queue->phase = VQHOST_PHASE_RUN;
	else
		/* Without a wake-up it is one of an earlier sleep. */
		vqhost_poll_end(queue, when > queue->poll.since ? when : local_clock());
}

/* The queue may sleep from now on, unless something is there by now. */
static void arm(struct vqhost_queue *queue)
{
	enum vqhost_run state = queue->state;

	/* Wake-ups from here on count, if they are for what is waited for. */
	set_armed(queue, state == VQHOST_RUN_EMPTY, state == VQHOST_RUN_BACKEND);
	clear_bit(0, &queue->wake);
	/* Before the looks that follow; pairs with vqhost_queue_wake() and waiter_wake(). */
	smp_mb__after_atomic();

	queue->phase = VQHOST_PHASE_ASLEEP;
	/* An error is reported by work(), which comes next. */
	if ((state == VQHOST_RUN_EMPTY && virtqueue_enable_kicks(&queue->ring)) ||
	    (state == VQHOST_RUN_MISS && !vqhost_iotlb_waits(queue)) ||
	    vqhost_backend_ready(queue, state))
		wake(queue);
	vqhost_log_signal(queue);
}

/* Of a queue's time while it has a backend, what is not waiting is being busy. */
static void set_waiting(struct vqhost_queue *queue, bool waiting)
{
	if (likely(waiting == queue->waiting))
		return;
	queue->waiting = waiting;
	if (waiting)
		vqhost_stopwatch_start(&queue->counters.wait_time, local_clock());
	else
		vqhost_stopwatch_stop(&queue->counters.wait_time, local_clock());
}

/* Once for each start, whoever finds the ring broken. */
static void note_broken(struct vqhost_queue *queue)
{
	unsigned int error = queue->ring.error;

	if (queue->noted)
		return;
	queue->noted = true;
	vqhost_count(&queue->counters.breaks[min_t(unsigned int, error, VQHOST_BREAKS - 1)], 1);
	trace_vqhost_malformed(queue);
}

static void report_broken(struct vqhost_queue *queue)
{
	struct vqhost_device *device = queue->device;

	queue->reported = true;
	pr_info_ratelimited("%s: queue %u of %s/%d stopped: %s\n", device->type->name,
			    queue->index, device->owner_name, device->owner_pid,
			    virtqueue_error_name(queue->ring.error));
	if (queue->error)
		compat_eventfd_signal(queue->error);
}

/* It does nothing more, however often it is woken, until it is wanted. */
static void rest_broken(struct vqhost_queue *queue)
{
	/* Whoever found it broken: run(), a look at the ring, or a drain before. */
	note_broken(queue);
	if (!queue->reported)
		report_broken(queue);
	vqhost_log_signal(queue);
	clear_bit(0, &queue->wake);
	queue->phase = VQHOST_PHASE_ASLEEP;
}

/* An address is missing: what is done is published meanwhile. */
static void wait_for_address(struct vqhost_queue *queue)
{
	queue->state = VQHOST_RUN_MISS;
	if (!vqhost_queue_publish(queue))
		queue->phase = VQHOST_PHASE_ARM;
}

static void run_dry(struct vqhost_queue *queue, enum vqhost_run state)
{
	struct vqhost_counters *counters = &queue->counters;

	vqhost_count(state == VQHOST_RUN_EMPTY ? &counters->ring_empty : &counters->backend_waits,
		     1);
	vqhost_poll_begin(queue, state);
}

/*
 * Keep how far the queue has come while nobody serves it: whoever does next may be
 * another process.  If that cannot be written, the owner has no use for it.
 */
static void set_position(struct vqhost_queue *queue)
{
	u64 position = virtqueue_base(&queue->ring) | VQHOST_POSITION_KNOWN;

	if (unlikely(queue->position) && !queue->ring.error)
		queue->positioned = !put_user(position, queue->position);
}

static void clear_position(struct vqhost_queue *queue)
{
	queue->positioned = false;
	if (queue->position && put_user(0ULL, queue->position))
		queue->position = NULL;
}

static void run(struct vqhost_queue *queue)
{
	int state;

	if (unlikely(queue->positioned))
		clear_position(queue);
	trace_vqhost_batch_begin(queue);
	if (unlikely(queue->unresolved))
		state = vqhost_areas_resolve(queue);
	else
		state = queue->device->type->run(queue);
	trace_vqhost_batch_end(queue, state);
	if (unlikely(state < 0))
		/* The ring is broken already; never the bare error. */
		virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	else if (unlikely(state == VQHOST_RUN_MISS))
		wait_for_address(queue);
	else if (state != VQHOST_RUN_AGAIN)
		run_dry(queue, state);
}

static void give_up(struct vqhost_queue *queue)
{
	if (unlikely(queue->ring.error))
		note_broken(queue);
	set_position(queue);
	set_waiting(queue, true);
	list_del(&queue->node);
	/* Pairs with wait_for_completion() in vqhost_queue_park(): it is theirs now. */
	complete(&queue->given_up);
}

/* Returns true if nothing is in flight any more: then the queue is given up. */
static bool drain(struct vqhost_queue *queue)
{
	const struct vqhost_device_type *type = queue->device->type;
	bool drained;

	clear_bit(0, &queue->wake);
	/* What completes after the look wakes us; pairs with vqhost_queue_wake(). */
	smp_mb__after_atomic();
	drained = !type->drain || type->drain(queue);
	vqhost_queue_publish(queue);
	if (drained)
		give_up(queue);
	return drained;
}

static void begin_drain(struct vqhost_queue *queue)
{
	set_armed(queue, false, false);
	queue->phase = VQHOST_PHASE_DRAIN;
}

static void look_after_nap(struct vqhost_queue *queue)
{
	if (test_and_clear_bit(0, &queue->wake) || local_clock() >= queue->poll.until)
		vqhost_poll_look(queue);
}

static bool is_idle(enum vqhost_phase phase)
{
	return phase == VQHOST_PHASE_ASLEEP || phase == VQHOST_PHASE_NAP;
}

/*
 * Do what is next for a queue, at most a batch.  Returns what is next after it;
 * the queue may be somebody else's by then.
 */
static enum vqhost_phase work(struct vqhost_queue *queue)
{
	if (unlikely(queue->phase == VQHOST_PHASE_DRAIN)) {
		drain(queue);
		return VQHOST_PHASE_ASLEEP;
	}
	if (unlikely(queue->ring.error)) {
		rest_broken(queue);
		set_waiting(queue, true);
		return VQHOST_PHASE_ASLEEP;
	}
	if (queue->phase == VQHOST_PHASE_RUN)
		run(queue);
	else if (queue->phase == VQHOST_PHASE_NAP)
		look_after_nap(queue);
	else if (queue->phase != VQHOST_PHASE_ASLEEP)
		vqhost_poll_look(queue);
	else if (test_bit(0, &queue->wake))
		wake(queue);
	if (queue->phase == VQHOST_PHASE_ARM)
		arm(queue);
	set_waiting(queue, is_idle(queue->phase));
	return queue->phase;
}

/* How long the thread may sleep, in ns: until the first nap is over.  S64_MAX without one. */
static s64 nap_left(struct vqhost_worker *worker)
{
	u64 until = U64_MAX;
	struct vqhost_queue *queue;

	list_for_each_entry(queue, &worker->queues, node) {
		if (queue->phase == VQHOST_PHASE_NAP)
			until = min(until, queue->poll.until);
	}
	return until == U64_MAX ? S64_MAX : until - local_clock();
}

static bool any_woken(struct vqhost_worker *worker)
{
	struct vqhost_queue *queue;

	list_for_each_entry(queue, &worker->queues, node) {
		if (test_bit(0, &queue->wake))
			return true;
	}
	return false;
}

/* Sleep until woken, or a nap is over: all queues of the worker are asleep or nap. */
static void sleep(struct vqhost_worker *worker)
{
	s64 left = nap_left(worker);
	struct vqhost_queue *queue;
	ktime_t timeout = left;

	if (left <= 0)
		return;
	/* Pairs with the barrier in wake_up_process(). */
	set_current_state(COMPAT_THREAD_SLEEPS);
	if (!READ_ONCE(worker->attention) && !compat_thread_interrupted() && !any_woken(worker)) {
		list_for_each_entry(queue, &worker->queues, node)
			vqhost_count(&queue->counters.sleeps, 1);
		if (left == S64_MAX)
			schedule();
		else
			schedule_hrtimeout(&timeout, HRTIMER_MODE_REL);
	}
	__set_current_state(TASK_RUNNING);
}

/* Take over what was given, give up what is wanted. */
static void attend(struct vqhost_worker *worker)
{
	struct vqhost_queue *queue;

	/* Pairs with vqhost_worker_attention(): what was written before is seen. */
	xchg(&worker->attention, 0);
	spin_lock(&worker->lock);
	list_for_each_entry(queue, &worker->inbox, node) {
		queue->phase = VQHOST_PHASE_RUN;
		set_waiting(queue, false);
	}
	list_splice_tail_init(&worker->inbox, &worker->queues);
	spin_unlock(&worker->lock);

	list_for_each_entry(queue, &worker->queues, node) {
		if (READ_ONCE(queue->wanted))
			begin_drain(queue);
	}
}

/* One batch of each queue.  None of them is passed over. */
static void serve_round(struct vqhost_worker *worker)
{
	bool awake = false, busy = false;
	struct vqhost_queue *queue, *next;
	enum vqhost_phase phase;

	list_for_each_entry_safe(queue, next, &worker->queues, node) {
		phase = work(queue);
		awake |= !is_idle(phase);
		busy |= phase == VQHOST_PHASE_RUN;
	}
	if (!awake)
		sleep(worker);
	else if (!busy)
		cpu_relax();
	cond_resched();
}

static void announce(struct vqhost_worker *worker)
{
	if (likely(worker->task))
		return;
	worker->task = get_task_struct(current);
	complete(&worker->started);
}

/**
 * vqhost_thread_serve() - see &struct compat_thread.serve
 * @data: the worker
 *
 * Context: the worker's thread, on the owner's mm.
 * Return: false if the worker is to stop; true if a signal is to be handled.
 */
bool vqhost_thread_serve(void *data)
{
	struct vqhost_worker *worker = data;

	/* Called again, until it is seen that we do not want to be. */
	if (unlikely(READ_ONCE(worker->stop)))
		return false;
	__set_current_state(TASK_RUNNING);
	announce(worker);
	while (!compat_thread_interrupted()) {
		if (unlikely(READ_ONCE(worker->attention))) {
			attend(worker);
			if (READ_ONCE(worker->stop))
				return false;
		}
		serve_round(worker);
	}
	return true;
}

/**
 * vqhost_thread_killed() - see &struct compat_thread.killed
 * @data: the worker
 *
 * All queues are given up, and no more are taken, so that nobody ever waits for
 * this thread.  Those who wake it later wake a dead task, which does no harm.
 * Context: the worker's thread, on the owner's mm, may sleep.
 */
void vqhost_thread_killed(void *data)
{
	struct vqhost_worker *worker = data;
	struct vqhost_queue *queue, *next;

	announce(worker);
	spin_lock(&worker->lock);
	worker->dead = true;
	list_splice_tail_init(&worker->inbox, &worker->queues);
	spin_unlock(&worker->lock);

	list_for_each_entry(queue, &worker->queues, node)
		begin_drain(queue);
	for (;;) {
		list_for_each_entry_safe(queue, next, &worker->queues, node)
			drain(queue);
		if (list_empty(&worker->queues))
			break;
		/* Pairs with the barrier in wake_up_process(). */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!any_woken(worker))
			schedule();
		__set_current_state(TASK_RUNNING);
	}
}
