/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk with a dirty log, and requests of which is known where they write to.
 */
#ifndef SELFTESTS_KMOD_LOG_BLK_H
#define SELFTESTS_KMOD_LOG_BLK_H

#include "blk_setup.h"
#include "log_setup.h"

/* Requests at once. */
#define LOG_BLK_BATCH 12U
#define LOG_BLK_PIECES 3U

/* In pages of their own, which only the device writes to. */
#define LOG_BLK_STATUS(n) (GUEST_MEMORY + 0x1000 + (n) * 300ULL)
#define LOG_BLK_TABLE(n) (GUEST_BORDER(2) + 0x200000 + (n) * 0x1000ULL)

/**
 * struct log_blk_variant - what a disk is tested with
 * @features: besides BLK_FEATURES
 * @base: where the ring's index begins
 * @store: behind it
 * @swap: see log_setup_open()
 */
struct log_blk_variant {
	uint64_t features;
	uint16_t base;
	enum store store;
	unsigned int swap;
};

/**
 * struct log_blk - a disk with a queue and a log
 * @device: the device
 * @queue: runs, its ring in guest memory
 * @log: is not kept yet
 * @store: behind it, nowhere like elsewhere
 */
struct log_blk {
	struct vhost_device device;
	struct vhost_queue queue;
	struct log_setup log;
	int store;
};

int log_blk_open(struct log_blk *blk, const struct log_blk_variant *variant);
void log_blk_close(struct log_blk *blk);
int log_blk_start(struct log_blk *blk);
int log_blk_stop(struct log_blk *blk);
int log_blk_switch(struct log_blk *blk, bool on);

int log_blk_add(struct log_blk *blk, unsigned int n, uint32_t type, uint64_t sector,
		const struct driver_buffer *data, unsigned int pieces, bool writes);
int log_blk_add_read(struct log_blk *blk, unsigned int n);
int log_blk_add_any(struct log_blk *blk, unsigned int n);

#endif /* SELFTESTS_KMOD_LOG_BLK_H */
