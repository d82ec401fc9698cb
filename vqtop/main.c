// SPDX-License-Identifier: GPL-2.0
/*
 * vqtop: what the queues do that vqhost serves.
 */
#include <stdio.h>

#include "events.h"
#include "histograms.h"
#include "monitor.h"
#include "screen.h"
#include "serve.h"

#define VERSION "0.1"

/* A table or a line of JSON for each interval, or once. */
static int print_table(const struct options *options, struct problem *problem)
{
	struct monitor monitor;
	struct events events;
	int ret;

	if (events_open(&events, options->interval, problem))
		return -1;
	ret = monitor_open(&monitor, options, problem);
	while (!ret && events_wait(&events, -1) == EVENT_TICK) {
		ret = monitor_update(&monitor, &options->order, problem);
		if (!ret && monitor_print(&monitor))
			ret = problem_set(problem, VQTOP_EXIT_ERROR, "standard output: %m");
		if (options->once)
			break;
	}
	monitor_close(&monitor);
	events_close(&events);
	return ret;
}

static int execute(const struct options *options, struct problem *problem)
{
	switch (options->command) {
	case COMMAND_TABLE:
		if (options->once || options->json)
			return print_table(options, problem);
		return screen_run(options, problem);
	case COMMAND_LATENCY:
		return histograms_run(options, problem);
	case COMMAND_SERVE:
		return serve_run(options, problem);
	case COMMAND_HELP:
		options_help();
		return 0;
	case COMMAND_VERSION:
		puts("vqtop " VERSION);
		return 0;
	case COMMAND_MANUAL:
		options_manual();
		return 0;
	case COMMAND_COMPLETION:
		options_completion();
		return 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct problem problem = { .exit = VQTOP_EXIT_GOOD };
	struct options options;

	if (!argc || options_parse(&options, argv + 1, &problem) || execute(&options, &problem))
		return problem_report(&problem);
	return VQTOP_EXIT_GOOD;
}
