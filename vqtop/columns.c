// SPDX-License-Identifier: GPL-2.0
/*
 * The columns of the table: what is in them, how it is written and sorted.
 */
#include "rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE(field) offsetof(struct queue, field)
#define ROW(field) offsetof(struct row, field)

const struct column columns[TABLE_COLUMNS] = {
	{ "device", "DEV", NULL, 4, FORMAT_ID, QUEUE(device), "number of the device" },
	{ "type", "TYPE", NULL, 10, FORMAT_TEXT, QUEUE(type), "its type" },
	{ "pid", "PID", NULL, 7, FORMAT_PID, QUEUE(owner_pid), "process that owns it" },
	{ "name", "NAME", NULL, 15, FORMAT_TEXT, QUEUE(owner_name), "name of that process" },
	{ "queue", "Q", NULL, 3, FORMAT_ID, QUEUE(stats.index), "index of the queue" },
	{ "state", "STATE", NULL, 7, FORMAT_TEXT, QUEUE(state), "stopped, running or broken" },
	{ "requests", "REQ/S", "requests_per_second", 6, FORMAT_RATE, ROW(rates.requests),
	  "requests or packets in a second" },
	{ "bytes", "B/S", "bytes_per_second", 6, FORMAT_RATE, ROW(rates.bytes),
	  "payload bytes in a second" },
	{ "batch", "BATCH", "chains_per_batch", 6, FORMAT_RATIO, ROW(rates.batch),
	  "chains published at once, mean" },
	{ "kicks", "CH/KICK", "chains_per_kick", 7, FORMAT_RATE, ROW(rates.chains_per_kick),
	  "chains for each kick of the driver: the others\nwere exits avoided" },
	{ "calls", "NOCALL%", "calls_avoided_share", 7, FORMAT_SHARE, ROW(rates.calls_avoided),
	  "publications without a call: interrupts avoided" },
	{ "polls", "POLL%", "polls_found_share", 6, FORMAT_SHARE, ROW(rates.polls),
	  "polls that found work" },
	{ "busy", "BUSY%", "busy_share", 6, FORMAT_SHARE, ROW(rates.busy),
	  "time in which the queue was served or polled" },
	{ "p50", "P50", "latency_p50_seconds", 6, FORMAT_SECONDS, ROW(latency.p50),
	  "half of the requests took no longer, seconds" },
	{ "p99", "P99", "latency_p99_seconds", 6, FORMAT_SECONDS, ROW(latency.p99),
	  "99% of the requests took no longer, seconds" },
	{ "errors", "ERR/S", "errors_per_second", 6, FORMAT_RATE, ROW(rates.errors),
	  "failed requests or dropped packets in a second" },
};

static bool is_id(const struct column *column)
{
	return column->format == FORMAT_ID || column->format == FORMAT_PID;
}

static const char *text_of(const struct column *column, const struct row *row)
{
	const char *text = (const char *)row->queue + column->offset;

	return *text ? text : "-";
}

double column_number(const struct column *column, const struct row *row)
{
	const void *field;

	if (is_id(column)) {
		field = (const char *)row->queue + column->offset;
		return *(const uint32_t *)field;
	}
	field = (const char *)row + column->offset;
	return *(const double *)field;
}

const struct column *column_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < TABLE_COLUMNS; i++)
		if (!strcmp(columns[i].name, name))
			return &columns[i];
	return NULL;
}

void write_scaled(double value, const char *name, char *text, size_t size)
{
	static const char units[] = "num\0kMGTPE";
	const char *unit = units + 3;

	while (value >= 999.95 && unit[1]) {
		value /= 1000;
		unit++;
	}
	while (value > 0 && value < 0.9995 && unit > units) {
		value *= 1000;
		unit--;
	}
	snprintf(text, size, "%.*f%.1s%s", value && value < 99.95 ? 1 : 0, value, unit, name);
}

static void write_number(const struct column *column, double value, char *text, size_t size)
{
	if (isnan(value) || (column->format == FORMAT_PID && !value))
		snprintf(text, size, "-");
	else if (is_id(column))
		snprintf(text, size, "%.0f", value);
	else if (column->format == FORMAT_SHARE)
		snprintf(text, size, "%.1f", 100 * value);
	else if (column->format == FORMAT_RATIO || (column->format == FORMAT_RATE && value < 1))
		snprintf(text, size, "%.1f", value);
	else
		write_scaled(value, column->format == FORMAT_SECONDS ? "s" : "", text, size);
}

const char *column_write(const struct column *column, const struct row *row, char cell[CELL_SIZE])
{
	char text[CELL_SIZE], *at;

	if (column->format == FORMAT_TEXT) {
		snprintf(text, sizeof(text), "%s", text_of(column, row));
		/* Names are anybody's: nothing that a terminal would obey. */
		for (at = text; *at; at++)
			if (*at < ' ' || *at > '~')
				*at = '?';
		snprintf(cell, CELL_SIZE, "%-*.*s", (int)column->width, (int)column->width, text);
	} else {
		write_number(column, column_number(column, row), text, sizeof(text));
		snprintf(cell, CELL_SIZE, "%*s", (int)column->width, text);
	}
	return cell;
}

const char *column_write_heading(const struct column *column, char cell[CELL_SIZE])
{
	int width = (int)column->width;

	snprintf(cell, CELL_SIZE, "%*s", column->format == FORMAT_TEXT ? -width : width,
		 column->heading);
	return cell;
}

/* Below 0 if the left one comes first. */
static double compare_values(const struct column *column, const struct row *left,
			     const struct row *right)
{
	double a, b;

	if (column->format == FORMAT_TEXT)
		return strcmp(text_of(column, left), text_of(column, right));
	a = column_number(column, left);
	b = column_number(column, right);
	/* What is not known comes last. */
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return is_id(column) ? a - b : b - a;
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct row *left = a, *right = b;
	const struct order *order = data;
	double difference = compare_values(order->column, left, right);

	if (order->reverse)
		difference = -difference;
	if (!difference)
		difference = (double)(left->queue - right->queue);
	return (difference > 0) - (difference < 0);
}

bool order_wants(const struct order *order, const struct row *row)
{
	char pid[16];

	if (order->pid >= 0 && row->queue->owner_pid != order->pid)
		return false;
	if (order->queue >= 0 && row->queue->stats.index != order->queue)
		return false;
	snprintf(pid, sizeof(pid), "%u", row->queue->owner_pid);
	return strstr(pid, order->text) || strstr(row->queue->owner_name, order->text) ||
	       strstr(row->queue->type, order->text);
}

unsigned int order_rows(const struct order *order, struct row *rows, unsigned int count)
{
	unsigned int i, left = 0;

	for (i = 0; i < count; i++)
		if (order_wants(order, &rows[i]))
			rows[left++] = rows[i];
	if (left)
		qsort_r(rows, left, sizeof(*rows), compare_rows, (void *)order);
	return left;
}
