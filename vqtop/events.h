/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the program waits for: the next interval, input, a signal to end.
 */
#ifndef VQTOP_EVENTS_H
#define VQTOP_EVENTS_H

#include "problem.h"

/* What happened. */
enum event {
	EVENT_TICK,		/* an interval is over */
	EVENT_INPUT,		/* input, or a signal whose handler has run */
	EVENT_END,		/* SIGINT, SIGTERM or SIGHUP; input that is gone */
};

/**
 * struct events - sources of events
 * @timer: a timerfd
 * @signals: a signalfd
 */
struct events {
	int timer;
	int signals;
};

/**
 * events_open() - begin to wait; signals to end are blocked from now on
 * @events: is filled
 * @interval: seconds from one tick to the next; 0 for no ticks
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int events_open(struct events *events, double interval, struct problem *problem);

/**
 * events_wait() - wait for the next event
 * @events: from events_open()
 * @input: a file descriptor; -1 for none
 *
 * Return: the event; the end comes first, and again each time.
 */
enum event events_wait(struct events *events, int input);

/**
 * events_close() - stop waiting; signals stay blocked
 * @events: from events_open()
 */
void events_close(struct events *events);

#endif /* VQTOP_EVENTS_H */
