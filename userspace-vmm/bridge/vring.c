// SPDX-License-Identifier: GPL-2.0
/*
 * Starting and stopping a vring.
 */
#include "bridge/vring.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/virtio_ring.h>
#include <linux/vqhost.h>

#include "backend/vhost_control.h"

/* Bytes of the areas of a ring, at most (virtio 1.2, section 2.7 and 2.8.10.1). */
static uint64_t descriptors_size(const struct bridge_vring *vring)
{
	return (uint64_t)vring->size * sizeof(struct vring_desc);
}

static uint64_t avail_size(const struct bridge_vring *vring, bool packed)
{
	if (packed)
		return sizeof(struct vring_packed_desc_event);
	return sizeof(struct vring_avail) + (vring->size + 1ULL) * sizeof(uint16_t);
}

static uint64_t used_size(const struct bridge_vring *vring, bool packed)
{
	if (packed)
		return sizeof(struct vring_packed_desc_event);
	return sizeof(struct vring_used) + vring->size * sizeof(struct vring_used_elem) +
	       sizeof(uint16_t);
}

/*
 * The addresses of this process.  All of each area has to be guest memory: the kernel
 * reads and writes where it is told to, and what else this process has lies there too.
 */
static const char *translate(const struct bridge_vring *vring, const struct vring_context *context,
			     struct vhost_vring_addr *address)
{
	const struct memory *memory = &context->memory;

	*address = vring->address;
	address->index = bridge_device_vring(context->device, vring->index);
	if (!context->logged)
		address->flags &= ~(1U << VHOST_VRING_F_LOG);
	address->desc_user_addr =
		(uintptr_t)memory_translate(memory, vring->address.desc_user_addr,
					    descriptors_size(vring));
	address->avail_user_addr =
		(uintptr_t)memory_translate(memory, vring->address.avail_user_addr,
					    avail_size(vring, context->packed));
	address->used_user_addr =
		(uintptr_t)memory_translate(memory, vring->address.used_user_addr,
					    used_size(vring, context->packed));
	if (!address->desc_user_addr || !address->avail_user_addr || !address->used_user_addr)
		return "the ring does not lie in guest memory";
	if (address->avail_user_addr % VRING_AVAIL_ALIGN_SIZE ||
	    address->used_user_addr % VRING_USED_ALIGN_SIZE)
		return "the ring is not aligned";
	return NULL;
}

static int set_address(const struct bridge_vring *vring, const struct vring_context *context,
		       struct vhost_vring_addr *address)
{
	return vhost_control(bridge_device_file(context->device, vring->index),
			     VHOST_SET_VRING_ADDR, address);
}

/* Where it is kept how far a packed ring has come, or NULL. */
static uint64_t *position_of(const struct bridge_vring *vring,
			     const struct vring_context *context)
{
	if (!context->packed || vring->index >= context->state_count)
		return NULL;
	return &context->states[vring->index].position;
}

/*
 * A ring goes on where the kernel has stopped, whatever the front end remembers: one
 * whose back end was killed may have looked before that, or cannot know.  When a queue
 * has stopped, in whatever way, all it had taken is done and used, so of a split ring
 * it is the used index that tells.
 */
static const char *find_base(struct bridge_vring *vring, const struct vring_context *context,
			     const struct vhost_vring_addr *address)
{
	const struct vring_used *used = (const void *)(uintptr_t)address->used_user_addr;
	const uint64_t *kept = position_of(vring, context);
	uint64_t position = VRING_POSITION_NONE;
	uint16_t index;

	if (!context->packed) {
		if (safe_read(&index, &used->idx, sizeof(index)))
			return "the ring cannot be read";
		vring->base = le16toh(index);
		return NULL;
	}
	if (kept && safe_read(&position, kept, sizeof(position)))
		return "where the ring goes on cannot be read";
	if (position == VRING_POSITION_NONE)
		return NULL;
	if (!(position & VQHOST_POSITION_KNOWN))
		return "where the ring goes on is not known";
	vring->base = (uint32_t)position;
	return NULL;
}

/*
 * Have the kernel keep how far a packed ring has come, or no longer, where the front end
 * has replaced the buffer.  0 or -errno.
 */
