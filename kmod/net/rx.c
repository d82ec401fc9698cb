// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: from the tap to the guest.
 *
 * Packets are taken from the tap's ring NET_BATCH at a time, so their length is
 * known before buffers are taken: as many chains as the packet needs with
 * mergeable buffers, one without.  A packet that fits nowhere is dropped.  A batch
 * is bounded by chains too: the driver chooses how many a packet needs.
 */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>

#include "net.h"

static void *next_packet(struct net_queue *net)
{
	struct net_rx *rx = &net->rx;

	if (!rx->count) {
		rx->first = 0;
		rx->count = ptr_ring_consume_batched(net->backend.ring, rx->packets, NET_BATCH);
		if (!rx->count)
			return NULL;
	}
	return rx->packets[rx->first];
}

static void forget_packet(struct net_queue *net)
{
	net->rx.first++;
	net->rx.count--;
}

/* Bytes that the tap is going to deliver for this packet, without header. */
static size_t packet_length(void *packet)
{
	const struct sk_buff *skb = packet;

	if (tun_is_xdp_frame(packet))
		return tun_ptr_to_xdp(packet)->len;
	return skb->len + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
}

/**
 * struct gathered - buffers for one packet
 * @chains: entries of &struct net_rx.taken
 * @vectors: entries of &struct net_queue.vectors
 * @length: bytes that fit
 */
struct gathered {
	unsigned int chains;
	int vectors;
	size_t length;
};

/*
 * Take chains until a packet fits.  Returns 1 if it does, 0 if chains are
 * missing, -EMSGSIZE if it never will, -EIO on a broken ring, -EINPROGRESS if an
 * address is not mapped yet.
 */
static int gather(struct vqhost_queue *queue, size_t needed, struct gathered *to)
{
	bool mergeable = vqhost_has_feature(queue->device, VIRTIO_NET_F_MRG_RXBUF);
	struct net_queue *net = queue->private;
	struct virtqueue_chain chain;
	int ret;

	*to = (struct gathered) {};
	do {
		ret = virtqueue_next(&queue->ring, &chain);
		if (ret < 0)
			return ret;
		if (!ret)
			/* With the whole queue in hand, nothing will be added. */
			return to->chains == queue->ring.size ? -EMSGSIZE : 0;
		if (unlikely(chain.readable || !chain.writable))
			return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
		net->rx.taken[to->chains].id = chain.id;
		net->rx.taken[to->chains].length = min_t(u64, chain.writable_length,
							 needed - to->length);
		to->chains++;
		ret = net_chain_vectors(queue, &chain, to->vectors);
		if (unlikely(ret < 0))
			return ret;
		to->vectors = ret;
		to->length += chain.writable_length;
	} while (mergeable && to->length < needed);
	return to->length < needed ? -EMSGSIZE : 1;
}

/* num_buffers lies behind the header the tap writes (section 5.1.6.4). */
static int write_num_buffers(struct iov_iter to, unsigned int chains)
{
	__le16 number = cpu_to_le16(chains);

	iov_iter_advance(&to, offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers));
	return copy_to_iter(&number, sizeof(number), &to) == sizeof(number) ? 0 : -EFAULT;
}

/* The packet belongs to the tap again, whatever comes of it. */
static int copy_packet(struct vqhost_queue *queue, void *packet, size_t needed,
		       const struct gathered *into)
{
	static const struct virtio_net_hdr_mrg_rxbuf no_offload;
	u32 header = net_header_length(queue->device->features);
	struct net_queue *net = queue->private;
	struct socket *socket = net->backend.socket;
	struct msghdr message = { .msg_control = packet };
	struct iov_iter start;
	int received;

	iov_iter_init(&start, ITER_DEST, net->vectors, into->vectors, needed);
	message.msg_iter = start;
	if (vqhost_has_feature(queue->device, VHOST_NET_F_VIRTIO_NET_HDR)) {
		if (copy_to_iter(&no_offload, header, &message.msg_iter) != header) {
			tun_ptr_free(packet);
			return -EFAULT;
		}
		needed -= header;
	}
	received = socket->ops->recvmsg(socket, &message, needed, MSG_DONTWAIT | MSG_TRUNC);
	if (unlikely(received != needed))
		return received < 0 ? received : -EMSGSIZE;
	if (header == sizeof(no_offload))
		return write_num_buffers(start, into->chains);
	return 0;
}

