/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device, a disk or a network, in steps that may fail and be repeated.
 */
#ifndef SELFTESTS_DEBUG_SUBJECT_H
#define SELFTESTS_DEBUG_SUBJECT_H

#include "../kmod/blk_setup.h"
#include "../kmod/net_setup.h"

#define SUBJECT_QUEUES 2

/**
 * struct subject_variant - what a device is tested with
 * @path: of the device file
 * @features: to be negotiated
 * @store: behind a disk
 */
struct subject_variant {
	const char *path;
	uint64_t features;
	enum store store;
};

/**
 * struct subject - a device and what is behind it
 * @variant: what with
 * @is_net: a network, not a disk
 * @net: device, queues and tap of a network; of a disk the device only
 * @disk: queues of a disk
 * @store: behind it
 * @frame: number of the last frame
 */
struct subject {
	const struct subject_variant *variant;
	bool is_net;
	struct net_setup net;
	struct vhost_queue disk[SUBJECT_QUEUES];
	int store;
	unsigned int frame;
};

int subject_open(struct subject *subject, const struct subject_variant *variant);
void subject_close(struct subject *subject);

struct vhost_queue *subject_queue(struct subject *subject, unsigned int index);
int subject_open_device(struct subject *subject);
int subject_open_queue(struct subject *subject, unsigned int index);
int subject_start_queue(struct subject *subject, unsigned int index);
int subject_stop_queue(struct subject *subject, unsigned int index);
void subject_close_device(struct subject *subject);

pid_t subject_thread(struct subject *subject, unsigned int index);

int subject_begin(struct subject *subject, unsigned int index, uint32_t type);
int subject_finish(struct subject *subject, unsigned int index);
int subject_use(struct subject *subject);

#endif /* SELFTESTS_DEBUG_SUBJECT_H */
