// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables in guest memory (ACPI 6.3, section 5.2).
 *
 * What is the same for every machine comes from tables/, compiled by iasl.
 * Made here: the root tables, which hold addresses, and the table of interrupt
 * controllers (MADT), which lists the processors.
 */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/layout.h"
#include "boot/tables/tables.h"
#include "bus/pci.h"
#include "machine/machine.h"

#define OEM_ID "VQHOST"
#define OEM_TABLE_ID "VQVMM   "
#define CREATOR_ID "VQVM"

/* Known to the DSDT. */
#define WINDOW_ADDRESS (BOOT_FIRMWARE + 0x40)
#define TABLES_ADDRESS (BOOT_FIRMWARE + 0x80)

/* The FACS wants 64. */
#define TABLE_ALIGN 64

#define LOCAL_APIC_ADDRESS 0xfee00000U
#define IO_APIC_ADDRESS 0xfec00000U

#define TIMER_IRQ 0
#define TIMER_GSI 2
#define SCI_IRQ 9

#define POLARITY_HIGH 0x1
#define TRIGGER_LEVEL 0xc

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t entries[2];
} __attribute__((packed));

struct madt {
	struct acpi_header header;
	uint32_t local_apic;
	uint32_t flags;
} __attribute__((packed));

#define MADT_PCAT_COMPAT 1

struct madt_local_apic {
	uint8_t type;
	uint8_t length;
	uint8_t processor;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

#define MADT_LOCAL_APIC 0
#define LOCAL_APIC_ENABLED 1

struct madt_io_apic {
	uint8_t type;
	uint8_t length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));

#define MADT_IO_APIC 1

struct madt_override {
	uint8_t type;
	uint8_t length;
	uint8_t bus;
	uint8_t irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

#define MADT_OVERRIDE 2

struct madt_nmi {
	uint8_t type;
	uint8_t length;
	uint8_t processor;
	uint16_t flags;
	uint8_t line;
} __attribute__((packed));

#define MADT_NMI 4
#define ALL_PROCESSORS 0xff

struct window {
	uint64_t start;
	uint64_t size;
};

/* Fields of the FADT that hold addresses. */
#define FADT_X_FACS 132
#define FADT_X_DSDT 140

/* The firmware area fits the longest table of processors; @next is a guest address. */
struct area {
	struct machine *machine;
	uint64_t next;
};

_Static_assert(sizeof(struct madt) + MACHINE_VCPUS_MAX * sizeof(struct madt_local_apic) + 0x4000 <
	       BOOT_FIRMWARE_END - TABLES_ADDRESS, "tables must fit the firmware area");

static void *area_pointer(const struct area *area, uint64_t address)
{
	return guest_memory_host(area->machine->memory, address, 1);
}

static uint64_t area_begin(struct area *area)
{
	area->next = (area->next + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1ULL);
	return area->next;
}

static void append(struct area *area, const void *data, size_t length)
{
	memcpy(area_pointer(area, area->next), data, length);
	area->next += length;
}

static uint64_t add_compiled(struct area *area, const uint8_t *table, const uint8_t *end)
{
	uint64_t at = area_begin(area);

	append(area, table, (size_t)(end - table));
	return at;
}

static uint8_t checksum(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (length--)
		sum += *bytes++;
	return (uint8_t)-sum;
}

/* Length and checksum of the table that was appended last. */
static void finish(const struct area *area, uint64_t at)
{
	struct acpi_header *header = area_pointer(area, at);

	header->length = htole32((uint32_t)(area->next - at));
	header->checksum = 0;
	header->checksum = checksum(header, area->next - at);
}

static struct acpi_header make_header(const char *signature, uint8_t revision)
{
	struct acpi_header header = { .revision = revision, .oem_revision = htole32(1),
				      .creator_revision = htole32(1) };

