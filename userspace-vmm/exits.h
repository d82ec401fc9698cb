/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exit statuses in words, for help text and manual page.
 */
#ifndef VQVMM_EXITS_H
#define VQVMM_EXITS_H

#include "machine/machine.h"
#include "option_text.h"

static const struct option_exit exits[] = {
	{ MACHINE_EXIT_POWER_OFF, "the guest switched itself off" },
	{ MACHINE_EXIT_BAD_INPUT, "an option, or what it names, is no good" },
	{ MACHINE_EXIT_RESET, "the guest reset itself" },
	{ MACHINE_EXIT_PANIC, "the guest panicked, and its pvpanic driver told so" },
	{ MACHINE_EXIT_ERROR, "KVM or vqvmm failed" },
	{ MACHINE_EXIT_QUIT, "ended by Ctrl-a x or a signal" },
	{ .text = NULL }
};

#endif /* VQVMM_EXITS_H */
