// SPDX-License-Identifier: GPL-2.0
/*
 * MSI-X (PCI 3.0, section 6.8.2): an irqfd for each vector that is not masked.
 */
#include "bus/msix.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bus/config.h"
#include "machine/machine.h"

#define VECTORS_MAX 2048
#define PAGE 4096ULL

/* A table entry, as the guest sees it. */
struct msix_entry {
	uint32_t address_low;
	uint32_t address_high;
	uint32_t data;
	uint32_t control;
};

struct msix_vector {
	struct msix_entry entry;
	int fd;
	unsigned int gsi;
	bool assigned;
};

struct msix {
	struct machine *machine;
	struct pci_device *device;
	uint8_t capability;
	bool enabled;
	bool function_masked;
	bool complained;
	unsigned int pba;
	unsigned int count;
	struct msix_vector vectors[];
};

static void complain(struct msix *msix, const char *what, int err)
{
	/* The guest can make this happen again and again: once will do. */
	if (!msix->complained)
		fprintf(stderr, "vqvmm: %s: %s: %s\n", msix->device->name, what, strerror(-err));
	msix->complained = true;
}

static void update_vector(struct msix *msix, struct msix_vector *vector)
{
	const struct msix_entry *entry = &vector->entry;
	bool deliver = msix->enabled && !msix->function_masked &&
		       !(le32toh(entry->control) & PCI_MSIX_ENTRY_CTRL_MASKBIT);
	int err;

	if (deliver) {
		uint64_t address = (uint64_t)le32toh(entry->address_high) << 32 |
				   le32toh(entry->address_low);

		err = irq_route_set(msix->machine, vector->gsi, address, le32toh(entry->data));
		if (err)
			complain(msix, "interrupt route", err);
	}
	if (deliver == vector->assigned)
		return;
	if (deliver)
		err = irqfd_assign(msix->machine, vector->gsi, vector->fd);
	else
		err = irqfd_deassign(msix->machine, vector->gsi, vector->fd);
	if (err)
		complain(msix, "irqfd", err);
	else
		vector->assigned = deliver;
}

static bool is_pending(const struct msix_vector *vector)
{
	struct pollfd poll_fd = { .fd = vector->fd, .events = POLLIN };

	/* While it is assigned KVM takes every event at once. */
	return !vector->assigned && poll(&poll_fd, 1, 0) == 1;
}

static void forget_pending(const struct msix_vector *vector)
{
	uint64_t count;

	/* EAGAIN: nothing was pending. */
	if (read(vector->fd, &count, sizeof(count)) < 0)
		return;
}

static void read_pending(const struct msix *msix, uint64_t offset, uint8_t *data,
			 unsigned int length)
{
	unsigned int i;

	memset(data, 0, length);
	for (i = 0; i < 8 * length; i++) {
		uint64_t vector = 8 * offset + i;

		if (vector < msix->count && is_pending(&msix->vectors[vector]))
			data[i / 8] |= (uint8_t)(1 << i % 8);
	}
}

/* Accesses are whole double or quad words; what others do is undefined. */
static bool access_ok(uint64_t offset, unsigned int length)
{
	return (length == 4 || length == 8) && !(offset % length);
}

static int msix_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	const struct msix *msix = opaque;
	uint64_t index = offset / sizeof(struct msix_entry);

	if (!access_ok(offset, length))
		return -EINVAL;
	if (index < msix->count) {
		const uint8_t *entry = (const uint8_t *)&msix->vectors[index].entry;

		memcpy(data, entry + offset % sizeof(struct msix_entry), length);
	} else if (offset >= msix->pba) {
		read_pending(msix, offset - msix->pba, data, length);
	} else {
		memset(data, 0, length);
	}
	return 0;
}

static int msix_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	struct msix *msix = opaque;
	uint64_t index = offset / sizeof(struct msix_entry);
	struct msix_vector *vector;

	if (!access_ok(offset, length))
		return -EINVAL;
	if (index >= msix->count)
		return 0;	/* pending bits are read-only */
	vector = &msix->vectors[index];
	memcpy((uint8_t *)&vector->entry + offset % sizeof(struct msix_entry), data, length);
	vector->entry.control &= htole32(PCI_MSIX_ENTRY_CTRL_MASKBIT);
	update_vector(msix, vector);
	return 0;
}

