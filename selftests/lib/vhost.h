/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vhost device and its queues, driven from plain userspace without KVM: what
 * a VMM and its guest do together.
 */
#ifndef SELFTESTS_LIB_VHOST_H
#define SELFTESTS_LIB_VHOST_H

#include <linux/virtio_config.h>
#include <linux/vqhost.h>

#include "driver_ring.h"

/*
 * Guest memory.  It has four regions, in opposite order in our address space:
 * what lies across a border in the guest's eyes lies far apart for us.
 */
#define GUEST_MEMORY 0x40000000ULL
#define GUEST_REGIONS 4
#define GUEST_REGION_SIZE 0x800000ULL
#define GUEST_MEMORY_SIZE (GUEST_REGIONS * GUEST_REGION_SIZE)
#define GUEST_BORDER(n) (GUEST_MEMORY + (n) * GUEST_REGION_SIZE)

/* Nothing that works takes as long, not even in emulation on a busy machine. */
#define TIME_LIMIT_MS 20000

/* Device files. */
#define VQHOST_NET "/dev/vqhost-net"
#define VQHOST_BLK "/dev/vqhost-blk"
#define MAINLINE_NET "/dev/vhost-net"

#define FEATURE(bit) (1ULL << (bit))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/**
 * struct vhost_device - an open device with an owner and guest memory
 * @fd: the device
 * @features: as negotiated
 * @memory: where guest memory lies; NULL until it is set up
 */
struct vhost_device {
	int fd;
	uint64_t features;
	uint8_t *memory;
};

/**
 * struct vhost_queue - one queue of it
 * @device: to which it belongs
 * @index: in the device
 * @ring: the driver's side
 * @kick: eventfd
 * @call: eventfd
 * @error: eventfd
 */
struct vhost_queue {
	struct vhost_device *device;
	unsigned int index;
	struct driver_ring ring;
	int kick;
	int call;
	int error;
};

int vhost_ioctl(int fd, unsigned long request, void *argument);

int vhost_device_open(struct vhost_device *device, const char *path, uint64_t features);
void vhost_device_close(struct vhost_device *device);

int vhost_queue_open(struct vhost_queue *queue, struct vhost_device *device, unsigned int index,
		     unsigned int size, uint16_t base);
int vhost_queue_move(struct vhost_queue *queue, struct vhost_device *device, uint32_t base);
int vhost_queue_reset(struct vhost_queue *queue, uint16_t base);
void vhost_queue_close(struct vhost_queue *queue);
int vhost_queue_net_backend(struct vhost_queue *queue, int fd);
int vhost_queue_blk_backend(struct vhost_queue *queue, int fd, uint32_t flags);
int64_t vhost_queue_get_base(struct vhost_queue *queue);
int vhost_queue_set_base(struct vhost_queue *queue, uint32_t base);
int vhost_queue_set_poll_limit(struct vhost_queue *queue, unsigned int microseconds);
int vhost_queue_stats(struct vhost_queue *queue, struct vqhost_vring_stats *stats);

void vhost_queue_expose(struct vhost_queue *queue);
int vhost_queue_wait(struct vhost_queue *queue, unsigned int count);
int vhost_queue_wait_silently(struct vhost_queue *queue, unsigned int count);

uint64_t eventfd_take(int fd);
uint64_t eventfd_wait(int fd, int milliseconds);

void *guest_pointer(struct vhost_device *device, uint64_t address);
void guest_write(struct vhost_device *device, uint64_t address, const void *from, size_t length);
void guest_read(struct vhost_device *device, void *to, uint64_t address, size_t length);

#endif /* SELFTESTS_LIB_VHOST_H */
