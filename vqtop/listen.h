/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket of this machine's own to be connected to.
 */
#ifndef VQTOP_LISTEN_H
#define VQTOP_LISTEN_H

#include "problem.h"

/**
 * listen_open() - listen
 * @where: unix:PATH or 127.0.0.1:PORT
 * @problem: is filled on failure
 *
 * A socket that nobody listens to any more is replaced, nothing else is.
 *
 * Return: file descriptor; -1.
 */
int listen_open(const char *where, struct problem *problem);

/**
 * listen_close() - listen no more, and remove the path
 * @fd: from listen_open()
 * @where: as it was
 */
void listen_close(int fd, const char *where);

#endif /* VQTOP_LISTEN_H */