	memcpy(header.signature, signature, sizeof(header.signature));
	memcpy(header.oem_id, OEM_ID, sizeof(header.oem_id));
	memcpy(header.oem_table_id, OEM_TABLE_ID, sizeof(header.oem_table_id));
	memcpy(header.creator_id, CREATOR_ID, sizeof(header.creator_id));
	return header;
}

static void append_override(struct area *area, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	struct madt_override override = {
		.type = MADT_OVERRIDE,
		.length = sizeof(override),
		.irq = irq,
		.gsi = htole32(gsi),
		.flags = htole16(flags),
	};

	append(area, &override, sizeof(override));
}

static uint64_t add_madt(struct area *area)
{
	struct madt madt = {
		.header = make_header("APIC", 4),
		.local_apic = htole32(LOCAL_APIC_ADDRESS),
		.flags = htole32(MADT_PCAT_COMPAT),
	};
	struct madt_io_apic io_apic = {
		.type = MADT_IO_APIC,
		.length = sizeof(io_apic),
		.address = htole32(IO_APIC_ADDRESS),
	};
	struct madt_nmi nmi = {
		.type = MADT_NMI,
		.length = sizeof(nmi),
		.processor = ALL_PROCESSORS,
		.line = 1,
	};
	uint64_t at = area_begin(area);
	unsigned int i;

	append(area, &madt, sizeof(madt));
	for (i = 0; i < area->machine->vcpu_count; i++) {
		struct madt_local_apic local = {
			.type = MADT_LOCAL_APIC,
			.length = sizeof(local),
			.processor = (uint8_t)i,
			.apic_id = (uint8_t)i,
			.flags = htole32(LOCAL_APIC_ENABLED),
		};

		append(area, &local, sizeof(local));
	}
	append(area, &io_apic, sizeof(io_apic));
	append_override(area, TIMER_IRQ, TIMER_GSI, 0);
	append_override(area, SCI_IRQ, SCI_IRQ, POLARITY_HIGH | TRIGGER_LEVEL);
	append(area, &nmi, sizeof(nmi));
	finish(area, at);
	return at;
}

static void put64(const struct area *area, uint64_t address, uint64_t value)
{
	value = htole64(value);
	memcpy(area_pointer(area, address), &value, sizeof(value));
}

static uint64_t add_fadt(struct area *area)
{
	uint64_t dsdt = add_compiled(area, acpi_dsdt, acpi_dsdt_end);
	uint64_t facs = add_compiled(area, acpi_facs, acpi_facs_end);
	uint64_t at = add_compiled(area, acpi_facp, acpi_facp_end);

	put64(area, at + FADT_X_FACS, facs);
	put64(area, at + FADT_X_DSDT, dsdt);
	finish(area, at);
	return at;
}

static void put_window(const struct area *area)
{
	struct window window = {
		.start = htole64(pci_window_high(area->machine)),
		.size = htole64(PCI_WINDOW_HIGH_SIZE),
	};

	memcpy(area_pointer(area, WINDOW_ADDRESS), &window, sizeof(window));
}

static uint64_t put_rsdp(const struct area *area, uint64_t xsdt)
{
	struct acpi_rsdp rsdp = {
		.revision = 2,
		.length = htole32(sizeof(rsdp)),
		.xsdt = htole64(xsdt),
	};

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	memcpy(rsdp.oem_id, OEM_ID, sizeof(rsdp.oem_id));
	/* The first checksum covers what version 1 had. */
	rsdp.checksum = checksum(&rsdp, offsetof(struct acpi_rsdp, length));
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(area_pointer(area, BOOT_FIRMWARE), &rsdp, sizeof(rsdp));
	return BOOT_FIRMWARE;
}

uint64_t acpi_create(struct machine *machine)
{
	struct area area = { .machine = machine, .next = TABLES_ADDRESS };
	struct acpi_xsdt xsdt = { .header = make_header("XSDT", 1) };
	uint64_t at;

	xsdt.entries[0] = htole64(add_fadt(&area));
	xsdt.entries[1] = htole64(add_madt(&area));
	at = area_begin(&area);
	append(&area, &xsdt, sizeof(xsdt));
	finish(&area, at);
	put_window(&area);
	return put_rsdp(&area, at);
}