static int push_all(struct vqhost_queue *queue, unsigned int chains)
{
	const struct net_queue *net = queue->private;
	unsigned int i;
	int err = 0;

	for (i = 0; i < chains && !err; i++)
		err = virtqueue_push(&queue->ring, net->rx.taken[i].id, net->rx.taken[i].length);
	return err;
}

/*
 * Returns 0 if a packet was handled or dropped, VQHOST_RUN_EMPTY,
 * VQHOST_RUN_BACKEND, VQHOST_RUN_MISS, or -EIO.  Adds the chains looked at to
 * *@chains.
 */
static int receive_next(struct vqhost_queue *queue, unsigned int *chains)
{
	struct net_queue *net = queue->private;
	u64 taken_at = vqhost_trace_time();
	void *packet = next_packet(net);
	struct gathered buffers;
	size_t length, needed;
	int ret;

	if (!packet)
		return VQHOST_RUN_BACKEND;
	length = packet_length(packet);
	needed = net_header_length(queue->device->features) + length;
	ret = gather(queue, needed, &buffers);
	*chains += buffers.chains;
	if (ret == 0 || unlikely(ret == -EINPROGRESS)) {
		virtqueue_put_back(&queue->ring, buffers.chains);
		return ret ? VQHOST_RUN_MISS : VQHOST_RUN_EMPTY;
	}
	if (unlikely(ret == -EIO))
		return ret;

	forget_packet(net);
	vqhost_count(&queue->counters.requests, 1);
	if (ret == 1) {
		trace_vqhost_request_submit(queue, net->rx.taken[0].id, VQHOST_TRACE_RECEIVE, 0,
					    length);
		ret = copy_packet(queue, packet, needed, &buffers);
		trace_vqhost_request_complete(queue, net->rx.taken[0].id, VQHOST_TRACE_RECEIVE,
					      ret ? 0 : length, ret, taken_at);
		/* A packet that did not arrive wholly was written in part. */
		if (unlikely(queue->memory.log) &&
		    vqhost_log_vectors(queue, net->vectors, needed))
			return -EIO;
	} else {
		tun_ptr_free(packet);
	}
	if (unlikely(ret)) {
		virtqueue_put_back(&queue->ring, buffers.chains);
		vqhost_count_error(queue, ret);
		return 0;
	}
	vqhost_count(&queue->counters.bytes, length);
	return push_all(queue, buffers.chains);
}

/**
 * net_rx_run() - receive one batch of packets
 * @queue: a receive queue
 *
 * Virtio 1.2, section 5.1.6.3 and 5.1.6.4.  Context: the queue's thread.
 * Return: enum vqhost_run, or -EIO on a broken ring.
 */
int net_rx_run(struct vqhost_queue *queue)
{
	int ret = virtqueue_disable_kicks(&queue->ring);
	unsigned int chains = 0;
	unsigned int done;
	int err;

	for (done = 0; !ret && done < NET_BATCH && chains < NET_BATCH_CHAINS; done++)
		ret = receive_next(queue, &chains);
	/* A driver that has to add buffers waits for those it gave. */
	if (ret == VQHOST_RUN_EMPTY)
		err = vqhost_queue_publish(queue);
	else
		err = vqhost_queue_publish_batch(queue);
	if (err)
		return err;
	return ret ? ret : VQHOST_RUN_AGAIN;
}

static bool is_packet(void *entry)
{
	return entry;
}

/**
 * net_rx_ready() - are there packets from the tap?
 * @queue: a receive queue
 * @state: what net_rx_run() returned
 *
 * Context: the queue's thread; does not sleep.
 * Return: true if there are; false if only the guest's buffers are waited for.
 */
bool net_rx_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	struct net_queue *net = queue->private;

	/*
	 * The tap may resize its ring at any time, so look under its lock.  Unlike
	 * ptr_ring_empty() this reads once what the tap writes under another lock.
	 */
	return state == VQHOST_RUN_BACKEND && PTR_RING_PEEK_CALL(net->backend.ring, is_packet);
}

/**
 * net_rx_stop() - put packets back that the guest has not received
 * @net: of a receive queue
 *
 * Another backend, or this one again, goes on where this one ended.
 * Context: process context.
 */
void net_rx_stop(struct net_queue *net)
{
	if (net->rx.count)
		ptr_ring_unconsume(net->backend.ring, &net->rx.packets[net->rx.first],
				   net->rx.count, tun_ptr_free);
	net->rx.count = 0;
}
