/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a vCPU tells about itself.
 */
#ifndef VQVMM_MACHINE_CPUID_H
#define VQVMM_MACHINE_CPUID_H

struct machine;
struct vcpu;

/**
 * cpuid_set() - give a vCPU its CPUID
 * @machine: its machine, with the number of vCPUs
 * @vcpu: has a file descriptor
 *
 * It is what KVM supports on this host, with the machine's own topology: one
 * package, as many cores as vCPUs, one thread each.
 * Return: 0 or -errno.
 */
int cpuid_set(const struct machine *machine, const struct vcpu *vcpu);

/**
 * cpuid_physical_bits() - width of guest addresses
 * @machine: has /dev/kvm open
 *
 * Return: 36 to 52, or -errno.
 */
int cpuid_physical_bits(const struct machine *machine);

#endif /* VQVMM_MACHINE_CPUID_H */
