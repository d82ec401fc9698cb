// SPDX-License-Identifier: GPL-2.0
/*
 * The messages of a device IOTLB, good and bad.  Mainline's device is a variant:
 * what is expected of ours is what it does.  Where ours does more, docs/uapi.md says
 * so and the test has both.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blk_setup.h"
#include "iotlb_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define KERNEL_ADDRESS 0xffff800000000000ULL
#define ADDRESS 0x100000000ULL

/* Queue 1 of every device. */
#define QUEUE 1

#ifndef VHOST_BACKEND_F_IOTLB_BATCH
#define VHOST_BACKEND_F_IOTLB_BATCH 2
#define VHOST_IOTLB_BATCH_BEGIN 5
#define VHOST_IOTLB_BATCH_END 6
#endif

FIXTURE(iotlb) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct tap tap;
	int backend;
	int fd;
	uint8_t *page;
	bool is_net;
};

FIXTURE_VARIANT(iotlb) {
	const char *path;
	bool is_v2;
};

FIXTURE_VARIANT_ADD(iotlb, mainline_net) {
	.path = MAINLINE_NET,
};

FIXTURE_VARIANT_ADD(iotlb, mainline_net_v2) {
	.path = MAINLINE_NET,
	.is_v2 = true,
};

FIXTURE_VARIANT_ADD(iotlb, vqhost_net) {
	.path = VQHOST_NET,
};

FIXTURE_VARIANT_ADD(iotlb, vqhost_net_v2) {
	.path = VQHOST_NET,
	.is_v2 = true,
};

FIXTURE_VARIANT_ADD(iotlb, vqhost_blk) {
	.path = VQHOST_BLK,
};

static bool is_mainline(const char *path)
{
	return !strcmp(path, MAINLINE_NET);
}

FIXTURE_SETUP(iotlb)
{
	uint64_t backend_features = variant->is_v2 ? FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2) : 0;

	if (is_mainline(variant->path) && access(MAINLINE_NET, F_OK))
		ASSERT_EQ(0, system("modprobe vhost_net"));
	self->is_net = strcmp(variant->path, VQHOST_BLK);
	if (self->is_net) {
		ASSERT_EQ(0, tap_open(&self->tap, TAP, 12, ETHERTYPE_TEST, 0));
		self->backend = self->tap.fd;
	} else {
		self->backend = store_open(STORE_TMPFS, O_RDWR);
	}
	ASSERT_LE(0, self->backend);
	ASSERT_EQ(0, vhost_device_open(&self->device, variant->path, IOTLB_FEATURES));
	self->fd = self->device.fd;
	ASSERT_EQ(0, ioctl(self->fd, VHOST_SET_BACKEND_FEATURES, &backend_features));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR | O_NONBLOCK));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, QUEUE, 16, 0));
	self->page = mmap(NULL, IOTLB_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->page);
}

FIXTURE_TEARDOWN(iotlb)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	if (self->is_net)
		tap_close(&self->tap);
	else
		close(self->backend);
}

static int start(struct vhost_queue *queue, bool is_net, int backend)
{
	return is_net ? vhost_queue_net_backend(queue, backend) :
			vhost_queue_blk_backend(queue, backend, 0);
}

/* Have something to read: a queue does not start without its device area. */
static int miss(struct vhost_queue *queue, bool is_net, int backend)
{
	return start(queue, is_net, backend) == -EFAULT ? 0 : -EPROTO;
}

TEST_F(iotlb, update_and_invalidate)
{
	bool v2;

	for (v2 = false; ; v2 = true) {
		EXPECT_EQ(0, iotlb_update(self->fd, v2, ADDRESS, IOTLB_PAGE, self->page,
					  VHOST_ACCESS_RW));
		EXPECT_EQ(0, iotlb_update(self->fd, v2, ADDRESS, 1, self->page, VHOST_ACCESS_RO));
		EXPECT_EQ(0, iotlb_update(self->fd, v2, ADDRESS + 5, 77, self->page + 3,
					  VHOST_ACCESS_WO));
		/* The same again, and over all of them. */
		EXPECT_EQ(0, iotlb_update(self->fd, v2, ADDRESS + 5, 77, self->page + 3,
					  VHOST_ACCESS_WO));
		EXPECT_EQ(0, iotlb_update(self->fd, v2, 0, 2 * ADDRESS, self->page,
					  VHOST_ACCESS_RW));
		EXPECT_EQ(0, iotlb_invalidate(self->fd, v2, ADDRESS, IOTLB_PAGE));
		EXPECT_EQ(0, iotlb_invalidate(self->fd, v2, ADDRESS, IOTLB_PAGE));
		EXPECT_EQ(0, iotlb_invalidate(self->fd, v2, 0, ~0ULL));
		if (v2)
			break;
	}
}

