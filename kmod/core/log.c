// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: which pages of guest memory were written, for an owner that
 * migrates its guest.
 *
 * It is a bitmap in the owner's memory, a bit for each VHOST_PAGE_SIZE bytes of
 * guest memory from guest address 0 on.  The owner takes bits away at any time
 * and copies the pages afterwards.  So a bit is set after what it tells of was
 * written, by an operation that is atomic and a full barrier: either the owner
 * finds the bit, or it took an older one away later than that, and then its copy
 * has what was written.
 *
 * What is written through descriptors is known by its address in the owner's
 * memory, however it was translated, and found from there in the memory table.
 * Of a ring's device area the owner says where the guest has it.
 *
 * Bits are set for what the memory table covers, and for nothing else: neither
 * the guest nor the log address of a ring makes us write to any other part of
 * the bitmap.
 */
/* What futex.h needs and does not include. */
#include <linux/mutex.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <asm/futex.h>

#include "../compat.h"
#include "internal.h"

/* Guest memory that a byte of the bitmap stands for. */
#define BYTE_COVERS (VHOST_PAGE_SIZE * BITS_PER_BYTE)

/* Bits set at once: a word never lies in two pages, wherever the bitmap begins. */
#define WORD_BITS 32

static struct vqhost_queue *queue_of(struct guest_memory *memory)
{
	return container_of(memory, struct vqhost_queue, memory);
}

/*
 * Set the bits of guest addresses @first to @last, which lie in a region.  Bit 0
 * of a bitmap is bit 0 of the byte at its base, which need not be aligned.
 */
static int mark(struct vqhost_queue *queue, u64 first, u64 last)
{
	u64 base = (u64)(unsigned long)queue->device->log.base * BITS_PER_BYTE;
	u64 bit = base + first / VHOST_PAGE_SIZE;
	u64 end = base + last / VHOST_PAGE_SIZE;
	u64 offset, count;
	u32 __user *word;
	int old;

	queue->logged = true;
	for (; bit <= end; bit += count) {
		offset = bit % WORD_BITS;
		count = min(end - bit + 1, WORD_BITS - offset);
		word = (u32 __user *)(unsigned long)(bit / WORD_BITS * sizeof(*word));
		/* Checks that the word lies in user space, and may sleep. */
		if (arch_futex_atomic_op_inuser(FUTEX_OP_OR, GENMASK(offset + count - 1, offset),
						&old, word))
			return virtqueue_break(&queue->ring, VIRTQUEUE_LOG);
		cond_resched();
	}
	return 0;
}

/* Documented in ../virtqueue/memory.h, as is the next one. */
int guest_memory_log(struct guest_memory *memory, u64 address, u64 length)
{
	struct vqhost_queue *queue = queue_of(memory);
	struct vhost_iotlb *map = queue->device->map;
	u64 last = address + length - 1;
	struct vhost_iotlb_map *region;
	int err = 0;

	for (region = vhost_iotlb_itree_first(map, address, last); region && !err;
	     region = vhost_iotlb_itree_next(region, address, last))
		err = mark(queue, max(address, region->start), min(last, region->last));
	return err;
}

int guest_memory_log_owner(struct guest_memory *memory, const void __user *base, u64 length)
{
	struct vqhost_queue *queue = queue_of(memory);
	u64 first = (unsigned long)base;
	u64 last = first + length - 1;
	struct vhost_iotlb_map *region;
	u64 from, to;
	int err;

	/* A table has few regions, and a log is kept for a short time. */
	list_for_each_entry(region, &queue->device->map->list, link) {
		from = max(first, region->addr);
		to = min(last, region->addr + (region->last - region->start));
		if (from > to)
			continue;
		err = mark(queue, region->start + (from - region->addr),
			   region->start + (to - region->addr));
		if (err)
			return err;
	}
	return 0;
}

