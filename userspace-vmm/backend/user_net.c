// SPDX-License-Identifier: GPL-2.0
/*
 * Network packets between a ring and a tap (virtio 1.2, section 5.1.6).
 *
 * Sending: a chain is a packet; the tap reads it where it lies.
 *
 * Receiving: the length of a packet is not known before it has been read.  So
 * it is read into the next chain and, what does not fit there, into an overflow
 * buffer, from which it goes into further chains (mergeable buffers).  If those
 * are not there yet the packet waits for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/tap.h"
#include "backend/user.h"
#include "net/header.h"

/* The longest packet a tap delivers, with its link headers. */
#define PACKET_MAX (TAP_HEADER_LENGTH + 65536 + 64)

/**
 * struct user_net - &struct user_queue.private of a network queue
 * @tap: file descriptor of the queue pair
 * @watching: packets from the tap are waited for
 * @vectors: the chain at hand, and the overflow buffer
 * @taken: chains that the received packet occupies, with what is written there
 * @chains: number of @taken
 * @length: of the received packet, 0 if there is none
 * @overflow: what did not fit into the first chain
 * @overflow_length: bytes of it
 * @overflow_done: bytes of it that have found a place
 * @num_buffers: where the number of chains is written
 */
struct user_net {
	int tap;
	bool watching;
	struct iovec vectors[VIRTIO_QUEUE_SIZE_MAX + 1];
	struct virtqueue_used taken[VIRTIO_QUEUE_SIZE_MAX];
	unsigned int chains;
	size_t length;
	uint8_t *overflow;
	size_t overflow_length;
	size_t overflow_done;
	uint8_t *num_buffers[2];
};

/* Even queues receive, odd ones transmit (section 5.1.2). */
static bool is_receive(const struct user_queue *queue)
{
	return !(queue->queue->index & 1);
}

/* Fill vectors with the first segments of a chain.  Returns how many, or -EIO. */
static int chain_vectors(struct user_queue *queue, const struct virtqueue_chain *chain)
{
	unsigned int segments = chain->readable + chain->writable;
	struct user_net *net = queue->private;
	unsigned int count = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < segments; i++) {
		ret = guest_memory_translate(user_queue_memory(queue), chain->segments[i].address,
					     chain->segments[i].length, chain->writable,
					     net->vectors + count, VIRTIO_QUEUE_SIZE_MAX - count);
		if (ret < 0)
			return virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY);
		count += ret;
	}
	return count;
}

/* Returns 1 if a packet was handled, 0 if none is there, or -errno. */
static int transmit_next(struct user_queue *queue)
{
	struct user_net *net = queue->private;
	struct virtqueue_chain chain;
	int ret;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	if (chain.writable || chain.readable_length < TAP_HEADER_LENGTH)
		return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	ret = chain_vectors(queue, &chain);
	if (ret < 0)
		return ret;
	/* The tap checks the packet, header included.  What it refuses is lost. */
	if (writev(net->tap, net->vectors, ret) < 0 && errno == EINTR)
		writev(net->tap, net->vectors, ret);
	ret = virtqueue_push(&queue->ring, chain.id, 0);
	return ret ? ret : 1;
}

static int run_transmit(struct user_queue *queue)
{
	unsigned int done;
	int ret;

	for (done = 0; done < USER_BATCH; done++) {
		ret = transmit_next(queue);
		if (ret <= 0)
			return ret ? ret : USER_EMPTY;
	}
	return USER_AGAIN;
}

/* The next chain for the packet.  Returns the number of vectors, 0 or -errno. */
static int take_buffers(struct user_queue *queue)
{
	struct user_net *net = queue->private;
	struct virtqueue_chain chain;
	int ret;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	if (chain.readable)
		return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	net->taken[net->chains].id = chain.id;
	net->taken[net->chains].length = 0;
	net->chains++;
	return chain_vectors(queue, &chain);
}

static void forget_packet(struct user_net *net)
{
	net->chains = 0;
	net->length = 0;
}

static void put_back(struct user_queue *queue)
{
	struct user_net *net = queue->private;

	if (net->chains)
		virtqueue_put_back(&queue->ring, net->chains);
	forget_packet(net);
}

/* The byte at an offset of vectors that are long enough. */
static uint8_t *byte_at(const struct iovec *vectors, size_t offset)
{
	while (offset >= vectors->iov_len)
		offset -= vectors++->iov_len;
	return (uint8_t *)vectors->iov_base + offset;
}

static size_t vectors_length(const struct iovec *vectors, unsigned int count)
{
	size_t length = 0;

	while (count)
		length += vectors[--count].iov_len;
	return length;
}

/*
 * Read a packet from the tap into the next chain.  Returns enum user_run:
 * USER_AGAIN with a packet.
 */
