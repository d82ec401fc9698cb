// SPDX-License-Identifier: GPL-2.0
/*
 * The signals that end a process.
 */
#include "machine/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

int signals_create(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
