// SPDX-License-Identifier: GPL-2.0
/*
 * What the buckets of latencies mean: latency.bpf.c has the other direction.
 */
#include "histogram.h"

#include <math.h>

uint64_t bucket_begin(unsigned int bucket)
{
	unsigned int power = bucket / 4 + 1;

	return bucket < 4 ? bucket : (uint64_t)(4 + bucket % 4) << (power - 2);
}

void histogram_add(struct latency_counts *sum, const struct latency_counts *counts)
{
	unsigned int i;

	sum->unknown += counts->unknown;
	for (i = 0; i < LATENCY_BUCKETS; i++)
		sum->buckets[i] += counts->buckets[i];
}

static double percentile(const struct latency_counts *counts, uint64_t all, unsigned int percent)
{
	/* Rounded up: that many requests took no longer. */
	uint64_t wanted = (all * percent + 99) / 100, seen = 0;
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++) {
		seen += counts->buckets[i];
		if (seen && seen >= wanted)
			return (double)bucket_begin(i + 1) / 1e9;
	}
	return NAN;
}

struct latency histogram_latency(const struct latency_counts *counts)
{
	struct latency latency = { .count = 0 };
	unsigned int i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		latency.count += counts->buckets[i];
	latency.p50 = percentile(counts, latency.count + counts->unknown, 50);
	latency.p99 = percentile(counts, latency.count + counts->unknown, 99);
	return latency;
}
