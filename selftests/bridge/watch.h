/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is said on standard error, and what is open, since it began.
 */
#ifndef SELFTESTS_BRIDGE_WATCH_H
#define SELFTESTS_BRIDGE_WATCH_H

#include <stdbool.h>

/**
 * struct watch - a watch
 * @standard_error: as it was before
 * @said: what takes its place
 * @open_before: files that were open
 */
struct watch {
	int standard_error;
	int said;
	unsigned int open_before;
};

void watch_begin(struct watch *watch);
unsigned int watch_lines(const struct watch *watch);
bool watch_end(struct watch *watch, unsigned int lines);

#endif /* SELFTESTS_BRIDGE_WATCH_H */
