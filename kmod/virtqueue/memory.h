/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory, as the virtqueue and the request parsers see it.
 *
 * A guest address means nothing here: the home that compiles these sources
 * defines struct guest_memory and the three functions below.  The kernel's
 * are in kmod/core/memory.c (vhost_iotlb over the owner's address space),
 * the VMM's in userspace-vmm/machine/memory.c.  Only the kernel keeps a log of
 * what was written; whoever writes to a guest in userspace sees it himself.
 */
#ifndef VQHOST_VIRTQUEUE_MEMORY_H
#define VQHOST_VIRTQUEUE_MEMORY_H

#include "platform.h"

struct guest_memory;

/**
 * guest_memory_translate() - guest range to addresses of the owner
 * @memory: the map
 * @address: guest address of the first byte
 * @length: bytes, may be 0
 * @write: the device is going to write there
 * @vectors: receives the pieces in order; in the kernel the bases are __user
 * @count: room in @vectors
 *
 * A guest range may cross regions that are not adjacent for the owner.
 * Context: the owner of the queue, process context, may not sleep on its own.
 * Return: number of vectors filled; -EFAULT if any byte lies outside the map
 * or in a region that denies the access; -ENOBUFS if @count does not suffice;
 * -EINPROGRESS if a byte is not mapped yet: see virtqueue_memory_error().
 */
int guest_memory_translate(struct guest_memory *memory, u64 address, u64 length,
			   bool write, struct iovec *vectors, unsigned int count);

/**
 * guest_memory_read() - copy out of guest memory
 * @memory: the map
 * @to: destination
 * @address: guest address of the first byte
 * @length: bytes
 *
 * Each byte is read once.
 * Context: the owner of the queue, on the owner's mm, may sleep.
 * Return: 0, -EFAULT or -EINPROGRESS (nothing may be concluded from @to).
 */
int guest_memory_read(struct guest_memory *memory, void *to, u64 address, u64 length);

/**
 * guest_memory_write() - copy into guest memory
 * @memory: the map
 * @address: guest address of the first byte
 * @from: source
 * @length: bytes
 *
 * What was written is logged, if anything is.
 * Context: the owner of the queue, on the owner's mm, may sleep.
 * Return: 0, -EFAULT or -EINPROGRESS (part may have been written); -EIO if it
 * cannot be logged: the virtqueue is broken then.
 */
int guest_memory_write(struct guest_memory *memory, u64 address, const void *from, u64 length);

#ifdef __KERNEL__

/**
 * guest_memory_log() - log what was written, by its guest address
 * @memory: the map
 * @address: guest address of the first byte
 * @length: bytes, not 0
 *
 * What lies outside guest memory is nothing that could be logged.
 * Context: the owner of the queue, on the owner's mm, may sleep.
 * Return: 0, or -EIO if the log cannot be accessed: the virtqueue is broken then.
 */
int guest_memory_log(struct guest_memory *memory, u64 address, u64 length);

/**
 * guest_memory_log_owner() - log what was written, by its owner's address
 * @memory: the map
 * @base: where it was written
 * @length: bytes, not 0
 *
 * Logged wherever the guest sees it, be it in several places or nowhere.
 * Context: the owner of the queue, on the owner's mm, may sleep.
 * Return: 0, or -EIO if the log cannot be accessed: the virtqueue is broken then.
 */
int guest_memory_log_owner(struct guest_memory *memory, const void __user *base, u64 length);

#else

static inline int guest_memory_log(struct guest_memory *memory, u64 address, u64 length)
{
	(void)memory, (void)address, (void)length;
	return 0;
}

static inline int guest_memory_log_owner(struct guest_memory *memory, const void *base, u64 length)
{
	(void)memory, (void)base, (void)length;
	return 0;
}

#endif /* __KERNEL__ */

#endif /* VQHOST_VIRTQUEUE_MEMORY_H */
