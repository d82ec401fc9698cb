// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550 UART.
 *
 * Line speed and format are accepted and mean nothing: a byte leaves at once,
 * unless the console has no room.  Then it waits in the transmit FIFO.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <stdlib.h>

#include "legacy/console.h"
#include "legacy/legacy.h"
#include "machine/machine.h"

#define BASE 0x3f8
#define PORTS 8
#define GSI 4

#define FIFO_SIZE 16

struct fifo {
	uint8_t bytes[FIFO_SIZE];
	unsigned int first;
	unsigned int count;
};

struct serial {
	struct machine *machine;
	struct console *console;
	struct fifo receive;
	struct fifo transmit;
	uint8_t divisor[2];
	uint8_t interrupts;	/* IER */
	uint8_t line_control;	/* LCR */
	uint8_t modem_control;	/* MCR */
	uint8_t scratch;
	bool fifos;
	bool overrun;
	/* The transmitter has become empty, and nobody has been told yet. */
	bool transmit_event;
	bool asserted;
};

static void fifo_put(struct fifo *fifo, uint8_t byte)
{
	fifo->bytes[(fifo->first + fifo->count++) % FIFO_SIZE] = byte;
}

static uint8_t fifo_get(struct fifo *fifo)
{
	uint8_t byte = fifo->bytes[fifo->first];

	fifo->first = (fifo->first + 1) % FIFO_SIZE;
	fifo->count--;
	return byte;
}

static unsigned int fifo_room(const struct fifo *fifo, bool fifos)
{
	return (fifos ? FIFO_SIZE : 1) - fifo->count;
}

