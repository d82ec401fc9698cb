// SPDX-License-Identifier: GPL-2.0
/*
 * A network device with both queues running over a tap.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_setup.h"

/**
 * net_setup_prepare() - set everything up, neither queue running
 * @net: to be closed by net_setup_close(), also after failure
 * @variant: what with
 * @ethertype: see tap_open()
 * @offload: see tap_open()
 *
 * Return: 0 or -errno.
 */
int net_setup_prepare(struct net_setup *net, const struct net_variant *variant, int ethertype,
		      int offload)
{
	uint64_t with_num_buffers = FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	int err;

	memset(net, 0, sizeof(*net));
	if (!strcmp(variant->path, MAINLINE_NET) && access(MAINLINE_NET, F_OK) &&
	    system("modprobe vhost_net"))
		return -ECHILD;
	net->header = variant->features & with_num_buffers ?
		      sizeof(struct virtio_net_hdr_mrg_rxbuf) : sizeof(struct virtio_net_hdr);
	err = tap_open(&net->tap, variant->kind, net->header, ethertype, offload);
	if (!err)
		err = vhost_device_open(&net->device, variant->path, variant->features);
	if (!err)
		err = vhost_queue_open(&net->rx, &net->device, NET_RX, NET_QUEUE_SIZE,
				       variant->base);
	if (!err)
		err = vhost_queue_open(&net->tx, &net->device, NET_TX, NET_QUEUE_SIZE,
				       variant->base);
	return err;
}

/**
 * net_setup_start() - have both queues running
 * @net: neither of them is
 *
 * Return: 0 or -errno.
 */
int net_setup_start(struct net_setup *net)
{
	int err = vhost_queue_net_backend(&net->rx, net->tap.fd);

	return err ? err : vhost_queue_net_backend(&net->tx, net->tap.fd);
}

/**
 * net_setup_open() - set everything up, both queues running
 * @net: to be closed by net_setup_close(), also after failure
 * @variant: what with
 * @ethertype: see tap_open()
 * @offload: see tap_open()
 *
 * Return: 0 or -errno.
 */
int net_setup_open(struct net_setup *net, const struct net_variant *variant, int ethertype,
		   int offload)
{
	int err = net_setup_prepare(net, variant, ethertype, offload);

	return err ? err : net_setup_start(net);
}

/**
 * net_setup_close() - stop and free everything
 * @net: the setup
 */
void net_setup_close(struct net_setup *net)
{
	vhost_device_close(&net->device);
	vhost_queue_close(&net->rx);
	vhost_queue_close(&net->tx);
	tap_close(&net->tap);
}

/**
 * net_frame_fill() - an Ethernet frame that is like no other
 * @net: whose guest it is for
 * @frame: destination
 * @length: bytes, at least 18
 * @number: decides the content
 */
void net_frame_fill(struct net_setup *net, uint8_t *frame, unsigned int length, unsigned int number)
{
	unsigned int i;

	memcpy(frame, net->tap.mac, 6);
	memcpy(frame + 6, "\2\0\0\0\0\1", 6);
	frame[12] = ETHERTYPE_TEST >> 8;
	frame[13] = ETHERTYPE_TEST & 0xff;
	memcpy(frame + 14, &number, sizeof(number));
	for (i = 18; i < length; i++)
		frame[i] = number * 31 + i * 7 + (i >> 8);
}

/**
 * net_send() - add a frame, with an empty header, to the transmit queue
 * @net: the setup
 * @frame: content
 * @length: bytes
 * @slot: guest memory for it
 *
 * Return: the head, or -ENOSPC.
 */
int net_send(struct net_setup *net, const uint8_t *frame, unsigned int length, unsigned int slot)
{
	struct driver_buffer buffer = { NET_TX_SLOT(slot), net->header + length };
	static const uint8_t no_offload[sizeof(struct virtio_net_hdr_mrg_rxbuf)];

	guest_write(&net->device, buffer.address, no_offload, net->header);
	guest_write(&net->device, buffer.address + net->header, frame, length);
	return driver_ring_add(&net->tx.ring, &buffer, 1, 0);
}

