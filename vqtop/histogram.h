/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the buckets of latencies mean.
 */
#ifndef VQTOP_HISTOGRAM_H
#define VQTOP_HISTOGRAM_H

#include <stdint.h>

#include "latency_map.h"
#include "rows.h"

/**
 * bucket_begin() - the least latency that a bucket counts
 * @bucket: which; LATENCY_BUCKETS for the end of the last one
 *
 * Return: nanoseconds.
 */
uint64_t bucket_begin(unsigned int bucket);

/**
 * histogram_add() - add counts to others
 * @sum: is added to
 * @counts: what is added
 */
void histogram_add(struct latency_counts *sum, const struct latency_counts *counts);

/**
 * histogram_latency() - percentiles
 * @counts: of which requests
 *
 * Return: how many requests were measured, and their percentiles: the end of the bucket
 * in which each lies.  Requests that are not known, because they began before they were
 * measured, are taken for the slowest: a percentile among them is NaN.
 */
struct latency histogram_latency(const struct latency_counts *counts);

#endif /* VQTOP_HISTOGRAM_H */
