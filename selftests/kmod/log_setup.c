// SPDX-License-Identifier: GPL-2.0
/*
 * A dirty log, and what it is compared with: guest memory before and after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log_setup.h"

static uint8_t *page_pointer(const struct log_setup *log, unsigned int page)
{
	return guest_pointer(log->device, GUEST_MEMORY + page * LOG_PAGE);
}

/* The byte of a page's bit. */
static uint8_t *bit_byte(const struct log_setup *log, unsigned int page)
{
	return log->bitmap + (GUEST_MEMORY / LOG_PAGE + page) / 8;
}

/**
 * log_setup_open() - make a log and tell the device, which does not keep it yet
 * @log: to be closed by log_setup_close(), also after failure
 * @device: open
 *
 * Return: 0 or -errno.
 */
int log_setup_open(struct log_setup *log, struct vhost_device *device)
{
	memset(log, 0, sizeof(*log));
	log->device = device;
	log->before = malloc(GUEST_MEMORY_SIZE);
	log->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	log->area = mmap(NULL, LOG_AREA_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!log->before || log->event < 0 || log->area == MAP_FAILED)
		return -ENOMEM;
	log->bitmap = log->area + LOG_BITMAP_OFFSET;
	if (ioctl(device->fd, VHOST_SET_LOG_FD, &log->event))
		return -errno;
	return log_set_base(log, log->bitmap);
}

/**
 * log_setup_close() - free a log
 * @log: its device is closed or does not keep it
 */
void log_setup_close(struct log_setup *log)
{
	free(log->before);
	close(log->event);
	munmap(log->area, LOG_AREA_SIZE);
}

/* Give an area of a ring a place in guest memory instead of its own. */
static void *move_area(struct log_setup *log, void *area, uint64_t address, size_t length)
{
	guest_write(log->device, address, area, length);
	free(area);
	return guest_pointer(log->device, address);
}

/**
 * log_move_ring() - move a ring into guest memory
 * @log: of the queue's device
 * @queue: stopped; not to be freed without log_ring_destroy()
 *
 * The area that the driver writes to is noted as such.
 * Return: 0 or -errno.
 */
int log_move_ring(struct log_setup *log, struct vhost_queue *queue)
{
	struct driver_ring *ring = &queue->ring;
	bool packed = driver_ring_is_packed(ring);
	uint64_t at = LOG_RING(queue->index);
	size_t descriptors = ring->size * sizeof(*ring->descriptors);
	size_t available = packed ? sizeof(*ring->driver_event) : 6 + 2 * ring->size;
	size_t used = packed ? sizeof(*ring->device_event) : 6 + 8 * ring->size;

	/* Across a page, and the event index behind the entries in a page of its own. */
	ring->descriptors = move_area(log, ring->descriptors, at + 0x1000 - descriptors / 2,
				      descriptors);
	ring->available = move_area(log, ring->available, at + 0x4000, available);
	ring->used = move_area(log, ring->used, log_device_area(queue), used);
	log_note(log, at + 0x1000 - descriptors / 2, descriptors,
		 packed ? LOG_DRIVER | LOG_DEVICE : LOG_DRIVER);
	log_note(log, at + 0x4000, available, LOG_DRIVER);
	log_note(log, log_device_area(queue), used, LOG_DEVICE);
	return log_ring(queue, false, 0);
}

/**
 * log_device_area() - where log_move_ring() puts the device area
 * @queue: the queue
 *
 * Return: its guest address.
 */
uint64_t log_device_area(const struct vhost_queue *queue)
{
	return LOG_RING(queue->index) + 0x7000 - (4 + 8 * queue->ring.size);
}

/**
 * log_ring_destroy() - before vhost_queue_close(): the areas are guest memory
 * @queue: stopped
 */
void log_ring_destroy(struct vhost_queue *queue)
{
	queue->ring.descriptors = NULL;
	queue->ring.available = NULL;
	queue->ring.used = NULL;
}

/**
 * log_ring() - have what is written to a ring logged, or not
 * @queue: running or not
 * @on: so or so
 * @log_address: guest address of its device area
 *
 * Return: 0 or -errno.
 */
int log_ring(struct vhost_queue *queue, bool on, uint64_t log_address)
{
	struct vhost_vring_addr address = {
		.index = queue->index,
		.flags = on ? 1 << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = (uintptr_t)queue->ring.descriptors,
		.avail_user_addr = (uintptr_t)queue->ring.available,
		.used_user_addr = (uintptr_t)queue->ring.used,
		.log_guest_addr = log_address,
	};

	return ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address) ? -errno : 0;
}

/**
 * log_set_base() - where the bitmap is
 * @log: the log
 * @bitmap: its first byte
 *
 * Return: 0 or -errno.
 */
int log_set_base(struct log_setup *log, void *bitmap)
{
	uint64_t base = (uintptr_t)bitmap;

	return ioctl(log->device->fd, VHOST_SET_LOG_BASE, &base) ? -errno : 0;
}

/**
 * log_all() - have what is written to guest memory logged, or not
 * @log: the log
 * @on: so or so
 *
 * Return: 0 or -errno.
 */
