// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: a table, and the parser, help, manual and completion made
 * of it.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../userspace-vmm/option_text.h"
#include "array.h"

/* Columns of the help text: where explanations begin. */
#define HELP_COLUMN 23

/* The parsers read @value into @field; on failure they return what is wrong with it. */
static const char *parse_flag(const char *value, void *field)
{
	(void)value;
	*(bool *)field = true;
	return NULL;
}

static const char *parse_number(const char *value, void *field)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno || number > INT_MAX)
		return "not a number";
	*(long *)field = number;
	return NULL;
}

static const char *parse_positive(const char *value, void *field)
{
	const char *wrong = parse_number(value, field);
	long number = *(long *)field;

	return wrong || number < 1 || number > 1 << 20 ? "not a number from 1 to 1048576" : NULL;
}

static const char *parse_seconds(const char *value, void *field)
{
	double seconds;
	char *end;

	seconds = strtod(value, &end);
	if (!isdigit((unsigned char)*value) || *end || !(seconds >= 0.1 && seconds <= 86400))
		return "not a number of seconds from 0.1 to 86400";
	*(double *)field = seconds;
	return NULL;
}

static const char *parse_text(const char *value, void *field)
{
	*(const char **)field = value;
	return *value ? NULL : "is empty";
}

static const char *parse_column(const char *value, void *field)
{
	const struct column *column = column_find(value);

	if (!column)
		return "no such column, see vqtop help";
	*(const struct column **)field = column;
	return NULL;
}

#define OPTION(field) offsetof(struct options, field)
#define BOTH (COMMAND_TABLE | COMMAND_LATENCY)

static const struct option_row {
	const char *name;
	const char *argument;
	const char *text;
	const char *(*parse)(const char *value, void *field);
	size_t offset;
	unsigned int commands;
} rows[] = {
	{ "--interval", "SECONDS", "between two samples (default 1)", parse_seconds,
	  OPTION(interval), BOTH },
	{ "--once", NULL, "print one interval to standard output, and end", parse_flag,
	  OPTION(once), BOTH },
	{ "--json", NULL, "print JSON, a line for each interval", parse_flag,
	  OPTION(json), BOTH },
	{ "--pid", "PID", "only queues that this process owns", parse_number,
	  OPTION(order.pid), BOTH },
	{ "--queue", "N", "only queues with this index in their device", parse_number,
	  OPTION(order.queue), BOTH },
	{ "--sort", "COLUMN", "sort by this column (default requests)", parse_column,
	  OPTION(order.column), COMMAND_TABLE },
	{ "--no-latency", NULL, "do not measure latencies: nothing is attached", parse_flag,
	  OPTION(no_latency), COMMAND_TABLE },
	{ "--latency-rate", "N", "measure about so many requests in a second at\n"
	  "most (default 10000)", parse_positive, OPTION(latency_rate), COMMAND_TABLE },
	{ "--latency-entries", "N", "room for that many queues, by type of request\n(default 4096)",
	  parse_positive, OPTION(latency_entries), BOTH },
	{ "--listen", "WHERE", "of serve: unix:PATH, for root alone,\nor 127.0.0.1:PORT",
	  parse_text, OPTION(listen), COMMAND_SERVE },
	{ "--debugfs", "DIR", "where debugfs is mounted\n(default /sys/kernel/debug)",
	  parse_text, OPTION(debugfs), BOTH | COMMAND_SERVE },
	{ "--tracefs", "DIR", "where tracefs is mounted\n(default /sys/kernel/tracing)",
	  parse_text, OPTION(tracefs), BOTH },
};

static const struct command_row {
	const char *name;
	enum command command;
	const char *text;
} commands[] = {
	{ "", COMMAND_TABLE, "a table of all queues, live on a terminal" },
	{ "latency", COMMAND_LATENCY, "latencies by queue and type of request" },
	{ "serve", COMMAND_SERVE, "counters as OpenMetrics over HTTP, at /metrics" },
	{ "help", COMMAND_HELP, NULL },
	{ "--help", COMMAND_HELP, NULL },
	{ "-h", COMMAND_HELP, NULL },
	{ "version", COMMAND_VERSION, NULL },
	{ "--version", COMMAND_VERSION, NULL },
	{ "manual", COMMAND_MANUAL, NULL },
	{ "completion", COMMAND_COMPLETION, NULL },
};

