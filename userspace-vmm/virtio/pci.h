/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PCI transport (virtio 1.2, section 4.1), without the transitional part.
 */
#ifndef VQVMM_VIRTIO_PCI_H
#define VQVMM_VIRTIO_PCI_H

#include <stdint.h>

#include "bus/pci.h"
#include "virtio/device.h"

/**
 * struct virtio_pci - a virtio device on the PCI bus
 * @device: what is plugged in
 * @pci: the function; its vectors are one for each queue and, the last, one for
 *	configuration
 * @isr: ISR status (section 4.1.4.5)
 * @device_feature_select: which 32 of the offered features are shown
 * @driver_feature_select: which 32 of the chosen features are shown and written
 * @queue_select: queue whose registers are shown
 * @config_vector: MSI-X vector for changes of the configuration
 * @notify_address: guest address of the notify area while it is mapped, else 0
 * @access_offset: where in configuration space the PCI configuration access
 *	capability lies (section 4.1.4.9)
 */
struct virtio_pci {
	struct virtio_device *device;
	struct pci_device pci;
	uint8_t isr;
	uint32_t device_feature_select;
	uint32_t driver_feature_select;
	uint16_t queue_select;
	uint16_t config_vector;
	uint64_t notify_address;
	uint8_t access_offset;
};

int virtio_pci_create(struct machine *machine, struct virtio_device *device,
		      struct virtio_pci **out);
void virtio_pci_destroy(struct virtio_pci *transport);

/* common.c: the common configuration structure (section 4.1.4.3). */
int virtio_common_read(struct virtio_pci *transport, uint64_t offset, void *data,
		       unsigned int length);
int virtio_common_write(struct virtio_pci *transport, uint64_t offset, const void *data,
			unsigned int length);
int virtio_pci_vector_fd(const struct virtio_pci *transport, uint16_t vector);

#endif /* VQVMM_VIRTIO_PCI_H */
