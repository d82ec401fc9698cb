// SPDX-License-Identifier: GPL-2.0
/*
 * A vhost device and its queues, driven from plain userspace.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vhost.h"

/**
 * vhost_ioctl() - make an ioctl
 * @fd: of a device
 * @request: which one
 * @argument: or NULL
 *
 * Return: 0 or -errno.
 */
int vhost_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? -errno : 0;
}

static int set_memory(struct vhost_device *device)
{
	struct vhost_memory *table;
	unsigned int i;
	int err;

	table = calloc(1, sizeof(*table) + GUEST_REGIONS * sizeof(table->regions[0]));
	if (!table)
		return -ENOMEM;
	table->nregions = GUEST_REGIONS;
	for (i = 0; i < GUEST_REGIONS; i++) {
		table->regions[i].guest_phys_addr = GUEST_BORDER(i);
		table->regions[i].memory_size = GUEST_REGION_SIZE;
		table->regions[i].userspace_addr =
			(uintptr_t)guest_pointer(device, GUEST_BORDER(i));
	}
	err = vhost_ioctl(device->fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

/**
 * vhost_device_open() - open a device, own it, give it guest memory
 * @device: to be closed by vhost_device_close(), also after failure
 * @path: of the device file
 * @features: to be negotiated
 *
 * Return: 0 or -errno.
 */
int vhost_device_open(struct vhost_device *device, const char *path, uint64_t features)
{
	memset(device, 0, sizeof(*device));
	device->features = features;
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	if (device->fd < 0)
		return -errno;
	if (ioctl(device->fd, VHOST_SET_OWNER) ||
	    ioctl(device->fd, VHOST_SET_FEATURES, &features))
		return -errno;
	device->memory = mmap(NULL, GUEST_MEMORY_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (device->memory == MAP_FAILED) {
		device->memory = NULL;
		return -errno;
	}
	return set_memory(device);
}

/**
 * vhost_device_close() - close a device
 * @device: its queues, if there are any, stop
 */
void vhost_device_close(struct vhost_device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
	if (device->memory)
		munmap(device->memory, GUEST_MEMORY_SIZE);
	device->memory = NULL;
}

static int set_file(struct vhost_queue *queue, unsigned long request, int fd)
{
	struct vhost_vring_file file = { .index = queue->index, .fd = fd };

	return vhost_ioctl(queue->device->fd, request, &file);
}

/**
 * vhost_queue_set_base() - where the device is to begin
 * @queue: not running
 * @base: available index; packed: both positions
 *
 * Return: 0 or -errno.
 */
int vhost_queue_set_base(struct vhost_queue *queue, uint32_t base)
{
	struct vhost_vring_state state = { .index = queue->index, .num = base };

	return vhost_ioctl(queue->device->fd, VHOST_SET_VRING_BASE, &state);
}

/**
 * vhost_queue_get_base() - where the device would go on
 * @queue: the queue
 *
 * Return: see vhost_queue_set_base(), or -errno.
 */
int64_t vhost_queue_get_base(struct vhost_queue *queue)
{
	struct vhost_vring_state state = { .index = queue->index };

	return ioctl(queue->device->fd, VHOST_GET_VRING_BASE, &state) ? -errno : state.num;
}

static int init_ring(struct vhost_queue *queue, unsigned int size, uint16_t base)
{
	bool event_index = queue->device->features & FEATURE(VIRTIO_RING_F_EVENT_IDX);

	int err;

	if (queue->device->features & FEATURE(VIRTIO_F_RING_PACKED))
		err = driver_ring_init_packed(&queue->ring, size, base, event_index);
	else
		err = driver_ring_init(&queue->ring, size, base, event_index);
	queue->ring.in_order = queue->device->features & FEATURE(VIRTIO_F_IN_ORDER);
	return err;
}

static int configure(struct vhost_queue *queue)
{
	struct vhost_vring_state size = { .index = queue->index, .num = queue->ring.size };
	struct vhost_vring_addr address = {
		.index = queue->index,
		.desc_user_addr = (uintptr_t)queue->ring.descriptors,
		.avail_user_addr = (uintptr_t)queue->ring.available,
		.used_user_addr = (uintptr_t)queue->ring.used,
	};
	int err;

	if (ioctl(queue->device->fd, VHOST_SET_VRING_NUM, &size))
		return -errno;
	err = vhost_queue_set_base(queue, queue->ring.base);
	if (err)
		return err;
	return vhost_ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address);
}

static int create_events(struct vhost_queue *queue)
{
	queue->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	queue->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	queue->error = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return queue->kick < 0 || queue->call < 0 || queue->error < 0 ? -errno : 0;
}

static int set_files(struct vhost_queue *queue)
{
	int err;

	err = set_file(queue, VHOST_SET_VRING_KICK, queue->kick);
	if (!err)
		err = set_file(queue, VHOST_SET_VRING_CALL, queue->call);
	if (!err)
		err = set_file(queue, VHOST_SET_VRING_ERR, queue->error);
	return err;
}

/**
 * vhost_queue_open() - set a queue up; it runs as soon as it has a backend
 * @queue: to be closed by vhost_queue_close(), also after failure
 * @device: open
 * @index: in the device
 * @size: number of descriptors
 * @base: where the ring begins, see driver_ring_init() and driver_ring_init_packed()
 *
 * Return: 0 or -errno.
 */
int vhost_queue_open(struct vhost_queue *queue, struct vhost_device *device, unsigned int index,
		     unsigned int size, uint16_t base)
{
	int err;

	memset(queue, 0, sizeof(*queue));
	queue->device = device;
	queue->index = index;
	err = create_events(queue);
	if (!err)
		err = init_ring(queue, size, base);
	if (!err)
		err = configure(queue);
	if (!err)
		err = set_files(queue);
	return err;
}

/**
 * vhost_queue_move() - have another device serve a ring as it is
 * @queue: of another process that has ended; gets eventfds of its own
 * @device: has the same guest memory
 * @base: where it goes on, see vhost_queue_set_base()
 *
 * Return: 0 or -errno.
 */
int vhost_queue_move(struct vhost_queue *queue, struct vhost_device *device, uint32_t base)
{
	int err;

	queue->device = device;
	err = create_events(queue);
	if (!err)
		err = configure(queue);
	if (!err)
		err = vhost_queue_set_base(queue, base);
	return err ? err : set_files(queue);
}

/**
 * vhost_queue_reset() - begin anew with an empty ring, as after a device reset
 * @queue: without a backend
 * @base: see vhost_queue_open()
 *
 * Return: 0 or -errno.
 */
int vhost_queue_reset(struct vhost_queue *queue, uint16_t base)
{
	unsigned int size = queue->ring.size;
	int err;

	driver_ring_destroy(&queue->ring);
	err = init_ring(queue, size, base);
	return err ? err : configure(queue);
}

/**
 * vhost_queue_close() - free a queue
 * @queue: without a backend, or its device is closed
 */
void vhost_queue_close(struct vhost_queue *queue)
{
	close(queue->kick);
	close(queue->call);
	close(queue->error);
	driver_ring_destroy(&queue->ring);
}

/**
 * vhost_queue_net_backend() - start or stop a network queue
 * @queue: the queue
 * @fd: of a tap, or -1
 *
 * Return: 0 or -errno.
 */
int vhost_queue_net_backend(struct vhost_queue *queue, int fd)
{
	return set_file(queue, VHOST_NET_SET_BACKEND, fd);
}

/**
 * vhost_queue_blk_backend() - start or stop a disk's queue
 * @queue: the queue
 * @fd: of a file or block device, or -1
 * @flags: VQHOST_BLK_*
 *
 * Return: 0 or -errno.
 */
int vhost_queue_blk_backend(struct vhost_queue *queue, int fd, uint32_t flags)
{
	struct vqhost_blk_backend backend = { .index = queue->index, .fd = fd, .flags = flags };

	return vhost_ioctl(queue->device->fd, VQHOST_BLK_SET_BACKEND, &backend);
}

/**
 * vhost_queue_set_poll_limit() - how long a queue holds and polls at most
 * @queue: the queue
 * @microseconds: 0 = never
 *
 * Return: 0 or -errno.
 */
int vhost_queue_set_poll_limit(struct vhost_queue *queue, unsigned int microseconds)
{
	struct vhost_vring_state state = { .index = queue->index, .num = microseconds };

	return ioctl(queue->device->fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &state) ? -errno : 0;
}

/**
 * vhost_queue_stats() - read a queue's counters
 * @queue: of a vqhost device
 * @stats: receives them
 *
 * Return: 0 or -errno.
 */
int vhost_queue_stats(struct vhost_queue *queue, struct vqhost_vring_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->index = queue->index;
	stats->size = sizeof(*stats);
	return vhost_ioctl(queue->device->fd, VQHOST_GET_VRING_STATS, stats);
}

/**
 * vhost_queue_expose() - show the device what was added, and kick if it wants
 * @queue: the queue
 */
void vhost_queue_expose(struct vhost_queue *queue)
{
	if (driver_ring_expose(&queue->ring))
		eventfd_write(queue->kick, 1);
}

/**
 * eventfd_take() - reset an eventfd
 * @fd: nonblocking
 *
 * Return: its count, 0 if it was not signalled.
 */
uint64_t eventfd_take(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}

/**
 * eventfd_wait() - wait for an eventfd and reset it
 * @fd: nonblocking
 * @milliseconds: how long at most
 *
 * Return: its count, 0 if it was not signalled in time.
 */
uint64_t eventfd_wait(int fd, int milliseconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	TEMP_FAILURE_RETRY(poll(&poll_fd, 1, milliseconds));
	return eventfd_take(fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/**
 * vhost_queue_wait() - wait, by calls alone, until chains have been used
 * @queue: the queue
 * @count: how many are to wait to be reaped
 *
 * Return: 0, or -ETIMEDOUT: a call that was due did not come.
 */
int vhost_queue_wait(struct vhost_queue *queue, unsigned int count)
{
	int64_t end = now_ms() + TIME_LIMIT_MS;

	while (!driver_ring_calls_on(&queue->ring, count)) {
		if (!eventfd_wait(queue->call, TIME_LIMIT_MS) || now_ms() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

/**
 * vhost_queue_wait_silently() - the same without calls, which are turned off
 * @queue: the queue
 * @count: how many chains are to wait to be reaped
 *
 * Return: 0 or -ETIMEDOUT.
 */
int vhost_queue_wait_silently(struct vhost_queue *queue, unsigned int count)
{
	int64_t end = now_ms() + TIME_LIMIT_MS;

	while (driver_ring_used(&queue->ring) < count) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(200);
	}
	return 0;
}

/**
 * guest_pointer() - where a byte of guest memory lies
 * @device: whose guest
 * @address: guest address, inside guest memory
 *
 * Return: its address, good up to the next border.
 */
void *guest_pointer(struct vhost_device *device, uint64_t address)
{
	uint64_t region = (address - GUEST_MEMORY) / GUEST_REGION_SIZE;
	uint64_t offset = (address - GUEST_MEMORY) % GUEST_REGION_SIZE;

	return device->memory + (GUEST_REGIONS - 1 - region) * GUEST_REGION_SIZE + offset;
}

/**
 * guest_write() - copy into guest memory
 * @device: whose guest
 * @address: guest address
 * @from: source
 * @length: bytes
 */
void guest_write(struct vhost_device *device, uint64_t address, const void *from, size_t length)
{
	const uint8_t *bytes = from;

	while (length--)
		*(uint8_t *)guest_pointer(device, address++) = *bytes++;
}

/**
 * guest_read() - copy out of guest memory
 * @device: whose guest
 * @to: destination
 * @address: guest address
 * @length: bytes
 */
void guest_read(struct vhost_device *device, void *to, uint64_t address, size_t length)
{
	uint8_t *bytes = to;

	while (length--)
		*bytes++ = *(const uint8_t *)guest_pointer(device, address++);
}
