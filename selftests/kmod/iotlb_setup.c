// SPDX-License-Identifier: GPL-2.0
/*
 * A device behind an IOTLB, and the owner that answers its misses.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iotlb_setup.h"

#ifndef VHOST_BACKEND_F_IOTLB_BATCH
#define VHOST_BACKEND_F_IOTLB_BATCH 2
#endif

/**
 * iotlb_write() - write a message
 * @fd: of the device
 * @is_v2: its version
 * @message: the rest of it
 *
 * Return: 0, -errno, or -EPROTO if the device took less or more than a message.
 */
int iotlb_write(int fd, bool is_v2, const struct vhost_iotlb_msg *message)
{
	struct vhost_msg raw = { .type = is_v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG };
	ssize_t written;

	raw.iotlb = *message;
	written = write(fd, &raw, sizeof(raw));
	if (written < 0)
		return -errno;
	return written == sizeof(raw) ? 0 : -EPROTO;
}

/**
 * iotlb_read() - read a message
 * @fd: of the device
 * @message: receives it
 * @version: receives VHOST_IOTLB_MSG or VHOST_IOTLB_MSG_V2
 *
 * Return: 0, -errno, or -EPROTO if it was no message, or more than one.
 */
int iotlb_read(int fd, struct vhost_iotlb_msg *message, int *version)
{
	struct vhost_msg raw[2];
	ssize_t length;

	length = read(fd, raw, sizeof(raw));
	if (length < 0)
		return -errno;
	if (length != sizeof(raw[0]))
		return -EPROTO;
	*version = raw[0].type;
	*message = raw[0].iotlb;
	return 0;
}

/**
 * iotlb_update() - map a range
 * @fd: of the device
 * @is_v2: version of the message
 * @address: I/O virtual address
 * @size: bytes
 * @where: it lies in our memory
 * @perm: VHOST_ACCESS_*
 *
 * Return: 0 or -errno.
 */
int iotlb_update(int fd, bool is_v2, uint64_t address, uint64_t size, const void *where,
		 uint8_t perm)
{
	struct vhost_iotlb_msg message = {
		.iova = address,
		.size = size,
		.uaddr = (uintptr_t)where,
		.perm = perm,
		.type = VHOST_IOTLB_UPDATE,
	};

	return iotlb_write(fd, is_v2, &message);
}

/**
 * iotlb_invalidate() - unmap a range
 * @fd: of the device
 * @is_v2: version of the message
 * @address: I/O virtual address
 * @size: bytes
 *
 * Return: 0 or -errno.
 */
int iotlb_invalidate(int fd, bool is_v2, uint64_t address, uint64_t size)
{
	struct vhost_iotlb_msg message = {
		.iova = address,
		.size = size,
		.type = VHOST_IOTLB_INVALIDATE,
	};

	return iotlb_write(fd, is_v2, &message);
}

/* Where the file behind guest memory has a guest address. */
static off_t offset_of(const struct iotlb_setup *setup, uint64_t address)
{
	return (uint8_t *)guest_pointer(setup->device, address) - setup->device->memory;
}

/**
 * iotlb_setup_open() - put guest memory behind an IOTLB
 * @setup: to be closed by iotlb_setup_close(), also after failure
 * @device: open, with VIRTIO_F_ACCESS_PLATFORM
 * @is_v2: acknowledge and use version 2 of messages
 *
 * Guest addresses are none of the memory table any more.
 * Return: 0 or -errno.
 */
int iotlb_setup_open(struct iotlb_setup *setup, struct vhost_device *device, bool is_v2)
{
	uint64_t backend_features = is_v2 ? FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2) : 0;
	struct {
		struct vhost_memory table;
		struct vhost_memory_region region;
	} memory = { .table.nregions = 1 };

	memset(setup, 0, sizeof(*setup));
	setup->device = device;
	setup->is_v2 = is_v2;
	setup->perm = VHOST_ACCESS_RW;
	setup->answers = true;
	pthread_mutex_init(&setup->lock, NULL);
	setup->stop = eventfd(0, EFD_CLOEXEC);
	setup->memory = memfd_create("guest", MFD_CLOEXEC);
	if (setup->memory < 0 || ftruncate(setup->memory, GUEST_MEMORY_SIZE))
		return -errno;
	if (mmap(device->memory, GUEST_MEMORY_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, setup->memory, 0) == MAP_FAILED)
		return -errno;
	memory.region.memory_size = IOTLB_PAGE;
	memory.region.userspace_addr = (uintptr_t)device->memory;
	if (ioctl(device->fd, VHOST_SET_MEM_TABLE, &memory) ||
	    ioctl(device->fd, VHOST_SET_BACKEND_FEATURES, &backend_features))
		return -errno;
	return 0;
}

