// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for front ends.
 */
#include "bridge/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unix_socket.h"
#include "option_values.h"

/* Front ends that may wait for the one that is there to go. */
#define BACKLOG 1

static void handle_connection(void *opaque);

static int say(const struct server *server, const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s: %s\n", program_invocation_short_name, server->name, what,
		strerror(-err));
	return err;
}

static void handle_end(void *opaque)
{
	struct server *server = opaque;
	int err;

	session_destroy(server->session);
	server->session = NULL;
	if (server->listener < 0) {
		server->ended(server->opaque);
		return;
	}
	err = loop_add(server->loop, server->listener, handle_connection, server);
	if (err) {
		say(server, "listening", err);
		server->ended(server->opaque);
	}
}

/* Begin to serve a front end; the socket is closed if that fails.  0 or -errno. */
static int begin(struct server *server, int socket)
{
	int err;

	err = session_create(&server->device, server->name, socket, server->loop,
			     &server->session);
	if (err) {
		close(socket);
		return say(server, "a front end cannot be served", err);
	}
	server->session->ended = handle_end;
	server->session->opaque = server;
	return 0;
}

static void handle_connection(void *opaque)
{
	struct server *server = opaque;
	int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	/* It may have gone by now. */
	if (socket < 0)
		return;
	/* The next one waits until this one has gone. */
	if (!begin(server, socket))
		loop_remove(server->loop, server->listener);
}

static bool listens(int fd)
{
	socklen_t size = sizeof(int);
	int yes = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) && yes;
}

static bool is_unix_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && domain == AF_UNIX &&
	       type == SOCK_STREAM;
}

static int open_path(struct server *server, const char *path)
{
	server->name = strdup(path);
	if (!server->name)
		return -ENOMEM;
	server->listener = unix_listen(path, BACKLOG);
	if (server->listener < 0)
		return option_error("--socket-path", path, "%s",
				    unix_socket_problem(server->listener));
	server->path = path;
	return 0;
}

static int open_fd(struct server *server, unsigned int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", fd);
	if (asprintf(&server->name, "--fd=%u", fd) < 0) {
		server->name = NULL;
		return -ENOMEM;
	}
	if (!is_unix_stream((int)fd))
		return option_error("--fd", number, "not a Unix stream socket");
	server->listener = (int)fd;
	return 0;
}

/**
 * server_open() - open a device, and the socket where front ends come to
 * @server: is filled; server_close() closes it, also on failure
 * @options: what the user wants; must outlive the server
 *
 * Nothing waits yet: server_start().
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int server_open(struct server *server, const struct device_options *options)
{
	int err;

	*server = (struct server) { .listener = -1 };
	err = bridge_device_open(&server->device, options);
	if (err)
		return err;
	if (options->socket_path)
		return open_path(server, options->socket_path);
	return open_fd(server, options->fd);
}

/**
 * server_start() - wait for front ends
 * @server: open, its ended() is set
 * @loop: watches the socket
 *
 * Return: 0; -errno, reported.
 */
int server_start(struct server *server, struct loop *loop)
{
	int socket = server->listener;
	int err;

	server->loop = loop;
	if (listens(socket)) {
		err = loop_add(loop, socket, handle_connection, server);
		return err ? say(server, "listening", err) : 0;
	}
	/* A connection that was passed. */
	server->listener = -1;
	return begin(server, socket);
}

/**
 * server_close() - stop serving, remove the socket, close the device
 * @server: open or half open
 */
void server_close(struct server *server)
{
	if (server->session)
		session_destroy(server->session);
	if (server->listener >= 0) {
		if (server->loop)
			loop_remove(server->loop, server->listener);
		if (server->path)
			unlink(server->path);
		close(server->listener);
	}
	bridge_device_close(&server->device);
	free(server->name);
}
