// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting.
 */
#include "events.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "array.h"

int events_open(struct events *events, double interval, struct problem *problem)
{
	struct timespec period = { .tv_sec = (time_t)interval };
	struct itimerspec timer;
	sigset_t set;

	period.tv_nsec = (long)((interval - (double)period.tv_sec) * 1e9);
	timer = (struct itimerspec){ .it_interval = period, .it_value = period };
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	events->signals = signalfd(-1, &set, SFD_CLOEXEC);
	events->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (events->signals >= 0 && events->timer >= 0 &&
	    !timerfd_settime(events->timer, 0, &timer, NULL))
		return 0;
	problem_set(problem, VQTOP_EXIT_ERROR, "cannot wait: %m");
	events_close(events);
	return -1;
}

enum event events_wait(struct events *events, int input)
{
	struct pollfd fds[] = {
		{ .fd = events->signals, .events = POLLIN },
		{ .fd = events->timer, .events = POLLIN },
		{ .fd = input, .events = POLLIN },
	};
	uint64_t ticks;

	/* The terminal's size has changed, of which its library takes note. */
	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return EVENT_INPUT;
	/* It is not read, and so stays.  Nor does a terminal come back. */
	if (fds[0].revents || fds[2].revents & (POLLHUP | POLLERR | POLLNVAL))
		return EVENT_END;
	/* Ticks that were missed are one. */
	if (fds[1].revents && read(events->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
		return EVENT_TICK;
	return EVENT_INPUT;
}

void events_close(struct events *events)
{
	if (events->signals >= 0)
		close(events->signals);
	if (events->timer >= 0)
		close(events->timer);
}