/* Ranges that are empty, wrap around, or are all there is. */
TEST_F(iotlb, sizes)
{
	uint8_t *page = self->page;
	int fd = self->fd;

	EXPECT_EQ(-EINVAL, iotlb_update(fd, false, ADDRESS, 0, page, VHOST_ACCESS_RW));
	EXPECT_EQ(-EINVAL, iotlb_update(fd, false, 0, 0, page, 0));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ~0ULL, 2, page, VHOST_ACCESS_RW));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ~0ULL - IOTLB_PAGE + 2, IOTLB_PAGE, page,
					VHOST_ACCESS_RW));
	EXPECT_EQ(0, iotlb_update(fd, false, ~0ULL - IOTLB_PAGE + 1, IOTLB_PAGE, page,
				  VHOST_ACCESS_RW));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, 0, ~0ULL, page, VHOST_ACCESS_RW));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, 0, ~0ULL, NULL, VHOST_ACCESS_RW));
	/* What grants nothing may be anywhere. */
	EXPECT_EQ(0, iotlb_update(fd, false, 0, ~0ULL, NULL, 0));
	EXPECT_EQ(0, iotlb_update(fd, false, 1, ~0ULL, NULL, 0));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, 2, ~0ULL, NULL, 0));
	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, 0, ~0ULL, page, 0));
	EXPECT_EQ(0, iotlb_invalidate(fd, false, 0, 0));
	EXPECT_EQ(0, iotlb_invalidate(fd, false, ADDRESS, 0));
	EXPECT_EQ(0, iotlb_invalidate(fd, false, ~0ULL, ~0ULL));
	EXPECT_EQ(0, iotlb_invalidate(fd, false, 1, ~0ULL));
}

TEST_F(iotlb, where_it_lies)
{
	void *kernel = (void *)(uintptr_t)KERNEL_ADDRESS;
	int fd = self->fd;
	uint8_t perm;

	for (perm = VHOST_ACCESS_RO; perm <= VHOST_ACCESS_RW; perm++) {
		EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ADDRESS, IOTLB_PAGE, kernel, perm));
		EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ADDRESS, KERNEL_ADDRESS, self->page,
						perm));
		EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ADDRESS, IOTLB_PAGE, (void *)~0UL,
						perm));
	}
	/* In user space; whether there is anything is seen later. */
	EXPECT_EQ(0, iotlb_update(fd, false, ADDRESS, IOTLB_PAGE, (void *)0x1000,
				  VHOST_ACCESS_RW));
	EXPECT_EQ(0, iotlb_update(fd, false, ADDRESS, IOTLB_PAGE, self->page, 0xff));
}

