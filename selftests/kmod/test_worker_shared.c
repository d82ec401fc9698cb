// SPDX-License-Identifier: GPL-2.0
/*
 * Queues that share a thread: none disturbs another one, whatever it does.
 */
#include <errno.h>
#include <linux/fs.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../lib/tasks.h"
#include "net_setup.h"
#include "worker_fixture.h"

TEST_F_TIMEOUT(worker, shared, TEST_TIME_LIMIT)
{
	struct vhost_vring_state limit = { .num = 20000 };
	unsigned int i;

	ASSERT_LE(0, worker_start_shared(&self->device, self->queues, self->store));
	EXPECT_EQ(1, tasks_serving(getpid(), "vqhost-blk"));
	for (i = 0; i < 50; i++)
		ASSERT_TRUE(worker_data_moves(self->queues, QUEUES, i));
	/* Polling and holding of any one must not keep another waiting. */
	for (limit.index = 0; limit.index < QUEUES; limit.index++)
		ASSERT_EQ(0, vhost_ioctl(self->device.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					 &limit));
	for (i = 0; i < 50; i++)
		ASSERT_TRUE(worker_data_moves(self->queues, QUEUES, i));
	for (i = 0; i < QUEUES; i++)
		ASSERT_TRUE(worker_data_moves(&self->queues[i], 1, i));
	/* Queues stop and start beside those that go on. */
	EXPECT_EQ(0, worker_start(&self->queues[QUEUES - 1], -1));
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES - 1, 7));
	EXPECT_EQ(0, worker_start(&self->queues[QUEUES - 1], self->store));
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES, 8));
}

/* One queue breaks; those on the same thread go on. */
TEST_F_TIMEOUT(worker, shared_with_a_broken_queue, TEST_TIME_LIMIT)
{
	struct vhost_queue *broken = &self->queues[QUEUES - 1];

	ASSERT_LE(0, worker_start_shared(&self->device, self->queues, self->store));
	driver_ring_set_available_index(&broken->ring, BLK_QUEUE_SIZE + 1);
	eventfd_write(broken->kick, 1);
	EXPECT_EQ(1, eventfd_wait(broken->error, TIME_LIMIT_MS));
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES - 1, 1));
	eventfd_write(broken->kick, 1);
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES - 1, 2));
	EXPECT_EQ(0, worker_start(broken, -1));
	EXPECT_EQ(0, vhost_queue_reset(broken, 0));
	EXPECT_EQ(0, worker_start(broken, self->store));
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES, 3));
}

struct mover {
	int fd;
	int ids[2];
	bool stop;
	unsigned int moves;
	int err;
};

static void *move_to_and_fro(void *data)
{
	struct mover *mover = data;
	unsigned int i;

	while (!__atomic_load_n(&mover->stop, __ATOMIC_RELAXED) && !mover->err) {
		for (i = 0; !mover->err && i < QUEUES; i++)
			mover->err = worker_attach(mover->fd, i,
						   mover->ids[(mover->moves + i) % 2]);
		mover->moves++;
	}
	return NULL;
}

TEST_F_TIMEOUT(worker, attach_under_traffic, TEST_TIME_LIMIT)
{
	struct mover mover = { .fd = self->device.fd };
	int delayed = store_open(STORE_DELAYED, O_RDWR);
	pthread_t thread;
	unsigned int i;

	ASSERT_LE(0, delayed);
	mover.ids[0] = worker_start_shared(&self->device, self->queues, self->store);
	mover.ids[1] = worker_new(self->device.fd);
	ASSERT_LE(0, mover.ids[0]);
	ASSERT_LE(0, mover.ids[1]);
	/* Some complete at once, some later. */
	ASSERT_EQ(0, worker_start(&self->queues[1], delayed));
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_to_and_fro, &mover));
	for (i = 0; i < 100; i++) {
		if (!worker_data_moves(self->queues, QUEUES, i))
			break;
	}
	__atomic_store_n(&mover.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(100, i);
	EXPECT_EQ(0, mover.err);
	EXPECT_LT(5, mover.moves);
	close(delayed);
}

