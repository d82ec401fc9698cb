// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: tables, and the parser, help, manual and completion made of them.
 */
#include "bridge/options.h"

#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"
#include "option_text.h"
#include "vhost_user/message.h"

#define SERIAL_LENGTH 20

/* Column of the help text in which explanations begin. */
#define HELP_COLUMN 25

static OPTION_PARSER(parse_flag);

#define DEVICE(field) .offset = offsetof(struct device_options, field)

/* Those of sockets, which begin a device, come first. */
#define SOCKET_ROWS 2

static const struct option_row device_rows[] = {
	{ "--socket-path", "PATH", "listen there, for one front end at a time",
	  parse_text, DEVICE(socket_path),
	  .given = offsetof(struct device_options, has_socket), .low = 1 },
	{ "--fd", "NUMBER", "the socket is open: one that listens, or a connection,\n"
	  "with which the device ends", parse_number, DEVICE(fd),
	  .given = offsetof(struct device_options, has_socket), .high = INT_MAX },
	{ "--blk-file", "FILE", "a disk: file or block device", parse_text, DEVICE(blk_file),
	  .low = 1 },
	{ "--read-only", NULL, "the guest may not write to it", parse_flag, DEVICE(read_only) },
	{ "--serial", "TEXT", "identity of the disk, up to 20 characters", parse_text,
	  DEVICE(serial), .high = SERIAL_LENGTH },
	{ "--tap", "INTERFACE", "a network interface: a tap, which must exist", parse_text,
	  DEVICE(tap), .low = 1, .high = IFNAMSIZ - 1 },
	{ "--queues", "N", "most queues that a front end may use (default 64), of a\n"
	  "tap pairs of queues (default 1)", parse_number, DEVICE(queues), .low = 1,
	  .high = 64 },
	{ .name = NULL }
};

static const struct option_row process_rows[] = {
	{ "--user", "NAME", "run as that user once everything is open; the sockets\n"
	  "are that user's", parse_text, .offset = offsetof(struct bridge_options, user),
	  .low = 1 },
	{ .name = NULL }
};

static OPTION_PARSER(parse_flag)
{
	(void)parser;
	(void)row;
	(void)value;
	*(bool *)field = true;
	return 0;
}

/*
 * The device that an option belongs to: the latest one.  Another one begins with the first
 * option of all, and with each socket if there is one already.  NULL if there is no memory.
 */
static struct device_options *find_device(struct bridge_options *options, bool is_socket)
{
	struct device_options *devices = options->devices;
	unsigned int count = options->device_count;

	if (count && !(is_socket && devices[count - 1].has_socket))
		return &devices[count - 1];
	devices = realloc(devices, (count + 1) * sizeof(*devices));
	if (!devices)
		return NULL;
	options->devices = devices;
	options->device_count++;
	devices[count] = (struct device_options) {};
	return &devices[count];
}

/*
 * Read one option, whose value stands behind an equals sign or is the next argument.
 * Returns how many arguments it took, or an error.
 */
static int parse_option(struct parser *parser, char **arguments, uint32_t *seen)
{
	const struct option_row *row, *rows = device_rows;
	struct device_options *device;
	char *value = strchr(arguments[0], '=');
	int err, used = 1;

	if (value)
		*value++ = '\0';
	row = option_find_row(rows, arguments[0]);
	if (!row) {
		rows = process_rows;
		row = option_find_row(rows, arguments[0]);
	}
	if (!row)
		return option_error(arguments[0], NULL, "there is no such option");
	if (!row->argument && value)
		return option_error(row->name, value, "has no value");
	if (row->argument && !value) {
		value = arguments[1];
		used = 2;
	}
	if (row->argument && !value)
		return option_error(row->name, NULL, "%s is missing", row->argument);
	parser->option = row->name;
	parser->value = value;
	if (rows == process_rows) {
		err = option_parse_row(parser, rows, row, value, parser->options, seen);
		return err ? err : used;
	}
	device = find_device(parser->options, row < device_rows + SOCKET_ROWS);
	if (!device)
		return -ENOMEM;
	err = option_parse_row(parser, rows, row, value, device, &device->seen);
	return err ? err : used;
}

/* Options that do not go together. */
static int check_device(const struct device_options *device)
{
	if (!device->has_socket)
		return option_error("--socket-path", NULL, "is missing, and so is --fd");
	if (!device->blk_file && !device->tap)
		return option_error(device->socket_path ? "--socket-path" : "--fd",
				    device->socket_path,
				    "neither --blk-file nor --tap goes with it");
	if (device->blk_file && device->tap)
		return option_error("--tap", device->tap, "the device is a disk already");
	if (device->tap && device->read_only)
		return option_error("--read-only", NULL, "only for a disk");
	if (device->tap && device->serial)
		return option_error("--serial", device->serial, "only for a disk");
	return 0;
}

/**
 * bridge_options_parse() - read the command line
 * @options: is filled; bridge_options_free() frees what hangs from it, also on failure
 * @arguments: end with NULL, are changed, must outlive @options
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int bridge_options_parse(struct bridge_options *options, char **arguments)
{
	struct parser parser = { .options = options };
	uint32_t seen = 0;
	unsigned int i;
	int used, err;

	*options = (struct bridge_options) {};
	while (*arguments) {
		used = parse_option(&parser, arguments, &seen);
		if (used < 0)
			return used;
		arguments += used;
	}
	if (!options->device_count)
		return option_error("--socket-path", NULL, "is missing, and so is --fd");
	for (i = 0; i < options->device_count; i++) {
		err = check_device(&options->devices[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * bridge_options_free() - free what hangs from options
 * @options: from bridge_options_parse()
 */
void bridge_options_free(struct bridge_options *options)
{
	free(options->devices);
}

/**
 * bridge_options_help() - print the help text
 * @to: where
 */
void bridge_options_help(FILE *to)
{
	fputs("A device; the next one begins with another --socket-path or --fd:\n", to);
	option_help_rows(to, device_rows, 2, HELP_COLUMN, "=");
	fputs("\nOf the process:\n", to);
	option_help_rows(to, process_rows, 2, HELP_COLUMN, "=");
}

/**
 * bridge_options_manual() - print the options section of the manual page, in troff
 * @to: where
 */
void bridge_options_manual(FILE *to)
{
	fputs(".SS Of a device\nThe next device begins with another\n.B \\-\\-socket\\-path\nor\n"
	      ".BR \\-\\-fd .\n", to);
	option_manual_rows(to, device_rows, "=");
	fputs(".SS Of the process\n", to);
	option_manual_rows(to, process_rows, "=");
}

/**
 * bridge_options_completion() - print the table by which bash completes
 * @to: where
 */
void bridge_options_completion(FILE *to)
{
	option_completion_begin(to, "commands");
	fputs("--print-capabilities --help --version", to);
	option_completion_end(to);
	option_completion_begin(to, "vqhost-bridge");
	option_completion_names(to, device_rows, "");
	option_completion_names(to, process_rows, "");
	option_completion_end(to);
	option_completion_values(to, "vqhost-bridge", device_rows);
	option_completion_values(to, "vqhost-bridge", process_rows);
}
