/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns a queue: the thread of its worker, or a control call that has parked the
 * queue, never both; no I/O is in flight when a control call owns it; nobody touches
 * it, or a thread, after they have been freed; no kick is lost meanwhile, whatever
 * is done to a queue or to another one that the same thread serves.
 *
 * Stands for
 *	vqhost_thread_serve(), attend(), serve_round(),
 *	work(), sleep(), vqhost_thread_killed()		thread()
 *	vqhost_queue_park(), vqhost_queue_unpark()	park(), unpark()
 *	vqhost_worker_attention()			call_attention()
 *	compat_thread_hurry()				park()
 *	vqhost_queue_start(), vqhost_queue_stop(),
 *	vqhost_queue_free()				start(), stop(), control()
 *	attach_worker()					attach_worker()
 *	set_signal() and its like			change()
 *	set_kick(), vqhost_waiter_attach(), _detach()	set_kick(), attach(), detach()
 *	waiter_wake()					driver()
 *	blk_io_completed()				disk()
 * of kmod/core/thread.c, worker.c, queue.c, vring.c, notify.c and kmod/blk/queue.c,
 * with the kernel's vhost_task_stop() or kthread_stop().
 *
 * Two queues share a worker.  Control calls concern the first one, and its I/O takes
 * time; the second one's driver must not wait for ever meanwhile.
 *
 *	MOVE	There is no second queue, but a second worker, to and from which
 *		the queue is moved.
 *	SLOW	The first queue's I/O completes only after the second one was served.
 *	KILL	The process is killed at any moment: its threads end by themselves.
 *		Nobody waits for work then, and none of the control calls may hang.
 *	MEMORY	The first queue's chains lie in memory that the owner has to fill in
 *		(userfaultfd), which it does unless it is killed at any moment.  Its
 *		threads are the kernel's, and do not end with it.
 *
 * What goes on between two accesses to shared memory is atomic; that barriers
 * suffice where they matter is shown by sleep.pml.
 */

#if defined(MOVE) || defined(KILL) || defined(MEMORY)
#define CALLS 1
#else
#define CALLS 2
#endif
#ifdef MOVE
#define QUEUES 1
#define WORKERS 2
#define SECOND(condition) false
#else
#define QUEUES 2
#define WORKERS 1
#define SECOND(condition) (condition)
#endif

#ifdef KILL
#define THREADS_KILLED killed
#else
#define THREADS_KILLED false
#endif

#define RUNNING 0
#define IDLE 1

/* Phases of a queue, as far as they differ here. */
#define RUN 0
#define ASLEEP 1
#define DRAIN 2

/* In which list of its worker a queue is. */
#define NONE 0
#define INBOX 1
#define OWNED 2

typedef queue_type {
	byte worker;
	byte list;
	byte phase;
	byte given_up;		/* a completion */
	bool running;
	bool parked;
	bool wanted;
	bool wake;
	bool armed;
	bool control_owns;	/* not in the code: what is to be shown */
	bool attached;		/* to its kick eventfd */
	bool kick_ready;	/* that is signalled, and never reset: nobody reads it */
	bool locked;		/* its wait queue */
	bool available;
	bool taken;
	bool submitted;		/* I/O that the disk has */
	bool completed;		/* and has done, in the queue's list */
	bool in_flight;		/* both, as the thread counts it */
};

typedef worker_type {
	byte state;		/* of the task */
	bool attention;
	bool must_stop;
	bool dead;
	bool exited;
	bool hurried;		/* waits for memory no longer */
};

queue_type queues[QUEUES];
worker_type workers[WORKERS];
bool freed;		/* queues and tasks */
bool free_wanted;
bool killed;
bool missing;		/* memory that a thread waits for */
byte readers;		/* RCU read sides that may know a queue */

#define Q queues[q]
#define W workers[w]

/* The thread is about to use the queue. */
#define USE assert(Q.list == OWNED && Q.worker == w && !Q.control_owns && !freed)

inline wake_up_process(t)
{
	atomic {
		assert(!freed);
		if
		:: workers[t].state == IDLE -> workers[t].state = RUNNING
		:: else -> skip
		fi
	}
}

