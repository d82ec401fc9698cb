// SPDX-License-Identifier: GPL-2.0
/*
 * What every ring format has in common: set-up, the staging of used entries,
 * and the broken state.
 */
#include "virtqueue.h"

static const char * const error_names[] = {
	[VIRTQUEUE_OK]			= "none",
	[VIRTQUEUE_RING_FAULT]		= "ring not accessible",
	[VIRTQUEUE_AVAIL_JUMP]		= "available index jumps",
	[VIRTQUEUE_HEAD_RANGE]		= "head out of range",
	[VIRTQUEUE_NEXT_RANGE]		= "next out of range",
	[VIRTQUEUE_CHAIN_LENGTH]	= "chain loops or is too long",
	[VIRTQUEUE_ZERO_LENGTH]		= "descriptor of zero length",
	[VIRTQUEUE_ADDRESS_WRAP]	= "descriptor wraps around",
	[VIRTQUEUE_DIRECTION]		= "readable after writable descriptor",
	[VIRTQUEUE_INDIRECT_OFF]	= "indirect descriptor not negotiated",
	[VIRTQUEUE_INDIRECT_NESTED]	= "indirect descriptor in indirect table",
	[VIRTQUEUE_INDIRECT_NEXT]	= "indirect descriptor with next",
	[VIRTQUEUE_INDIRECT_SIZE]	= "bad size of indirect table",
	[VIRTQUEUE_MEMORY]		= "address outside guest memory",
	[VIRTQUEUE_REQUEST]		= "malformed request",
	[VIRTQUEUE_ID_IN_USE]		= "id in use",
	[VIRTQUEUE_LOG]			= "dirty log not accessible",
};

/**
 * virtqueue_init() - set a virtqueue up, or up again
 * @vq: zeroed, or destroyed before; nothing of its former state is kept
 * @config: sizes, addresses, features
 *
 * Ring addresses must be those of the owner's address space, aligned as
 * virtio 1.2, section 2.6 demands.  A queue goes on where another device left
 * off: a split ring's used index is read from it, a packed ring's is in the base.
 *
 * Context: process context on the owner's mm, may sleep.
 * Return: 0; -EINVAL for a size that the format cannot have, or a base out of
 * range; -ENOMEM; -EFAULT if the ring cannot be read.
 */
