// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: differences of two samples.
 */
#include "rows.h"

#include <math.h>

/* Counters wrap around at 2^64, and so do their differences. */
static double ratio(uint64_t part, double whole)
{
	return whole > 0 ? (double)part / whole : NAN;
}

struct rates rates_between(const struct queue *before, const struct queue *now, double seconds)
{
	struct vqhost_vring_stats since = { .index = 0 };
	const struct rates unknown = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
	unsigned int i;

	if (!before)
		return unknown;
	for (i = 0; i < COUNTERS; i++)
		*(__u64 *)((char *)&since + counters[i].offset) =
			counter_value(now, &counters[i]) - counter_value(before, &counters[i]);
	return (struct rates){
		.requests = ratio(since.requests, seconds),
		.bytes = ratio(since.bytes, seconds),
		.errors = ratio(since.errors, seconds),
		.batch = ratio(since.chains, since.batches),
		.polls = ratio(since.polls_found, (double)(since.polls_found + since.polls_dry)),
		.calls_avoided = ratio(since.calls_suppressed,
				       since.calls_suppressed + since.calls),
		.chains_per_kick = ratio(since.chains, since.kicks),
		.busy = ratio(since.busy_ns, since.busy_ns + since.wait_ns),
	};
}
