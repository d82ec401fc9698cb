// SPDX-License-Identifier: GPL-2.0
/*
 * Pausing: vCPUs wait for each other, the main loop for all of them.
 */
#include "machine/pause.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/vcpu.h"
#include "virtio/device.h"

/**
 * struct pauser - guarded by the machine lock
 * @wanted: vCPUs are to park
 * @round: raised when they are to go on: one that has not yet noticed when the next
 *	pause begins parks once more
 * @parked: so many have, in this round
 * @all_parked: eventfd, written when the last one has
 * @clock: the guest's paravirtual clock while it stands still
 * @done: who waits for the machine to stand still, or NULL
 * @opaque: for @done
 */
struct pauser {
	bool wanted;
	unsigned int round;
	unsigned int parked;
	int all_parked;
	struct kvm_clock_data clock;
	void (*done)(void *opaque);
	void *opaque;
};

static void update_devices(struct machine *machine)
{
	struct virtio_device *device;

	for (device = machine->devices; device; device = device->next)
		virtio_device_update(device);
}

static void handle_all_parked(void *opaque)
{
	struct machine *machine = opaque;
	struct pauser *pauser = machine->pauser;
	void (*done)(void *opaque) = pauser->done;
	eventfd_t count;

	eventfd_read(pauser->all_parked, &count);
	machine->paused = true;
	update_devices(machine);
	ioctl(machine->vm_fd, KVM_GET_CLOCK, &pauser->clock);
	pauser->done = NULL;
	done(pauser->opaque);
}

int pause_create(struct machine *machine)
{
	struct pauser *pauser = calloc(1, sizeof(*pauser));
	int err;

	if (!pauser)
		return -ENOMEM;
	pauser->all_parked = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pauser->all_parked < 0) {
		err = -errno;
		goto free_pauser;
	}
	err = loop_add(machine->loop, pauser->all_parked, handle_all_parked, machine);
	if (err)
		goto close_fd;
	machine->pauser = pauser;
	return 0;

close_fd:
	close(pauser->all_parked);
free_pauser:
	free(pauser);
	return err;
}

void pause_destroy(struct machine *machine)
{
	struct pauser *pauser = machine->pauser;

	loop_remove(machine->loop, pauser->all_parked);
	close(pauser->all_parked);
	free(pauser);
}

int pause_begin(struct machine *machine, void (*done)(void *opaque), void *opaque)
{
	struct pauser *pauser = machine->pauser;
	unsigned int i;

	if (pauser->done)
		return -EBUSY;
	pauser->done = done;
	pauser->opaque = opaque;
	pauser->wanted = true;
	for (i = 0; i < machine->vcpu_count; i++)
		vcpu_kick(&machine->vcpus[i]);
	return 0;
}

/* Its clock goes on from where it stood, and its watchdogs are told. */
static void set_clocks(struct machine *machine)
{
	struct kvm_clock_data clock = { .clock = machine->pauser->clock.clock };
	unsigned int i;

	ioctl(machine->vm_fd, KVM_SET_CLOCK, &clock);
	/* Fails for a guest that does not use the clock. */
	for (i = 0; i < machine->vcpu_count; i++)
		ioctl(machine->vcpus[i].fd, KVM_KVMCLOCK_CTRL, 0);
}

static void let_go(struct machine *machine)
{
	struct pauser *pauser = machine->pauser;

	pauser->wanted = false;
	pauser->parked = 0;
	pauser->round++;
	loop_wake(machine->loop);
}

int pause_end(struct machine *machine)
{
	struct pauser *pauser = machine->pauser;
	unsigned int i;

	if (pauser->done)
		return -EBUSY;
	if (!machine->paused)
		return 0;
	machine->paused = false;
	set_clocks(machine);
	update_devices(machine);
	for (i = 0; i < machine->vcpu_count; i++)
		vcpu_let_run(&machine->vcpus[i]);
	let_go(machine);
	return 0;
}

void pause_cancel(struct machine *machine)
{
	machine_lock(machine);
	let_go(machine);
	machine_unlock(machine);
}

void pause_park(struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	struct pauser *pauser = machine->pauser;
	unsigned int round = pauser->round;

	if (!pauser->wanted)
		return;
	if (++pauser->parked == machine->vcpu_count)
		eventfd_write(pauser->all_parked, 1);
	while (pauser->round == round)
		loop_wait(machine->loop);
}
