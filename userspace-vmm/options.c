// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of "run": tables, and the parser, help and manual made of
 * them.
 */
#include "options.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"
#include "option_table.h"
#include "option_text.h"

#define MIB (1ULL << 20)

#define SERIAL_LENGTH 20

/* Columns of the help text: where explanations begin. */
#define HELP_COLUMN 25

static OPTION_PARSER(parse_backend);
static OPTION_PARSER(parse_disk);
static OPTION_PARSER(parse_net);

#define DISK(field) .offset = offsetof(struct disk_options, field)
#define NET(field) .offset = offsetof(struct net_options, field)
#define RUN(field) .offset = offsetof(struct options, field)

static const struct option_row disk_keys[] = {
	{ "path", "FILE", "file or block device", parse_text, DISK(path), .low = 1 },
	{ "backend", "user|vhost|vhost-user", "where it is served: by vqvmm (the default), by\n"
	  "a kernel device, or by a process that listens at a\n"
	  "socket, which has the file", parse_backend, DISK(backend),
	  .high = BACKEND_VHOST_USER },
	{ "device", "FILE", "kernel device for backend=vhost\n"
	  "(default /dev/vqhost-blk)", parse_text, DISK(device), .low = 1 },
	{ "socket", "FILE", "Unix socket for backend=vhost-user", parse_text, DISK(socket),
	  .low = 1 },
	{ "queues", "N", "number of queues (default 1)", parse_number, DISK(queues),
	  .low = 1, .high = 64 },
	{ "queue-size", "N", "entries of a queue, a power of 2 (default 256)", parse_power_of_2,
	  DISK(queue_size), .low = 2, .high = 1024 },
	{ "readonly", "on|off", "the guest may not write (default off)", parse_on_off,
	  DISK(readonly), .given = offsetof(struct disk_options, readonly_set) },
	{ "serial", "TEXT", "identity, up to 20 characters", parse_text, DISK(serial),
	  .high = SERIAL_LENGTH },
	{ "packed", "on|off", "offer packed rings to the guest (default off)", parse_on_off,
	  DISK(packed) },
	{ "poll-us", "N", "microseconds a queue polls before it sleeps\n"
	  "(default: the backend's)", parse_number, DISK(poll_us),
	  .given = offsetof(struct disk_options, poll_set), .high = 1000000 },
	{ .name = NULL }
};

static const struct option_row net_keys[] = {
	{ "tap", "INTERFACE", "tap interface, which must exist", parse_text, NET(tap), .low = 1,
	  .high = IFNAMSIZ - 1, .required = true },
	{ "mac", "ADDRESS", "the guest's address (default: made of the position)", parse_mac,
	  NET(mac), .given = offsetof(struct net_options, mac_set) },
	{ "backend", "user|vhost", "where it is served: by vqvmm (the default), or by\n"
	  "a kernel device", parse_backend, NET(backend), .high = BACKEND_VHOST },
	{ "device", "FILE", "kernel device for backend=vhost: the default,\n"
	  "/dev/vqhost-net, or /dev/vhost-net", parse_text, NET(device), .low = 1 },
	{ "queues", "N", "number of queue pairs (default 1)", parse_number, NET(queues),
	  .low = 1, .high = 64 },
	{ "queue-size", "N", "entries of a queue, a power of 2 (default 256)", parse_power_of_2,
	  NET(queue_size), .low = 2, .high = 1024 },
	{ "packed", "on|off", "offer packed rings to the guest (default off)", parse_on_off,
	  NET(packed) },
	{ "rss", "on|off", "offer the guest to choose the queue of a flow:\n"
	  "receive-side scaling (default off)", parse_on_off, NET(rss) },
	{ "poll-us", "N", "microseconds a queue polls before it sleeps\n"
	  "(default: the backend's)", parse_number, NET(poll_us),
	  .given = offsetof(struct net_options, poll_set), .high = 1000000 },
	{ .name = NULL }
};

