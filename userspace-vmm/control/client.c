// SPDX-License-Identifier: GPL-2.0
/*
 * "vqvmm stat NAME" and its like.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control.h"
#include "machine/machine.h"
#include "option_table.h"
#include "option_text.h"
#include "options.h"
#include "unix_socket.h"

/* How a reply begins that is an error, and how it ends. */
#define ERROR_BEGIN "{\"error\": \""
#define ERROR_END "\"}\n"

/* Column of the help text in which explanations begin. */
#define HELP_COLUMN 25

static const struct option_row commands[] = {
	{ .name = "list", .text = "the machines that run, a line each" },
	{ .name = "stat", .argument = "MACHINE",
	  .text = "what it has, and the state of its queues" },
	{ .name = "pause", .argument = "MACHINE",
	  .text = "let it stand still; returns when it does" },
	{ .name = "resume", .argument = "MACHINE",
	  .text = "let it go on" },
	{ .name = "stop", .argument = "MACHINE",
	  .text = "end it at once, as if its power failed;\nreturns when it has" },
	{ .name = NULL }
};

bool control_is_command(const char *command)
{
	return option_find_row(commands, command);
}

void control_help(FILE *to)
{
	option_help_rows(to, commands, 2, HELP_COLUMN, " ");
}

void control_manual(FILE *to)
{
	option_manual_rows(to, commands, " ");
}

void control_completion_commands(FILE *to)
{
	const struct option_row *row;

	for (row = commands; row->name; row++)
		fprintf(to, " %s", row->name);
}

void control_completion_arguments(FILE *to)
{
	const struct option_row *row;
	char context[32];

	for (row = commands; row->name; row++) {
		snprintf(context, sizeof(context), "vqvmm %s", row->name);
		option_completion_begin(to, context);
		fputs(row->argument ? row->argument : "", to);
		option_completion_end(to);
	}
}

/* Print the reply, and wait until the machine ends if it is to.  Exit status. */
static int print_reply(FILE *connection, const char *command, const char *name)
{
	size_t begin = strlen(ERROR_BEGIN), end = strlen(ERROR_END), size = 0;
	char *line = NULL;
	ssize_t length;
	int status = 0;

	length = getline(&line, &size, connection);
	if (length <= 0) {
		option_error(command, name, "the machine ended before it replied");
		status = MACHINE_EXIT_ERROR;
	} else if (!strncmp(line, ERROR_BEGIN, begin) && (size_t)length > begin + end) {
		option_error(command, name, "%.*s", (int)(length - begin - end), line + begin);
		status = MACHINE_EXIT_ERROR;
	} else {
		fputs(line, stdout);
	}
	if (!status && !strcmp(command, "stop"))
		getline(&line, &size, connection);
	free(line);
	return status;
}

/* Exit status, or -errno if the machine cannot be reached. */
static int ask(const char *directory, const char *name, const char *command)
{
	struct sockaddr_un address;
	char request[CONTROL_REQUEST_MAX];
	FILE *connection;
	int fd, status;

	status = control_address(directory, name, &address);
	if (status)
		return status;
	fd = unix_connect(address.sun_path, 0);
	if (fd < 0)
		return fd;
	connection = fdopen(fd, "r");
	if (!connection) {
		status = -errno;
		close(fd);
		return status;
	}
	status = snprintf(request, sizeof(request), "%s\n", command);
	/* If it fails there is no reply either. */
	send(fd, request, status, MSG_NOSIGNAL);
	status = print_reply(connection, command, name);
	fclose(connection);
	return status;
}

static int ask_one(const char *directory, const char *name, const char *command)
{
	int status = ask(directory, name, command);

	if (status >= 0)
		return status;
	if (status == -ENOENT || status == -ECONNREFUSED)
		option_error(command, name, "no machine of that name runs");
	else
		option_error(command, name, "%s", strerror(-status));
	return MACHINE_EXIT_BAD_INPUT;
}

/* A name without its ending, or NULL if it has another. */
static char *machine_name(const char *file)
{
	const char *end = strstr(file, CONTROL_SUFFIX);

	return end && end != file && !end[strlen(CONTROL_SUFFIX)] ?
		strndup(file, end - file) : NULL;
}

static int list(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int status = 0;
	char *name;
	int result;

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory) {
		option_error("list", path, "%m");
		return MACHINE_EXIT_ERROR;
	}
	while ((entry = readdir(directory))) {
		name = machine_name(entry->d_name);
		/* A machine may end while it is asked; one that was killed leaves its socket. */
		result = name ? ask(path, name, "list") : 0;
		if (result && result != -ENOENT && result != -ECONNREFUSED)
			status = result < 0 ? MACHINE_EXIT_ERROR : result;
		free(name);
	}
	closedir(directory);
	return status;
}

int control_client(const char *command, char **arguments)
{
	bool all = !strcmp(command, "list");
	char *directory;
	int status;

	if (!all && (!*arguments || strchr(*arguments, '/'))) {
		option_error(command, *arguments, "MACHINE is missing");
		return MACHINE_EXIT_BAD_INPUT;
	}
	if (arguments[!all]) {
		option_error(command, arguments[!all], "there is nothing more to say");
		return MACHINE_EXIT_BAD_INPUT;
	}
	directory = control_directory();
	if (!directory) {
		option_error(command, *arguments, "XDG_RUNTIME_DIR is not set");
		return MACHINE_EXIT_BAD_INPUT;
	}
	status = all ? list(directory) : ask_one(directory, *arguments, command);
	free(directory);
	return status;
}
