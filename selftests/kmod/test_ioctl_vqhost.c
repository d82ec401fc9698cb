// SPDX-License-Identifier: GPL-2.0
/*
 * What <linux/vqhost.h> adds, with good and bad arguments, and statistics that
 * agree with what was done.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define NO_FD 9999

FIXTURE(vqhost) {
	struct vhost_device device;
	struct vhost_queue queue;
};

FIXTURE_SETUP(vqhost)
{
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, 16, 0));
}

FIXTURE_TEARDOWN(vqhost)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
}

/* Set the backend to a file opened so. */
static int backend_of(struct vhost_queue *queue, const char *path, int open_flags, uint32_t flags)
{
	int fd = open(path, open_flags, 0600);
	int err;

	if (fd < 0)
		return -ENOENT;
	err = vhost_queue_blk_backend(queue, fd, flags);
	close(fd);
	return err;
}

/* It is there while the queue does not run, and is what VHOST_GET_VRING_BASE tells. */
TEST_F(vqhost, position)
{
	uint64_t kept = 1, here[2] = { 1, 1 };
	struct vqhost_vring_position position = { .address = (uintptr_t)&kept };
	int fd = self->device.fd, store = store_open(STORE_RAM_DISK, O_RDWR);
	struct vhost_queue *queue = &self->queue;

	ASSERT_EQ(0, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	EXPECT_EQ(1, kept);
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	EXPECT_EQ(0, kept);
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	EXPECT_EQ(VQHOST_POSITION_KNOWN | 1, kept);
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	EXPECT_EQ(0, kept);

	/* Somewhere else, while it runs; where it cannot be; nowhere. */
	position.address = (uintptr_t)&here[1];
	ASSERT_EQ(0, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	EXPECT_EQ(VQHOST_POSITION_KNOWN | 3, here[1]);
	EXPECT_EQ(1, here[0]);
	position.address = 8;
	ASSERT_EQ(0, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	position.address = 0;
	ASSERT_EQ(0, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));

	position.address = (uintptr_t)&kept + 4;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	position.address = 1ULL << 63;
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	position = (struct vqhost_vring_position) { .reserved = 1 };
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	position = (struct vqhost_vring_position) { .index = VQHOST_BLK_QUEUES_MAX };
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, &position));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VQHOST_SET_VRING_POSITION, NULL));
	close(store);
}

/* A queue that is broken does not know. */
TEST_F(vqhost, position_of_a_broken_queue)
{
	uint64_t kept = 1;
	struct vqhost_vring_position position = { .address = (uintptr_t)&kept };
	int store = store_open(STORE_RAM_DISK, O_RDWR);

	ASSERT_EQ(0, vhost_ioctl(self->device.fd, VQHOST_SET_VRING_POSITION, &position));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, store, 0));
	driver_ring_set_available_index(&self->queue.ring, 1000);
	ASSERT_EQ(sizeof(uint64_t), write(self->queue.kick, &(uint64_t){ 1 }, sizeof(uint64_t)));
	ASSERT_NE(0, eventfd_wait(self->queue.error, TIME_LIMIT_MS));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	EXPECT_EQ(0, kept);
	close(store);
}

TEST_F(vqhost, blk_backend)
{
	const char *path = "/tmp/vqhost.backend";
	struct vqhost_blk_backend backend = { .fd = -1 };
	struct vhost_queue *queue = &self->queue;
	int pipes[2];

	ASSERT_EQ(0, backend_of(queue, path, O_RDWR | O_CREAT, 0));
	EXPECT_EQ(0, backend_of(queue, path, O_RDONLY, VQHOST_BLK_READONLY));
	EXPECT_EQ(0, backend_of(queue, path, O_RDWR, VQHOST_BLK_READONLY));
	EXPECT_EQ(-EBADF, backend_of(queue, path, O_RDONLY, 0));
	EXPECT_EQ(-EBADF, backend_of(queue, path, O_WRONLY, 0));
	EXPECT_EQ(-EBADF, backend_of(queue, path, O_WRONLY, VQHOST_BLK_READONLY));
	EXPECT_EQ(-EBADF, backend_of(queue, path, O_RDWR | O_APPEND, 0));
	EXPECT_EQ(-EBADF, vhost_queue_blk_backend(queue, NO_FD, 0));
	EXPECT_EQ(-EBADF, vhost_queue_blk_backend(queue, -2, 0));
	EXPECT_EQ(-EINVAL, backend_of(queue, "/dev/null", O_RDWR, 0));
	EXPECT_EQ(-EINVAL, backend_of(queue, "/tmp", O_RDONLY | O_DIRECTORY, VQHOST_BLK_READONLY));
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-EINVAL, vhost_queue_blk_backend(queue, pipes[0], VQHOST_BLK_READONLY));
	EXPECT_EQ(-EINVAL, backend_of(queue, path, O_RDWR, 2));
	EXPECT_EQ(-EINVAL, vhost_queue_blk_backend(queue, -1, 0x80000000));
	backend.reserved = 1;
	EXPECT_EQ(-EINVAL, vhost_ioctl(self->device.fd, VQHOST_BLK_SET_BACKEND, &backend));
	backend.reserved = 0;
	backend.index = VQHOST_BLK_QUEUES_MAX;
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(self->device.fd, VQHOST_BLK_SET_BACKEND, &backend));
	EXPECT_EQ(-EFAULT, vhost_ioctl(self->device.fd, VQHOST_BLK_SET_BACKEND, NULL));
	unlink(path);
}

