/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters of struct vqhost_vring_stats that others can look at, by name.
 */
#ifndef SELFTESTS_LIB_STATS_FIELDS_H
#define SELFTESTS_LIB_STATS_FIELDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/vqhost.h>

struct stats_field {
	char name[24];
	size_t offset;
};

#define STATS_FIELD(field) { #field, offsetof(struct vqhost_vring_stats, field) }
static const struct stats_field stats_fields[] = {
	STATS_FIELD(chains), STATS_FIELD(requests), STATS_FIELD(bytes), STATS_FIELD(kicks),
	STATS_FIELD(calls), STATS_FIELD(calls_suppressed), STATS_FIELD(batches),
	STATS_FIELD(polls_found), STATS_FIELD(polls_dry), STATS_FIELD(sleeps),
	STATS_FIELD(ring_empty), STATS_FIELD(ring_full), STATS_FIELD(backend_waits),
	STATS_FIELD(misses), STATS_FIELD(errors), STATS_FIELD(errors_malformed),
	STATS_FIELD(errors_unsupported), STATS_FIELD(errors_backend),
	STATS_FIELD(errors_memory), STATS_FIELD(in_flight), STATS_FIELD(busy_ns),
	STATS_FIELD(wait_ns),
};

static inline uint64_t stats_value(const struct vqhost_vring_stats *stats,
				   const struct stats_field *field)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + field->offset, sizeof(value));
	return value;
}

#endif /* SELFTESTS_LIB_STATS_FIELDS_H */
