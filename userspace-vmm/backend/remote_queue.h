/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue that is served outside of this process, by the conventions of vhost: who
 * serves it is told where it lies, and signals an eventfd when he gives up on it.
 */
#ifndef VQVMM_BACKEND_REMOTE_QUEUE_H
#define VQVMM_BACKEND_REMOTE_QUEUE_H

#include <linux/vhost_types.h>

#include "backend/backend.h"

/**
 * struct remote_queue - a queue that somebody else serves
 * @queue: while it runs, else NULL
 * @backend: of the queue
 * @reason: why it was given up, in a few words, for a message
 * @error: eventfd that is signalled then
 */
struct remote_queue {
	struct virtio_queue *queue;
	struct backend *backend;
	const char *(*reason)(const struct remote_queue *remote);
	int error;
};

int remote_queue_init(struct remote_queue *remote, struct backend *backend,
		      const char *(*reason)(const struct remote_queue *remote));
void remote_queue_fini(struct remote_queue *remote);
int remote_queue_begin(struct remote_queue *remote, struct virtio_queue *queue);
void remote_queue_end(struct remote_queue *remote);
int remote_queue_address(const struct virtio_queue *queue, struct vhost_vring_addr *address);

#endif /* VQVMM_BACKEND_REMOTE_QUEUE_H */
