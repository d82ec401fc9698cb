/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns a queue: its thread, or a control call that has parked it, never both;
 * no I/O is in flight when a control call owns it; nobody touches it, or its thread,
 * after they have been freed; no kick is lost meanwhile.
 *
 * Stands for
 *	queue_thread(), drain(), work()			thread()
 *	vqhost_queue_park(), vqhost_queue_unpark()	park(), unpark()
 *	vqhost_queue_start(), vqhost_queue_stop(),
 *	vqhost_queue_free()				start(), stop(), control()
 *	set_signal() and its like			change()
 *	set_kick(), vqhost_waiter_attach(), _detach()	set_kick(), attach(), detach()
 *	waiter_wake()					driver()
 *	blk_io_completed()				disk()
 * of kmod/core/thread.c, queue.c, vring.c, notify.c and kmod/blk/queue.c, with the
 * kernel's kthread_park(), kthread_parkme(), kthread_unpark() and kthread_stop().
 *
 * What goes on between two accesses to shared memory is atomic; that barriers
 * suffice where they matter is shown by sleep.pml.
 */

#ifndef CHAINS
#define CHAINS 2
#endif
#ifndef CALLS
#define CALLS 2
#endif

#define RUNNING 0
#define IDLE 1
#define PARKED 2

/* The task. */
byte state = RUNNING;
bool should_park;
bool should_stop;
bool park_done;		/* the completion of kthread_park() */
bool exited;

/* The queue. */
bool running;
bool parked;
bool wake;
bool armed;
bool freed;
bool control_owns;	/* not in the code: what is to be shown */

/* The kick eventfd. */
bool kick_ready;	/* signalled, and never reset: nobody reads it */
bool attached;
bool locked;		/* its wait queue */

byte available;
byte taken;
byte submitted;		/* I/O that the disk has */
byte completed;		/* and has done, in the queue's list */
byte in_flight;		/* both, as the thread counts it */
byte readers;		/* RCU read sides that may know the queue */
bool free_wanted;

/* The thread is about to use the queue. */
#define OWNED assert(!control_owns && !freed)

/* wake_up_process(): not a parked task. */
inline wake_up_process()
{
	atomic {
		assert(!freed);
		if
		:: state == IDLE -> state = RUNNING
		:: else -> skip
		fi
	}
}

/* vqhost_queue_wake() */
inline queue_wake()
{
	atomic {
		assert(!freed);
		was_set = wake;
		wake = true
	};
	if
	:: !was_set -> wake_up_process()
	:: else -> skip
	fi;
	was_set = false
}

/* --- The queue's thread --- */

inline schedule()
{
	atomic { state == RUNNING -> skip }
}

inline collect()
{
	atomic {
		OWNED;
		in_flight = in_flight - completed;
		completed = 0
	}
}

inline drain()
{
	do
#ifdef BROKEN_PARK_WITHOUT_DRAIN
	:: break
#endif
	:: in_flight > 0 ->
		completed > 0;
		collect()
	:: in_flight == 0 -> break
	od
}

inline kthread_parkme()
{
	do
	:: state = PARKED;
		if
		:: !should_park -> break
		:: else -> skip
		fi;
		park_done = true;
		schedule()
	od;
	state = RUNNING
}

/* Does nobody want anything?  Looked at one by one. */
inline sleep_until_woken()
{
	state = IDLE;
	if
	:: wake -> skip
	:: else ->
		if
		:: should_park || should_stop -> skip
		:: else ->
			if
			:: completed > 0 -> skip
			:: else -> schedule()
			fi
		fi
	fi;
	state = RUNNING
}

inline work()
{
	atomic { OWNED; is_running = running };
	if
	:: !is_running ->
		wake = false;
		sleep_until_woken()
	:: else ->
		collect();
		if
		:: atomic {
			available > taken && in_flight < CHAINS ->
			OWNED;
			taken++;
			in_flight++;
			submitted++
		   }
		:: available == taken ->
			armed = true;
			wake = false;
			if
			:: available == taken -> OWNED; sleep_until_woken()
			:: else -> skip
			fi;
			armed = false
		fi
	fi
}

