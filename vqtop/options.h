/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line.  The table in options.c is parser, help text, the options
 * section of the manual page and completion at once: an option is one row.
 */
#ifndef VQTOP_OPTIONS_H
#define VQTOP_OPTIONS_H

#include <stdbool.h>

#include "rows.h"

/* What is to be done; a bit each. */
enum command {
	COMMAND_TABLE	= 1,
	COMMAND_LATENCY	= 2,
	COMMAND_SERVE	= 4,
	COMMAND_HELP	= 8,
	COMMAND_VERSION	= 16,
	COMMAND_MANUAL	= 32,
	COMMAND_COMPLETION = 64,
};

/**
 * struct options - what was asked for
 * @command: what is to be done
 * @once: print once
 * @json: as JSON
 * @interval: seconds between two samples
 * @order: what is shown, in which order
 * @no_latency: do not measure latencies
 * @latency_rate: requests of which the table measures the latency in a second, about
 * @latency_entries: queues and types of requests for which there is room
 * @listen: where to listen, or NULL
 * @debugfs: where it is mounted
 * @tracefs: where it is mounted
 */
struct options {
	enum command command;
	bool once;
	bool json;
	double interval;
	struct order order;
	bool no_latency;
	long latency_rate;
	long latency_entries;
	const char *listen;
	const char *debugfs;
	const char *tracefs;
};

/**
 * options_parse() - read the command line
 * @options: is filled; points into @arguments
 * @arguments: without the program's name, ends with NULL
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int options_parse(struct options *options, char **arguments, struct problem *problem);

/**
 * options_help() - print the help text
 */
void options_help(void);

/**
 * options_manual() - print sections of the manual page, in troff
 */
void options_manual(void);

/**
 * options_completion() - print what bash may complete
 */
void options_completion(void);

#endif /* VQTOP_OPTIONS_H */
