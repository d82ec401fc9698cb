/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters as text for Prometheus and its like.
 */
#ifndef VQTOP_OPENMETRICS_H
#define VQTOP_OPENMETRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "queues.h"

/**
 * openmetrics_write() - write all queues
 * @to: where
 * @sample: the queues
 * @classic: in Prometheus' own older text format, in which families have other names
 */
void openmetrics_write(FILE *to, const struct sample *sample, bool classic);

#endif /* VQTOP_OPENMETRICS_H */
