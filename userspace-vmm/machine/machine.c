// SPDX-License-Identifier: GPL-2.0
/*
 * Creating the machine around a VM, and ending it.
 */
#include "machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bus/pci.h"
#include "machine/cpuid.h"
#include "machine/pause.h"
#include "machine/vcpu.h"
#include "options.h"

#define KVM_DEVICE "/dev/kvm"

/* Pages KVM needs for itself on Intel hosts: below the reset vector, no RAM. */
#define KVM_IDENTITY_MAP 0xfffbc000UL
#define KVM_TSS 0xfffbd000UL

static const struct {
	int number;
	const char *name;
} capabilities[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_CAP_IOEVENTFD_ANY_LENGTH" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

/* Say what failed inside, where no option is to blame. */
static int internal_error(const char *what, int err)
{
	fprintf(stderr, "vqvmm: %s: %s\n", what, strerror(-err));
	return err;
}

static int open_kvm(struct machine *machine)
{
	unsigned int i;

	machine->kvm_fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (machine->kvm_fd < 0)
		return option_error("run", KVM_DEVICE, "%m");
	if (ioctl(machine->kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		option_error("run", KVM_DEVICE, "not a KVM of version %d", KVM_API_VERSION);
		goto close_kvm;
	}
	for (i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (ioctl(machine->kvm_fd, KVM_CHECK_EXTENSION, capabilities[i].number) > 0)
			continue;
		option_error("run", KVM_DEVICE, "this host's KVM lacks %s", capabilities[i].name);
		goto close_kvm;
	}
	return 0;

close_kvm:
	close(machine->kvm_fd);
	return OPTION_REJECTED;
}

static int check_cpus(const struct machine *machine, unsigned int cpus)
{
	int max = ioctl(machine->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	char given[16];

	if (max <= 0 || cpus <= (unsigned int)max)
		return 0;
	snprintf(given, sizeof(given), "%u", cpus);
	return option_error("--cpus", given, "this host's KVM takes at most %d", max);
}

/* Guest memory and the PCI window after it must be addressable. */
static int check_memory(struct machine *machine, uint64_t size)
{
	int bits = cpuid_physical_bits(machine);
	char given[OPTION_SIZE_TEXT];

	if (bits < 0)
		return internal_error("KVM_GET_SUPPORTED_CPUID", bits);
	if (pci_window_high(machine) + PCI_WINDOW_HIGH_SIZE <= 1ULL << bits)
		return 0;
	return option_error("--memory", option_size_text(size, given),
			    "guest addresses have %d bits on this host", bits);
}

static int create_memory(struct machine *machine, uint64_t size)
{
	char given[OPTION_SIZE_TEXT];
	int err;

	err = guest_memory_create(size, &machine->memory);
	if (err)
		return option_error("--memory", option_size_text(size, given), "%s",
				    strerror(-err));
	return 0;
}

static int give_memory(struct machine *machine)
{
	const struct guest_region *regions;
	unsigned int count, i;

	regions = guest_memory_regions(machine->memory, &count);
	for (i = 0; i < count; i++) {
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = regions[i].address,
			.memory_size = regions[i].size,
			.userspace_addr = (uintptr_t)regions[i].host,
		};

		if (ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot))
			return internal_error("KVM_SET_USER_MEMORY_REGION", -errno);
	}
	return 0;
}

static int create_vm(struct machine *machine)
{
	uint64_t identity_map = KVM_IDENTITY_MAP;
	int err;

	do {
		machine->vm_fd = ioctl(machine->kvm_fd, KVM_CREATE_VM, 0UL);
	} while (machine->vm_fd < 0 && errno == EINTR);
	if (machine->vm_fd < 0)
		return internal_error("KVM_CREATE_VM", -errno);
	if (ioctl(machine->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) ||
	    ioctl(machine->vm_fd, KVM_SET_TSS_ADDR, KVM_TSS)) {
		err = internal_error("KVM_SET_TSS_ADDR", -errno);
		goto close_vm;
	}
	err = give_memory(machine);
	if (err)
		goto close_vm;
	err = irq_create(machine);
	if (err) {
		internal_error("interrupt controllers", err);
		goto close_vm;
	}
	return 0;

close_vm:
	close(machine->vm_fd);
	return err;
}

static void destroy_vcpus(struct machine *machine, unsigned int count)
{
	while (count--)
		vcpu_destroy(&machine->vcpus[count]);
	free(machine->vcpus);
}

static int create_vcpus(struct machine *machine, unsigned int cpus)
{
	unsigned int i;
	int err;

	machine->vcpus = calloc(cpus, sizeof(*machine->vcpus));
	if (!machine->vcpus)
		return internal_error("vCPUs", -ENOMEM);
	machine->vcpu_count = cpus;
	for (i = 0; i < cpus; i++) {
		err = vcpu_create(machine, &machine->vcpus[i], i);
		if (err) {
			internal_error("creating a vCPU", err);
			destroy_vcpus(machine, i);
			return err;
		}
	}
	return 0;
}

int machine_create(struct machine *machine, unsigned int cpus, uint64_t memory_size)
{
	int err;

	*machine = (struct machine){ 0 };
	err = open_kvm(machine);
	if (err)
		return err;
	err = check_cpus(machine, cpus);
	if (err)
		goto close_kvm;
	err = create_memory(machine, memory_size);
	if (err)
		goto close_kvm;
	err = check_memory(machine, memory_size);
	if (err)
		goto destroy_memory;
	err = loop_create(&machine->loop);
	if (err) {
		internal_error("main loop", err);
		goto destroy_memory;
	}
	err = create_vm(machine);
	if (err)
		goto destroy_loop;
	err = pause_create(machine);
	if (err) {
		internal_error("pausing", err);
		goto destroy_vm;
	}
	err = vcpu_prepare_signals();
	if (!err)
		err = create_vcpus(machine, cpus);
	if (err)
		goto destroy_pause;
	err = pci_bus_create(machine);
	if (err) {
		internal_error("PCI bus", err);
		goto destroy_cpus;
	}
	return 0;

destroy_cpus:
	destroy_vcpus(machine, machine->vcpu_count);
destroy_pause:
	pause_destroy(machine);
destroy_vm:
	irq_destroy(machine);
	close(machine->vm_fd);
destroy_loop:
	loop_destroy(machine->loop);
destroy_memory:
	guest_memory_destroy(machine->memory);
close_kvm:
	close(machine->kvm_fd);
	space_destroy(&machine->ports);
	space_destroy(&machine->mmio);
	return err;
}

void machine_destroy(struct machine *machine)
{
	pci_bus_destroy(machine);
	destroy_vcpus(machine, machine->vcpu_count);
	pause_destroy(machine);
	irq_destroy(machine);
	close(machine->vm_fd);
	loop_destroy(machine->loop);
	guest_memory_destroy(machine->memory);
	close(machine->kvm_fd);
	space_destroy(&machine->ports);
	space_destroy(&machine->mmio);
}

int machine_start(struct machine *machine)
{
	unsigned int i;
	int err;

	for (i = 0; i < machine->vcpu_count; i++) {
		err = vcpu_start(&machine->vcpus[i]);
		if (err) {
			machine_stop(machine);
			return internal_error("starting a vCPU", err);
		}
	}
	return 0;
}

void machine_stop(struct machine *machine)
{
	unsigned int i;

	pause_cancel(machine);
	for (i = 0; i < machine->vcpu_count; i++)
		vcpu_stop(&machine->vcpus[i]);
}

void machine_request_exit(struct machine *machine, enum machine_exit reason)
{
	if (machine->exit_requested)
		return;
	machine->exit_requested = true;
	machine->exit_reason = reason;
	loop_stop(machine->loop);
}

static int ioeventfd(struct machine *machine, uint64_t address, unsigned int length, int fd,
		     uint32_t flags)
{
	struct kvm_ioeventfd event = {
		.addr = address,
		.len = length,
		.fd = fd,
		.flags = flags,
	};

	return ioctl(machine->vm_fd, KVM_IOEVENTFD, &event) ? -errno : 0;
}

int machine_ioeventfd_add(struct machine *machine, uint64_t address, unsigned int length, int fd)
{
	return ioeventfd(machine, address, length, fd, 0);
}

int machine_ioeventfd_remove(struct machine *machine, uint64_t address, unsigned int length,
			     int fd)
{
	return ioeventfd(machine, address, length, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
