/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSI-X: the vector table and the pending bits, in a BAR of their own.
 *
 * Each vector has an eventfd.  While the vector is not masked (by itself, by
 * the function's mask, or because MSI-X is off) the eventfd is an irqfd: a
 * write raises the interrupt in the kernel.  While it is masked, the irqfd is
 * deassigned, the count stays in the eventfd, and a count that is not 0 is the
 * pending bit.  When it is unmasked the irqfd comes back, and KVM delivers what
 * is pending.
 *
 * Context of all functions: under the machine lock, or before the vCPUs run.
 * The eventfds may be written by anyone at any time.
 */
#ifndef VQVMM_BUS_MSIX_H
#define VQVMM_BUS_MSIX_H

struct machine;
struct pci_device;

/**
 * msix_init() - give a device MSI-X
 * @machine: where the device is going to be added
 * @device: not added yet; its capability list gets an entry
 * @vectors: 1 to 2048
 * @bar: the BAR for table and pending bits, which is set up here: 64-bit, so
 *	that @bar and @bar + 1 must be free
 *
 * Return: 0; -ENOSPC if there is no room for the capability or KVM takes no
 * more routes; another -errno.
 */
int msix_init(struct machine *machine, struct pci_device *device, unsigned int vectors,
	      unsigned int bar);

/**
 * msix_fini() - undo msix_init()
 * @device: was removed from the bus; may have no MSI-X
 */
void msix_fini(struct pci_device *device);

/**
 * msix_vector_eventfd() - what raises a vector
 * @device: has MSI-X
 * @vector: its number
 *
 * Return: an eventfd, which stays valid and the same until msix_fini(), and
 * belongs to MSI-X; -EINVAL if there is no such vector.
 */
int msix_vector_eventfd(const struct pci_device *device, unsigned int vector);

#endif /* VQVMM_BUS_MSIX_H */
