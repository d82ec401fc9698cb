// SPDX-License-Identifier: GPL-2.0
/*
 * Every ioctl of <linux/vhost.h>, with good and bad arguments.  Mainline's device is
 * a variant: what is expected of ours is what it does.  Where ours differs on
 * purpose, docs/uapi.md says so and the test has both.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define KERNEL_ADDRESS 0xffff800000000000ULL
#define NO_FD 9999

static int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? -errno : 0;
}

FIXTURE(ioctl) {
	int fd;
	int event;
	int backend;
	bool is_net;
	bool is_mainline;
	struct tap tap;
	uint8_t *page;
	struct vhost_memory *table;
	struct driver_ring ring;
};

FIXTURE_VARIANT(ioctl) {
	const char *path;
	unsigned int queues;
};

FIXTURE_VARIANT_ADD(ioctl, mainline_net) {
	.path = MAINLINE_NET,
	.queues = 2,
};

FIXTURE_VARIANT_ADD(ioctl, vqhost_net) {
	.path = VQHOST_NET,
	.queues = 2,
};

FIXTURE_VARIANT_ADD(ioctl, vqhost_blk) {
	.path = VQHOST_BLK,
	.queues = VQHOST_BLK_QUEUES_MAX,
};

/* A table of that many regions of a page, all backed by the same one. */
static void fill_table(struct vhost_memory *table, uint8_t *page, unsigned int regions)
{
	unsigned int i;

	memset(table, 0, sizeof(*table) + regions * sizeof(table->regions[0]));
	table->nregions = regions;
	for (i = 0; i < regions; i++) {
		table->regions[i].guest_phys_addr = i * 0x1000ULL;
		table->regions[i].memory_size = 0x1000;
		table->regions[i].userspace_addr = (uintptr_t)page;
	}
}

FIXTURE_SETUP(ioctl)
{
	self->is_mainline = !strcmp(variant->path, MAINLINE_NET);
	self->is_net = self->is_mainline || !strcmp(variant->path, VQHOST_NET);
	if (self->is_mainline && access(MAINLINE_NET, F_OK))
		ASSERT_EQ(0, system("modprobe vhost_net"));
	if (self->is_net) {
		ASSERT_EQ(0, tap_open(&self->tap, TAP, 12, ETHERTYPE_TEST, 0));
		self->backend = self->tap.fd;
	} else {
		self->backend = store_open(STORE_TMPFS, O_RDWR);
	}
	ASSERT_LE(0, self->backend);
	self->fd = open(variant->path, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, call(self->fd, VHOST_SET_OWNER, NULL));
	self->event = eventfd(0, 0);
	/* A page with nothing behind it. */
	self->page = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->page);
	ASSERT_EQ(0, munmap(self->page + 0x1000, 0x1000));
	self->table = calloc(1, 0x10000);
	ASSERT_NE(NULL, self->table);
	fill_table(self->table, self->page, 2);
	ASSERT_EQ(0, driver_ring_init(&self->ring, 16, 0, true));
}

FIXTURE_TEARDOWN(ioctl)
{
	close(self->fd);
	close(self->event);
	if (self->is_net)
		tap_close(&self->tap);
	else
		close(self->backend);
	driver_ring_destroy(&self->ring);
	free(self->table);
}

static struct vhost_vring_addr ring_address(const struct driver_ring *ring)
{
	return (struct vhost_vring_addr) {
		.index = 1,
		.desc_user_addr = (uintptr_t)ring->descriptors,
		.avail_user_addr = (uintptr_t)ring->available,
		.used_user_addr = (uintptr_t)ring->used,
	};
}

static int set_state(int fd, unsigned long request, unsigned int index, unsigned int number)
{
	struct vhost_vring_state state = { .index = index, .num = number };

	return call(fd, request, &state);
}

static int set_file(int fd, unsigned long request, unsigned int index, int file)
{
	struct vhost_vring_file argument = { .index = index, .fd = file };

	return call(fd, request, &argument);
}

static int set_backend(int fd, bool is_net, unsigned int index, int file)
{
	struct vqhost_blk_backend backend = { .index = index, .fd = file };

	return is_net ? set_file(fd, VHOST_NET_SET_BACKEND, index, file) :
			call(fd, VQHOST_BLK_SET_BACKEND, &backend);
}

