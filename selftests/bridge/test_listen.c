// SPDX-License-Identifier: GPL-2.0
/*
 * Where front ends come to: a path, a socket that was passed, a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge/server.h"
#include "unix_socket.h"
#include "fake_kernel.h"
#include "front_end.h"
#include "option_values.h"

#include <kselftest_harness.h>

FIXTURE(listen)
{
	char folder[32];
	char path[64];
};

FIXTURE_SETUP(listen)
{
	strcpy(self->folder, "/tmp/vqhost-bridge.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->folder));
	snprintf(self->path, sizeof(self->path), "%s/socket", self->folder);
}

FIXTURE_TEARDOWN(listen)
{
	unlink(self->path);
	EXPECT_EQ(0, rmdir(self->folder));
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -errno;
}

TEST_F(listen, a_socket_that_is_in_use)
{
	int fd = unix_listen(self->path, 1);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EADDRINUSE, unix_listen(self->path, 1));
	EXPECT_EQ(0, access(self->path, F_OK));
	close(fd);
}

TEST_F(listen, a_stale_socket_is_replaced)
{
	int fd = unix_listen(self->path, 1), other;
	struct stat status;

	close(fd);
	EXPECT_EQ(-ECONNREFUSED, connect_to(self->path));
	fd = unix_listen(self->path, 1);
	ASSERT_LE(0, fd);
	other = connect_to(self->path);
	EXPECT_LE(0, other);
	ASSERT_EQ(0, stat(self->path, &status));
	EXPECT_EQ(0600, status.st_mode & 0777);
	close(other);
	close(fd);
}

TEST_F(listen, a_file_is_not_replaced)
{
	int fd = open(self->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	EXPECT_EQ(-ENOTSOCK, unix_listen(self->path, 1));
	EXPECT_EQ(0, access(self->path, F_OK));
}

TEST_F(listen, paths_that_are_none)
{
	char longer[200];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, unix_listen("", 1));
	EXPECT_EQ(-ENAMETOOLONG, unix_listen(longer, 1));
	EXPECT_EQ(-ENOENT, unix_listen("/nowhere/at/all", 1));
}

static void server_ended(void *opaque)
{
	loop_stop(opaque);
}

static void *run(void *opaque)
{
	loop_run(opaque);
	return NULL;
}

static uint64_t features_of(int fd)
{
	struct front_end front = { .socket = fd };

	return ask(&front, VHOST_USER_GET_FEATURES);
}

/* One after the other: the second is answered when the first has gone. */
TEST_F(listen, front_ends_come_one_by_one)
{
	const struct device_options options = { .socket_path = self->path, .blk_file = "any" };
	struct server server;
	struct loop *loop;
	pthread_t thread;
	int first, second;
	char byte;

	ASSERT_EQ(0, server_open(&server, &options));
	ASSERT_EQ(0, loop_create(&loop));
	server.ended = server_ended;
	server.opaque = loop;
	ASSERT_EQ(0, server_start(&server, loop));
	pthread_create(&thread, NULL, run, loop);

	first = connect_to(self->path);
	EXPECT_NE(UINT64_MAX, features_of(first));
	second = connect_to(self->path);
	ASSERT_LE(0, second);
	EXPECT_EQ(-1, recv(second, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_NE(UINT64_MAX, features_of(first));
	close(first);
	EXPECT_NE(UINT64_MAX, features_of(second));

	loop_stop(loop);
	pthread_join(thread, NULL);
	server_close(&server);
	/* The end of the connection is seen, and the path is gone. */
	EXPECT_EQ(0, recv(second, &byte, 1, 0));
	EXPECT_EQ(-1, access(self->path, F_OK));
	EXPECT_FALSE(kernel.owned);
	close(second);
	loop_destroy(loop);
}

TEST_F(listen, a_socket_that_was_passed_listens)
{
	const int fd = unix_listen(self->path, 1);
	const struct device_options options = { .fd = (unsigned int)fd, .blk_file = "any" };
	struct server server;
	struct loop *loop;
	pthread_t thread;
	int first;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, server_open(&server, &options));
	ASSERT_EQ(0, loop_create(&loop));
	ASSERT_EQ(0, server_start(&server, loop));
	pthread_create(&thread, NULL, run, loop);
	first = connect_to(self->path);
	EXPECT_NE(UINT64_MAX, features_of(first));
	close(first);
	loop_stop(loop);
	pthread_join(thread, NULL);
	server_close(&server);
	/* It is of whoever has passed it. */
	EXPECT_EQ(0, access(self->path, F_OK));
	loop_destroy(loop);
}

TEST_F(listen, what_was_passed_is_no_socket)
{
	struct device_options options = { .blk_file = "any" };
	struct server server;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	options.fd = (unsigned int)fds[0];
	EXPECT_EQ(OPTION_REJECTED, server_open(&server, &options));
	server_close(&server);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	options.fd = (unsigned int)fds[0];
	EXPECT_EQ(OPTION_REJECTED, server_open(&server, &options));
	server_close(&server);
	options.fd = 1000;
	EXPECT_EQ(OPTION_REJECTED, server_open(&server, &options));
	server_close(&server);
}

TEST_HARNESS_MAIN
