// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of "run": tables, and the parser, help and manual made of
 * them.
 */
#include "options.h"

#include <ctype.h>
#include <net/if.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"

#define PAGE 4096
#define MIB (1ULL << 20)

#define SERIAL_LENGTH 20

/* Columns of the help text: where explanations begin. */
#define HELP_COLUMN 25

struct parser;

/**
 * struct option_row - an option, or a key of one
 * @name: as the user writes it
 * @argument: what to call its value
 * @text: what it means; lines of up to 54 columns
 * @parse: reads the value into the field at @offset
 * @offset: of the field in its structure
 * @given: offset of a bool that tells that it was given, 0 for none
 * @low: least number
 * @high: greatest number
 * @keys: the keys that the value consists of
 * @required: it must be given
 * @repeated: it may be given more than once
 */
struct option_row {
	const char *name;
	const char *argument;
	const char *text;
	int (*parse)(struct parser *parser, const struct option_row *row, const char *value,
		     void *field);
	size_t offset;
	size_t given;
	uint64_t low;
	uint64_t high;
	const struct option_row *keys;
	bool required;
	bool repeated;
};

/**
 * struct parser - where in the command line we are, for messages
 * @options: what is being filled
 * @option: the option
 * @key: the key in its value, or NULL
 * @value: the value of the key or of the option
 */
struct parser {
	struct options *options;
	const char *option;
	const char *key;
	const char *value;
};

#define reject(parser, ...) \
	((parser)->key ? \
	 option_key_error((parser)->option, (parser)->key, (parser)->value, __VA_ARGS__) : \
	 option_error((parser)->option, (parser)->value, __VA_ARGS__))

static void print_error(const char *option, const char *key, const char *value,
			const char *format, va_list arguments)
{
	int error = errno;

	fprintf(stderr, "vqvmm: %s", option);
	if (key)
		fprintf(stderr, " %s=%s", key, value);
	else if (value)
		fprintf(stderr, " %s", value);
	fputs(": ", stderr);
	errno = error;
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int option_error(const char *option, const char *value, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_error(option, NULL, value, format, arguments);
	va_end(arguments);
	return OPTION_REJECTED;
}

int option_key_error(const char *option, const char *key, const char *value,
		     const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_error(option, key, value, format, arguments);
	va_end(arguments);
	return OPTION_REJECTED;
}

static int parse_text(struct parser *parser, const struct option_row *row, const char *value,
		      void *field)
{
	if (!*value && row->low)
		return reject(parser, "is empty");
	if (row->high && strlen(value) > row->high)
		return reject(parser, "longer than %u characters", (unsigned int)row->high);
	*(const char **)field = value;
	return 0;
}

/* The digits of a number; what follows them goes to rest. */
static int parse_digits(const char *value, uint64_t *number, const char **rest)
{
	char *end;

	/* strtoull() takes signs and white space. */
	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	*number = strtoull(value, &end, 10);
	*rest = end;
	return -errno;
}

static int parse_number(struct parser *parser, const struct option_row *row, const char *value,
			void *field)
{
	const char *rest = "";
	uint64_t number;

	if (parse_digits(value, &number, &rest) || *rest ||
	    number < row->low || number > row->high)
		return reject(parser, "not a number from %u to %u", (unsigned int)row->low,
			      (unsigned int)row->high);
	*(unsigned int *)field = (unsigned int)number;
	return 0;
}

static int parse_power_of_2(struct parser *parser, const struct option_row *row,
			    const char *value, void *field)
{
	unsigned int number;
	int err;

	err = parse_number(parser, row, value, &number);
	if (err)
		return err;
	if (number & (number - 1))
		return reject(parser, "not a power of 2");
	*(unsigned int *)field = number;
	return 0;
}

static int parse_size(struct parser *parser, const struct option_row *row, const char *value,
		      void *field)
{
	static const char units[] = "KMGT";
	char least[OPTION_SIZE_TEXT];
	const char *rest = "", *unit;
	unsigned int shift = 0;
	uint64_t number;
	int err;

	err = parse_digits(value, &number, &rest);
	if (err == -EINVAL)
		return reject(parser, "not a size such as 512M or 4G");
	if (!err && *rest) {
		unit = strchr(units, toupper((unsigned char)*rest));
		if (!unit || rest[1])
			return reject(parser, "not a size such as 512M or 4G");
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (err || number > UINT64_MAX >> shift || number << shift > row->high)
		return reject(parser, "larger than any machine");
	number <<= shift;
	if (number < row->low)
		return reject(parser, "less than %s", option_size_text(row->low, least));
	if (number % PAGE)
		return reject(parser, "not a multiple of 4K");
	*(uint64_t *)field = number;
	return 0;
}

static int parse_on_off(struct parser *parser, const struct option_row *row, const char *value,
			void *field)
{
	(void)row;
	if (strcmp(value, "on") && strcmp(value, "off"))
		return reject(parser, "neither on nor off");
	*(bool *)field = !strcmp(value, "on");
	return 0;
}

static int parse_backend(struct parser *parser, const struct option_row *row, const char *value,
			 void *field)
{
	(void)row;
	if (!strcmp(value, "user"))
		*(enum backend_kind *)field = BACKEND_USER;
	else if (!strcmp(value, "vhost"))
		*(enum backend_kind *)field = BACKEND_VHOST;
	else
		return reject(parser, "neither user nor vhost");
	return 0;
}

static int parse_mac(struct parser *parser, const struct option_row *row, const char *value,
		     void *field)
{
	const char *at = value;
	uint8_t *mac = field;
	unsigned int i;

	(void)row;
	for (i = 0; i < 6; i++) {
		char digits[3] = "";

		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]) ||
		    at[2] != (i < 5 ? ':' : '\0'))
			return reject(parser, "not an address such as 52:54:00:12:34:56");
		memcpy(digits, at, 2);
		mac[i] = (uint8_t)strtoul(digits, NULL, 16);
		at += 3;
	}
	if (mac[0] & 1)
		return reject(parser, "a group's address, not a station's");
	return 0;
}