/**
 * iotlb_setup_close() - free everything
 * @setup: its device is closed
 */
void iotlb_setup_close(struct iotlb_setup *setup)
{
	unsigned int i;

	iotlb_stop_answering(setup);
	for (i = 0; i < IOTLB_PAGES; i++) {
		if (setup->alias[i])
			munmap(setup->alias[i], IOTLB_PAGE);
	}
	if (setup->area)
		munmap(setup->area, GUEST_MEMORY_SIZE);
	close(setup->memory);
	close(setup->stop);
}

/* Make the place where the device is to find a page.  Returns NULL if it cannot be made. */
static uint8_t *make_alias(struct iotlb_setup *setup, uint64_t page)
{
	off_t offset = offset_of(setup, GUEST_MEMORY + page * IOTLB_PAGE);
	uint8_t *where;

	if (setup->area)
		where = mmap(setup->area + (page ^ setup->swap) * IOTLB_PAGE, IOTLB_PAGE,
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, setup->memory, offset);
	else
		where = mmap(NULL, 2 * IOTLB_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			     setup->memory, offset);
	if (where == MAP_FAILED)
		return NULL;
	/* With a hole beside it: no two of them are ever adjacent. */
	if (!setup->area)
		munmap(where + IOTLB_PAGE, IOTLB_PAGE);
	return where;
}

/* Map a page where the device has it, or is to have it.  The lock is held. */
static int map_page(struct iotlb_setup *setup, uint64_t address, uint8_t perm)
{
	uint64_t page = (address - GUEST_MEMORY) / IOTLB_PAGE;

	if (page >= IOTLB_PAGES)
		return -ERANGE;
	address -= address % IOTLB_PAGE;
	if (!setup->alias[page])
		setup->alias[page] = make_alias(setup, page);
	if (!setup->alias[page])
		return -ENOMEM;
	return iotlb_update(setup->device->fd, setup->is_v2, address, IOTLB_PAGE,
			    setup->alias[page], perm);
}

/**
 * iotlb_map() - map pages before they are missed
 * @setup: the setup
 * @address: guest address
 * @length: bytes
 * @perm: VHOST_ACCESS_*
 *
 * Return: 0 or -errno.
 */
int iotlb_map(struct iotlb_setup *setup, uint64_t address, uint64_t length, uint8_t perm)
{
	uint64_t end = address + length;
	int err = 0;

	pthread_mutex_lock(&setup->lock);
	for (address -= address % IOTLB_PAGE; !err && address < end; address += IOTLB_PAGE)
		err = map_page(setup, address, perm);
	pthread_mutex_unlock(&setup->lock);
	return err;
}

/**
 * iotlb_move() - have the device find a page elsewhere from its next miss on
 * @setup: the setup
 * @address: guest address of the page
 * @where: it lies then; not freed by the setup
 *
 * Return: 0 or -errno.
 */
int iotlb_move(struct iotlb_setup *setup, uint64_t address, uint8_t *where)
{
	pthread_mutex_lock(&setup->lock);
	setup->alias[(address - GUEST_MEMORY) / IOTLB_PAGE] = where;
	pthread_mutex_unlock(&setup->lock);
	return iotlb_invalidate(setup->device->fd, setup->is_v2, address, IOTLB_PAGE);
}

static void *answer(void *argument)
{
	struct iotlb_setup *setup = argument;
	struct pollfd fds[2] = {
		{ .fd = setup->device->fd, .events = POLLIN },
		{ .fd = setup->stop, .events = POLLIN },
	};
	struct vhost_iotlb_msg message;
	int version;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		/* Somebody else may have answered meanwhile: then do not sleep in here. */
		pthread_mutex_lock(&setup->lock);
		if (!iotlb_read(setup->device->fd, &message, &version)) {
			setup->misses++;
			setup->last_miss = message;
			if (setup->answers)
				map_page(setup, message.iova, setup->perm);
		}
		pthread_mutex_unlock(&setup->lock);
	}
	return NULL;
}

