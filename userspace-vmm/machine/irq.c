// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt controllers, GSI routing, irqfds.
 *
 * KVM takes the routing table as a whole, so it is kept here and handed over
 * anew for each change: first the lines of the controllers, then the messages.
 */
#include "machine/irq.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "machine/machine.h"

#define PIC_LINES 16
#define PIC_CASCADE 2
#define TIMER_GSI 0
/* ISA's timer arrives at this pin of the I/O APIC; the MADT says so as well. */
#define TIMER_PIN 2

/* A route before the guest has said where its message goes. */
struct irq_route {
	bool used;
	bool set;
	uint64_t address;
	uint32_t data;
};

struct irq_routes {
	struct irq_route *routes;
	unsigned int count;
	unsigned int max;
	struct kvm_irq_routing *table;
	unsigned int room;
};

static void add_pin(struct kvm_irq_routing *table, unsigned int gsi, unsigned int chip,
		    unsigned int pin)
{
	table->entries[table->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static void add_lines(struct kvm_irq_routing *table)
{
	unsigned int gsi;

	for (gsi = 0; gsi < PIC_LINES; gsi++) {
		if (gsi == PIC_CASCADE)
			continue;
		add_pin(table, gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
			gsi % 8);
	}
	for (gsi = 0; gsi < IRQ_LINES; gsi++) {
		if (gsi == TIMER_PIN)
			continue;
		add_pin(table, gsi, KVM_IRQCHIP_IOAPIC, gsi == TIMER_GSI ? TIMER_PIN : gsi);
	}
}

static int grow_table(struct irq_routes *irq, unsigned int room)
{
	struct kvm_irq_routing *table;

	if (room <= irq->room)
		return 0;
	table = realloc(irq->table, sizeof(*table) + room * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	irq->table = table;
	irq->room = room;
	return 0;
}

static int commit(struct machine *machine)
{
	struct irq_routes *irq = machine->irq;
	struct kvm_irq_routing *table;
	unsigned int i;
	int err;

	err = grow_table(irq, PIC_LINES + IRQ_LINES + irq->count);
	if (err)
		return err;
	table = irq->table;
	table->nr = 0;
	table->flags = 0;
	add_lines(table);
	for (i = 0; i < irq->count; i++) {
		const struct irq_route *route = &irq->routes[i];

		if (!route->used || !route->set)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry){
			.gsi = IRQ_LINES + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {
				.address_lo = (uint32_t)route->address,
				.address_hi = (uint32_t)(route->address >> 32),
				.data = route->data,
			},
		};
	}
	return ioctl(machine->vm_fd, KVM_SET_GSI_ROUTING, table) ? -errno : 0;
}

int irq_create(struct machine *machine)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct irq_routes *irq;
	int max, err;

	max = ioctl(machine->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	if (max <= PIC_LINES + IRQ_LINES)
		return -EOPNOTSUPP;
	if (ioctl(machine->vm_fd, KVM_CREATE_IRQCHIP) ||
	    ioctl(machine->vm_fd, KVM_CREATE_PIT2, &pit))
		return -errno;
	irq = calloc(1, sizeof(*irq));
	if (!irq)
		return -ENOMEM;
	/* The lines of both controllers take part of the table. */
	irq->max = (unsigned int)max - PIC_LINES - IRQ_LINES;
	machine->irq = irq;
	err = commit(machine);
	if (err)
		irq_destroy(machine);
	return err;
}

void irq_destroy(struct machine *machine)
{
	struct irq_routes *irq = machine->irq;

	if (!irq)
		return;
	free(irq->table);
	free(irq->routes);
	free(irq);
	machine->irq = NULL;
}

int irq_line(struct machine *machine, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return ioctl(machine->vm_fd, KVM_IRQ_LINE, &line) ? -errno : 0;
}

int irq_route_alloc(struct machine *machine, unsigned int *gsi)
{
	struct irq_routes *irq = machine->irq;
	unsigned int i;

	for (i = 0; i < irq->count && irq->routes[i].used; i++)
		;
	if (i == irq->count) {
		struct irq_route *routes;

		if (irq->count == irq->max)
			return -ENOSPC;
		routes = realloc(irq->routes, (irq->count + 1) * sizeof(*routes));
		if (!routes)
			return -ENOMEM;
		irq->routes = routes;
		irq->count++;
	}
	irq->routes[i] = (struct irq_route){ .used = true };
	*gsi = IRQ_LINES + i;
	return 0;
}

int irq_route_set(struct machine *machine, unsigned int gsi, uint64_t address, uint32_t data)
{
	struct irq_route *route = &machine->irq->routes[gsi - IRQ_LINES];
	struct irq_route before = *route;
	int err;

	if (route->set && route->address == address && route->data == data)
		return 0;
	route->set = true;
	route->address = address;
	route->data = data;
	err = commit(machine);
	if (err)
		*route = before;
	return err;
}

void irq_route_free(struct machine *machine, unsigned int gsi)
{
	/* It stays in the kernel's table until the next change; nobody raises it. */
	machine->irq->routes[gsi - IRQ_LINES] = (struct irq_route){ 0 };
}

int irqfd_assign(struct machine *machine, unsigned int gsi, int fd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = gsi };

	return ioctl(machine->vm_fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}

int irqfd_deassign(struct machine *machine, unsigned int gsi, int fd)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)fd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN
	};

	return ioctl(machine->vm_fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}
