// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: the ioctls with good and bad arguments, and queues that share a thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tasks.h"
#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define QUEUES 4
#define NO_WORKER 0x7ffffff0
#define TEST_TIME_LIMIT 120

/* Returns its id, or -errno. */
static int new_worker(int fd)
{
	struct vhost_worker_state state = {};
	int err = vhost_ioctl(fd, VHOST_NEW_WORKER, &state);

	return err ? err : (int)state.worker_id;
}

static int free_worker(int fd, unsigned int id)
{
	struct vhost_worker_state state = { .worker_id = id };

	return vhost_ioctl(fd, VHOST_FREE_WORKER, &state);
}

static int attach(int fd, unsigned int index, unsigned int id)
{
	struct vhost_vring_worker worker = { .index = index, .worker_id = id };

	return vhost_ioctl(fd, VHOST_ATTACH_VRING_WORKER, &worker);
}

/* Returns the id of a queue's worker, or -errno. */
static int get_worker(int fd, unsigned int index)
{
	struct vhost_vring_worker worker = { .index = index, .worker_id = NO_WORKER };
	int err = vhost_ioctl(fd, VHOST_GET_VRING_WORKER, &worker);

	if (!err && worker.index != index)
		return -EPROTO;
	return err ? err : (int)worker.worker_id;
}

/* A thread that has ended is to be seen for a moment. */
static bool no_threads_are_left(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS / 10; i++) {
		if (!tasks_serving(pid, "vqhost-blk"))
			return true;
		usleep(10000);
	}
	return false;
}

FIXTURE(worker) {
	struct vhost_device device;
	struct vhost_queue queues[QUEUES];
	int store;
};

FIXTURE_SETUP(worker)
{
	unsigned int i;

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, BLK_FEATURES));
	for (i = 0; i < QUEUES; i++)
		ASSERT_EQ(0, vhost_queue_open(&self->queues[i], &self->device, i,
					      BLK_QUEUE_SIZE, 0));
}

FIXTURE_TEARDOWN(worker)
{
	unsigned int i;

	vhost_device_close(&self->device);
	for (i = 0; i < QUEUES; i++)
		vhost_queue_close(&self->queues[i]);
	close(self->store);
}

static int start(struct vhost_queue *queue, int store)
{
	return vhost_queue_blk_backend(queue, store, 0);
}

/* Four queues that share a thread.  Returns its id, or -errno. */
static int start_shared(struct vhost_device *device, struct vhost_queue *queues, int store)
{
	int id = new_worker(device->fd);
	unsigned int i;
	int err = 0;

	for (i = 0; id >= 0 && !err && i < QUEUES; i++) {
		err = attach(device->fd, i, id);
		if (!err)
			err = start(&queues[i], store);
	}
	return err ? err : id;
}

/*
 * Write and read back on each queue, all with requests under way at once; each
 * queue has its own piece of data, headers and store.
 */
static bool data_moves(struct vhost_queue *queues, unsigned int count, unsigned int seed)
{
	uint8_t written[4096], read[4096];
	uint32_t type = VIRTIO_BLK_T_OUT;
	unsigned int i;

	for (;; type = VIRTIO_BLK_T_IN) {
		for (i = 0; i < count; i++) {
			blk_pattern(written, sizeof(written), 64 * i, seed);
			if (type == VIRTIO_BLK_T_OUT)
				guest_write(queues[i].device, BLK_DATA(i), written,
					    sizeof(written));
			if (blk_add(&queues[i], i, type, 64 * i, sizeof(written)) < 0)
				return false;
			vhost_queue_expose(&queues[i]);
		}
		for (i = 0; i < count; i++) {
			if (vhost_queue_wait(&queues[i], 1) ||
			    driver_ring_reap(&queues[i].ring, NULL) < 0 ||
			    blk_status(&queues[i], i) != VIRTIO_BLK_S_OK)
				return false;
		}
		if (type == VIRTIO_BLK_T_IN)
			break;
		for (i = 0; i < count; i++) {
			memset(read, 0, sizeof(read));
			guest_write(queues[i].device, BLK_DATA(i), read, sizeof(read));
		}
	}
	for (i = 0; i < count; i++) {
		blk_pattern(written, sizeof(written), 64 * i, seed);
		guest_read(queues[i].device, read, BLK_DATA(i), sizeof(read));
		if (memcmp(written, read, sizeof(read)))
			return false;
	}
	return true;
}

