// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI bus: slots, windows, and configuration mechanism 1.
 */
#include "bus/pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "bus/config.h"
#include "machine/machine.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000U

/* Port 0xcf9, amid the address register: a byte with this bit set is a reset. */
#define RESET_CONTROL 1
#define RESET_CPU 0x04

/* RAM that ends inside a GiB leaves the rest of it alone. */
#define WINDOW_ALIGN (1ULL << 30)

#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008

uint64_t pci_window_high(const struct machine *machine)
{
	const struct guest_region *regions;
	uint64_t end = GUEST_MEMORY_HIGH;
	unsigned int count;

	regions = guest_memory_regions(machine->memory, &count);
	if (regions[count - 1].address >= GUEST_MEMORY_HIGH)
		end = regions[count - 1].address + regions[count - 1].size;
	return (end + WINDOW_ALIGN - 1) & ~(WINDOW_ALIGN - 1);
}

static struct pci_device *selected(const struct pci_bus *bus)
{
	unsigned int bus_number = bus->config_address >> 16 & 0xff;
	unsigned int slot = bus->config_address >> 11 & 0x1f;
	unsigned int function = bus->config_address >> 8 & 7;

	if (!(bus->config_address & CONFIG_ENABLE) || bus_number || function)
		return NULL;
	return bus->devices[slot];
}

static bool is_address(uint64_t offset, unsigned int length)
{
	return !offset && length == sizeof(uint32_t);
}

static bool is_reset_control(uint64_t offset, unsigned int length)
{
	return offset == RESET_CONTROL && length == 1;
}

static int address_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	const struct pci_bus *bus = opaque;

	if (is_address(offset, length))
		memcpy(data, &bus->config_address, length);
	else if (is_reset_control(offset, length))
		memset(data, 0, length);
	else
		return -ENXIO;
	return 0;
}

static int address_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	struct pci_bus *bus = opaque;

	if (is_address(offset, length))
		memcpy(&bus->config_address, data, length);
	else if (!is_reset_control(offset, length))
		return -ENXIO;
	else if (*(const uint8_t *)data & RESET_CPU)
		machine_request_exit(bus->machine, MACHINE_EXIT_RESET);
	return 0;
}

static int data_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	const struct pci_bus *bus = opaque;
	struct pci_device *device = selected(bus);

	if (!device)
		return -ENODEV;
	pci_config_read(device, (bus->config_address & 0xfc) + (unsigned int)offset, data, length);
	return 0;
}

static int data_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	const struct pci_bus *bus = opaque;
	struct pci_device *device = selected(bus);

	if (!device)
		return -ENODEV;
	pci_config_write(device, (bus->config_address & 0xfc) + (unsigned int)offset, data, length);
	return 0;
}

int pci_bus_create(struct machine *machine)
{
	struct pci_bus *bus;
	struct space_range address = {
		.address = CONFIG_ADDRESS,
		.size = 4,
		.read = address_read,
		.write = address_write,
	};
	struct space_range data = {
		.address = CONFIG_DATA,
		.size = 4,
		.read = data_read,
		.write = data_write,
	};
	int err;

	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return -ENOMEM;
	bus->machine = machine;
	bus->low = PCI_WINDOW_LOW;
	bus->high = pci_window_high(machine);
	address.opaque = bus;
	data.opaque = bus;
	err = space_add(&machine->ports, &address);
	if (err)
		goto free_bus;
	err = space_add(&machine->ports, &data);
	if (err)
		goto remove_address;
	machine->pci = bus;
	bus->bridge.name = "host bridge";
	pci_config_set16(&bus->bridge, PCI_VENDOR_ID, BRIDGE_VENDOR);
	pci_config_set16(&bus->bridge, PCI_DEVICE_ID, BRIDGE_DEVICE);
	pci_config_set16(&bus->bridge, PCI_CLASS_DEVICE, 0x0600);
	err = pci_device_add(machine, &bus->bridge);
	if (err)
		goto remove_data;
	return 0;

remove_data:
	machine->pci = NULL;
	space_remove(&machine->ports, CONFIG_DATA);
remove_address:
	space_remove(&machine->ports, CONFIG_ADDRESS);
free_bus:
	free(bus);
	return err;
}

void pci_bus_destroy(struct machine *machine)
{
	struct pci_bus *bus = machine->pci;

	pci_device_remove(&bus->bridge);
	space_remove(&machine->ports, CONFIG_DATA);
	space_remove(&machine->ports, CONFIG_ADDRESS);
	free(bus);
	machine->pci = NULL;
}

/* Room for a BAR, at the address firmware would choose: in order, aligned. */
static int place_bar(struct machine *machine, const struct pci_bar *bar, uint64_t *address)
{
	struct pci_bus *bus = machine->pci;
	uint64_t *next = bar->is_64bit ? &bus->high : &bus->low;
	uint64_t end = bar->is_64bit ? pci_window_high(machine) + PCI_WINDOW_HIGH_SIZE :
				       PCI_WINDOW_LOW_END;
	uint64_t at = (*next + bar->size - 1) & ~(bar->size - 1);

	if (at + bar->size > end)
		return -ENOSPC;
	*address = at;
	*next = at + bar->size;
	return 0;
}

static int place_bars(struct machine *machine, struct pci_device *device)
{
	uint64_t address;
	unsigned int i;
	int err;

	for (i = 0; i < PCI_BARS; i++) {
		if (!device->bars[i].size)
			continue;
		err = place_bar(machine, &device->bars[i], &address);
		if (err)
			return err;
		pci_config_init_bar(device, i, address);
	}
	return 0;
}

int pci_device_add(struct machine *machine, struct pci_device *device)
{
	struct pci_bus *bus = machine->pci;
	unsigned int slot;
	int err;

	for (slot = 0; slot < PCI_SLOTS && bus->devices[slot]; slot++)
		;
	if (slot == PCI_SLOTS)
		return -ENOSPC;
	err = place_bars(machine, device);
	if (err)
		return err;
	pci_config_init_header(device);
	device->machine = machine;
	device->slot = slot;
	bus->devices[slot] = device;
	return 0;
}

void pci_device_remove(struct pci_device *device)
{
	struct machine *machine = device->machine;

	if (!machine)
		return;
	pci_config_unmap(device);
	machine->pci->devices[device->slot] = NULL;
	device->machine = NULL;
}
