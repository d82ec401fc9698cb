/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The main loop, and the one lock.
 *
 * Everything of the machine that is not guest memory is guarded by one mutex,
 * the machine lock.  The main loop holds it while it calls handlers, and each
 * vCPU thread while it serves an exit.  So a device needs no lock of its own,
 * and all devices share this one: it is what backend=user is served under.
 *
 * A handler runs to its end and does not wait for anything but memory.
 */
#ifndef VQVMM_MACHINE_LOOP_H
#define VQVMM_MACHINE_LOOP_H

#include <stdint.h>

struct loop;
struct loop_timer;

/**
 * loop_create() - a main loop without anything to watch
 * @out: receives the loop; loop_destroy() frees it
 *
 * Return: 0 or -errno.
 */
int loop_create(struct loop **out);

/**
 * loop_destroy() - free a loop
 * @loop: may be NULL; loop_run() has returned, everything added was removed
 */
void loop_destroy(struct loop *loop);

/**
 * loop_lock() - take the machine lock
 * @loop: the loop
 *
 * Not recursive.
 */
void loop_lock(struct loop *loop);

/**
 * loop_unlock() - release the machine lock
 * @loop: the loop
 */
void loop_unlock(struct loop *loop);

/**
 * loop_wait() - give the machine lock up until loop_wake()
 * @loop: the loop
 *
 * It may also return for no reason.
 * Context: a thread other than the main one, under the machine lock.
 */
void loop_wait(struct loop *loop);

/**
 * loop_wake() - let all who are in loop_wait() go on
 * @loop: the loop
 *
 * Context: under the machine lock.
 */
void loop_wake(struct loop *loop);

/**
 * loop_add() - watch a file descriptor for input
 * @loop: the loop
 * @fd: belongs to the caller, must stay open until loop_remove(); one handler each
 * @handler: called whenever @fd is readable or in error, until it no longer is:
 *	it must read what there is
 * @opaque: for @handler
 *
 * Context: under the machine lock, or before loop_run().
 * Return: 0 or -errno.
 */
int loop_add(struct loop *loop, int fd, void (*handler)(void *opaque), void *opaque);

/**
 * loop_remove() - watch a file descriptor no longer
 * @loop: the loop
 * @fd: as given to loop_add(); one that was never added is no error
 *
 * When this returns the handler does not run and will not run again, even if
 * input had been seen already.  A handler may remove itself.
 * Context: under the machine lock, or while loop_run() does not run.
 */
void loop_remove(struct loop *loop, int fd);

/**
 * loop_timer_add() - a timer, not yet armed
 * @loop: the loop
 * @handler: called under the machine lock each time the timer expires
 * @opaque: for @handler
 * @out: receives the timer; loop_timer_remove() frees it
 *
 * Context: under the machine lock, or before loop_run().
 * Return: 0 or -errno.
 */
int loop_timer_add(struct loop *loop, void (*handler)(void *opaque), void *opaque,
		   struct loop_timer **out);

/**
 * loop_timer_arm() - let a timer expire once
 * @timer: the timer
 * @nanoseconds: from now on; 0 disarms the timer
 *
 * Context: under the machine lock, or before loop_run().
 * Return: 0 or -errno.
 */
int loop_timer_arm(struct loop_timer *timer, uint64_t nanoseconds);

/**
 * loop_timer_remove() - free a timer
 * @timer: may be NULL; may be armed
 *
 * Context: under the machine lock, or while loop_run() does not run.
 */
void loop_timer_remove(struct loop_timer *timer);

/**
 * loop_run() - call handlers until loop_stop()
 * @loop: the loop
 *
 * Context: the main thread, without the machine lock.
 * Return: 0, or -errno if waiting failed.
 */
int loop_run(struct loop *loop);

/**
 * loop_stop() - make loop_run() return
 * @loop: the loop
 *
 * Handlers whose input has been seen already still run.
 * Context: any thread, with or without the machine lock.
 */
void loop_stop(struct loop *loop);

#endif /* VQVMM_MACHINE_LOOP_H */