static const unsigned long requests[] = {
	VHOST_NEW_WORKER, VHOST_FREE_WORKER, VHOST_ATTACH_VRING_WORKER, VHOST_GET_VRING_WORKER,
};

TEST(without_owner)
{
	struct vhost_vring_worker any = {};
	int fd = open(VQHOST_NET, O_RDWR);
	unsigned int i;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT_EQ(-EINVAL, vhost_ioctl(fd, requests[i], &any));
	close(fd);
}

TEST_F(worker, of_another_process)
{
	struct vhost_vring_worker any = {};
	unsigned int i;
	int status;
	pid_t child = fork();

	if (!child) {
		for (i = 0; i < ARRAY_SIZE(requests); i++) {
			if (vhost_ioctl(self->device.fd, requests[i], &any) != -EPERM)
				_exit(1 + i);
		}
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(worker, bad_arguments)
{
	int fd = self->device.fd;
	unsigned int i;
	int id;

	for (i = 0; i < ARRAY_SIZE(requests); i++)
		EXPECT_EQ(-EFAULT, vhost_ioctl(fd, requests[i], NULL));
	id = new_worker(fd);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENODEV, free_worker(fd, NO_WORKER));
	EXPECT_EQ(-ENODEV, free_worker(fd, ~0U));
	EXPECT_EQ(-ENODEV, attach(fd, 0, NO_WORKER));
	EXPECT_EQ(-ENODEV, attach(fd, 0, ~0U));
	EXPECT_EQ(-ENOBUFS, attach(fd, VQHOST_BLK_QUEUES_MAX, id));
	EXPECT_EQ(-ENOBUFS, get_worker(fd, VQHOST_BLK_QUEUES_MAX));
	EXPECT_EQ(-ENOBUFS, get_worker(fd, ~0U));
	EXPECT_EQ(-EINVAL, get_worker(fd, 0));
	EXPECT_EQ(0, free_worker(fd, id));
	EXPECT_EQ(-ENODEV, free_worker(fd, id));
	EXPECT_EQ(-ENODEV, attach(fd, 0, id));
}

/* Each queue may have one made for it, and no more than there are queues beside. */
TEST_F(worker, no_more_than_queues)
{
	int fd = self->device.fd;
	int ids[VQHOST_BLK_QUEUES_MAX];
	unsigned int i;

	ASSERT_EQ(0, start(&self->queues[0], self->store));
	/* The one whose number could not be told is there all the same. */
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_NEW_WORKER, NULL));
	for (i = 1; i < VQHOST_BLK_QUEUES_MAX; i++) {
		ids[i] = new_worker(fd);
		ASSERT_LE(0, ids[i]);
		ASSERT_NE(ids[i], i > 1 ? ids[i - 1] : -1);
	}
	EXPECT_EQ(-ENOMEM, new_worker(fd));
	EXPECT_EQ(0, start(&self->queues[1], self->store));
	EXPECT_EQ(0, free_worker(fd, ids[7]));
	EXPECT_LE(0, new_worker(fd));
	EXPECT_LE(VQHOST_BLK_QUEUES_MAX + 2, tasks_serving(getpid(), "vqhost-blk"));
	EXPECT_TRUE(data_moves(self->queues, 2, 1));
}

TEST_F(worker, attach_and_free)
{
	int fd = self->device.fd;
	int first, second;

	first = new_worker(fd);
	second = new_worker(fd);
	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(first, second);
	EXPECT_EQ(0, attach(fd, 0, first));
	EXPECT_EQ(0, attach(fd, 1, first));
	EXPECT_EQ(first, get_worker(fd, 0));
	EXPECT_EQ(first, get_worker(fd, 1));
	EXPECT_EQ(-EBUSY, free_worker(fd, first));
	EXPECT_EQ(0, attach(fd, 0, second));
	EXPECT_EQ(-EBUSY, free_worker(fd, first));
	EXPECT_EQ(0, attach(fd, 1, second));
	EXPECT_EQ(second, get_worker(fd, 1));
	EXPECT_EQ(0, free_worker(fd, first));
	/* A queue that has been started once keeps its worker without a backend. */
	ASSERT_EQ(0, start(&self->queues[0], self->store));
	EXPECT_EQ(0, start(&self->queues[0], -1));
	EXPECT_EQ(second, get_worker(fd, 0));
	EXPECT_EQ(-EBUSY, free_worker(fd, second));
	EXPECT_LE(1, tasks_serving(getpid(), "vqhost-blk"));
	/* No owner, no workers. */
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_TRUE(no_threads_are_left(getpid()));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-ENODEV, free_worker(fd, second));
	EXPECT_EQ(-EINVAL, get_worker(fd, 0));
}