int log_all(struct log_setup *log, bool on)
{
	uint64_t features = log->device->features | (on ? FEATURE(VHOST_F_LOG_ALL) : 0);

	return ioctl(log->device->fd, VHOST_SET_FEATURES, &features) ? -errno : 0;
}

/**
 * log_note() - somebody may write there
 * @log: the log
 * @address: guest address
 * @length: bytes, not 0
 * @what: who
 */
void log_note(struct log_setup *log, uint64_t address, uint64_t length, enum log_page what)
{
	uint64_t page = (address - GUEST_MEMORY) / LOG_PAGE;

	for (; page <= (address + length - 1 - GUEST_MEMORY) / LOG_PAGE; page++)
		log->page[page] |= what;
}

/**
 * log_copy() - what a monitor does while it migrates: copy the pages that are logged
 * @log: the log, under traffic
 * @all: copy all pages
 */
void log_copy(struct log_setup *log, bool all)
{
	unsigned int page, bit;
	uint8_t bits;

	for (page = 0; page < LOG_PAGES; page += 8) {
		bits = 0;
		if (__atomic_load_n(bit_byte(log, page), __ATOMIC_RELAXED))
			bits = __atomic_exchange_n(bit_byte(log, page), 0, __ATOMIC_SEQ_CST);
		for (bit = 0; bit < 8; bit++) {
			if (all || bits & 1 << bit)
				memcpy(log->before + (page + bit) * LOG_PAGE,
				       page_pointer(log, page + bit), LOG_PAGE);
		}
	}
}

/**
 * log_begin() - empty the log and keep what guest memory is like
 * @log: the log
 */
void log_begin(struct log_setup *log)
{
	/* In this order: what is written meanwhile is logged. */
	memset(log->area, 0, LOG_AREA_SIZE);
	log_copy(log, true);
}

static bool page_is_set(const struct log_setup *log, unsigned int page)
{
	return __atomic_load_n(bit_byte(log, page), __ATOMIC_SEQ_CST) & 1 << page % 8;
}

/**
 * log_is_set() - is a page logged?
 * @log: the log
 * @address: guest address in it
 *
 * Return: true if so.
 */
bool log_is_set(const struct log_setup *log, uint64_t address)
{
	return page_is_set(log, (address - GUEST_MEMORY) / LOG_PAGE);
}

/**
 * log_count() - how many pages are logged?
 * @log: the log
 *
 * Return: their number, with bits outside of guest memory.
 */
unsigned int log_count(const struct log_setup *log)
{
	unsigned int count = 0, i;

	for (i = 0; i < LOG_AREA_SIZE; i++)
		count += __builtin_popcount(log->area[i]);
	return count;
}

static bool is_changed(struct log_setup *log, unsigned int page)
{
	return memcmp(log->before + page * LOG_PAGE, page_pointer(log, page), LOG_PAGE);
}

/**
 * log_missing() - pages that only the device can have changed, and that are not logged
 * @log: the device is stopped
 *
 * Return: their number.
 */
unsigned int log_missing(struct log_setup *log)
{
	unsigned int count = 0, page;

	for (page = 0; page < LOG_PAGES; page++) {
		count += !(log->page[page] & LOG_DRIVER) && !page_is_set(log, page) &&
			 is_changed(log, page);
	}
	return count;
}

/**
 * log_missing_descriptors() - used descriptors of a packed ring that are not logged
 * @log: the device is stopped
 * @queue: the queue, of either format
 *
 * Return: their number.
 */
unsigned int log_missing_descriptors(struct log_setup *log, const struct vhost_queue *queue)
{
	uint64_t address = LOG_RING(queue->index) + 0x1000 - queue->ring.size / 2 * 16;
	const struct vring_packed_desc *now = queue->ring.packed, *then;
	unsigned int count = 0, i;
	uint16_t flags;

	if (!driver_ring_is_packed(&queue->ring))
		return 0;
	for (i = 0; i < queue->ring.size; i++, address += 16) {
		then = (const void *)(log->before + (address - GUEST_MEMORY));
		flags = now[i].flags;
		if (memcmp(&now[i], then, 16) &&
		    !(flags >> VRING_PACKED_DESC_F_AVAIL & 1) ==
		    !(flags >> VRING_PACKED_DESC_F_USED & 1))
			count += !log_is_set(log, address);
	}
	return count;
}

/**
 * log_superfluous() - pages that are logged, and that nobody had the device write to
 * @log: the log
 *
 * Return: their number, with bits outside of guest memory.
 */
unsigned int log_superfluous(const struct log_setup *log)
{
	unsigned int count = log_count(log), page;

	for (page = 0; page < LOG_PAGES; page++)
		count -= log->page[page] & LOG_DEVICE && page_is_set(log, page);
	return count;
}

/**
 * log_different() - pages that the device writes to and whose copy is not the same
 * @log: the device is stopped, log_copy() came after
 *
 * Return: their number.
 */
unsigned int log_different(struct log_setup *log)
{
	unsigned int count = 0, page;

	for (page = 0; page < LOG_PAGES; page++)
		count += !(log->page[page] & LOG_DRIVER) && is_changed(log, page);
	return count;
}
