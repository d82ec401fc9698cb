/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of vqhost-bridge.  The tables in options.c are parser, help text and
 * the options section of the manual page at once.
 */
#ifndef VQVMM_BRIDGE_OPTIONS_H
#define VQVMM_BRIDGE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses. */
enum bridge_exit {
	BRIDGE_EXIT_GOOD,
	BRIDGE_EXIT_ERROR,
	BRIDGE_EXIT_BAD_INPUT,
};

/**
 * struct device_options - a device
 * @socket_path: where to listen, or NULL
 * @fd: a socket, if there is no path
 * @has_socket: there is one or the other
 * @blk_file: what is behind a disk, or NULL
 * @read_only: it may not be written
 * @serial: identity of a disk, or NULL
 * @tap: what is behind a network interface, or NULL
 * @queues: of a disk, pairs of a network interface; 0: not given
 * @seen: options that were given, by position in their table
 */
struct device_options {
	const char *socket_path;
	unsigned int fd;
	bool has_socket;
	const char *blk_file;
	bool read_only;
	const char *serial;
	const char *tap;
	unsigned int queues;
	uint32_t seen;
};

/**
 * struct bridge_options - what the bridge was asked to do
 * @devices: @device_count of them
 * @device_count: at least 1
 * @user: as whom to run once everything is open, or NULL
 */
struct bridge_options {
	struct device_options *devices;
	unsigned int device_count;
	const char *user;
};

int bridge_options_parse(struct bridge_options *options, char **arguments);
void bridge_options_free(struct bridge_options *options);
void bridge_options_help(FILE *to);
void bridge_options_manual(FILE *to);
void bridge_options_completion(FILE *to);

#endif /* VQVMM_BRIDGE_OPTIONS_H */
