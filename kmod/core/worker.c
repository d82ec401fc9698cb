// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: which thread serves which queue.
 *
 * By default each queue has a worker of its own, made when the queue is started
 * first.  The owner may make others, as with mainline's vhost, and attach several
 * queues to one.
 */
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "internal.h"

/**
 * vqhost_worker_attention() - have a worker look at what is wanted of it
 * @worker: the worker
 *
 * Context: any that may take spinlocks.
 */
void vqhost_worker_attention(struct vqhost_worker *worker)
{
	/* After what is wanted; pairs with xchg() in attend() in thread.c. */
	smp_store_release(&worker->attention, 1);
	wake_up_process(worker->task);
}

static int make_thread(struct vqhost_worker *worker, const char *type, const char *name)
{
	int err;

	worker->thread.serve = vqhost_thread_serve;
	worker->thread.killed = vqhost_thread_killed;
	worker->thread.data = worker;
	err = compat_thread_create(&worker->thread, type, name);
	if (err)
		return err;
	compat_thread_start(&worker->thread);
	wait_for_completion(&worker->started);
	return 0;
}

/* With a queue: its own.  Returns the worker or ERR_PTR. */
static struct vqhost_worker *create(struct vqhost_device *device, const struct vqhost_queue *queue)
{
	struct vqhost_worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	char name[16];
	int err;

	if (!worker)
		return ERR_PTR(-ENOMEM);
	init_completion(&worker->started);
	spin_lock_init(&worker->lock);
	INIT_LIST_HEAD(&worker->inbox);
	INIT_LIST_HEAD(&worker->queues);
	worker->for_queue = queue;
	err = xa_alloc(&device->workers, &worker->id, worker, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	if (queue)
		snprintf(name, sizeof(name), "%u", queue->index);
	else
		snprintf(name, sizeof(name), "w%u", worker->id);
	err = make_thread(worker, device->type->name, name);
	if (err)
		goto err_id;
	return worker;

err_id:
	xa_erase(&device->workers, worker->id);
err_free:
	kfree(worker);
	return ERR_PTR(err);
}

/*
 * No queue is attached, so none is in its lists.  Whoever is about to wake the
 * task does so under rcu_read_lock(), and a task is freed after a grace period.
 */
static void destroy(struct vqhost_device *device, struct vqhost_worker *worker)
{
	WRITE_ONCE(worker->stop, true);
	vqhost_worker_attention(worker);
	compat_thread_stop(&worker->thread);
	put_task_struct(worker->task);
	xa_erase(&device->workers, worker->id);
	kfree(worker);
}

static void attach(struct vqhost_queue *queue, struct vqhost_worker *worker)
{
	if (queue->worker)
		queue->worker->attached--;
	worker->attached++;
	queue->worker = worker;
	WRITE_ONCE(queue->thread, worker->task);
	WRITE_ONCE(queue->thread_pid, task_pid_nr(worker->task));
}

/**
 * vqhost_worker_for_queue() - see that a queue has a worker
 * @queue: not running
 *
 * Context: the owner, device's mutex held, may sleep.
 * Return: 0; -ESRCH if its worker's thread was killed; -errno if there was none
 * and none could be made.
 */
int vqhost_worker_for_queue(struct vqhost_queue *queue)
{
	struct vqhost_worker *worker;

	lockdep_assert_held(&queue->device->mutex);
	if (queue->worker)
		return READ_ONCE(queue->worker->dead) ? -ESRCH : 0;
	worker = create(queue->device, queue);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	attach(queue, worker);
	return 0;
}

/**
 * vqhost_worker_free_all() - end all threads of a device
 * @device: all its queues have been freed
 *
 * Context: device's mutex held, may sleep.
 */
void vqhost_worker_free_all(struct vqhost_device *device)
{
	struct vqhost_worker *worker;
	unsigned long id;

	lockdep_assert_held(&device->mutex);
	xa_for_each(&device->workers, id, worker)
		destroy(device, worker);
}

static long new_worker(struct vqhost_device *device, void __user *argument)
{
	struct vhost_worker_state state;
	struct vqhost_worker *worker;
	unsigned int count = 0;
	unsigned long id;

	/*
	 * More workers than queues serve nobody.  Those made for a queue, of
	 * which there are no more than queues either, are not counted: a queue
	 * can always be started.
	 */
	xa_for_each(&device->workers, id, worker)
		count += !worker->for_queue;
	if (count >= device->type->queues_max)
		return -ENOMEM;
	worker = create(device, NULL);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	state.worker_id = worker->id;
	/* The worker stays, as with mainline: it ends with the device. */
	return copy_to_user(argument, &state, sizeof(state)) ? -EFAULT : 0;
}

static long free_worker(struct vqhost_device *device, void __user *argument)
{
	struct vhost_worker_state state;
	struct vqhost_worker *worker;

	if (copy_from_user(&state, argument, sizeof(state)))
		return -EFAULT;
	worker = xa_load(&device->workers, state.worker_id);
	if (!worker)
		return -ENODEV;
	if (worker->attached)
		return -EBUSY;
	destroy(device, worker);
	return 0;
}

static long attach_worker(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_worker wanted;
	struct vqhost_worker *worker;

	if (copy_from_user(&wanted, argument, sizeof(wanted)))
		return -EFAULT;
	worker = xa_load(&queue->device->workers, wanted.worker_id);
	if (!worker)
		return -ENODEV;
	vqhost_queue_park(queue);
	attach(queue, worker);
	vqhost_queue_unpark(queue);
	return 0;
}

static long get_worker(const struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_worker answer = { .index = queue->index };

	if (!queue->worker)
		return -EINVAL;
	answer.worker_id = queue->worker->id;
	return copy_to_user(argument, &answer, sizeof(answer)) ? -EFAULT : 0;
}

/**
 * vqhost_worker_ioctl() - the ioctls that concern workers
 * @device: the device
 * @cmd: VHOST_*_WORKER
 * @argument: as the ioctl defines it
 *
 * Context: device's mutex held, may sleep.
 * Return: 0 or -errno as documented in docs/uapi.md.
 */
long vqhost_worker_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument)
{
	struct vqhost_queue *queue;
	u32 index;
	int err;

	if (!device->mm)
		return -EINVAL;
	err = vqhost_check_owner(device);
	if (err)
		return err;
	if (cmd == VHOST_NEW_WORKER)
		return new_worker(device, argument);
	if (cmd == VHOST_FREE_WORKER)
		return free_worker(device, argument);

	if (get_user(index, (u32 __user *)argument))
		return -EFAULT;
	queue = vqhost_queue_get(device, index);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	if (cmd == VHOST_ATTACH_VRING_WORKER)
		return attach_worker(queue, argument);
	return get_worker(queue, argument);
}
