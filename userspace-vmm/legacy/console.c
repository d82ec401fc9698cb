// SPDX-License-Identifier: GPL-2.0
/*
 * Standard input and output as the guest's console.
 *
 * Input is read into a buffer, so that Ctrl-a x is seen even if the guest does
 * not listen.  When the buffer is full the rest stays where it is, and input is
 * not watched meanwhile; but a terminal is always read, and what does not fit is
 * thrown away.  Output never waits: the machine lock is held.  While the other
 * end does not read, a timer tries again.
 */
#include "legacy/console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "machine/machine.h"

#define ESCAPE 0x01	/* Ctrl-a */
#define RETRY_NS 10000000ULL
#define BUFFER_SIZE 1024

struct console {
	struct machine *machine;
	struct console_user user;
	struct loop_timer *retry;
	struct termios before;
	/* Input is a terminal, in raw mode. */
	bool raw;
	/* Input is watched by the loop. */
	bool watched;
	/* Input is a file: there is nothing to watch. */
	bool always_ready;
	/* Nothing will come any more. */
	bool ended;
	/* The byte before was the escape. */
	bool escape;
	uint8_t buffer[BUFFER_SIZE];
	unsigned int first;
	unsigned int count;
};

static void handle_input(void *opaque);

static void watch(struct console *console, bool on)
{
	if (on == console->watched || console->always_ready)
		return;
	console->watched = on;
	if (!on)
		loop_remove(console->machine->loop, STDIN_FILENO);
	else if (loop_add(console->machine->loop, STDIN_FILENO, handle_input, console))
		console->watched = false;
}

static void buffer_byte(struct console *console, uint8_t byte)
{
	if (console->count == BUFFER_SIZE)
		return;
	console->buffer[(console->first + console->count++) % BUFFER_SIZE] = byte;
}

static void take_byte(struct console *console, uint8_t byte)
{
	if (!console->escape && byte == ESCAPE) {
		console->escape = true;
		return;
	}
	if (console->escape && byte == 'x')
		machine_request_exit(console->machine, MACHINE_EXIT_QUIT);
	else if (!console->escape || byte == ESCAPE)
		buffer_byte(console, byte);
	console->escape = false;
}

/* Read what there is room for, once. */
static void read_input(struct console *console)
{
	size_t room = console->raw ? BUFFER_SIZE : BUFFER_SIZE - console->count;
	uint8_t bytes[BUFFER_SIZE];
	ssize_t count, i;

	if (console->ended || !room)
		return;
	count = read(STDIN_FILENO, bytes, room);
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* A terminal that is gone reads as an error. */
	console->ended = count <= 0;
	for (i = 0; i < count; i++)
		take_byte(console, bytes[i]);
}

void console_pull(struct console *console)
{
	const struct console_user *user = &console->user;

	while (user->room && console->count && user->room(user->opaque)) {
		user->input(user->opaque, console->buffer[console->first]);
		console->first = (console->first + 1) % BUFFER_SIZE;
		console->count--;
		if (!console->count && console->always_ready)
			read_input(console);
	}
	watch(console, !console->ended && (console->raw || console->count < BUFFER_SIZE));
}

static void handle_input(void *opaque)
{
	struct console *console = opaque;

	read_input(console);
	console_pull(console);
}

static void handle_retry(void *opaque)
{
	struct console *console = opaque;

	if (console->user.output_ready)
		console->user.output_ready(console->user.opaque);
}

bool console_write(struct console *console, uint8_t byte)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (poll(&output, 1, 0)) {
		if (write(STDOUT_FILENO, &byte, 1) == 1)
			return true;
		/* Nobody to tell: the guest goes on without a console. */
		if (errno != EAGAIN)
			return true;
	}
	loop_timer_arm(console->retry, RETRY_NS);
	return false;
}

static void set_raw(struct console *console)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &console->before))
		return;
	raw = console->before;
	cfmakeraw(&raw);
	console->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

int console_create(struct machine *machine, struct console **out)
{
	struct console *console;
	int err;

	console = calloc(1, sizeof(*console));
	if (!console)
		return -ENOMEM;
	console->machine = machine;
	err = loop_timer_add(machine->loop, handle_retry, console, &console->retry);
	if (err)
		goto free_console;
	err = loop_add(machine->loop, STDIN_FILENO, handle_input, console);
	if (err == -EPERM)
		console->always_ready = true;	/* a file, or /dev/null */
	else if (err == -EBADF)
		console->ended = true;		/* closed */
	else if (err)
		goto remove_timer;
	else
		console->watched = true;
	set_raw(console);
	if (console->always_ready)
		read_input(console);
	*out = console;
	return 0;

remove_timer:
	loop_timer_remove(console->retry);
free_console:
	free(console);
	return err;
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	if (console->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &console->before);
	watch(console, false);
	loop_timer_remove(console->retry);
	free(console);
}

void console_attach(struct console *console, const struct console_user *user)
{
	console->user = user ? *user : (struct console_user){ 0 };
}