/**
 * iotlb_start_answering() - have misses answered from now on
 * @setup: the setup
 *
 * Return: 0 or -errno.
 */
int iotlb_start_answering(struct iotlb_setup *setup)
{
	int fd = setup->device->fd;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	return -pthread_create(&setup->thread, NULL, answer, setup);
}

/**
 * iotlb_stop_answering() - end the thread that answers
 * @setup: with or without one
 */
void iotlb_stop_answering(struct iotlb_setup *setup)
{
	if (!setup->thread)
		return;
	eventfd_write(setup->stop, 1);
	pthread_join(setup->thread, NULL);
	setup->thread = 0;
}

/**
 * iotlb_answers() - decide about answers
 * @setup: the setup
 * @answers: misses are answered
 * @perm: with what
 */
void iotlb_answers(struct iotlb_setup *setup, bool answers, uint8_t perm)
{
	pthread_mutex_lock(&setup->lock);
	setup->answers = answers;
	setup->perm = perm;
	pthread_mutex_unlock(&setup->lock);
}

/**
 * iotlb_answer_last() - answer the latest miss
 * @setup: has had one
 * @perm: with what
 *
 * Return: 0 or -errno.
 */
int iotlb_answer_last(struct iotlb_setup *setup, uint8_t perm)
{
	int err;

	pthread_mutex_lock(&setup->lock);
	err = map_page(setup, setup->last_miss.iova, perm);
	pthread_mutex_unlock(&setup->lock);
	return err;
}

/**
 * iotlb_misses() - how many misses have been read
 * @setup: the setup
 *
 * Return: their number.
 */
unsigned int iotlb_misses(struct iotlb_setup *setup)
{
	unsigned int misses;

	pthread_mutex_lock(&setup->lock);
	misses = setup->misses;
	pthread_mutex_unlock(&setup->lock);
	return misses;
}

/**
 * iotlb_wait_misses() - wait until as many misses have been read
 * @setup: the setup
 * @count: since it was opened
 *
 * Return: true if they have, false if it takes too long.
 */
bool iotlb_wait_misses(struct iotlb_setup *setup, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS && iotlb_misses(setup) < count; i++)
		usleep(1000);
	return iotlb_misses(setup) >= count;
}

/* Move an area of a ring, which has that many bytes, into guest memory. */
static uint64_t place(struct iotlb_setup *setup, void **area, size_t size, uint64_t *address)
{
	uint64_t start = *address;
	void *to = guest_pointer(setup->device, start);

	memcpy(to, *area, size);
	free(*area);
	*area = to;
	/* The next one begins in the middle of another page. */
	*address = start + size + IOTLB_PAGE;
	*address -= *address % 16;
	return start;
}

/**
 * iotlb_place_ring() - put a ring into guest memory
 * @setup: the setup
 * @queue: open; its areas are those of an allocator
 * @address: guest address, aligned to 16 bytes
 *
 * Its device area is mapped, which a device demands when the queue starts.
 * Return: 0 or -errno.
 */
int iotlb_place_ring(struct iotlb_setup *setup, struct vhost_queue *queue, uint64_t address)
{
	struct vhost_vring_addr vring = { .index = queue->index };
	struct driver_ring *ring = &queue->ring;
	size_t driver = sizeof(*ring->available) + ring->size * 2 + (ring->event_index ? 2 : 0);
	size_t used = sizeof(*ring->used) + ring->size * 8 + (ring->event_index ? 2 : 0);

	if (driver_ring_is_packed(ring)) {
		driver = sizeof(*ring->driver_event);
		used = sizeof(*ring->device_event);
	}
	vring.desc_user_addr = place(setup, (void **)&ring->descriptors, ring->size * 16, &address);
	vring.avail_user_addr = place(setup, (void **)&ring->available, driver, &address);
	vring.used_user_addr = place(setup, (void **)&ring->used, used, &address);
	if (ioctl(setup->device->fd, VHOST_SET_VRING_ADDR, &vring))
		return -errno;
	return iotlb_map(setup, vring.used_user_addr, used, VHOST_ACCESS_RW);
}

/**
 * iotlb_drop_ring() - before a queue is closed whose ring was placed
 * @queue: its areas belong to guest memory
 */
void iotlb_drop_ring(struct vhost_queue *queue)
{
	queue->ring.descriptors = NULL;
	queue->ring.available = NULL;
	queue->ring.used = NULL;
}
