/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device behind an IOTLB, and the owner that answers its misses.
 *
 * I/O virtual addresses are guest addresses, but each page of the guest is mapped for
 * the device somewhere of its own: what is in one piece for the driver lies page by
 * page apart for the device, rings included.
 */
#ifndef SELFTESTS_KMOD_IOTLB_SETUP_H
#define SELFTESTS_KMOD_IOTLB_SETUP_H

#include <pthread.h>

#include "../lib/vhost.h"

#define IOTLB_PAGE 4096U
#define IOTLB_PAGES (GUEST_MEMORY_SIZE / IOTLB_PAGE)
#define IOTLB_FEATURES (FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_ACCESS_PLATFORM))

/* Where rings are put; the middle of a page, so that each area lies across pages. */
#define IOTLB_RING(n) (GUEST_BORDER(3) + 0x100000ULL * (1 + (n)) + 0x7f0)

/**
 * struct iotlb_setup - guest memory, and who answers
 * @device: with VIRTIO_F_ACCESS_PLATFORM
 * @is_v2: messages have version 2
 * @memory: file behind guest memory
 * @area: where the device finds all pages, in another order, if they are to lie in one
 *	area of the size of guest memory; else NULL, and each lies somewhere else
 * @swap: page n of guest memory is page n ^ @swap of the area
 * @alias: where the device finds a page; NULL until it was mapped for the first time
 * @perm: what misses are answered with: VHOST_ACCESS_*
 * @answers: misses are answered
 * @misses: read by the thread
 * @last_miss: the latest of them
 * @thread: reads misses
 * @stop: eventfd that ends it
 * @lock: protects all but @device, @memory and @thread
 */
struct iotlb_setup {
	struct vhost_device *device;
	bool is_v2;
	int memory;
	uint8_t *area;
	unsigned int swap;
	uint8_t *alias[IOTLB_PAGES];
	uint8_t perm;
	bool answers;
	unsigned int misses;
	struct vhost_iotlb_msg last_miss;
	pthread_t thread;
	int stop;
	pthread_mutex_t lock;	/* see above */
};

int iotlb_write(int fd, bool is_v2, const struct vhost_iotlb_msg *message);
int iotlb_read(int fd, struct vhost_iotlb_msg *message, int *version);
int iotlb_update(int fd, bool is_v2, uint64_t address, uint64_t size, const void *where,
		 uint8_t perm);
int iotlb_invalidate(int fd, bool is_v2, uint64_t address, uint64_t size);

int iotlb_setup_open(struct iotlb_setup *setup, struct vhost_device *device, bool is_v2);
void iotlb_setup_close(struct iotlb_setup *setup);
int iotlb_start_answering(struct iotlb_setup *setup);
void iotlb_stop_answering(struct iotlb_setup *setup);
void iotlb_answers(struct iotlb_setup *setup, bool answers, uint8_t perm);
int iotlb_answer_last(struct iotlb_setup *setup, uint8_t perm);
bool iotlb_wait_misses(struct iotlb_setup *setup, unsigned int count);
unsigned int iotlb_misses(struct iotlb_setup *setup);
int iotlb_map(struct iotlb_setup *setup, uint64_t address, uint64_t length, uint8_t perm);
int iotlb_move(struct iotlb_setup *setup, uint64_t address, uint8_t *where);
int iotlb_place_ring(struct iotlb_setup *setup, struct vhost_queue *queue, uint64_t address);
void iotlb_drop_ring(struct vhost_queue *queue);

#endif /* SELFTESTS_KMOD_IOTLB_SETUP_H */
