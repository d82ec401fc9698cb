// SPDX-License-Identifier: GPL-2.0
/*
 * How a guest ends: ACPI's PM1 registers, and the port by which it tells of a
 * panic.  Their addresses are known to boot/tables/ as well.  (The reset register
 * is in bus/pci.c, amid the ports of PCI.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "legacy/legacy.h"
#include "machine/machine.h"

/*
 * Status and enable register of PM1a, 2 bytes each.  No event ever comes, but
 * what is enabled must read as such.
 */
#define PM1_EVENT 0x600
#define PM1_EVENT_SIZE 4
#define PM1_ENABLE_OFFSET 2

#define PM1_CONTROL 0x604
#define PM1_CONTROL_SIZE 2
#define PM1_SCI_ENABLE 0x0001
#define PM1_SLEEP_TYPE 0x1c00
#define PM1_SLEEP_ENABLE 0x2000
/* As \_S5 in the DSDT. */
#define PM1_SLEEP_S5 (5 << 10)

#define PANIC 0x505
#define PANIC_PANICKED 0x01
/* Told that a crash kernel takes over: not the end yet. */
#define PANIC_CRASH_LOADED 0x02

struct power {
	struct machine *machine;
	uint8_t pm1_event[PM1_EVENT_SIZE];
};

static int event_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	const struct power *power = opaque;

	memcpy(data, power->pm1_event + offset, length);
	return 0;
}

static int event_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	struct power *power = opaque;
	const uint8_t *bytes = data;
	unsigned int i;

	/* Status bits are cleared by writing 1, and are never set. */
	for (i = 0; i < length; i++)
		if (offset + i >= PM1_ENABLE_OFFSET)
			power->pm1_event[offset + i] = bytes[i];
	return 0;
}

static int control_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	uint16_t value = PM1_SCI_ENABLE;

	(void)opaque;
	if (length > PM1_CONTROL_SIZE - offset)
		return -ENXIO;
	memcpy(data, (uint8_t *)&value + offset, length);
	return 0;
}

static int control_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	const struct power *power = opaque;
	uint16_t value;

	if (offset || length != sizeof(value))
		return -ENXIO;
	memcpy(&value, data, sizeof(value));
	if (value & PM1_SLEEP_ENABLE && (value & PM1_SLEEP_TYPE) == PM1_SLEEP_S5)
		machine_request_exit(power->machine, MACHINE_EXIT_POWER_OFF);
	return 0;
}

static int panic_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	(void)opaque;
	(void)offset;
	memset(data, PANIC_PANICKED | PANIC_CRASH_LOADED, length);
	return 0;
}

static int panic_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	const struct power *power = opaque;

	(void)offset;
	(void)length;
	if (*(const uint8_t *)data & PANIC_PANICKED)
		machine_request_exit(power->machine, MACHINE_EXIT_PANIC);
	return 0;
}

static const struct space_range ranges[] = {
	{ PM1_EVENT, PM1_EVENT_SIZE, .read = event_read, .write = event_write },
	{ PM1_CONTROL, PM1_CONTROL_SIZE, .read = control_read, .write = control_write },
	{ PANIC, 1, .read = panic_read, .write = panic_write },
};

static void remove_ranges(struct machine *machine, unsigned int count)
{
	while (count--)
		space_remove(&machine->ports, ranges[count].address);
}

int power_create(struct machine *machine, struct power **out)
{
	struct power *power;
	unsigned int i;
	int err;

	power = calloc(1, sizeof(*power));
	if (!power)
		return -ENOMEM;
	power->machine = machine;
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct space_range range = ranges[i];

		range.opaque = power;
		err = space_add(&machine->ports, &range);
		if (err)
			goto remove;
	}
	*out = power;
	return 0;

remove:
	remove_ranges(machine, i);
	free(power);
	return err;
}

void power_destroy(struct power *power)
{
	if (!power)
		return;
	remove_ranges(power->machine, ARRAY_SIZE(ranges));
	free(power);
}