proctype thread()
{
	bool is_running;

	do
	:: should_stop -> break
	:: else ->
		if
		:: should_park ->
			if
			:: running -> drain()
			:: else -> skip
			fi;
			kthread_parkme()
		:: else -> work()
		fi
	od;
	assert(in_flight == 0);
	exited = true
}

/* --- Those who wake it --- */

proctype driver()
{
	bool was_set;

	do
	:: available == CHAINS -> break
	:: else ->
		available++;
		atomic { !locked -> locked = true };
		kick_ready = true;
		if
		:: attached ->
			/* waiter_wake() */
			if
			:: armed -> queue_wake()
			:: else -> assert(!freed)
			fi
		:: else -> skip
		fi;
		locked = false
	od
}

proctype disk()
{
	bool was_set;

end:	do
	:: submitted > 0 ->
		readers++;
		atomic {
			submitted--;
			completed++
		};
		queue_wake();
		assert(!freed);		/* waitqueue_active() */
		readers--
	od
}

/* kfree_rcu(), and a task that has exited */
proctype grace_period()
{
end:	atomic { free_wanted && readers == 0 -> freed = true }
}

/* --- Control calls, one at a time --- */

inline kthread_park()
{
	assert(!should_park);
	should_park = true;
	wake_up_process();
	atomic { park_done -> park_done = false }
}

inline kthread_unpark()
{
	should_park = false;
	atomic {
		if
		:: state == PARKED -> state = RUNNING
		:: else -> skip
		fi
	}
}

inline park()
{
	if
#ifdef BROKEN_PARK_TWICE
	:: true ->
#else
	:: !parked ->
#endif
		kthread_park();
		parked = true
	:: parked -> skip
	fi
}

inline unpark()
{
	if
#ifdef BROKEN_UNPARK_WHAT_DOES_NOT_RUN
	:: parked ->
#else
	:: running && parked ->
#endif
		parked = false;
		kthread_unpark()
	:: else -> skip
	fi
}

/* What a control call does while it owns the queue. */
inline own()
{
	control_owns = true;
	assert(in_flight == 0);
	control_owns = false
}

inline attach()
{
	atomic { !locked -> attached = true };	/* under the lock */
#ifndef BROKEN_ATTACH_WITHOUT_LOOK
	if
	:: kick_ready -> queue_wake()
	:: else -> skip
	fi
#endif
}

inline detach()
{
#ifdef BROKEN_DETACH_WITHOUT_LOCK
	attached = false
#else
	atomic { !locked -> attached = false }
#endif
}

inline start()
{
	own();
	attach();
	running = true;
	unpark()
}

inline stop()
{
#ifndef BROKEN_STOP_WITHOUT_DETACH
	detach();
#endif
	park();
	own();
	running = false
}

inline set_kick()
{
	detach();
	attach()
}

inline change()
{
#ifndef BROKEN_CHANGE_WITHOUT_PARK
	park();
#endif
#ifdef BROKEN_UNPARK_EARLY
	unpark();
#endif
	own();
	unpark()
}

proctype control()
{
	bool was_set;
	byte calls;

	/* vqhost_thread_create() */
	kthread_park();
	parked = true;

	do
	:: calls == CALLS -> break
	:: calls < CALLS ->
		calls++;
		if
		:: running -> stop()
		:: running -> set_kick()
		:: change()
		:: !running -> start()
		fi
	od;
	/* Whatever was done, the queue works. */
	if
	:: running -> skip
	:: else -> start()
	fi;
	taken == CHAINS;

	/* vqhost_queue_free(), after a stop that may have come before */
	if
	:: true -> stop(); change()
	:: true -> stop()
	fi;
	/* kthread_stop() */
	should_stop = true;
	kthread_unpark();
	wake_up_process();
	exited;
#ifdef BROKEN_FREE_WITHOUT_GRACE_PERIOD
	freed = true
#else
	free_wanted = true
#endif
}

init {
	atomic {
		run thread();
		run driver();
		run disk();
		run grace_period();
		run control()
	}
}
