// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed rings: each stops its own queue, says so through its error eventfd
 * and statistics, and leaves the other queue, and the host, as they were.  After
 * a new set-up the queue works again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define TABLE (GUEST_BORDER(3) + 0x1000)
#define NOWHERE (GUEST_MEMORY + GUEST_MEMORY_SIZE)

/* The descriptor that begins all malformed chains; the ones before it are in use. */
#define HEAD 15
#define SIZE 16

static void direct(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		   uint16_t flags, uint16_t next)
{
	driver_descriptor_write(&queue->ring.descriptors[index], address, length, flags, next);
}

static void table(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		  uint16_t flags, uint16_t next)
{
	struct vring_desc descriptor;

	driver_descriptor_write(&descriptor, address, length, flags, next);
	guest_write(queue->device, TABLE + index * sizeof(descriptor), &descriptor,
		    sizeof(descriptor));
}

static void offer(struct vhost_queue *queue)
{
	driver_ring_add_head(&queue->ring, HEAD);
	driver_ring_expose(&queue->ring);
}

static void offer_table(struct vhost_queue *queue, uint32_t bytes)
{
	direct(queue, HEAD, TABLE, bytes, VRING_DESC_F_INDIRECT, 0);
	offer(queue);
}

static void address_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE, 64, 0, 0);
	offer(queue);
}

static void address_half_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE - 8, 64, 0, 0);
	offer(queue);
}

static void address_below(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY - 1, 64, 0, 0);
	offer(queue);
}

static void address_wraps(struct vhost_queue *queue)
{
	direct(queue, HEAD, ~0ULL - 8, 64, 0, 0);
	offer(queue);
}

static void table_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE, 64, VRING_DESC_F_INDIRECT, 0);
	offer(queue);
}

static void loop(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, HEAD - 1);
	direct(queue, HEAD - 1, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, HEAD);
	offer(queue);
}

static void longer_than_queue(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		table(queue, i, GUEST_MEMORY, 64, i < SIZE ? VRING_DESC_F_NEXT : 0, i + 1);
	offer_table(queue, (SIZE + 1) * sizeof(struct vring_desc));
}

static void next_out_of_range(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_NEXT, SIZE);
	offer(queue);
}

static void table_in_table(struct vhost_queue *queue)
{
	table(queue, 0, TABLE, 16, VRING_DESC_F_INDIRECT, 0);
	offer_table(queue, 16);
}

static void table_with_next(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0, 0);
	direct(queue, HEAD, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, HEAD - 1);
	offer(queue);
}

static void table_of_nothing(struct vhost_queue *queue)
{
	offer_table(queue, 0);
}

static void table_of_half_a_descriptor(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0, 0);
	offer_table(queue, 24);
}

static void wrong_direction(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, HEAD - 1);
	direct(queue, HEAD - 1, GUEST_MEMORY, 64, 0, 0);
	offer(queue);
}

static void zero_length(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 0, 0, 0);
	offer(queue);
}

static void index_too_far(struct vhost_queue *queue)
{
	driver_ring_set_available_index(&queue->ring, queue->ring.exposed + SIZE + 1);
}

static void index_backwards(struct vhost_queue *queue)
{
	driver_ring_set_available_index(&queue->ring, queue->ring.exposed - 1);
}

static void head_out_of_range(struct vhost_queue *queue)
{
	driver_ring_add_head(&queue->ring, SIZE);
	driver_ring_expose(&queue->ring);
}

/* One area of the ring moves to where nobody can read or write. */
static void move_area(struct vhost_queue *queue, bool descriptors, bool available, bool used)
{
	uintptr_t nowhere = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
					    -1, 0);
	struct vhost_vring_addr address = {
		.index = queue->index,
		.desc_user_addr = descriptors ? nowhere : (uintptr_t)queue->ring.descriptors,
		.avail_user_addr = available ? nowhere : (uintptr_t)queue->ring.available,
		.used_user_addr = used ? nowhere : (uintptr_t)queue->ring.used,
	};

	ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address);
}

static void descriptors_gone(struct vhost_queue *queue)
{
	move_area(queue, true, false, false);
	offer(queue);
}

static void driver_area_gone(struct vhost_queue *queue)
{
	move_area(queue, false, true, false);
}

static void device_area_gone(struct vhost_queue *queue)
{
	move_area(queue, false, false, true);
}

/* What a transmit queue and a disk cannot take: nothing readable, or no status. */
static void bad_request(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 64, VRING_DESC_F_WRITE, 0);
	offer(queue);
}

/* A header that a disk cannot read to its end, a packet without its header. */
static void short_request(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 9, 0, 0);
	offer(queue);
}