static void *park(void *data)
{
	struct vhost_queue *queue = data;

	return (void *)(intptr_t)vhost_queue_get_base(queue);
}

/*
 * A queue is asked for whose I/O does not complete: its file system is frozen, so a
 * discard waits.  The other one on the same thread goes on meanwhile.
 */
TEST_F_TIMEOUT(worker, parking_disturbs_no_other, TEST_TIME_LIMIT)
{
	struct vhost_queue *slow = &self->queues[1];
	struct virtio_blk_discard_write_zeroes range = { .num_sectors = 8 };
	int file = store_open(STORE_EXT4, O_RDWR);
	pthread_t thread;
	unsigned int i;
	void *base;

	ASSERT_LE(0, file);
	ASSERT_LE(0, worker_start_shared(&self->device, self->queues, self->store));
	ASSERT_EQ(0, worker_start(slow, file));
	guest_write(&self->device, BLK_DATA(1), &range, sizeof(range));
	ASSERT_EQ(0, ioctl(file, FIFREEZE, 0));
	ASSERT_LE(0, blk_add(slow, 1, VIRTIO_BLK_T_DISCARD, 0, sizeof(range)));
	vhost_queue_expose(slow);
	/* It has been taken once the thread has done something else after it. */
	EXPECT_TRUE(worker_data_moves(self->queues, 1, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, slow));
	usleep(100000);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(worker_data_moves(self->queues, 1, i));
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, &base));
	EXPECT_EQ(0, driver_ring_used(&slow->ring));

	EXPECT_EQ(0, ioctl(file, FITHAW, 0));
	ASSERT_EQ(0, pthread_join(thread, &base));
	EXPECT_EQ(1, (intptr_t)base);
	/* It was published before the queue was given up. */
	EXPECT_EQ(1, driver_ring_used(&slow->ring));
	close(file);
}

FIXTURE(net) {
	struct net_setup net;
};

FIXTURE_SETUP(net)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };

	ASSERT_EQ(0, net_setup_open(&self->net, &with, ETHERTYPE_TEST, 0));
}

FIXTURE_TEARDOWN(net)
{
	net_setup_close(&self->net);
}

/* Both directions on one thread, which waits for the tap and for the driver. */
TEST_F_TIMEOUT(net, shared, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->net;
	uint8_t sent[NET_FRAME_MAX], received[4096];
	int id = worker_new(net->device.fd);
	unsigned int i;

	ASSERT_LE(0, id);
	EXPECT_LE(0, worker_new(net->device.fd));
	EXPECT_EQ(-ENOMEM, worker_new(net->device.fd));
	for (i = 0; i < 60; i++) {
		/* The second one joins in the midst of it. */
		if (i % 30 == 0)
			ASSERT_EQ(0, worker_attach(net->device.fd, i / 30, id));
		net_frame_fill(net, sent, sizeof(sent), i);
		ASSERT_LE(0, net_send(net, sent, sizeof(sent), i % NET_QUEUE_SIZE));
		vhost_queue_expose(&net->tx);
		ASSERT_EQ(sizeof(sent), net_receive_from_socket(net, received, sizeof(received)));
		ASSERT_EQ(0, memcmp(sent, received, sizeof(sent)));
		ASSERT_EQ(0, vhost_queue_wait(&net->tx, 1));
		ASSERT_LE(0, driver_ring_reap(&net->tx.ring, NULL));

		ASSERT_LE(0, net_add_buffer(net, i % NET_QUEUE_SIZE, NET_SLOT_SIZE));
		vhost_queue_expose(&net->rx);
		ASSERT_EQ(sizeof(sent), send(net->tap.socket, sent, sizeof(sent), 0));
		ASSERT_EQ(net->header + sizeof(sent), net_receive(net, received, sizeof(received)));
		ASSERT_EQ(0, memcmp(sent, received + net->header, sizeof(sent)));
	}
	EXPECT_EQ(id, worker_of(net->device.fd, NET_RX));
	EXPECT_EQ(id, worker_of(net->device.fd, NET_TX));
}

TEST_HARNESS_MAIN