/* The reason for an interrupt that comes first, as the IIR shows it. */
static uint8_t identify(const struct serial *serial)
{
	if (serial->interrupts & UART_IER_RLSI && serial->overrun)
		return UART_IIR_RLSI;
	if (serial->interrupts & UART_IER_RDI && serial->receive.count)
		return UART_IIR_RDI;
	if (serial->interrupts & UART_IER_THRI && serial->transmit_event)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update_interrupt(struct serial *serial)
{
	/* OUT2 connects the line on a PC. */
	bool assert = serial->modem_control & UART_MCR_OUT2 &&
		      identify(serial) != UART_IIR_NO_INT;

	if (assert == serial->asserted)
		return;
	serial->asserted = assert;
	irq_line(serial->machine, GSI, assert);
}

static void send_pending(struct serial *serial)
{
	struct fifo *fifo = &serial->transmit;

	while (fifo->count && console_write(serial->console, fifo->bytes[fifo->first]))
		fifo_get(fifo);
	if (!fifo->count)
		serial->transmit_event = true;
}

static void receive_byte(struct serial *serial, uint8_t byte)
{
	if (fifo_room(&serial->receive, serial->fifos))
		fifo_put(&serial->receive, byte);
	else
		serial->overrun = true;
}

static void transmit_byte(struct serial *serial, uint8_t byte)
{
	serial->transmit_event = false;
	if (serial->modem_control & UART_MCR_LOOP) {
		receive_byte(serial, byte);
		serial->transmit_event = true;
		return;
	}
	/* What the guest sends without looking is lost, as it is on a line. */
	if (fifo_room(&serial->transmit, serial->fifos))
		fifo_put(&serial->transmit, byte);
	send_pending(serial);
}

static uint8_t line_status(struct serial *serial)
{
	uint8_t status = 0;

	if (serial->receive.count)
		status |= UART_LSR_DR;
	if (serial->overrun)
		status |= UART_LSR_OE;
	if (!serial->transmit.count)
		status |= UART_LSR_THRE | UART_LSR_TEMT;
	serial->overrun = false;
	return status;
}

/* A modem that is always ready; in loopback the outputs are the inputs. */
static uint8_t modem_status(const struct serial *serial)
{
	uint8_t control = serial->modem_control, status = 0;

	if (!(control & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (control & UART_MCR_DTR)
		status |= UART_MSR_DSR;
	if (control & UART_MCR_RTS)
		status |= UART_MSR_CTS;
	if (control & UART_MCR_OUT1)
		status |= UART_MSR_RI;
	if (control & UART_MCR_OUT2)
		status |= UART_MSR_DCD;
	return status;
}

static uint8_t read_interrupt_id(struct serial *serial)
{
	uint8_t id = identify(serial);

	/* Reading is being told. */
	if (id == UART_IIR_THRI)
		serial->transmit_event = false;
	return serial->fifos ? id | 0xc0 : id;
}

static uint8_t read_byte(struct serial *serial)
{
	uint8_t byte = serial->receive.count ? fifo_get(&serial->receive) : 0;

	if (!serial->receive.count)
		console_pull(serial->console);
	return byte;
}

static int serial_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	struct serial *serial = opaque;
	bool divisor = serial->line_control & UART_LCR_DLAB;
	uint8_t value = 0;

	if (length != 1)
		return -ENXIO;
	switch (offset) {
	case UART_RX:
		value = divisor ? serial->divisor[0] : read_byte(serial);
		break;
	case UART_IER:
		value = divisor ? serial->divisor[1] : serial->interrupts;
		break;
	case UART_IIR:
		value = read_interrupt_id(serial);
		break;
	case UART_LCR:
		value = serial->line_control;
		break;
	case UART_MCR:
		value = serial->modem_control;
		break;
	case UART_LSR:
		value = line_status(serial);
		break;
	case UART_MSR:
		value = modem_status(serial);
		break;
	case UART_SCR:
		value = serial->scratch;
		break;
	}
	*(uint8_t *)data = value;
	update_interrupt(serial);
	return 0;
}

static void write_interrupts(struct serial *serial, uint8_t value)
{
	/* An empty transmitter is news to whoever begins to listen. */
	if (value & ~serial->interrupts & UART_IER_THRI && !serial->transmit.count)
		serial->transmit_event = true;
	serial->interrupts = value & 0x0f;
	console_pull(serial->console);
}

static void write_fifo_control(struct serial *serial, uint8_t value)
{
	bool fifos = value & UART_FCR_ENABLE_FIFO;
	bool changed = fifos != serial->fifos;

	serial->fifos = fifos;
	if (changed || value & UART_FCR_CLEAR_RCVR) {
		serial->receive.count = 0;
		console_pull(serial->console);
	}
	if (changed || value & UART_FCR_CLEAR_XMIT) {
		serial->transmit.count = 0;
		serial->transmit_event = true;
	}
}

static int serial_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	struct serial *serial = opaque;
	bool divisor = serial->line_control & UART_LCR_DLAB;
	uint8_t value = *(const uint8_t *)data;

	if (length != 1)
		return -ENXIO;
	switch (offset) {
	case UART_TX:
		if (divisor)
			serial->divisor[0] = value;
		else
			transmit_byte(serial, value);
		break;
	case UART_IER:
		if (divisor)
			serial->divisor[1] = value;
		else
			write_interrupts(serial, value);
		break;
	case UART_FCR:
		write_fifo_control(serial, value);
		break;
	case UART_LCR:
		serial->line_control = value;
		break;
	case UART_MCR:
		serial->modem_control = value & 0x1f;
		console_pull(serial->console);
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	}
	update_interrupt(serial);
	return 0;
}

static unsigned int console_room(void *opaque)
{
	const struct serial *serial = opaque;
	bool listening = serial->interrupts & UART_IER_RDI ||
			 serial->modem_control & UART_MCR_DTR;

	/* What comes before the guest listens would be lost. */
	if (!listening || serial->modem_control & UART_MCR_LOOP)
		return 0;
	return fifo_room(&serial->receive, serial->fifos);
}

static void console_input(void *opaque, uint8_t byte)
{
	struct serial *serial = opaque;

	receive_byte(serial, byte);
	update_interrupt(serial);
}

static void console_output_ready(void *opaque)
{
	struct serial *serial = opaque;

	send_pending(serial);
	update_interrupt(serial);
}

int serial_create(struct machine *machine, struct console *console, struct serial **out)
{
	struct console_user user = {
		.room = console_room,
		.input = console_input,
		.output_ready = console_output_ready,
	};
	struct space_range range = {
		.address = BASE,
		.size = PORTS,
		.read = serial_read,
		.write = serial_write,
	};
	struct serial *serial;
	int err;

	serial = calloc(1, sizeof(*serial));
	if (!serial)
		return -ENOMEM;
	serial->machine = machine;
	serial->console = console;
	range.opaque = serial;
	err = space_add(&machine->ports, &range);
	if (err) {
		free(serial);
		return err;
	}
	user.opaque = serial;
	console_attach(console, &user);
	*out = serial;
	return 0;
}

void serial_destroy(struct serial *serial)
{
	if (!serial)
		return;
	console_attach(serial->console, NULL);
	space_remove(&serial->machine->ports, BASE);
	free(serial);
}
