/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the bus: configuration space of a device, and what the guest's
 * writes to it bring about.
 *
 * Context of all functions: under the machine lock, or before the vCPUs run.
 */
#ifndef VQVMM_BUS_CONFIG_H
#define VQVMM_BUS_CONFIG_H

#include "bus/pci.h"

#define PCI_SLOTS 32

/**
 * struct pci_bus - the bus
 * @machine: where it is
 * @devices: by slot
 * @bridge: the host bridge, in slot 0
 * @config_address: port 0xcf8
 * @low: where the next 32-bit BAR goes
 * @high: where the next 64-bit BAR goes
 */
struct pci_bus {
	struct machine *machine;
	struct pci_device *devices[PCI_SLOTS];
	struct pci_device bridge;
	uint32_t config_address;
	uint64_t low;
	uint64_t high;
};

/**
 * pci_config_get16() - a field of configuration space
 * @device: the device
 * @offset: of the field
 *
 * Return: its value.
 */
uint16_t pci_config_get16(const struct pci_device *device, unsigned int offset);

/**
 * pci_config_set16() - set a field of configuration space, read-only bits too
 * @device: the device
 * @offset: of the field
 * @value: its value
 */
void pci_config_set16(struct pci_device *device, unsigned int offset, uint16_t value);

/**
 * pci_config_init_header() - what every device's header has
 * @device: its capabilities are set
 */
void pci_config_init_header(struct pci_device *device);

/**
 * pci_config_init_bar() - preset a BAR
 * @device: the device
 * @bar: which one
 * @address: where it will answer
 */
void pci_config_init_bar(struct pci_device *device, unsigned int bar, uint64_t address);

/**
 * pci_config_read() - the guest reads configuration space
 * @device: the device
 * @offset: of the first byte
 * @data: receives the bytes
 * @length: 1 to 4, not across a double word
 */
void pci_config_read(struct pci_device *device, unsigned int offset, void *data,
		     unsigned int length);

/**
 * pci_config_write() - the guest writes configuration space
 * @device: the device
 * @offset: of the first byte
 * @data: the bytes
 * @length: 1 to 4, not across a double word
 */
void pci_config_write(struct pci_device *device, unsigned int offset, const void *data,
		      unsigned int length);

/**
 * pci_config_unmap() - let no BAR answer any more
 * @device: the device
 */
void pci_config_unmap(struct pci_device *device);

/**
 * msix_config_written() - let MSI-X look at its message control
 * @device: has MSI-X
 */
void msix_config_written(struct pci_device *device);

#endif /* VQVMM_BUS_CONFIG_H */
