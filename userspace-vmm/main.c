// SPDX-License-Identifier: GPL-2.0
/*
 * vqvmm: the order in which a machine comes and goes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "boot/boot.h"
#include "boot/layout.h"
#include "control/control.h"
#include "exits.h"
#include "legacy/console.h"
#include "legacy/legacy.h"
#include "machine/machine.h"
#include "machine/signals.h"
#include "option_text.h"
#include "options.h"
#include "virtio/virtio.h"

#define VERSION "0.1"

/* What hangs from the machine, in the order in which it is created. */
struct parts {
	struct machine machine;
	int signal_fd;
	struct rtc *rtc;
	struct power *power;
	struct virtio_net **nets;
	unsigned int net_count;
	struct virtio_blk **disks;
	unsigned int disk_count;
	struct control *control;
	struct console *console;
	struct serial *serial;
};

static void handle_signal(void *opaque)
{
	struct parts *parts = opaque;

	/* It stays readable: the machine ends anyway. */
	loop_remove(parts->machine.loop, parts->signal_fd);
	machine_request_exit(&parts->machine, MACHINE_EXIT_QUIT);
}

static int create_legacy(struct parts *parts)
{
	struct machine *machine = &parts->machine;
	int err;

	err = rtc_create(machine, &parts->rtc);
	if (err)
		return err;
	err = i8042_create(machine);
	if (err)
		goto destroy_rtc;
	err = power_create(machine, &parts->power);
	if (err)
		goto destroy_i8042;
	return 0;

destroy_i8042:
	i8042_destroy(machine);
destroy_rtc:
	rtc_destroy(parts->rtc);
	return err;
}

static void destroy_legacy(struct parts *parts)
{
	power_destroy(parts->power);
	i8042_destroy(&parts->machine);
	rtc_destroy(parts->rtc);
}

static void destroy_devices(struct parts *parts)
{
	while (parts->disk_count)
		virtio_blk_destroy(parts->disks[--parts->disk_count]);
	free(parts->disks);
	while (parts->net_count)
		virtio_net_destroy(parts->nets[--parts->net_count]);
	free(parts->nets);
}

static int create_devices(struct parts *parts, const struct options *options)
{
	int err = -ENOMEM;
	unsigned int i;

	parts->nets = calloc(options->net_count + 1, sizeof(*parts->nets));
	parts->disks = calloc(options->disk_count + 1, sizeof(*parts->disks));
	if (!parts->nets || !parts->disks)
		goto destroy;
	for (i = 0; i < options->net_count; i++) {
		err = virtio_net_create(&parts->machine, &options->nets[i], &parts->nets[i]);
		if (err)
			goto destroy;
		parts->net_count++;
	}
	for (i = 0; i < options->disk_count; i++) {
		err = virtio_blk_create(&parts->machine, &options->disks[i], &parts->disks[i]);
		if (err)
			goto destroy;
		parts->disk_count++;
	}
	return 0;

destroy:
	destroy_devices(parts);
	return err;
}

static int load(struct machine *machine, const struct options *options)
{
	uint64_t rsdp, entry;
	int err;

	rsdp = acpi_create(machine);
	err = linux_load(machine, options, rsdp, &entry);
	if (err)
		return err;
	return start_prepare(machine, entry, BOOT_PARAMS);
}

static int create_console(struct parts *parts)
{
	int err;

	err = console_create(&parts->machine, &parts->console);
	if (err)
		return err;
	err = serial_create(&parts->machine, parts->console, &parts->serial);
	if (err)
		console_destroy(parts->console);
	return err;
}

static void destroy_console(struct parts *parts)
{
	serial_destroy(parts->serial);
	console_destroy(parts->console);
}

/* Let it run until it ends. */
static int execute(struct parts *parts)
{
	struct machine *machine = &parts->machine;
	int err;

	err = option_report(loop_add(machine->loop, parts->signal_fd, handle_signal, parts),
			    "signals");
	if (err)
		return err;
	err = machine_start(machine);
	if (err)
		goto remove_signals;
	err = option_report(loop_run(machine->loop), "main loop");
	machine_stop(machine);
remove_signals:
	loop_remove(machine->loop, parts->signal_fd);
	return err ? err : (int)machine->exit_reason;
}