TEST_F_TIMEOUT(worker, one_thread_per_queue, TEST_TIME_LIMIT)
{
	int fd = self->device.fd;
	int ids[QUEUES], shared;
	unsigned int i, j;

	EXPECT_EQ(0, tasks_serving(getpid(), "vqhost-blk"));
	for (i = 0; i < QUEUES; i++) {
		ASSERT_EQ(0, start(&self->queues[i], self->store));
		EXPECT_EQ(i + 1, tasks_serving(getpid(), "vqhost-blk"));
		ids[i] = get_worker(fd, i);
		ASSERT_LE(0, ids[i]);
		for (j = 0; j < i; j++)
			EXPECT_NE(ids[j], ids[i]);
	}
	EXPECT_TRUE(data_moves(self->queues, QUEUES, 2));

	/* All move to one, while they run; what they had can be freed. */
	shared = new_worker(fd);
	ASSERT_LE(0, shared);
	for (i = 0; i < QUEUES; i++) {
		EXPECT_EQ(-EBUSY, free_worker(fd, ids[i]));
		EXPECT_EQ(0, attach(fd, i, shared));
		EXPECT_EQ(0, free_worker(fd, ids[i]));
		EXPECT_TRUE(data_moves(self->queues, QUEUES, 3 + i));
	}
	for (i = 0; i < TIME_LIMIT_MS / 10 && tasks_serving(getpid(), "vqhost-blk") > 1; i++)
		usleep(10000);
	EXPECT_EQ(1, tasks_serving(getpid(), "vqhost-blk"));
}

TEST_F_TIMEOUT(worker, shared, TEST_TIME_LIMIT)
{
	struct vhost_vring_state limit = { .num = 20000 };
	unsigned int i;

	ASSERT_LE(0, start_shared(&self->device, self->queues, self->store));
	EXPECT_EQ(1, tasks_serving(getpid(), "vqhost-blk"));
	for (i = 0; i < 50; i++)
		ASSERT_TRUE(data_moves(self->queues, QUEUES, i));
	/* Polling and holding of any one must not keep another waiting. */
	for (limit.index = 0; limit.index < QUEUES; limit.index++)
		ASSERT_EQ(0, vhost_ioctl(self->device.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &limit));
	for (i = 0; i < 50; i++)
		ASSERT_TRUE(data_moves(self->queues, QUEUES, i));
	for (i = 0; i < QUEUES; i++)
		ASSERT_TRUE(data_moves(&self->queues[i], 1, i));
	/* Queues stop and start beside those that go on. */
	EXPECT_EQ(0, start(&self->queues[QUEUES - 1], -1));
	EXPECT_TRUE(data_moves(self->queues, QUEUES - 1, 7));
	EXPECT_EQ(0, start(&self->queues[QUEUES - 1], self->store));
	EXPECT_TRUE(data_moves(self->queues, QUEUES, 8));
}