static int read_packet(struct user_queue *queue)
{
	struct user_net *net = queue->private;
	unsigned int number = offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers);
	ssize_t length;
	size_t room;
	int count;

	count = take_buffers(queue);
	if (count <= 0)
		return count ? count : USER_EMPTY;
	room = vectors_length(net->vectors, count);
	if (room < TAP_HEADER_LENGTH)
		return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	net->vectors[count].iov_base = net->overflow;
	net->vectors[count].iov_len = PACKET_MAX;
	do {
		length = readv(net->tap, net->vectors, count + 1);
	} while (length < 0 && errno == EINTR);
	if (length < TAP_HEADER_LENGTH) {
		put_back(queue);
		/* A tap whose interface was removed is in error for ever. */
		return length < 0 && errno == EAGAIN ? USER_WAIT : USER_EMPTY;
	}

	net->length = length;
	net->taken[0].length = min_t(size_t, length, room);
	net->overflow_length = length - net->taken[0].length;
	net->overflow_done = 0;
	net->num_buffers[0] = byte_at(net->vectors, number);
	net->num_buffers[1] = byte_at(net->vectors, number + 1);
	return USER_AGAIN;
}

/* Move some of the overflow into the next chain.  Returns 1, 0 without, -errno. */
static int spread_overflow(struct user_queue *queue)
{
	struct user_net *net = queue->private;
	size_t piece;
	int count;
	int i;

	count = take_buffers(queue);
	if (count <= 0)
		return count;
	for (i = 0; i < count; i++) {
		piece = min(net->vectors[i].iov_len, net->overflow_length - net->overflow_done);
		memcpy(net->vectors[i].iov_base, net->overflow + net->overflow_done, piece);
		net->overflow_done += piece;
		net->taken[net->chains - 1].length += piece;
	}
	return 1;
}

/* All of the packet has its place.  Returns 0 or -errno. */
static int deliver_packet(struct user_queue *queue)
{
	struct user_net *net = queue->private;
	unsigned int i;
	int err = 0;

	*net->num_buffers[0] = net->chains;
	*net->num_buffers[1] = net->chains >> 8;
	for (i = 0; i < net->chains && !err; i++)
		err = virtqueue_push(&queue->ring, net->taken[i].id, net->taken[i].length);
	forget_packet(net);
	return err;
}

/* Returns enum user_run: USER_AGAIN if a packet was received or dropped. */
static int receive_next(struct user_queue *queue)
{
	bool mergeable = queue->backend->features & VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	struct user_net *net = queue->private;
	int ret;

	if (!net->length) {
		ret = read_packet(queue);
		if (ret != USER_AGAIN)
			return ret;
	}
	while (net->overflow_done < net->overflow_length) {
		/* With all chains in hand, or all that it may have, it never fits. */
		if (!mergeable || net->chains == queue->ring.size) {
			put_back(queue);
			return USER_AGAIN;
		}
		ret = spread_overflow(queue);
		if (ret <= 0)
			return ret ? ret : USER_EMPTY;
	}
	ret = deliver_packet(queue);
	return ret ? ret : USER_AGAIN;
}

/* Without buffers the tap may fill up, without waking anyone. */
static int watch_tap(struct user_queue *queue, bool watch)
{
	struct user_net *net = queue->private;
	int err = 0;

	if (watch == net->watching)
		return 0;
	if (watch)
		err = user_queue_watch(queue, net->tap);
	else
		user_queue_unwatch(queue, net->tap);
	if (!err)
		net->watching = watch;
	return err;
}

static int run_receive(struct user_queue *queue)
{
	int ret = USER_AGAIN;
	unsigned int done;
	int err;

	for (done = 0; done < USER_BATCH && ret == USER_AGAIN; done++)
		ret = receive_next(queue);
	if (ret < 0)
		return ret;
	err = watch_tap(queue, ret != USER_EMPTY);
	return err ? err : ret;
}

static int run(struct user_queue *queue)
{
	return is_receive(queue) ? run_receive(queue) : run_transmit(queue);
}

static int start(struct user_queue *queue)
{
	const struct tap *tap = queue->backend->device;
	struct user_net *net = calloc(1, sizeof(*net));

	if (!net)
		return -ENOMEM;
	if (is_receive(queue)) {
		net->overflow = malloc(PACKET_MAX);
		if (!net->overflow) {
			free(net);
			return -ENOMEM;
		}
	}
	net->tap = tap->fds[queue->queue->index / 2];
	queue->private = net;
	return 0;
}

static void stop(struct user_queue *queue)
{
	struct user_net *net = queue->private;

	watch_tap(queue, false);
	put_back(queue);
	free(net->overflow);
	free(net);
}

const struct user_handler user_net_handler = {
	.features	= VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF),
	.start		= start,
	.stop		= stop,
	.run		= run,
};
