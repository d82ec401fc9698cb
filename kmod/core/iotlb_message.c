// SPDX-License-Identifier: GPL-2.0
/*
 * The messages of a device IOTLB: what the owner writes to the device's file and
 * reads from it.  Same checks, same errors as mainline's vhost.
 *
 * What mainline does not have for these devices is VHOST_IOTLB_BATCH_BEGIN and
 * VHOST_IOTLB_BATCH_END: the tree changes with each message, but queues are parked,
 * and drop what they know, only once, at the end.
 */
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "internal.h"

/* Both versions are as long, and have the same in the same places. */
static_assert(sizeof(struct vhost_msg) == sizeof(struct vhost_msg_v2));
static_assert(offsetof(struct vhost_msg, iotlb) == offsetof(struct vhost_msg_v2, iotlb));

/* No queue uses a translation afterwards that it has looked up before. */
static void drop_translations(struct vqhost_device *device)
{
	unsigned int i;

	if (device->iotlb.is_batch) {
		device->iotlb.is_stale = true;
		return;
	}
	vqhost_device_park(device);
	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			vqhost_translations_drop(device->queues[i]);
	}
	device->iotlb.is_stale = false;
	vqhost_device_unpark(device);
}

/* A mapping need not lie in the owner's memory, but never in the kernel. */
static bool is_user_range(const struct vhost_iotlb_msg *message)
{
	u64 address = message->uaddr;

	if (address > ULONG_MAX || message->size > ULONG_MAX - address)
		return false;
	return !(message->perm & VHOST_ACCESS_RW) ||
	       access_ok((void __user *)(unsigned long)address, message->size);
}

/* Does the new mapping grant what this one did, with the same result? */
static bool is_kept(const struct vhost_iotlb_map *map, const struct vhost_iotlb_msg *message)
{
	return map->addr - map->start == message->uaddr - message->iova &&
	       !(map->perm & VHOST_ACCESS_RW & ~message->perm);
}

/*
 * Put a mapping in the place of all that it overlaps.  The lock is held.  Whatever
 * is lost here of another mapping, for want of memory, is missed again.
 */
static int replace(struct vhost_iotlb *tree, const struct vhost_iotlb_msg *message, bool *changed)
{
	u64 last = message->iova + message->size - 1;
	struct vhost_iotlb_map *map, old;

	if (last < message->iova)
		return -EFAULT;
	while ((map = vhost_iotlb_itree_first(tree, message->iova, last))) {
		if (!is_kept(map, message))
			*changed = true;
		old = *map;
		vhost_iotlb_map_free(tree, map);
		if (old.start < message->iova)
			vhost_iotlb_add_range(tree, old.start, message->iova - 1, old.addr,
					      old.perm);
		if (old.last > last)
			vhost_iotlb_add_range(tree, last + 1, old.last,
					      old.addr + (last + 1 - old.start), old.perm);
	}
	return vhost_iotlb_add_range(tree, message->iova, last, message->uaddr,
				     message->perm & VHOST_ACCESS_RW);
}

static bool is_within(const struct vqhost_miss *miss, u64 start, u64 last)
{
	return miss->state != VQHOST_MISS_NONE && miss->address >= start && miss->address <= last;
}

/* Queues that wait for an address of this range try again.  The lock is held. */
static void wake_queues(struct vqhost_device *device, u64 start, u64 last)
{
	struct vqhost_queue *queue;
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		queue = device->queues[i];
		if (!queue || !is_within(&queue->miss, start, last))
			continue;
		list_del_init(&queue->miss.node);
		/* Before the thread looks: vqhost_queue_wake() is a barrier. */
		WRITE_ONCE(queue->miss.state, VQHOST_MISS_NONE);
		if (queue->running)
			vqhost_queue_wake(queue);
	}
}

static int update(struct vqhost_device *device, const struct vhost_iotlb_msg *message)
{
	struct vqhost_iotlb *iotlb = &device->iotlb;
	bool changed = false;
	int err;

	if (!iotlb->tree || !is_user_range(message))
		return -EFAULT;
	spin_lock(&iotlb->lock);
	err = replace(iotlb->tree, message, &changed);
	if (!err)
		wake_queues(device, message->iova, message->iova + message->size - 1);
	spin_unlock(&iotlb->lock);
	if (changed)
		drop_translations(device);
	return err;
}

/*
 * An empty range, or one that wraps around, means everything from its start:
 * that is how VMMs say "all".  More than was asked for is never wrong, it is missed
 * again.
 */
static int invalidate(struct vqhost_device *device, const struct vhost_iotlb_msg *message)
{
	u64 last = message->iova + message->size - 1;
	struct vqhost_iotlb *iotlb = &device->iotlb;

	if (!iotlb->tree)
		return -EFAULT;
	if (last < message->iova)
		last = U64_MAX;
	spin_lock(&iotlb->lock);
	vhost_iotlb_del_range(iotlb->tree, message->iova, last);
	/* What the owner has read and not answered it may have given up: ask again. */
	wake_queues(device, message->iova, last);
	spin_unlock(&iotlb->lock);
	drop_translations(device);
	return 0;
}

