// SPDX-License-Identifier: GPL-2.0
/*
 * vqhost-bridge: a back end for vhost-user whose datapath is the kernel module.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/options.h"
#include "bridge/privileges.h"
#include "bridge/server.h"
#include "machine/loop.h"
#include "machine/signals.h"
#include "option_text.h"
#include "option_values.h"
#include "virtqueue/platform.h"

#define VERSION "0.1"

/**
 * struct bridge - the process
 * @loop: watches everything
 * @signal_fd: tells of the signals that end it
 * @servers: @server_count of them are open
 * @server_count: how many
 * @waiting: so many of them wait for front ends, or have one
 */
struct bridge {
	struct loop *loop;
	int signal_fd;
	struct server *servers;
	unsigned int server_count;
	unsigned int waiting;
};

static const struct option_exit exits[] = {
	{ BRIDGE_EXIT_GOOD, "ended by a signal, or all connections that were passed have ended" },
	{ BRIDGE_EXIT_ERROR, "anything else failed" },
	{ BRIDGE_EXIT_BAD_INPUT, "an option, or what it names, is no good" },
	{ .text = NULL }
};

static void handle_signal(void *opaque)
{
	struct bridge *bridge = opaque;

	/* It stays readable: the process ends anyway. */
	loop_remove(bridge->loop, bridge->signal_fd);
	loop_stop(bridge->loop);
}

static void handle_server_end(void *opaque)
{
	struct bridge *bridge = opaque;

	if (!--bridge->waiting)
		loop_stop(bridge->loop);
}

/* A timer has ended a wait: that is all it is for, see vring.c. */
static void handle_timer(int signal)
{
	(void)signal;
}

static int create_signals(struct bridge *bridge)
{
	struct sigaction timer = { .sa_handler = handle_timer };

	sigaction(SIGALRM, &timer, NULL);
	bridge->signal_fd = signals_create();
	return bridge->signal_fd < 0 ? bridge->signal_fd : 0;
}

static void close_servers(struct bridge *bridge)
{
	while (bridge->server_count)
		server_close(&bridge->servers[--bridge->server_count]);
	free(bridge->servers);
}

static int open_servers(struct bridge *bridge, const struct bridge_options *options)
{
	unsigned int i;
	int err;

	bridge->servers = calloc(options->device_count, sizeof(*bridge->servers));
	if (!bridge->servers)
		return option_report(-ENOMEM, "devices");
	for (i = 0; i < options->device_count; i++) {
		bridge->server_count++;
		err = option_report(server_open(&bridge->servers[i], &options->devices[i]),
				    "devices");
		if (err)
			return err;
	}
	return 0;
}

/* What is open is all that is needed. */
static int become(const struct bridge *bridge, const char *name)
{
	struct identity identity;
	unsigned int i;
	int err;

	err = privileges_find(&identity, name);
	if (err)
		return err;
	for (i = 0; i < bridge->server_count; i++) {
		const char *path = bridge->servers[i].path;

		if (path && lchown(path, identity.user, identity.group))
			return option_error("--socket-path", path, "%m");
	}
	return privileges_drop(&identity);
}

static int serve(struct bridge *bridge)
{
	unsigned int i;
	int err;

	err = option_report(loop_add(bridge->loop, bridge->signal_fd, handle_signal, bridge),
			    "signals");
	if (err)
		return err;
	for (i = 0; i < bridge->server_count; i++) {
		bridge->servers[i].ended = handle_server_end;
		bridge->servers[i].opaque = bridge;
		bridge->waiting++;
		err = server_start(&bridge->servers[i], bridge->loop);
		if (err)
			return err;
	}
	return option_report(loop_run(bridge->loop), "main loop");
}

static int run(const struct bridge_options *options)
{
	struct bridge bridge = {};
	int err;

	err = option_report(create_signals(&bridge), "signals");
	if (err)
		return err;
	err = option_report(loop_create(&bridge.loop), "main loop");
	if (err)
		goto close_signals;
	err = open_servers(&bridge, options);
	if (!err && options->user)
		err = become(&bridge, options->user);
	if (!err)
		err = serve(&bridge);
	close_servers(&bridge);
	loop_remove(bridge.loop, bridge.signal_fd);
	loop_destroy(bridge.loop);
close_signals:
	close(bridge.signal_fd);
	return err;
}

static void print_help(void)
{
	printf("usage: vqhost-bridge --socket-path=PATH --blk-file=FILE [OPTION]...\n"
	       "       vqhost-bridge --socket-path=PATH --tap=INTERFACE [OPTION]...\n"
	       "       vqhost-bridge --print-capabilities | --help | --version\n"
	       "\n"
	       "Offer disks and network interfaces to front ends that speak vhost-user, and\n"
	       "have the modules of vqhost serve them.\n\n");
	bridge_options_help(stdout);
	option_help_exits(stdout, exits);
}

/* The parts of the manual page that tables know: for the Makefile, as is the completion. */
static void print_manual(void)
{
	bridge_options_manual(stdout);
	puts(".SH EXIT STATUS");
	option_manual_exits(stdout, exits);
}

/* Options that print something and nothing else, whatever the others are. */
static bool print_only(char **arguments)
{
	for (; *arguments; arguments++) {
		if (!strcmp(*arguments, "--print-capabilities")) {
			puts("{\n  \"type\": \"block\",\n"
			     "  \"features\": [\n    \"read-only\",\n    \"blk-file\"\n  ]\n}");
			return true;
		}
		if (!strcmp(*arguments, "--help") || !strcmp(*arguments, "-h")) {
			print_help();
			return true;
		}
		if (!strcmp(*arguments, "--version") || !strcmp(*arguments, "-V")) {
			puts("vqhost-bridge " VERSION);
			return true;
		}
		if (!strcmp(*arguments, "--print-manual")) {
			print_manual();
			return true;
		}
		if (!strcmp(*arguments, "--print-completion")) {
			bridge_options_completion(stdout);
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	struct bridge_options options;
	int err;

	if (argc && print_only(argv + 1))
		return BRIDGE_EXIT_GOOD;
	err = option_report(bridge_options_parse(&options, argv + 1), "options");
	if (!err)
		err = run(&options);
	bridge_options_free(&options);
	if (err == OPTION_REJECTED)
		return BRIDGE_EXIT_BAD_INPUT;
	return err ? BRIDGE_EXIT_ERROR : BRIDGE_EXIT_GOOD;
}
