/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vring: what the front end has said of it, and whether the kernel serves it.
 *
 * It is served while it is started (it has a kick), enabled, and there is guest memory.
 * Its eventfds are the kernel device's from the moment they arrive.
 *
 * A back end that was killed may have used what nobody told the driver of, because the
 * front end had given up its eventfd by then.  So the driver is notified once when a
 * vring starts, or has another eventfd: if in vain, that does no harm.
 */
#ifndef VQVMM_BRIDGE_VRING_H
#define VQVMM_BRIDGE_VRING_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vhost_types.h>

#include "bridge/device.h"
#include "bridge/memory.h"

/**
 * struct bridge_vring - a vring
 * @index: of the device
 * @size: descriptors, 0 until it is set
 * @base: where it goes on, see &struct virtqueue_config.base
 * @address: in addresses of the front end
 * @has_address: @address is set
 * @started: the front end wants it to be served
 * @enabled: and it may be
 * @enabled_set: the front end has said so, in whatever way
 * @running: the kernel serves it
 * @call: eventfd that notifies the driver, or -1
 */
struct bridge_vring {
	unsigned int index;
	unsigned int size;
	uint32_t base;
	struct vhost_vring_addr address;
	bool has_address;
	bool started;
	bool enabled;
	bool enabled_set;
	bool running;
	int call;
};

/* How far a vring has come, while it is not served: what the front end says. */
#define VRING_POSITION_NONE UINT64_MAX

/**
 * struct vring_state - what is kept of a packed ring, for the bridge that follows this one
 * @features: 0
 * @version: VRING_STATE_VERSION
 * @size: descriptors
 * @padding: 0
 * @position: as the kernel keeps it, see &struct vqhost_vring_position, or
 *	VRING_POSITION_NONE
 */
struct vring_state {
	uint64_t features;
	uint16_t version;
	uint16_t size;
	uint32_t padding;
	uint64_t position;
};

/* Of no other back end. */
#define VRING_STATE_VERSION 0x7671

/**
 * struct vring_context - what a vring is part of
 * @device: which the kernel serves
 * @memory: guest memory
 * @packed: format of the rings
 * @logged: there is a dirty log
 * @states: of packed rings, mapped; NULL if there are none
 * @state_count: how many
 */
struct vring_context {
	struct bridge_device *device;
	struct memory memory;
	bool packed;
	bool logged;
	struct vring_state *states;
	unsigned int state_count;
};

const char *vring_update(struct bridge_vring *vring, struct vring_context *context);
const char *vring_update_address(struct bridge_vring *vring, struct vring_context *context);
void vring_forget_position(struct bridge_vring *vring, const struct vring_context *context);
void vring_set_call(struct bridge_vring *vring, int call);
void vring_stop(struct bridge_vring *vring, struct vring_context *context);

#endif /* VQVMM_BRIDGE_VRING_H */
