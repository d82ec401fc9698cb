// SPDX-License-Identifier: GPL-2.0
/*
 * Rates: differences of two samples.
 */
#include "rows.h"

#include <math.h>

/* Counters wrap around at 2^64. */
#define SINCE(field) ((double)(now->stats.field - before->stats.field))

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

struct rates rates_between(const struct queue *before, const struct queue *now, double seconds)
{
	const struct rates unknown = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };

	if (!before)
		return unknown;
	return (struct rates){
		.requests = ratio(SINCE(requests), seconds),
		.bytes = ratio(SINCE(bytes), seconds),
		.errors = ratio(SINCE(errors), seconds),
		.batch = ratio(SINCE(chains), SINCE(batches)),
		.polls = ratio(SINCE(polls_found), SINCE(polls_found) + SINCE(polls_dry)),
		.calls_avoided = ratio(SINCE(calls_suppressed),
				       SINCE(calls_suppressed) + SINCE(calls)),
		.chains_per_kick = ratio(SINCE(chains), SINCE(kicks)),
		.busy = ratio(SINCE(busy_ns), SINCE(busy_ns) + SINCE(wait_ns)),
	};
}
