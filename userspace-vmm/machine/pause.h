/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Letting a machine stand still, and go on.
 *
 * First the vCPUs park, each when it has finished what its last instruction began.
 * When the last one has parked the main loop stops the queues: what they have taken
 * is finished, what the guest has made available meanwhile stays in its rings.
 */
#ifndef VQVMM_MACHINE_PAUSE_H
#define VQVMM_MACHINE_PAUSE_H

struct machine;
struct vcpu;

/**
 * pause_create() - be able to pause
 * @machine: has a main loop; pause_destroy() undoes it
 *
 * Return: 0 or -errno.
 */
int pause_create(struct machine *machine);

/**
 * pause_destroy() - undo pause_create()
 * @machine: the machine
 */
void pause_destroy(struct machine *machine);

/**
 * pause_begin() - let the machine stand still
 * @machine: runs
 * @done: called by the main loop when it does; not called if the machine ends before
 * @opaque: for @done
 *
 * Context: the main thread, under the machine lock.
 * Return: 0; -EBUSY while somebody else waits for the same.
 */
int pause_begin(struct machine *machine, void (*done)(void *opaque), void *opaque);

/**
 * pause_end() - let it go on
 * @machine: paused or running
 *
 * For the guest no time has passed by its paravirtual clock.
 * Context: the main thread, under the machine lock.
 * Return: 0; -EBUSY while it is about to pause.
 */
int pause_end(struct machine *machine);

/**
 * pause_cancel() - no vCPU parks any more
 * @machine: is about to end
 *
 * Context: the main thread, without the machine lock.
 */
void pause_cancel(struct machine *machine);

/**
 * pause_park() - wait here while the machine is to stand still
 * @vcpu: not in the guest, nothing of its last instruction is left to do
 *
 * Context: the vCPU's thread, under the machine lock.
 */
void pause_park(struct vcpu *vcpu);

#endif /* VQVMM_MACHINE_PAUSE_H */