/* Queue 1, running. */
static int run_queue(int fd, bool is_net, struct vhost_memory *table, struct driver_ring *ring,
		     int backend)
{
	struct vhost_vring_addr address = ring_address(ring);
	int err;

	err = call(fd, VHOST_SET_MEM_TABLE, table);
	if (!err)
		err = set_state(fd, VHOST_SET_VRING_NUM, 1, ring->size);
	if (!err)
		err = call(fd, VHOST_SET_VRING_ADDR, &address);
	return err ? err : set_backend(fd, is_net, 1, backend);
}

/* All that needs an owner.  Returns the number of calls that did not fail so. */
static int not_refused(int fd, bool is_net, bool is_mainline, int backend)
{
	uint8_t argument[64] = {};
	int count = 0;
	unsigned int i;
	static const unsigned long requests[] = {
		VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD,
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
		VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
		VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
	};

	for (i = 0; i < ARRAY_SIZE(requests); i++)
		count += call(fd, requests[i], argument) != -EPERM;
	count += set_backend(fd, is_net, 0, backend) != -EPERM;
	if (!is_mainline)
		count += call(fd, VQHOST_GET_VRING_STATS, argument) != -EPERM;
	if (!is_net)
		count += call(fd, VQHOST_BLK_SET_SERIAL, argument) != -EPERM;
	return count;
}

TEST_F(ioctl, without_owner)
{
	int fd = open(variant->path, O_RDWR);
	uint64_t features;
	uint32_t version;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, not_refused(fd, self->is_net, self->is_mainline, self->backend));
	/* What needs none. */
	EXPECT_EQ(0, call(fd, VHOST_GET_FEATURES, &features));
	EXPECT_EQ(0, call(fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, call(fd, VHOST_GET_BACKEND_FEATURES, &features));
	if (!self->is_mainline) {
		EXPECT_EQ(0, call(fd, VQHOST_GET_API_VERSION, &version));
		EXPECT_EQ(VQHOST_API_VERSION, version);
		EXPECT_EQ(-EFAULT, call(fd, VQHOST_GET_API_VERSION, NULL));
	}
	close(fd);
}

