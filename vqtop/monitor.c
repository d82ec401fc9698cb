// SPDX-License-Identifier: GPL-2.0
/*
 * All queues as time goes on.
 */
#include "monitor.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "../userspace-vmm/text.h"
#include "histogram.h"
#include "json.h"

/*
 * Measuring costs about a thousand instructions for each request.  If there are more in a
 * second, in all queues together, than latency_rate, as many are measured on average: for a
 * while now and then, which has to be longer than most requests take.
 */
#define MEASURED_NS 100000000

/* How long the first two samples are apart, to see how much there is to be measured. */
#define GLANCE_NS 20000000

static void pause_ns(long ns)
{
	struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
}

static double requests_per_second(const struct monitor *monitor)
{
	double seconds = monitor->now.time - monitor->before.time, sum = 0;
	const struct queue *before, *now;
	unsigned int i;

	for (i = 0; i < monitor->now.count; i++) {
		now = &monitor->now.queues[i];
		before = sample_find(&monitor->before, now->device, now->stats.index);
		sum += (double)(now->stats.requests - (before ? before->stats.requests : 0));
	}
	return seconds > 0 ? sum / seconds : 0;
}

/* Take note of the latencies that were measured until now; go on measuring if it pays. */
static int measure(struct monitor *monitor, struct problem *problem)
{
	double allowed = (double)monitor->options->latency_rate;
	double rate = requests_per_second(monitor);
	double needed = rate * MEASURED_NS / 1e9;

	if (!monitor->part && latency_read(monitor->tracer, &monitor->latencies, problem))
		return -1;
	monitor->part = rate > allowed;
	if (!monitor->part)
		return latency_start(monitor->tracer, problem);
	latency_stop(monitor->tracer);
	monitor->credit += allowed * (monitor->now.time - monitor->before.time);
	if (monitor->credit < needed)
		return 0;
	monitor->credit = 0;
	if (latency_start(monitor->tracer, problem))
		return -1;
	pause_ns(MEASURED_NS);
	latency_stop(monitor->tracer);
	return latency_read(monitor->tracer, &monitor->latencies, problem);
}

static int next_sample(struct monitor *monitor, struct problem *problem)
{
	return sample_next(&monitor->before, &monitor->now, monitor->options->debugfs, problem);
}

int monitor_open(struct monitor *monitor, const struct options *options, struct problem *problem)
{
	*monitor = (struct monitor){ .options = options, .credit = INFINITY };
	if (sample_take(&monitor->now, options->debugfs, problem))
		return -1;
	if (options->no_latency)
		return 0;
	monitor->tracer = latency_open(options, &monitor->untraced);
	if (!monitor->tracer)
		return 0;
	pause_ns(GLANCE_NS);
	if (next_sample(monitor, problem))
		return -1;
	monitor->part = requests_per_second(monitor) > (double)options->latency_rate;
	if (!monitor->part && latency_start(monitor->tracer, &monitor->untraced)) {
		latency_close(monitor->tracer);
		monitor->tracer = NULL;
	}
	return 0;
}

static struct latency latency_of(const struct latencies *latencies, const struct queue *queue)
{
	struct latency_counts sum = { .unknown = 0 };
	const struct latency_entry *entry;
	unsigned int i;

	for (i = 0; i < latencies->count; i++) {
		entry = &latencies->entries[i];
		if (entry->key.device == queue->device && entry->key.queue == queue->stats.index)
			histogram_add(&sum, &entry->counts);
	}
	return histogram_latency(&sum);
}

void monitor_order(struct monitor *monitor, const struct order *order)
{
	const struct sample *now = &monitor->now, *before = &monitor->before;
	const struct queue *queue;
	unsigned int i;

	for (i = 0; i < now->count; i++) {
		queue = &now->queues[i];
		monitor->rows[i] = (struct row){
			.queue = queue,
			.rates = rates_between(sample_find(before, queue->device,
							   queue->stats.index),
					       queue, now->time - before->time),
			.latency = latency_of(&monitor->latencies, queue),
		};
	}
	monitor->shown = order_rows(order, monitor->rows, now->count);
}

int monitor_update(struct monitor *monitor, const struct order *order, struct problem *problem)
{
	struct row *rows;

	monitor->shown = 0;
	if (next_sample(monitor, problem))
		return -1;
	if (monitor->tracer) {
		/* What was read before the sample and is not in it is gone. */
		latency_forget(monitor->tracer, &monitor->now);
		if (measure(monitor, problem)) {
			sample_free(&monitor->now);
			return -1;
		}
	}
	rows = reallocarray(monitor->rows, monitor->now.count + 1, sizeof(*rows));
	if (!rows) {
		sample_free(&monitor->now);
		return problem_set(problem, VQTOP_EXIT_ERROR, "no memory");
	}
	monitor->rows = rows;
	monitor_order(monitor, order);
	return 0;
}

void monitor_close(struct monitor *monitor)
{
	sample_free(&monitor->before);
	sample_free(&monitor->now);
	latency_close(monitor->tracer);
	free(monitor->rows);
}

void monitor_notes(const struct monitor *monitor, FILE *to)
{
	if (monitor->untraced.exit)
		fprintf(to, "no latencies: %s\n", monitor->untraced.text);
	else if (!latencies_losses(&monitor->latencies, to) && monitor->part)
		fputs("many requests: their latencies are measured now and then only\n", to);
}

/* Null if latencies are measured, or were not asked for. */
static void print_json_untraced(const struct problem *untraced)
{
	fputs(", \"no_latency\": ", stdout);
	if (untraced->exit)
		text_put_json(stdout, untraced->text);
	else
		fputs("null", stdout);
}

static void print_json(const struct monitor *monitor)
{
	unsigned int i;

	putchar('{');
	json_interval(stdout, monitor->now.time - monitor->before.time, &monitor->latencies);
	printf(", \"measured_in_part\": %s", monitor->part ? "true" : "false");
	print_json_untraced(&monitor->untraced);
	fputs(", \"queues\": [", stdout);
	for (i = 0; i < monitor->shown; i++) {
		fputs(i ? ", " : "", stdout);
		json_row(stdout, &monitor->rows[i]);
	}
	puts("]}");
}

static void print_table(const struct monitor *monitor)
{
	char cell[CELL_SIZE];
	unsigned int i, n;

	for (n = 0; n < TABLE_COLUMNS; n++)
		printf("%s%s", n ? " " : "", column_write_heading(&columns[n], cell));
	putchar('\n');
	for (i = 0; i < monitor->shown; i++) {
		for (n = 0; n < TABLE_COLUMNS; n++)
			printf("%s%s", n ? " " : "",
			       column_write(&columns[n], &monitor->rows[i], cell));
		putchar('\n');
	}
	monitor_notes(monitor, stdout);
}

int monitor_print(const struct monitor *monitor)
{
	if (monitor->options->json)
		print_json(monitor);
	else
		print_table(monitor);
	return fflush(stdout) ? -1 : 0;
}
