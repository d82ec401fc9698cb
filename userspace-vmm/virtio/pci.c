// SPDX-License-Identifier: GPL-2.0
/*
 * virtio over PCI (virtio 1.2, section 4.1).
 *
 * One BAR holds all structures, a page each, and behind them the notify area:
 * an address for each queue, which is an ioeventfd.  MSI-X has a BAR of its own.
 *
 * Queues interrupt by MSI-X only: there is no INTx pin, and the ISR status tells
 * of configuration changes alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "bus/msix.h"
#include "machine/machine.h"
#include "virtio/pci.h"
#include "virtqueue/platform.h"

#define VENDOR_ID 0x1af4
/* Added to the device type (section 4.1.2). */
#define DEVICE_ID_BASE 0x1040
#define CLASS_NETWORK_ETHERNET 0x0200
#define CLASS_STORAGE_OTHER 0x0180

/* 64-bit BARs take two places each. */
#define STRUCTURES_BAR 0
#define MSIX_BAR 2

#define STRUCTURE_SIZE 0x1000
#define COMMON_OFFSET 0
/* The queue reset is the last field (section 4.1.4.3). */
#define COMMON_LENGTH (VIRTIO_PCI_COMMON_Q_RESET + sizeof(uint16_t))
#define ISR_OFFSET (1 * STRUCTURE_SIZE)
#define CONFIG_OFFSET (2 * STRUCTURE_SIZE)
#define NOTIFY_OFFSET (3 * STRUCTURE_SIZE)
#define NOTIFY_MULTIPLIER 4
#define STRUCTURES_SIZE (4 * STRUCTURE_SIZE)

#define QUEUES_MAX (STRUCTURE_SIZE / NOTIFY_MULTIPLIER)

static uint64_t notify_offset(const struct virtio_queue *queue)
{
	return NOTIFY_OFFSET + (uint64_t)queue->index * NOTIFY_MULTIPLIER;
}

/**
 * virtio_pci_vector_fd() - what raises a vector
 * @transport: of the device
 * @vector: its number, or VIRTIO_NO_VECTOR
 *
 * Return: an eventfd that belongs to MSI-X, or -1 if there is no such vector.
 */
int virtio_pci_vector_fd(const struct virtio_pci *transport, uint16_t vector)
{
	int fd;

	if (vector == VIRTIO_NO_VECTOR)
		return -1;
	fd = msix_vector_eventfd(&transport->pci, vector);
	return fd < 0 ? -1 : fd;
}

static void interrupt_config(struct virtio_device *device, void *opaque)
{
	struct virtio_pci *transport = opaque;
	int fd = virtio_pci_vector_fd(transport, transport->config_vector);

	device->generation++;
	transport->isr |= VIRTIO_PCI_ISR_CONFIG;
	if (fd >= 0)
		eventfd_write(fd, 1);
}

static void read_config(const struct virtio_device *device, uint64_t offset, void *data,
			unsigned int length)
{
	memset(data, 0, length);
	if (offset < device->config_length)
		memcpy(data, (const uint8_t *)device->config + offset,
		       min_t(uint64_t, length, device->config_length - offset));
}

static int structures_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	struct virtio_pci *transport = opaque;

	if (offset < ISR_OFFSET)
		return virtio_common_read(transport, offset - COMMON_OFFSET, data, length);
	if (offset < CONFIG_OFFSET) {
		memset(data, 0, length);
		/* Reading takes the bits away. */
		if (offset == ISR_OFFSET) {
			*(uint8_t *)data = transport->isr;
			transport->isr = 0;
		}
		return 0;
	}
	if (offset < NOTIFY_OFFSET) {
		read_config(transport->device, offset - CONFIG_OFFSET, data, length);
		return 0;
	}
	return -EINVAL;
}

static int write_config(struct virtio_device *device, uint64_t offset, const void *data,
			unsigned int length)
{
	if (!device->ops->config_written)
		return -EACCES;
	if (offset > device->config_length || length > device->config_length - offset)
		return -EINVAL;
	device->ops->config_written(device, offset, data, length);
	return 0;
}

/* Only what comes by the PCI configuration access; the rest are ioeventfds. */
static int write_notify(struct virtio_device *device, uint64_t offset)
{
	uint64_t index = offset / NOTIFY_MULTIPLIER;

	if (index >= device->queue_count)
		return -EINVAL;
	eventfd_write(device->queues[index].kick, 1);
	return 0;
}

