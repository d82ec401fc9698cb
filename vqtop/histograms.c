// SPDX-License-Identifier: GPL-2.0
/*
 * "vqtop latency": histograms by queue and type of request.
 */
#include "histograms.h"

#include <inttypes.h>
#include <string.h>

#include "array.h"
#include "events.h"
#include "histogram.h"
#include "json.h"
#include "latency.h"

/* Characters of the longest bar. */
#define BAR 40

/* Room for the name of a type. */
#define TYPE_SIZE 24

/**
 * struct histograms - what is printed
 * @options: which, and how
 * @tracer: it counts
 * @before: sample at the end of the interval before
 * @now: sample at the end of this one
 * @latencies: those of this interval
 */
struct histograms {
	const struct options *options;
	struct latency_tracer *tracer;
	struct sample before;
	struct sample now;
	struct latencies latencies;
};

/* As docs/observing.md has the types. */
static const char *type_name(uint32_t type, char text[TYPE_SIZE])
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{ 0, "read" }, { 1, "write" }, { 4, "flush" }, { 8, "get_id" }, { 11, "discard" },
		{ 13, "write_zeroes" }, { 0x1000000, "receive" }, { 0x1000001, "transmit" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(text, TYPE_SIZE, "type_%u", type);
	return text;
}

/* The queue of an entry, or what is known of one that was not there at either time. */
static struct queue queue_of(const struct histograms *histograms, const struct latency_key *key)
{
	const struct queue *queue = sample_find(&histograms->now, key->device, key->queue);

	if (!queue)
		queue = sample_find(&histograms->before, key->device, key->queue);
	return queue ? *queue : (struct queue){ .device = key->device, .type = "-",
						.stats.index = key->queue };
}

static void print_bar(uint64_t count, uint64_t most)
{
	static const char stars[] = "****************************************";
	int length = (int)((double)count * BAR / (double)most + 0.5);

	printf("|%-*.*s|\n", BAR, length, stars);
}

/* A line for each power of 2, from the first to the last one that has any. */
static void print_powers(const struct latency_counts *counts)
{
	uint64_t powers[LATENCY_BUCKETS / 4] = { 0 }, most = 0;
	unsigned int i, first = LATENCY_BUCKETS, last = 0;
	char from[16], to[16];

	for (i = 0; i < LATENCY_BUCKETS; i++)
		powers[i / 4] += counts->buckets[i];
	for (i = 0; i < LATENCY_BUCKETS / 4; i++) {
		if (!powers[i])
			continue;
		first = first < i ? first : i;
		last = i;
		most = most > powers[i] ? most : powers[i];
	}
	for (i = first; i <= last; i++) {
		write_scaled((double)bucket_begin(4 * i) / 1e9, "s", from, sizeof(from));
		write_scaled((double)bucket_begin(4 * i + 4) / 1e9, "s", to, sizeof(to));
		printf("%10s to %6s %10" PRIu64 " ", from, to, powers[i]);
		print_bar(powers[i], most);
	}
}

static void print_text(const struct queue *queue, const struct latency_entry *entry)
{
	struct latency latency = histogram_latency(&entry->counts);
	struct row row = { .queue = queue };
	char type[TYPE_SIZE], cell[CELL_SIZE];
	unsigned int i;

	printf("%s", type_name(entry->key.type, type));
	for (i = 0; i < TABLE_COLUMNS && columns[i].width && strcmp(columns[i].name, "state"); i++)
		printf(" %s %s", columns[i].name,
		       column_write(&columns[i], &row, cell) + strspn(cell, " "));
	printf("\n  %" PRIu64 " requests", latency.count);
	if (entry->counts.unknown)
		printf(", %" PRIu64 " more began before", (uint64_t)entry->counts.unknown);
	row.latency = latency;
	for (i = 0; i < TABLE_COLUMNS; i++)
		if (columns[i].format == FORMAT_SECONDS)
			printf(", %s %s", columns[i].name,
			       column_write(&columns[i], &row, cell) + strspn(cell, " "));
	putchar('\n');
	if (latency.count)
		print_powers(&entry->counts);
}

static void print_json(const struct queue *queue, const struct latency_entry *entry)
{
	struct latency latency = histogram_latency(&entry->counts);
	const char *separator = "";
	char type[TYPE_SIZE];
	unsigned int i;

	putchar('{');
	json_queue(stdout, queue);
	printf(", \"request\": \"%s\", \"count\": %" PRIu64 ", \"unknown\": %" PRIu64,
	       type_name(entry->key.type, type), latency.count, (uint64_t)entry->counts.unknown);
	fputs(", \"p50_seconds\": ", stdout);
	json_number(stdout, latency.p50);
	fputs(", \"p99_seconds\": ", stdout);
	json_number(stdout, latency.p99);
	fputs(", \"buckets\": [", stdout);
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		if (!entry->counts.buckets[i])
			continue;
		printf("%s{\"from_ns\": %" PRIu64 ", \"to_ns\": %" PRIu64, separator,
		       bucket_begin(i), bucket_begin(i + 1));
		printf(", \"count\": %" PRIu64 "}", (uint64_t)entry->counts.buckets[i]);
		separator = ", ";
	}
	fputs("]}", stdout);
}

static void print_entries(const struct histograms *histograms)
{
	const struct options *options = histograms->options;
	const char *separator = "";
	struct queue queue;
	struct row row = { .queue = &queue };
	unsigned int i;

	for (i = 0; i < histograms->latencies.count; i++) {
		queue = queue_of(histograms, &histograms->latencies.entries[i].key);
		if (!order_wants(&options->order, &row))
			continue;
		fputs(separator, stdout);
		separator = options->json ? ", " : "\n";
		if (options->json)
			print_json(&queue, &histograms->latencies.entries[i]);
		else
			print_text(&queue, &histograms->latencies.entries[i]);
	}
}

static int print_interval(const struct histograms *histograms)
{
	const struct latencies *latencies = &histograms->latencies;
	double seconds = histograms->now.time - histograms->before.time;

	if (histograms->options->json) {
		putchar('{');
		json_interval(stdout, seconds, latencies);
		fputs(", \"histograms\": [", stdout);
		print_entries(histograms);
		puts("]}");
	} else {
		printf("\nin %.1f s:\n", seconds);
		latencies_losses(latencies, stdout);
		print_entries(histograms);
	}
	return fflush(stdout) ? -1 : 0;
}

static int print_next(struct histograms *histograms, struct problem *problem)
{
	if (latency_read(histograms->tracer, &histograms->latencies, problem) ||
	    sample_next(&histograms->before, &histograms->now, histograms->options->debugfs,
			problem))
		return -1;
	latency_forget(histograms->tracer, &histograms->now);
	if (print_interval(histograms))
		return problem_set(problem, VQTOP_EXIT_ERROR, "standard output: %m");
	return 0;
}

int histograms_run(const struct options *options, struct problem *problem)
{
	struct histograms histograms = { .options = options };
	enum event event = EVENT_TICK;
	struct events events;
	int ret;

	if (events_open(&events, options->interval, problem))
		return -1;
	ret = sample_take(&histograms.now, options->debugfs, problem);
	if (!ret) {
		histograms.tracer = latency_open(options, problem);
		ret = histograms.tracer ? latency_start(histograms.tracer, problem) : -1;
	}
	while (!ret && event == EVENT_TICK) {
		event = events_wait(&events, -1);
		ret = print_next(&histograms, problem);
		if (options->once)
			break;
	}
	latency_close(histograms.tracer);
	sample_free(&histograms.before);
	sample_free(&histograms.now);
	events_close(&events);
	return ret;
}
