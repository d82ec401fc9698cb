// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: from the guest to the tap.
 *
 * Small packets are copied and handed to the tap NET_BATCH at a time, which
 * saves the network stack's fixed costs per call.  Large ones, segmentation
 * offload above all, are sent one by one straight from guest memory.  The order
 * of packets is kept: a large one sends what is waiting first.
 */
#include <linux/etherdevice.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "net.h"

/* In front of a copied packet: what the tap wants to know, and headroom. */
#define FRAME_HEADROOM SKB_DATA_ALIGN(sizeof(struct tun_xdp_hdr) + NET_SKB_PAD + NET_IP_ALIGN)
#define FRAME_TAILROOM SKB_DATA_ALIGN(sizeof(struct skb_shared_info))

/* A larger packet is cheaper to send from where it lies. */
#define FRAME_SIZE_MAX PAGE_SIZE

static size_t frame_size(size_t length)
{
	return SKB_DATA_ALIGN(FRAME_HEADROOM + length) + FRAME_TAILROOM;
}

/* Hand the waiting frames to the tap, which owns their memory from then on. */
static void send_frames(struct vqhost_queue *queue)
{
	struct net_queue *net = queue->private;
	struct tun_msg_ctl control = {
		.type = TUN_MSG_PTR,
		.num = net->tx.count,
		.ptr = net->tx.frames,
	};
	struct msghdr message = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
		.msg_flags = MSG_DONTWAIT,
	};
	struct socket *socket = net->backend.socket;
	unsigned int i;
	int err;

	if (!net->tx.count)
		return;
	err = socket->ops->sendmsg(socket, &message, 0);
	if (likely(err >= 0)) {
		vqhost_count(&queue->counters.bytes, net->tx.bytes);
	} else {
		/* The tap is gone from its device and took nothing. */
		for (i = 0; i < net->tx.count; i++) {
			put_page(virt_to_head_page(net->tx.frames[i].data));
			vqhost_count_error(queue, err);
		}
	}
	net->tx.count = 0;
	net->tx.bytes = 0;
}

/*
 * Copy a packet behind the waiting frames.  Returns 0, or -errno if the packet
 * cannot be sent at all: then it is dropped.
 */
static int copy_frame(struct vqhost_queue *queue, struct iov_iter *from, size_t length)
{
	struct net_queue *net = queue->private;
	struct page_frag *page = &net->tx.page;
	struct xdp_buff *frame = &net->tx.frames[net->tx.count];
	size_t size = frame_size(length);
	struct tun_xdp_hdr *header;
	void *start;

	if (unlikely(!skb_page_frag_refill(size, page, GFP_KERNEL)))
		return -ENOMEM;
	start = page_address(page->page) + page->offset;
	header = start;
	header->buflen = size;

	if (vqhost_has_feature(queue->device, VHOST_NET_F_VIRTIO_NET_HDR)) {
		memset(&header->gso, 0, sizeof(header->gso));
		iov_iter_advance(from, net_header_length(queue->device->features));
	} else {
		if (!copy_from_iter_full(&header->gso, sizeof(header->gso), from))
			return -EFAULT;
		iov_iter_advance(from, net_header_length(queue->device->features) -
				 sizeof(header->gso));
		if (!net_header_valid(&header->gso, length))
			return -EINVAL;
	}
	if (!copy_from_iter_full(start + FRAME_HEADROOM, length, from))
		return -EFAULT;

	xdp_init_buff(frame, size, NULL);
	xdp_prepare_buff(frame, start, FRAME_HEADROOM, length, true);
	get_page(page->page);
	page->offset += ALIGN(size, SMP_CACHE_BYTES);
	net->tx.count++;
	net->tx.bytes += length;
	return 0;
}

/* Send a packet straight from guest memory. */
static int send_large(struct vqhost_queue *queue, struct iov_iter *from, size_t length)
{
	struct net_queue *net = queue->private;
	struct socket *socket = net->backend.socket;
	struct msghdr message = { .msg_flags = MSG_DONTWAIT };
	int sent;

	if (vqhost_has_feature(queue->device, VHOST_NET_F_VIRTIO_NET_HDR))
		iov_iter_advance(from, net_header_length(queue->device->features));
	message.msg_iter = *from;
	sent = socket->ops->sendmsg(socket, &message, iov_iter_count(from));
	if (sent < 0)
		return sent;
	vqhost_count(&queue->counters.bytes, length);
	return 0;
}

