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

/* The byte of a bit, of which the first one is that of guest memory's first page. */
static uint8_t *bit_byte(const struct log_setup *log, unsigned int bit)
{
	return log->bitmap + (GUEST_MEMORY / LOG_PAGE + bit) / 8;
}

/* Our memory as the guest has it: the driver's pages, in another order. */
static int put_behind_iotlb(struct log_setup *log, unsigned int swap)
{
	struct {
		struct vhost_memory table;
		struct vhost_memory_region region;
	} memory = { .table.nregions = 1 };
	uint8_t *guest;
	int err;

	err = iotlb_setup_open(&log->iotlb, log->device, true);
	if (err)
		return err;
	guest = mmap(NULL, GUEST_MEMORY_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guest == MAP_FAILED)
		return -errno;
	log->iotlb.area = guest;
	log->iotlb.swap = swap;
	memory.region.guest_phys_addr = GUEST_MEMORY;
	memory.region.memory_size = GUEST_MEMORY_SIZE;
	memory.region.userspace_addr = (uintptr_t)guest;
	if (ioctl(log->device->fd, VHOST_SET_MEM_TABLE, &memory))
		return -errno;
	return iotlb_start_answering(&log->iotlb);
}

/**
 * log_setup_open() - make a log and tell the device, which does not keep it yet
 * @log: to be closed by log_setup_close(), also after failure
 * @device: open; with VIRTIO_F_ACCESS_PLATFORM it is put behind an IOTLB
 * @swap: 0, or behind an IOTLB LOG_SWAP_HALVES or LOG_SWAP_PAGES
 *
 * Return: 0 or -errno.
 */
int log_setup_open(struct log_setup *log, struct vhost_device *device, unsigned int swap)
{
	int err;

	memset(log, 0, sizeof(*log));
	log->device = device;
	log->before = malloc(GUEST_MEMORY_SIZE);
	log->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	log->area = mmap(NULL, LOG_AREA_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!log->before || log->event < 0 || log->area == MAP_FAILED)
		return -ENOMEM;
	log->bitmap = log->area + LOG_BITMAP_OFFSET;
	err = log_is_behind_iotlb(device) ? put_behind_iotlb(log, swap) : 0;
	if (!err)
		err = log_set_event(log, log->event);
	return err ? err : log_set_base(log, log->bitmap);
}

/**
 * log_setup_close() - free a log
 * @log: its device is closed or does not keep it
 */
void log_setup_close(struct log_setup *log)
{
	if (log_is_behind_iotlb(log->device))
		iotlb_setup_close(&log->iotlb);
	free(log->before);
	close(log->event);
	munmap(log->area, LOG_AREA_SIZE);
}

/**
 * log_set_event() - which eventfd is signalled
 * @log: the log
 * @event: the eventfd, or -1
 *
 * Return: 0 or -errno.
 */
int log_set_event(struct log_setup *log, int event)
{
	return vhost_ioctl(log->device->fd, VHOST_SET_LOG_FD, &event);
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

	return vhost_ioctl(log->device->fd, VHOST_SET_LOG_BASE, &base);
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

	return vhost_ioctl(log->device->fd, VHOST_SET_FEATURES, &features);
}

/**
 * log_forget() - forget what the device may write to, but for the descriptors
 * @log: the log
 */
void log_forget(struct log_setup *log)
{
	unsigned int page;

	for (page = 0; page < LOG_PAGES; page++) {
		if (!(log->page[page] & LOG_DRIVER))
			log->page[page] = 0;
	}
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
	unsigned int first, bit, page;
	uint8_t bits;

	for (first = 0; first < LOG_PAGES; first += 8) {
		bits = 0;
		if (__atomic_load_n(bit_byte(log, first), __ATOMIC_RELAXED))
			bits = __atomic_exchange_n(bit_byte(log, first), 0, __ATOMIC_SEQ_CST);
		for (bit = 0; bit < 8; bit++) {
			page = (first + bit) ^ log->iotlb.swap;
			if (all || bits & 1 << bit)
				memcpy(log->before + page * LOG_PAGE, page_pointer(log, page),
				       LOG_PAGE);
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
	unsigned int bit = page ^ log->iotlb.swap;

	return __atomic_load_n(bit_byte(log, bit), __ATOMIC_SEQ_CST) & 1 << bit % 8;
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
 * log_take() - take a page's bit away
 * @log: the log
 * @address: guest address in it
 *
 * Return: true if it was logged.
 */
bool log_take(struct log_setup *log, uint64_t address)
{
	unsigned int bit = (address - GUEST_MEMORY) / LOG_PAGE ^ log->iotlb.swap;

	return __atomic_fetch_and(bit_byte(log, bit), ~(1 << bit % 8), __ATOMIC_SEQ_CST) &
	       1 << bit % 8;
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

/**
 * log_reap() - wait until chains have been used, and take them back
 * @queue: the queue
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int log_reap(struct vhost_queue *queue, unsigned int count)
{
	int ret = vhost_queue_wait(queue, count);

	for (; ret >= 0 && count; count--)
		ret = driver_ring_reap(&queue->ring, NULL);
	return ret < 0 ? ret : 0;
}

/**
 * log_broken() - wait until a queue breaks
 * @queue: the queue
 *
 * Return: enum virtqueue_error, or -errno.
 */
int log_broken(struct vhost_queue *queue)
{
	struct vqhost_vring_stats stats;
	int err;

	if (!eventfd_wait(queue->error, TIME_LIMIT_MS))
		return -ETIMEDOUT;
	err = vhost_queue_stats(queue, &stats);
	return err ? err : (int)stats.error;
}

/**
 * log_sleeps() - how often a queue's thread has slept
 * @queue: of a vqhost device
 *
 * Return: the number, or -errno.
 */
int64_t log_sleeps(struct vhost_queue *queue)
{
	struct vqhost_vring_stats stats;
	int err = vhost_queue_stats(queue, &stats);

	return err ? err : (int64_t)stats.sleeps;
}

/**
 * log_wait_asleep() - wait until a queue's thread has nothing to do
 * @queue: of a vqhost device, with a thread of its own
 * @sleeps: how often it had slept before it was woken
 *
 * Return: 0 or -ETIMEDOUT.
 */
int log_wait_asleep(struct vhost_queue *queue, int64_t sleeps)
{
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS; i++) {
		if (log_sleeps(queue) > sleeps)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}
