/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All queues of the machine, as debugfs lists them: docs/observing.md.
 */
#ifndef VQTOP_QUEUES_H
#define VQTOP_QUEUES_H

#include <stddef.h>
#include <stdint.h>

#include <linux/vqhost.h>

#include "problem.h"

/**
 * struct queue - a line of "queues"
 * @device: number of the device
 * @type: its type, "vqhost-blk"
 * @owner_pid: its owner, 0 without one
 * @owner_name: the owner's name, any bytes; empty without one
 * @state: "stopped", "running" or "broken"
 * @size: descriptors of the ring
 * @thread_pid: of the worker, 0 if there is none
 * @stats: @stats.index is the queue's index in its device; memory is not known
 */
struct queue {
	uint32_t device;
	char type[16];
	uint32_t owner_pid;
	char owner_name[64];
	char state[12];
	uint32_t size;
	uint32_t thread_pid;
	struct vqhost_vring_stats stats;
};

/**
 * struct sample - all queues at one moment
 * @queues: by device, then by index
 * @count: how many
 * @time: seconds of CLOCK_MONOTONIC
 */
struct sample {
	struct queue *queues;
	unsigned int count;
	double time;
};

/* What a counter is: to be counted up, or a value of this moment; its unit. */
enum counter_kind {
	COUNTER_TOTAL,
	COUNTER_TIME,		/* a total, in nanoseconds */
	COUNTER_NOW,
};

/**
 * struct counter - a field of struct vqhost_vring_stats that debugfs has
 * @name: as debugfs calls it
 * @offset: of the field
 * @kind: what it is
 * @help: in words
 */
struct counter {
	const char *name;
	size_t offset;
	enum counter_kind kind;
	const char *help;
};

#define COUNTERS 22
extern const struct counter counters[COUNTERS];

/**
 * counter_value() - a counter of a queue
 * @queue: the queue
 * @counter: which
 *
 * Return: its value.
 */
static inline uint64_t counter_value(const struct queue *queue, const struct counter *counter)
{
	return *(const __u64 *)((const char *)&queue->stats + counter->offset);
}

/**
 * sample_parse() - read the text of "queues"
 * @sample: is filled, but for the time; sample_free() frees it, also on failure
 * @text: the text; is taken apart
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int sample_parse(struct sample *sample, char *text, struct problem *problem);

/**
 * sample_take() - look at all queues now
 * @sample: is filled; sample_free() frees it, also on failure
 * @debugfs: where debugfs is mounted
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int sample_take(struct sample *sample, const char *debugfs, struct problem *problem);

/**
 * sample_next() - look again
 * @before: is freed, and becomes what @now was
 * @now: is filled; empty on failure
 * @debugfs: where debugfs is mounted
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int sample_next(struct sample *before, struct sample *now, const char *debugfs,
		struct problem *problem);

/**
 * sample_free() - free what hangs from a sample, which is empty then
 * @sample: may be all zero
 */
void sample_free(struct sample *sample);

/**
 * sample_find() - look a queue up
 * @sample: where
 * @device: number of the device
 * @index: of the queue in it
 *
 * Return: the queue; NULL.
 */
const struct queue *sample_find(const struct sample *sample, uint32_t device, uint32_t index);

#endif /* VQTOP_QUEUES_H */
