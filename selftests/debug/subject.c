// SPDX-License-Identifier: GPL-2.0
/*
 * A device, a disk or a network, in steps that may fail and be repeated.
 */
#include <errno.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "../lib/tasks.h"
#include "subject.h"

#define FRAME_LENGTH 700
#define REQUEST_LENGTH 4096

/**
 * subject_open() - everything that is not the device
 * @subject: to be closed by subject_close(), also after failure
 * @variant: what with
 *
 * Return: 0 or -errno.
 */
int subject_open(struct subject *subject, const struct subject_variant *variant)
{
	memset(subject, 0, sizeof(*subject));
	subject->variant = variant;
	subject->is_net = !strcmp(variant->path, VQHOST_NET);
	subject->net.device.fd = -1;
	subject->net.tap.fd = -1;
	subject->net.tap.socket = -1;
	subject->store = -1;
	if (!subject->is_net) {
		subject->store = store_open(variant->store, O_RDWR);
		return subject->store < 0 ? subject->store : 0;
	}
	subject->net.header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return tap_open(&subject->net.tap, TAP, subject->net.header, ETHERTYPE_TEST, 0);
}

/**
 * subject_close() - close what subject_open() opened
 * @subject: its device is closed
 */
void subject_close(struct subject *subject)
{
	tap_close(&subject->net.tap);
	if (subject->store >= 0)
		close(subject->store);
}

/**
 * subject_queue() - one of the two queues
 * @subject: the subject
 * @index: 0 or 1
 *
 * Return: the queue.
 */
struct vhost_queue *subject_queue(struct subject *subject, unsigned int index)
{
	if (!subject->is_net)
		return &subject->disk[index];
	return index == NET_RX ? &subject->net.rx : &subject->net.tx;
}

/**
 * subject_open_device() - open, own, features and guest memory
 * @subject: open, without a device
 *
 * Return: 0 or -errno; then there is no device as before.
 */
int subject_open_device(struct subject *subject)
{
	struct vhost_device *device = &subject->net.device;
	int err;

	err = vhost_device_open(device, subject->variant->path, subject->variant->features);
	if (err)
		vhost_device_close(device);
	return err;
}

/**
 * subject_open_queue() - a ring, its eventfds, no polling
 * @subject: with a device
 * @index: of the queue
 *
 * Return: 0 or -errno; then there is no queue as before.
 */
int subject_open_queue(struct subject *subject, unsigned int index)
{
	struct vhost_queue *queue = subject_queue(subject, index);
	unsigned int size = subject->is_net ? NET_QUEUE_SIZE : BLK_QUEUE_SIZE;
	struct vhost_vring_state no_polling = { .index = index };
	int err;

	err = vhost_queue_open(queue, &subject->net.device, index, size, 0);
	if (!err && ioctl(queue->device->fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &no_polling))
		err = -errno;
	if (err)
		vhost_queue_close(queue);
	return err;
}

static int set_backend(struct subject *subject, unsigned int index, bool on)
{
	struct vhost_queue *queue = subject_queue(subject, index);

	if (subject->is_net)
		return vhost_queue_net_backend(queue, on ? subject->net.tap.fd : -1);
	return vhost_queue_blk_backend(queue, on ? subject->store : -1, 0);
}

/**
 * subject_start_queue() - give a queue its backend
 * @subject: with a device
 * @index: of the queue, open
 *
 * Return: 0 or -errno.
 */
int subject_start_queue(struct subject *subject, unsigned int index)
{
	return set_backend(subject, index, true);
}

/**
 * subject_stop_queue() - take its backend from a queue
 * @subject: with a device
 * @index: of the queue
 *
 * Return: 0 or -errno.
 */
int subject_stop_queue(struct subject *subject, unsigned int index)
{
	return set_backend(subject, index, false);
}

/**
 * subject_close_device() - close the device, then the queues
 * @subject: with a device and all queues
 */
void subject_close_device(struct subject *subject)
{
	unsigned int i;

	vhost_device_close(&subject->net.device);
	for (i = 0; i < SUBJECT_QUEUES; i++)
		vhost_queue_close(subject_queue(subject, i));
}

/**
 * subject_thread() - the kernel thread of a queue
 * @subject: with a device
 * @index: of the queue, which has been started
 *
 * Return: its id, or -ESRCH.
 */
pid_t subject_thread(struct subject *subject, unsigned int index)
{
	return task_serving(getpid(), strrchr(subject->variant->path, '/') + 1, index);
}

