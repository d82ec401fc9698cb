// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks by their names.
 */
#include <ctype.h>
#include <dirent.h>
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
