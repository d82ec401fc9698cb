/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Latencies of all requests, counted by a BPF program.
 */
#ifndef VQTOP_LATENCY_H
#define VQTOP_LATENCY_H

#include <stdbool.h>
#include <stdio.h>

#include "latency_map.h"
#include "options.h"
#include "queues.h"

struct latency_tracer;

/**
 * struct latency_entry - requests of one type of one queue
 * @key: which
 * @counts: how long they took
 */
struct latency_entry {
	struct latency_key key;
	struct latency_counts counts;
};

/**
 * struct latencies - what was counted in an interval
 * @entries: by device, queue and type
 * @count: how many
 * @lost: requests that were not counted for lack of room
 * @missed: times the kernel did not run the program, as far as it tells
 */
struct latencies {
	struct latency_entry *entries;
	unsigned int count;
	uint64_t lost;
	uint64_t missed;
};

/**
 * latency_open() - prepare to count
 * @options: where tracefs is, and how much room there is to be
 * @problem: is filled on failure
 *
 * Return: a tracer; NULL.
 */
struct latency_tracer *latency_open(const struct options *options, struct problem *problem);

/**
 * latency_start() - count from now on
 * @tracer: from latency_open(); if it counts already, nothing is done
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int latency_start(struct latency_tracer *tracer, struct problem *problem);

/**
 * latency_stop() - count no more for now
 * @tracer: from latency_open(); if it does not count, nothing is done
 */
void latency_stop(struct latency_tracer *tracer);

/**
 * latency_read() - what was counted since the last time
 * @tracer: from latency_open()
 * @latencies: is filled; belongs to the tracer, until the next call
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int latency_read(struct latency_tracer *tracer, struct latencies *latencies,
		 struct problem *problem);

/**
 * latencies_losses() - say how many requests were not counted, in one line, if any
 * @latencies: of an interval
 * @to: where
 *
 * Return: whether there were any.
 */
bool latencies_losses(const struct latencies *latencies, FILE *to);

/**
 * latency_forget() - make room: drop what belongs to devices that are gone
 * @tracer: from latency_open()
 * @sample: taken after the last latency_read()
 */
void latency_forget(struct latency_tracer *tracer, const struct sample *sample);

/**
 * latency_close() - stop counting
 * @tracer: from latency_open(), or NULL
 */
void latency_close(struct latency_tracer *tracer);

#endif /* VQTOP_LATENCY_H */
