/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring and both its sides, as the benchmark drives them.
 *
 * Each engine is linked into a program of its own with bench.c.
 */
#ifndef SELFTESTS_BENCH_ENGINE_H
#define SELFTESTS_BENCH_ENGINE_H

#include <stdbool.h>

#define RING_SIZE 256

/* Descriptors of an indirect table. */
#define TABLE_ENTRIES 4

/**
 * engine_init() - an empty ring
 * @indirect: chains are indirect tables of TABLE_ENTRIES, else one descriptor each
 *
 * Return: 0, or -errno: -EOPNOTSUPP if the engine has no such chains.
 */
int engine_init(bool indirect);

/**
 * engine_add() - driver: make chains available, and decide whether to kick
 * @count: how many, at most what there is room for
 *
 * Return: how many.
 */
unsigned int engine_add(unsigned int count);

/**
 * engine_serve() - device: take chains, give them back, decide whether to call
 * @count: how many at most; what is measured
 *
 * Return: how many.
 */
unsigned int engine_serve(unsigned int count);

/**
 * engine_reap() - driver: take back all that was used
 *
 * Return: how many.
 */
unsigned int engine_reap(void);

/* The driver of the engines that serve virtio's own rings: driver.c. */
int bench_driver_init(bool packed, bool indirect, unsigned long table, void *host);
void bench_driver_areas(void **descriptors, void **available, void **used);

#endif /* SELFTESTS_BENCH_ENGINE_H */
