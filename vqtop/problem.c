// SPDX-License-Identifier: GPL-2.0
/*
 * What went wrong: one line, and the exit status.
 */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

const char *const exit_texts[VQTOP_EXITS] = {
	[VQTOP_EXIT_GOOD]		= "done, or ended by q or a signal",
	[VQTOP_EXIT_ERROR]		= "anything else failed",
	[VQTOP_EXIT_USAGE]		= "an option is no good, or there is no terminal",
	[VQTOP_EXIT_NO_MODULE]		= "the module vqhost is not loaded",
	[VQTOP_EXIT_NO_DEBUGFS]		= "debugfs is not mounted, or has nothing of vqhost",
	[VQTOP_EXIT_NO_PERMISSION]	= "not permitted",
	[VQTOP_EXIT_NO_TRACEFS]		= "tracefs is not mounted, or has nothing of vqhost",
	[VQTOP_EXIT_NO_BPF]		= "the kernel does not take the BPF program",
};

int problem_set(struct problem *problem, enum vqtop_exit exit, const char *format, ...)
{
	va_list arguments;

	problem->exit = exit;
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
	return -1;
}

int problem_report(const struct problem *problem)
{
	fprintf(stderr, "vqtop: %s\n", problem->text);
	return problem->exit;
}
