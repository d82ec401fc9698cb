/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unix sockets that have a path, for vqvmm, vqhost-bridge and vqtop.
 */
#ifndef VQVMM_UNIX_SOCKET_H
#define VQVMM_UNIX_SOCKET_H

/**
 * unix_listen() - listen at a path
 * @path: where
 * @backlog: connections that may wait
 *
 * A socket that nobody listens to any more is replaced, nothing else is.  Its mode is
 * 0600.
 *
 * Return: a file descriptor that does not block; -ENAMETOOLONG for a path that is empty
 * or too long; -EADDRINUSE if another process listens there; -ENOTSOCK if something
 * else is there; another -errno.
 */
int unix_listen(const char *path, int backlog);

/**
 * unix_connect() - connect to who listens at a path
 * @path: where
 * @flags: 0, or SOCK_NONBLOCK: it does not wait either for one who has too many that wait
 *	already
 *
 * Return: a file descriptor; -ENAMETOOLONG for a path that is empty or too long; -ENOENT
 * or -ECONNREFUSED if nobody listens there; -EAGAIN if it would have to wait; another
 * -errno.
 */
int unix_connect(const char *path, int flags);

/**
 * unix_socket_problem() - why it failed
 * @err: what unix_listen() or unix_connect() returned
 *
 * Return: a few words.
 */
const char *unix_socket_problem(int err);

#endif /* VQVMM_UNIX_SOCKET_H */
