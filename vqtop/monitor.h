/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All queues as time goes on: what every kind of table is made of.
 */
#ifndef VQTOP_MONITOR_H
#define VQTOP_MONITOR_H

#include "latency.h"
#include "options.h"

/**
 * struct monitor - queues, as they were and as they are
 * @options: what was asked for
 * @before: the sample before, empty at first
 * @now: the latest sample
 * @tracer: counts latencies; NULL if it does not, see @untraced
 * @untraced: why latencies are not known
 * @latencies: those of the latest time in which they were measured
 * @credit: requests that may be measured, see measure()
 * @part: latencies are measured only now and then
 * @rows: a row for each queue of @now, those that are shown first, in order
 * @shown: how many are shown
 */
struct monitor {
	const struct options *options;
	struct sample before;
	struct sample now;
	struct latency_tracer *tracer;
	struct problem untraced;
	struct latencies latencies;
	double credit;
	bool part;
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
 * monitor_notes() - say in a line what is not known of latencies, or nothing
 * @monitor: from monitor_open()
 * @to: where
 */
void monitor_notes(const struct monitor *monitor, FILE *to);

/**
 * monitor_print() - print the rows as text or as JSON to standard output
 * @monitor: from monitor_open()
 *
 * Return: 0, or -1 if standard output takes no more.
 */
int monitor_print(const struct monitor *monitor);

#endif /* VQTOP_MONITOR_H */
