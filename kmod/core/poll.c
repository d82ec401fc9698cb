// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread does with a queue between its running dry and its sleep.
 *
 * Polling saves the driver a kick, which costs a guest an exit.  The window
 * adapts: after each wait the thread knows how long it had nothing to do.  If
 * that was shorter than the limit but polling gave up before, the window grows;
 * if it was longer, polling was in vain and the window shrinks, down to nothing.
 * The time is that from the publication, before which a driver that waits has no
 * reason to add anything, to the kick: how long it takes to call the driver and to
 * be woken by it must not decide whether both can be saved.
 *
 * Holding saves the driver calls, each of which costs a guest an exit too:
 * used entries that run() left staged wait for more to be published with.
 * That pays if the driver has more under way than what is held, and costs
 * latency if it waits for just these.  Which of the two it is shows only by
 * trying: now and then the thread holds for as long as a next chain usually
 * takes, and goes on doing so for as long as one comes.  Nothing is held
 * longer than the polling limit.
 *
 * Whoever else wants the CPU ends both, unless holding has paid: then the thread
 * naps.  It leaves the CPU to the others without asking for kicks or publishing,
 * until the polling limit has passed, and so finds many chains at once where it
 * would have been woken for each.  A nap after which there is one was in vain:
 * it would have been answered sooner.  A thread that serves several queues
 * looks at each in turn: none waits until another has done holding or polling.
 */
#include <linux/moduleparam.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>

#include "internal.h"

static uint poll_us = 50;
module_param(poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us, "Longest time in microseconds a new queue polls before it sleeps; 0 = never (default: 50)");

/* Where a closed window starts to grow again, and below which it closes. */
#define POLL_WINDOW_MIN_NS (4 * NSEC_PER_USEC)

/*
 * Publications between two tries of holding: few at first and after it has
 * paid, twice as many after each try in vain.  Such a try delays them by two
 * usual gaps, so the cost falls to a hundredth or so of the driver's time.
 */
#define HOLD_INTERVAL_MIN 8U
#define HOLD_INTERVAL_MAX 128U

/* Holds in vain after which it is given up. */
#define HOLD_MISSES_MAX 2

/* Chains that come during a nap if it is worth it: a driver that waits shows one. */
#define NAP_CHAINS_MIN 2

/* What came of a look. */
enum poll_result {
	POLL_ON,	/* nothing yet */
	POLL_DRY,	/* nothing until the end */
	POLL_FOUND,	/* there is more, or an error */
	POLL_CUT,	/* another task waits for this CPU */
};

/**
 * vqhost_poll_limit_default() - polling limit of a new queue
 *
 * Return: nanoseconds.
 */
u64 vqhost_poll_limit_default(void)
{
	return (u64)READ_ONCE(poll_us) * NSEC_PER_USEC;
}

/*
 * A task that is to run instead does so after this look, and what it has made
 * is seen by the next; one that waits for the CPU gets it by our sleeping.
 */
static enum poll_result look(struct vqhost_queue *queue)
{
	if (queue->state == VQHOST_RUN_EMPTY && virtqueue_pending(&queue->ring))
		return POLL_FOUND;
	if (vqhost_backend_ready(queue, queue->state))
		return POLL_FOUND;
	if (local_clock() >= queue->poll.until)
		return POLL_DRY;
	if (!need_resched() && !single_task_running())
		return POLL_CUT;
	return POLL_ON;
}

/* A moving average of how long the next chain takes to come. */
static void note_gap(struct vqhost_poll *poll, u64 gap_ns)
{
	s64 difference = min(gap_ns, poll->limit_ns) - poll->gap_ns;

	poll->gap_ns += difference / 8;
}

/* Is this one of the times to hold? */
static bool may_hold(struct vqhost_poll *poll)
{
	if (poll->holding)
		return true;
	if (++poll->hold_passed < poll->hold_interval)
		return false;
	poll->hold_passed = 0;
	return true;
}

/* Something came while entries were held: go on holding. */
static void hold_paid(struct vqhost_poll *poll)
{
	poll->hold_gained = true;
	poll->holding = true;
	poll->hold_misses = 0;
	poll->hold_interval = HOLD_INTERVAL_MIN;
}

/* Nothing came from the first to the last moment of holding. */
static void hold_in_vain(struct vqhost_poll *poll)
{
	if (!poll->holding)
		poll->hold_interval = min(2 * poll->hold_interval, HOLD_INTERVAL_MAX);
	else if (++poll->hold_misses >= HOLD_MISSES_MAX)
		poll->holding = false;
}

static u64 chains_handled(const struct vqhost_queue *queue)
{
	return queue->counters.chains + queue->ring.staged_count;
}

/* What came during the latest nap has been handled: was it more than one? */
static void judge_nap(struct vqhost_queue *queue)
{
	struct vqhost_poll *poll = &queue->poll;

	poll->nap_ended = false;
	if (chains_handled(queue) - poll->nap_began_with >= NAP_CHAINS_MIN)
		hold_paid(poll);
	else
		hold_in_vain(poll);
}

