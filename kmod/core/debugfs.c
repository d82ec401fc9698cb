// SPDX-License-Identifier: GPL-2.0
/*
 * All devices and queues, for root, in debugfs; docs/observing.md has the format.
 *
 * Whoever reads takes no lock of a device, whose ioctls may hang: a device is in a
 * list from its opening to its closing, and a queue is freed after a grace period.
 * What belongs to a queue's type, or is allocated when it starts, is not looked at.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "internal.h"

static DEFINE_MUTEX(devices_lock);	/* protects all that follows, and owners */
static LIST_HEAD(devices);
static u32 latest_number;

static struct dentry *folder;

/**
 * vqhost_devices_add() - list a device
 * @device: without owner and queues
 *
 * Context: process context, may sleep.
 */
void vqhost_devices_add(struct vqhost_device *device)
{
	mutex_lock(&devices_lock);
	device->number = ++latest_number;
	list_add_tail(&device->node, &devices);
	mutex_unlock(&devices_lock);
}

/**
 * vqhost_devices_remove() - a device is about to go
 * @device: its queues are gone; nobody looks at it any more when this returns
 *
 * Context: process context, may sleep.
 */
void vqhost_devices_remove(struct vqhost_device *device)
{
	mutex_lock(&devices_lock);
	list_del(&device->node);
	mutex_unlock(&devices_lock);
}

/**
 * vqhost_devices_set_owner() - note who owns a device
 * @device: the device
 * @owner: current, or NULL if nobody does
 *
 * Context: device's mutex held, may sleep.
 */
void vqhost_devices_set_owner(struct vqhost_device *device, struct task_struct *owner)
{
	lockdep_assert_held(&device->mutex);
	mutex_lock(&devices_lock);
	device->owner_pid = owner ? task_tgid_nr(owner) : 0;
	memset(device->owner_name, 0, sizeof(device->owner_name));
	if (owner)
		get_task_comm(device->owner_name, owner->group_leader);
	mutex_unlock(&devices_lock);
}

/* Under rcu_read_lock(). */
static const struct vqhost_queue *queue_of(const struct vqhost_device *device, unsigned int index)
{
	/* Pairs with vqhost_queue_get(), by dependency. */
	return READ_ONCE(device->queues[index]);
}

static void show_device(struct seq_file *file, const struct vqhost_device *device)
{
	seq_printf(file, "%u %s %d ", device->number, device->type->name, device->owner_pid);
	if (device->owner_name[0])
		seq_escape(file, device->owner_name, " \t\n\\");
	else
		seq_putc(file, '-');
}

static void show_breaks(struct seq_file *file, const struct vqhost_vring_stats *stats)
{
	char separator = ' ';
	unsigned int i;

	for (i = 0; i < VQHOST_BREAKS; i++) {
		if (!stats->breaks[i])
			continue;
		seq_printf(file, "%c%u:%llu", separator, i, stats->breaks[i]);
		separator = ',';
	}
	seq_puts(file, separator == ' ' ? " -\n" : "\n");
}

/* Each column that is a field: so the header cannot differ from what follows it. */
#define FIELD(field) { " " #field, offsetof(struct vqhost_vring_stats, field) }
static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	FIELD(chains), FIELD(requests), FIELD(bytes), FIELD(kicks), FIELD(calls),
	FIELD(calls_suppressed), FIELD(batches), FIELD(polls_found), FIELD(polls_dry),
	FIELD(sleeps), FIELD(ring_empty), FIELD(ring_full), FIELD(backend_waits), FIELD(misses),
	FIELD(errors), FIELD(errors_malformed), FIELD(errors_unsupported), FIELD(errors_backend),
	FIELD(errors_memory), FIELD(in_flight), FIELD(busy_ns), FIELD(wait_ns),
};

static void show_queue(struct seq_file *file, const struct vqhost_queue *queue)
{
	struct vqhost_vring_stats stats = {};
	const char *state = "stopped";
	unsigned int i;

	vqhost_queue_stats(queue, &stats);
	if (stats.running)
		state = stats.error ? "broken" : "running";
	seq_printf(file, " %u %s %u %d %u", queue->index, state, READ_ONCE(queue->size),
		   READ_ONCE(queue->thread_pid), stats.error);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		seq_printf(file, " %llu", *(const u64 *)((const u8 *)&stats + fields[i].offset));
	show_breaks(file, &stats);
}

static int show_queues_of(struct seq_file *file, const struct vqhost_device *device)
{
	const struct vqhost_queue *queue;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < device->type->queues_max; i++) {
		queue = queue_of(device, i);
		if (!queue)
			continue;
		show_device(file, device);
		show_queue(file, queue);
	}
	rcu_read_unlock();
	return 0;
}

static int queues_show(struct seq_file *file, void *position)
{
	unsigned int i;

	if (position != &devices)
		return show_queues_of(file, list_entry(position, struct vqhost_device, node));
	seq_puts(file, "device type owner_pid owner_name queue state size thread_pid error");
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		seq_puts(file, fields[i].name);
	seq_puts(file, " breaks\n");
	return 0;
}

static int devices_show(struct seq_file *file, void *position)
{
	const struct vqhost_device *device = list_entry(position, struct vqhost_device, node);
	unsigned int queues = 0, running = 0, i;
	const struct vqhost_queue *queue;

	if (position == &devices) {
		seq_puts(file, "device type owner_pid owner_name features queues running\n");
		return 0;
	}
	rcu_read_lock();
	for (i = 0; i < device->type->queues_max; i++) {
		queue = queue_of(device, i);
		queues += !!queue;
		running += queue && READ_ONCE(queue->running);
	}
	rcu_read_unlock();
	show_device(file, device);
	seq_printf(file, " %#llx %u %u\n", READ_ONCE(device->features), queues, running);
	return 0;
}

static void *devices_start(struct seq_file *file, loff_t *position)
{
	mutex_lock(&devices_lock);
	return seq_list_start_head(&devices, *position);
}

static void *devices_next(struct seq_file *file, void *at, loff_t *position)
{
	return seq_list_next(at, &devices, position);
}

static void devices_stop(struct seq_file *file, void *at)
{
	mutex_unlock(&devices_lock);
}

static const struct seq_operations devices_sops = {
	.start	= devices_start,
	.next	= devices_next,
	.stop	= devices_stop,
	.show	= devices_show,
};
DEFINE_SEQ_ATTRIBUTE(devices);

static const struct seq_operations queues_sops = {
	.start	= devices_start,
	.next	= devices_next,
	.stop	= devices_stop,
	.show	= queues_show,
};
DEFINE_SEQ_ATTRIBUTE(queues);

/* Without debugfs there is nothing to see; everything else works. */
static int __init debugfs_init(void)
{
	folder = debugfs_create_dir("vqhost", NULL);
	debugfs_create_file("devices", 0400, folder, NULL, &devices_fops);
	debugfs_create_file("queues", 0400, folder, NULL, &queues_fops);
	return 0;
}
module_init(debugfs_init);

static void __exit debugfs_exit(void)
{
	debugfs_remove(folder);
}
module_exit(debugfs_exit);
