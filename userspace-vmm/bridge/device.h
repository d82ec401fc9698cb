/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that the bridge offers: what is behind it, and the files of the kernel
 * device that serve its vrings.  All files are opened once, at start; what a front end
 * sets up in them is undone when its connection ends.
 */
#ifndef VQVMM_BRIDGE_DEVICE_H
#define VQVMM_BRIDGE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/store.h"
#include "backend/tap.h"
#include "bridge/options.h"
#include "vhost_user/message.h"

struct bridge_device;

/*
 * Features of the ring that can be offered.  Of the reset of one queue front ends tell a
 * back end nothing that it could go by.
 */
#define BRIDGE_FEATURES ((BACKEND_RING_FEATURES & ~VIRTIO_FEATURE(VIRTIO_F_RING_RESET)) | \
			 VIRTIO_FEATURE(VHOST_F_LOG_ALL))

/**
 * struct bridge_device_ops - what a type of devices does
 * @prepare: a front end has come, the files have an owner; optional.  0 or -errno
 * @set_features: the driver has chosen; optional.  0 or -errno
 * @set_backend: begin to serve a vring, or stop; 0; -EBUSY if another process serves
 *	what is behind it; another -errno
 * @enabled: these vrings are in use, from the first; optional
 * @reset: nobody uses the device any longer; optional
 * @close: close what is behind it
 */
struct bridge_device_ops {
	int (*prepare)(struct bridge_device *device);
	int (*set_features)(struct bridge_device *device, uint64_t features);
	int (*set_backend)(struct bridge_device *device, unsigned int vring, bool on);
	void (*enabled)(struct bridge_device *device, unsigned int vrings);
	void (*reset)(struct bridge_device *device);
	void (*close)(struct bridge_device *device);
};

/**
 * struct bridge_device - a device
 * @ops: of its type
 * @features: that can be offered to a driver
 * @kernel_features: those of them that the kernel device is told
 * @vrings: how many
 * @config: configuration space, little-endian, with zeroes behind
 * @files: of the kernel device
 * @file_count: how many
 * @vrings_per_file: vrings of each
 * @running: vrings of a disk that are served
 * @store: what is behind a disk
 * @tap: what is behind a network interface
 */
struct bridge_device {
	const struct bridge_device_ops *ops;
	uint64_t features;
	uint64_t kernel_features;
	unsigned int vrings;
	uint8_t config[VHOST_USER_CONFIG_SIZE];
	int *files;
	unsigned int file_count;
	unsigned int vrings_per_file;
	unsigned int running;
	union {
		struct store store;
		struct tap tap;
	};
};

int bridge_device_open(struct bridge_device *device, const struct device_options *options);
void bridge_device_close(struct bridge_device *device);

int bridge_device_open_files(struct bridge_device *device, const char *path,
			     unsigned int files, unsigned int vrings);
int bridge_device_control(const struct bridge_device *device, unsigned long request,
			  void *argument);
int bridge_device_file(const struct bridge_device *device, unsigned int vring);
unsigned int bridge_device_vring(const struct bridge_device *device, unsigned int vring);

int bridge_blk_open(struct bridge_device *device, const struct device_options *options);
int bridge_net_open(struct bridge_device *device, const struct device_options *options);

#endif /* VQVMM_BRIDGE_DEVICE_H */