static const struct option_row run_rows[] = {
	{ "--kernel", "FILE", "Linux kernel, a bzImage", parse_text, RUN(kernel), .low = 1,
	  .required = true },
	{ "--initrd", "FILE", "initial RAM disk", parse_text, RUN(initrd), .low = 1 },
	{ "--cmdline", "TEXT", "the kernel's command line (default console=ttyS0)", parse_text,
	  RUN(cmdline) },
	{ "--cpus", "N", "number of processors (default 1)", parse_number, RUN(cpus),
	  .low = 1, .high = MACHINE_VCPUS_MAX },
	{ "--memory", "SIZE", "memory, as in 512M or 4G (default 512M)", parse_size, RUN(memory),
	  .low = 32 * MIB, .high = 1ULL << 52 },
	{ "--name", "NAME", "name of the machine and its process, up to\n"
	  "15 characters; lets it be reached by commands", parse_name, RUN(name),
	  .low = 1, .high = 15 },
	{ "--disk", "KEY=VALUE,...", "a disk; may be repeated.  Keys:", parse_disk,
	  .keys = disk_keys, .repeated = true },
	{ "--net", "KEY=VALUE,...", "a network interface; may be repeated.  Keys:", parse_net,
	  .keys = net_keys, .repeated = true },
	{ .name = NULL }
};

static OPTION_PARSER(parse_backend)
{
	static const char *const names[] = {
		[BACKEND_USER] = "user",
		[BACKEND_VHOST] = "vhost",
		[BACKEND_VHOST_USER] = "vhost-user",
	};
	enum backend_kind kind;

	for (kind = 0; kind <= row->high; kind++) {
		if (!strcmp(value, names[kind])) {
			*(enum backend_kind *)field = kind;
			return 0;
		}
	}
	return reject(parser, "not one of %s", row->argument);
}

/* A copy that lives as long as the options. */
static char *store(struct options *options, const char *text)
{
	char **storage = realloc(options->storage,
				 (options->storage_count + 1) * sizeof(*storage));

	if (!storage)
		return NULL;
	options->storage = storage;
	storage[options->storage_count] = strdup(text);
	return storage[options->storage_count] ? storage[options->storage_count++] : NULL;
}

/* Cut the text at the next comma: what follows it.  Two commas stand for one. */
static char *cut_at_comma(char *text)
{
	char *from, *to = text;

	for (from = text; *from; from++) {
		if (*from == ',' && *++from != ',') {
			*to = '\0';
			return from;
		}
		*to++ = *from;
	}
	*to = '\0';
	return NULL;
}

static int parse_keys(struct parser *parser, const struct option_row *keys, const char *value,
		      void *structure)
{
	const struct option_row *row;
	char *text, *next;
	uint32_t seen = 0;
	int err;

	text = store(parser->options, value);
	if (!text)
		return -ENOMEM;
	for (; text; text = next) {
		char *equals;

		next = cut_at_comma(text);
		equals = strchr(text, '=');
		if (!equals)
			return option_error(parser->option, text, "not of the form KEY=VALUE");
		*equals = '\0';
		parser->key = text;
		parser->value = equals + 1;
		row = option_find_row(keys, text);
		if (!row)
			return reject(parser, "there is no such key");
		err = option_parse_row(parser, keys, row, equals + 1, structure, &seen);
		if (err)
			return err;
	}
	row = option_find_missing(keys, seen);
	if (row)
		return option_error(parser->option, value, "%s=%s is missing", row->name,
				    row->argument);
	return 0;
}

