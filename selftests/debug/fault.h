/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failures to order: the kernel's fault injection, for one task and one failure.
 */
#ifndef SELFTESTS_DEBUG_FAULT_H
#define SELFTESTS_DEBUG_FAULT_H

#include <stdbool.h>
#include <sys/types.h>

/* The task that makes kernel threads. */
#define FAULT_KERNEL_THREAD_MAKER 2

int fault_prepare(void);
int fault_open(pid_t task);
int fault_arm(int fd, unsigned int nth);
int fault_disarm(int fd);
bool fault_is_clean(int err);

#endif /* SELFTESTS_DEBUG_FAULT_H */
