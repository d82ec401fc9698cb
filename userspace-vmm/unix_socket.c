// SPDX-License-Identifier: GPL-2.0
/*
 * Listening at a path, and connecting to who does.
 */
#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int create_socket(int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	return fd < 0 ? -errno : fd;
}

static int fill_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int connect_to(const struct sockaddr_un *address, int flags)
{
	int fd = create_socket(flags);
	int err;

	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int unix_connect(const char *path, int flags)
{
	struct sockaddr_un address;
	int err = fill_address(path, &address);

	return err ? err : connect_to(&address, flags);
}

/* Remove what a server has left that is gone: fails if there is one, or something else. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int fd;

	if (lstat(address->sun_path, &status))
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	fd = connect_to(address, SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) ? -errno : 0;
}

int unix_listen(const char *path, int backlog)
{
	struct sockaddr_un address;
	mode_t mask;
	int fd, err;

	err = fill_address(path, &address);
	if (!err)
		err = remove_stale(&address);
	if (err)
		return err;
	fd = create_socket(SOCK_NONBLOCK);
	if (fd < 0)
		return fd;
	/* 0600 from the beginning. */
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, backlog))
		err = -errno;
	umask(mask);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

const char *unix_socket_problem(int err)
{
	switch (err) {
	case -ENAMETOOLONG:
		return "not a path of 1 to 107 characters";
	case -ECONNREFUSED:
		return "nobody listens";
	case -EADDRINUSE:
		return "another server listens";
	case -ENOTSOCK:
		return "there is something else";
	default:
		return strerror(-err);
	}
}
