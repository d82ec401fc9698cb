/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The console: standard input and output.
 *
 * Ctrl-a x ends the machine, Ctrl-a Ctrl-a is one Ctrl-a for the guest.  If
 * standard input is a terminal it is in raw mode from console_create() to
 * console_destroy().
 *
 * Context: under the machine lock, or while the vCPUs do not run.
 */
#ifndef VQVMM_LEGACY_CONSOLE_H
#define VQVMM_LEGACY_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

struct console;
struct machine;

/**
 * struct console_user - the device at the console's other end
 * @room: how many bytes of input it takes now
 * @input: takes one of them
 * @output_ready: output that was refused may be tried again
 * @opaque: for all of them
 */
struct console_user {
	unsigned int (*room)(void *opaque);
	void (*input)(void *opaque, uint8_t byte);
	void (*output_ready)(void *opaque);
	void *opaque;
};

/**
 * console_create() - open the console
 * @machine: the machine
 * @out: receives the console
 *
 * Return: 0 or -errno.
 */
int console_create(struct machine *machine, struct console **out);

/**
 * console_destroy() - close it and give the terminal back as it was
 * @console: may be NULL
 */
void console_destroy(struct console *console);

/**
 * console_attach() - say who uses it
 * @console: the console
 * @user: is copied; NULL for nobody
 */
void console_attach(struct console *console, const struct console_user *user);

/**
 * console_write() - output a byte
 * @console: the console
 * @byte: the byte
 *
 * Does not wait.  What cannot be written at all, as nobody reads it any more, is
 * thrown away.
 * Return: false if there is no room; output_ready() will be called.
 */
bool console_write(struct console *console, uint8_t byte);

/**
 * console_pull() - there is room for input again
 * @console: the console
 */
void console_pull(struct console *console);

#endif /* VQVMM_LEGACY_CONSOLE_H */
