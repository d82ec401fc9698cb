/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notifications of a packed virtqueue (virtio 1.2, section 2.8): no chain is left
 * lying while the side that should look at it sleeps, and nobody reads a descriptor
 * before it is there.
 *
 * Stands for the same functions of kmod/virtqueue as split.pml, in the packed
 * layout, and for the same driver.  Every chain is one descriptor.  Event and flags
 * of an event suppression structure are stored one after the other and may become
 * visible in any order; the driver reads both at once, the device one by one.
 *
 *	EVENT_INDEX	with VIRTIO_F_EVENT_IDX: descriptor events
 */

#define SIZE 2
#define CHAINS 4

#define DRIVER 0
#define DEVICE 1
#define CPUS 2

/* Words of shared memory. */
#define FLAGS 0			/* of each descriptor */
#define BODY (FLAGS + SIZE)	/* the rest of it */
#define DRIVER_EVENT (BODY + SIZE)
#define DRIVER_FLAGS (DRIVER_EVENT + 1)
#define DEVICE_EVENT (DRIVER_EVENT + 2)
#define DEVICE_FLAGS (DRIVER_EVENT + 3)
#define WORDS (DRIVER_EVENT + 4)

#include "weak_memory.pml"

/* A position counts from the start; the wrap counter begins with 1. */
#define PLACE(position) ((position) % SIZE)
#define WRAP(position) (1 - ((position) / SIZE) % 2)

/* Flags of descriptors: the bits AVAIL and USED. */
#define AVAILABLE(position) (WRAP(position) + 2 * (1 - WRAP(position)))
#define USED(position) (3 * WRAP(position))

/* Flags of event suppression. */
#define ENABLE 0
#define DISABLE 1
#define DESC 2

#define EVENT(position) (PLACE(position) + SIZE * WRAP(position))

/*
 * Does a step from position "old" to "new" pass the event?  An event of the other
 * wrap counter lies one round back.  Differences are modulo something large.
 */
#define EVENT_PLACE(event, new) \
	((event) % SIZE - ((event) / SIZE != WRAP(new) -> SIZE : 0))
#define NEED_EVENT(event, new, old) \
	((PLACE(new) - EVENT_PLACE(event, new) - 1 + 16) % 16 < (new) - (old))

bool kicked;
bool called;

/* Positions. */
byte added;	/* the driver's */
byte reaped;
byte taken;	/* the device's */
byte published;
byte staged;

/* --- The driver --- */

inline add(count)
{
	old = added;
	do
	:: count > 0 ->
		store(DRIVER, BODY + PLACE(added), added + 1);
#ifndef BROKEN_DRIVER_WMB
		write_barrier(DRIVER);
#endif
		store(DRIVER, FLAGS + PLACE(added), AVAILABLE(added));
		added++;
		count--
	:: else -> break
	od;
#ifndef BROKEN_DRIVER_KICK_MB
	full_barrier(DRIVER);
#endif
	atomic {
		flags = LOAD(DRIVER, DEVICE_FLAGS);
		event = LOAD(DRIVER, DEVICE_EVENT)
	};
	if
	:: flags == DESC -> wanted = NEED_EVENT(event, added, old)
	:: else -> wanted = flags == ENABLE
	fi;
	if
	:: wanted -> kicked = true
	:: else -> skip
	fi;
	event = 0;
	flags = 0
}

inline reap()
{
	do
	:: LOAD(DRIVER, FLAGS + PLACE(reaped)) == USED(reaped) && reaped < added ->
		assert(LOAD(DRIVER, BODY + PLACE(reaped)) == reaped + 1);
		reaped++
	:: else -> break
	od
}

/* Ask for a call once "after" more have been used; tells in "wanted" if to sleep. */
inline calls_on(after)
{
#ifdef EVENT_INDEX
	store(DRIVER, DRIVER_EVENT, EVENT(reaped + after - 1));
	store(DRIVER, DRIVER_FLAGS, DESC);
#else
	store(DRIVER, DRIVER_FLAGS, ENABLE);
#endif
#ifndef BROKEN_DRIVER_CALL_MB
	full_barrier(DRIVER);
#endif
	wanted = LOAD(DRIVER, FLAGS + PLACE(reaped)) != USED(reaped)
}