/* The machine's exit status, or -errno, reported. */
static int run_machine(const struct options *options)
{
	struct parts parts = { 0 };
	int result;

	if (options->name)
		prctl(PR_SET_NAME, options->name);
	parts.signal_fd = signals_create();
	if (parts.signal_fd < 0)
		return option_report(parts.signal_fd, "signals");
	result = machine_create(&parts.machine, options->cpus, options->memory);
	if (result)
		goto close_signals;
	result = option_report(create_legacy(&parts), "legacy devices");
	if (result)
		goto destroy_machine;
	result = option_report(create_devices(&parts, options), "virtio devices");
	if (result)
		goto legacy;
	result = load(&parts.machine, options);
	if (result)
		goto devices;
	if (options->name)
		result = option_report(control_create(&parts.machine, options->name,
						      &parts.control),
				       "control socket");
	if (result)
		goto devices;
	/* Last, as it changes the terminal's mode. */
	result = option_report(create_console(&parts), "console");
	if (result)
		goto control;
	result = execute(&parts);
	destroy_console(&parts);
control:
	control_destroy(parts.control);
devices:
	destroy_devices(&parts);
legacy:
	destroy_legacy(&parts);
destroy_machine:
	machine_destroy(&parts.machine);
close_signals:
	close(parts.signal_fd);
	return result;
}

static int run(char **arguments)
{
	struct options options;
	int result;

	result = options_parse(&options, arguments);
	if (!result)
		result = run_machine(&options);
	else
		option_report(result, "options");
	options_free(&options);
	if (result == OPTION_REJECTED)
		return MACHINE_EXIT_BAD_INPUT;
	return result < 0 ? MACHINE_EXIT_ERROR : result;
}

static void print_help(void)
{
	printf("usage: vqvmm run --kernel FILE [OPTION]...\n"
	       "       vqvmm COMMAND MACHINE\n"
	       "       vqvmm help | version\n"
	       "\n"
	       "Run a Linux guest by KVM, with the console on standard input and output.\n"
	       "Ctrl-a x ends the guest, Ctrl-a Ctrl-a sends it a Ctrl-a.\n\n");
	options_help(stdout);
	printf("\ncommands for a machine with a --name:\n");
	control_help(stdout);
	option_help_exits(stdout, exits);
}

/* What bash is told: for the Makefile. */
static void print_completion(void)
{
	option_completion_begin(stdout, "commands");
	fputs("run help version", stdout);
	control_completion_commands(stdout);
	option_completion_end(stdout);
	control_completion_arguments(stdout);
	options_completion(stdout);
}

/* The parts of the manual page and of the completion that tables know: for the Makefile. */
static int print_manual(const char *section)
{
	if (!strcmp(section, "options")) {
		options_manual(stdout);
		return 0;
	}
	if (!strcmp(section, "completion")) {
		print_completion();
		return 0;
	}
	if (!strcmp(section, "commands")) {
		control_manual(stdout);
		return 0;
	}
	if (strcmp(section, "exits"))
		return option_error("manual", section, "there is no such section");
	option_manual_exits(stdout, exits);
	return 0;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return !strcmp(word, a) || !strcmp(word, b) || !strcmp(word, c);
}

static bool wants_help(char **arguments)
{
	for (; *arguments; arguments++)
		if (is_one_of(*arguments, "--help", "-h", "-?"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (is_one_of(command, "help", "--help", "-h") ||
	    ((!strcmp(command, "run") || control_is_command(command)) && wants_help(argv + 2))) {
		print_help();
		return 0;
	}
	if (is_one_of(command, "version", "--version", "-V")) {
		puts("vqvmm " VERSION);
		return 0;
	}
	if (!strcmp(command, "manual") && argc == 3)
		return print_manual(argv[2]) ? MACHINE_EXIT_BAD_INPUT : 0;
	if (!strcmp(command, "run"))
		return run(argv + 2);
	if (control_is_command(command))
		return control_client(command, argv + 2);
	if (*command)
		option_error(command, NULL, "there is no such command, see vqvmm help");
	else
		option_error("vqvmm", NULL, "which command? see vqvmm help");
	return MACHINE_EXIT_BAD_INPUT;
}
