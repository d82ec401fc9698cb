/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The signals that end a process, as a file to be watched.
 */
#ifndef VQVMM_MACHINE_SIGNALS_H
#define VQVMM_MACHINE_SIGNALS_H

/**
 * signals_create() - have SIGHUP, SIGINT and SIGTERM end nothing by themselves
 *
 * To be called before there are threads, so that none of them gets these signals.
 * SIGPIPE is ignored from now on.
 *
 * Return: a file descriptor that is readable once one of them has come; -errno.
 */
int signals_create(void);

#endif /* VQVMM_MACHINE_SIGNALS_H */
