// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed rings: each stops its own queue, says so through its error eventfd
 * and statistics, and leaves the other queue, and the host, as they were.  After
 * a new set-up the queue works again.  What is wrong with them is in broken_split.c
 * and broken_packed.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blk_setup.h"
#include "broken.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

/*
 * A queue that serves requests, broken.  Returns what went otherwise than it
 * should, or NULL.
 */
static const char *stops(struct vhost_queue *queue, const struct broken_format *format,
			 const struct malformation *malformation, enum virtqueue_error error)
{
	static char other_error[32];
	struct vqhost_vring_stats stats;
	uint64_t breaks;
	uint32_t used;

	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	breaks = stats.breaks[error];
	eventfd_take(queue->error);
	used = driver_ring_device_base(&queue->ring);
	malformation->provoke(queue);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, TIME_LIMIT_MS) != 1)
		return "the error eventfd is not signalled once";
	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	if (stats.error != error) {
		snprintf(other_error, sizeof(other_error), "the error is %u", stats.error);
		return other_error;
	}
	if (driver_ring_device_base(&queue->ring) != used)
		return "a malformed chain was used";

	/* A good chain is not taken any more, and the error not told again. */
	format->offer_good(queue);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, 5))
		return "the error eventfd is signalled again";
	if (vhost_queue_stats(queue, &stats) || stats.breaks[error] != breaks + 1)
		return "the break is not counted once";
	if (driver_ring_device_base(&queue->ring) != used)
		return "the queue goes on";
	return NULL;
}

FIXTURE(broken_blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct vhost_queue other;
	int store;
};

FIXTURE_VARIANT(broken_blk) {
	const struct broken_format *format;
};

FIXTURE_VARIANT_ADD(broken_blk, split) {
	.format = &broken_split,
};

FIXTURE_VARIANT_ADD(broken_blk, packed) {
	.format = &broken_packed,
};

FIXTURE_SETUP(broken_blk)
{
	const struct broken_format *format = variant->format;
	uint64_t features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX) | format->features;

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, format->size,
				      format->base(0)));
	ASSERT_EQ(0, vhost_queue_open(&self->other, &self->device, 1, format->size,
				      format->base(2)));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->other, self->store, 0));
}

FIXTURE_TEARDOWN(broken_blk)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	vhost_queue_close(&self->other);
	close(self->store);
}

/* Set a queue up anew, whatever state it is in. */
static int restart_blk(struct vhost_queue *queue, int store, uint16_t base)
{
	int err = vhost_queue_blk_backend(queue, -1, 0);

	if (!err)
		err = vhost_queue_get_base(queue) < 0 ? -1 : vhost_queue_reset(queue, base);
	return err ? err : vhost_queue_blk_backend(queue, store, 0);
}

TEST_F_TIMEOUT(broken_blk, stops_and_recovers, TEST_TIME_LIMIT)
{
	const struct broken_format *format = variant->format;
	const struct malformation *malformation;
	enum virtqueue_error error;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < format->any_count; i++) {
		malformation = &format->any[i];
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096))
			TH_LOG("before %s", malformation->name);
		/* A chain of one readable buffer is no request, wherever it lies. */
		error = malformation->shape ? VIRTQUEUE_REQUEST : malformation->error;
		wrong = stops(&self->queue, format, malformation, error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformation->name, wrong);
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->other, VIRTIO_BLK_T_IN, 0, 4096));
		ASSERT_EQ(0, restart_blk(&self->queue, self->store, format->base(i)));
	}
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	EXPECT_EQ(0, eventfd_take(self->other.error));
}

/* Where each part of a request can lie outside guest memory. */
TEST_F_TIMEOUT(broken_blk, parts_outside_memory, TEST_TIME_LIMIT)
{
	struct driver_buffer good[] = {
		{ BLK_HEADER(0), 16 }, { BLK_DATA(0), 4096 }, { BLK_STATUS(0), 1 },
	};
	struct driver_buffer buffers[3];
	struct vqhost_vring_stats stats;
	unsigned int part;

	for (part = 0; part < 3; part++) {
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
		memcpy(buffers, good, sizeof(good));
		buffers[part].address = NOWHERE + 16 - buffers[part].length;
		ASSERT_LE(0, driver_ring_add(&self->queue.ring, buffers, 1, 2));
		vhost_queue_expose(&self->queue);
		EXPECT_EQ(1, eventfd_wait(self->queue.error, TIME_LIMIT_MS));
		ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
		EXPECT_EQ(VIRTQUEUE_MEMORY, stats.error);
		EXPECT_EQ(0, driver_ring_used(&self->queue.ring));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->other, VIRTIO_BLK_T_IN, 0, 4096));

		ASSERT_EQ(0, restart_blk(&self->queue, self->store, variant->format->base(part)));
		ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
		EXPECT_EQ(0, stats.error);
	}
}

