// SPDX-License-Identifier: GPL-2.0
/*
 * A network device with a dirty log, and buffers of which is known what is written.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "log_net.h"

/* Of a receive buffer with mergeable buffers: a packet takes up to three. */
#define SMALL_BUFFER 600U
#define LARGE_BUFFER 2000U
#define HUGE_BUFFER 0x100000U

/**
 * log_net_open() - set a device up whose queues run and whose log is not kept yet
 * @guest: to be closed by log_net_close(), also after failure
 * @variant: what with
 * @swap: see log_setup_open()
 *
 * Return: 0 or -errno.
 */
int log_net_open(struct log_net *guest, const struct net_variant *variant, unsigned int swap)
{
	int err;

	srandom(1);
	guest->is_mainline = !strcmp(variant->path, MAINLINE_NET);
	guest->mergeable = variant->features & FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	err = net_setup_prepare(&guest->net, variant, ETHERTYPE_TEST, 0);
	if (!err)
		err = log_setup_open(&guest->log, &guest->net.device, swap);
	if (!err)
		err = log_move_ring(&guest->log, &guest->net.rx);
	if (!err)
		err = log_move_ring(&guest->log, &guest->net.tx);
	if (!err)
		err = log_net_start(guest);
	log_note(&guest->log, NET_TX_SLOT(0), NET_QUEUE_SIZE * NET_SLOT_SIZE, LOG_DRIVER);
	return err;
}

/**
 * log_net_close() - free everything
 * @guest: the device
 */
void log_net_close(struct log_net *guest)
{
	log_net_stop(guest);
	log_ring_destroy(&guest->net.rx);
	log_ring_destroy(&guest->net.tx);
	log_setup_close(&guest->log);
	net_setup_close(&guest->net);
}

/**
 * log_net_start() - have both queues run
 * @guest: they are stopped
 *
 * Return: 0 or -errno.
 */
int log_net_start(struct log_net *guest)
{
	int err = log_map_ring(&guest->log, &guest->net.rx);

	if (!err)
		err = log_map_ring(&guest->log, &guest->net.tx);
	return err ? err : net_setup_start(&guest->net);
}

/**
 * log_net_stop() - stop both queues
 * @guest: they run or not
 *
 * Return: 0 or -errno.
 */
int log_net_stop(struct log_net *guest)
{
	int err = vhost_queue_net_backend(&guest->net.rx, -1);

	return err ? err : vhost_queue_net_backend(&guest->net.tx, -1);
}

/**
 * log_net_switch() - have all that is written logged, or nothing
 * @guest: its queues run or not
 * @on: so or so
 *
 * Return: 0 or -errno.
 */
int log_net_switch(struct log_net *guest, bool on)
{
	struct vhost_queue *rx = &guest->net.rx, *tx = &guest->net.tx;
	int err = log_all(&guest->log, on);

	if (!err)
		err = log_ring(rx, on, log_device_area(rx));
	return err ? err : log_ring(tx, on, log_device_area(tx));
}

/**
 * log_net_add_buffer() - add a receive buffer
 * @guest: the device
 * @address: guest address
 * @length: bytes
 *
 * Return: the head, or -ENOSPC.
 */
int log_net_add_buffer(struct log_net *guest, uint64_t address, uint32_t length)
{
	struct driver_buffer buffer = { address, length };

	return driver_ring_add(&guest->net.rx.ring, &buffer, 0, 1);
}

/*
 * Where so many bytes of a buffer are written to, in two pages: anywhere, or with one
 * byte of them in the first page, or in the last, or the last up to its end.
 */
static uint64_t place(unsigned int n, uint32_t length)
{
	uint64_t pages = GUEST_BORDER(1) - 0x10000 + n * 0x3000ULL;

	switch (below(4)) {
	case 0:
		return pages + LOG_PAGE - 1;
	case 1:
		return pages + LOG_PAGE + 1 - length;
	case 2:
		return pages + LOG_PAGE - length;
	default:
		return pages + below(LOG_PAGE);
	}
}