/* Is what is behind the disk named as its backend wants it? */
static int check_disk(const struct parser *parser, const struct disk_options *disk,
		      const char *value)
{
	bool by_socket = disk->backend == BACKEND_VHOST_USER;
	const char *const given[][2] = {
		{ "path", disk->path },
		{ "serial", disk->serial },
		{ "readonly", disk->readonly_set ? disk->readonly ? "on" : "off" : NULL },
	};
	unsigned int i;

	if (disk->device && disk->backend != BACKEND_VHOST)
		return option_key_error(parser->option, "device", disk->device,
					"needs backend=vhost");
	if (disk->socket && !by_socket)
		return option_key_error(parser->option, "socket", disk->socket,
					"needs backend=vhost-user");
	if (!by_socket && !disk->path)
		return option_error(parser->option, value, "path=FILE is missing");
	if (by_socket && !disk->socket)
		return option_error(parser->option, value, "socket=FILE is missing");
	for (i = 0; by_socket && i < ARRAY_SIZE(given); i++) {
		if (given[i][1])
			return option_key_error(parser->option, given[i][0], given[i][1],
						"who listens at the socket decides that");
	}
	return 0;
}

static OPTION_PARSER(parse_disk)
{
	struct options *options = parser->options;
	struct disk_options *disks, *disk;
	int err;

	(void)field;
	disks = realloc(options->disks, (options->disk_count + 1) * sizeof(*disks));
	if (!disks)
		return -ENOMEM;
	options->disks = disks;
	disk = &disks[options->disk_count];
	*disk = (struct disk_options){
		.backend = BACKEND_USER, .queues = 1, .queue_size = 256
	};
	err = parse_keys(parser, row->keys, value, disk);
	if (!err)
		err = check_disk(parser, disk, value);
	if (err)
		return err;
	if (!disk->device)
		disk->device = "/dev/vqhost-blk";
	options->disk_count++;
	return 0;
}

static OPTION_PARSER(parse_net)
{
	struct options *options = parser->options;
	struct net_options *nets, *net;
	int err;

	(void)field;
	nets = realloc(options->nets, (options->net_count + 1) * sizeof(*nets));
	if (!nets)
		return -ENOMEM;
	options->nets = nets;
	net = &nets[options->net_count];
	*net = (struct net_options){
		.backend = BACKEND_USER, .queues = 1, .queue_size = 256
	};
	err = parse_keys(parser, row->keys, value, net);
	if (err)
		return err;
	if (net->device && net->backend != BACKEND_VHOST)
		return option_key_error(parser->option, "device", net->device,
					"needs backend=vhost");
	if (!net->device)
		net->device = "/dev/vqhost-net";
	if (!net->mac_set) {
		/* Locally administered; another machine's may be the same. */
		static const uint8_t prefix[5] = { 0x52, 0x54, 0x00, 0x76, 0x71 };

		memcpy(net->mac, prefix, sizeof(prefix));
		net->mac[5] = (uint8_t)(options->net_count + 1);
	}
	options->net_count++;
	return 0;
}

int options_parse(struct options *options, char **arguments)
{
	struct parser parser = { .options = options };
	const struct option_row *row;
	uint32_t seen = 0;
	int err;

	*options = (struct options){
		.cmdline = "console=ttyS0", .cpus = 1, .memory = 512 * MIB
	};
	for (; *arguments; arguments += 2) {
		row = option_find_row(run_rows, arguments[0]);
		if (!row)
			return option_error("run", arguments[0], "there is no such option");
		if (!arguments[1])
			return option_error(arguments[0], NULL, "%s is missing", row->argument);
		parser.option = row->name;
		parser.key = NULL;
		parser.value = arguments[1];
		err = option_parse_row(&parser, run_rows, row, arguments[1], options, &seen);
		if (err)
			return err;
	}
	row = option_find_missing(run_rows, seen);
	if (row)
		return option_error(row->name, NULL, "is missing");
	return 0;
}

void options_free(struct options *options)
{
	while (options->storage_count--)
		free(options->storage[options->storage_count]);
	free(options->storage);
	free(options->disks);
	free(options->nets);
}

void options_help(FILE *to)
{
	option_help_rows(to, run_rows, 2, HELP_COLUMN, " ");
}

void options_manual(FILE *to)
{
	option_manual_rows(to, run_rows, " ");
}

void options_completion(FILE *to)
{
	option_completion_begin(to, "vqvmm run");
	option_completion_names(to, run_rows, "");
	option_completion_end(to);
	option_completion_values(to, "vqvmm run", run_rows);
}