static const struct {
	const char *name;
	void (*provoke)(struct vhost_queue *queue);
	enum virtqueue_error error;
	bool shape;	/* the type finds out, by the chain's shape, before its address */
} malformations[] = {
	{ "address outside", address_outside, VIRTQUEUE_MEMORY, true },
	{ "address half outside", address_half_outside, VIRTQUEUE_MEMORY, true },
	{ "address below", address_below, VIRTQUEUE_MEMORY, true },
	{ "address wraps", address_wraps, VIRTQUEUE_ADDRESS_WRAP },
	{ "table outside", table_outside, VIRTQUEUE_MEMORY },
	{ "loop", loop, VIRTQUEUE_CHAIN_LENGTH },
	{ "longer than the queue", longer_than_queue, VIRTQUEUE_CHAIN_LENGTH },
	{ "next out of range", next_out_of_range, VIRTQUEUE_NEXT_RANGE },
	{ "table in a table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "table with next", table_with_next, VIRTQUEUE_INDIRECT_NEXT },
	{ "table of nothing", table_of_nothing, VIRTQUEUE_INDIRECT_SIZE },
	{ "table of half a descriptor", table_of_half_a_descriptor, VIRTQUEUE_INDIRECT_SIZE },
	{ "wrong direction", wrong_direction, VIRTQUEUE_DIRECTION },
	{ "zero length", zero_length, VIRTQUEUE_ZERO_LENGTH },
	{ "index too far", index_too_far, VIRTQUEUE_AVAIL_JUMP },
	{ "index backwards", index_backwards, VIRTQUEUE_AVAIL_JUMP },
	{ "head out of range", head_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "descriptors gone", descriptors_gone, VIRTQUEUE_RING_FAULT },
	{ "driver area gone", driver_area_gone, VIRTQUEUE_RING_FAULT },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
	{ "bad request", bad_request, VIRTQUEUE_REQUEST },
	{ "short request", short_request, VIRTQUEUE_REQUEST },
};

/*
 * A queue that serves requests, broken.  Returns what went otherwise than it
 * should, or NULL.
 */
static const char *stops(struct vhost_queue *queue, void (*provoke)(struct vhost_queue *queue),
			 enum virtqueue_error error)
{
	static char other_error[32];
	struct vqhost_vring_stats stats;
	uint64_t breaks;
	uint16_t used;

	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	breaks = stats.breaks[error];
	eventfd_take(queue->error);
	used = driver_ring_used_index(&queue->ring);
	provoke(queue);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, TIME_LIMIT_MS) != 1)
		return "the error eventfd is not signalled once";
	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	if (stats.error != error) {
		snprintf(other_error, sizeof(other_error), "the error is %u", stats.error);
		return other_error;
	}
	if (driver_ring_used_index(&queue->ring) != used)
		return "a malformed chain was used";

	/* A good chain is not taken any more, and the error not told again. */
	driver_ring_add_head(&queue->ring, 0);
	driver_ring_expose(&queue->ring);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, 5))
		return "the error eventfd is signalled again";
	if (vhost_queue_stats(queue, &stats) || stats.breaks[error] != breaks + 1)
		return "the break is not counted once";
	if (driver_ring_used_index(&queue->ring) != used)
		return "the queue goes on";
	return NULL;
}

FIXTURE(broken_blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct vhost_queue other;
	int store;
};

FIXTURE_SETUP(broken_blk)
{
	uint64_t features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX);

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, SIZE, 65533));
	ASSERT_EQ(0, vhost_queue_open(&self->other, &self->device, 1, SIZE, 0));
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

TEST_F_TIMEOUT(broken_blk, stops_and_recovers, TEST_TIME_LIMIT)
{
	enum virtqueue_error error;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(malformations); i++) {
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096))
			TH_LOG("before %s", malformations[i].name);
		/* A chain of one readable buffer is no request, wherever it lies. */
		error = malformations[i].shape ? VIRTQUEUE_REQUEST : malformations[i].error;
		wrong = stops(&self->queue, malformations[i].provoke, error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformations[i].name, wrong);
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->other, VIRTIO_BLK_T_IN, 0, 4096));

		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		ASSERT_LE(0, vhost_queue_get_base(&self->queue));
		ASSERT_EQ(0, vhost_queue_reset(&self->queue, 7 * i));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
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

		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		ASSERT_EQ(0, vhost_queue_reset(&self->queue, 0));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
		ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
		EXPECT_EQ(0, stats.error);
	}
}

/* Broken while requests are under way: they are waited for and forgotten. */
TEST_F_TIMEOUT(broken_blk, with_requests_under_way, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	struct vqhost_vring_stats stats;
	unsigned int round, n;
	int store;

	store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, store);
	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
		for (n = 0; n < 4; n++)
			ASSERT_LE(0, blk_add(queue, n, VIRTIO_BLK_T_IN, n, SECTOR));
		driver_ring_add_head(&queue->ring, SIZE + round);
		vhost_queue_expose(queue);
		eventfd_write(queue->kick, 1);
		EXPECT_EQ(1, eventfd_wait(queue->error, TIME_LIMIT_MS));
		ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
		EXPECT_EQ(VIRTQUEUE_HEAD_RANGE, stats.error);
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		EXPECT_EQ(0, driver_ring_used(&queue->ring));
		ASSERT_EQ(0, vhost_queue_reset(queue, 0));
	}
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	close(store);
}

