// SPDX-License-Identifier: GPL-2.0
/*
 * What differs between kernel versions and is too long for compat.h: threads.
 */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#include "compat.h"

#if COMPAT_THREAD_OF_OWNER

/**
 * compat_thread_create() - make a thread for the calling process
 * @thread: its serve(), killed() and data are set
 * @type: of the device, for the thread's name
 * @name: what it serves, for the thread's name
 *
 * The thread has the caller's CPU affinity, nice value and cgroups.  It is not
 * running yet: compat_thread_start().
 * Context: the process on whose memory the thread is to work, may sleep.
 * Return: 0 or -errno.
 */
int compat_thread_create(struct compat_thread *thread, const char *type, const char *name)
{
	char comm[TASK_COMM_LEN];

	/* A thread of a process: which process it belongs to need not be said. */
	snprintf(comm, sizeof(comm), "%s/%s", type, name);
	thread->vhost_task = vhost_task_create(thread->serve, thread->killed, thread->data, comm);
	/* NULL until 6.13. */
	if (!thread->vhost_task)
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(thread->vhost_task);
}

/**
 * compat_thread_start() - let a thread run
 * @thread: just created
 *
 * Context: process context.
 */
void compat_thread_start(struct compat_thread *thread)
{
	vhost_task_start(thread->vhost_task);
}

/**
 * compat_thread_stop() - end a thread and wait for it
 * @thread: started; its serve() has been told to return false
 *
 * Context: process context, may sleep.
 */
void compat_thread_stop(struct compat_thread *thread)
{
	vhost_task_stop(thread->vhost_task);
}

/**
 * compat_thread_hurry() - have a thread wait for nobody who may never come
 * @thread: started; the process on whose memory it works is ending
 *
 * Memory can be such that its process has to fill it in (userfaultfd).  A fatal
 * signal ends all such waits: the access fails.  Threads of the process have got
 * one already.
 * Context: process context.
 */
void compat_thread_hurry(struct compat_thread *thread)
{
}

/**
 * compat_owner_mm_get() - remember the caller's address space
 *
 * Threads of the process keep its memory for as long as they live.  To do so
 * beyond would make a circle: memory may hold a file, an io_uring for
 * instance, which holds the device.
 * Context: process context.
 * Return: the address space, or NULL if it has none.
 */
struct mm_struct *compat_owner_mm_get(void)
{
	if (current->mm)
		mmgrab(current->mm);
	return current->mm;
}

/**
 * compat_owner_mm_put() - forget an address space
 * @mm: from compat_owner_mm_get()
 *
 * Context: process context, may sleep.
 */
void compat_owner_mm_put(struct mm_struct *mm)
{
	mmdrop(mm);
}

#else

static int kthread_function(void *data)
{
	struct compat_thread *thread = data;
	struct mem_cgroup *memcg;

	/* Sent by compat_thread_hurry() alone; it does not end the thread. */
	allow_kernel_signal(SIGKILL);
	kthread_use_mm(thread->mm);
	/* Nothing that a kernel thread allocates is charged to anyone otherwise. */
	memcg = get_mem_cgroup_from_mm(thread->mm);
	set_active_memcg(memcg);
	do
		set_current_state(COMPAT_THREAD_SLEEPS);
	while (thread->serve(thread->data));
	set_active_memcg(NULL);
	mem_cgroup_put(memcg);
	kthread_unuse_mm(thread->mm);

	for (;;) {
		set_current_state(COMPAT_THREAD_SLEEPS);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* See above. */
int compat_thread_create(struct compat_thread *thread, const char *type, const char *name)
{
	struct task_struct *task;
	int err;

	thread->mm = current->mm;
	task = kthread_create(kthread_function, thread, "%s-%d/%s", type, task_tgid_nr(current),
			      name);
	if (IS_ERR(task))
		return PTR_ERR(task);
	/* Version 1 hierarchies: no function takes a task into one of version 2. */
	err = cgroup_attach_task_all(current, task);
	if (err) {
		kthread_stop(task);
		return err;
	}
	set_user_nice(task, task_nice(current));
	/* Fails only if CPUs went offline: then any CPU is right. */
	set_cpus_allowed_ptr(task, current->cpus_ptr);
	thread->kthread = task;
	return 0;
}

void compat_thread_start(struct compat_thread *thread)
{
	wake_up_process(thread->kthread);
}

void compat_thread_stop(struct compat_thread *thread)
{
	kthread_stop(thread->kthread);
}

void compat_thread_hurry(struct compat_thread *thread)
{
	send_sig(SIGKILL, thread->kthread, 1);
}

/* The threads do not keep it, and must not see it torn down. */
struct mm_struct *compat_owner_mm_get(void)
{
	return get_task_mm(current);
}

void compat_owner_mm_put(struct mm_struct *mm)
{
	mmput(mm);
}

#endif