/*
 * Returns 0; -EAGAIN if the tap cannot take the packet now; another -errno if it is
 * to be dropped.
 */
static int send_packet(struct vqhost_queue *queue, struct iov_iter *from, size_t length)
{
	struct net_queue *net = queue->private;
	/* A limited socket has to see each packet's size. */
	bool limited = net->backend.socket->sk->sk_sndbuf != INT_MAX;
	int err;

	if (unlikely(length < ETH_HLEN || length > NET_PACKET_MAX))
		return -EINVAL;
	if (limited || frame_size(length) > FRAME_SIZE_MAX) {
		send_frames(queue);
		return send_large(queue, from, length);
	}
	err = copy_frame(queue, from, length);
	if (net->tx.count == NET_BATCH)
		send_frames(queue);
	return err;
}

/*
 * Returns 1 if a packet was handled, 0 if none is there, -EAGAIN if the tap cannot
 * take it now, -EINPROGRESS if an address is not mapped yet, -EIO on a broken ring.
 */
static int transmit_next(struct vqhost_queue *queue)
{
	size_t header = net_header_length(queue->device->features);
	struct net_queue *net = queue->private;
	struct virtqueue_chain chain;
	struct iov_iter from;
	u64 length, taken_at;
	int ret, err;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	taken_at = vqhost_trace_time();
	if (unlikely(chain.writable || chain.readable_length < header))
		return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	ret = net_chain_vectors(queue, &chain, 0);
	if (unlikely(ret < 0)) {
		virtqueue_put_back(&queue->ring, 1);
		return ret;
	}

	iov_iter_init(&from, ITER_SOURCE, net->vectors, ret, chain.readable_length);
	length = chain.readable_length - header;
	trace_vqhost_request_submit(queue, chain.id, VQHOST_TRACE_TRANSMIT, 0, length);
	err = send_packet(queue, &from, length);
	if (unlikely(err == -EAGAIN)) {
		virtqueue_put_back(&queue->ring, 1);
		return err;
	}
	if (unlikely(err))
		vqhost_count_error(queue, err);
	ret = virtqueue_push(&queue->ring, chain.id, 0);
	if (unlikely(ret))
		return ret;
	vqhost_count(&queue->counters.requests, 1);
	trace_vqhost_request_complete(queue, chain.id, VQHOST_TRACE_TRANSMIT, err ? 0 : length,
				      err, taken_at);
	return 1;
}

/**
 * net_tx_run() - send one batch of packets
 * @queue: a transmit queue
 *
 * Virtio 1.2, section 5.1.6.2.  Context: the queue's thread.
 * Return: enum vqhost_run, or -EIO on a broken ring.
 */
int net_tx_run(struct vqhost_queue *queue)
{
	unsigned int done;
	int ret, err;

	ret = virtqueue_disable_kicks(&queue->ring);
	for (done = 0; !ret && done < NET_BATCH; done++) {
		ret = transmit_next(queue);
		if (ret <= 0)
			break;
		ret = 0;
	}
	/* The tap has the packets before the driver may reuse their memory. */
	send_frames(queue);
	err = vqhost_queue_publish_batch(queue);
	if (ret == -EAGAIN)
		ret = VQHOST_RUN_BACKEND;
	else if (ret == -EINPROGRESS)
		ret = VQHOST_RUN_MISS;
	else if (!ret)
		ret = done == NET_BATCH ? VQHOST_RUN_AGAIN : VQHOST_RUN_EMPTY;
	return err ? err : ret;
}

/**
 * net_tx_ready() - does the tap take packets again?
 * @queue: a transmit queue
 * @state: what net_tx_run() returned
 *
 * Context: the queue's thread; does not sleep.
 * Return: true if a packet that was refused can be tried again.
 */
bool net_tx_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	struct net_queue *net = queue->private;

	/*
	 * Polling also asks the tap to wake us once there is room.  One that has
	 * lost its link is in error: it refuses packets for good, so they are dropped.
	 */
	return state == VQHOST_RUN_BACKEND &&
	       vfs_poll(net->backend.file, NULL) & (EPOLLOUT | EPOLLERR);
}

/**
 * net_tx_stop() - free what sending needed
 * @net: of a transmit queue, all frames sent
 *
 * Context: process context.
 */
void net_tx_stop(struct net_queue *net)
{
	if (net->tx.page.page)
		put_page(net->tx.page.page);
}