static int set_position(const struct bridge_vring *vring, const struct vring_context *context)
{
	struct vqhost_vring_position position = {
		.index = bridge_device_vring(context->device, vring->index),
		.address = (uintptr_t)position_of(vring, context),
	};

	if (!context->states)
		return 0;
	return vhost_control(bridge_device_file(context->device, vring->index),
			     VQHOST_SET_VRING_POSITION, &position);
}

/**
 * vring_forget_position() - the front end knows where a vring goes on
 * @vring: not served
 * @context: what it is part of
 */
void vring_forget_position(struct bridge_vring *vring, const struct vring_context *context)
{
	const uint64_t none = VRING_POSITION_NONE;
	uint64_t *kept = position_of(vring, context);

	if (kept)
		safe_write(kept, &none, sizeof(none));
}

/*
 * An eventfd that is full makes its writer wait, if its owner wants that: neither is
 * waited for, nor for one who fills it just now.
 */
static void notify_driver(const struct bridge_vring *vring)
{
	const struct itimerval soon = { .it_value.tv_usec = 10000, .it_interval.tv_usec = 10000 };
	const struct itimerval never = {};
	struct pollfd call = { .fd = vring->call, .events = POLLOUT };

	if (!vring->running || poll(&call, 1, 0) != 1 || !(call.revents & POLLOUT))
		return;
	setitimer(ITIMER_REAL, &soon, NULL);
	eventfd_write(vring->call, 1);
	setitimer(ITIMER_REAL, &never, NULL);
}

static const char *start(struct bridge_vring *vring, struct vring_context *context)
{
	int fd = bridge_device_file(context->device, vring->index);
	unsigned int number = bridge_device_vring(context->device, vring->index);
	struct vhost_vring_addr address;
	const char *problem;
	int err;

	if (!vring->size || !vring->has_address)
		return "started without a size or an address";
	problem = translate(vring, context, &address);
	if (!problem)
		problem = find_base(vring, context, &address);
	if (problem)
		return problem;
	err = vhost_set_state(fd, number, VHOST_SET_VRING_NUM, vring->size);
	if (!err)
		err = vhost_set_state(fd, number, VHOST_SET_VRING_BASE, vring->base);
	if (!err)
		err = set_address(vring, context, &address);
	if (!err)
		err = set_position(vring, context);
	if (!err)
		err = context->device->ops->set_backend(context->device, vring->index, true);
	if (err)
		return err == -EBUSY ? "another process serves it" : strerror(-err);
	vring->running = true;
	notify_driver(vring);
	return NULL;
}

/**
 * vring_set_call() - have the driver notified by another eventfd
 * @vring: served or not
 * @call: an eventfd, which belongs to the vring from now on; or -1
 */
void vring_set_call(struct bridge_vring *vring, int call)
{
	if (vring->call >= 0)
		close(vring->call);
	vring->call = call;
	notify_driver(vring);
}

/**
 * vring_stop() - have the kernel serve a vring no longer
 * @vring: served or not
 * @context: what it is part of
 *
 * What was taken is done and used first; &struct bridge_vring.base tells where to go on.
 */
void vring_stop(struct bridge_vring *vring, struct vring_context *context)
{
	uint32_t base;

	if (!vring->running)
		return;
	context->device->ops->set_backend(context->device, vring->index, false);
	if (!vhost_get_base(bridge_device_file(context->device, vring->index),
			    bridge_device_vring(context->device, vring->index), &base))
		vring->base = base;
	vring->running = false;
}

/**
 * vring_update() - start or stop a vring, as its state demands
 * @vring: the front end has said something of it, or guest memory has changed
 * @context: what it is part of
 *
 * Return: NULL, or in a few words why it cannot be served.
 */
const char *vring_update(struct bridge_vring *vring, struct vring_context *context)
{
	bool wanted = vring->started && vring->enabled && context->memory.count;

	if (wanted && !vring->running)
		return start(vring, context);
	if (!wanted)
		vring_stop(vring, context);
	return NULL;
}

/**
 * vring_update_address() - a vring's addresses, or whether it is logged, have changed
 * @vring: served or not
 * @context: what it is part of
 *
 * Return: NULL, or in a few words why it cannot be served there.
 */
const char *vring_update_address(struct bridge_vring *vring, struct vring_context *context)
{
	struct vhost_vring_addr address;
	const char *problem;
	int err;

	if (!vring->running)
		return NULL;
	problem = translate(vring, context, &address);
	if (problem)
		return problem;
	err = set_address(vring, context, &address);
	return err ? strerror(-err) : NULL;
}
