/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A dirty log, and what it is compared with: guest memory before and after.
 */
#ifndef SELFTESTS_KMOD_LOG_SETUP_H
#define SELFTESTS_KMOD_LOG_SETUP_H

#include <stdbool.h>
#include <stdlib.h>

#include "../lib/vhost.h"
#include "iotlb_setup.h"

/* What devices are tested with. */
#define IOTLB FEATURE(VIRTIO_F_ACCESS_PLATFORM)
#define PACKED FEATURE(VIRTIO_F_RING_PACKED)
#define EVENT_INDEX FEATURE(VIRTIO_RING_F_EVENT_IDX)

#define LOG_PAGE 0x1000ULL
#define LOG_PAGES (GUEST_MEMORY_SIZE / LOG_PAGE)

/* Bytes of the bitmap up to the end of guest memory. */
#define LOG_SIZE ((GUEST_MEMORY + GUEST_MEMORY_SIZE) / LOG_PAGE / 8)

/* Its mapping: the bitmap begins at an odd address, nothing else is written to. */
#define LOG_AREA_SIZE 0xa000U
#define LOG_BITMAP_OFFSET 0x801U

/*
 * Where rings lie in guest memory.  With LOG_QUEUE_SIZE descriptors each part of a
 * split ring's device area has pages of its own: flags and index, either half of the
 * entries, event index.
 */
#define LOG_RING(index) (GUEST_BORDER(3) + 0x100000 + (index) * 0x10000ULL)
#define LOG_QUEUE_SIZE 1024U
#define LOG_DEVICE_AREA_PAGES 4U

/* Bytes of a split ring's device area, at most. */
#define LOG_DEVICE_AREA(size) (6 + 8 * (size))

/* What is known of a page. */
enum log_page {
	LOG_DEVICE = 1,		/* the device may write to it */
	LOG_DRIVER = 2,		/* the driver may write to it: that is not logged */
};

/*
 * Behind an IOTLB a guest's driver has page n where the memory table has another
 * one.  With the first of these the driver's neighbours are neighbours for the
 * device, so that a ring is in one piece, with the second one never.
 */
#define LOG_SWAP_HALVES 0x800U
#define LOG_SWAP_PAGES 0x801U

/**
 * struct log_setup - a dirty log of a device
 * @device: whose
 * @iotlb: between the driver's addresses and those of the memory table, whose pages it
 *	swaps; all 0 without VIRTIO_F_ACCESS_PLATFORM
 * @area: mapping with the bitmap
 * @bitmap: in @area
 * @event: eventfd of the log
 * @before: guest memory as it was, in the order of guest addresses
 * @page: of each page, enum log_page
 */
struct log_setup {
	struct vhost_device *device;
	struct iotlb_setup iotlb;
	uint8_t *area;
	uint8_t *bitmap;
	int event;
	uint8_t *before;
	uint8_t page[LOG_PAGES];
};

static inline bool log_is_behind_iotlb(const struct vhost_device *device)
{
	return device->features & IOTLB;
}

int log_setup_open(struct log_setup *log, struct vhost_device *device, unsigned int swap);
void log_setup_close(struct log_setup *log);

int log_set_event(struct log_setup *log, int event);
int log_set_base(struct log_setup *log, void *bitmap);
int log_all(struct log_setup *log, bool on);

void log_forget(struct log_setup *log);
void log_note(struct log_setup *log, uint64_t address, uint64_t length, enum log_page what);
void log_begin(struct log_setup *log);
void log_copy(struct log_setup *log, bool all);
bool log_take(struct log_setup *log, uint64_t address);
bool log_is_set(const struct log_setup *log, uint64_t address);
unsigned int log_count(const struct log_setup *log);
unsigned int log_missing(struct log_setup *log);
unsigned int log_superfluous(const struct log_setup *log);
unsigned int log_different(struct log_setup *log);

/* log_ring.c: a ring in guest memory. */
int log_move_ring(struct log_setup *log, struct vhost_queue *queue);
int log_map_ring(struct log_setup *log, struct vhost_queue *queue);
void log_ring_destroy(struct vhost_queue *queue);
int log_ring(struct vhost_queue *queue, bool on, uint64_t log_address);
uint64_t log_device_area(const struct vhost_queue *queue);
void log_note_ring(struct log_setup *log, const struct vhost_queue *queue);
unsigned int log_missing_descriptors(struct log_setup *log, const struct vhost_queue *queue);

int log_reap(struct vhost_queue *queue, unsigned int count);
int log_broken(struct vhost_queue *queue);
int64_t log_sleeps(struct vhost_queue *queue);
int log_wait_asleep(struct vhost_queue *queue, int64_t sleeps);

static inline unsigned int below(unsigned int limit)
{
	return random() % limit;
}

#endif /* SELFTESTS_KMOD_LOG_SETUP_H */
