// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks by their names.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tasks.h"

static bool is_named(const char *folder, const char *task, const char *beginning)
{
	char path[300], name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/comm", folder, task);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return !strncmp(name, beginning, strlen(beginning));
}

/**
 * tasks_named() - how many tasks have a name
 * @folder: /proc for processes and kernel threads, /proc/PID/task for threads of one
 * @beginning: of the name; all of it if it ends with a newline
 * @found: receives the id of one of them, if there is any; may be NULL
 *
 * Return: their number.
 */
unsigned int tasks_named(const char *folder, const char *beginning, pid_t *found)
{
	DIR *tasks = opendir(folder);
	struct dirent *task;
	unsigned int count = 0;

	while (tasks && (task = readdir(tasks))) {
		if (!isdigit(task->d_name[0]) || !is_named(folder, task->d_name, beginning))
			continue;
		count++;
		if (found)
			*found = atoi(task->d_name);
	}
	if (tasks)
		closedir(tasks);
	return count;
}

/*
 * Threads of a device's queues: those of the process itself from Linux 6.10 on, before
 * that the kernel's, in its name.  @ending is that of their names, as of tasks_named().
 */
static unsigned int find_serving(pid_t owner, const char *type, const char *ending, pid_t *found)
{
	char folder[64], name[64];
	unsigned int count;

	snprintf(folder, sizeof(folder), "/proc/%d/task", owner);
	snprintf(name, sizeof(name), "%s/%s", type, ending);
	count = tasks_named(folder, name, found);
	snprintf(name, sizeof(name), "%s-%d/%s", type, owner, ending);
	return count + tasks_named("/proc", name, found);
}

/**
 * tasks_serving() - how many threads serve the queues of a process
 * @owner: the process
 * @type: of the device, "vqhost-net" or "vqhost-blk"
 *
 * Return: their number.
 */
unsigned int tasks_serving(pid_t owner, const char *type)
{
	return find_serving(owner, type, "", NULL);
}

/**
 * task_serving() - the thread that serves a queue of a process
 * @owner: the process
 * @type: of the device, "vqhost-net" or "vqhost-blk"
 * @queue: its index, which the thread was made for
 *
 * Return: its id, or -ESRCH.
 */
pid_t task_serving(pid_t owner, const char *type, unsigned int queue)
{
	pid_t found = -ESRCH;
	char ending[16];

	snprintf(ending, sizeof(ending), "%u\n", queue);
	find_serving(owner, type, ending, &found);
	return found;
}
