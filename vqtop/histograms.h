/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "vqtop latency": histograms by queue and type of request.
 */
#ifndef VQTOP_HISTOGRAMS_H
#define VQTOP_HISTOGRAMS_H

#include "options.h"

/**
 * histograms_run() - print histograms of each interval until a signal ends it
 * @options: which, and how
 * @problem: is filled on failure
 *
 * A signal ends the interval, which is printed.
 *
 * Return: 0 or -1.
 */
int histograms_run(const struct options *options, struct problem *problem);

#endif /* VQTOP_HISTOGRAMS_H */
