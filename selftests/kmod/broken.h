/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Malformed rings of either format, each of which is to break its queue.
 *
 *	broken_split.c	a table of what can be wrong with a split ring
 *	broken_packed.c	the same of a packed ring
 *	broken.c	what is the same in both
 */
#ifndef SELFTESTS_KMOD_BROKEN_H
#define SELFTESTS_KMOD_BROKEN_H

#include "../../kmod/virtqueue/virtqueue.h"
#include "../lib/vhost.h"

/* Where there is guest memory for a table, and where there is none. */
#define TABLE (GUEST_BORDER(3) + 0x1000)
#define NOWHERE (GUEST_MEMORY + GUEST_MEMORY_SIZE)

/**
 * struct malformation - a way to break a queue
 * @name: what is wrong
 * @provoke: do it to a queue that is idle, and expose it
 * @error: what is to be found
 * @shape: the type finds out, by the chain's shape, before its address
 */
struct malformation {
	const char *name;
	void (*provoke)(struct vhost_queue *queue);
	enum virtqueue_error error;
	bool shape;
};

/**
 * struct broken_format - a ring format
 * @features: to be negotiated for it
 * @size: of its rings
 * @base: where a ring begins: from 0 on, another place for each number
 * @any: what breaks a queue that sends, or a disk's
 * @any_count: how many
 * @receive: what breaks a receive queue
 * @receive_count: how many
 * @add_bad: add what breaks a queue with a chain of that id under way
 * @bad_error: the error of that
 * @offer_good: a chain without fault, for a queue that does not look any more
 */
struct broken_format {
	uint64_t features;
	unsigned int size;
	uint16_t (*base)(unsigned int number);
	const struct malformation *any;
	unsigned int any_count;
	const struct malformation *receive;
	unsigned int receive_count;
	void (*add_bad)(struct vhost_queue *queue, unsigned int id);
	enum virtqueue_error bad_error;
	void (*offer_good)(struct vhost_queue *queue);
};

extern const struct broken_format broken_split;
extern const struct broken_format broken_packed;

void broken_take_areas(struct vhost_queue *queue, bool descriptors, bool driver, bool device);

#endif /* SELFTESTS_KMOD_BROKEN_H */