TEST_F(vqhost, blk_serial)
{
	struct vqhost_blk_serial serial = { "0123456789012345678" };

	EXPECT_EQ(0, vhost_ioctl(self->device.fd, VQHOST_BLK_SET_SERIAL, &serial));
	EXPECT_EQ(-EFAULT, vhost_ioctl(self->device.fd, VQHOST_BLK_SET_SERIAL, NULL));
}

static int set_state(struct vhost_queue *queue, unsigned long request, unsigned int number)
{
	struct vhost_vring_state state = { .index = queue->index, .num = number };

	return vhost_ioctl(queue->device->fd, request, &state);
}

static int set_features(struct vhost_queue *queue, uint64_t features)
{
	return vhost_ioctl(queue->device->fd, VHOST_SET_FEATURES, &features);
}

/* Sizes that only a packed ring can have, and back to a split one with them. */
TEST_F(vqhost, packed_size)
{
	static const unsigned int bad[] = { 0, 32769, 65536, 0x80000000 };
	struct vhost_queue *queue = &self->queue;
	int store = store_open(STORE_RAM_DISK, O_RDWR);
	unsigned int i;

	EXPECT_EQ(-EINVAL, set_state(queue, VHOST_SET_VRING_NUM, 7));
	ASSERT_EQ(0, set_features(queue, BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED)));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, set_state(queue, VHOST_SET_VRING_NUM, bad[i]));
	EXPECT_EQ(0, set_state(queue, VHOST_SET_VRING_NUM, 32768));
	EXPECT_EQ(0, set_state(queue, VHOST_SET_VRING_NUM, 7));
	ASSERT_EQ(0, set_features(queue, BLK_FEATURES));
	EXPECT_EQ(-EINVAL, vhost_queue_blk_backend(queue, store, 0));
	EXPECT_EQ(0, set_state(queue, VHOST_SET_VRING_NUM, 8));
	EXPECT_EQ(0, vhost_queue_blk_backend(queue, store, 0));
	close(store);
}

/* Both positions go in and out; what they must not be is noticed at the start. */
TEST_F(vqhost, packed_base)
{
	static const struct {
		uint32_t base;
		int result;
	} cases[] = {
		{ 0x80008000, 0 }, { 0, 0 }, { 0x800f800f, 0 }, { 0x8000800f, 0 },
		{ 0x80000000, 0 }, { 0x800f000f, 0 }, { 0x800f000e, 0 },
		{ 0x80108010, -EINVAL }, { 0xffffffff, -EINVAL }, { 0x80008010, -EINVAL },
		{ 0x80100000, -EINVAL }, { 0x8005000e, -EINVAL }, { 0x80058004, -EINVAL },
		{ 0x8000, 0 }, { 0x8001, -EINVAL },
	};
	struct vhost_queue *queue = &self->queue;
	int store = store_open(STORE_RAM_DISK, O_RDWR);
	unsigned int i;

	EXPECT_EQ(-EINVAL, vhost_queue_set_base(queue, 0x80008000));
	ASSERT_EQ(0, set_features(queue, BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED)));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(0, vhost_queue_set_base(queue, cases[i].base));
		EXPECT_EQ(cases[i].base, vhost_queue_get_base(queue));
		EXPECT_EQ(cases[i].result, vhost_queue_blk_backend(queue, store, 0))
			TH_LOG("base %#x", cases[i].base);
		/* Nothing is available to any of them, for the memory is all 0. */
		EXPECT_EQ(cases[i].base, vhost_queue_get_base(queue));
		EXPECT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		EXPECT_EQ(cases[i].base, vhost_queue_get_base(queue));
	}
	/* A split ring has no more than its available index. */
	EXPECT_EQ(0, vhost_queue_set_base(queue, 0x80031234));
	ASSERT_EQ(0, set_features(queue, BLK_FEATURES));
	EXPECT_EQ(0x1234, vhost_queue_get_base(queue));
	close(store);
}

