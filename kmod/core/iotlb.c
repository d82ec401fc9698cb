// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of a device IOTLB, and the addresses that queues miss in it.
 *
 * Neither grows without limit: the tree has max_iotlb_entries, of which the oldest
 * makes room, and a queue one miss.
 */
#include <linux/moduleparam.h>
#include <linux/poll.h>

#include "internal.h"

/* Mainline's default, and what VMMs assume. */
static int max_iotlb_entries = 2048;
module_param(max_iotlb_entries, int, 0444);
MODULE_PARM_DESC(max_iotlb_entries, "Largest number of mappings in the IOTLB of a device (default: 2048)");

/**
 * vqhost_iotlb_init() - of a new device
 * @iotlb: zeroed
 *
 * Context: nobody else knows the device yet.
 */
void vqhost_iotlb_init(struct vqhost_iotlb *iotlb)
{
	spin_lock_init(&iotlb->lock);
	INIT_LIST_HEAD(&iotlb->unread);
	init_waitqueue_head(&iotlb->readers);
}

/* The lock is held, or the queue has no thread that runs. */
static void forget(struct vqhost_miss *miss)
{
	list_del_init(&miss->node);
	WRITE_ONCE(miss->state, VQHOST_MISS_NONE);
}

/**
 * vqhost_iotlb_set() - begin with an empty tree, or without one
 * @device: all its queues are parked
 * @enabled: VIRTIO_F_ACCESS_PLATFORM is negotiated
 *
 * As with mainline, each negotiation of the feature drops all mappings, and what
 * was missed is missed again.
 * Context: device's mutex held, may sleep.
 * Return: 0; -ENOMEM; -EINVAL if no entries are allowed.
 */
int vqhost_iotlb_set(struct vqhost_device *device, bool enabled)
{
	struct vqhost_iotlb *iotlb = &device->iotlb;
	struct vhost_iotlb *tree = NULL;
	unsigned int i;

	lockdep_assert_held(&device->mutex);
	if (enabled) {
		if (max_iotlb_entries <= 0)
			return -EINVAL;
		tree = vhost_iotlb_alloc(max_iotlb_entries, VHOST_IOTLB_FLAG_RETIRE);
		if (!tree)
			return -ENOMEM;
	}
	spin_lock(&iotlb->lock);
	swap(iotlb->tree, tree);
	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			forget(&device->queues[i]->miss);
	}
	spin_unlock(&iotlb->lock);

	iotlb->is_batch = false;
	iotlb->is_stale = false;
	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			vqhost_translations_drop(device->queues[i]);
	}
	vhost_iotlb_free(tree);
	/* Without a tree there is nothing to wait for. */
	wake_up_interruptible_poll(&iotlb->readers, EPOLLIN | EPOLLRDNORM);
	return 0;
}

/**
 * vqhost_iotlb_forget() - a queue waits for no address any more
 * @queue: parked, or without a thread
 *
 * Context: device's mutex held.
 */
void vqhost_iotlb_forget(struct vqhost_queue *queue)
{
	struct vqhost_iotlb *iotlb = &queue->device->iotlb;

	spin_lock(&iotlb->lock);
	forget(&queue->miss);
	spin_unlock(&iotlb->lock);
}

/*
 * Have the owner asked for an address, unless it has been.  The lock is held.
 * Returns true if there is something new to read.
 */
static bool ask(struct vqhost_queue *queue, u64 address, u32 access)
{
	struct vqhost_miss *miss = &queue->miss;

	if (miss->state != VQHOST_MISS_NONE && miss->address == address && miss->access == access)
		return false;
	miss->address = address;
	miss->access = access;
	vqhost_count(&queue->counters.misses, 1);
	if (miss->state != VQHOST_MISS_UNREAD)
		list_add_tail(&miss->node, &queue->device->iotlb.unread);
	WRITE_ONCE(miss->state, VQHOST_MISS_UNREAD);
	return true;
}

/**
 * vqhost_iotlb_lookup() - find a mapping, or have the owner asked for it
 * @queue: of a device with an IOTLB
 * @address: I/O virtual address
 * @access: VHOST_ACCESS_*, all of which it must grant
 * @to: receives the mapping
 *
 * Context: the queue's owner.
 * Return: true if there is one.  If not, the queue is woken when there is.
 */
bool vqhost_iotlb_lookup(struct vqhost_queue *queue, u64 address, u32 access,
			 struct vqhost_translation *to)
{
	struct vqhost_iotlb *iotlb = &queue->device->iotlb;
	const struct vhost_iotlb_map *map;
	bool asked = false;
	bool found;

	spin_lock(&iotlb->lock);
	map = vhost_iotlb_itree_first(iotlb->tree, address, address);
	found = map && (map->perm & access) == access;
	if (likely(found)) {
		to->start = map->start;
		to->last = map->last;
		to->address = map->addr;
		to->access = map->perm;
	} else {
		asked = ask(queue, address, access);
	}
	spin_unlock(&iotlb->lock);

	if (asked)
		wake_up_interruptible_poll(&iotlb->readers, EPOLLIN | EPOLLRDNORM);
	return found;
}

/**
 * vqhost_iotlb_waits() - is the address still missing that a queue asked for?
 * @queue: the queue
 *
 * Context: the queue's thread.
 * Return: false once it is worth trying again.
 */
bool vqhost_iotlb_waits(const struct vqhost_queue *queue)
{
	return READ_ONCE(queue->miss.state) != VQHOST_MISS_NONE;
}
