/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a queue is served.
 *
 * A device hands each of its queues to a backend and knows nothing more.  A
 * backend reads and writes the rings, from when it is started until it is
 * stopped; it is kicked by the queue's kick eventfd and signals the queue's call
 * eventfd.  Backends:
 *
 *	user.c	in this process, by an event loop (user_net.c, user_blk.c and
 *		virtio/control.c say how a request is handled, user.c who does it)
 *	vhost.c	by a kernel device (vhost_net.c, vhost_blk.c)
 *
 * All operations are called with the machine lock held.
 */
#ifndef VQVMM_BACKEND_BACKEND_H
#define VQVMM_BACKEND_BACKEND_H

#include <stdint.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

struct backend;
struct virtio_queue;

#define VIRTIO_FEATURE(bit) (1ULL << (bit))

/* Features of the ring, as all backends know them. */
#define BACKEND_RING_FEATURES (VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | \
			       VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) | \
			       VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | \
			       VIRTIO_FEATURE(VIRTIO_F_RING_PACKED) | \
			       VIRTIO_FEATURE(VIRTIO_F_RING_RESET))

/**
 * struct backend_ops - what a backend can do
 * @set_features: the driver has chosen; no queue is running.  0 or -errno
 * @start: serve a queue from &struct virtio_queue.base on; its rings are valid.
 *	0 or -errno.  The caller kicks once afterwards.
 * @stop: finish what was taken, publish it, serve no longer; leave in
 *	&struct virtio_queue.base where to go on
 * @set_call: &struct virtio_queue.call of a running queue has changed
 * @destroy: free the backend; no queue is running
 */
struct backend_ops {
	int (*set_features)(struct backend *backend, uint64_t features);
	int (*start)(struct backend *backend, struct virtio_queue *queue);
	void (*stop)(struct backend *backend, struct virtio_queue *queue);
	void (*set_call)(struct backend *backend, struct virtio_queue *queue);
	void (*destroy)(struct backend *backend);
};

/**
 * struct backend - a place where queues of one device are served
 * @ops: of its kind
 * @features: feature bits it can serve: of the ring, and of requests
 */
struct backend {
	const struct backend_ops *ops;
	uint64_t features;
};

static inline void backend_destroy(struct backend *backend)
{
	if (backend)
		backend->ops->destroy(backend);
}

#endif /* VQVMM_BACKEND_BACKEND_H */
