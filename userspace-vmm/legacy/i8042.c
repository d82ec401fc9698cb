// SPDX-License-Identifier: GPL-2.0
/*
 * A keyboard controller without a keyboard.  Its output can reset the machine.
 *
 * It answers no command: its status says that nothing has come and that it is
 * ready for more, so that whoever looks for devices finds none.  (ACPI says
 * that it is not there; a driver that believes that does not even look.)
 */
#include <errno.h>
#include <string.h>

#include "legacy/legacy.h"
#include "machine/machine.h"

#define DATA 0x60
#define COMMAND 0x64

/* Pulse output lines; the lowest one, active low, is the processor's reset. */
#define PULSE 0xf0
#define RESET_LINE 0x01

static int i8042_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	(void)opaque;
	(void)offset;
	memset(data, 0, length);
	return 0;
}

static int i8042_command(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	uint8_t command = *(const uint8_t *)data;

	(void)offset;
	(void)length;
	if ((command & PULSE) == PULSE && !(command & RESET_LINE))
		machine_request_exit(opaque, MACHINE_EXIT_RESET);
	return 0;
}

int i8042_create(struct machine *machine)
{
	struct space_range data = {
		.address = DATA,
		.size = 1,
		.read = i8042_read,
	};
	struct space_range command = {
		.address = COMMAND,
		.size = 1,
		.read = i8042_read,
		.write = i8042_command,
		.opaque = machine,
	};
	int err;

	err = space_add(&machine->ports, &data);
	if (err)
		return err;
	err = space_add(&machine->ports, &command);
	if (err)
		space_remove(&machine->ports, DATA);
	return err;
}

void i8042_destroy(struct machine *machine)
{
	space_remove(&machine->ports, COMMAND);
	space_remove(&machine->ports, DATA);
}
