/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Logging of what the device writes to a ring (VHOST_VRING_F_LOG), for an owner
 * that migrates its guest.  Always after the write, see kmod/core/log.c.
 */
#ifndef VQHOST_VIRTQUEUE_LOG_H
#define VQHOST_VIRTQUEUE_LOG_H

#include "virtqueue.h"

/**
 * log_device_area() - a part of the device area was written
 * @vq: the virtqueue
 * @written: where, in the owner's address space
 * @length: bytes, not 0
 *
 * Context: owner, may sleep.
 * Return: 0, or -EIO: the virtqueue is broken now.
 */
static inline int log_device_area(struct device_virtqueue *vq, const void __user *written,
				  size_t length)
{
	u64 offset;

	if (likely(!vq->log))
		return 0;
	if (vq->log_by_owner)
		return guest_memory_log_owner(vq->memory, written, length);
	offset = (const char __user *)written - (const char __user *)vq->device_area;
	return guest_memory_log(vq->memory, vq->log_address + offset, length);
}

/**
 * log_descriptors() - descriptors of a packed ring were written
 * @vq: the virtqueue
 * @written: where, in the owner's address space
 * @length: bytes, not 0
 *
 * The owner names the guest address of the device area alone.  To be called if
 * @vq->log.
 * Context: owner, may sleep.
 * Return: 0, or -EIO: the virtqueue is broken now.
 */
static inline int log_descriptors(struct device_virtqueue *vq, const void __user *written,
				  size_t length)
{
	return guest_memory_log_owner(vq->memory, written, length);
}

#endif /* VQHOST_VIRTQUEUE_LOG_H */
