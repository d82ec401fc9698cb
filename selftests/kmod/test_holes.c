// SPDX-License-Identifier: GPL-2.0
/*
 * Holes that devices in kernels have had, one test each: what they are is said in
 * docs/threat-model.md.  Those of networks are in test_holes_net.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define ROUNDS 300

FIXTURE(blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
};

FIXTURE_SETUP(blk)
{
	uint64_t features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX);

	self->store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(blk)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
}

/**
 * struct swapper - a thread that keeps changing what a descriptor is
 * @slot: the descriptor
 * @with: what it becomes in turn; -1: closed
 * @stop: the thread ends
 */
struct swapper {
	int slot;
	int with[4];
	bool stop;
};

static void *swap_files(void *data)
{
	struct swapper *swapper = data;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&swapper->stop, __ATOMIC_RELAXED); i++) {
		if (swapper->with[i % 4] < 0)
			close(swapper->slot);
		else
			dup2(swapper->with[i % 4], swapper->slot);
	}
	return NULL;
}

static bool is_one_of(int value, const int *values, unsigned int count)
{
	while (count--) {
		if (value == values[count])
			return true;
	}
	return false;
}

/*
 * A file that is looked up twice, checked the first time and used the second: whatever
 * the descriptor is meanwhile, each call takes a right file or refuses a wrong one.
 */
TEST_F_TIMEOUT(blk, descriptor_changes_meanwhile, TEST_TIME_LIMIT)
{
	static const int backend_errors[] = { 0, -EBADF, -EINVAL };
	static const int event_errors[] = { 0, -EBADF, -EINVAL };
	struct vhost_vring_file file = { .index = 0 };
	int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct swapper swapper = {
		.slot = dup(other),
		.with = { self->store, other, -1, self->device.fd },
	};
	pthread_t thread;
	unsigned int i;
	int ret;

	file.fd = swapper.slot;
	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_files, &swapper));
	for (i = 0; i < ROUNDS; i++) {
		ret = vhost_queue_blk_backend(&self->queue, swapper.slot, 0);
		EXPECT_TRUE(is_one_of(ret, backend_errors, 3)) TH_LOG("backend: %d", ret);
		ret = ioctl(self->device.fd, VHOST_SET_VRING_KICK, &file) ? -errno : 0;
		EXPECT_TRUE(is_one_of(ret, event_errors, 3)) TH_LOG("kick: %d", ret);
		ret = ioctl(self->device.fd, VHOST_SET_VRING_CALL, &file) ? -errno : 0;
		EXPECT_TRUE(is_one_of(ret, event_errors, 3)) TH_LOG("call: %d", ret);
		ret = ioctl(self->device.fd, VHOST_SET_VRING_ERR, &file) ? -errno : 0;
		EXPECT_TRUE(is_one_of(ret, event_errors, 3)) TH_LOG("error: %d", ret);
	}
	__atomic_store_n(&swapper.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);

	file.fd = self->queue.kick;
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_SET_VRING_KICK, &file));
	file.fd = self->queue.call;
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_SET_VRING_CALL, &file));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	close(swapper.slot);
	close(other);
}

/* The same with a tap, which might not be one any more when its socket is asked for. */
TEST(tap_changes_meanwhile)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };
	static const int errors[] = { 0, -ENOTSOCK, -EINVAL };
	struct swapper swapper;
	struct net_setup net;
	pthread_t thread;
	unsigned int i;
	int ret;

	ASSERT_EQ(0, net_setup_open(&net, &with, ETHERTYPE_TEST, 0));
	swapper = (struct swapper) {
		.slot = dup(net.tap.fd),
		.with = { net.tap.fd, net.tap.socket, -1, net.rx.kick },
	};
	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_files, &swapper));
	for (i = 0; i < ROUNDS; i++) {
		ret = vhost_queue_net_backend(i & 1 ? &net.rx : &net.tx, swapper.slot);
		EXPECT_TRUE(is_one_of(ret, errors, 3)) TH_LOG("backend: %d", ret);
	}
	__atomic_store_n(&swapper.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, vhost_queue_net_backend(&net.rx, net.tap.fd));
	EXPECT_EQ(0, vhost_queue_net_backend(&net.tx, net.tap.fd));
	net_setup_close(&net);
	close(swapper.slot);
}