int virtqueue_init(struct device_virtqueue *vq, const struct virtqueue_config *config)
{
	bool buffers = config->packed || config->in_order;
	u32 size = config->size;
	int err;

	if (!size || size > VIRTQUEUE_SIZE_MAX)
		return -EINVAL;

	memset(vq, 0, sizeof(*vq));
	vq->layout = config->layout;
	if (!vq->layout)
		vq->layout = config->packed ? &virtqueue_packed : &virtqueue_split;
	vq->memory = config->memory;
	vq->descriptors = config->descriptors;
	vq->driver_area = config->driver_area;
	vq->device_area = config->device_area;
	vq->size = size;
	vq->event_index = config->event_index;
	vq->indirect = config->indirect;
	vq->in_order = config->in_order;
	/* A fresh driver kicks until it is told not to. */
	vq->kicks_enabled = true;

	err = vq->layout->init(vq, config);
	if (err)
		return err;

	vq->segments = ring_alloc(size, sizeof(*vq->segments));
	vq->staged = ring_alloc(size, sizeof(*vq->staged));
	if (buffers)
		vq->buffers = ring_alloc(size, sizeof(*vq->buffers));
	if (!vq->segments || !vq->staged || (buffers && !vq->buffers)) {
		virtqueue_destroy(vq);
		return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(virtqueue_init);

/**
 * virtqueue_destroy() - free what virtqueue_init() allocated
 * @vq: set up, broken, or zeroed
 *
 * Staged entries are dropped.  Context: process context.
 */
void virtqueue_destroy(struct device_virtqueue *vq)
{
	ring_free(vq->segments);
	ring_free(vq->staged);
	ring_free(vq->buffers);
	vq->segments = NULL;
	vq->staged = NULL;
	vq->buffers = NULL;
}
EXPORT_SYMBOL_GPL(virtqueue_destroy);

/**
 * virtqueue_memory_size() - memory that virtqueue_init() allocated
 * @vq: the virtqueue
 *
 * Return: bytes, without &struct device_virtqueue itself.
 */
size_t virtqueue_memory_size(const struct device_virtqueue *vq)
{
	size_t entry = sizeof(*vq->segments) + sizeof(*vq->staged);

	if (!vq->segments)
		return 0;
	if (vq->buffers)
		entry += sizeof(*vq->buffers);
	return vq->size * entry;
}
EXPORT_SYMBOL_GPL(virtqueue_memory_size);

/**
 * virtqueue_next() - take the next available chain
 * @vq: the virtqueue
 * @chain: receives it; its segments are overwritten by the next call
 *
 * Virtio 1.2, section 2.7.5, 2.7.13, 2.8.6.  Context: owner, may sleep.
 * Return: 1 with a chain, 0 if none is available, -EIO if the virtqueue is or
 * now is broken, -EINPROGRESS if an indirect table is not mapped yet: nothing has
 * been taken.
 */
int virtqueue_next(struct device_virtqueue *vq, struct virtqueue_chain *chain)
{
	if (unlikely(vq->error))
		return -EIO;
	return vq->layout->next(vq, chain);
}
EXPORT_SYMBOL_GPL(virtqueue_next);

/**
 * virtqueue_put_back() - undo the latest takes
 * @vq: the virtqueue
 * @count: how many; none of them may have been pushed
 *
 * They can be taken again, but virtqueue_pending() and
 * virtqueue_enable_kicks() do not tell of them: who puts chains back because
 * they do not suffice waits for the driver to add more.
 *
 * Context: owner.
 */
void virtqueue_put_back(struct device_virtqueue *vq, unsigned int count)
{
	vq->layout->put_back(vq, count);
}
EXPORT_SYMBOL_GPL(virtqueue_put_back);

/**
 * virtqueue_push() - stage a used entry
 * @vq: the virtqueue
 * @id: &struct virtqueue_chain.id of the chain
 * @written: bytes written to the chain's writable buffers, from their start
 *
 * The driver sees it after virtqueue_publish(), together with all others
 * staged until then: the buffers of one received packet appear at once.  With
 * VIRTIO_F_IN_ORDER chains are pushed in the order in which they were taken.
 *
 * Context: owner.
 * Return: 0; -EIO on a broken virtqueue; -EINVAL if more chains are pushed
 * than a queue can hold or one that was not taken, a mistake of the caller.
 */
int virtqueue_push(struct device_virtqueue *vq, u16 id, u32 written)
{
	if (unlikely(vq->error))
		return -EIO;
	if (unlikely(vq->staged_count == vq->size))
		return -EINVAL;
	if (vq->buffers && unlikely(id >= vq->size || !vq->buffers[id].descriptors))
		return -EINVAL;
	vq->staged[vq->staged_count].id = id;
	vq->staged[vq->staged_count].length = written;
	vq->staged_count++;
	return 0;
}
EXPORT_SYMBOL_GPL(virtqueue_push);

/**
 * virtqueue_publish() - show the staged used entries to the driver
 * @vq: the virtqueue
 *
 * Virtio 1.2, section 2.7.8 and 2.7.10.  Context: owner, may sleep.
 * Return: 1 if the driver wants a notification, 0 if it does not or nothing
 * was staged, -EIO if the virtqueue is or now is broken.
 */
int virtqueue_publish(struct device_virtqueue *vq)
{
	int err;

	if (unlikely(vq->error))
		return -EIO;
	if (!vq->staged_count)
		return 0;
	err = vq->layout->flush(vq);
	if (unlikely(err))
		return err;
	return vq->layout->wants_call(vq);
}
EXPORT_SYMBOL_GPL(virtqueue_publish);

/**
 * virtqueue_pending() - is a chain available?
 * @vq: the virtqueue
 *
 * Cheap enough to be polled.  Context: owner.
 * Return: 1, 0, or -EIO if the virtqueue is or now is broken.
 */
int virtqueue_pending(struct device_virtqueue *vq)
{
	if (unlikely(vq->error))
		return -EIO;
	return vq->layout->pending(vq);
}
EXPORT_SYMBOL_GPL(virtqueue_pending);

/**
 * virtqueue_full() - has the driver nothing left to add chains with?
 * @vq: the virtqueue
 *
 * For statistics: as far as is known without much looking.  Of a split ring the chains
 * count that have been seen and not given back, not their descriptors.
 * Context: owner, may sleep.
 * Return: true if all the ring has is available to us or in our hands.
 */
bool virtqueue_full(const struct device_virtqueue *vq)
{
	return vq->layout->full(vq);
}
EXPORT_SYMBOL_GPL(virtqueue_full);

/**
 * virtqueue_disable_kicks() - tell the driver that kicks are not needed
 * @vq: the virtqueue
 *
 * A hint: kicks may still arrive.  Virtio 1.2, section 2.7.10.
 * Context: owner, may sleep.
 * Return: 0, or -EIO if the virtqueue is or now is broken.
 */
int virtqueue_disable_kicks(struct device_virtqueue *vq)
{
	int err;

	if (unlikely(vq->error))
		return -EIO;
	if (!vq->kicks_enabled)
		return 0;
	err = vq->layout->kicks_off(vq);
	if (!err)
		vq->kicks_enabled = false;
	return err;
}
EXPORT_SYMBOL_GPL(virtqueue_disable_kicks);

/**
 * virtqueue_enable_kicks() - ask the driver to kick, then look again
 * @vq: the virtqueue
 *
 * When it returns 0, the driver kicks for the next chain it makes available.
 * Virtio 1.2, section 2.7.10.  Context: owner, may sleep.
 * Return: 1 if a chain became available meanwhile, 0 if not, -EIO if the
 * virtqueue is or now is broken.
 */
int virtqueue_enable_kicks(struct device_virtqueue *vq)
{
	int err;

	if (unlikely(vq->error))
		return -EIO;
	err = vq->layout->kicks_on(vq);
	if (unlikely(err))
		return err;
	vq->kicks_enabled = true;
	/*
	 * The request to be kicked must be visible before the available index
	 * is read again.  Pairs with the driver's barrier between writing that
	 * index and reading whether to kick.
	 */
	smp_mb();
	return vq->layout->pending(vq);
}
EXPORT_SYMBOL_GPL(virtqueue_enable_kicks);

/**
 * virtqueue_base() - where another device would go on
 * @vq: the virtqueue, with nothing staged and all taken chains pushed
 *
 * Return: what &struct virtqueue_config.base wants.
 */
u32 virtqueue_base(const struct device_virtqueue *vq)
{
	return vq->layout->base(vq);
}
EXPORT_SYMBOL_GPL(virtqueue_base);

/**
 * virtqueue_break() - take nothing more from this virtqueue
 * @vq: the virtqueue
 * @error: why; the first cause is kept
 *
 * Context: owner.
 * Return: -EIO, for use in a return statement.
 */
int virtqueue_break(struct device_virtqueue *vq, enum virtqueue_error error)
{
	/* Statistics read it beside the owner. */
	if (!vq->error)
		WRITE_ONCE(vq->error, error);
	vq->staged_count = 0;
	return -EIO;
}
EXPORT_SYMBOL_GPL(virtqueue_break);

/**
 * virtqueue_error_name() - a few words for a message
 * @error: the cause
 *
 * Return: a static string, also for unknown values.
 */
const char *virtqueue_error_name(enum virtqueue_error error)
{
	if ((unsigned int)error >= ARRAY_SIZE(error_names))
		return "unknown";
	return error_names[error];
}
EXPORT_SYMBOL_GPL(virtqueue_error_name);
