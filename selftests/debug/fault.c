// SPDX-License-Identifier: GPL-2.0
/*
 * Failures to order.
 *
 * /proc/PID/fail-nth makes the nth of the operations fail that can fail in this
 * task: an allocation of a slab object or of pages, a copy from or to userspace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#define DEBUGFS "/sys/kernel/debug/"

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int err;

	if (fd < 0)
		return -errno;
	written = write(fd, value, strlen(value));
	err = written < 0 ? -errno : 0;
	close(fd);
	return err;
}

/**
 * fault_prepare() - let also those allocations fail that may wait for memory
 *
 * The kernel writes nothing about failures that were ordered.
 * Return: 0, or -errno: this kernel has no fault injection.
 */
int fault_prepare(void)
{
	static const struct {
		const char *path;
		const char *value;
	} settings[] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_usercopy/verbose", "0" },
		{}
	};
	unsigned int i;
	int err = 0;

	for (i = 0; !err && settings[i].path; i++)
		err = write_file(settings[i].path, settings[i].value);
	return err;
}

/**
 * fault_open() - the switch of a task
 * @task: the caller, or a kernel thread
 *
 * Return: file descriptor, or -errno.
 */
int fault_open(pid_t task)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", task);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/**
 * fault_arm() - have an operation fail
 * @fd: from fault_open(), disarmed
 * @nth: which one from now on
 *
 * Return: 0 or -errno.
 */
int fault_arm(int fd, unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

/**
 * fault_disarm() - no failure any more
 * @fd: from fault_open()
 *
 * Return: 0 if the failure has happened; otherwise a positive number: there were
 * not as many operations.
 */
int fault_disarm(int fd)
{
	char text[16] = "";
	int left;

	/* If this is the caller's own, copying the answer is one of them. */
	left = pread(fd, text, sizeof(text) - 1, 0) < 0 ? 1 : atoi(text);
	while (pwrite(fd, "0", 1, 0) < 0 && errno == EFAULT)
		;
	return left;
}

/**
 * fault_is_clean() - may a call say that, to which something was refused?
 * @err: what it returned
 *
 * Return: true if it is 0 or a good reason.
 */
bool fault_is_clean(int err)
{
	return !err || err == -ENOMEM || err == -EFAULT || err == -EAGAIN || err == -ENFILE ||
	       err == -EMFILE;
}