static int set_batch(struct vqhost_device *device, bool is_batch)
{
	struct vqhost_iotlb *iotlb = &device->iotlb;

	if (!(iotlb->backend_features & BIT_ULL(VHOST_BACKEND_F_IOTLB_BATCH)))
		return -EINVAL;
	iotlb->is_batch = is_batch;
	if (!is_batch && iotlb->is_stale)
		drop_translations(device);
	return 0;
}

static int handle(struct vqhost_device *device, const struct vhost_iotlb_msg *message)
{
	switch (message->type) {
	case VHOST_IOTLB_UPDATE:
		return update(device, message);
	case VHOST_IOTLB_INVALIDATE:
		return invalidate(device, message);
	case VHOST_IOTLB_BATCH_BEGIN:
		return set_batch(device, true);
	case VHOST_IOTLB_BATCH_END:
		return set_batch(device, false);
	default:
		return -EINVAL;
	}
}

/**
 * vqhost_iotlb_write() - one message of the owner
 * @device: the device
 * @from: a struct vhost_msg or struct vhost_msg_v2, whichever was acknowledged
 *
 * When it returns after VHOST_IOTLB_INVALIDATE, outside a batch, or after
 * VHOST_IOTLB_BATCH_END, no queue uses a mapping any more that was taken away.
 * Context: process context, may sleep.
 * Return: the size of a message; -EINVAL for one that is too short, of an unknown
 * version, or an empty update; -EFAULT for whatever cannot be done.
 */
ssize_t vqhost_iotlb_write(struct vqhost_device *device, struct iov_iter *from)
{
	const size_t gap = offsetof(struct vhost_msg, iotlb) - sizeof(int);
	struct vhost_iotlb_msg message;
	int version, err;

	if (copy_from_iter(&version, sizeof(version), from) != sizeof(version))
		return -EINVAL;
	if (version != VHOST_IOTLB_MSG && version != VHOST_IOTLB_MSG_V2)
		return -EINVAL;
	/* Padding, or an address space: there is but one. */
	iov_iter_advance(from, gap);
	if (copy_from_iter(&message, sizeof(message), from) != sizeof(message))
		return -EINVAL;
	if (message.type == VHOST_IOTLB_UPDATE && !message.size)
		return -EINVAL;

	mutex_lock(&device->mutex);
	err = handle(device, &message);
	mutex_unlock(&device->mutex);
	return err ? -EFAULT : sizeof(struct vhost_msg);
}

/* Take the oldest miss off the list.  Returns false if there is none. */
static bool next_miss(struct vqhost_iotlb *iotlb, struct vhost_iotlb_msg *message)
{
	struct vqhost_miss *miss;

	spin_lock(&iotlb->lock);
	miss = list_first_entry_or_null(&iotlb->unread, struct vqhost_miss, node);
	if (miss) {
		list_del_init(&miss->node);
		WRITE_ONCE(miss->state, VQHOST_MISS_READ);
		message->type = VHOST_IOTLB_MISS;
		message->iova = miss->address;
		message->perm = miss->access;
	}
	spin_unlock(&iotlb->lock);
	return miss;
}

static int wait_for_miss(struct vqhost_iotlb *iotlb, struct vhost_iotlb_msg *message)
{
	DEFINE_WAIT(wait);
	int ret = 0;

	for (;;) {
		/* Before the looks that follow; pairs with the wake-up's barrier. */
		prepare_to_wait(&iotlb->readers, &wait, TASK_INTERRUPTIBLE);
		if (next_miss(iotlb, message))
			break;
		if (signal_pending(current))
			ret = -ERESTARTSYS;
		else if (!READ_ONCE(iotlb->tree))
			ret = -EBADFD;
		if (ret)
			break;
		schedule();
	}
	finish_wait(&iotlb->readers, &wait);
	return ret;
}

/**
 * vqhost_iotlb_read() - tell the owner of one miss
 * @device: the device
 * @to: receives a struct vhost_msg or struct vhost_msg_v2, whichever was acknowledged
 * @nonblocking: do not wait for one
 *
 * Context: process context, may sleep until a signal.
 * Return: the size of a message; 0 if there is no room for one; -EAGAIN;
 * -ERESTARTSYS; -EBADFD if it would wait without an IOTLB; -EFAULT: the message
 * is lost then.
 */
ssize_t vqhost_iotlb_read(struct vqhost_device *device, struct iov_iter *to, bool nonblocking)
{
	struct vqhost_iotlb *iotlb = &device->iotlb;
	struct vhost_msg message;
	int err = 0;

	if (iov_iter_count(to) < sizeof(message))
		return 0;
	/* Of what is in between nothing may come from our stack. */
	memset(&message, 0, sizeof(message));
	message.type = VHOST_IOTLB_MSG;
	if (READ_ONCE(iotlb->backend_features) & BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2))
		message.type = VHOST_IOTLB_MSG_V2;
	if (!nonblocking)
		err = wait_for_miss(iotlb, &message.iotlb);
	else if (!next_miss(iotlb, &message.iotlb))
		err = -EAGAIN;
	if (err)
		return err;

	return copy_to_iter(&message, sizeof(message), to) == sizeof(message) ?
	       sizeof(message) : -EFAULT;
}