/* vqhost_queue_wake(): the thread may be another one when it is woken. */
inline queue_wake(n)
{
	atomic {
		assert(!freed);
		was_set = queues[n].wake;
		queues[n].wake = true
	};
	if
	:: !was_set ->
		thread_seen = queues[n].worker;
		wake_up_process(thread_seen)
	:: else -> skip
	fi;
	atomic { was_set = false; thread_seen = 0 }
}

/* --- The thread of a worker --- */

inline collect()
{
	USE;
	if
	:: Q.completed -> Q.completed = false; Q.in_flight = false
	:: else -> skip
	fi
}

inline give_up()
{
	atomic {
		USE;
		Q.list = NONE;
		Q.phase = RUN;
#ifndef BROKEN_GIVE_UP_SILENTLY
		Q.given_up++
#endif
	}
}

/* A look, not a wait: the thread goes on with its other queues. */
inline drain()
{
	atomic { USE; Q.wake = false };
#ifdef BROKEN_GIVE_UP_UNDRAINED
	give_up()
#else
# ifdef BROKEN_DRAIN_BY_WAITING
	(!Q.in_flight || Q.completed);
# endif
	atomic { collect(); drained = !Q.in_flight };
	if
	:: drained -> give_up()
	:: else -> skip
	fi;
	drained = false
#endif
}

inline begin_drain()
{
	atomic { USE; Q.armed = false; Q.phase = DRAIN }
}

/* arm(): what is looked at after the bit was cleared */
inline arm()
{
	atomic { USE; Q.armed = true };
	Q.wake = false;
	atomic {
		if
		:: Q.available != Q.taken || Q.completed -> Q.armed = false
		:: else -> Q.phase = ASLEEP
		fi
	}
}

inline work()
{
	if
	:: Q.phase == DRAIN -> drain()
	:: Q.phase == ASLEEP ->
		atomic {
			if
			:: Q.wake -> USE; Q.armed = false; Q.phase = RUN
			:: else -> skip
			fi
		}
	:: Q.phase == RUN ->
#ifdef MEMORY
		if
		:: q == 0 && Q.available && !Q.taken ->
			missing = true;
			!missing || W.hurried
		:: else -> skip
		fi;
#endif
		atomic {
			collect();
			if
			:: Q.available && !Q.taken ->
				Q.taken = true;
				Q.in_flight = (q == 0);
				Q.submitted = (q == 0);
				ran = true
			:: else -> ran = false
			fi
		};
		if
		:: ran -> ran = false
		:: else -> arm()
		fi
	fi
}

#define SERVES(n) (queues[n].worker == w && queues[n].list == OWNED)
#define AWAKE(n) (SERVES(n) && queues[n].phase == RUN)
#define WOKEN(n) (SERVES(n) && queues[n].wake)
#ifdef BROKEN_WAKE_OF_THE_FIRST_ALONE
#define SECOND_WOKEN false
#else
#define SECOND_WOKEN SECOND(WOKEN(1))
#endif

/* Does nobody want anything? */
inline sleep()
{
	W.state = IDLE;
	atomic {
		if
#ifndef BROKEN_ATTENTION_NOT_TESTED
		:: W.attention -> skip
#endif
		:: THREADS_KILLED || WOKEN(0) || SECOND_WOKEN -> skip
		:: else -> schedules = true
		fi
	};
	if
	:: schedules -> (W.state == RUNNING || THREADS_KILLED); schedules = false
	:: else -> skip
	fi;
	W.state = RUNNING
}

inline take_inbox(n)
{
	if
	:: queues[n].worker == w && queues[n].list == INBOX ->
		queues[n].list = OWNED;
		queues[n].phase = RUN
	:: else -> skip
	fi
}

inline attend()
{
#ifdef BROKEN_ATTENTION_RESET_LATE
#else
	W.attention = false;
#endif
	atomic {
		take_inbox(0);
#ifndef MOVE
		take_inbox(1)
#endif
	};
	if
	:: SERVES(0) && queues[0].wanted -> begin_drain()
	:: else -> skip
	fi;
#ifndef MOVE
	q = 1;
	if
	:: SERVES(1) && queues[1].wanted -> begin_drain()
	:: else -> skip
	fi;
	q = 0;
#endif
#ifdef BROKEN_ATTENTION_RESET_LATE
	W.attention = false;
#endif
}

