/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traffic of the benchmarks in the test host: packets to be sent, or reads of a disk.
 */
#ifndef SELFTESTS_BENCH_TRAFFIC_H
#define SELFTESTS_BENCH_TRAFFIC_H

#include "../kmod/blk_setup.h"

/* Buffers on pages of their own, not in the order of addresses, and none next to another. */
#define BUFFERS 256U
#define STRIDE (8 * 4096)
#define BUFFER(n) (GUEST_MEMORY + (n) * 37 % BUFFERS * STRIDE)

/* Ends the process if @err is below 0. */
void check(int err, const char *what);

/* Nanoseconds. */
double now(void);

/* Before the first operation. */
void traffic_fill(struct vhost_device *device, bool is_net);

/* @count operations, @depth at a time. */
void traffic_run(struct vhost_queue *queue, bool is_net, unsigned int count, unsigned int depth);

/* Median and spread; sorts. */
void print_spread(const char *name, const char *what, double *values, unsigned int count);

#endif /* SELFTESTS_BENCH_TRAFFIC_H */
