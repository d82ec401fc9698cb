/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows kernel versions, together with compat.c.
 *
 * Everything else is written for the newest kernel supported; what an older
 * one lacks or spells differently is put right here.
 */
#ifndef VQHOST_COMPAT_H
#define VQHOST_COMPAT_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
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

/*
 * A file system is not frozen while a file is written.  Since 6.8
 * vfs_iocb_iter_write() sees to that itself: it takes the protection of any
 * superblock, and gives it back when it returns, unless the write was queued.
 * Before, it is the caller's business, who need not for a block device.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define COMPAT_WRITE_PROTECTS 1
#else
#define COMPAT_WRITE_PROTECTS 0
#endif

/*
 * Before vfs_iocb_iter_write().  The protection may end in another context:
 * lockdep is told so.
 */
static inline void compat_write_start(struct super_block *superblock)
{
	if (COMPAT_WRITE_PROTECTS || !superblock)
		return;
	sb_start_write(superblock);
	__sb_writers_release(superblock, SB_FREEZE_WRITE);
}

/* Whoever called compat_write_start(), if the write was not queued. */
static inline void compat_write_returned(struct super_block *superblock)
{
	if (COMPAT_WRITE_PROTECTS || !superblock)
		return;
	__sb_writers_acquired(superblock, SB_FREEZE_WRITE);
	sb_end_write(superblock);
}

/* A queued write's ki_complete(). */
static inline void compat_write_completed(struct kiocb *iocb, struct super_block *superblock)
{
	if (COMPAT_WRITE_PROTECTS)
		superblock = file_inode(iocb->ki_filp)->i_sb;
	if (!superblock)
		return;
	__sb_writers_acquired(superblock, SB_FREEZE_WRITE);
	sb_end_write(superblock);
}

/*
 * Threads that belong to their owner.
 *
 * Since 6.10 they are threads of the owner's process, which die with it and
 * say so (vhost_task_create() is older, but until then such a thread outlived
 * the signal that killed its process).  Before, they are kernel threads that
 * borrow the owner's memory and are given what can be given of the rest.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <linux/sched/vhost_task.h>
#define COMPAT_THREAD_OF_OWNER 1
#else
#define COMPAT_THREAD_OF_OWNER 0
#endif

/*
 * How such a thread sleeps while it has nothing to do.  A kernel thread looks at no
 * signal, and one that waits for its driver is no load.
 */
#define COMPAT_THREAD_SLEEPS (COMPAT_THREAD_OF_OWNER ? TASK_INTERRUPTIBLE : TASK_IDLE)

struct vhost_task;

/**
 * struct compat_thread - a thread that works for a process
 * @serve: called by the thread, in COMPAT_THREAD_SLEEPS, with @data; returns true
 *	to be called again, after signals have been handled, false if it has been
 *	told to stop
 * @killed: called by the thread instead if its process was killed: the last
 *	thing it does.  Never on a kernel thread.
 * @data: for both
 * @mm: which a kernel thread uses
 * @kthread: the kernel thread
 * @vhost_task: or the thread of the owner's process
 *
 * The first three are set by the caller of compat_thread_create().
 */
struct compat_thread {
	bool (*serve)(void *data);
	void (*killed)(void *data);
	void *data;
	struct mm_struct *mm;
	union {
		struct task_struct *kthread;
		struct vhost_task *vhost_task;
	};
};

int compat_thread_create(struct compat_thread *thread, const char *type, const char *name);
void compat_thread_start(struct compat_thread *thread);
void compat_thread_stop(struct compat_thread *thread);
void compat_thread_hurry(struct compat_thread *thread);
struct mm_struct *compat_owner_mm_get(void);
void compat_owner_mm_put(struct mm_struct *mm);

/* Has serve() to return, so that a signal is handled?  For the thread itself. */
static inline bool compat_thread_interrupted(void)
{
	return COMPAT_THREAD_OF_OWNER && signal_pending(current);
}

#endif /* VQHOST_COMPAT_H */
