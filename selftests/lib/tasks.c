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

/**
 * tasks_serving() - how many threads serve the queues of a process
 * @owner: the process
 * @type: of the device, "vqhost-net" or "vqhost-blk"
 *
 * They are its own from Linux 6.10 on, before that the kernel's in its name.
 * Return: their number.
 */
unsigned int tasks_serving(pid_t owner, const char *type)
{
	char folder[64], name[64];
	unsigned int count;

	snprintf(folder, sizeof(folder), "/proc/%d/task", owner);
	snprintf(name, sizeof(name), "%s/", type);
	count = tasks_named(folder, name, NULL);
	snprintf(name, sizeof(name), "%s-%d/", type, owner);
	return count + tasks_named("/proc", name, NULL);
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
	char folder[64], name[64];
	pid_t found = -ESRCH;

	snprintf(folder, sizeof(folder), "/proc/%d/task", owner);
	snprintf(name, sizeof(name), "%s/%u\n", type, queue);
	if (tasks_named(folder, name, &found))
		return found;
	snprintf(name, sizeof(name), "%s-%d/%u\n", type, owner, queue);
	tasks_named("/proc", name, &found);
	return found;
}
