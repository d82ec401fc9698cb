// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: KVM's supported leaves, with the topology of this machine put in.
 */
#include "machine/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "machine/machine.h"
#include "machine/vcpu.h"

/* More than any kernel returns; it says E2BIG if not. */
#define ENTRIES_FIRST 128
#define ENTRIES_MAX 1024

#define BIT(number) (1U << (number))

/* Leaf 1 */
#define FEATURE_X2APIC BIT(21)		/* ecx */
#define FEATURE_TSC_DEADLINE BIT(24)	/* ecx */
#define FEATURE_HYPERVISOR BIT(31)	/* ecx */

/* Leaf 0xb has one subleaf a level. */
#define TOPOLOGY_LEAF 0xb
#define TOPOLOGY_LEVELS 2
#define TOPOLOGY_SMT (1 << 8)
#define TOPOLOGY_CORE (2 << 8)

static int get_supported(const struct machine *machine, struct kvm_cpuid2 **out)
{
	unsigned int count;

	for (count = ENTRIES_FIRST; count <= ENTRIES_MAX; count *= 2) {
		struct kvm_cpuid2 *cpuid;
		int err;

		/* With room for what set_topology() adds. */
		cpuid = calloc(1, sizeof(*cpuid) +
			       (count + TOPOLOGY_LEVELS) * sizeof(cpuid->entries[0]));
		if (!cpuid)
			return -ENOMEM;
		cpuid->nent = count;
		if (!ioctl(machine->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
			*out = cpuid;
			return 0;
		}
		err = -errno;
		free(cpuid);
		if (err != -E2BIG)
			return err;
	}
	return -E2BIG;
}

/* Bits that number this many things. */
static unsigned int bits_for(unsigned int count)
{
	unsigned int bits = 0;

	while ((1U << bits) < count)
		bits++;
	return bits;
}

static void set_field(uint32_t *word, unsigned int shift, unsigned int width, uint32_t value)
{
	uint32_t mask = (width < 32 ? BIT(width) - 1 : ~0U) << shift;

	*word = (*word & ~mask) | (value << shift & mask);
}

/*
 * Extended topology: a core has one thread, a package all cores.  KVM may list
 * the host's levels or none, so they are replaced.
 */
static void set_topology(struct kvm_cpuid2 *cpuid, unsigned int cpus, unsigned int index)
{
	unsigned int i, kept = 0;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != TOPOLOGY_LEAF)
			cpuid->entries[kept++] = cpuid->entries[i];
	if (kept == cpuid->nent)
		return;		/* a processor without this leaf */
	cpuid->entries[kept++] = (struct kvm_cpuid_entry2){
		.function = TOPOLOGY_LEAF,
		.index = 0,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.ebx = 1,
		.ecx = 0 | TOPOLOGY_SMT,
		.edx = index,
	};
	cpuid->entries[kept++] = (struct kvm_cpuid_entry2){
		.function = TOPOLOGY_LEAF,
		.index = 1,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = bits_for(cpus),
		.ebx = cpus,
		.ecx = 1 | TOPOLOGY_CORE,
		.edx = index,
	};
	cpuid->nent = kept;
}

/* Caches: the last level belongs to the package, others to a core. */
static void set_cache(struct kvm_cpuid_entry2 *entry, unsigned int cpus)
{
	unsigned int level = entry->eax >> 5 & 7;

	set_field(&entry->eax, 14, 12, level >= 3 ? (1U << bits_for(cpus)) - 1 : 0);
}

static void adjust(struct kvm_cpuid_entry2 *entry, const struct machine *machine,
		   unsigned int index)
{
	unsigned int cpus = machine->vcpu_count;

	switch (entry->function) {
	case 0x1:
		set_field(&entry->ebx, 16, 8, cpus);
		set_field(&entry->ebx, 24, 8, index);
		entry->ecx |= FEATURE_HYPERVISOR | FEATURE_X2APIC;
		if (ioctl(machine->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			entry->ecx |= FEATURE_TSC_DEADLINE;
		set_field(&entry->edx, 28, 1, cpus > 1);
		break;
	case 0x4:
		set_cache(entry, cpus);
		set_field(&entry->eax, 26, 6, (1U << bits_for(cpus)) - 1);
		break;
	case 0x1f:
		/* Leaf 0xb says it all. */
		entry->eax = 0;
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = 0;
		break;
	case 0x80000001:
		set_field(&entry->ecx, 1, 1, cpus > 1);
		break;
	case 0x80000008:
		set_field(&entry->ecx, 0, 8, cpus - 1);
		set_field(&entry->ecx, 12, 4, bits_for(cpus));
		break;
	case 0x8000001d:
		set_cache(entry, cpus);
		break;
	case 0x8000001e:
		entry->eax = index;
		set_field(&entry->ebx, 0, 16, index & 0xff);
		entry->ecx = 0;
		break;
	}
}

int cpuid_set(const struct machine *machine, const struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	int err;

	err = get_supported(machine, &cpuid);
	if (err)
		return err;
	for (i = 0; i < cpuid->nent; i++)
		adjust(&cpuid->entries[i], machine, vcpu->index);
	set_topology(cpuid, machine->vcpu_count, vcpu->index);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		err = -errno;
	free(cpuid);
	return err;
}

int cpuid_physical_bits(const struct machine *machine)
{
	struct kvm_cpuid2 *cpuid;
	/* What a processor has that does not say. */
	int bits = 36;
	unsigned int i;
	int err;

	err = get_supported(machine, &cpuid);
	if (err)
		return err;
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			bits = cpuid->entries[i].eax & 0xff;
	free(cpuid);
	return bits;
}
