// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed packed rings: each stops its own queue, says so through its error
 * eventfd and statistics, and leaves the other queue as it was.  After a new
 * set-up the queue works again.
 */
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

/* No power of 2, and an id that no good chain has. */
#define SIZE 13
#define ID 12

static void add(struct vhost_queue *queue, uint64_t address, uint32_t length, uint16_t flags)
{
	driver_ring_add_packed(&queue->ring, address, length, ID, flags);
}

static void table(struct vhost_queue *queue, unsigned int index, uint64_t address, uint32_t length,
		  uint16_t flags)
{
	struct vring_desc descriptor;

	/* Of the same layout as a packed one, but for the last two fields. */
	driver_descriptor_write(&descriptor, address, length, 0, flags);
	guest_write(queue->device, TABLE + index * sizeof(descriptor), &descriptor,
		    sizeof(descriptor));
}

static void address_outside(struct vhost_queue *queue)
{
	add(queue, NOWHERE, 64, 0);
}

static void address_wraps(struct vhost_queue *queue)
{
	add(queue, ~0ULL - 8, 64, 0);
}

static void table_outside(struct vhost_queue *queue)
{
	add(queue, NOWHERE, 64, VRING_DESC_F_INDIRECT);
}

static void longer_than_queue(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		table(queue, i, GUEST_MEMORY, 64, 0);
	add(queue, TABLE, (SIZE + 1) * sizeof(struct vring_packed_desc), VRING_DESC_F_INDIRECT);
}

static void table_in_table(struct vhost_queue *queue)
{
	table(queue, 0, TABLE, 16, VRING_DESC_F_INDIRECT);
	add(queue, TABLE, 16, VRING_DESC_F_INDIRECT);
}

static void table_with_next(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0);
	add(queue, TABLE, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT);
	add(queue, GUEST_MEMORY, 64, 0);
}

static void table_of_nothing(struct vhost_queue *queue)
{
	add(queue, TABLE, 0, VRING_DESC_F_INDIRECT);
}

static void table_of_half_a_descriptor(struct vhost_queue *queue)
{
	table(queue, 0, GUEST_MEMORY, 64, 0);
	add(queue, TABLE, 24, VRING_DESC_F_INDIRECT);
}

static void wrong_direction(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 64, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
	add(queue, GUEST_MEMORY, 64, 0);
}

static void zero_length(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 0, 0);
}

static void id_out_of_range(struct vhost_queue *queue)
{
	driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, SIZE, 0);
}

static void next_not_available(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 64, VRING_DESC_F_NEXT);
}

/* All the ring is one chain without an end. */
static void no_end(struct vhost_queue *queue)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		add(queue, GUEST_MEMORY, 64, VRING_DESC_F_NEXT);
}

/* One area of the ring moves to where nobody can read or write. */
static void move_area(struct vhost_queue *queue, bool descriptors, bool driver, bool device)
{
	uintptr_t nowhere = (uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
					    -1, 0);
	struct vhost_vring_addr address = {
		.index = queue->index,
		.desc_user_addr = descriptors ? nowhere : (uintptr_t)queue->ring.packed,
		.avail_user_addr = driver ? nowhere : (uintptr_t)queue->ring.driver_event,
		.used_user_addr = device ? nowhere : (uintptr_t)queue->ring.device_event,
	};

	ioctl(queue->device->fd, VHOST_SET_VRING_ADDR, &address);
}

static void descriptors_gone(struct vhost_queue *queue)
{
	move_area(queue, true, false, false);
}

static void device_area_gone(struct vhost_queue *queue)
{
	move_area(queue, false, false, true);
}

/* What a transmit queue and a disk cannot take: nothing readable, or no status. */
static void bad_request(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 64, VRING_DESC_F_WRITE);
}

