/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is shown of each queue: rates, which come of two samples, and latencies.
 */
#ifndef VQTOP_ROWS_H
#define VQTOP_ROWS_H

#include <stdbool.h>
#include <stdio.h>

#include "queues.h"

/**
 * struct rates - what a queue has done between two samples
 * @requests: per second
 * @bytes: per second
 * @errors: per second
 * @batch: chains for each publication
 * @polls: share of polls that found work
 * @calls_avoided: share of publications without a call
 * @chains_per_kick: chains for each kick
 * @busy: share of the time in which the queue ran
 *
 * Whatever is not known, because there was nothing to divide by, is NaN.
 */
struct rates {
	double requests;
	double bytes;
	double errors;
	double batch;
	double polls;
	double calls_avoided;
	double chains_per_kick;
	double busy;
};

/**
 * struct latency - how long the queue's requests took in that time
 * @p50: seconds; NaN if there were none
 * @p99: seconds; NaN if there were none
 * @count: requests that were measured
 */
struct latency {
	double p50;
	double p99;
	uint64_t count;
};

/**
 * struct row - a queue that is shown
 * @queue: as it is now
 * @rates: since the sample before
 * @latency: since the sample before
 */
struct row {
	const struct queue *queue;
	struct rates rates;
	struct latency latency;
};

/**
 * rates_between() - compare two samples of a queue
 * @before: the earlier one; NULL if there is none
 * @now: the later one
 * @seconds: between them
 *
 * Return: the rates.
 */
struct rates rates_between(const struct queue *before, const struct queue *now, double seconds);

/* How a column's value is written. */
enum column_format {
	FORMAT_TEXT,
	FORMAT_ID,		/* a whole number */
	FORMAT_PID,		/* the same; 0 is nobody's */
	FORMAT_RATE,		/* 12.3k */
	FORMAT_RATIO,		/* 12.3 */
	FORMAT_SHARE,		/* 0.123 is 12.3 */
	FORMAT_SECONDS,		/* 12.3m */
};

/**
 * struct column - a column of the table
 * @name: for --sort
 * @heading: on the screen
 * @key: in JSON; NULL if the column is not among the rates there
 * @width: on the screen; 0 - the rest is for text, to the left
 * @format: how its value is written
 * @offset: of the value: of text and ids in struct queue, of other numbers in struct row
 * @help: what it is, in words
 */
struct column {
	const char *name;
	const char *heading;
	const char *key;
	unsigned int width;
	enum column_format format;
	size_t offset;
	const char *help;
};

#define TABLE_COLUMNS 16
extern const struct column columns[TABLE_COLUMNS];

/**
 * column_find() - look a column up
 * @name: for --sort
 *
 * Return: the column; NULL.
 */
const struct column *column_find(const char *name);

/**
 * column_number() - a value that is no text
 * @column: the column
 * @row: the row
 *
 * Return: the value; NaN if it is not known.
 */
double column_number(const struct column *column, const struct row *row);

/**
 * write_scaled() - write a number with up to three digits: 999, 12.3k, 4.5us
 * @value: at least 0
 * @name: of its unit, or ""
 * @text: receives it
 * @size: of that
 */
void write_scaled(double value, const char *name, char *text, size_t size);

/* Room for what column_write() writes. */
#define CELL_SIZE 80

/**
 * column_write() - write a value as on the screen, at its place and width
 * @column: the column
 * @row: the row
 * @cell: receives it, printable ASCII
 *
 * Return: @cell.
 */
const char *column_write(const struct column *column, const struct row *row, char cell[CELL_SIZE]);

/**
 * column_write_heading() - write a heading in the same way
 * @column: the column
 * @cell: receives it
 *
 * Return: @cell.
 */
const char *column_write_heading(const struct column *column, char cell[CELL_SIZE]);

/**
 * struct order - which rows are shown, and how they are sorted
 * @column: by which they are sorted: numbers descending, texts and ids ascending
 * @reverse: the other way around
 * @pid: only queues of this owner; -1 for all
 * @queue: only queues with this index; -1 for all
 * @text: only rows that have this in PID, name or type; "" for all
 */
struct order {
	const struct column *column;
	bool reverse;
	long pid;
	long queue;
	char text[64];
};

/**
 * order_wants() - is a row shown?
 * @order: what is wanted
 * @row: the row
 *
 * Return: whether it is.
 */
bool order_wants(const struct order *order, const struct row *row);

/**
 * order_rows() - drop the rows that are not wanted, and sort the others
 * @order: what is wanted
 * @rows: the rows
 * @count: how many
 *
 * Return: how many are left.
 */
unsigned int order_rows(const struct order *order, struct row *rows, unsigned int count);

#endif /* VQTOP_ROWS_H */
