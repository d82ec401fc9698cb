/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "vqtop serve": counters over HTTP.
 */
#ifndef VQTOP_SERVE_H
#define VQTOP_SERVE_H

#include "options.h"

/**
 * serve_run() - answer requests until a signal ends it
 * @options: where to listen
 * @problem: is filled on failure
 *
 * Return: 0 or -1.
 */
int serve_run(const struct options *options, struct problem *problem);

#endif /* VQTOP_SERVE_H */
