/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vqhost_net.ko share.
 */
#ifndef VQHOST_NET_NET_H
#define VQHOST_NET_NET_H

#include <linux/if_tun.h>
#include <linux/net.h>
#include <linux/ptr_ring.h>
#include <linux/uio.h>
#include <net/xdp.h>

#include "../core/trace.h"
#include "../core/vqhost.h"
#include "header.h"

/* Queues of one /dev/vqhost-net file, as of /dev/vhost-net. */
enum {
	NET_QUEUE_RX = 0,
	NET_QUEUE_TX = 1,
	NET_QUEUES = 2,
};

/* Packets handled before the used entries are published. */
#define NET_BATCH 64

/* Chains taken for them: a packet may need hundreds if the driver's buffers are tiny. */
#define NET_BATCH_CHAINS 256

/*
 * Bytes of a packet to be sent, twice what any offload can describe.  The tap would
 * allocate whatever it is offered, and counts in 32 bits: of a packet of 4 GiB
 * it would send what is beyond.
 */
#define NET_PACKET_MAX 0x20000

/**
 * struct net_backend - the tap or macvtap queue behind a virtqueue
 * @file: the queue holds a reference
 * @socket: of @file
 * @ring: packets on their way to the guest
 */
struct net_backend {
	struct file *file;
	struct socket *socket;
	struct ptr_ring *ring;
};

/**
 * struct net_rx - state of a receive queue
 * @packets: taken from the backend's ring, not yet given to the guest
 * @first: index of the next in @packets
 * @count: how many are left
 * @taken: chains that hold the packet being received
 */
struct net_rx {
	void *packets[NET_BATCH];
	unsigned int first;
	unsigned int count;
	struct virtqueue_used taken[UIO_MAXIOV];
};

/**
 * struct net_tx - state of a transmit queue
 * @frames: copied small packets that wait for being sent together
 * @count: how many
 * @bytes: in them
 * @page: the memory they come from
 */
struct net_tx {
	struct xdp_buff frames[NET_BATCH];
	unsigned int count;
	u64 bytes;
	struct page_frag page;
};

/**
 * struct net_queue - &struct vqhost_queue.private of this device type
 * @backend: where packets come from and go to
 * @vectors: the chain or chains at hand, in addresses of the owner
 * @rx: of queue NET_QUEUE_RX
 * @tx: of queue NET_QUEUE_TX
 */
struct net_queue {
	struct net_backend backend;
	struct iovec vectors[UIO_MAXIOV];
	union {
		struct net_rx rx;
		struct net_tx tx;
	};
};

/* backend.c */
int net_backend_get(struct net_backend *backend, int fd);
void net_backend_put(struct net_backend *backend);

/* rx.c */
int net_rx_run(struct vqhost_queue *queue);
bool net_rx_ready(struct vqhost_queue *queue, enum vqhost_run state);
void net_rx_stop(struct net_queue *net);

/* tx.c */
int net_tx_run(struct vqhost_queue *queue);
bool net_tx_ready(struct vqhost_queue *queue, enum vqhost_run state);
void net_tx_stop(struct net_queue *net);

/**
 * net_chain_vectors() - translate a chain, all of it
 * @queue: the chain's queue
 * @chain: just taken
 * @used: vectors filled already
 *
 * Context: the queue's thread.
 * Return: vectors filled in total; -EIO on a broken ring, which it is now if
 * the chain lies outside guest memory or in more pieces than are supported;
 * -EINPROGRESS if part of it is not mapped yet.
 */
static inline int net_chain_vectors(struct vqhost_queue *queue,
				    const struct virtqueue_chain *chain, int used)
{
	struct net_queue *net = queue->private;
	unsigned int segments = chain->readable + chain->writable;
	unsigned int i;
	int filled;

	for (i = 0; i < segments; i++) {
		filled = guest_memory_translate(&queue->memory, chain->segments[i].address,
						chain->segments[i].length, chain->writable,
						&net->vectors[used], UIO_MAXIOV - used);
		if (unlikely(filled == -ENOBUFS))
			return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
		if (unlikely(filled < 0))
			return virtqueue_memory_error(&queue->ring, filled);
		used += filled;
	}
	return used;
}

#endif /* VQHOST_NET_NET_H */
