/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues served in this process.
 *
 * How a request is handled is a matter of the handler (user_net.c, user_blk.c,
 * virtio/control.c).  Who does it is a matter of user.c, and is the event loop
 * that the backend was created with: it calls the handler when the driver has
 * kicked, or when a file descriptor is readable that the handler watches.  With
 * the machine's loop all of that happens under the machine lock.
 *
 * Only the loop calls a handler's run(), and never two at once.
 */
#ifndef VQVMM_BACKEND_USER_H
#define VQVMM_BACKEND_USER_H

#include "backend/backend.h"
#include "virtio/device.h"
#include "virtqueue/virtqueue.h"

struct loop;
struct user_backend;

/* Chains handled before used entries are published. */
#define USER_BATCH 64

/**
 * enum user_run - what a handler's run() comes back with
 * @USER_AGAIN: there may be more to do at once
 * @USER_EMPTY: nothing to do before the driver makes more available
 * @USER_WAIT: nothing to do before a watched file descriptor becomes readable,
 *	whatever the driver makes available
 */
enum user_run {
	USER_AGAIN,
	USER_EMPTY,
	USER_WAIT,
};

/**
 * struct user_queue - a queue while it is served
 * @backend: serves it
 * @queue: the device's
 * @ring: the rings
 * @call: eventfd that notifies the driver, or -1
 * @private: the handler's
 */
struct user_queue {
	struct user_backend *backend;
	struct virtio_queue *queue;
	struct device_virtqueue ring;
	int call;
	void *private;
};

/**
 * struct user_handler - how the requests of a device type are handled
 * @features: bits it can serve, without those of the ring
 * @start: allocate what it needs for a queue; 0 or -errno
 * @stop: complete what is under way, push it, put back what was not begun; free
 *	what start() allocated.  The ring may be broken.
 * @run: handle up to USER_BATCH chains.  enum user_run, or -errno after the ring
 *	broke.  What it pushed is published afterwards.
 */
struct user_handler {
	uint64_t features;
	int (*start)(struct user_queue *queue);
	void (*stop)(struct user_queue *queue);
	int (*run)(struct user_queue *queue);
};

/**
 * struct user_backend - queues of one device and one handler
 * @base: what the device sees
 * @handler: handles requests
 * @loop: calls it
 * @features: as chosen by the driver
 * @device: what the handler works on: a tap, a store
 * @queues: by index; NULL while not running
 * @queue_count: room in @queues
 */
struct user_backend {
	struct backend base;
	const struct user_handler *handler;
	struct loop *loop;
	uint64_t features;
	void *device;
	struct user_queue **queues;
	unsigned int queue_count;
};

int user_backend_create(struct loop *loop, const struct user_handler *handler, void *device,
			unsigned int queues, struct backend **out);

/* For handlers. */
int user_queue_publish(struct user_queue *queue);
int user_queue_watch(struct user_queue *queue, int fd);
void user_queue_unwatch(struct user_queue *queue, int fd);

static inline struct guest_memory *user_queue_memory(const struct user_queue *queue)
{
	return queue->ring.memory;
}

int user_blk_probe(void);

extern const struct user_handler user_net_handler;
extern const struct user_handler user_blk_handler;

#endif /* VQVMM_BACKEND_USER_H */