TEST_F(ioctl, owner)
{
	EXPECT_EQ(-EBUSY, call(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(0, call(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(-EPERM, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
}

/* Reset while a queue runs: it stops, and all that was set is forgotten. */
TEST_F(ioctl, owner_reset_while_running)
{
	struct vhost_vring_state base = { .index = 1 };

	ASSERT_EQ(0, set_state(self->fd, VHOST_SET_VRING_BASE, 1, 0));
	ASSERT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, call(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, call(self->fd, VHOST_GET_VRING_BASE, &base));
	EXPECT_EQ(0, base.num);
	EXPECT_EQ(-EFAULT, set_backend(self->fd, self->is_net, 1, self->backend));
	EXPECT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
}

/* Another process that has inherited the file is not its owner. */
TEST_F(ioctl, second_owner)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		status = not_refused(self->fd, self->is_net, self->is_mainline, self->backend);
		status += call(self->fd, VHOST_SET_OWNER, NULL) != -EBUSY;
		_exit(status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
}

/* The owner is gone, its file is not: nobody else becomes its owner. */
TEST_F(ioctl, owner_ends)
{
	int fd = open(variant->path, O_RDWR);
	pid_t child;
	int status;

	ASSERT_LE(0, fd);
	child = fork();
	if (!child) {
		status = call(fd, VHOST_SET_OWNER, NULL) ||
			 run_queue(fd, self->is_net, self->table, &self->ring, self->backend);
		_exit(status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EBUSY, call(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, not_refused(fd, self->is_net, self->is_mainline, self->backend));
	EXPECT_EQ(0, close(fd));
}

TEST_F(ioctl, features)
{
	uint64_t ring = FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | FEATURE(VIRTIO_RING_F_EVENT_IDX) |
			FEATURE(VIRTIO_F_ANY_LAYOUT) | FEATURE(VIRTIO_F_VERSION_1) |
			FEATURE(VHOST_F_LOG_ALL) | FEATURE(VIRTIO_F_ACCESS_PLATFORM);
	uint64_t packed = FEATURE(VIRTIO_F_RING_PACKED);
	uint64_t ours = packed | FEATURE(VIRTIO_F_RING_RESET);
	uint64_t in_order = FEATURE(VIRTIO_F_IN_ORDER);
	uint64_t net = FEATURE(VIRTIO_NET_F_MRG_RXBUF) | FEATURE(VHOST_NET_F_VIRTIO_NET_HDR);
	uint64_t blk = FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_RO) |
		       FEATURE(VIRTIO_BLK_F_BLK_SIZE) | FEATURE(VIRTIO_BLK_F_FLUSH) |
		       FEATURE(VIRTIO_BLK_F_TOPOLOGY) | FEATURE(VIRTIO_BLK_F_MQ) |
		       FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
	uint64_t expected = ring | (self->is_net ? net : blk);
	uint64_t offered, wanted;
	unsigned int bit;

	ASSERT_EQ(0, call(self->fd, VHOST_GET_FEATURES, &offered));
	/* Mainline of 6.1 has neither, and a disk completes in any order. */
	if (!self->is_mainline)
		expected |= ours | (self->is_net ? in_order : 0);
	/* Mainline offers these and a few more. */
	EXPECT_EQ(expected, self->is_mainline ? offered & expected : offered);
	for (bit = 0; bit < 64; bit++) {
		wanted = FEATURE(bit);
		/* Mainline wants a memory table for that one. */
		if (self->is_mainline && bit == VHOST_F_LOG_ALL)
			continue;
		EXPECT_EQ(offered & wanted ? 0 : -EOPNOTSUPP,
			  call(self->fd, VHOST_SET_FEATURES, &wanted))
			TH_LOG("bit %u", bit);
	}
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_GET_FEATURES, NULL));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_FEATURES, NULL));
	wanted = expected;
	EXPECT_EQ(0, call(self->fd, VHOST_SET_FEATURES, &wanted));
	/* Behind an IOTLB no queue starts without its messages, see test_iotlb.c. */
	if (self->is_mainline) {
		ASSERT_EQ(0, call(self->fd, VHOST_RESET_OWNER, NULL));
		ASSERT_EQ(0, call(self->fd, VHOST_SET_OWNER, NULL));
	}
	wanted &= ~(packed | FEATURE(VIRTIO_F_ACCESS_PLATFORM));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_FEATURES, &wanted));
	/* Allowed on a running queue, too, but for its format. */
	ASSERT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_FEATURES, &wanted));
	wanted |= packed;
	EXPECT_EQ(self->is_mainline ? -EOPNOTSUPP : -EBUSY,
		  call(self->fd, VHOST_SET_FEATURES, &wanted));
	wanted ^= packed | in_order;
	EXPECT_EQ(self->is_mainline || !self->is_net ? -EOPNOTSUPP : -EBUSY,
		  call(self->fd, VHOST_SET_FEATURES, &wanted));
	wanted ^= packed | in_order;
	ASSERT_EQ(0, set_backend(self->fd, self->is_net, 1, -1));
	EXPECT_EQ(self->is_mainline ? -EOPNOTSUPP : 0,
		  call(self->fd, VHOST_SET_FEATURES, &wanted));
}

TEST_F(ioctl, backend_features)
{
	uint64_t offered, wanted;

	ASSERT_EQ(0, call(self->fd, VHOST_GET_BACKEND_FEATURES, &offered));
	EXPECT_TRUE(offered & FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_BACKEND_FEATURES, &offered));
	wanted = FEATURE(63);
	EXPECT_EQ(-EOPNOTSUPP, call(self->fd, VHOST_SET_BACKEND_FEATURES, &wanted));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_GET_BACKEND_FEATURES, NULL));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_BACKEND_FEATURES, NULL));
}

