/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine: what all its parts can reach.
 */
#ifndef VQVMM_MACHINE_MACHINE_H
#define VQVMM_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/irq.h"
#include "machine/loop.h"
#include "machine/memory.h"
#include "machine/space.h"

struct irq_routes;
struct pauser;
struct pci_bus;
struct vcpu;
struct virtio_device;

/* vCPUs of a machine: APIC ids of 8 bits, 255 is the broadcast. */
#define MACHINE_VCPUS_MAX 254

/**
 * enum machine_exit - why the machine ended: the exit status of the process
 * @MACHINE_EXIT_POWER_OFF: the guest switched itself off
 * @MACHINE_EXIT_BAD_INPUT: an option, or a file it names, is no good
 * @MACHINE_EXIT_RESET: the guest reset itself
 * @MACHINE_EXIT_PANIC: the guest told of a panic
 * @MACHINE_EXIT_ERROR: KVM or the VMM failed
 * @MACHINE_EXIT_QUIT: ended from outside: Ctrl-a x, SIGINT, SIGTERM, SIGHUP
 */
enum machine_exit {
	MACHINE_EXIT_POWER_OFF	= 0,
	MACHINE_EXIT_BAD_INPUT	= 2,
	MACHINE_EXIT_RESET	= 3,
	MACHINE_EXIT_PANIC	= 4,
	MACHINE_EXIT_ERROR	= 5,
	MACHINE_EXIT_QUIT	= 130,
};

/**
 * struct machine - a machine
 * @kvm_fd: /dev/kvm
 * @vm_fd: the VM
 * @memory: guest memory
 * @loop: the main loop and the machine lock
 * @ports: I/O ports
 * @mmio: memory-mapped addresses
 * @irq: interrupt routes, see irq.h
 * @pci: the PCI bus
 * @devices: its virtio devices, the youngest first
 * @pauser: see pause.h
 * @paused: vCPUs and queues stand still
 * @vcpus: @vcpu_count of them
 * @vcpu_count: number of vCPUs
 * @exit_requested: @exit_reason is valid
 * @exit_reason: why the machine ends; the first reason counts
 *
 * Everything but @memory is guarded by the machine lock once vCPUs run.
 */
struct machine {
	int kvm_fd;
	int vm_fd;
	struct guest_memory *memory;
	struct loop *loop;
	struct space ports;
	struct space mmio;
	struct irq_routes *irq;
	struct pci_bus *pci;
	struct virtio_device *devices;
	struct pauser *pauser;
	bool paused;
	struct vcpu *vcpus;
	unsigned int vcpu_count;
	bool exit_requested;
	enum machine_exit exit_reason;
};

/**
 * machine_create() - a VM with memory, interrupt controllers and a main loop
 * @machine: is initialised; machine_destroy() undoes it
 * @cpus: number of vCPUs, created but not started
 * @memory_size: bytes of guest memory, a multiple of the page size
 *
 * Reports its errors itself, with the option that is to blame.
 * Return: 0; OPTION_REJECTED if this host cannot give what was asked for;
 * another -errno.
 */
int machine_create(struct machine *machine, unsigned int cpus, uint64_t memory_size);

/**
 * machine_destroy() - undo machine_create()
 * @machine: its vCPUs do not run, its devices are gone
 */
void machine_destroy(struct machine *machine);

/**
 * machine_start() - let the vCPUs run
 * @machine: vCPU 0 has been given its first instruction
 *
 * Return: 0; or -errno, reported, with no vCPU running.
 */
int machine_start(struct machine *machine);

/**
 * machine_stop() - end all vCPU threads and wait for them
 * @machine: may have been stopped before
 *
 * Context: the main thread, without the machine lock.
 */
void machine_stop(struct machine *machine);

/**
 * machine_request_exit() - end the machine
 * @machine: the machine
 * @reason: why; if the end has been requested already the first reason stays
 *
 * Context: under the machine lock, any thread.  Returns at once; the main loop
 * returns soon.
 */
void machine_request_exit(struct machine *machine, enum machine_exit reason);

/**
 * machine_lock() - take the machine lock
 * @machine: the machine
 */
static inline void machine_lock(struct machine *machine)
{
	loop_lock(machine->loop);
}

/**
 * machine_unlock() - release the machine lock
 * @machine: the machine
 */
static inline void machine_unlock(struct machine *machine)
{
	loop_unlock(machine->loop);
}

/**
 * machine_ioeventfd_add() - let a guest's write signal an eventfd in the kernel
 * @machine: the machine
 * @address: guest address, memory-mapped
 * @length: bytes of the write: 1, 2, 4, 8, or 0 for any
 * @fd: an eventfd
 *
 * Return: 0; -EEXIST if there is one like it; another -errno.
 */
int machine_ioeventfd_add(struct machine *machine, uint64_t address, unsigned int length, int fd);

/**
 * machine_ioeventfd_remove() - undo machine_ioeventfd_add()
 * @machine: the machine
 * @address: as given to machine_ioeventfd_add()
 * @length: as given to machine_ioeventfd_add()
 * @fd: as given to machine_ioeventfd_add()
 *
 * Return: 0; -ENOENT if there is none like it; another -errno.
 */
int machine_ioeventfd_remove(struct machine *machine, uint64_t address, unsigned int length,
			     int fd);

#endif /* VQVMM_MACHINE_MACHINE_H */