/* A reply over memory that held @fill; the bytes behind it stay as they are. */
static bool reply_is_defined(int fd, unsigned long request, const void *argument, size_t given,
			     size_t reply)
{
	uint8_t content[2][1024];
	unsigned int i, n;

	for (n = 0; n < 2; n++) {
		memset(content[n], n ? 0x5a : 0xa5, sizeof(content[n]));
		memcpy(content[n], argument, given);
		if (ioctl(fd, request, content[n]))
			return false;
		for (i = reply; i < sizeof(content[n]); i++) {
			if (content[n][i] != (n ? 0x5a : 0xa5))
				return false;
		}
	}
	return !memcmp(content[0], content[1], reply);
}

/* Bytes of the kernel's stack in a reply (CVE-2018-1118). */
TEST_F(blk, replies_are_defined)
{
	uint32_t stats[2] = { 0, 16 };
	uint32_t index = 0;
	int fd = self->device.fd;

	EXPECT_TRUE(reply_is_defined(fd, VHOST_GET_FEATURES, NULL, 0, 8));
	EXPECT_TRUE(reply_is_defined(fd, VHOST_GET_BACKEND_FEATURES, NULL, 0, 8));
	EXPECT_TRUE(reply_is_defined(fd, VQHOST_GET_API_VERSION, NULL, 0, 4));
	EXPECT_TRUE(reply_is_defined(fd, VHOST_GET_VRING_BASE, &index, 4, 8));
	EXPECT_TRUE(reply_is_defined(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &index, 4, 8));
	EXPECT_TRUE(reply_is_defined(fd, VQHOST_GET_VRING_STATS, stats, 8, 16));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	stats[1] = 0xffffffff;
	EXPECT_TRUE(reply_is_defined(fd, VQHOST_GET_VRING_STATS, stats, 8,
				     sizeof(struct vqhost_vring_stats)));
}

/* The identity: as many bytes as it has and fit, whatever was there. */
TEST_F_TIMEOUT(blk, identity_is_defined, TEST_TIME_LIMIT)
{
	static const uint32_t lengths[] = { 1, 7, 20, 21, 200 };
	uint8_t content[256];
	uint32_t written;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(guest_pointer(&self->device, BLK_DATA(0)), 0xa5, sizeof(content));
		ASSERT_LE(0, blk_add(&self->queue, 0, VIRTIO_BLK_T_GET_ID, 0, lengths[i]));
		vhost_queue_expose(&self->queue);
		ASSERT_EQ(0, vhost_queue_wait(&self->queue, 1));
		ASSERT_LE(0, driver_ring_reap(&self->queue.ring, &written));
		EXPECT_EQ(1 + (lengths[i] < 20 ? lengths[i] : 20), written);
		guest_read(&self->device, content, BLK_DATA(0), sizeof(content));
		for (n = 0; n < sizeof(content); n++)
			ASSERT_EQ(n < lengths[i] && n < 20 ? 0 : 0xa5, content[n]);
	}
}

/**
 * struct signaller - a thread that keeps signalling eventfds
 * @fds: which
 * @stop: the thread ends
 */
struct signaller {
	int fds[3];
	bool stop;
};

static void *signal_events(void *data)
{
	struct signaller *signaller = data;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&signaller->stop, __ATOMIC_RELAXED); i++)
		eventfd_write(signaller->fds[i % 3], 1);
	return NULL;
}

/*
 * A thread woken after it has ended: kicks come and
 * requests complete while the device is closed.
 */
TEST_F_TIMEOUT(blk, woken_while_closing, TEST_TIME_LIMIT)
{
	struct signaller signaller;
	struct vhost_device device;
	struct vhost_queue queue;
	pthread_t thread;
	unsigned int i, n;

	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
		ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, BLK_QUEUE_SIZE, 0));
		ASSERT_EQ(0, vhost_queue_blk_backend(&queue, self->store, 0));
		signaller = (struct signaller) { .fds = { queue.kick, queue.call, queue.error } };
		ASSERT_EQ(0, pthread_create(&thread, NULL, signal_events, &signaller));
		for (n = 0; n < 16; n++)
			ASSERT_LE(0, blk_add(&queue, n, VIRTIO_BLK_T_IN, 8 * n, 4096));
		vhost_queue_expose(&queue);
		eventfd_write(queue.kick, 1);
		/* From at once to when most have completed. */
		usleep(i * 100);
		vhost_device_close(&device);
		__atomic_store_n(&signaller.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		vhost_queue_close(&queue);
	}
}