TEST_F(ioctl, memory_table)
{
	struct vhost_memory *table = self->table;
	int fd = self->fd;

	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_MEM_TABLE, NULL));
	fill_table(table, self->page, 64);
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, table));
	fill_table(table, self->page, 65);
	EXPECT_EQ(-E2BIG, call(fd, VHOST_SET_MEM_TABLE, table));
	table->nregions = 0xffffffff;
	EXPECT_EQ(-E2BIG, call(fd, VHOST_SET_MEM_TABLE, table));
	fill_table(table, self->page, 0);
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, table));
	fill_table(table, self->page, 2);
	table->padding = 1;
	EXPECT_EQ(-EOPNOTSUPP, call(fd, VHOST_SET_MEM_TABLE, table));
	/* Nothing need be aligned. */
	fill_table(table, self->page, 2);
	table->regions[1].guest_phys_addr = 0x12345;
	table->regions[1].userspace_addr++;
	table->regions[1].memory_size = 3;
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, table));
	table->regions[1].memory_size = 0;
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_MEM_TABLE, table));
	table->regions[1].memory_size = ~0ULL;
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_MEM_TABLE, table));
	/* Only ours looks at the address before it is used. */
	fill_table(table, self->page, 2);
	table->regions[1].userspace_addr = KERNEL_ADDRESS;
	EXPECT_EQ(self->is_mainline ? 0 : -EFAULT, call(fd, VHOST_SET_MEM_TABLE, table));
	/* The table ends where its memory ends, and a region too late. */
	fill_table(table, self->page, 2);
	memcpy(self->page + 0x1000 - 72, table, 72);
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, self->page + 0x1000 - 72));
	memcpy(self->page + 0x1000 - 71, table, 71);
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_MEM_TABLE, self->page + 0x1000 - 71));
}

/* Replaced under a running queue; a bad one leaves the good one in place. */
TEST_F(ioctl, memory_table_while_running)
{
	ASSERT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
	self->table->regions[1].userspace_addr = KERNEL_ADDRESS;
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_MEM_TABLE, self->table));
}

TEST_F(ioctl, vring_num)
{
	static const unsigned int bad[] = { 0, 3, 257, 32767, 65535, 65536, 0x80000000 };
	unsigned int i;

	for (i = 1; i <= 32768; i *= 2)
		EXPECT_EQ(0, set_state(self->fd, VHOST_SET_VRING_NUM, 1, i));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, set_state(self->fd, VHOST_SET_VRING_NUM, 1, bad[i]));
	EXPECT_EQ(0, set_state(self->fd, VHOST_SET_VRING_NUM, variant->queues - 1, 16));
	EXPECT_EQ(-ENOBUFS, set_state(self->fd, VHOST_SET_VRING_NUM, variant->queues, 16));
	EXPECT_EQ(-ENOBUFS, set_state(self->fd, VHOST_SET_VRING_NUM, ~0U, 16));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_VRING_NUM, NULL));
	/* The index can be read, the number cannot. */
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_VRING_NUM, self->page + 0x1000 - 4));
	ASSERT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(-EBUSY, set_state(self->fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(0, set_state(self->fd, VHOST_SET_VRING_NUM, 0, 16));
}

TEST_F(ioctl, vring_base)
{
	struct vhost_vring_state state = { .index = 1 };

	EXPECT_EQ(0, set_state(self->fd, VHOST_SET_VRING_BASE, 1, 0xffff));
	EXPECT_EQ(0, call(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0xffff, state.num);
	EXPECT_EQ(1, state.index);
	EXPECT_EQ(-EINVAL, set_state(self->fd, VHOST_SET_VRING_BASE, 1, 0x10000));
	EXPECT_EQ(-ENOBUFS, set_state(self->fd, VHOST_SET_VRING_BASE, variant->queues, 0));
	state.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, call(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_SET_VRING_BASE, NULL));
	EXPECT_EQ(-EFAULT, call(self->fd, VHOST_GET_VRING_BASE, NULL));
	EXPECT_EQ(0, set_state(self->fd, VHOST_SET_VRING_BASE, 1, 0));
	ASSERT_EQ(0, run_queue(self->fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(-EBUSY, set_state(self->fd, VHOST_SET_VRING_BASE, 1, 0));
	state.index = 1;
	EXPECT_EQ(0, call(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0, state.num);
}

TEST_F(ioctl, vring_address)
{
	const struct vhost_vring_addr good = ring_address(&self->ring);
	struct vhost_vring_addr address = good;
	int fd = self->fd;

	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	address.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_VRING_ADDR, NULL));
	address = good;
	address.flags = 2;
	EXPECT_EQ(-EOPNOTSUPP, call(fd, VHOST_SET_VRING_ADDR, &address));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.avail_user_addr++;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.used_user_addr += 2;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.log_guest_addr = 2;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	/* Where it points to matters once the queue runs. */
	address = good;
	address.desc_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));

	ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	address.used_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
}

