// SPDX-License-Identifier: GPL-2.0
/*
 * vCPU threads and the exits they serve, each under the machine lock.
 *
 * To stop or park a vCPU its immediate_exit is set and its thread gets a signal: the
 * signal ends a KVM_RUN that is under way, the flag one that is about to begin.
 */
#include "machine/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/cpuid.h"
#include "machine/machine.h"
#include "machine/pause.h"

#define STOP_SIGNAL SIGUSR1

/* Handlers keep little on the stack; guest memory is meant to be the bulk. */
#define STACK_SIZE (128 << 10)

static void ignore_signal(int number)
{
	(void)number;
}

int vcpu_prepare_signals(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	return sigaction(STOP_SIGNAL, &action, NULL) ? -errno : 0;
}

int vcpu_create(struct machine *machine, struct vcpu *vcpu, unsigned int index)
{
	int size, err;

	vcpu->machine = machine;
	vcpu->index = index;
	size = ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		return -errno;
	vcpu->run_size = (size_t)size;
	vcpu->fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0)
		return -errno;
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		err = -errno;
		goto close_fd;
	}
	err = cpuid_set(machine, vcpu);
	if (err)
		goto unmap;
	return 0;

unmap:
	munmap(vcpu->run, vcpu->run_size);
close_fd:
	close(vcpu->fd);
	vcpu->fd = -1;
	return err;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
}

static void serve_port(struct machine *machine, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned int i;

	/* A string instruction repeats the access at the same port. */
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			space_read(&machine->ports, run->io.port, data, run->io.size);
		else
			space_write(&machine->ports, run->io.port, data, run->io.size);
	}
}

static void serve_mmio(struct machine *machine, struct kvm_run *run)
{
	if (run->mmio.is_write)
		space_write(&machine->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else
		space_read(&machine->mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

static void fail(struct vcpu *vcpu, const char *what, unsigned long long detail)
{
	/* When the machine ends already, one reason is enough. */
	if (!vcpu->machine->exit_requested)
		fprintf(stderr, "vqvmm: vCPU %u: %s 0x%llx\n", vcpu->index, what, detail);
	machine_request_exit(vcpu->machine, MACHINE_EXIT_ERROR);
}

static void serve_exit(struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		serve_port(machine, run);
		break;
	case KVM_EXIT_MMIO:
		serve_mmio(machine, run);
		break;
	case KVM_EXIT_SHUTDOWN:
		/* A triple fault resets a PC. */
		machine_request_exit(machine, MACHINE_EXIT_RESET);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fail(vcpu, "KVM cannot enter the guest, hardware reason",
		     run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		fail(vcpu, "KVM internal error", run->internal.suberror);
		break;
	default:
		fail(vcpu, "unexpected KVM exit", run->exit_reason);
	}
}

static void *vcpu_main(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct machine *machine = vcpu->machine;
	bool done = false;

	while (!done && !__atomic_load_n(&vcpu->stop, __ATOMIC_ACQUIRE)) {
		int err = ioctl(vcpu->fd, KVM_RUN, 0) ? errno : 0;

		machine_lock(machine);
		if (err == EINTR || err == EAGAIN)
			pause_park(vcpu);
		else if (err)
			fail(vcpu, "KVM_RUN fails, errno", (unsigned int)err);
		else
			serve_exit(vcpu);
		/* The instruction that ended the machine is this vCPU's last. */
		done = machine->exit_requested;
		machine_unlock(machine);
	}
	return NULL;
}

int vcpu_start(struct vcpu *vcpu)
{
	pthread_attr_t attributes;
	char name[16];
	int err;

	err = -pthread_attr_init(&attributes);
	if (err)
		return err;
	err = -pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (!err)
		err = -pthread_create(&vcpu->thread, &attributes, vcpu_main, vcpu);
	pthread_attr_destroy(&attributes);
	if (err)
		return err;
	vcpu->started = true;
	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(vcpu->thread, name);
	return 0;
}

void vcpu_kick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
	pthread_kill(vcpu->thread, STOP_SIGNAL);
}

void vcpu_let_run(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	__atomic_store_n(&vcpu->stop, true, __ATOMIC_RELEASE);
	vcpu_kick(vcpu);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}
