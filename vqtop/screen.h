/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live table.
 */
#ifndef VQTOP_SCREEN_H
#define VQTOP_SCREEN_H

#include "options.h"

/**
 * screen_run() - show the table on the terminal until q is pressed or a signal ends it
 * @options: what to show
 * @problem: is filled on failure; the terminal is restored then, too
 *
 * Return: 0 or -1.
 */
int screen_run(const struct options *options, struct problem *problem);

#endif /* VQTOP_SCREEN_H */
