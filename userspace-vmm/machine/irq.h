/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts: the in-kernel interrupt controllers and what is wired to them.
 *
 * A GSI below IRQ_LINES is a line of the I/O APIC (below 16 of the PICs too).
 * Higher ones are routes that send a message (MSI).
 *
 * Context of all functions: under the machine lock, or before the vCPUs run.
 */
#ifndef VQVMM_MACHINE_IRQ_H
#define VQVMM_MACHINE_IRQ_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

/* Lines of the I/O APIC. */
#define IRQ_LINES 24

/**
 * irq_create() - create the interrupt controllers and the timer (PIT)
 * @machine: has a VM
 *
 * Return: 0 or -errno.
 */
int irq_create(struct machine *machine);

/**
 * irq_destroy() - free what irq_create() allocated
 * @machine: the controllers themselves go with the VM
 */
void irq_destroy(struct machine *machine);

/**
 * irq_line() - drive an interrupt line
 * @machine: the machine
 * @gsi: below IRQ_LINES; a line has one driver
 * @level: asserted or not
 *
 * Return: 0 or -errno.
 */
int irq_line(struct machine *machine, unsigned int gsi, bool level);

/**
 * irq_route_alloc() - a GSI that sends a message
 * @machine: the machine
 * @gsi: receives the GSI; irq_route_free() gives it back
 *
 * It sends nothing before irq_route_set().
 * Return: 0; -ENOSPC if the kernel takes no more routes; another -errno.
 */
int irq_route_alloc(struct machine *machine, unsigned int *gsi);

/**
 * irq_route_set() - what message a route sends
 * @machine: the machine
 * @gsi: from irq_route_alloc()
 * @address: of the message
 * @data: of the message
 *
 * Costs nothing if the route is like that already.
 * Return: 0 or -errno; then the route is as before.
 */
int irq_route_set(struct machine *machine, unsigned int gsi, uint64_t address, uint32_t data);

/**
 * irq_route_free() - give a route back
 * @machine: the machine
 * @gsi: from irq_route_alloc(); no irqfd uses it
 */
void irq_route_free(struct machine *machine, unsigned int gsi);

/**
 * irqfd_assign() - let an eventfd raise a GSI
 * @machine: the machine
 * @gsi: a route
 * @fd: an eventfd; its wait queue belongs to KVM until irqfd_deassign()
 *
 * If the eventfd's count is not 0 the GSI is raised at once.
 * Return: 0 or -errno.
 */
int irqfd_assign(struct machine *machine, unsigned int gsi, int fd);

/**
 * irqfd_deassign() - undo irqfd_assign()
 * @machine: the machine
 * @gsi: as given to irqfd_assign()
 * @fd: as given to irqfd_assign()
 *
 * On return every event before was delivered; later ones stay in the
 * eventfd's count.
 * Return: 0 or -errno.
 */
int irqfd_deassign(struct machine *machine, unsigned int gsi, int fd);

#endif /* VQVMM_MACHINE_IRQ_H */
