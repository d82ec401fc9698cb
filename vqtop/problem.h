/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What went wrong: one line, and the status with which the process is to end.
 */
#ifndef VQTOP_PROBLEM_H
#define VQTOP_PROBLEM_H

/* Exit statuses; in words in problem.c, from where help and manual page have them. */
enum vqtop_exit {
	VQTOP_EXIT_GOOD,
	VQTOP_EXIT_ERROR,
	VQTOP_EXIT_USAGE,
	VQTOP_EXIT_NO_MODULE,
	VQTOP_EXIT_NO_DEBUGFS,
	VQTOP_EXIT_NO_PERMISSION,
	VQTOP_EXIT_NO_TRACEFS,
	VQTOP_EXIT_NO_BPF,
	VQTOP_EXITS
};

extern const char *const exit_texts[VQTOP_EXITS];

/**
 * struct problem - what went wrong
 * @exit: VQTOP_EXIT_GOOD if nothing did
 * @text: a line without its end
 */
struct problem {
	enum vqtop_exit exit;
	char text[256];
};

/**
 * problem_set() - note what went wrong
 * @problem: is filled
 * @exit: the status
 * @format: of the line; strerror(errno) by "%m" is often a good end
 *
 * Return: -1, for the caller to return.
 */
int problem_set(struct problem *problem, enum vqtop_exit exit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * problem_report() - print the line to standard error
 * @problem: what went wrong
 *
 * Return: the exit status.
 */
int problem_report(const struct problem *problem);

#endif /* VQTOP_PROBLEM_H */
