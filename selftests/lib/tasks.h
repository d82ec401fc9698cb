/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks by their names.
 */
#ifndef SELFTESTS_LIB_TASKS_H
#define SELFTESTS_LIB_TASKS_H

#include <sys/types.h>

unsigned int tasks_named(const char *folder, const char *beginning, pid_t *found);
unsigned int tasks_serving(pid_t owner, const char *type);
pid_t task_serving(pid_t owner, const char *type, unsigned int queue);

#endif /* SELFTESTS_LIB_TASKS_H */
