/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notifications of a split virtqueue: no chain is left lying while the side that
 * should look at it sleeps, and nobody reads an entry before it is there.
 *
 * Stands for, on the device's side,
 *	split_pending(), split_next()		take()
 *	split_flush(), split_wants_call()	publish()
 *	virtqueue_disable_kicks()		device(), before it takes
 *	virtqueue_enable_kicks()		device(), before it sleeps
 * of kmod/virtqueue, and for a driver that adds in batches, may ask to be called only
 * when several chains have been used, and sleeps when it has nothing better to do.
 *
 * A wake-up that is lost shows as a state in which everybody waits.
 *
 *	EVENT_INDEX	with VIRTIO_F_EVENT_IDX
 *	PAIRS		a packet needs two chains: a single one is put back
 *
 * Indices count modulo twice the queue size: the ratio that 65536 has to the
 * largest queue.
 */

#define SIZE 2
#define MODULUS 4
#ifdef PAIRS
#define CHAINS 6
#else
#define CHAINS 5
#endif

#define DRIVER 0
#define DEVICE 1
#define CPUS 2

/* Words of shared memory. */
#define AVAIL_IDX 0
#define AVAIL_FLAGS 1	/* or used_event, as the feature has it */
#define USED_IDX 2
#define USED_FLAGS 3	/* or avail_event */
#define AVAIL_RING 4
#define USED_RING (AVAIL_RING + SIZE)
#define WORDS (USED_RING + SIZE)

#include "weak_memory.pml"

#define INDEX(count) ((count) % MODULUS)
/* vring_need_event() */
#define NEED_EVENT(event, new, old) \
	((new + MODULUS - event + MODULUS - 1) % MODULUS < (new + MODULUS - old) % MODULUS)

/* Eventfds: whoever waits for one is woken by it, however long ago it was signalled. */
bool kicked;
bool called;

/* Counted from the start, not modulo anything. */
byte added;	/* the driver's */
byte reaped;
byte taken;	/* the device's */
byte published;
byte staged;

/* --- The driver --- */

inline add(count)
{
	old = INDEX(added);
	do
	:: count > 0 ->
		store(DRIVER, AVAIL_RING + added % SIZE, added + 1);
		added++;
		count--
	:: else -> break
	od;
#ifndef BROKEN_DRIVER_WMB
	write_barrier(DRIVER);
#endif
	store(DRIVER, AVAIL_IDX, INDEX(added));
#ifndef BROKEN_DRIVER_KICK_MB
	full_barrier(DRIVER);
#endif
#ifdef EVENT_INDEX
	seen = LOAD(DRIVER, USED_FLAGS);
	wanted = NEED_EVENT(seen, INDEX(added), old);
#else
	wanted = LOAD(DRIVER, USED_FLAGS) == 0;
#endif
	if
	:: wanted -> kicked = true
	:: else -> skip
	fi
}

inline reap()
{
	seen = LOAD(DRIVER, USED_IDX);
	do
	:: seen != INDEX(reaped) ->
		assert(LOAD(DRIVER, USED_RING + reaped % SIZE) == reaped + 1);
		reaped++
	:: else -> break
	od
}

/* Ask for a call once "after" more have been used; tells in "wanted" if to sleep. */
inline calls_on(after)
{
#ifdef EVENT_INDEX
	store(DRIVER, AVAIL_FLAGS, INDEX(reaped + after - 1));
#else
	store(DRIVER, AVAIL_FLAGS, 0);
	after = 1;
#endif
#ifndef BROKEN_DRIVER_CALL_MB
	full_barrier(DRIVER);
#endif
	wanted = (LOAD(DRIVER, USED_IDX) + MODULUS - INDEX(reaped)) % MODULUS < after
}

proctype driver()
{
	byte count, old, seen;
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
#ifndef EVENT_INDEX
		if
		:: calls_enabled ->
			store(DRIVER, AVAIL_FLAGS, 1);
			calls_enabled = false
		:: else -> skip
		fi;
#endif
		reap()
#ifdef PAIRS
	:: added > reaped && (added == CHAINS || added - reaped == SIZE) ->
#else
	:: added > reaped ->
#endif
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

/* split_pending(); its answer is in "found". */
inline pending()
{
	if
	:: INDEX(taken) != seen && !put_back -> found = true
	:: else ->
		/* An entry loaded early, which the read barrier throws away. */
		if
		:: early = LOAD(DEVICE, AVAIL_RING + taken % SIZE)
		:: early = 0
		fi;
		index = LOAD(DEVICE, AVAIL_IDX);
		found = index != seen;
		put_back = put_back && !found;
		seen = index;
#ifndef BROKEN_PENDING_RMB
		early = 0
#endif
	fi
}

inline take()
{
	if
	:: early != 0 -> head = early
	:: else -> head = LOAD(DEVICE, AVAIL_RING + taken % SIZE)
	fi;
	assert(head == taken + 1);
	early = 0;
	head = 0;
	taken++
}

/* virtqueue_publish() */
inline publish()
{
	old = INDEX(published);
	do
	:: staged > 0 ->
		store(DEVICE, USED_RING + published % SIZE, published + 1);
		published++;
		staged--
	:: else -> break
	od;
#ifndef BROKEN_FLUSH_WMB
	write_barrier(DEVICE);
#endif
	store(DEVICE, USED_IDX, INDEX(published));
#ifndef BROKEN_CALL_MB
	full_barrier(DEVICE);
#endif
#ifdef EVENT_INDEX
	index = LOAD(DEVICE, AVAIL_FLAGS);
# ifdef BROKEN_CALL_FOR_THE_LAST_ALONE
	found = NEED_EVENT(index, INDEX(published), INDEX(published + MODULUS - 1));
# else
	found = NEED_EVENT(index, INDEX(published), old);
# endif
#else
	found = LOAD(DEVICE, AVAIL_FLAGS) == 0;
#endif
	if
	:: found -> called = true
	:: else -> skip
	fi
}

proctype device()
{
	byte early, index, old, head;
	byte seen;
	bool found, put_back;
	bool kicks_enabled = true;

	do
	:: published == CHAINS -> break
	:: else ->
#ifndef EVENT_INDEX
		if
		:: kicks_enabled ->
			store(DEVICE, USED_FLAGS, 1);
			kicks_enabled = false
		:: else -> skip
		fi;
#endif
		put_back = false;
		pending();
		do
		:: found && staged < SIZE ->
#ifdef PAIRS
			take();
			pending();
			if
			:: found -> take(); staged = staged + 2
			:: else -> taken--; put_back = true; break
			fi;
#else
			take();
			staged++;
#endif
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
			store(DEVICE, USED_FLAGS, INDEX(seen + 1));
# else
			store(DEVICE, USED_FLAGS, seen);
# endif
#else
			store(DEVICE, USED_FLAGS, 0);
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