/**
 * net_receive_from_socket() - wait for a frame at the host's end
 * @net: the setup
 * @frame: destination
 * @size: room there
 *
 * Return: its length, or -errno.
 */
int net_receive_from_socket(struct net_setup *net, uint8_t *frame, unsigned int size)
{
	struct pollfd readable = { .fd = net->tap.socket, .events = POLLIN };
	ssize_t length;

	if (poll(&readable, 1, TIME_LIMIT_MS) != 1)
		return -ETIMEDOUT;
	length = recv(net->tap.socket, frame, size, 0);
	return length < 0 ? -errno : length;
}

/**
 * net_add_buffer() - add a buffer to the receive queue
 * @net: the setup
 * @slot: guest memory for it
 * @length: bytes
 *
 * Return: the head, or -ENOSPC.
 */
int net_add_buffer(struct net_setup *net, unsigned int slot, unsigned int length)
{
	struct driver_buffer buffer = { NET_RX_SLOT(slot), length };

	return driver_ring_add(&net->rx.ring, &buffer, 0, 1);
}

/**
 * net_receive() - wait for a frame at the guest's end
 * @net: the setup, whose receive buffers were all added by net_add_buffer()
 * @frame: destination, header first
 * @size: room there
 *
 * A frame may fill several buffers: the header says how many.
 * Return: its length with the header; -EPROTO if it is not as long as the
 * buffers say; -errno.
 */
int net_receive(struct net_setup *net, uint8_t *frame, unsigned int size)
{
	unsigned int buffers = 1, filled = 0, i;
	uint16_t num_buffers;
	uint32_t length;
	int err, head;

	for (i = 0; i < buffers; i++) {
		err = i ? 0 : vhost_queue_wait(&net->rx, 1);
		if (err)
			return err;
		/* All buffers of a frame appear at once. */
		head = driver_ring_reap(&net->rx.ring, &length);
		if (head < 0)
			return head;
		if (filled + length > size)
			return -EMSGSIZE;
		guest_read(&net->device, frame + filled, net->rx.ring.address[head], length);
		filled += length;
		if (i || net->header < sizeof(struct virtio_net_hdr_mrg_rxbuf))
			continue;
		if (length < net->header)
			return -EPROTO;
		memcpy(&num_buffers, frame + sizeof(struct virtio_net_hdr), sizeof(num_buffers));
		buffers = num_buffers;
	}
	return buffers ? (int)filled : -EPROTO;
}

/**
 * net_transmits() - does a frame get out of the guest?
 * @net: the setup, its transmit queue idle
 * @frame: the frame
 * @length: bytes
 *
 * Return: true if it arrives as it was sent.
 */
bool net_transmits(struct net_setup *net, const uint8_t *frame, unsigned int length)
{
	uint8_t received[2048];

	if (net_send(net, frame, length, 0) < 0)
		return false;
	vhost_queue_expose(&net->tx);
	return net_receive_from_socket(net, received, sizeof(received)) == (int)length &&
	       !memcmp(received, frame, length) && !vhost_queue_wait(&net->tx, 1) &&
	       driver_ring_reap(&net->tx.ring, NULL) >= 0;
}

/**
 * net_receives() - does a frame get into the guest?
 * @net: the setup, its receive queue without buffers
 * @frame: the frame
 * @length: bytes
 *
 * Return: true if it arrives as it was sent.
 */
bool net_receives(struct net_setup *net, const uint8_t *frame, unsigned int length)
{
	uint8_t received[2048];

	if (net_add_buffer(net, 0, 2048) < 0)
		return false;
	vhost_queue_expose(&net->rx);
	return send(net->tap.socket, frame, length, 0) == (ssize_t)length &&
	       net_receive(net, received, sizeof(received)) == (int)(net->header + length) &&
	       !memcmp(received + net->header, frame, length);
}
