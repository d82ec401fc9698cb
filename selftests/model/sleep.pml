/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the thread of a queue goes to sleep: whatever it should be woken for, it is
 * woken, or has seen.
 *
 * Stands for
 *	arm(), set_armed(), sleep()				arm_and_sleep()
 *	begin_nap(), look_after_nap(), sleep()			nap()
 *	vqhost_queue_wake()					wake()
 *	waiter_wake()						file_ready()
 * of kmod/core/thread.c, poll.c and notify.c, with the kernel's set_current_state(),
 * schedule() and wake_up_process() as far as order is concerned.
 *
 * A driver makes chains available, and each waker is a CPU of its own.  When
 * all is done, a control call wants the thread's attention, to park the queue.
 *
 *	PACKETS		The thread needs a packet with each chain, as a receive queue
 *			does: without one it waits for the backend, without a chain
 *			for a kick.
 *	COMPLETIONS	I/O completes, which wakes the thread whatever it waits for.
 *
 * A wake-up that is lost shows as a state in which everybody waits.
 */

#define WORK 2			/* chains, and as many packets or completions */

#define THREAD 0
#define DRIVER 1
#define DEVICE 2		/* tap or disk */
#define CPUS 3

/* Words of shared memory. */
#define AVAILABLE 0
#define KICKS_ON 1
#define ARRIVED 2		/* packets or completions */
#define KICK_ARMED 3
#define BACKEND_ARMED 4
#define WAKE 5			/* bit 0 of queue->wake */
#define STATE 6			/* of the task */
#define WORDS 7

#define RUNNING 0
#define IDLE 1

#include "weak_memory.pml"

bool attention;		/* the wake-up that follows orders it */
bool parked;

byte taken;		/* by the thread */
byte received;

/* wake_up_process(): a full barrier, then a look at the state under a lock. */
inline wake_up_process(cpu)
{
	atomic {
		full_barrier(cpu) ->
		if
		:: memory[STATE] == IDLE -> memory[STATE] = RUNNING
		:: else -> skip
		fi
	}
}

/* vqhost_queue_wake() */
inline wake(cpu)
{
#ifdef BROKEN_WAKE_WITHOUT_BARRIER
	was_set = LOAD(cpu, WAKE);
	if
	:: !was_set -> store(cpu, WAKE, 1)
	:: else -> skip
	fi;
#else
	atomic {
		full_barrier(cpu) ->	/* test_and_set_bit() */
		was_set = memory[WAKE];
		memory[WAKE] = 1
	};
#endif
	if
	:: !was_set -> wake_up_process(cpu)
	:: else -> skip
	fi;
	was_set = false
}

/* waiter_wake() */
inline file_ready(cpu, armed)
{
#ifndef BROKEN_ARMED_WITHOUT_BARRIER
	full_barrier(cpu);
#endif
	if
	:: LOAD(cpu, armed) != 0 -> wake(cpu)
	:: else -> skip
	fi
}

proctype driver()
{
	byte count;
	bool was_set, wanted;

	do
	:: count == WORK -> break
	:: else ->
		count++;
		store(DRIVER, AVAILABLE, count);
		full_barrier(DRIVER);
		wanted = LOAD(DRIVER, KICKS_ON) != 0;
		if
		:: wanted -> file_ready(DRIVER, KICK_ARMED)
		:: else -> skip
		fi
	od
}

/* A packet comes in, or blk_io_completed() is called. */
proctype arrivals()
{
	byte count;
	bool was_set;

	do
	:: count == WORK -> break
	:: else ->
		count++;
		store(DEVICE, ARRIVED, count);
#ifdef COMPLETIONS
		wake(DEVICE)
#else
		file_ready(DEVICE, BACKEND_ARMED)
#endif
	od
}

/* vqhost_queue_park() */
proctype control()
{
	taken == WORK && received == WORK;
	attention = true;
	atomic {
		if
		:: memory[STATE] == IDLE -> memory[STATE] = RUNNING
		:: else -> skip
		fi
	};
	parked
}

inline set_armed()
{
#ifdef BROKEN_ARMED_FOR_KICKS_ALONE
	store(THREAD, KICK_ARMED, 1);
	store(THREAD, BACKEND_ARMED, 0)
#else
	store(THREAD, KICK_ARMED, !for_backend);
	store(THREAD, BACKEND_ARMED, for_backend)
#endif
}

/* sleep(); schedule() goes on at once if the state is RUNNING again. */
inline sleep()
{
	store(THREAD, STATE, IDLE);
#ifndef BROKEN_STATE_WITHOUT_BARRIER
	full_barrier(THREAD);
#endif
	look = true;
#ifndef BROKEN_WAKE_NOT_TESTED
	look = look && LOAD(THREAD, WAKE) == 0;
#endif
#ifndef BROKEN_ATTENTION_NOT_TESTED
	look = look && !attention;
#endif
	if
	:: look -> atomic { full_barrier(THREAD) && memory[STATE] == RUNNING -> skip }
	:: else -> skip
	fi;
	store(THREAD, STATE, RUNNING)
}

inline arm_and_sleep()
{
	/* arm() */
#ifndef BROKEN_ARMED_LATE
	set_armed();
#endif
	store(THREAD, WAKE, 0);
#ifndef BROKEN_CLEAR_WITHOUT_BARRIER
	full_barrier(THREAD);
#endif
	/* virtqueue_enable_kicks() */
	look = true;
	if
	:: !for_backend ->
		store(THREAD, KICKS_ON, 1);
		full_barrier(THREAD);
		look = LOAD(THREAD, AVAILABLE) == taken
	:: else -> skip
	fi;
	/* vqhost_backend_ready() */
#ifndef BROKEN_BACKEND_NOT_TESTED
# ifdef COMPLETIONS
	look = look && LOAD(THREAD, ARRIVED) == received;
# else
	look = look && !(for_backend && LOAD(THREAD, ARRIVED) > received);
# endif
#endif
#ifdef BROKEN_ARMED_LATE
	set_armed();
#endif
	if
	:: look -> sleep()
	:: else -> skip
	fi;
	store(THREAD, KICK_ARMED, 0);
	store(THREAD, BACKEND_ARMED, 0)
}

/* Without asking for kicks: it ends by itself. */
inline nap()
{
	store(THREAD, WAKE, 0);
	full_barrier(THREAD);
	store(THREAD, STATE, IDLE);
	full_barrier(THREAD);
#ifdef BROKEN_NAP_WITHOUT_END
	look = LOAD(THREAD, WAKE) == 0 && !attention;
	if
	:: look -> atomic { full_barrier(THREAD) && memory[STATE] == RUNNING -> skip }
	:: else -> skip
	fi;
#endif
	store(THREAD, STATE, RUNNING)
}

proctype thread()
{
	bool for_backend, look;

	do
	:: attention -> break
	:: else ->
		/* run() */
		store(THREAD, KICKS_ON, 0);
#ifdef COMPLETIONS
		received = LOAD(THREAD, ARRIVED);
		taken = LOAD(THREAD, AVAILABLE);
#else
		do
		:: LOAD(THREAD, ARRIVED) == received -> for_backend = true; break
		:: else ->
			if
			:: LOAD(THREAD, AVAILABLE) > taken -> taken++; received++
			:: else -> for_backend = false; break
			fi
		od;
#endif
		if
		:: true -> nap()
		:: true -> arm_and_sleep()
		fi
	od;
	parked = true
}

init {
	atomic {
		run store_buffer(THREAD);
		run store_buffer(DRIVER);
		run store_buffer(DEVICE);
		run driver();
		run arrivals();
		run control();
		run thread()
	}
}
