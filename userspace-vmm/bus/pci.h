/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One PCI bus, reached by configuration mechanism 1 (ports 0xcf8 and 0xcfc).
 *
 * BARs are memory only, interrupts are MSI-X only.  pci_device_add() presets the
 * addresses of BARs as firmware would; the guest may size and move them, and turn
 * them on and off by the command register.
 *
 * Context of all functions and callbacks: under the machine lock, or before the
 * vCPUs run.
 */
#ifndef VQVMM_BUS_PCI_H
#define VQVMM_BUS_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct msix;

#define PCI_CONFIG_SIZE 256
#define PCI_BARS 6

/* Windows of the bus; the one above 4 GiB follows guest memory. */
#define PCI_WINDOW_LOW 0xc0000000ULL
#define PCI_WINDOW_LOW_END 0xfec00000ULL
#define PCI_WINDOW_HIGH_SIZE 0x100000000ULL

/**
 * struct pci_bar - a window into a device
 * @size: bytes: a power of 2, at least 16 and at most 256 MiB; 0 if there is no
 *	such BAR
 * @address: guest address at which it answers; 0 while it does not.  Read only.
 * @is_64bit: the next BAR is its upper half and must have no size
 * @read: see &struct space_range
 * @write: see &struct space_range
 * @mapped: called after @address changed, with the new one; may be NULL.  This
 *	is where ioeventfds move.
 * @opaque: for the three
 */
struct pci_bar {
	uint64_t size;
	uint64_t address;
	bool is_64bit;
	int (*read)(void *opaque, uint64_t offset, void *data, unsigned int length);
	int (*write)(void *opaque, uint64_t offset, const void *data, unsigned int length);
	void (*mapped)(void *opaque, uint64_t address);
	void *opaque;
};

/**
 * struct pci_device - a function of the bus; all its memory is the caller's
 * @name: for messages
 * @config: configuration space.  The caller presets ids, revision, class and
 *	subsystem; the rest is set by pci_device_add().
 * @writable: bits of @config that the guest may write.  pci_device_add() adds
 *	those of the header, pci_capability_add() none.
 * @bars: the windows, preset by the caller
 * @config_written: called after the guest wrote bytes @offset to
 *	@offset + @length - 1; may be NULL
 * @config_reading: called before the guest reads these bytes, to bring @config up
 *	to date; may be NULL
 * @opaque: for the callbacks' use
 * @machine: where it is.  Set by pci_device_add().
 * @slot: its number on the bus.  Set by pci_device_add().
 * @msix: see msix.h
 * @capability_last: offset of the last capability, 0 if there is none
 * @capability_end: where the next capability goes
 */
struct pci_device {
	const char *name;
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
	struct pci_bar bars[PCI_BARS];
	void (*config_written)(struct pci_device *device, unsigned int offset,
			       unsigned int length);
	void (*config_reading)(struct pci_device *device, unsigned int offset,
			       unsigned int length);
	void *opaque;

	struct machine *machine;
	unsigned int slot;
	struct msix *msix;
	uint8_t capability_last;
	uint8_t capability_end;
};

/**
 * pci_bus_create() - a bus with a host bridge
 * @machine: receives the bus
 *
 * Return: 0 or -errno.
 */
int pci_bus_create(struct machine *machine);

/**
 * pci_bus_destroy() - remove the bus
 * @machine: its devices were removed before
 */
void pci_bus_destroy(struct machine *machine);

/**
 * pci_device_add() - plug a device in
 * @machine: the machine
 * @device: ids, BARs, capabilities are set; stays where it is until
 *	pci_device_remove()
 *
 * Assigns a slot and addresses for the BARs, which answer once the guest (or
 * nobody) sets memory enable in the command register; it is off at first.
 * Return: 0; -ENOSPC if there is no slot or no room in the windows; another
 * -errno.
 */
int pci_device_add(struct machine *machine, struct pci_device *device);

/**
 * pci_device_remove() - unplug a device
 * @device: one that was not added is no error
 *
 * Its BARs stop answering, with their mapped callback called.
 */
void pci_device_remove(struct pci_device *device);

/**
 * pci_capability_add() - append a capability
 * @device: not added yet
 * @id: PCI_CAP_ID_*
 * @body: what follows id and next pointer, read-only for the guest; the caller
 *	sets @writable if some of it is not
 * @length: bytes of @body
 *
 * Return: offset of the capability in configuration space, 0 if there is no
 * room.
 */
uint8_t pci_capability_add(struct pci_device *device, uint8_t id, const void *body,
			   unsigned int length);

/**
 * pci_window_high() - the window above 4 GiB
 * @machine: has memory
 *
 * Return: guest address of its first byte; PCI_WINDOW_HIGH_SIZE bytes.
 */
uint64_t pci_window_high(const struct machine *machine);

#endif /* VQVMM_BUS_PCI_H */