static const struct {
	const char *name;
	void (*provoke)(struct vhost_queue *queue);
	enum virtqueue_error error;
	bool shape;	/* the type finds out, by the chain's shape, before its address */
} malformations[] = {
	{ "address outside", address_outside, VIRTQUEUE_MEMORY, true },
	{ "address wraps", address_wraps, VIRTQUEUE_ADDRESS_WRAP },
	{ "table outside", table_outside, VIRTQUEUE_MEMORY },
	{ "longer than the queue", longer_than_queue, VIRTQUEUE_CHAIN_LENGTH },
	{ "table in a table", table_in_table, VIRTQUEUE_INDIRECT_NESTED },
	{ "table with next", table_with_next, VIRTQUEUE_INDIRECT_NEXT },
	{ "table of nothing", table_of_nothing, VIRTQUEUE_INDIRECT_SIZE },
	{ "table of half a descriptor", table_of_half_a_descriptor, VIRTQUEUE_INDIRECT_SIZE },
	{ "wrong direction", wrong_direction, VIRTQUEUE_DIRECTION },
	{ "zero length", zero_length, VIRTQUEUE_ZERO_LENGTH },
	{ "id out of range", id_out_of_range, VIRTQUEUE_HEAD_RANGE },
	{ "next not available", next_not_available, VIRTQUEUE_NEXT_RANGE },
	{ "no end", no_end, VIRTQUEUE_NEXT_RANGE },
	{ "descriptors gone", descriptors_gone, VIRTQUEUE_RING_FAULT },
	{ "device area gone", device_area_gone, VIRTQUEUE_RING_FAULT },
	{ "bad request", bad_request, VIRTQUEUE_REQUEST },
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
	uint32_t used;

	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	breaks = stats.breaks[error];
	eventfd_take(queue->error);
	used = driver_ring_device_base(&queue->ring);
	provoke(queue);
	driver_ring_expose(&queue->ring);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, TIME_LIMIT_MS) != 1)
		return "the error eventfd is not signalled once";
	if (vhost_queue_stats(queue, &stats))
		return "there are no statistics";
	if (stats.error != error) {
		snprintf(other_error, sizeof(other_error), "the error is %u", stats.error);
		return other_error;
	}

	/* A good chain is not taken any more, and the error not told again. */
	driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, 0, 0);
	driver_ring_expose(&queue->ring);
	eventfd_write(queue->kick, 1);
	if (eventfd_wait(queue->error, 5))
		return "the error eventfd is signalled again";
	if (vhost_queue_stats(queue, &stats) || stats.breaks[error] != breaks + 1)
		return "the break is not counted once";
	if (driver_ring_device_base(&queue->ring) != used)
		return "something was used";
	return NULL;
}

/* Where a ring begins: every place, in both rounds. */
static uint16_t base(unsigned int n)
{
	return n % SIZE | (n & 1 ? 0x8000 : 0);
}

FIXTURE(broken_packed_blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct vhost_queue other;
	int store;
};

FIXTURE_SETUP(broken_packed_blk)
{
	uint64_t features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX) |
			    FEATURE(VIRTIO_F_RING_PACKED);

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, SIZE, 0x8000));
	ASSERT_EQ(0, vhost_queue_open(&self->other, &self->device, 1, SIZE, 0x8000));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->other, self->store, 0));
}

FIXTURE_TEARDOWN(broken_packed_blk)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	vhost_queue_close(&self->other);
	close(self->store);
}

TEST_F_TIMEOUT(broken_packed_blk, stops_and_recovers, TEST_TIME_LIMIT)
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
		ASSERT_EQ(0, vhost_queue_reset(&self->queue, base(i)));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	}
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	EXPECT_EQ(0, eventfd_take(self->other.error));
}

/* Requests under way have ids, which nothing else may have; all come at once. */
TEST_F_TIMEOUT(broken_packed_blk, with_requests_under_way, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	struct vqhost_vring_stats stats;
	unsigned int round, n;
	int store, id = -1;

	store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, store);
	for (round = 0; round < 6; round++) {
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		ASSERT_EQ(0, vhost_queue_reset(queue, base(round)));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
		for (n = 0; n < 3; n++) {
			id = blk_add(queue, n, VIRTIO_BLK_T_IN, n, SECTOR);
			ASSERT_LE(0, id);
		}
		driver_ring_add_packed(&queue->ring, GUEST_MEMORY, 64, id, 0);
		vhost_queue_expose(queue);
		eventfd_write(queue->kick, 1);
		EXPECT_EQ(1, eventfd_wait(queue->error, TIME_LIMIT_MS));
		ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
		EXPECT_EQ(VIRTQUEUE_ID_IN_USE, stats.error);
		EXPECT_LT(0, stats.breaks[VIRTQUEUE_ID_IN_USE]);
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->other, VIRTIO_BLK_T_IN, 0, 4096));
	}
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	ASSERT_EQ(0, vhost_queue_reset(queue, 0x8000));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	close(store);
}

