// SPDX-License-Identifier: GPL-2.0
/*
 * The processor's state at the kernel's 64-bit entry point: long mode, flat
 * segments, paging.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "boot/boot.h"
#include "boot/layout.h"
#include "machine/machine.h"
#include "machine/vcpu.h"

#define PAGE 4096

/* As the boot protocol has them: __BOOT_CS and __BOOT_DS. */
#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18
#define SELECTOR_TASK 0x20

/* Access byte and flags of a descriptor, where they lie in its upper half. */
#define DESCRIPTOR_CODE 0x00af9b000000ffffULL	/* 64-bit, execute and read */
#define DESCRIPTOR_DATA 0x00cf93000000ffffULL	/* read and write */
#define DESCRIPTOR_TASK 0x00008b0000000067ULL	/* 64-bit TSS, busy */

#define PAGE_PRESENT 0x001ULL
#define PAGE_WRITABLE 0x002ULL
#define PAGE_LARGE 0x080ULL
#define LARGE_PAGE_SIZE 0x200000ULL
#define TABLE_ENTRIES 512
#define MAPPED_GIB 4

#define CR0_PE 0x00000001ULL
#define CR0_MP 0x00000002ULL
#define CR0_ET 0x00000010ULL
#define CR0_NE 0x00000020ULL
#define CR0_WP 0x00010000ULL
#define CR0_AM 0x00040000ULL
#define CR0_PG 0x80000000ULL
#define CR4_PAE 0x00000020ULL
#define EFER_LME 0x00000100ULL
#define EFER_LMA 0x00000400ULL

#define RFLAGS_FIXED 0x2ULL

#define MSR_MTRR_DEFAULT 0x2ff
#define MTRR_ENABLE 0x800ULL
#define MTRR_WRITE_BACK 6ULL

/* Level 3 follows level 4, the tables of level 2 follow that. */
static void map_low_memory(struct machine *machine)
{
	uint64_t *level4, *level3, *level2;
	unsigned int i;

	level4 = guest_memory_host(machine->memory, BOOT_PAGE_TABLES, (2 + MAPPED_GIB) * PAGE);
	level3 = level4 + TABLE_ENTRIES;
	level2 = level3 + TABLE_ENTRIES;
	level4[0] = (BOOT_PAGE_TABLES + PAGE) | PAGE_PRESENT | PAGE_WRITABLE;
	for (i = 0; i < MAPPED_GIB; i++)
		level3[i] = (BOOT_PAGE_TABLES + (2 + i) * PAGE) | PAGE_PRESENT | PAGE_WRITABLE;
	for (i = 0; i < MAPPED_GIB * TABLE_ENTRIES; i++)
		level2[i] = i * LARGE_PAGE_SIZE | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
}

/* The hidden part of a segment register, taken from its descriptor. */
static struct kvm_segment segment(uint16_t selector, uint64_t descriptor)
{
	return (struct kvm_segment){
		.base = 0,
		.limit = descriptor & (1ULL << 55) ? 0xffffffff : (uint32_t)descriptor & 0xffff,
		.selector = selector,
		.type = descriptor >> 40 & 0xf,
		.s = descriptor >> 44 & 1,
		.dpl = descriptor >> 45 & 3,
		.present = descriptor >> 47 & 1,
		.avl = descriptor >> 52 & 1,
		.l = descriptor >> 53 & 1,
		.db = descriptor >> 54 & 1,
		.g = descriptor >> 55 & 1,
	};
}

static int set_system_registers(struct machine *machine, const struct vcpu *vcpu)
{
	static const uint64_t gdt[] = {
		0, 0, DESCRIPTOR_CODE, DESCRIPTOR_DATA, DESCRIPTOR_TASK, 0
	};
	struct kvm_sregs registers;

	memcpy(guest_memory_host(machine->memory, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &registers))
		return -errno;
	registers.gdt.base = BOOT_GDT;
	registers.gdt.limit = sizeof(gdt) - 1;
	registers.idt.base = 0;
	registers.idt.limit = 0;
	registers.cs = segment(SELECTOR_CODE, DESCRIPTOR_CODE);
	registers.ds = segment(SELECTOR_DATA, DESCRIPTOR_DATA);
	registers.es = registers.ds;
	registers.fs = registers.ds;
	registers.gs = registers.ds;
	registers.ss = registers.ds;
	registers.tr = segment(SELECTOR_TASK, DESCRIPTOR_TASK);
	registers.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	registers.cr3 = BOOT_PAGE_TABLES;
	registers.cr4 = CR4_PAE;
	registers.efer = EFER_LME | EFER_LMA;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &registers) ? -errno : 0;
}

static int set_registers(const struct vcpu *vcpu, uint64_t entry, uint64_t parameters)
{
	struct kvm_regs registers = {
		.rip = entry,
		.rsi = parameters,
		.rflags = RFLAGS_FIXED,
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &registers) ? -errno : 0;
}

/* Memory is cached by default, as firmware would have set up on every processor. */
static int set_memory_types(const struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entries[1];
	} msrs = {
		.header.nmsrs = 1,
		.entries[0] = {
			.index = MSR_MTRR_DEFAULT, .data = MTRR_ENABLE | MTRR_WRITE_BACK
		},
	};
	int set = ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);

	if (set < 0)
		return -errno;
	return set == 1 ? 0 : -EINVAL;
}

int start_prepare(struct machine *machine, uint64_t entry, uint64_t parameters)
{
	unsigned int i;
	int err = 0;

	map_low_memory(machine);
	for (i = 0; i < machine->vcpu_count && !err; i++)
		err = set_memory_types(&machine->vcpus[i]);
	if (!err)
		err = set_system_registers(machine, &machine->vcpus[0]);
	if (!err)
		err = set_registers(&machine->vcpus[0], entry, parameters);
	if (err)
		fprintf(stderr, "vqvmm: setting a vCPU's registers: %s\n", strerror(-err));
	return err;
}