static int structures_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	struct virtio_pci *transport = opaque;

	if (offset < ISR_OFFSET)
		return virtio_common_write(transport, offset - COMMON_OFFSET, data, length);
	if (offset < CONFIG_OFFSET)
		return -EACCES;
	if (offset < NOTIFY_OFFSET)
		return write_config(transport->device, offset - CONFIG_OFFSET, data, length);
	return write_notify(transport->device, offset - NOTIFY_OFFSET);
}

static void remove_ioeventfds(struct virtio_pci *transport, unsigned int count)
{
	struct virtio_device *device = transport->device;
	struct virtio_queue *queue;

	while (count) {
		queue = &device->queues[--count];
		machine_ioeventfd_remove(device->machine,
					 transport->notify_address + notify_offset(queue), 0,
					 queue->kick);
	}
}

/*
 * Without its ioeventfd a queue is still notified, by an exit to this process:
 * so an address that KVM refuses is slow, and no error.
 */
static void structures_mapped(void *opaque, uint64_t address)
{
	struct virtio_pci *transport = opaque;
	struct virtio_device *device = transport->device;
	struct virtio_queue *queue;
	unsigned int i;

	if (transport->notify_address)
		remove_ioeventfds(transport, device->queue_count);
	transport->notify_address = address;
	if (!address)
		return;
	for (i = 0; i < device->queue_count; i++) {
		queue = &device->queues[i];
		machine_ioeventfd_add(device->machine, address + notify_offset(queue), 0,
				      queue->kick);
	}
}

/*
 * The PCI configuration access capability: a window of 4 bytes to the BAR, for
 * firmware that cannot map it (section 4.1.4.9).  Returns its length, or 0 if
 * the driver has set up nothing useful.
 */
static unsigned int access_window(const struct virtio_pci *transport, uint64_t *offset)
{
	struct virtio_pci_cap window;
	unsigned int length;

	memcpy(&window, transport->pci.config + transport->access_offset, sizeof(window));
	length = le32_to_cpu(window.length);
	*offset = le32_to_cpu(window.offset);
	if (window.bar != STRUCTURES_BAR || (length != 1 && length != 2 && length != 4))
		return 0;
	if (*offset % length || *offset > STRUCTURES_SIZE - length)
		return 0;
	return length;
}

static bool touches_window(const struct virtio_pci *transport, unsigned int offset,
			   unsigned int length)
{
	unsigned int data = transport->access_offset +
			    offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

	return offset < data + sizeof(uint32_t) && offset + length > data;
}

/* The window's data, if the driver accesses it, and where it leads to; or NULL. */
static uint8_t *accessed_window(struct virtio_pci *transport, unsigned int offset,
				unsigned int length, uint64_t *window,
				unsigned int *window_length)
{
	if (!touches_window(transport, offset, length))
		return NULL;
	*window_length = access_window(transport, window);
	if (!*window_length)
		return NULL;
	return transport->pci.config + transport->access_offset +
	       offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
}

static void config_reading(struct pci_device *pci, unsigned int offset, unsigned int length)
{
	unsigned int window_length;
	uint64_t window;
	uint8_t *data = accessed_window(pci->opaque, offset, length, &window, &window_length);

	if (data)
		structures_read(pci->opaque, window, data, window_length);
}

static void config_written(struct pci_device *pci, unsigned int offset, unsigned int length)
{
	unsigned int window_length;
	uint64_t window;
	uint8_t *data = accessed_window(pci->opaque, offset, length, &window, &window_length);

	if (data)
		structures_write(pci->opaque, window, data, window_length);
}

/* Where a structure lies.  Returns the capability's offset, 0 without room. */
static uint8_t add_capability(struct virtio_pci *transport, uint8_t type, uint32_t offset,
			      uint32_t length)
{
	/* As long as the longest of its forms. */
	struct virtio_pci_notify_cap capability = {
		.cap.cap_len = sizeof(capability.cap),
		.cap.cfg_type = type,
		.cap.bar = STRUCTURES_BAR,
		.cap.offset = cpu_to_le32(offset),
		.cap.length = cpu_to_le32(length),
		.notify_off_multiplier = 0,
	};

	switch (type) {
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		capability.notify_off_multiplier = cpu_to_le32(NOTIFY_MULTIPLIER);
		capability.cap.cap_len = sizeof(capability);
		break;
	case VIRTIO_PCI_CAP_PCI_CFG:
		capability.cap.cap_len = sizeof(struct virtio_pci_cfg_cap);
		break;
	}
	/* What precedes cap_len is the list's. */
	return pci_capability_add(&transport->pci, PCI_CAP_ID_VNDR, &capability.cap.cap_len,
				  capability.cap.cap_len -
				  offsetof(struct virtio_pci_cap, cap_len));
}