static int parse_disk(struct parser *parser, const struct option_row *row, const char *value,
		      void *field);
static int parse_net(struct parser *parser, const struct option_row *row, const char *value,
		     void *field);

#define DISK(field) .offset = offsetof(struct disk_options, field)
#define NET(field) .offset = offsetof(struct net_options, field)
#define RUN(field) .offset = offsetof(struct options, field)

static const struct option_row disk_keys[] = {
	{ "path", "FILE", "file or block device", parse_text, DISK(path), .low = 1,
	  .required = true },
	{ "backend", "KIND", "where it is served: user, by vqvmm (the default),\n"
	  "or vhost, by a kernel device", parse_backend, DISK(backend) },
	{ "device", "FILE", "kernel device for backend=vhost\n"
	  "(default /dev/vqhost-blk)", parse_text, DISK(device), .low = 1 },
	{ "queues", "N", "number of queues (default 1)", parse_number, DISK(queues),
	  .low = 1, .high = 64 },
	{ "queue-size", "N", "entries of a queue, a power of 2 (default 256)", parse_power_of_2,
	  DISK(queue_size), .low = 2, .high = 1024 },
	{ "readonly", "on|off", "the guest may not write (default off)", parse_on_off,
	  DISK(readonly) },
	{ "serial", "TEXT", "identity, up to 20 characters", parse_text, DISK(serial),
	  .high = SERIAL_LENGTH },
	{ "poll-us", "N", "microseconds a queue polls before it sleeps\n"
	  "(default: the backend's)", parse_number, DISK(poll_us),
	  .given = offsetof(struct disk_options, poll_set), .high = 1000000 },
	{ .name = NULL }
};

static const struct option_row net_keys[] = {
	{ "tap", "NAME", "tap interface, which must exist", parse_text, NET(tap), .low = 1,
	  .high = IFNAMSIZ - 1, .required = true },
	{ "mac", "ADDRESS", "the guest's address (default: made of the position)", parse_mac,
	  NET(mac), .given = offsetof(struct net_options, mac_set) },
	{ "backend", "KIND", "where it is served: user, by vqvmm (the default),\n"
	  "or vhost, by a kernel device", parse_backend, NET(backend) },
	{ "device", "FILE", "kernel device for backend=vhost: the default,\n"
	  "/dev/vqhost-net, or /dev/vhost-net", parse_text, NET(device), .low = 1 },
	{ "queues", "N", "number of queue pairs (default 1)", parse_number, NET(queues),
	  .low = 1, .high = 64 },
	{ "queue-size", "N", "entries of a queue, a power of 2 (default 256)", parse_power_of_2,
	  NET(queue_size), .low = 2, .high = 1024 },
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
	{ "--name", "NAME", "name of the process, up to 15 characters", parse_text, RUN(name),
	  .low = 1, .high = 15 },
	{ "--disk", "KEY=VALUE,...", "a disk; may be repeated.  Keys:", parse_disk,
	  .keys = disk_keys, .repeated = true },
	{ "--net", "KEY=VALUE,...", "a network interface; may be repeated.  Keys:", parse_net,
	  .keys = net_keys, .repeated = true },
	{ .name = NULL }
};