static const struct option_row *find_row(const char *name, enum command command)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].commands & command && !strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static const struct command_row *find_command(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (*commands[i].name && !strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int parse_option(struct options *options, char ***arguments, struct problem *problem)
{
	const char *name = *(*arguments)++, *value = NULL, *wrong;
	const struct option_row *row = find_row(name, options->command);

	if (!row)
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "%s: there is no such option, see vqtop help", name);
	if (row->argument) {
		value = **arguments;
		if (!value)
			return problem_set(problem, VQTOP_EXIT_USAGE, "%s: %s is missing", name,
					   row->argument);
		++*arguments;
	}
	wrong = row->parse(value, (char *)options + row->offset);
	if (wrong)
		return problem_set(problem, VQTOP_EXIT_USAGE, "%s %s: %s", name, value, wrong);
	return 0;
}

int options_parse(struct options *options, char **arguments, struct problem *problem)
{
	const struct command_row *command;

	*options = (struct options){
		.command = COMMAND_TABLE,
		.interval = 1,
		.order = { .column = column_find("requests"), .pid = -1, .queue = -1 },
		.latency_rate = 10000,
		.latency_entries = 4096,
		.debugfs = "/sys/kernel/debug",
		.tracefs = "/sys/kernel/tracing",
	};
	command = *arguments ? find_command(*arguments) : NULL;
	if (command) {
		options->command = command->command;
		arguments++;
	}
	while (*arguments)
		if (parse_option(options, &arguments, problem))
			return -1;
	return 0;
}

static void help_lines(int column, const char *text)
{
	option_help_text(stdout, column, HELP_COLUMN, text);
}

void options_help(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].text)
			printf("%s vqtop %s%s[OPTION]...\n", i ? "      " : "usage:",
			       commands[i].name, *commands[i].name ? " " : "");
	puts("\nShow what the virtqueues do that vqhost serves on this machine:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].text)
			help_lines(printf("  vqtop %s", commands[i].name), commands[i].text);
	puts("\noptions:");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		help_lines(printf("  %s %s", rows[i].name, rows[i].argument ?: ""), rows[i].text);
	puts("\ncolumns:");
	for (i = 0; i < TABLE_COLUMNS; i++)
		help_lines(printf("  %-9s %s", columns[i].name, columns[i].heading),
			   columns[i].help);
	puts("\nexit status:");
	for (i = 0; i < VQTOP_EXITS; i++)
		printf("  %u  %s\n", i, exit_texts[i]);
}

static void manual_item(const char *name, const char *argument, const char *text)
{
	fputs(".TP\n\\fB", stdout);
	option_manual_text(stdout, name);
	printf("\\fR \\fI%s\\fR\n", argument);
	option_manual_text(stdout, text);
	putchar('\n');
}

void options_manual(void)
{
	char number[4];
	unsigned int i;

	puts(".SH OPTIONS");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		manual_item(rows[i].name, rows[i].argument ?: "", rows[i].text);
	puts(".SH COLUMNS\nBy the names that \\fB\\-\\-sort\\fR takes, and as they are headed.");
	for (i = 0; i < TABLE_COLUMNS; i++)
		manual_item(columns[i].name, columns[i].heading, columns[i].help);
	puts(".SH EXIT STATUS");
	for (i = 0; i < VQTOP_EXITS; i++) {
		snprintf(number, sizeof(number), "%u", i);
		manual_item(number, "", exit_texts[i]);
	}
}

/* Those that do something for the user, by the names that are words. */
static void completion_commands(void)
{
	unsigned int i;

	option_completion_begin(stdout, "commands");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (isalpha((unsigned char)*commands[i].name) &&
		    !(commands[i].command & (COMMAND_MANUAL | COMMAND_COMPLETION)))
			printf(" %s", commands[i].name);
	option_completion_end(stdout);
}

static void completion_argument(const char *before, const struct option_row *row)
{
	char context[64];
	unsigned int i;

	snprintf(context, sizeof(context), "%s %s", before, row->name);
	option_completion_begin(stdout, context);
	if (row->parse != parse_column)
		fputs(row->argument, stdout);
	else
		for (i = 0; i < TABLE_COLUMNS; i++)
			printf("%s%s", i ? "|" : "", columns[i].name);
	option_completion_end(stdout);
}

static void completion_options(const struct command_row *command)
{
	char before[32];
	unsigned int i;

	snprintf(before, sizeof(before), "vqtop%s%s", *command->name ? " " : "", command->name);
	option_completion_begin(stdout, before);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].commands & command->command)
			printf(" %s", rows[i].name);
	option_completion_end(stdout);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].commands & command->command && rows[i].argument)
			completion_argument(before, &rows[i]);
}

void options_completion(void)
{
	unsigned int i;

	completion_commands();
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].text)
			completion_options(&commands[i]);
}
