/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From an empty machine to the first instruction of a kernel.
 *
 * Context of all functions: the main thread, before the vCPUs run.
 */
#ifndef VQVMM_BOOT_BOOT_H
#define VQVMM_BOOT_BOOT_H

#include <stdint.h>

struct machine;
struct options;

/**
 * linux_load() - put a kernel, its initial RAM disk and its parameters in memory
 * @machine: all devices are there
 * @options: names the files; errors are reported in its terms
 * @rsdp: guest address of ACPI's root pointer
 * @entry: receives the address of the first instruction
 *
 * Linux/x86 boot protocol 2.12 or later, 64-bit entry.
 * Return: 0; OPTION_REJECTED, reported.
 */
int linux_load(struct machine *machine, const struct options *options, uint64_t rsdp,
	       uint64_t *entry);

/**
 * acpi_create() - put ACPI's tables in memory
 * @machine: all devices are there
 *
 * Return: guest address of the root pointer (RSDP).
 */
uint64_t acpi_create(struct machine *machine);

/**
 * start_prepare() - let vCPU 0 begin in 64-bit mode
 * @machine: the machine
 * @entry: address of the first instruction
 * @parameters: goes into RSI
 *
 * The first 4 GiB are mapped one to one, interrupts are off.
 * Return: 0 or -errno, reported.
 */
int start_prepare(struct machine *machine, uint64_t entry, uint64_t parameters);

#endif /* VQVMM_BOOT_BOOT_H */