/* Buffers for a frame of that length.  Returns how many, or -errno. */
static int add_buffers(struct log_net *guest, unsigned int first, unsigned int length)
{
	uint32_t size = guest->mergeable ? SMALL_BUFFER : LARGE_BUFFER;
	uint32_t left = guest->net.header + length;
	uint32_t piece, whole;
	unsigned int count;
	uint64_t address;
	int err;

	for (count = 0; left; count++, left -= piece) {
		piece = left < size ? left : size;
		address = place(first + count, piece);
		/* Not all of a large buffer is written. */
		whole = below(2) || piece < left ? size : HUGE_BUFFER;
		err = log_net_add_buffer(guest, address, whole);
		if (err < 0)
			return err;
		/* Behind an IOTLB mainline takes it all for written. */
		log_note(&guest->log, address,
			 guest->is_mainline && guest->log.iotlb.swap ? whole : piece, LOG_DEVICE);
	}
	return count;
}

/**
 * log_net_add_batch() - add LOG_NET_BATCH frames to each queue
 * @guest: the device
 * @lengths: receives the length of each frame
 *
 * There are receive buffers for frames of just these lengths, in that order, and
 * where the device writes is noted.
 * Return: the number of receive buffers, or -errno.
 */
int log_net_add_batch(struct log_net *guest, unsigned int *lengths)
{
	uint8_t frame[NET_FRAME_MAX];
	unsigned int buffers = 0, i;
	int ret;

	for (i = 0; i < LOG_NET_BATCH; i++) {
		lengths[i] = 60 + below(NET_FRAME_MAX - 60);
		ret = add_buffers(guest, buffers, lengths[i]);
		if (ret < 0)
			return ret;
		buffers += ret;
		net_frame_fill(&guest->net, frame, lengths[i], i);
		ret = net_send(&guest->net, frame, lengths[i], i);
		if (ret < 0)
			return ret;
	}
	return buffers;
}

/**
 * log_net_send_to_guest() - send a frame from the host's end
 * @guest: has a receive buffer, or will have one
 * @length: bytes
 * @number: decides the content
 *
 * Return: 0 or -errno.
 */
int log_net_send_to_guest(struct log_net *guest, unsigned int length, unsigned int number)
{
	uint8_t frame[NET_FRAME_MAX];

	net_frame_fill(&guest->net, frame, length, number);
	return send(guest->net.tap.socket, frame, length, 0) == length ? 0 : -errno;
}

/**
 * log_net_send_batch() - send what the buffers of a batch are for
 * @guest: the device
 * @lengths: of log_net_add_batch()
 * @number: of the batch
 *
 * Return: 0 or -errno.
 */
int log_net_send_batch(struct log_net *guest, const unsigned int *lengths, unsigned int number)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < LOG_NET_BATCH && !err; i++)
		err = log_net_send_to_guest(guest, lengths[i], 1 + number * LOG_NET_BATCH + i);
	return err;
}

/**
 * log_net_run_batch() - have a batch of frames done both ways, from an empty log on
 * @guest: both queues run; they are stopped afterwards, and all is logged
 * @number: of the batch
 *
 * Return: 0 or -errno.
 */
int log_net_run_batch(struct log_net *guest, unsigned int number)
{
	unsigned int lengths[LOG_NET_BATCH];
	int buffers = log_net_add_batch(guest, lengths);
	int err;

	if (buffers <= 0)
		return buffers ? buffers : -ENODATA;
	log_begin(&guest->log);
	vhost_queue_expose(&guest->net.rx);
	vhost_queue_expose(&guest->net.tx);
	err = log_net_send_batch(guest, lengths, number);
	if (!err)
		err = log_reap(&guest->net.rx, buffers);
	if (!err)
		err = log_reap(&guest->net.tx, LOG_NET_BATCH);
	return err ? err : log_net_stop(guest);
}
