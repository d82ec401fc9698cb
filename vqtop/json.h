/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON.
 */
#ifndef VQTOP_JSON_H
#define VQTOP_JSON_H

#include "latency.h"
#include "rows.h"

/**
 * json_number() - write a number
 * @to: where
 * @number: NaN becomes null
 */
void json_number(FILE *to, double number);

/**
 * json_interval() - write when it is, and what is known of an interval, without braces
 * @to: where
 * @seconds: its length
 * @latencies: counted in it
 */
void json_interval(FILE *to, double seconds, const struct latencies *latencies);

/**
 * json_queue() - write what says which queue it is, without braces
 * @to: where
 * @queue: the queue
 */
void json_queue(FILE *to, const struct queue *queue);

/**
 * json_row() - write an object with all that is known of a queue
 * @to: where
 * @row: the queue
 */
void json_row(FILE *to, const struct row *row);

#endif /* VQTOP_JSON_H */