/*
 * A request may be large without large memory behind it: all its buffers are the same.
 * A batch of such requests is not one that nobody can interrupt.
 */
TEST_F_TIMEOUT(blk, large_requests, TEST_TIME_LIMIT)
{
	enum { SIZE = 8, PIECES = 7, PIECE = 0x200000 };
	struct driver_buffer buffers[PIECES + 2];
	struct vqhost_vring_stats before, stats;
	struct vhost_queue *queue = &self->queue;
	uint64_t table = GUEST_BORDER(3) + 0x1000;
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { VIRTIO_BLK_T_IN, 0, 0 };
	unsigned int i;
	int store;

	store = store_open(STORE_TMPFS, O_RDWR);
	ASSERT_LE(0, store);
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	queue->ring.size = SIZE;
	/* As many buffers as the queue has descriptors. */
	guest_write(&self->device, BLK_HEADER(0), &header, sizeof(header));
	buffers[0] = (struct driver_buffer) { BLK_HEADER(0), sizeof(header) };
	for (i = 1; i < SIZE - 1; i++)
		buffers[i] = (struct driver_buffer) { GUEST_BORDER(2), PIECE };
	buffers[i] = (struct driver_buffer) { BLK_STATUS(0), 1 };
	ASSERT_EQ(0, vhost_queue_reset(queue, 0));
	driver_ring_fill_table(&queue->ring, guest_pointer(&self->device, table), buffers, 1,
			       SIZE - 1, NULL);
	for (i = 0; i < SIZE; i++)
		ASSERT_LE(0, driver_ring_add_table(&queue->ring, table, SIZE));
	driver_ring_expose(&queue->ring);
	ASSERT_EQ(0, vhost_queue_stats(queue, &before));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	ASSERT_EQ(0, vhost_queue_wait(queue, SIZE));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
	EXPECT_EQ(SIZE, stats.chains - before.chains);
	EXPECT_LT(2, stats.batches - before.batches);
	close(store);
}

/* An owner whose guest memory nobody fills in, and who would have to. */
static void fault_and_wait(int store, int ready, bool in_call)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct pollfd pending = { .events = POLLIN };
	struct vhost_device device;
	struct vhost_queue queue;
	int fault;

	/* Closed in the order in which they were opened, released in the opposite one. */
	fault = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (fault < 0 || ioctl(fault, UFFDIO_API, &api) ||
	    vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES) ||
	    vhost_queue_open(&queue, &device, 0, BLK_QUEUE_SIZE, 0) ||
	    vhost_queue_blk_backend(&queue, store, 0))
		_exit(1);
	range.range.start = (uintptr_t)guest_pointer(&device, GUEST_BORDER(3));
	range.range.len = GUEST_REGION_SIZE;
	if (ioctl(fault, UFFDIO_REGISTER, &range) ||
	    driver_ring_add_table(&queue.ring, GUEST_BORDER(3) + 0x10000, 3) < 0)
		_exit(1);
	vhost_queue_expose(&queue);
	eventfd_write(queue.kick, 1);
	pending.fd = fault;
	if (poll(&pending, 1, TIME_LIMIT_MS) != 1)
		_exit(1);
	eventfd_write(ready, 1);
	if (in_call)
		vhost_queue_get_base(&queue);
	pause();
	_exit(1);
}

/* Returns whether it can be killed nevertheless. */
static bool can_be_killed(int store, bool in_call)
{
	int ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	unsigned int waited = TIME_LIMIT_MS;
	pid_t owner = fork();

	if (!owner)
		fault_and_wait(store, ready, in_call);
	if (owner > 0 && eventfd_wait(ready, TIME_LIMIT_MS)) {
		/* Let it get into its call. */
		usleep(50000);
		kill(owner, SIGKILL);
		for (waited = 0; waited < TIME_LIMIT_MS && !waitpid(owner, NULL, WNOHANG);
		     waited += 10)
			usleep(10000);
	}
	close(ready);
	return waited < TIME_LIMIT_MS;
}

TEST_F_TIMEOUT(blk, killed_while_memory_is_missing, TEST_TIME_LIMIT)
{
	EXPECT_TRUE(can_be_killed(self->store, false));
}

TEST_F_TIMEOUT(blk, killed_in_a_call_while_memory_is_missing, TEST_TIME_LIMIT)
{
	EXPECT_TRUE(can_be_killed(self->store, true));
}

TEST_HARNESS_MAIN