FIXTURE(broken_net) {
	struct net_setup net;
	uint8_t frame[100];
	uint8_t received[2048];
};

FIXTURE_SETUP(broken_net)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };

	ASSERT_EQ(0, net_setup_open(&self->net, &with, ETHERTYPE_TEST, 0));
	net_frame_fill(&self->net, self->frame, sizeof(self->frame), 1);
}

FIXTURE_TEARDOWN(broken_net)
{
	net_setup_close(&self->net);
}

static bool transmits(struct net_setup *net, const uint8_t *frame, unsigned int length)
{
	uint8_t received[2048];

	if (net_send(net, frame, length, 0) < 0)
		return false;
	vhost_queue_expose(&net->tx);
	return net_receive_from_socket(net, received, sizeof(received)) == (int)length &&
	       !memcmp(received, frame, length) && !vhost_queue_wait(&net->tx, 1) &&
	       driver_ring_reap(&net->tx.ring, NULL) >= 0;
}

static bool receives(struct net_setup *net, const uint8_t *frame, unsigned int length)
{
	uint8_t received[2048];

	if (net_add_buffer(net, 0, 2048) < 0)
		return false;
	vhost_queue_expose(&net->rx);
	return send(net->tap.socket, frame, length, 0) == (ssize_t)length &&
	       net_receive(net, received, sizeof(received)) == (int)(net->header + length) &&
	       !memcmp(received + net->header, frame, length);
}

/* A ring of SIZE entries instead of the one that was set up. */
static int restart(struct vhost_queue *queue, int fd, uint16_t base)
{
	int err = vhost_queue_net_backend(queue, -1);

	queue->ring.size = SIZE;
	if (!err)
		err = vhost_queue_reset(queue, base);
	return err ? err : vhost_queue_net_backend(queue, fd);
}

TEST_F_TIMEOUT(broken_net, transmit_stops_and_recovers, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(malformations); i++) {
		ASSERT_EQ(0, restart(&net->tx, net->tap.fd, 65533 + 11 * i));
		ASSERT_TRUE(transmits(net, self->frame, sizeof(self->frame)))
			TH_LOG("before %s", malformations[i].name);
		wrong = stops(&net->tx, malformations[i].provoke, malformations[i].error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformations[i].name, wrong);
		EXPECT_TRUE(receives(net, self->frame, sizeof(self->frame)));
	}
	ASSERT_EQ(0, restart(&net->tx, net->tap.fd, 0));
	EXPECT_TRUE(transmits(net, self->frame, sizeof(self->frame)));
	EXPECT_EQ(0, eventfd_take(net->rx.error));
}

static void readable_buffer(struct vhost_queue *queue)
{
	direct(queue, HEAD, GUEST_MEMORY, 2048, 0, 0);
	offer(queue);
}

static void writable_outside(struct vhost_queue *queue)
{
	direct(queue, HEAD, NOWHERE - 100, 2048, VRING_DESC_F_WRITE, 0);
	offer(queue);
}

/* What can go wrong with a receive buffer; the packet comes once it works again. */
TEST_F_TIMEOUT(broken_net, receive_stops_and_recovers, TEST_TIME_LIMIT)
{
	static const struct {
		void (*provoke)(struct vhost_queue *queue);
		enum virtqueue_error error;
	} cases[] = {
		{ readable_buffer, VIRTQUEUE_REQUEST },
		{ writable_outside, VIRTQUEUE_MEMORY },
		{ loop, VIRTQUEUE_CHAIN_LENGTH },
		{ head_out_of_range, VIRTQUEUE_HEAD_RANGE },
		{ index_too_far, VIRTQUEUE_AVAIL_JUMP },
		{ table_in_table, VIRTQUEUE_INDIRECT_NESTED },
		{ device_area_gone, VIRTQUEUE_RING_FAULT },
	};
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, restart(&net->rx, net->tap.fd, 65533 + 11 * i));
		ASSERT_TRUE(receives(net, self->frame, sizeof(self->frame)));
		ASSERT_EQ(sizeof(self->frame),
			  send(net->tap.socket, self->frame, sizeof(self->frame), 0));
		wrong = stops(&net->rx, cases[i].provoke, cases[i].error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("case %u: %s", i, wrong);
		EXPECT_TRUE(transmits(net, self->frame, sizeof(self->frame)));

		ASSERT_EQ(0, restart(&net->rx, net->tap.fd, 0));
		ASSERT_LE(0, net_add_buffer(net, 0, 2048));
		vhost_queue_expose(&net->rx);
		EXPECT_EQ(net->header + sizeof(self->frame),
			  net_receive(net, self->received, sizeof(self->received)));
	}
}

TEST_HARNESS_MAIN
