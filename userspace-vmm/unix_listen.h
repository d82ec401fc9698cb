/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A Unix socket to be connected to, for vqvmm, vqhost-bridge and vqtop.
 */
#ifndef VQVMM_UNIX_LISTEN_H
#define VQVMM_UNIX_LISTEN_H

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
 * unix_listen_problem() - why it failed
 * @err: what unix_listen() returned
 *
 * Return: a few words.
 */
const char *unix_listen_problem(int err);

#endif /* VQVMM_UNIX_LISTEN_H */
