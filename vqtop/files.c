// SPDX-License-Identifier: GPL-2.0
/*
 * Files of debugfs and tracefs, and why one cannot be read.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOM_AT_FIRST 16384

#define LOAD_IT "modprobe -a vqhost_net vqhost_blk"

static const struct {
	const char *name;
	long magic;
	enum vqtop_exit exit;
} systems[] = {
	[DEBUGFS] = { "debugfs", DEBUGFS_MAGIC, VQTOP_EXIT_NO_DEBUGFS },
	[TRACEFS] = { "tracefs", TRACEFS_MAGIC, VQTOP_EXIT_NO_TRACEFS },
};

/* Why there is no such file, the outermost cause first. */
static int explain_missing(enum file_system system, const char *folder, const char *path,
			   struct problem *problem)
{
	const char *name = systems[system].name;
	struct statfs mounted;

	if (access("/sys/module/vqhost", F_OK))
		return problem_set(problem, VQTOP_EXIT_NO_MODULE,
				   "the module vqhost is not loaded: " LOAD_IT);
	if (statfs(folder, &mounted) || mounted.f_type != systems[system].magic)
		return problem_set(problem, systems[system].exit,
				   "%s is not mounted on %s: mount -t %s none %s",
				   name, folder, name, folder);
	return problem_set(problem, systems[system].exit,
			   "%s on %s has no %s: the module is older, or the kernel keeps it back",
			   name, folder, path);
}

static int explain(enum file_system system, const char *folder, const char *path, int error,
		   struct problem *problem)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return problem_set(problem, VQTOP_EXIT_NO_PERMISSION,
				   "no permission to read %s on %s: it takes root%s",
				   systems[system].name, folder,
				   geteuid() ? "" : ", and a kernel that is not locked down");
	case ENOENT:
	case ENOTDIR:
		return explain_missing(system, folder, path, problem);
	default:
		errno = error;
		return problem_set(problem, VQTOP_EXIT_ERROR, "%s/%s: %m", folder, path);
	}
}

/* To its end, whatever size it claims to have.  NULL, and errno. */
static char *read_all(int fd)
{
	size_t room = ROOM_AT_FIRST, length = 0;
	char *text = NULL, *larger;
	ssize_t got;

	for (;;) {
		if (!text || length + 1 == room) {
			room *= 2;
			larger = realloc(text, room);
			if (!larger)
				break;
			text = larger;
		}
		got = read(fd, text + length, room - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (!got) {
			text[length] = '\0';
			return text;
		}
		length += (size_t)got;
	}
	free(text);
	return NULL;
}

char *file_read(enum file_system system, const char *folder, const char *path,
		struct problem *problem)
{
	char name[PATH_MAX], *text = NULL;
	int fd;

	snprintf(name, sizeof(name), "%s/%s", folder, path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		text = read_all(fd);
	if (!text)
		explain(system, folder, path, errno, problem);
	if (fd >= 0)
		close(fd);
	return text;
}
