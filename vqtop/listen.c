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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

static int begin(int fd, const struct sockaddr *address, socklen_t size)
{
	if (bind(fd, address, size) || listen(fd, BACKLOG))
		return -1;
	return 0;
}

/* Remove what a server has left that is gone: fails if there is one, or something else. */
static int remove_stale(const struct sockaddr_un *address, const char *where,
			struct problem *problem)
{
	struct stat status;
	int fd, err;

	if (lstat(address->sun_path, &status))
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return problem_set(problem, VQTOP_EXIT_ERROR,
				   "--listen %s: there is something else", where);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(problem, where);
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return problem_set(problem, VQTOP_EXIT_ERROR, "--listen %s: another server listens",
				   where);
	return unlink(address->sun_path) ? fail(problem, where) : 0;
}

static int listen_at_path(int fd, const char *path, const char *where, struct problem *problem)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int ret;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "--listen %s: not a path of 1 to %zu characters", where,
				   sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if (remove_stale(&address, where, problem))
		return -1;
	/* 0600 from the beginning. */
	mask = umask(0177);
	ret = begin(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	return ret ? fail(problem, where) : 0;
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

static int listen_at_port(int fd, const char *where, struct problem *problem)
{
	struct sockaddr_in address;
	int one = 1;

	if (!parse_address(where, &address))
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "--listen %s: neither unix:PATH nor 127.0.0.1:PORT", where);
	if (ntohl(address.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "--listen %s: not an address of this machine alone: 127.0.0.1:PORT",
				   where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!begin(fd, (struct sockaddr *)&address, sizeof(address)))
		return 0;
	if (errno == EADDRINUSE)
		return problem_set(problem, VQTOP_EXIT_ERROR, "--listen %s: another server listens",
				   where);
	return fail(problem, where);
}

int listen_open(const char *where, struct problem *problem)
{
	const char *path = path_of(where);
	int fd;

	fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(problem, where);
	if (path ? !listen_at_path(fd, path, where, problem) : !listen_at_port(fd, where, problem))
		return fd;
	close(fd);
	return -1;
}

void listen_close(int fd, const char *where)
{
	const char *path = path_of(where);

	if (path)
		unlink(path);
	close(fd);
}