static int begin_frame(struct subject *subject, unsigned int index)
{
	uint8_t frame[FRAME_LENGTH];
	int ret;

	net_frame_fill(&subject->net, frame, sizeof(frame), ++subject->frame);
	if (index == NET_TX) {
		ret = net_send(&subject->net, frame, sizeof(frame), 0);
	} else {
		ret = subject->net.rx.ring.free_count == NET_QUEUE_SIZE ?
		      net_add_buffer(&subject->net, 0, NET_SLOT_SIZE) : 0;
		if (ret >= 0 && write(subject->net.tap.socket, frame, sizeof(frame)) < 0)
			ret = -errno;
	}
	return ret < 0 ? ret : 0;
}

/* Discard and write zeroes: one range, far from where data are. */
static int begin_ranges(struct vhost_queue *queue, uint32_t type)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = htole64(1024),
		.num_sectors = htole32(16),
	};

	guest_write(queue->device, BLK_DATA(0), &range, sizeof(range));
	return blk_add(queue, 0, type, 0, sizeof(range));
}

/**
 * subject_begin() - show the device one request or frame
 * @subject: running
 * @index: of the queue, which is idle
 * @type: VIRTIO_BLK_T_* of a disk
 *
 * Return: 0 or -errno.
 */
int subject_begin(struct subject *subject, unsigned int index, uint32_t type)
{
	struct vhost_queue *queue = subject_queue(subject, index);
	uint8_t data[REQUEST_LENGTH];
	int ret;

	if (subject->is_net) {
		ret = begin_frame(subject, index);
	} else if (type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES) {
		ret = begin_ranges(queue, type);
	} else if (type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_OUT) {
		blk_pattern(data, sizeof(data), 8, type == VIRTIO_BLK_T_OUT ? 1 : 2);
		guest_write(queue->device, BLK_DATA(0), data, sizeof(data));
		ret = blk_add(queue, 0, type, 8, sizeof(data));
	} else {
		ret = blk_add(queue, 0, type, 0, type == VIRTIO_BLK_T_FLUSH ? 0 :
						     VIRTIO_BLK_ID_BYTES);
	}
	if (ret >= 0)
		vhost_queue_expose(queue);
	return ret < 0 ? ret : 0;
}

/* A frame is one of ours, whole. */
static int check_frame(struct subject *subject, const uint8_t *frame, int length)
{
	uint8_t wanted[FRAME_LENGTH];
	unsigned int number;

	if (length != FRAME_LENGTH)
		return -EPROTO;
	memcpy(&number, frame + 14, sizeof(number));
	net_frame_fill(&subject->net, wanted, sizeof(wanted), number);
	return number <= subject->frame && !memcmp(frame, wanted, length) ? 0 : -EPROTO;
}

static int finish_frame(struct subject *subject, unsigned int index)
{
	struct net_setup *net = &subject->net;
	uint8_t frame[2 * FRAME_LENGTH];
	int ret;

	if (index == NET_RX) {
		ret = net_receive(net, frame, sizeof(frame));
		return ret < 0 ? ret : check_frame(subject, frame + net->header,
						   ret - net->header);
	}
	ret = vhost_queue_wait(&net->tx, 1);
	if (!ret)
		ret = driver_ring_reap(&net->tx.ring, NULL);
	if (ret >= 0)
		ret = net_receive_from_socket(net, frame, sizeof(frame));
	return ret < 0 ? ret : check_frame(subject, frame, ret);
}

/**
 * subject_finish() - wait for what subject_begin() began, and look at it
 * @subject: running, no failure is to come
 * @index: of the queue
 *
 * Return: 0; positive, the status of a disk's request; -errno.
 */
int subject_finish(struct subject *subject, unsigned int index)
{
	struct vhost_queue *queue = subject_queue(subject, index);
	int ret;

	if (subject->is_net)
		return finish_frame(subject, index);
	ret = vhost_queue_wait(queue, 1);
	if (!ret)
		ret = driver_ring_reap(&queue->ring, NULL);
	return ret < 0 ? ret : blk_status(queue, 0);
}

/* Write, read and compare. */
static int use_disk(struct subject *subject, unsigned int index)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_IN };
	uint8_t wanted[REQUEST_LENGTH], found[REQUEST_LENGTH];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 2; i++) {
		ret = subject_begin(subject, index, types[i]);
		if (!ret)
			ret = subject_finish(subject, index);
	}
	if (ret)
		return ret;
	blk_pattern(wanted, sizeof(wanted), 8, 1);
	guest_read(&subject->net.device, found, BLK_DATA(0), sizeof(found));
	return memcmp(wanted, found, sizeof(found)) ? -EPROTO : 0;
}

/**
 * subject_use() - a little of everything on each queue
 * @subject: all queues running and idle
 *
 * Return: 0 if all went well; otherwise as subject_finish().
 */
int subject_use(struct subject *subject)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < SUBJECT_QUEUES; i++) {
		if (!subject->is_net) {
			ret = use_disk(subject, i);
			continue;
		}
		ret = subject_begin(subject, i, 0);
		if (!ret)
			ret = subject_finish(subject, i);
	}
	return ret;
}