FIXTURE(broken_packed_net) {
	struct net_setup net;
	uint8_t frame[100];
	uint8_t received[2048];
};

FIXTURE_SETUP(broken_packed_net)
{
	static const struct net_variant with = {
		VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000
	};

	ASSERT_EQ(0, net_setup_open(&self->net, &with, ETHERTYPE_TEST, 0));
	net_frame_fill(&self->net, self->frame, sizeof(self->frame), 1);
}

FIXTURE_TEARDOWN(broken_packed_net)
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

/* A ring of SIZE descriptors instead of the one that was set up. */
static int restart(struct vhost_queue *queue, int fd, uint16_t start)
{
	int err = vhost_queue_net_backend(queue, -1);

	queue->ring.size = SIZE;
	if (!err)
		err = vhost_queue_reset(queue, start);
	return err ? err : vhost_queue_net_backend(queue, fd);
}

TEST_F_TIMEOUT(broken_packed_net, transmit_stops_and_recovers, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(malformations); i++) {
		ASSERT_EQ(0, restart(&net->tx, net->tap.fd, base(i)));
		ASSERT_TRUE(transmits(net, self->frame, sizeof(self->frame)))
			TH_LOG("before %s", malformations[i].name);
		wrong = stops(&net->tx, malformations[i].provoke, malformations[i].error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("%s: %s", malformations[i].name, wrong);
		EXPECT_TRUE(receives(net, self->frame, sizeof(self->frame)));
	}
	ASSERT_EQ(0, restart(&net->tx, net->tap.fd, 0x8000));
	EXPECT_TRUE(transmits(net, self->frame, sizeof(self->frame)));
	EXPECT_EQ(0, eventfd_take(net->rx.error));
}

static void readable_buffer(struct vhost_queue *queue)
{
	add(queue, GUEST_MEMORY, 2048, 0);
}

/* What can go wrong with a receive buffer; the packet comes once it works again. */
TEST_F_TIMEOUT(broken_packed_net, receive_stops_and_recovers, TEST_TIME_LIMIT)
{
	static const struct {
		void (*provoke)(struct vhost_queue *queue);
		enum virtqueue_error error;
	} cases[] = {
		{ readable_buffer, VIRTQUEUE_REQUEST },
		{ no_end, VIRTQUEUE_NEXT_RANGE },
		{ id_out_of_range, VIRTQUEUE_HEAD_RANGE },
		{ table_in_table, VIRTQUEUE_INDIRECT_NESTED },
		{ device_area_gone, VIRTQUEUE_RING_FAULT },
	};
	struct net_setup *net = &self->net;
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, restart(&net->rx, net->tap.fd, base(i)));
		ASSERT_TRUE(receives(net, self->frame, sizeof(self->frame)));
		ASSERT_EQ(sizeof(self->frame),
			  send(net->tap.socket, self->frame, sizeof(self->frame), 0));
		wrong = stops(&net->rx, cases[i].provoke, cases[i].error);
		EXPECT_EQ(NULL, wrong)
			TH_LOG("case %u: %s", i, wrong);
		EXPECT_TRUE(transmits(net, self->frame, sizeof(self->frame)));

		ASSERT_EQ(0, restart(&net->rx, net->tap.fd, 0x8000));
		ASSERT_LE(0, net_add_buffer(net, 0, 2048));
		vhost_queue_expose(&net->rx);
		EXPECT_EQ(net->header + sizeof(self->frame),
			  net_receive(net, self->received, sizeof(self->received)));
	}
}

TEST_HARNESS_MAIN