inline serve_round()
{
	q = 0;
	if
	:: SERVES(0) -> work()
	:: else -> skip
	fi;
#ifndef MOVE
	q = 1;
	if
	:: SERVES(1) -> work()
	:: else -> skip
	fi;
	q = 0;
#endif
	if
	:: AWAKE(0) || SECOND(AWAKE(1)) -> skip
	:: else -> sleep()
	fi
}

/* vqhost_thread_killed() */
inline end_killed()
{
	/* Under the lock. */
	atomic {
#ifndef BROKEN_DEATH_NOT_TOLD
		W.dead = true;
#endif
		take_inbox(0);
#ifndef MOVE
		take_inbox(1);
#endif
		if
		:: SERVES(0) -> begin_drain()
		:: else -> skip
		fi;
#ifndef MOVE
		q = 1;
		if
		:: SERVES(1) -> begin_drain()
		:: else -> skip
		fi;
		q = 0
#endif
	};
#ifndef BROKEN_DEATH_KEEPS_QUEUES
	do
	:: true ->
		if
		:: SERVES(0) -> drain()
		:: else -> skip
		fi;
#ifndef MOVE
		q = 1;
		if
		:: SERVES(1) -> drain()
		:: else -> skip
		fi;
		q = 0;
#endif
		if
		:: SERVES(0) || SECOND(SERVES(1)) -> skip
		:: else -> break
		fi;
		W.state = IDLE;
		if
		:: WOKEN(0) || SECOND_WOKEN -> skip
		:: else -> W.state == RUNNING
		fi;
		W.state = RUNNING
	od
#endif
}

proctype thread(byte w)
{
	byte q;
	bool ran, drained, schedules;

	do
	:: THREADS_KILLED -> end_killed(); break
	:: !THREADS_KILLED ->
		if
		:: W.attention ->
			attend();
			if
			:: W.must_stop -> break
			:: else -> skip
			fi
		:: else -> skip
		fi;
		serve_round()
	od;
	W.exited = true
}

/* --- Those who wake it --- */

proctype driver()
{
	bool was_set;
	byte thread_seen;

	queues[0].available = true;
	atomic { !queues[0].locked -> queues[0].locked = true };
	queues[0].kick_ready = true;
	if
	:: queues[0].attached ->
		/* waiter_wake(); a lock with interrupts off is a read side as well */
		readers++;
		if
		:: queues[0].armed -> queue_wake(0)
		:: else -> assert(!freed)
		fi;
		readers--
	:: else -> skip
	fi;
	queues[0].locked = false
}

/* Nobody interferes with this one: what matters is when it comes. */
proctype second_driver()
{
	bool was_set;
	byte thread_seen;

	atomic {
		queues[1].available = true;
		if
		:: queues[1].armed -> queue_wake(1)
		:: else -> skip
		fi
	}
}

proctype disk()
{
	bool was_set;
	byte thread_seen;

end:	do
#ifdef SLOW
	:: queues[0].submitted && queues[1].taken ->
#else
	:: queues[0].submitted ->
#endif
		readers++;
		atomic {
			queues[0].submitted = false;
			queues[0].completed = true
		};
		queue_wake(0);
		readers--
	od
}

/* kfree_rcu(), and tasks that have exited */
proctype grace_period()
{
end:	atomic { free_wanted && readers == 0 -> freed = true }
}

#if defined(KILL) || defined(MEMORY)
proctype killer()
{
	killed = true
}
#endif

#ifdef MEMORY
/* The owner's handler of faults, which dies with it. */
proctype handler()
{
end:	do
	:: atomic { missing && !killed -> missing = false }
	od
}
#endif

/* --- Control calls, one at a time --- */

inline call_attention(t)
{
	workers[t].attention = true;
	wake_up_process(t)
}

inline park(n)
{
	if
#ifdef BROKEN_PARK_TWICE
	:: true ->
#else
	:: !queues[n].parked ->
#endif
		queues[n].wanted = true;
		call_attention(queues[n].worker);
#if defined(MEMORY) && !defined(BROKEN_PARK_NOT_KILLABLE)
		(queues[n].given_up > 0 || killed);
# ifndef BROKEN_PARK_WITHOUT_HURRY
		if
		:: queues[n].given_up == 0 -> workers[queues[n].worker].hurried = true
		:: else -> skip
		fi;
# endif
#endif
		atomic { queues[n].given_up > 0 -> queues[n].given_up-- };
		queues[n].parked = true
	:: queues[n].parked -> skip
	fi
}