proctype driver()
{
	byte count, old, flags, event;
	bool wanted;
	bool calls_enabled = true;

	do
	:: reaped == CHAINS -> break
	:: added < CHAINS && added - reaped < SIZE ->
		if
		:: count = 1
		:: added - reaped + 2 <= SIZE && added + 2 <= CHAINS -> count = 2
		fi;
		add(count)
	:: added > reaped ->
		if
		:: calls_enabled ->
			store(DRIVER, DRIVER_FLAGS, DISABLE);
			calls_enabled = false
		:: else -> skip
		fi;
		reap()
	:: added > reaped ->
		if
		:: count = 1
		:: added - reaped >= 2 -> count = 2
		fi;
		calls_on(count);
		calls_enabled = true;
		count = 0;
		if
		:: wanted -> atomic { called -> called = false }
		:: else -> skip
		fi
	od
}

/* --- The device --- */

/* Is a chain available?  The answer is in "found". */
inline pending()
{
	/* A descriptor loaded early, which the read barrier throws away. */
	if
	:: early = LOAD(DEVICE, BODY + PLACE(taken))
	:: early = 0
	fi;
	found = LOAD(DEVICE, FLAGS + PLACE(taken)) == AVAILABLE(taken);
#ifndef BROKEN_PENDING_RMB
	early = 0
#endif
}

inline take()
{
	if
	:: early != 0 -> head = early
	:: else -> head = LOAD(DEVICE, BODY + PLACE(taken))
	fi;
	assert(head == taken + 1);
	early = 0;
	head = 0;
	taken++
}

inline publish()
{
	old = published;
	do
	:: published < old + staged ->
		store(DEVICE, BODY + PLACE(published), published + 1);
		published++
	:: else -> break
	od;
#ifndef BROKEN_FLUSH_WMB
	write_barrier(DEVICE);
#endif
	/* The first one last: the driver sees all of them or none. */
	do
	:: staged > 0 ->
		staged--;
		if
		:: staged == 0 && published > old + 1 -> write_barrier(DEVICE)
		:: else -> skip
		fi;
		store(DEVICE, FLAGS + PLACE(old + staged), USED(old + staged))
	:: else -> break
	od;
#ifndef BROKEN_CALL_MB
	full_barrier(DEVICE);
#endif
	flags = LOAD(DEVICE, DRIVER_FLAGS);
	if
	:: flags == DESC ->
		event = LOAD(DEVICE, DRIVER_EVENT);
#ifdef BROKEN_CALL_FOR_THE_LAST_ALONE
		found = NEED_EVENT(event, published, published - 1)
#else
		found = NEED_EVENT(event, published, old)
#endif
	:: else -> found = flags == ENABLE
	fi;
	if
	:: found -> called = true
	:: else -> skip
	fi;
	event = 0;
	flags = 0
}

proctype device()
{
	byte early, old, head, flags, event;
	bool found;
	bool kicks_enabled = true;

	do
	:: published == CHAINS -> break
	:: else ->
		if
		:: kicks_enabled ->
			store(DEVICE, DEVICE_FLAGS, DISABLE);
			kicks_enabled = false
		:: else -> skip
		fi;
		pending();
		do
		:: found && staged < SIZE ->
			take();
			staged++;
			pending()
		:: else -> break
		od;
		if
		:: staged > 0 -> publish()	/* at once, or when the queue is dry */
		:: staged < SIZE && !found ->
#ifndef BROKEN_SLEEP_WITH_STAGED
			if
			:: staged > 0 -> publish()
			:: else -> skip
			fi;
#endif
#ifdef EVENT_INDEX
# ifdef BROKEN_EVENT_AHEAD
			store(DEVICE, DEVICE_EVENT, EVENT(taken + 1));
# else
#  ifdef BROKEN_EVENT_WITHOUT_WRAP
			store(DEVICE, DEVICE_EVENT, PLACE(taken) + SIZE);
#  else
			store(DEVICE, DEVICE_EVENT, EVENT(taken));
#  endif
# endif
			store(DEVICE, DEVICE_FLAGS, DESC);
#else
			store(DEVICE, DEVICE_FLAGS, ENABLE);
#endif
			kicks_enabled = true;
#ifndef BROKEN_ENABLE_MB
			full_barrier(DEVICE);
#endif
#ifdef BROKEN_ENABLE_WITHOUT_LOOK
			found = false;
#else
			pending();
#endif
			if
			:: !found && published < CHAINS -> atomic { kicked -> kicked = false }
			:: else -> skip
			fi
		fi
	od
}

init {
	atomic {
		run store_buffer(DRIVER);
		run store_buffer(DEVICE);
		run driver();
		run device()
	}
}
