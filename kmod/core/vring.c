// SPDX-License-Identifier: GPL-2.0
/*
 * The VHOST_*_VRING_* ioctls, as mainline defines them: same checks in the
 * same order, same errors.
 */
#include <linux/file.h>

#include "internal.h"

static bool is_packed(const struct vqhost_queue *queue)
{
	return vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED);
}

/* A packed ring need not have a power of 2 (virtio 1.2, section 2.8.10.1). */
static long set_size(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_state state;

	if (queue->running)
		return -EBUSY;
	if (copy_from_user(&state, argument, sizeof(state)))
		return -EFAULT;
	if (!state.num || state.num > VIRTQUEUE_SIZE_MAX)
		return -EINVAL;
	if (!is_packed(queue) && (state.num & (state.num - 1)))
		return -EINVAL;
	WRITE_ONCE(queue->size, state.num);
	return 0;
}

/* Of a packed ring both positions, which are checked when it starts. */
static long set_base(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_state state;

	if (queue->running)
		return -EBUSY;
	if (copy_from_user(&state, argument, sizeof(state)))
		return -EFAULT;
	if (!is_packed(queue) && state.num > 0xffff)
		return -EINVAL;
	queue->base = state.num;
	return 0;
}

static long get_base(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_state state = { .index = queue->index, .num = vqhost_queue_base(queue) };

	if (queue->running) {
		vqhost_queue_park(queue);
		state.num = virtqueue_base(&queue->ring);
		vqhost_queue_unpark(queue);
	}
	return copy_to_user(argument, &state, sizeof(state)) ? -EFAULT : 0;
}

static long set_address(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_addr address;

	if (copy_from_user(&address, argument, sizeof(address)))
		return -EFAULT;
	if (address.flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if ((unsigned long)address.desc_user_addr != address.desc_user_addr ||
	    (unsigned long)address.avail_user_addr != address.avail_user_addr ||
	    (unsigned long)address.used_user_addr != address.used_user_addr)
		return -EFAULT;
	if (address.avail_user_addr % VRING_AVAIL_ALIGN_SIZE ||
	    address.used_user_addr % VRING_USED_ALIGN_SIZE ||
	    address.log_guest_addr % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	if (!queue->running) {
		queue->address = address;
		return 0;
	}

	if (!vqhost_ring_access_ok(queue->device, &address, queue->size) ||
	    !vqhost_log_ring_ok(queue, queue->device->log.base, &address))
		return -EINVAL;
	vqhost_queue_park(queue);
	queue->address = address;
	queue->ring.descriptors = (void __user *)(unsigned long)address.desc_user_addr;
	queue->ring.driver_area = (void __user *)(unsigned long)address.avail_user_addr;
	queue->ring.device_area = (void __user *)(unsigned long)address.used_user_addr;
	/* If these are I/O virtual addresses, the thread looks them up. */
	vqhost_translations_drop(queue);
	vqhost_log_attach(queue);
	vqhost_queue_unpark(queue);
	return 0;
}

static long set_kick(struct vqhost_queue *queue, int fd)
{
	struct file *kick = NULL;
	int err = 0;

	if (fd != VHOST_FILE_UNBIND) {
		kick = eventfd_fget(fd);
		if (IS_ERR(kick))
			return PTR_ERR(kick);
	}
	vqhost_waiter_detach(&queue->kick_waiter);
	if (queue->kick)
		fput(queue->kick);
	queue->kick = kick;
	if (kick && queue->running)
		err = vqhost_waiter_attach(&queue->kick_waiter, queue, kick, EPOLLIN);
	return err;
}

/* An eventfd that the queue's thread signals. */
static long set_signal(struct vqhost_queue *queue, struct eventfd_ctx **signal, int fd)
{
	struct eventfd_ctx *context = NULL;

	if (fd != VHOST_FILE_UNBIND) {
		context = eventfd_ctx_fdget(fd);
		if (IS_ERR(context))
			return PTR_ERR(context);
	}
	vqhost_queue_park(queue);
	swap(*signal, context);
	vqhost_queue_unpark(queue);
	if (context)
		eventfd_ctx_put(context);
	return 0;
}

static long set_file(struct vqhost_queue *queue, unsigned int cmd, void __user *argument)
{
	struct vhost_vring_file file;

	if (copy_from_user(&file, argument, sizeof(file)))
		return -EFAULT;
	switch (cmd) {
	case VHOST_SET_VRING_KICK:
		return set_kick(queue, file.fd);
	case VHOST_SET_VRING_CALL:
		return set_signal(queue, &queue->call, file.fd);
	default:
		return set_signal(queue, &queue->error, file.fd);
	}
}

static long set_poll_limit(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_state state;

	if (copy_from_user(&state, argument, sizeof(state)))
		return -EFAULT;
	vqhost_queue_park(queue);
	queue->poll.limit_ns = (u64)state.num * NSEC_PER_USEC;
	queue->poll.window_ns = min(queue->poll.window_ns, queue->poll.limit_ns);
	vqhost_queue_unpark(queue);
	return 0;
}

static long get_poll_limit(struct vqhost_queue *queue, void __user *argument)
{
	struct vhost_vring_state state = {
		.index = queue->index,
		.num = div_u64(queue->poll.limit_ns, NSEC_PER_USEC),
	};

	return copy_to_user(argument, &state, sizeof(state)) ? -EFAULT : 0;
}

static long set_position(struct vqhost_queue *queue, void __user *argument)
{
	struct vqhost_vring_position position;
	u64 __user *address;

	if (copy_from_user(&position, argument, sizeof(position)))
		return -EFAULT;
	if (position.reserved || position.address % sizeof(u64))
		return -EINVAL;
	address = (u64 __user *)(unsigned long)position.address;
	if ((unsigned long)address != position.address || !access_ok(address, sizeof(*address)))
		return -EFAULT;
	vqhost_queue_park(queue);
	queue->position = address;
	queue->positioned = !!address;
	vqhost_queue_unpark(queue);
	return 0;
}

/**
 * vqhost_vring_ioctl() - the ioctls that concern one queue
 * @device: has an owner, who calls
 * @cmd: any ioctl number
 * @argument: begins with the queue's index
 *
 * Context: device's mutex held, may sleep.
 * Return: 0; -EFAULT, -ENOBUFS for the index; -ENOIOCTLCMD for an unknown
 * @cmd; else as mainline.
 */
long vqhost_vring_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument)
{
	struct vqhost_queue *queue;
	u32 index;

	if (get_user(index, (u32 __user *)argument))
		return -EFAULT;
	queue = vqhost_queue_get(device, index);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	switch (cmd) {
	case VHOST_SET_VRING_NUM:
		return set_size(queue, argument);
	case VHOST_SET_VRING_BASE:
		return set_base(queue, argument);
	case VHOST_GET_VRING_BASE:
		return get_base(queue, argument);
	case VHOST_SET_VRING_ADDR:
		return set_address(queue, argument);
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return set_file(queue, cmd, argument);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return set_poll_limit(queue, argument);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return get_poll_limit(queue, argument);
	case VQHOST_SET_VRING_POSITION:
		return set_position(queue, argument);
	default:
		return -ENOIOCTLCMD;
	}
}
