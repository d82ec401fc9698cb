// SPDX-License-Identifier: GPL-2.0
/*
 * Watching what is said, and what is left open.
 */
#include "watch.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/**
 * watch_begin() - watch from now on
 * @watch: is filled
 */
void watch_begin(struct watch *watch)
{
	watch->standard_error = dup(STDERR_FILENO);
	watch->said = memfd_create("said", MFD_CLOEXEC);
	dup2(watch->said, STDERR_FILENO);
	watch->open_before = open_files();
}

/**
 * watch_lines() - how much has been said
 * @watch: begun
 *
 * Return: lines.
 */
unsigned int watch_lines(const struct watch *watch)
{
	unsigned int lines = 0;
	off_t at;
	char byte;

	for (at = 0; pread(watch->said, &byte, 1, at) == 1; at++)
		lines += byte == '\n';
	return lines;
}

/* Is there nothing, or its last line whole? */
static bool is_whole(const struct watch *watch)
{
	off_t end = lseek(watch->said, 0, SEEK_END);
	char last = '\n';

	return !end || (pread(watch->said, &last, 1, end - 1) == 1 && last == '\n');
}

/**
 * watch_end() - watch no longer
 * @watch: begun
 * @lines: that should have been said
 *
 * Return: true if that many were, each with its end, and nothing is open that was not.
 */
bool watch_end(struct watch *watch, unsigned int lines)
{
	unsigned int said = watch_lines(watch);
	bool whole = is_whole(watch);
	bool closed = open_files() == watch->open_before;
	char text[512];
	ssize_t length;

	dup2(watch->standard_error, STDERR_FILENO);
	close(watch->standard_error);
	if (said != lines) {
		length = pread(watch->said, text, sizeof(text), 0);
		fprintf(stderr, "%u lines, not %u: %.*s", said, lines, (int)length, text);
	}
	close(watch->said);
	return closed && whole && said == lines;
}
