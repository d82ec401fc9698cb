// SPDX-License-Identifier: GPL-2.0
/*
 * Listening: to root alone at a path, to everybody on this machine at a port.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../userspace-vmm/unix_socket.h"

#define BACKLOG 128

static const char path_prefix[] = "unix:";

/* The path, or NULL. */
static const char *path_of(const char *where)
{
	size_t length = sizeof(path_prefix) - 1;

	return strncmp(where, path_prefix, length) ? NULL : where + length;
}

static int fail(struct problem *problem, const char *where)
{
	return problem_set(problem, VQTOP_EXIT_ERROR, "--listen %s: %m", where);
}

static int listen_at_path(const char *path, const char *where, struct problem *problem)
{
	int fd = unix_listen(path, BACKLOG);

	if (fd >= 0)
		return fd;
	return problem_set(problem, fd == -ENAMETOOLONG ? VQTOP_EXIT_USAGE : VQTOP_EXIT_ERROR,
			   "--listen %s: %s", where, unix_socket_problem(fd));
}

/* Reads ADDRESS:PORT; false if it is not. */
static bool parse_address(const char *where, struct sockaddr_in *address)
{
	const char *colon = strrchr(where, ':');
	char host[INET_ADDRSTRLEN], *end;
	unsigned long port;

	if (!colon || (size_t)(colon - where) >= sizeof(host) || !isdigit((unsigned char)colon[1]))
		return false;
	memcpy(host, where, (size_t)(colon - where));
	host[colon - where] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || !port || port > 65535)
		return false;
	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static int listen_at_port(const char *where, struct problem *problem)
{
	struct sockaddr_in address;
	int fd, one = 1;

	if (!parse_address(where, &address))
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "--listen %s: neither unix:PATH nor 127.0.0.1:PORT", where);
	if (ntohl(address.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "--listen %s: not an address of this machine alone: 127.0.0.1:PORT",
				   where);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(problem, where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, BACKLOG))
		return fd;
	if (errno == EADDRINUSE)
		problem_set(problem, VQTOP_EXIT_ERROR, "--listen %s: %s", where,
			    unix_socket_problem(-EADDRINUSE));
	else
		fail(problem, where);
	close(fd);
	return -1;
}

int listen_open(const char *where, struct problem *problem)
{
	const char *path = path_of(where);

	return path ? listen_at_path(path, where, problem) : listen_at_port(where, problem);
}

void listen_close(int fd, const char *where)
{
	const char *path = path_of(where);

	if (path)
		unlink(path);
	close(fd);
}
