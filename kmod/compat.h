/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows kernel versions.
 *
 * Everything else is written for the newest kernel supported; what an older
 * one lacks or spells differently is put right here.
 */
#ifndef VQHOST_COMPAT_H
#define VQHOST_COMPAT_H

#include <linux/eventfd.h>
#include <linux/version.h>

/* Until 6.8 the caller chose how much to add to the count. */
static inline void compat_eventfd_signal(struct eventfd_ctx *context)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(context);
#else
	eventfd_signal(context, 1);
#endif
}

#endif /* VQHOST_COMPAT_H */