TEST_F(vqhost, stats_arguments)
{
	struct {
		struct vqhost_vring_stats stats;
		uint64_t beyond;
	} large;
	struct vqhost_vring_stats *stats = &large.stats;
	int fd = self->device.fd;

	memset(&large, 0xff, sizeof(large));
	stats->index = 0;
	stats->size = 15;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, stats));
	stats->size = 0;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, stats));
	/* A caller that knows less, and one that knows more. */
	stats->size = 16;
	EXPECT_EQ(0, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, stats));
	EXPECT_EQ(16, stats->size);
	EXPECT_EQ(0, stats->running);
	EXPECT_EQ(~0ULL, stats->chains);
	stats->size = sizeof(large);
	EXPECT_EQ(0, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, stats));
	EXPECT_EQ(sizeof(*stats), stats->size);
	EXPECT_EQ(0, stats->chains);
	EXPECT_EQ(~0ULL, large.beyond);
	stats->index = VQHOST_BLK_QUEUES_MAX;
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, stats));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VQHOST_GET_VRING_STATS, NULL));
}

TEST_F(vqhost, stats_of_a_disk)
{
	struct vqhost_vring_stats stats;
	unsigned int i;
	int store;

	store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, store);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, store, 0));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, i, 1024));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_OUT, 0, 512));
	ASSERT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_IN, ~0ULL, 512));
	/* As in stats_of_a_batch. */
	ASSERT_LE(0, vhost_queue_get_base(&self->queue));
	ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
	EXPECT_EQ(1, stats.running);
	EXPECT_EQ(0, stats.error);
	EXPECT_EQ(22, stats.chains);
	EXPECT_EQ(22, stats.batches);
	EXPECT_EQ(20 * 1024 + 512, stats.bytes);
	EXPECT_EQ(1, stats.errors);
	EXPECT_EQ(22, stats.calls);
	EXPECT_LT(0, stats.kicks);
	EXPECT_GE(22, stats.kicks);
	EXPECT_LT(0, stats.sleeps);
	/* A request table for 16 requests is well below the promise for 256. */
	EXPECT_LT(0, stats.memory);
	EXPECT_GT(65536, stats.memory);

	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
	EXPECT_EQ(0, stats.running);
	EXPECT_EQ(22, stats.chains);
	close(store);
}

/* Two publications, each of a batch. */
TEST(stats_of_a_batch)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };
	struct vqhost_vring_stats stats;
	uint8_t frame[100], received[200];
	struct net_setup net;
	unsigned int i;

	ASSERT_EQ(0, net_setup_open(&net, &with, ETHERTYPE_TEST, 0));
	for (i = 0; i < 24; i++) {
		net_frame_fill(&net, frame, sizeof(frame), i);
		ASSERT_LE(0, net_send(&net, frame, i < 23 ? sizeof(frame) : 5, i));
	}
	vhost_queue_expose(&net.tx);
	ASSERT_EQ(0, vhost_queue_wait(&net.tx, 24));
	for (i = 0; i < 23; i++)
		EXPECT_EQ(sizeof(frame), net_receive_from_socket(&net, received, sizeof(received)));
	/* The queue is parked for that: what the driver has seen is counted by then. */
	ASSERT_LE(0, vhost_queue_get_base(&net.tx));
	ASSERT_EQ(0, vhost_queue_stats(&net.tx, &stats));
	EXPECT_EQ(24, stats.chains);
	EXPECT_EQ(23 * sizeof(frame), stats.bytes);
	EXPECT_EQ(1, stats.errors);
	EXPECT_EQ(1, stats.kicks);
	/* All were there when the queue was kicked. */
	EXPECT_EQ(1, stats.batches);
	EXPECT_EQ(1, stats.calls);
	EXPECT_GT(65536, stats.memory);

	for (i = 0; i < 8; i++)
		ASSERT_LE(0, net_add_buffer(&net, i, 64));
	vhost_queue_expose(&net.rx);
	ASSERT_EQ(sizeof(frame), send(net.tap.socket, frame, sizeof(frame), 0));
	ASSERT_EQ(net.header + sizeof(frame), net_receive(&net, received, sizeof(received)));
	ASSERT_LE(0, vhost_queue_get_base(&net.rx));
	ASSERT_EQ(0, vhost_queue_stats(&net.rx, &stats));
	EXPECT_EQ(2, stats.chains);
	EXPECT_EQ(1, stats.batches);
	EXPECT_EQ(sizeof(frame), stats.bytes);
	EXPECT_EQ(0, stats.errors);
	net_setup_close(&net);
}

TEST_HARNESS_MAIN