/* One queue breaks; those on the same thread go on. */
TEST_F_TIMEOUT(worker, shared_with_a_broken_queue, TEST_TIME_LIMIT)
{
	struct vhost_queue *broken = &self->queues[QUEUES - 1];

	ASSERT_LE(0, start_shared(&self->device, self->queues, self->store));
	driver_ring_set_available_index(&broken->ring, BLK_QUEUE_SIZE + 1);
	eventfd_write(broken->kick, 1);
	EXPECT_EQ(1, eventfd_wait(broken->error, TIME_LIMIT_MS));
	EXPECT_TRUE(data_moves(self->queues, QUEUES - 1, 1));
	eventfd_write(broken->kick, 1);
	EXPECT_TRUE(data_moves(self->queues, QUEUES - 1, 2));
	EXPECT_EQ(0, start(broken, -1));
	EXPECT_EQ(0, vhost_queue_reset(broken, 0));
	EXPECT_EQ(0, start(broken, self->store));
	EXPECT_TRUE(data_moves(self->queues, QUEUES, 3));
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
			mover->err = attach(mover->fd, i, mover->ids[(mover->moves + i) % 2]);
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
	mover.ids[0] = start_shared(&self->device, self->queues, self->store);
	mover.ids[1] = new_worker(self->device.fd);
	ASSERT_LE(0, mover.ids[0]);
	ASSERT_LE(0, mover.ids[1]);
	/* Some complete at once, some later. */
	ASSERT_EQ(0, start(&self->queues[1], delayed));
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_to_and_fro, &mover));
	for (i = 0; i < 100; i++) {
		if (!data_moves(self->queues, QUEUES, i))
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
	ASSERT_LE(0, start_shared(&self->device, self->queues, self->store));
	ASSERT_EQ(0, start(slow, file));
	guest_write(&self->device, BLK_DATA(1), &range, sizeof(range));
	ASSERT_EQ(0, ioctl(file, FIFREEZE, 0));
	ASSERT_LE(0, blk_add(slow, 1, VIRTIO_BLK_T_DISCARD, 0, sizeof(range)));
	vhost_queue_expose(slow);
	/* It has been taken once the thread has done something else after it. */
	EXPECT_TRUE(data_moves(self->queues, 1, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, slow));
	usleep(100000);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(data_moves(self->queues, 1, i));
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, &base));
	EXPECT_EQ(0, driver_ring_used(&slow->ring));

	EXPECT_EQ(0, ioctl(file, FITHAW, 0));
	ASSERT_EQ(0, pthread_join(thread, &base));
	EXPECT_EQ(1, (intptr_t)base);
	/* It was published before the queue was given up. */
	EXPECT_EQ(1, driver_ring_used(&slow->ring));
	close(file);
}

/* A process whose four queues share a thread, counting what it has done. */
static pid_t start_child(unsigned int *rounds)
{
	static struct vhost_queue queues[QUEUES];
	static struct vhost_device device;
	unsigned int i;
	pid_t child = fork();
	int store;

	if (child)
		return child;
	store = store_open(STORE_DELAYED, O_RDWR);
	if (vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES))
		_exit(1);
	for (i = 0; i < QUEUES; i++) {
		if (vhost_queue_open(&queues[i], &device, i, BLK_QUEUE_SIZE, 0))
			_exit(2);
	}
	if (start_shared(&device, queues, store) < 0)
		_exit(3);
	while (data_moves(queues, QUEUES, *rounds))
		__atomic_fetch_add(rounds, 1, __ATOMIC_RELAXED);
	_exit(4);
}

static bool grows(unsigned int *rounds)
{
	unsigned int before = __atomic_load_n(rounds, __ATOMIC_RELAXED);
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS; i++) {
		if (__atomic_load_n(rounds, __ATOMIC_RELAXED) > before + 1)
			return true;
		usleep(1000);
	}
	return false;
}

FIXTURE(child) {
	unsigned int *rounds;
	pid_t pid;
};

FIXTURE_SETUP(child)
{
	self->rounds = mmap(NULL, sizeof(*self->rounds), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->rounds);
	self->pid = start_child(self->rounds);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(grows(self->rounds));
}

FIXTURE_TEARDOWN(child)
{
}

static bool ends_by_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

TEST_F_TIMEOUT(child, killed, TEST_TIME_LIMIT)
{
	EXPECT_EQ(1, tasks_serving(self->pid, "vqhost-blk"));
	EXPECT_TRUE(ends_by_kill(self->pid));
	EXPECT_TRUE(no_threads_are_left(self->pid));
}

TEST_F_TIMEOUT(child, stopped_and_continued, TEST_TIME_LIMIT)
{
	unsigned int i;
	int status;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, kill(self->pid, SIGSTOP));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, kill(self->pid, SIGCONT));
		ASSERT_TRUE(grows(self->rounds));
	}
	/* Death comes to a process that stands still as well. */
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	EXPECT_TRUE(ends_by_kill(self->pid));
	EXPECT_TRUE(no_threads_are_left(self->pid));
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
	int id = new_worker(net->device.fd);
	unsigned int i;

	ASSERT_LE(0, id);
	EXPECT_LE(0, new_worker(net->device.fd));
	EXPECT_EQ(-ENOMEM, new_worker(net->device.fd));
	for (i = 0; i < 60; i++) {
		/* The second one joins in the midst of it. */
		if (i % 30 == 0)
			ASSERT_EQ(0, attach(net->device.fd, i / 30, id));
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
	EXPECT_EQ(id, get_worker(net->device.fd, NET_RX));
	EXPECT_EQ(id, get_worker(net->device.fd, NET_TX));
}

TEST_HARNESS_MAIN
