/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver of the engines that serve virtio's own rings.
 */
#ifndef SELFTESTS_BENCH_DRIVER_H
#define SELFTESTS_BENCH_DRIVER_H

#include "../lib/driver_ring.h"
#include "engine.h"

extern struct driver_ring bench_driver;

#endif /* SELFTESTS_BENCH_DRIVER_H */