inline unpark(n)
{
	if
#ifdef BROKEN_UNPARK_WHAT_DOES_NOT_RUN
	:: queues[n].parked ->
#else
	:: queues[n].running && queues[n].parked ->
#endif
		/* Under the lock. */
		atomic {
			if
			:: workers[queues[n].worker].dead -> skip
			:: else ->
#ifndef BROKEN_WANTED_FOR_EVER
				queues[n].wanted = false;
#endif
				queues[n].parked = false;
				queues[n].list = INBOX
			fi
		};
#ifndef BROKEN_UNPARK_WITHOUT_ATTENTION
		call_attention(queues[n].worker)
#endif
	:: else -> skip
	fi
}

/* What a control call does while it owns the queue. */
inline own(n)
{
	queues[n].control_owns = true;
	assert(queues[n].list == NONE && !queues[n].in_flight);
	queues[n].control_owns = false
}

inline attach(n)
{
	atomic { !queues[n].locked -> queues[n].attached = true };	/* under the lock */
#ifndef BROKEN_ATTACH_WITHOUT_LOOK
	if
	:: queues[n].kick_ready -> queue_wake(n)
	:: else -> skip
	fi
#endif
}

inline detach(n)
{
#ifdef BROKEN_DETACH_WITHOUT_LOCK
	queues[n].attached = false
#else
	atomic { !queues[n].locked -> queues[n].attached = false }
#endif
}

inline start(n)
{
	own(n);
	attach(n);
	queues[n].running = true;
	unpark(n)
}

inline stop(n)
{
#ifndef BROKEN_STOP_WITHOUT_DETACH
	detach(n);
#endif
	park(n);
	own(n);
	queues[n].running = false
}

inline set_kick(n)
{
	detach(n);
	attach(n)
}

inline change(n)
{
#ifndef BROKEN_CHANGE_WITHOUT_PARK
	park(n);
#endif
#ifdef BROKEN_UNPARK_EARLY
	unpark(n);
#endif
	own(n);
	unpark(n)
}

inline attach_worker(n)
{
#ifndef BROKEN_ATTACH_WITHOUT_PARK
	park(n);
#endif
	own(n);
	queues[n].worker = 1 - queues[n].worker;
	unpark(n)
}

inline stop_thread(t)
{
	workers[t].must_stop = true;
	call_attention(t);
	workers[t].exited
}

proctype control()
{
	bool was_set;
	byte thread_seen, calls;

#ifdef MOVE
	start(0);
#endif
	do
	:: calls == CALLS -> break
	:: calls < CALLS ->
		calls++;
		if
		:: queues[0].running -> stop(0)
		:: queues[0].running -> set_kick(0)
		:: change(0)
#ifdef MOVE
		:: attach_worker(0)
#endif
		:: !queues[0].running -> start(0)
		fi
	od;
	/* Whatever was done, both queues work. */
	if
	:: queues[0].running -> skip
	:: else -> start(0)
	fi;
#if !defined(KILL) && !defined(MEMORY)
	queues[0].taken && (QUEUES == 1 || queues[QUEUES - 1].taken);
#endif
	if
	:: stop(0); change(0)
	:: stop(0)
	fi;
#ifdef MOVE
	stop_thread(1);
#else
	park(1);
	own(1);
#endif
	stop_thread(0);
#ifdef BROKEN_FREE_WITHOUT_GRACE_PERIOD
	freed = true
#else
	free_wanted = true
#endif
}

init {
	atomic {
		queues[0].parked = true;
		run thread(0);
		run driver();
		run disk();
#ifdef MOVE
		run thread(1);
#else
		queues[1].running = true;
		queues[1].list = INBOX;
		workers[0].attention = true;
		run second_driver();
#endif
		run grace_period();
#if defined(KILL) || defined(MEMORY)
		run killer();
#endif
#ifdef MEMORY
		run handler();
#endif
		run control()
	}
}
