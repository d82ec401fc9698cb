// SPDX-License-Identifier: GPL-2.0
/*
 * OpenMetrics 1.0, and the text format 0.0.4 of Prometheus: a family for each counter, a
 * sample for each queue in it.
 */
#include "openmetrics.h"

#include <inttypes.h>
#include <string.h>

#include "array.h"
#include "../userspace-vmm/text.h"

/**
 * struct writer - where it goes
 * @to: the text
 * @classic: the older format
 */
struct writer {
	FILE *to;
	bool classic;
};

static void write_label(FILE *to, const char *name, const char *value)
{
	uint32_t character;

	fprintf(to, "%s=\"", name);
	while ((character = text_next(&value))) {
		if (character == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (character == '"' || character == '\\')
			fputc('\\', to);
		text_put(to, character);
	}
	fputs("\",", to);
}

/* Name and labels, @more of them at the end. */
static void write_series(FILE *to, const char *name, const char *suffix,
			 const struct queue *queue, const char *more)
{
	fprintf(to, "vqhost_queue_%s%s{device=\"%u\",", name, suffix, queue->device);
	write_label(to, "type", queue->type);
	fprintf(to, "pid=\"%u\",", queue->owner_pid);
	write_label(to, "name", queue->owner_name);
	fprintf(to, "queue=\"%u\"%s} ", queue->stats.index, more);
}

/*
 * The head of a family.  In OpenMetrics it has its name without what is appended to that
 * of its samples.
 */
static void write_family(const struct writer *writer, const char *name, const char *unit,
			 bool total, const char *help)
{
	const char *suffix = writer->classic && total ? "_total" : "";

	fprintf(writer->to, "# HELP vqhost_queue_%s%s %s\n", name, suffix, help);
	fprintf(writer->to, "# TYPE vqhost_queue_%s%s %s\n", name, suffix,
		total ? "counter" : "gauge");
	if (unit && !writer->classic)
		fprintf(writer->to, "# UNIT vqhost_queue_%s %s\n", name, unit);
}

static void write_counter(const struct writer *writer, const struct sample *sample,
			  const struct counter *counter)
{
	const char *unit = !strcmp(counter->name, "bytes") ? "bytes" : NULL;
	bool total = counter->kind != COUNTER_NOW;
	char name[32];
	unsigned int i;
	uint64_t value;

	snprintf(name, sizeof(name), "%s", counter->name);
	if (counter->kind == COUNTER_TIME) {
		/* busy_ns becomes busy_seconds. */
		unit = "seconds";
		strcpy(strrchr(name, '_') + 1, unit);
	}
	write_family(writer, name, unit, total, counter->help);
	for (i = 0; i < sample->count; i++) {
		value = counter_value(&sample->queues[i], counter);
		write_series(writer->to, name, total ? "_total" : "", &sample->queues[i], "");
		if (counter->kind == COUNTER_TIME)
			fprintf(writer->to, "%" PRIu64 ".%09" PRIu64 "\n", value / 1000000000,
				value % 1000000000);
		else
			fprintf(writer->to, "%" PRIu64 "\n", value);
	}
}

static void write_states(const struct writer *writer, const struct sample *sample)
{
	static const struct {
		const char *name;
		const char *help;
		size_t offset;
	} states[] = {
		{ "running", "1 while the queue has a backend.",
		  offsetof(struct queue, stats.running) },
		{ "error", "Cause for which the queue is broken, 0 if it is not.",
		  offsetof(struct queue, stats.error) },
		{ "descriptors", "Descriptors of the ring.", offsetof(struct queue, size) },
	};
	unsigned int i, n;
	const void *value;

	for (n = 0; n < ARRAY_SIZE(states); n++) {
		write_family(writer, states[n].name, NULL, false, states[n].help);
		for (i = 0; i < sample->count; i++) {
			write_series(writer->to, states[n].name, "", &sample->queues[i], "");
			value = (const char *)&sample->queues[i] + states[n].offset;
			fprintf(writer->to, "%u\n", *(const uint32_t *)value);
		}
	}
}

static void write_breaks(const struct writer *writer, const struct sample *sample)
{
	const struct queue *queue;
	unsigned int i, cause;
	char label[24];

	write_family(writer, "breaks", NULL, true, "Times the queue broke, by cause.");
	for (i = 0; i < sample->count; i++) {
		queue = &sample->queues[i];
		for (cause = 0; cause < VQHOST_BREAKS; cause++) {
			if (!queue->stats.breaks[cause])
				continue;
			snprintf(label, sizeof(label), ",cause=\"%u\"", cause);
			write_series(writer->to, "breaks", "_total", queue, label);
			fprintf(writer->to, "%" PRIu64 "\n", (uint64_t)queue->stats.breaks[cause]);
		}
	}
}

void openmetrics_write(FILE *to, const struct sample *sample, bool classic)
{
	const struct writer writer = { to, classic };
	unsigned int i;

	for (i = 0; i < COUNTERS; i++)
		write_counter(&writer, sample, &counters[i]);
	write_states(&writer, sample);
	write_breaks(&writer, sample);
	if (!classic)
		fputs("# EOF\n", to);
}
