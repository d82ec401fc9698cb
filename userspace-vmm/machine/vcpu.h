/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU: its file descriptor, its thread, and its exits.
 */
#ifndef VQVMM_MACHINE_VCPU_H
#define VQVMM_MACHINE_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct kvm_run;
struct machine;

/**
 * struct vcpu - a vCPU
 * @machine: whose it is
 * @index: its number, also its APIC id
 * @fd: of KVM
 * @run: shared with KVM
 * @run_size: bytes of @run
 * @thread: runs it
 * @started: @thread exists
 * @stop: the thread is to end
 */
struct vcpu {
	struct machine *machine;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;
	bool stop;
};

/**
 * vcpu_create() - create a vCPU as it is after power-on
 * @machine: has a VM with interrupt controllers
 * @vcpu: is initialised; vcpu_destroy() undoes it
 * @index: its number
 *
 * CPUID is set.  vCPU 0 waits for registers and a start, others for the guest's
 * start-up interrupt.
 * Return: 0 or -errno.
 */
int vcpu_create(struct machine *machine, struct vcpu *vcpu, unsigned int index);

/**
 * vcpu_destroy() - undo vcpu_create()
 * @vcpu: its thread does not run
 */
void vcpu_destroy(struct vcpu *vcpu);

/**
 * vcpu_start() - let it run on a thread of its own
 * @vcpu: not started
 *
 * Return: 0 or -errno.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_stop() - end its thread and wait for that
 * @vcpu: may not have been started
 *
 * Context: the main thread, without the machine lock.
 */
void vcpu_stop(struct vcpu *vcpu);

/**
 * vcpu_kick() - get it out of the guest, and keep it out until vcpu_let_run()
 * @vcpu: started
 *
 * Its thread finishes what the guest's last instruction began, and parks if that
 * is wanted: pause_park().
 * Context: under the machine lock.
 */
void vcpu_kick(struct vcpu *vcpu);

/**
 * vcpu_let_run() - undo vcpu_kick()
 * @vcpu: started
 *
 * Context: the main thread, under the machine lock.
 */
void vcpu_let_run(struct vcpu *vcpu);

/**
 * vcpu_prepare_signals() - install the signal that gets vCPUs out of the guest
 *
 * Return: 0 or -errno.
 */
int vcpu_prepare_signals(void);

#endif /* VQVMM_MACHINE_VCPU_H */
