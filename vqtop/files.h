/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of debugfs and tracefs, and why one cannot be read.
 */
#ifndef VQTOP_FILES_H
#define VQTOP_FILES_H

#include "problem.h"

/* The file systems. */
enum file_system {
	DEBUGFS,
	TRACEFS,
};

/**
 * file_read() - read a whole file of one of them
 * @system: which
 * @folder: where it is mounted
 * @path: from there
 * @problem: is filled on failure: what is missing
 *
 * Return: the text, to be freed; NULL.
 */
char *file_read(enum file_system system, const char *folder, const char *path,
		struct problem *problem);

#endif /* VQTOP_FILES_H */