static const struct option_row *find_row(const struct option_row *rows, const char *name)
{
	for (; rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

static int parse_row(struct parser *parser, const struct option_row *rows,
		     const struct option_row *row, const char *value, void *structure,
		     uint32_t *seen)
{
	uint32_t bit = 1U << (row - rows);

	if (*seen & bit && !row->repeated)
		return reject(parser, "given twice");
	*seen |= bit;
	if (row->given)
		*(bool *)((char *)structure + row->given) = true;
	return row->parse(parser, row, value, (char *)structure + row->offset);
}

static const struct option_row *find_missing(const struct option_row *rows, uint32_t seen)
{
	const struct option_row *row;

	for (row = rows; row->name; row++)
		if (row->required && !(seen & 1U << (row - rows)))
			return row;
	return NULL;
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
		row = find_row(keys, text);
		if (!row)
			return reject(parser, "there is no such key");
		err = parse_row(parser, keys, row, equals + 1, structure, &seen);
		if (err)
			return err;
	}
	row = find_missing(keys, seen);
	if (row)
		return option_error(parser->option, value, "%s=%s is missing", row->name,
				    row->argument);
	return 0;
}

static int parse_disk(struct parser *parser, const struct option_row *row, const char *value,
		      void *field)
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
	if (err)
		return err;
	if (disk->device && disk->backend != BACKEND_VHOST)
		return option_key_error(parser->option, "device", disk->device,
					"needs backend=vhost");
	if (!disk->device)
		disk->device = "/dev/vqhost-blk";
	options->disk_count++;
	return 0;
}

static int parse_net(struct parser *parser, const struct option_row *row, const char *value,
		     void *field)
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
		row = find_row(run_rows, arguments[0]);
		if (!row)
			return option_error("run", arguments[0], "there is no such option");
		if (!arguments[1])
			return option_error(arguments[0], NULL, "%s is missing", row->argument);
		parser.option = row->name;
		parser.key = NULL;
		parser.value = arguments[1];
		err = parse_row(&parser, run_rows, row, arguments[1], options, &seen);
		if (err)
			return err;
	}
	row = find_missing(run_rows, seen);
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

const char *option_size_text(uint64_t size, char text[OPTION_SIZE_TEXT])
{
	static const char units[] = "KMGT";
	unsigned int unit = 0;

	while (unit < 4 && size && !(size & 1023)) {
		size >>= 10;
		unit++;
	}
	snprintf(text, OPTION_SIZE_TEXT, "%llu%.*s", (unsigned long long)size, unit ? 1 : 0,
		 unit ? &units[unit - 1] : "");
	return text;
}

static void help_rows(FILE *to, const struct option_row *row, int indent, const char *separator)
{
	for (; row->name; row++) {
		const char *line = row->text;
		int column = fprintf(to, "%*s%s%s%s", indent, "", row->name, separator,
				     row->argument);

		for (;;) {
			int length = (int)strcspn(line, "\n");
			int gap = HELP_COLUMN - column;

			/* Too long to leave room: on a line of its own. */
			if (gap < 1) {
				fputc('\n', to);
				gap = HELP_COLUMN;
			}
			fprintf(to, "%*s%.*s\n", gap, "", length, line);
			line += length;
			if (!*line++)
				break;
			column = 0;
		}
		if (row->keys)
			help_rows(to, row->keys, indent + 2, "=");
	}
}

void options_help(FILE *to)
{
	help_rows(to, run_rows, 2, " ");
}

/* Troff takes a plain hyphen for a typographic one. */
static void manual_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void manual_rows(FILE *to, const struct option_row *row, const char *separator)
{
	for (; row->name; row++) {
		fputs(".TP\n\\fB", to);
		manual_text(to, row->name);
		fprintf(to, "\\fR%s\\fI", separator);
		manual_text(to, row->argument);
		fputs("\\fR\n", to);
		manual_text(to, row->text);
		fputc('\n', to);
		if (row->keys) {
			fputs(".RS\n", to);
			manual_rows(to, row->keys, "=");
			fputs(".RE\n", to);
		}
	}
}

void options_manual(FILE *to)
{
	manual_rows(to, run_rows, " ");
}