TEST_F(ioctl, eventfds)
{
	static const unsigned long requests[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	};
	int fd = self->fd, null = open("/dev/null", O_RDWR);
	unsigned int i, running;

	for (running = 0; running < 2; running++) {
		for (i = 0; i < ARRAY_SIZE(requests); i++) {
			EXPECT_EQ(-EFAULT, call(fd, requests[i], NULL));
			EXPECT_EQ(-EBADF, set_file(fd, requests[i], 1, NO_FD));
			EXPECT_EQ(-EBADF, set_file(fd, requests[i], 1, -2));
			EXPECT_EQ(-EINVAL, set_file(fd, requests[i], 1, null));
			EXPECT_EQ(-ENOBUFS, set_file(fd, requests[i], variant->queues, -1));
			EXPECT_EQ(0, set_file(fd, requests[i], 1, self->event));
			EXPECT_EQ(0, set_file(fd, requests[i], 1, self->event));
			EXPECT_EQ(0, set_file(fd, requests[i], 1, -1));
			EXPECT_EQ(0, set_file(fd, requests[i], 1, -1));
		}
		if (!running)
			ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring,
					       self->backend));
	}
}

TEST_F(ioctl, backend)
{
	struct vhost_vring_addr address = ring_address(&self->ring);
	int fd = self->fd, null = open("/dev/null", O_RDWR);

	/* What must be there: memory table, then ring. */
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 1, self->ring.size));
	address.desc_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
	/* In user space, but with nothing behind it. */
	address = ring_address(&self->ring);
	address.used_user_addr = (uintptr_t)self->page + 0x1000;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));

	address = ring_address(&self->ring);
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-ENOBUFS, set_backend(fd, self->is_net, variant->queues, self->backend));
	EXPECT_EQ(self->is_net ? -ENOTSOCK : -EBADF, set_backend(fd, self->is_net, 1, NO_FD));
	EXPECT_EQ(self->is_net ? -ENOTSOCK : -EINVAL, set_backend(fd, self->is_net, 1, null));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, self->backend));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, self->backend));
	/* A bad one leaves the good one in place. */
	EXPECT_EQ(self->is_net ? -ENOTSOCK : -EINVAL, set_backend(fd, self->is_net, 1, null));
	EXPECT_EQ(-EBUSY, set_state(fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(-EFAULT, call(fd, self->is_net ? VHOST_NET_SET_BACKEND : VQHOST_BLK_SET_BACKEND,
				NULL));
}

TEST_F(ioctl, busyloop_timeout)
{
	struct vhost_vring_state state = { .index = 1 };
	int fd = self->fd;

	EXPECT_EQ(0, call(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(self->is_mainline ? 0 : 50, state.num);
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 1, 123));
	EXPECT_EQ(0, call(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(123, state.num);
	ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 1, 0));
	EXPECT_EQ(0, call(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(0, state.num);
	EXPECT_EQ(-ENOBUFS, set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, variant->queues, 1));
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, NULL));
	EXPECT_EQ(-EFAULT, call(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, NULL));
}

/* Guest memory so high that its part of the log lies beyond user space. */
#define UNLOGGABLE (1ULL << 62)

static int set_features(int fd, uint64_t features)
{
	return call(fd, VHOST_SET_FEATURES, &features);
}

static int set_log_base(int fd, uint64_t base)
{
	return call(fd, VHOST_SET_LOG_BASE, &base);
}

/* Whether all can be logged matters while it is, and a queue runs. */
TEST_F(ioctl, log_base)
{
	uint64_t all = FEATURE(VHOST_F_LOG_ALL), good = (uintptr_t)self->page;
	int fd = self->fd;

	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_LOG_BASE, NULL));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, set_features(fd, all));
	EXPECT_EQ(-EFAULT, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, set_features(fd, 0));
	ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(-EFAULT, set_features(fd, all));
	EXPECT_EQ(0, set_log_base(fd, good));
	EXPECT_EQ(0, set_features(fd, all));
	EXPECT_EQ(0, set_log_base(fd, good + 1));
	EXPECT_EQ(-EFAULT, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, set_features(fd, all));
	/* Nothing need be there yet. */
	EXPECT_EQ(0, set_log_base(fd, good + 0x1000));
	EXPECT_EQ(0, set_log_base(fd, 0));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
}

