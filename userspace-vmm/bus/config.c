// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space: masks, BARs, the command register, capabilities.
 */
#include "bus/config.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "machine/machine.h"

#define CAPABILITIES_FIRST 0x40

static uint32_t get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static void set32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static void set16(uint8_t *to, uint16_t value)
{
	value = htole16(value);
	memcpy(to, &value, sizeof(value));
}

uint16_t pci_config_get16(const struct pci_device *device, unsigned int offset)
{
	uint16_t value;

	memcpy(&value, device->config + offset, sizeof(value));
	return le16toh(value);
}

void pci_config_set16(struct pci_device *device, unsigned int offset, uint16_t value)
{
	set16(device->config + offset, value);
}

void pci_config_init_header(struct pci_device *device)
{
	set16(device->writable + PCI_COMMAND,
	      PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	device->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	device->writable[PCI_INTERRUPT_LINE] = 0xff;
}

void pci_config_init_bar(struct pci_device *device, unsigned int bar, uint64_t address)
{
	const struct pci_bar *b = &device->bars[bar];
	unsigned int offset = PCI_BASE_ADDRESS_0 + 4 * bar;
	uint64_t mask = ~(b->size - 1);
	uint32_t flags = b->is_64bit ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0;

	set32(device->config + offset, (uint32_t)address | flags);
	set32(device->writable + offset, (uint32_t)mask);
	if (b->is_64bit) {
		set32(device->config + offset + 4, (uint32_t)(address >> 32));
		set32(device->writable + offset + 4, (uint32_t)(mask >> 32));
	}
}

uint8_t pci_capability_add(struct pci_device *device, uint8_t id, const void *body,
			   unsigned int length)
{
	unsigned int at = device->capability_end ? device->capability_end : CAPABILITIES_FIRST;
	unsigned int end = at + PCI_CAP_FLAGS + length;

	/* The next one begins at a double word; one that fills the space has no next. */
	if (end > PCI_CONFIG_SIZE - 4)
		return 0;
	device->config[at + PCI_CAP_LIST_ID] = id;
	memcpy(device->config + at + PCI_CAP_FLAGS, body, length);
	if (device->capability_last)
		device->config[device->capability_last + PCI_CAP_LIST_NEXT] = (uint8_t)at;
	else
		device->config[PCI_CAPABILITY_LIST] = (uint8_t)at;
	device->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	device->capability_last = (uint8_t)at;
	device->capability_end = (uint8_t)((end + 3) & ~3U);
	return (uint8_t)at;
}

static uint64_t bar_address(const struct pci_device *device, unsigned int bar)
{
	const uint8_t *from = device->config + PCI_BASE_ADDRESS_0 + 4 * bar;
	uint64_t address = get32(from) & ~0xfU;

	if (device->bars[bar].is_64bit)
		address |= (uint64_t)get32(from + 4) << 32;
	return address;
}

/* A BAR answers only inside the windows: elsewhere is RAM or something of ours. */
static bool in_windows(const struct machine *machine, uint64_t address, uint64_t size)
{
	uint64_t high = pci_window_high(machine);

	if (address >= PCI_WINDOW_LOW && address < PCI_WINDOW_LOW_END)
		return size <= PCI_WINDOW_LOW_END - address;
	return address >= high && address - high < PCI_WINDOW_HIGH_SIZE &&
	       size <= PCI_WINDOW_HIGH_SIZE - (address - high);
}

static void move_bar(struct pci_device *device, struct pci_bar *bar, uint64_t address)
{
	struct machine *machine = device->machine;
	struct space_range range = {
		.address = address,
		.size = bar->size,
		.read = bar->read,
		.write = bar->write,
		.opaque = bar->opaque,
	};

	if (address == bar->address)
		return;
	if (bar->address)
		space_remove(&machine->mmio, bar->address);
	/* Where another BAR answers already, this one does not. */
	if (address && space_add(&machine->mmio, &range))
		address = 0;
	if (address == bar->address)
		return;
	bar->address = address;
	if (bar->mapped)
		bar->mapped(bar->opaque, address);
}

static void move_bars(struct pci_device *device)
{
	bool enabled = pci_config_get16(device, PCI_COMMAND) & PCI_COMMAND_MEMORY;
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &device->bars[i];
		uint64_t address;

		if (!bar->size)
			continue;
		address = bar_address(device, i);
		if (!enabled || !in_windows(device->machine, address, bar->size))
			address = 0;
		move_bar(device, bar, address);
	}
}

void pci_config_unmap(struct pci_device *device)
{
	unsigned int i;

	for (i = 0; i < PCI_BARS; i++)
		if (device->bars[i].size)
			move_bar(device, &device->bars[i], 0);
}

void pci_config_read(struct pci_device *device, unsigned int offset, void *data,
		     unsigned int length)
{
	if (device->config_reading)
		device->config_reading(device, offset, length);
	memcpy(data, device->config + offset, length);
}

void pci_config_write(struct pci_device *device, unsigned int offset, const void *data,
		      unsigned int length)
{
	const uint8_t *bytes = data;
	unsigned int end = offset + length;
	unsigned int i;

	for (i = 0; i < length; i++) {
		uint8_t *config = &device->config[offset + i];
		uint8_t writable = device->writable[offset + i];

		*config = (uint8_t)((*config & ~writable) | (bytes[i] & writable));
	}
	if ((offset < PCI_COMMAND + 2 && end > PCI_COMMAND) ||
	    (offset < PCI_BASE_ADDRESS_5 + 4 && end > PCI_BASE_ADDRESS_0))
		move_bars(device);
	if (device->msix)
		msix_config_written(device);
	if (device->config_written)
		device->config_written(device, offset, length);
}