TEST_F(iotlb, message_sizes)
{
	struct vhost_msg message = {
		.type = VHOST_IOTLB_MSG,
		.iotlb = { .iova = ADDRESS, .size = 1, .uaddr = (uintptr_t)self->page,
			   .perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE },
	};
	const size_t needed = offsetof(struct vhost_msg, iotlb) + sizeof(message.iotlb);
	uint8_t two[2 * sizeof(message)];
	size_t size;

	for (size = 1; size < needed; size++) {
		EXPECT_EQ(-1, write(self->fd, &message, size));
		EXPECT_EQ(EINVAL, errno);
	}
	/* The padding need not be there, but is counted. */
	EXPECT_EQ(sizeof(message), write(self->fd, &message, needed));
	EXPECT_EQ(sizeof(message), write(self->fd, &message, sizeof(message)));
	memset(two, 0, sizeof(two));
	memcpy(two, &message, sizeof(message));
	EXPECT_EQ(sizeof(message), write(self->fd, two, sizeof(two)));
	ASSERT_EQ(0, munmap(self->page, IOTLB_PAGE));
	EXPECT_EQ(-1, write(self->fd, self->page, sizeof(message)));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(iotlb, unknown_messages)
{
	struct vhost_msg message = { .iotlb.type = VHOST_IOTLB_INVALIDATE };
	struct vhost_iotlb_msg inner = { .size = 1 };
	unsigned int type;

	for (type = 0; type < 256; type++) {
		inner.type = type;
		if (type != VHOST_IOTLB_UPDATE && type != VHOST_IOTLB_INVALIDATE)
			EXPECT_EQ(-EFAULT, iotlb_write(self->fd, true, &inner));
	}
	for (type = 0; type < 256; type++) {
		message.type = type;
		if (type == VHOST_IOTLB_MSG || type == VHOST_IOTLB_MSG_V2)
			continue;
		EXPECT_EQ(-1, write(self->fd, &message, sizeof(message)));
		EXPECT_EQ(EINVAL, errno);
	}
	message.type = -1;
	EXPECT_EQ(-1, write(self->fd, &message, sizeof(message)));
	EXPECT_EQ(EINVAL, errno);
}

/* Without the feature, and again without an owner. */
TEST_F(iotlb, without_feature)
{
	uint64_t features = FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_ACCESS_PLATFORM);
	int fd = open(variant->path, O_RDWR | O_NONBLOCK), version;
	struct vhost_iotlb_msg message;

	EXPECT_EQ(-EFAULT, iotlb_update(fd, false, ADDRESS, 1, self->page, VHOST_ACCESS_RW));
	EXPECT_EQ(-EFAULT, iotlb_invalidate(fd, false, ADDRESS, 1));
	EXPECT_EQ(-EAGAIN, iotlb_read(fd, &message, &version));
	EXPECT_EQ(0, fcntl(fd, F_SETFL, O_RDWR));
	EXPECT_EQ(-EBADFD, iotlb_read(fd, &message, &version));
	EXPECT_EQ(0, ioctl(fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, iotlb_update(fd, false, ADDRESS, 1, self->page, VHOST_ACCESS_RW));
	close(fd);

	EXPECT_EQ(0, ioctl(self->fd, VHOST_RESET_OWNER));
	EXPECT_EQ(-EFAULT, iotlb_update(self->fd, false, ADDRESS, 1, self->page,
					VHOST_ACCESS_RW));
}

TEST_F(iotlb, batch)
{
	const uint64_t wanted = FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2) |
				FEATURE(VHOST_BACKEND_F_IOTLB_BATCH);
	struct vhost_iotlb_msg begin = { .type = VHOST_IOTLB_BATCH_BEGIN };
	struct vhost_iotlb_msg end = { .type = VHOST_IOTLB_BATCH_END };
	uint64_t offered;
	int expected = 0;

	ASSERT_EQ(0, ioctl(self->fd, VHOST_GET_BACKEND_FEATURES, &offered));
	/* Mainline's network device has none. */
	if (is_mainline(variant->path)) {
		EXPECT_EQ(0, offered & FEATURE(VHOST_BACKEND_F_IOTLB_BATCH));
		expected = -EFAULT;
	} else {
		EXPECT_EQ(wanted, offered);
	}
	EXPECT_EQ(-EFAULT, iotlb_write(self->fd, true, &begin));
	EXPECT_EQ(-EFAULT, iotlb_write(self->fd, true, &end));
	EXPECT_EQ(0, ioctl(self->fd, VHOST_SET_BACKEND_FEATURES, &offered));
	EXPECT_EQ(expected, iotlb_write(self->fd, true, &end));
	EXPECT_EQ(expected, iotlb_write(self->fd, true, &begin));
	EXPECT_EQ(expected, iotlb_write(self->fd, true, &begin));
	EXPECT_EQ(0, iotlb_update(self->fd, true, ADDRESS, 1, self->page, VHOST_ACCESS_RW));
	EXPECT_EQ(0, iotlb_invalidate(self->fd, true, ADDRESS, 1));
	EXPECT_EQ(expected, iotlb_write(self->fd, true, &end));
}