TEST_F(ioctl, log_of_memory_table)
{
	uint64_t all = FEATURE(VHOST_F_LOG_ALL);
	int fd = self->fd;

	EXPECT_EQ(0, set_log_base(fd, (uintptr_t)self->page));
	ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	self->table->regions[1].guest_phys_addr = UNLOGGABLE;
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(-EFAULT, set_features(fd, all));
	self->table->regions[1].guest_phys_addr = 0x1000;
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(0, set_features(fd, all));
	self->table->regions[1].guest_phys_addr = UNLOGGABLE;
	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, call(fd, VHOST_SET_MEM_TABLE, self->table));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
}

/* The log of a ring is kept whatever is said of the rest. */
TEST_F(ioctl, log_of_ring)
{
	struct vhost_vring_addr address = ring_address(&self->ring);
	int fd = self->fd;

	EXPECT_EQ(0, set_log_base(fd, (uintptr_t)self->page));
	ASSERT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, set_log_base(fd, KERNEL_ADDRESS));
	address.log_guest_addr = UNLOGGABLE;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	address.flags = 0;
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, call(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, set_backend(fd, self->is_net, 1, self->backend));
}

TEST_F(ioctl, log_event)
{
	int fd = self->fd, file = open("/dev/null", O_RDWR);
	unsigned int i;

	EXPECT_EQ(-EFAULT, call(fd, VHOST_SET_LOG_FD, NULL));
	EXPECT_EQ(-EINVAL, call(fd, VHOST_SET_LOG_FD, &file));
	close(file);
	file = NO_FD;
	EXPECT_EQ(-EBADF, call(fd, VHOST_SET_LOG_FD, &file));
	file = -2;
	EXPECT_EQ(-EBADF, call(fd, VHOST_SET_LOG_FD, &file));
	file = -1;
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, call(fd, VHOST_SET_LOG_FD, &self->event));
		EXPECT_EQ(0, call(fd, VHOST_SET_LOG_FD, &self->event));
		EXPECT_EQ(0, call(fd, VHOST_SET_LOG_FD, &file));
		EXPECT_EQ(0, call(fd, VHOST_SET_LOG_FD, &file));
	}
}

/* Nobody's log any more, and nothing that has to be logged. */
TEST_F(ioctl, log_forgotten_with_owner)
{
	int fd = self->fd;

	EXPECT_EQ(0, set_features(fd, FEATURE(VHOST_F_LOG_ALL)));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, call(fd, VHOST_SET_LOG_FD, &self->event));
	EXPECT_EQ(0, call(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, call(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
	EXPECT_EQ(0, set_features(fd, FEATURE(VHOST_F_LOG_ALL)));
	EXPECT_EQ(0, set_backend(fd, self->is_net, 1, -1));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, call(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, call(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, run_queue(fd, self->is_net, self->table, &self->ring, self->backend));
}

TEST_F(ioctl, unknown)
{
	struct vhost_vring_state state = { .index = 1 };
	unsigned long unknown = _IOW(VHOST_VIRTIO, 0xee, struct vhost_vring_state);

	EXPECT_EQ(-ENOTTY, call(self->fd, unknown, &state));
	EXPECT_EQ(-EFAULT, call(self->fd, unknown, NULL));
	state.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, call(self->fd, unknown, &state));
	state.index = 1;
	EXPECT_EQ(-ENOTTY, call(self->fd, VHOST_SET_VRING_ENDIAN, &state));
	EXPECT_EQ(-ENOTTY, call(self->fd, VHOST_GET_VRING_ENDIAN, &state));
	/* The other device's. */
	unknown = self->is_net ? VQHOST_BLK_SET_BACKEND : VHOST_NET_SET_BACKEND;
	EXPECT_EQ(-ENOTTY, call(self->fd, unknown, &state));
}

TEST_HARNESS_MAIN
