/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All queues as time goes on: what every kind of table is made of.
 */
#ifndef VQTOP_MONITOR_H
#define VQTOP_MONITOR_H

#include "options.h"

/**
 * struct monitor - queues, as they were and as they are
 * @options: what was asked for
 * @before: the sample before, empty at first
 * @now: the latest sample
 * @rows: a row for each queue of @now, those that are shown first, in order
 * @shown: how many are shown
 */
struct monitor {
	const struct options *options;
	struct sample before;
	struct sample now;
	struct row *rows;
	unsigned int shown;
};

/**
 * monitor_open() - take the first sample
 * @monitor: is filled; monitor_close() frees it, also on failure
 * @options: outlive it
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int monitor_open(struct monitor *monitor, const struct options *options, struct problem *problem);

/**
 * monitor_update() - take another sample
 * @monitor: from monitor_open(); has no queues on failure, and can be updated again
 * @order: which rows are shown
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int monitor_update(struct monitor *monitor, const struct order *order, struct problem *problem);

/**
 * monitor_order() - choose other rows of the same samples
 * @monitor: from monitor_open()
 * @order: which rows are shown
 */
void monitor_order(struct monitor *monitor, const struct order *order);

/**
 * monitor_close() - free everything
 * @monitor: from monitor_open()
 */
void monitor_close(struct monitor *monitor);

/**
 * monitor_print() - print the rows as text or as JSON to standard output
 * @monitor: from monitor_open()
 *
 * Return: 0, or -1 if standard output takes no more.
 */
int monitor_print(const struct monitor *monitor);

#endif /* VQTOP_MONITOR_H */