void msix_config_written(struct pci_device *device)
{
	struct msix *msix = device->msix;
	uint16_t control = pci_config_get16(device, msix->capability + PCI_MSIX_FLAGS);
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE;
	bool masked = control & PCI_MSIX_FLAGS_MASKALL;
	bool turned_off = msix->enabled && !enabled;
	unsigned int i;

	if (enabled == msix->enabled && masked == msix->function_masked)
		return;
	msix->enabled = enabled;
	msix->function_masked = masked;
	for (i = 0; i < msix->count; i++) {
		update_vector(msix, &msix->vectors[i]);
		/* Nobody waits for it any more. */
		if (turned_off)
			forget_pending(&msix->vectors[i]);
	}
}

static void destroy_vectors(struct msix *msix, unsigned int count)
{
	while (count--) {
		struct msix_vector *vector = &msix->vectors[count];

		if (vector->assigned)
			irqfd_deassign(msix->machine, vector->gsi, vector->fd);
		irq_route_free(msix->machine, vector->gsi);
		close(vector->fd);
	}
}

static int create_vector(struct msix *msix, struct msix_vector *vector)
{
	int err;

	vector->entry.control = htole32(PCI_MSIX_ENTRY_CTRL_MASKBIT);
	err = irq_route_alloc(msix->machine, &vector->gsi);
	if (err)
		return err;
	vector->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vector->fd < 0) {
		err = -errno;
		irq_route_free(msix->machine, vector->gsi);
	}
	return err;
}

static uint8_t add_capability(struct pci_device *device, unsigned int vectors, unsigned int bar,
			      unsigned int pba)
{
	struct {
		uint16_t control;
		uint32_t table;
		uint32_t pending;
	} __attribute__((packed)) body = {
		.control = htole16((uint16_t)(vectors - 1)),
		.table = htole32(bar),
		.pending = htole32(pba | bar),
	};
	uint8_t at = pci_capability_add(device, PCI_CAP_ID_MSIX, &body, sizeof(body));

	if (at)
		device->writable[at + PCI_MSIX_FLAGS + 1] =
			(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	return at;
}

int msix_init(struct machine *machine, struct pci_device *device, unsigned int vectors,
	      unsigned int bar)
{
	struct msix *msix;
	uint64_t size = PAGE;
	unsigned int i;
	int err;

	if (!vectors || vectors > VECTORS_MAX || bar >= PCI_BARS - 1)
		return -EINVAL;
	msix = calloc(1, sizeof(*msix) + vectors * sizeof(msix->vectors[0]));
	if (!msix)
		return -ENOMEM;
	msix->machine = machine;
	msix->device = device;
	msix->count = vectors;
	for (i = 0; i < vectors; i++) {
		err = create_vector(msix, &msix->vectors[i]);
		if (err)
			goto destroy;
	}
	/* The pending bits get a page of their own, after the table's. */
	msix->pba = (unsigned int)((vectors * sizeof(struct msix_entry) + PAGE - 1) & ~(PAGE - 1));
	while (size < msix->pba + PAGE)
		size *= 2;
	msix->capability = add_capability(device, vectors, bar, msix->pba);
	if (!msix->capability) {
		err = -ENOSPC;
		goto destroy;
	}
	device->bars[bar] = (struct pci_bar){
		.size = size,
		.is_64bit = true,
		.read = msix_read,
		.write = msix_write,
		.opaque = msix,
	};
	device->msix = msix;
	return 0;

destroy:
	destroy_vectors(msix, i);
	free(msix);
	return err;
}

void msix_fini(struct pci_device *device)
{
	struct msix *msix = device->msix;

	if (!msix)
		return;
	destroy_vectors(msix, msix->count);
	free(msix);
	device->msix = NULL;
}

int msix_vector_eventfd(const struct pci_device *device, unsigned int vector)
{
	const struct msix *msix = device->msix;

	if (!msix || vector >= msix->count)
		return -EINVAL;
	return msix->vectors[vector].fd;
}
