/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device, whatever its type and transport (virtio 1.2, section 2).
 *
 *	transport (pci.c, common.c)	registers, notifications
 *	device (device.c)		features, status, life of the queues
 *	type (net.c, blk.c)		configuration, which backend serves a queue
 *
 * Everything here is protected by the machine lock.
 */
#ifndef VQVMM_VIRTIO_DEVICE_H
#define VQVMM_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <linux/virtio_config.h>

#include "backend/backend.h"

/* Vectors of readv() and writev(), which a chain must fit into. */
#define VIRTIO_QUEUE_SIZE_MAX 1024

/* No MSI-X vector (section 4.1.5.1.2). */
#define VIRTIO_NO_VECTOR 0xffff

struct machine;
struct virtio_device;

/**
 * struct virtio_queue - one queue, as the driver has set it up
 * @device: its device
 * @index: number of the queue
 * @size_max: what the device offers
 * @size: what the driver has chosen
 * @vector: MSI-X vector, or VIRTIO_NO_VECTOR
 * @enabled: the driver has enabled it
 * @broken: it failed; left alone until it or the device is reset
 * @complained: when a message about that was last printed, in seconds; 0: never
 * @descriptors: guest address of the descriptor area
 * @driver_area: guest address of the driver area
 * @device_area: guest address of the device area
 * @kick: eventfd, written when the driver notifies the device
 * @call: eventfd of the vector, or -1; belongs to the transport
 * @base: where a backend goes on, see &struct virtqueue_config.base
 * @backend: who serves it now, or NULL
 */
struct virtio_queue {
	struct virtio_device *device;
	unsigned int index;
	uint16_t size_max;
	uint16_t size;
	uint16_t vector;
	bool enabled;
	bool broken;
	time_t complained;
	uint64_t descriptors;
	uint64_t driver_area;
	uint64_t device_area;
	int kick;
	int call;
	uint32_t base;
	struct backend *backend;
};

/**
 * struct virtio_rings - a queue's rings in this process
 * @descriptors: descriptor area
 * @driver_area: driver area
 * @device_area: device area
 */
struct virtio_rings {
	void *descriptors;
	void *driver_area;
	void *device_area;
};

/**
 * struct virtio_device_ops - what a device type does
 * @config_written: the driver writes to the device configuration, within its
 *	length; optional
 * @features_chosen: the driver has chosen features; -errno refuses them; optional
 * @queue_backend: who serves that queue at present; NULL if nobody does
 * @reset: back to the state before any driver; queues are stopped; optional
 */
struct virtio_device_ops {
	void (*config_written)(struct virtio_device *device, size_t offset, const void *data,
			       size_t length);
	int (*features_chosen)(struct virtio_device *device);
	struct backend *(*queue_backend)(struct virtio_device *device, unsigned int index);
	void (*reset)(struct virtio_device *device);
};

/**
 * struct virtio_device - one device
 * @machine: it belongs to
 * @ops: of its type
 * @name: for messages, as the user named it: "--disk path=/dev/ram0"
 * @id: device type (section 5)
 * @config: device configuration space, little-endian
 * @config_length: bytes of it
 * @offered: feature bits
 * @features: as chosen by the driver
 * @status: device status (section 2.1)
 * @generation: raised when @config changes by itself
 * @next: of the same machine
 * @queues: all of them
 * @queue_count: how many
 * @interrupt_config: tells the driver that configuration or status changed; set by
 *	the transport, NULL without one
 * @interrupt_opaque: for @interrupt_config
 */
struct virtio_device {
	struct machine *machine;
	const struct virtio_device_ops *ops;
	char *name;
	uint16_t id;
	void *config;
	size_t config_length;
	uint64_t offered;
	uint64_t features;
	uint8_t status;
	uint8_t generation;
	struct virtio_device *next;
	struct virtio_queue *queues;
	unsigned int queue_count;
	void (*interrupt_config)(struct virtio_device *device, void *opaque);
	void *interrupt_opaque;
};

static inline bool virtio_has_feature(const struct virtio_device *device, unsigned int bit)
{
	return device->features & VIRTIO_FEATURE(bit);
}

int virtio_device_init(struct virtio_device *device, unsigned int queues, unsigned int queue_size);
void virtio_device_fini(struct virtio_device *device);
void virtio_device_set_status(struct virtio_device *device, uint8_t status);
void virtio_device_update(struct virtio_device *device);

int virtio_queue_map(const struct virtio_queue *queue, struct virtio_rings *rings);
void virtio_queue_set_call(struct virtio_queue *queue, int call);
void virtio_queue_reset(struct virtio_queue *queue);
void virtio_queue_break(struct virtio_queue *queue, const char *reason);

#endif /* VQVMM_VIRTIO_DEVICE_H */
