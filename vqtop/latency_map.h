/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the BPF program and vqtop share: how latencies are counted.
 */
#ifndef VQTOP_LATENCY_MAP_H
#define VQTOP_LATENCY_MAP_H

#include <linux/types.h>

/*
 * Four buckets for each power of 2 of nanoseconds, from 4 on; the last one has all that
 * took longer than half an hour.
 */
#define LATENCY_POWERS 41
#define LATENCY_BUCKETS ((LATENCY_POWERS - 1) * 4)

/* Bytes of a record of the tracepoint that the program can look at, 8 each. */
#define LATENCY_RECORD_WORDS 16

/**
 * struct latency_key - whose latencies they are
 * @device: number of the device
 * @queue: index of the queue
 * @type: of the requests, as the tracepoint has it
 */
struct latency_key {
	__u32 device;
	__u32 queue;
	__u32 type;
};

/**
 * struct latency_counts - how long requests took
 * @unknown: those of which it is not known
 * @buckets: the others
 */
struct latency_counts {
	__u64 unknown;
	__u64 buckets[LATENCY_BUCKETS];
};

#endif /* VQTOP_LATENCY_MAP_H */
