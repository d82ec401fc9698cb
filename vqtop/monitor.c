// SPDX-License-Identifier: GPL-2.0
/*
 * All queues as time goes on.
 */
#include "monitor.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "json.h"

int monitor_open(struct monitor *monitor, const struct options *options, struct problem *problem)
{
	*monitor = (struct monitor){ .options = options };
	return sample_take(&monitor->now, options->debugfs, problem);
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
			.latency = { NAN, NAN, 0 },
		};
	}
	monitor->shown = order_rows(order, monitor->rows, now->count);
}

int monitor_update(struct monitor *monitor, const struct order *order, struct problem *problem)
{
	struct row *rows;

	sample_free(&monitor->before);
	monitor->before = monitor->now;
	monitor->shown = 0;
	if (sample_take(&monitor->now, monitor->options->debugfs, problem)) {
		sample_free(&monitor->now);
		return -1;
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
	free(monitor->rows);
}

static void print_json(const struct monitor *monitor)
{
	unsigned int i;

	printf("{\"time\": %.3f, \"interval_seconds\": ", (double)time(NULL));
	json_number(stdout, monitor->now.time - monitor->before.time);
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
}

int monitor_print(const struct monitor *monitor)
{
	if (monitor->options->json)
		print_json(monitor);
	else
		print_table(monitor);
	return fflush(stdout) ? -1 : 0;
}
