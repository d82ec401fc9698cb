/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talking to a machine that runs, by a Unix socket that has its name.
 *
 *	name.c		where the socket of a machine is
 *	server.c	the machine's end: connections, requests, replies
 *	commands.c	what a request does, and what the reply says
 *	client.c	"vqvmm stat NAME" and its like
 *
 * A request is a line, a command.  Its reply is a line, an object of JSON; if
 * the command failed it has nothing but "error", the reason.  A connection takes one
 * request after the other.
 */
#ifndef VQVMM_CONTROL_CONTROL_H
#define VQVMM_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/un.h>

struct control;
struct machine;

/* Bytes of a request at most, with its newline. */
#define CONTROL_REQUEST_MAX 256

/* What the name of a socket ends in. */
#define CONTROL_SUFFIX ".sock"

/**
 * control_directory() - where sockets are
 *
 * Only its owner can reach what is in there.
 * Return: its path, to be freed; NULL if there is no such place (ENOENT) or no memory.
 */
char *control_directory(void);

/**
 * control_address() - where the socket of a machine is
 * @directory: of sockets
 * @name: of the machine
 * @address: is filled
 *
 * Return: 0; -ENAMETOOLONG.
 */
int control_address(const char *directory, const char *name, struct sockaddr_un *address);

/**
 * control_create() - let a machine be reached
 * @machine: its vCPUs do not run
 * @name: its name
 * @out: receives what control_destroy() takes
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno.
 */
int control_create(struct machine *machine, const char *name, struct control **out);

/**
 * control_destroy() - end all connections, and remove the socket
 * @control: from control_create(), or NULL; the main loop does not run
 */
void control_destroy(struct control *control);

/**
 * enum control_result - what became of a request
 * @CONTROL_REPLIED: the reply has been written
 * @CONTROL_LATER: control_command_finish() writes it
 */
enum control_result {
	CONTROL_REPLIED,
	CONTROL_LATER,
};

/**
 * control_command() - carry a request out
 * @machine: its
 * @name: of the machine
 * @request: the line, without its end
 * @reply: where the reply goes
 * @later: for CONTROL_LATER: called by the main loop
 * @opaque: for @later
 *
 * Return: CONTROL_REPLIED or CONTROL_LATER.
 */
enum control_result control_command(struct machine *machine, const char *name,
				    const char *request, FILE *reply,
				    void (*later)(void *opaque), void *opaque);

/**
 * control_command_finish() - the reply to a request that took time
 * @machine: its
 * @name: of the machine
 * @reply: where the reply goes
 */
void control_command_finish(const struct machine *machine, const char *name, FILE *reply);

/**
 * control_is_command() - is it a command for a machine that runs?
 * @command: the word behind "vqvmm"
 *
 * Return: true if control_client() knows it.
 */
bool control_is_command(const char *command);

/**
 * control_client() - carry out a command for a machine that runs
 * @command: the word behind "vqvmm"
 * @arguments: what follows it, ends with NULL
 *
 * The reply goes to standard output, an error is reported.
 * Return: exit status.
 */
int control_client(const char *command, char **arguments);

/**
 * control_help() - explain the commands
 * @to: where
 */
void control_help(FILE *to);

/**
 * control_manual() - the same in troff
 * @to: where
 */
void control_manual(FILE *to);

/**
 * control_completion_commands() - print the commands for bash, words behind a space
 * @to: where
 */
void control_completion_commands(FILE *to);

/**
 * control_completion_arguments() - print what may follow each command
 * @to: where
 */
void control_completion_arguments(FILE *to);

#endif /* VQVMM_CONTROL_CONTROL_H */