static int add_capabilities(struct virtio_pci *transport)
{
	struct virtio_device *device = transport->device;
	uint8_t *writable;

	if (!add_capability(transport, VIRTIO_PCI_CAP_COMMON_CFG, COMMON_OFFSET,
			    COMMON_LENGTH) ||
	    !add_capability(transport, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY_OFFSET,
			    device->queue_count * NOTIFY_MULTIPLIER) ||
	    !add_capability(transport, VIRTIO_PCI_CAP_ISR_CFG, ISR_OFFSET, 1) ||
	    !add_capability(transport, VIRTIO_PCI_CAP_DEVICE_CFG, CONFIG_OFFSET,
			    device->config_length))
		return -ENOSPC;

	transport->access_offset = add_capability(transport, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
	if (!transport->access_offset)
		return -ENOSPC;
	writable = transport->pci.writable + transport->access_offset;
	writable[offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(writable + offsetof(struct virtio_pci_cap, offset), 0xff,
	       sizeof(struct virtio_pci_cfg_cap) - offsetof(struct virtio_pci_cap, offset));
	return 0;
}

static void set_config16(struct pci_device *pci, unsigned int offset, uint16_t value)
{
	value = htole16(value);
	memcpy(pci->config + offset, &value, sizeof(value));
}

static void set_identity(struct virtio_pci *transport)
{
	struct pci_device *pci = &transport->pci;
	uint16_t id = transport->device->id;

	set_config16(pci, PCI_VENDOR_ID, VENDOR_ID);
	set_config16(pci, PCI_DEVICE_ID, DEVICE_ID_BASE + id);
	/* Not transitional (section 4.1.2.1). */
	pci->config[PCI_REVISION_ID] = 1;
	set_config16(pci, PCI_CLASS_DEVICE,
		     id == VIRTIO_ID_NET ? CLASS_NETWORK_ETHERNET : CLASS_STORAGE_OTHER);
	set_config16(pci, PCI_SUBSYSTEM_VENDOR_ID, VENDOR_ID);
	set_config16(pci, PCI_SUBSYSTEM_ID, DEVICE_ID_BASE + id);
}

/**
 * virtio_pci_create() - put a device on the PCI bus
 * @machine: has a PCI bus
 * @device: initialised; stays the caller's, must outlive the transport
 * @out: receives the transport; virtio_pci_destroy() removes it
 *
 * Return: 0; -E2BIG for more queues than fit; another -errno.
 */
int virtio_pci_create(struct machine *machine, struct virtio_device *device,
		      struct virtio_pci **out)
{
	struct virtio_pci *transport;
	int err;

	if (device->queue_count > QUEUES_MAX)
		return -E2BIG;
	transport = calloc(1, sizeof(*transport));
	if (!transport)
		return -ENOMEM;
	transport->device = device;
	transport->config_vector = VIRTIO_NO_VECTOR;
	transport->pci.name = device->name;
	transport->pci.opaque = transport;
	transport->pci.config_reading = config_reading;
	transport->pci.config_written = config_written;
	transport->pci.bars[STRUCTURES_BAR] = (struct pci_bar) {
		.size = STRUCTURES_SIZE,
		.is_64bit = true,
		.read = structures_read,
		.write = structures_write,
		.mapped = structures_mapped,
		.opaque = transport,
	};
	set_identity(transport);
	err = add_capabilities(transport);
	if (err)
		goto free_transport;
	err = msix_init(machine, &transport->pci, device->queue_count + 1, MSIX_BAR);
	if (err)
		goto free_transport;
	err = pci_device_add(machine, &transport->pci);
	if (err)
		goto fini_msix;
	device->interrupt_config = interrupt_config;
	device->interrupt_opaque = transport;
	*out = transport;
	return 0;

fini_msix:
	msix_fini(&transport->pci);
free_transport:
	free(transport);
	return err;
}

/**
 * virtio_pci_destroy() - take a device off the PCI bus
 * @transport: may be NULL; its device was reset
 */
void virtio_pci_destroy(struct virtio_pci *transport)
{
	if (!transport)
		return;
	transport->device->interrupt_config = NULL;
	pci_device_remove(&transport->pci);
	msix_fini(&transport->pci);
	free(transport);
}