/* Learn from a wait. */
static void adapt(struct vqhost_poll *poll, u64 idle_ns)
{
	if (!poll->limit_ns)
		return;
	note_gap(poll, idle_ns);
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

/* Is it worth waiting for more to publish together with what is staged? */
static bool begin_hold(struct vqhost_queue *queue)
{
	struct vqhost_poll *poll = &queue->poll;

	if (!queue->ring.staged_count || !poll->limit_ns)
		return false;
	if (!poll->held_since) {
		if (!may_hold(poll))
			return false;
		poll->held_since = poll->since;
		poll->hold_gained = false;
	}
	poll->until = min(poll->since + 2 * poll->gap_ns, poll->held_since + poll->limit_ns);
	queue->phase = VQHOST_PHASE_HOLD;
	return true;
}

/* Publish what is staged; then polling is next, if that lasts any time at all. */
static void begin_poll(struct vqhost_queue *queue)
{
	struct vqhost_poll *poll = &queue->poll;
	int err = vqhost_queue_publish(queue);

	poll->since = local_clock();
	if (unlikely(err))
		queue->phase = VQHOST_PHASE_RUN;
	else if (!poll->window_ns && !poll->holding)
		queue->phase = VQHOST_PHASE_ARM;
	else
		queue->phase = VQHOST_PHASE_POLL;
	poll->until = poll->since + poll->window_ns;
}

static void begin_nap(struct vqhost_queue *queue)
{
	struct vqhost_poll *poll = &queue->poll;

	poll->until = (poll->held_since ? poll->held_since : poll->since) + poll->limit_ns;
	queue->phase = VQHOST_PHASE_NAP;
	clear_bit(0, &queue->wake);
	/* Before the look that follows; pairs with vqhost_queue_wake(). */
	smp_mb__after_atomic();
	if (vqhost_backend_ready(queue, queue->state))
		queue->phase = VQHOST_PHASE_RUN;
}

static void end_nap(struct vqhost_queue *queue, enum poll_result result)
{
	struct vqhost_poll *poll = &queue->poll;

	if (result == POLL_FOUND) {
		poll->nap_began_with = chains_handled(queue);
		poll->nap_ended = true;
		vqhost_count(&queue->counters.polls_found, 1);
		queue->phase = VQHOST_PHASE_RUN;
	} else if (result == POLL_DRY) {
		hold_in_vain(poll);
		poll->held_since = 0;
		vqhost_count(&queue->counters.polls_dry, 1);
		queue->phase = vqhost_queue_publish(queue) ? VQHOST_PHASE_RUN : VQHOST_PHASE_ARM;
	}
}

static void end_hold(struct vqhost_queue *queue, enum poll_result result)
{
	struct vqhost_poll *poll = &queue->poll;

	if (result == POLL_CUT) {
		begin_nap(queue);
		return;
	}
	if (result == POLL_FOUND) {
		note_gap(poll, local_clock() - poll->since);
		hold_paid(poll);
		vqhost_count(&queue->counters.polls_found, 1);
		queue->phase = VQHOST_PHASE_RUN;
		return;
	}
	if (result == POLL_DRY && !poll->hold_gained)
		hold_in_vain(poll);
	poll->held_since = 0;
	begin_poll(queue);
}

static void end_poll(struct vqhost_queue *queue, enum poll_result result)
{
	if (result == POLL_FOUND) {
		vqhost_count(&queue->counters.polls_found, 1);
		vqhost_poll_end(queue, local_clock());
	} else if (result == POLL_CUT && queue->poll.holding) {
		begin_nap(queue);
	} else {
		vqhost_count(&queue->counters.polls_dry, 1);
		queue->phase = VQHOST_PHASE_ARM;
	}
}

/**
 * vqhost_poll_begin() - a queue has run dry
 * @queue: in VQHOST_PHASE_RUN
 * @state: what run() returned
 *
 * The next phase is holding, polling or arming; or RUN, if the ring is broken.
 * Context: the queue's thread, may sleep.
 */
void vqhost_poll_begin(struct vqhost_queue *queue, enum vqhost_run state)
{
	queue->state = state;
	queue->poll.since = local_clock();
	if (queue->poll.nap_ended)
		judge_nap(queue);
	if (!begin_hold(queue))
		begin_poll(queue);
}

/**
 * vqhost_poll_look() - look once whether there is work
 * @queue: in VQHOST_PHASE_HOLD, _POLL or _NAP
 *
 * The next phase is the same, a later one, or RUN.
 * Context: the queue's thread, may sleep.
 */
void vqhost_poll_look(struct vqhost_queue *queue)
{
	enum poll_result result = look(queue);

	if (result == POLL_ON)
		return;
	if (queue->phase == VQHOST_PHASE_HOLD)
		end_hold(queue, result);
	else if (queue->phase == VQHOST_PHASE_NAP)
		end_nap(queue, result);
	else
		end_poll(queue, result);
}

/**
 * vqhost_poll_start() - know nothing yet
 * @poll: of a queue that is about to be served
 *
 * Context: device's mutex held, queue parked.
 */
void vqhost_poll_start(struct vqhost_poll *poll)
{
	u64 limit = poll->limit_ns;

	*poll = (struct vqhost_poll) { .limit_ns = limit, .hold_interval = HOLD_INTERVAL_MIN };
}

/**
 * vqhost_poll_end() - a queue has work again
 * @queue: had run dry
 * @when: since then, by local_clock()
 *
 * The next phase is RUN.  Context: the queue's thread.
 */
void vqhost_poll_end(struct vqhost_queue *queue, u64 when)
{
	adapt(&queue->poll, when - queue->poll.since);
	queue->phase = VQHOST_PHASE_RUN;
}