/**
 * vqhost_log_vectors() - log what was written, or may have been
 * @queue: for which it was
 * @vectors: where, in addresses of the owner
 * @length: bytes from the first one's beginning on, no more than they hold
 *
 * To be called if @queue->memory.log, before the chain is pushed.
 * Context: the queue's thread, on the owner's mm, may sleep.
 * Return: 0, or -EIO if the log cannot be accessed: the ring is broken then.
 */
int vqhost_log_vectors(struct vqhost_queue *queue, const struct iovec *vectors, size_t length)
{
	size_t piece;
	int err;

	for (; length; length -= piece, vectors++) {
		piece = min_t(size_t, vectors->iov_len, length);
		err = guest_memory_log_owner(&queue->memory, vectors->iov_base, piece);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(vqhost_log_vectors);

/**
 * vqhost_log_signal() - tell the owner that pages were logged
 * @queue: for which they were
 *
 * Once for all that were since the last time.
 * Context: the queue's thread.
 */
void vqhost_log_signal(struct vqhost_queue *queue)
{
	struct eventfd_ctx *event = queue->device->log.event;

	if (likely(!queue->logged))
		return;
	queue->logged = false;
	if (event)
		compat_eventfd_signal(event);
}

/**
 * vqhost_log_attach() - have a queue keep the log as its device's state demands
 * @queue: parked
 *
 * Features, and ring addresses of a queue that runs, have been set.
 * Context: device's mutex held.
 */
void vqhost_log_attach(struct vqhost_queue *queue)
{
	struct vqhost_device *device = queue->device;

	lockdep_assert_held(&device->mutex);
	queue->memory.log = vqhost_has_feature(device, VHOST_F_LOG_ALL) ? &device->log : NULL;
	queue->ring.log = queue->address.flags & BIT(VHOST_VRING_F_LOG);
	queue->ring.log_by_owner = device->iotlb.tree;
	queue->ring.log_address = queue->address.log_guest_addr;
}

/* Could the bits of @length bytes of guest memory lie in user space? */
static bool log_access_ok(const void __user *base, u64 address, u64 length)
{
	u64 first = address / BYTE_COVERS;
	/* Memory may begin and end in the middle of what a byte stands for. */
	u64 bytes = DIV_ROUND_UP_ULL(address % BYTE_COVERS + length, BYTE_COVERS);

	/* Guest addresses are divided: the sum of both is far from wrapping around. */
	if ((unsigned long)base > TASK_SIZE_MAX)
		return false;
	return access_ok(base + first, bytes);
}

/**
 * vqhost_log_memory_ok() - may the log of all guest memory lie there?
 * @base: of the bitmap
 * @map: guest memory
 *
 * Whether there is anything shows when bits are set.
 * Context: device's mutex held.
 * Return: true if it lies in user space.
 */
bool vqhost_log_memory_ok(const void __user *base, const struct vhost_iotlb *map)
{
	const struct vhost_iotlb_map *region;

	list_for_each_entry(region, &map->list, link) {
		if (!log_access_ok(base, region->start, region->size))
			return false;
	}
	return true;
}

/**
 * vqhost_log_ring_ok() - may the log of a ring's device area lie there?
 * @queue: whose ring
 * @base: of the bitmap
 * @address: of the ring, as passed by the owner
 *
 * Context: device's mutex held.
 * Return: true if it lies in user space, or the ring is not logged.
 */
bool vqhost_log_ring_ok(const struct vqhost_queue *queue, const void __user *base,
			const struct vhost_vring_addr *address)
{
	size_t size = struct_size((struct vring_used *)NULL, ring, queue->size);

	/* An I/O virtual log address is not used. */
	if (!(address->flags & BIT(VHOST_VRING_F_LOG)) || queue->device->iotlb.tree)
		return true;
	if (vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED))
		size = sizeof(struct vring_packed_desc_event);
	else if (vqhost_has_feature(queue->device, VIRTIO_RING_F_EVENT_IDX))
		size += sizeof(__virtio16);
	return log_access_ok(base, address->log_guest_addr, size);
}
