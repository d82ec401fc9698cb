// SPDX-License-Identifier: GPL-2.0
/*
 * Who serves a queue of this process: an event loop.
 *
 * While a queue is worked on, kicks are off.  A queue that always has more to do
 * gives way to the others after a few batches, by kicking itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "backend/user.h"
#include "machine/loop.h"
#include "machine/machine.h"

/* Batches handled before others have their turn. */
#define BATCHES_AT_ONCE 4

static struct user_backend *to_user_backend(struct backend *backend)
{
	return (struct user_backend *)backend;
}

/**
 * user_queue_publish() - show the driver what was pushed, notify it if it wants
 * @queue: the queue
 *
 * Return: 0, or -EIO if the ring is broken.
 */
int user_queue_publish(struct user_queue *queue)
{
	int ret = virtqueue_publish(&queue->ring);

	if (ret > 0 && queue->call >= 0)
		eventfd_write(queue->call, 1);
	return ret < 0 ? ret : 0;
}

static void broken(struct user_queue *queue)
{
	/* Frees the queue. */
	virtio_queue_break(queue->queue, virtqueue_error_name(queue->ring.error));
}

/* One batch.  Returns enum user_run or -errno. */
static int run_batch(struct user_queue *queue)
{
	int ret, err;

	ret = virtqueue_disable_kicks(&queue->ring);
	if (ret)
		return ret;
	ret = queue->backend->handler->run(queue);
	err = user_queue_publish(queue);
	if (err)
		return err;
	if (ret == USER_EMPTY) {
		ret = virtqueue_enable_kicks(&queue->ring);
		if (ret >= 0)
			ret = ret ? USER_AGAIN : USER_EMPTY;
	}
	return ret;
}

static void serve(void *opaque)
{
	struct user_queue *queue = opaque;
	unsigned int batch;
	int ret;

	for (batch = 0; batch < BATCHES_AT_ONCE; batch++) {
		ret = run_batch(queue);
		if (ret < 0) {
			broken(queue);
			return;
		}
		if (ret != USER_AGAIN)
			return;
	}
	eventfd_write(queue->queue->kick, 1);
}

static void kicked(void *opaque)
{
	struct user_queue *queue = opaque;
	eventfd_t count;

	eventfd_read(queue->queue->kick, &count);
	serve(queue);
}

/**
 * user_queue_watch() - run also when a file descriptor is readable
 * @queue: the queue
 * @fd: the handler reads from it until it no longer is
 *
 * Return: 0 or -errno.
 */
int user_queue_watch(struct user_queue *queue, int fd)
{
	return loop_add(queue->backend->loop, fd, serve, queue);
}

/**
 * user_queue_unwatch() - undo user_queue_watch()
 * @queue: the queue
 * @fd: not being watched is no error
 */
void user_queue_unwatch(struct user_queue *queue, int fd)
{
	loop_remove(queue->backend->loop, fd);
}

static int set_features(struct backend *backend, uint64_t features)
{
	to_user_backend(backend)->features = features;
	return 0;
}

static int init_ring(struct user_queue *queue)
{
	uint64_t features = queue->backend->features;
	struct virtqueue_config config = {
		.size = queue->queue->size,
		.base = queue->queue->base,
		.packed = features & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED),
		.event_index = features & VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX),
		.indirect = features & VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC),
		.memory = queue->queue->device->machine->memory,
	};
	struct virtio_rings rings;
	int err;

	err = virtio_queue_map(queue->queue, &rings);
	if (err)
		return err;
	config.descriptors = rings.descriptors;
	config.driver_area = rings.driver_area;
	config.device_area = rings.device_area;
	return virtqueue_init(&queue->ring, &config);
}

static int start(struct backend *base, struct virtio_queue *virtio_queue)
{
	struct user_backend *backend = to_user_backend(base);
	struct user_queue *queue;
	int err;

	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->backend = backend;
	queue->queue = virtio_queue;
	queue->call = virtio_queue->call;
	err = init_ring(queue);
	if (err)
		goto free_queue;
	err = backend->handler->start(queue);
	if (err)
		goto destroy_ring;
	err = loop_add(backend->loop, virtio_queue->kick, kicked, queue);
	if (err)
		goto stop_handler;
	backend->queues[virtio_queue->index] = queue;
	return 0;

stop_handler:
	backend->handler->stop(queue);
destroy_ring:
	virtqueue_destroy(&queue->ring);
free_queue:
	free(queue);
	return err;
}

static void stop(struct backend *base, struct virtio_queue *virtio_queue)
{
	struct user_backend *backend = to_user_backend(base);
	struct user_queue *queue = backend->queues[virtio_queue->index];

	backend->queues[virtio_queue->index] = NULL;
	loop_remove(backend->loop, virtio_queue->kick);
	backend->handler->stop(queue);
	user_queue_publish(queue);
	virtio_queue->base = virtqueue_base(&queue->ring);
	virtqueue_destroy(&queue->ring);
	free(queue);
}

static void set_call(struct backend *base, struct virtio_queue *virtio_queue)
{
	struct user_backend *backend = to_user_backend(base);

	backend->queues[virtio_queue->index]->call = virtio_queue->call;
}

static void destroy(struct backend *base)
{
	struct user_backend *backend = to_user_backend(base);

	free(backend->queues);
	free(backend);
}

static const struct backend_ops user_ops = {
	.set_features	= set_features,
	.start		= start,
	.stop		= stop,
	.set_call	= set_call,
	.destroy	= destroy,
};

/**
 * user_backend_create() - serve queues in this process
 * @loop: calls the handler; its lock is held by whoever calls the backend
 * @handler: of the device type
 * @device: for the handler; stays the caller's, must outlive the backend
 * @queues: indices below this can be served
 * @out: receives the backend; backend_destroy() frees it
 *
 * Return: 0 or -ENOMEM.
 */
int user_backend_create(struct loop *loop, const struct user_handler *handler, void *device,
			unsigned int queues, struct backend **out)
{
	struct user_backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return -ENOMEM;
	backend->queues = calloc(queues, sizeof(*backend->queues));
	if (!backend->queues) {
		free(backend);
		return -ENOMEM;
	}
	backend->base.ops = &user_ops;
	backend->base.features = BACKEND_RING_FEATURES | handler->features;
	backend->handler = handler;
	backend->loop = loop;
	backend->device = device;
	backend->queue_count = queues;
	*out = &backend->base;
	return 0;
}
