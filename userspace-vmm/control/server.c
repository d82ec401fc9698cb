// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's end of its control socket, in the main loop.
 *
 * Nobody is waited for: a client that does not take its reply loses its connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "machine/machine.h"
#include "options.h"
#include "unix_socket.h"

#define OPTION "--name"

/* More clients than that at once are turned away. */
#define CLIENTS_MAX 16

struct client {
	struct control *control;
	int fd;
	/* Its request takes time, and none is read meanwhile. */
	bool waiting;
	char request[CONTROL_REQUEST_MAX];
	size_t length;
	struct client *next;
};

struct control {
	struct machine *machine;
	const char *name;
	struct sockaddr_un address;
	int fd;
	struct client *clients;
	unsigned int client_count;
};

static void handle_client(void *opaque);

static void close_client(struct client *client)
{
	struct control *control = client->control;
	struct client **link = &control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	control->client_count--;
	loop_remove(control->machine->loop, client->fd);
	close(client->fd);
	free(client);
}

/* The next request, its end cut off, if all of it has come. */
static bool take_request(struct client *client, char request[CONTROL_REQUEST_MAX])
{
	char *end = memchr(client->request, '\n', client->length);
	size_t length;

	if (!end)
		return false;
	*end++ = '\0';
	length = end - client->request;
	memcpy(request, client->request, length);
	client->length -= length;
	memmove(client->request, end, client->length);
	return true;
}

/* Send a reply, or end the connection: 0 or -EPIPE. */
static int send_reply(struct client *client, FILE *reply, char **text, const size_t *length)
{
	ssize_t sent;

	fclose(reply);
	sent = send(client->fd, *text, *length, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(*text);
	return sent == (ssize_t)*length ? 0 : -EPIPE;
}

static void finish_later(void *opaque);

/* Carry out what has come.  0, or -errno: the connection is of no use any more. */
static int work_off(struct client *client)
{
	struct control *control = client->control;
	char request[CONTROL_REQUEST_MAX];
	char *text = NULL;
	size_t length;
	FILE *reply;
	int err = 0;

	while (!err && !client->waiting && take_request(client, request)) {
		reply = open_memstream(&text, &length);
		if (!reply)
			return -ENOMEM;
		client->waiting = control_command(control->machine, control->name, request, reply,
						  finish_later, client) == CONTROL_LATER;
		if (!client->waiting) {
			err = send_reply(client, reply, &text, &length);
			continue;
		}
		/* Until then the client stays, even if its other end has gone. */
		fclose(reply);
		free(text);
		loop_remove(control->machine->loop, client->fd);
	}
	return err;
}

/* What has no end by now is no request. */
static bool is_stuck(const struct client *client)
{
	return !client->waiting && client->length == sizeof(client->request);
}

static void finish_later(void *opaque)
{
	struct client *client = opaque;
	struct control *control = client->control;
	char *text = NULL;
	size_t length;
	FILE *reply;
	int err;

	client->waiting = false;
	reply = open_memstream(&text, &length);
	err = reply ? 0 : -ENOMEM;
	if (!err) {
		control_command_finish(control->machine, control->name, reply);
		err = send_reply(client, reply, &text, &length);
	}
	if (!err)
		err = loop_add(control->machine->loop, client->fd, handle_client, client);
	if (!err)
		err = work_off(client);
	if (err || is_stuck(client))
		close_client(client);
}

static void handle_client(void *opaque)
{
	struct client *client = opaque;
	ssize_t length;

	length = recv(client->fd, client->request + client->length,
		      sizeof(client->request) - client->length, MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		close_client(client);
		return;
	}
	client->length += length;
	if (work_off(client) || is_stuck(client))
		close_client(client);
}

static void handle_connection(void *opaque)
{
	struct control *control = opaque;
	struct client *client;
	int fd;

	fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	client = control->client_count < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client || loop_add(control->machine->loop, fd, handle_client, client)) {
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
}

/* Two machines that take the same name do so one after the other. */
static int listen_alone(const struct control *control, const char *directory)
{
	int fd, listener;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return option_error(OPTION, control->name, "%s: %m", directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return option_error(OPTION, control->name, "%s: %m", directory);
	listener = flock(fd, LOCK_EX) ? -errno : unix_listen(control->address.sun_path,
							     CLIENTS_MAX);
	close(fd);
	if (listener == -EADDRINUSE)
		return option_error(OPTION, control->name, "a machine of that name runs");
	if (listener < 0)
		return option_error(OPTION, control->name, "%s: %s", control->address.sun_path,
				    unix_socket_problem(listener));
	return listener;
}

/* The socket, or OPTION_REJECTED, reported. */
static int open_socket(struct control *control)
{
	char *directory = control_directory();
	int fd;

	if (!directory)
		return option_error(OPTION, control->name,
				    "there is no place for its socket: XDG_RUNTIME_DIR is not set");
	fd = control_address(directory, control->name, &control->address);
	if (fd)
		fd = option_error(OPTION, control->name, "%s: %s", directory, strerror(-fd));
	else
		fd = listen_alone(control, directory);
	free(directory);
	return fd;
}

int control_create(struct machine *machine, const char *name, struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	control->machine = machine;
	control->name = name;
	control->fd = open_socket(control);
	if (control->fd < 0) {
		err = control->fd;
		goto free_control;
	}
	err = loop_add(machine->loop, control->fd, handle_connection, control);
	if (err)
		goto close_fd;
	*out = control;
	return 0;

close_fd:
	unlink(control->address.sun_path);
	close(control->fd);
free_control:
	free(control);
	return err;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	/* While it listens nobody takes the name. */
	unlink(control->address.sun_path);
	loop_remove(control->machine->loop, control->fd);
	close(control->fd);
	while (control->clients)
		close_client(control->clients);
	free(control);
}