/* Broken while requests are under way: they are waited for and forgotten. */
TEST_F_TIMEOUT(broken_blk, with_requests_under_way, TEST_TIME_LIMIT)
{
	const struct broken_format *format = variant->format;
	struct vhost_queue *queue = &self->queue;
	struct vqhost_vring_stats stats;
	unsigned int round, n;
	int store, id = -1;

	store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, store);
	for (round = 0; round < 6; round++) {
		ASSERT_EQ(0, restart_blk(queue, store, format->base(round)));
		for (n = 0; n < format->size / 4; n++) {
			id = blk_add(queue, n, VIRTIO_BLK_T_IN, n, SECTOR);
			ASSERT_LE(0, id);
		}
		format->add_bad(queue, id);
		vhost_queue_expose(queue);
		eventfd_write(queue->kick, 1);
		EXPECT_EQ(1, eventfd_wait(queue->error, TIME_LIMIT_MS));
		ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
		EXPECT_EQ(format->bad_error, stats.error);
		EXPECT_LT(0, stats.breaks[format->bad_error]);
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->other, VIRTIO_BLK_T_IN, 0, 4096));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		EXPECT_EQ(0, driver_ring_used(&queue->ring));
	}
	ASSERT_EQ(0, restart_blk(queue, store, format->base(round)));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	close(store);
}

FIXTURE(broken_net) {
	struct net_setup net;
	uint8_t frame[100];
	uint8_t received[2048];
};

FIXTURE_VARIANT(broken_net) {
	const struct broken_format *format;
};

FIXTURE_VARIANT_ADD(broken_net, split) {
	.format = &broken_split,
};

FIXTURE_VARIANT_ADD(broken_net, packed) {
	.format = &broken_packed,
};

FIXTURE_SETUP(broken_net)
{
	struct net_variant with = {
		VQHOST_NET, NET_FEATURES | variant->format->features, TAP,
		variant->format->base(0)
	};

	ASSERT_EQ(0, net_setup_open(&self->net, &with, ETHERTYPE_TEST, 0));
	net_frame_fill(&self->net, self->frame, sizeof(self->frame), 1);
}

FIXTURE_TEARDOWN(broken_net)
{
	net_setup_close(&self->net);
}

/* A ring of the format's size instead of the one that was set up. */
static int restart_net(struct vhost_queue *queue, int fd, const struct broken_format *format,
		       unsigned int number)
{
	int err = vhost_queue_net_backend(queue, -1);

	queue->ring.size = format->size;
	if (!err)
		err = vhost_queue_reset(queue, format->base(number));
	return err ? err : vhost_queue_net_backend(queue, fd);
}

TEST_F_TIMEOUT(broken_net, transmit_stops_and_recovers, TEST_TIME_LIMIT)
{
	const struct broken_format *format = variant->format;
	const struct malformation *malformation;
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < format->any_count; i++) {
		malformation = &format->any[i];
		ASSERT_EQ(0, restart_net(&net->tx, net->tap.fd, format, i));
		ASSERT_TRUE(net_transmits(net, self->frame, sizeof(self->frame)))
			TH_LOG("before %s", malformation->name);
		wrong = stops(&net->tx, format, malformation, malformation->error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformation->name, wrong);
		EXPECT_TRUE(net_receives(net, self->frame, sizeof(self->frame)));
	}
	ASSERT_EQ(0, restart_net(&net->tx, net->tap.fd, format, 0));
	EXPECT_TRUE(net_transmits(net, self->frame, sizeof(self->frame)));
	EXPECT_EQ(0, eventfd_take(net->rx.error));
}

/* What can go wrong with a receive buffer; the packet comes once it works again. */
TEST_F_TIMEOUT(broken_net, receive_stops_and_recovers, TEST_TIME_LIMIT)
{
	const struct broken_format *format = variant->format;
	const struct malformation *malformation;
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < format->receive_count; i++) {
		malformation = &format->receive[i];
		ASSERT_EQ(0, restart_net(&net->rx, net->tap.fd, format, i));
		ASSERT_TRUE(net_receives(net, self->frame, sizeof(self->frame)));
		ASSERT_EQ(sizeof(self->frame),
			  send(net->tap.socket, self->frame, sizeof(self->frame), 0));
		wrong = stops(&net->rx, format, malformation, malformation->error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformation->name, wrong);
		EXPECT_TRUE(net_transmits(net, self->frame, sizeof(self->frame)));

		ASSERT_EQ(0, restart_net(&net->rx, net->tap.fd, format, 0));
		ASSERT_LE(0, net_add_buffer(net, 0, 2048));
		vhost_queue_expose(&net->rx);
		EXPECT_EQ(net->header + sizeof(self->frame),
			  net_receive(net, self->received, sizeof(self->received)));
	}
}

TEST_HARNESS_MAIN
