// SPDX-License-Identifier: GPL-2.0
/*
 * JSON, as docs/observing.md describes it.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "../userspace-vmm/text.h"

void json_number(FILE *to, double number)
{
	if (isnan(number))
		fputs("null", to);
	else
		fprintf(to, "%.9g", number);
}

void json_interval(FILE *to, double seconds, const struct latencies *latencies)
{
	fprintf(to, "\"time\": %lld, \"interval_seconds\": ", (long long)time(NULL));
	json_number(to, seconds);
	fprintf(to, ", \"lost\": %" PRIu64 ", \"missed\": %" PRIu64, latencies->lost,
		latencies->missed);
}

void json_queue(FILE *to, const struct queue *queue)
{
	fprintf(to, "\"device\": %u, \"type\": ", queue->device);
	text_put_json(to, queue->type);
	fprintf(to, ", \"pid\": %u, \"name\": ", queue->owner_pid);
	text_put_json(to, queue->owner_name);
	fprintf(to, ", \"queue\": %u", queue->stats.index);
}

static void json_breaks(FILE *to, const struct queue *queue)
{
	const char *separator = "";
	unsigned int i;

	fputs("\"breaks\": {", to);
	for (i = 0; i < VQHOST_BREAKS; i++) {
		if (!queue->stats.breaks[i])
			continue;
		fprintf(to, "%s\"%u\": %" PRIu64, separator, i, (uint64_t)queue->stats.breaks[i]);
		separator = ", ";
	}
	fputc('}', to);
}

void json_row(FILE *to, const struct row *row)
{
	const struct queue *queue = row->queue;
	unsigned int i;

	fputc('{', to);
	json_queue(to, queue);
	fputs(", \"state\": ", to);
	text_put_json(to, queue->state);
	fprintf(to, ", \"error\": %u, \"size\": %u, \"thread_pid\": %u, \"counters\": {",
		queue->stats.error, queue->size, queue->thread_pid);
	for (i = 0; i < COUNTERS; i++)
		fprintf(to, "\"%s\": %" PRIu64 ", ", counters[i].name,
			counter_value(queue, &counters[i]));
	json_breaks(to, queue);
	fputs("}, \"rates\": {", to);
	for (i = 0; i < TABLE_COLUMNS; i++) {
		if (!columns[i].key)
			continue;
		fprintf(to, "\"%s\": ", columns[i].key);
		json_number(to, column_number(&columns[i], row));
		fputs(", ", to);
	}
	fprintf(to, "\"latency_count\": %" PRIu64 "}}", row->latency.count);
}