/* What is missed at the start, and how it is read. */
TEST_F(iotlb, miss_at_start)
{
	const uint64_t used = (uintptr_t)self->queue.ring.used;
	struct pollfd readable = { .fd = self->fd, .events = POLLIN };
	struct vhost_iotlb_msg message;
	struct vhost_msg raw;
	int version;

	EXPECT_EQ(0, poll(&readable, 1, 0));
	ASSERT_EQ(0, miss(&self->queue, self->is_net, self->backend));
	EXPECT_EQ(1, poll(&readable, 1, 0));
	EXPECT_EQ(POLLIN, readable.revents);
	/* No room for one: nothing is read, nothing lost. */
	EXPECT_EQ(0, read(self->fd, &raw, sizeof(raw) - 1));
	ASSERT_EQ(0, iotlb_read(self->fd, &message, &version));
	EXPECT_EQ(variant->is_v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG, version);
	EXPECT_EQ(VHOST_IOTLB_MISS, message.type);
	EXPECT_EQ(used, message.iova);
	/* Mainline asks for reading only, and writes. */
	EXPECT_EQ(is_mainline(variant->path) ? VHOST_ACCESS_RO : VHOST_ACCESS_WO, message.perm);
	EXPECT_EQ(0, message.size);
	EXPECT_EQ(0, message.uaddr);
	/* Mainline looks at used flags and index, each of which is missed. */
	while (is_mainline(variant->path) && !iotlb_read(self->fd, &message, &version))
		;
	EXPECT_EQ(0, poll(&readable, 1, 0));
	EXPECT_EQ(-EAGAIN, iotlb_read(self->fd, &message, &version));

	/* Readable is not writable. */
	ASSERT_EQ(0, iotlb_update(self->fd, variant->is_v2, 0x1000, (1ULL << 47) - 0x3000,
				  (void *)0x1000, VHOST_ACCESS_RO));
	EXPECT_EQ(is_mainline(variant->path) ? 0 : -EFAULT,
		  start(&self->queue, self->is_net, self->backend));
	EXPECT_EQ(0, start(&self->queue, self->is_net, -1));
	ASSERT_EQ(0, iotlb_invalidate(self->fd, variant->is_v2, 0, 0));
	ASSERT_EQ(0, iotlb_update(self->fd, variant->is_v2, used, IOTLB_PAGE,
				  self->queue.ring.used, VHOST_ACCESS_RW));
	EXPECT_EQ(0, start(&self->queue, self->is_net, self->backend));
	EXPECT_EQ(0, start(&self->queue, self->is_net, -1));
	/* Each negotiation begins with nothing. */
	ASSERT_EQ(0, ioctl(self->fd, VHOST_SET_FEATURES, &self->device.features));
	EXPECT_EQ(-EFAULT, start(&self->queue, self->is_net, self->backend));
}

static void on_alarm(int number)
{
}

TEST_F(iotlb, blocking_read)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct vhost_iotlb_msg message;
	int version;

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ualarm(20000, 0);
	EXPECT_EQ(-EINTR, iotlb_read(self->fd, &message, &version));
	ASSERT_EQ(0, miss(&self->queue, self->is_net, self->backend));
	EXPECT_EQ(0, iotlb_read(self->fd, &message, &version));
}

/* However many mappings there are, no more than so many are kept, the newest. */
TEST_F(iotlb, bounded)
{
	const unsigned int limit = 2048;
	struct vhost_queue *queue = &self->queue;
	const uint64_t used = (uintptr_t)queue->ring.used;
	unsigned int i;

	ASSERT_EQ(0, iotlb_update(self->fd, false, used, IOTLB_PAGE, queue->ring.used,
				  VHOST_ACCESS_RW));
	for (i = 1; i < limit; i++)
		ASSERT_EQ(0, iotlb_update(self->fd, false, i * 2ULL * IOTLB_PAGE, 1, self->page,
					  VHOST_ACCESS_RW));
	EXPECT_EQ(0, start(queue, self->is_net, self->backend));
	EXPECT_EQ(0, start(queue, self->is_net, -1));
	ASSERT_EQ(0, iotlb_update(self->fd, false, i * 2ULL * IOTLB_PAGE, 1, self->page,
				  VHOST_ACCESS_RW));
	EXPECT_EQ(-EFAULT, start(queue, self->is_net, self->backend));
}

/* While a queue runs it cannot come to be behind an IOTLB, or without. */
TEST_F(iotlb, feature_while_running)
{
	uint64_t features = FEATURE(VIRTIO_F_VERSION_1);

	if (is_mainline(variant->path))
		return;
	ASSERT_EQ(0, iotlb_update(self->fd, false, 0x1000, (1ULL << 47) - 0x3000, (void *)0x1000,
				  VHOST_ACCESS_RW));
	ASSERT_EQ(0, start(&self->queue, self->is_net, self->backend));
	EXPECT_EQ(-1, ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, ioctl(self->fd, VHOST_SET_FEATURES, &self->device.features));
	ASSERT_EQ(0, start(&self->queue, self->is_net, -1));
	EXPECT_EQ(0, ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, start(&self->queue, self->is_net, self->backend));
}

TEST_HARNESS_MAIN
