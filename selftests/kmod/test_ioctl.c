// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of <linux/vhost.h> for a device, with good and bad arguments: owner,
 * features, memory table, and what is no ioctl.  Those for a queue are in
 * test_ioctl_vring.c, those for the dirty log in test_ioctl_log.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_net.h>

#include "ioctl_fixture.h"

/* All that needs an owner.  Returns the number of calls that did not fail so. */
static int not_refused(const struct ioctl_setup *setup)
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
		count += vhost_ioctl(setup->fd, requests[i], argument) != -EPERM;
	count += ioctl_set_backend(setup, 0, setup->backend) != -EPERM;
	if (!setup->is_mainline) {
		count += vhost_ioctl(setup->fd, VQHOST_GET_VRING_STATS, argument) != -EPERM;
		count += vhost_ioctl(setup->fd, VQHOST_SET_VRING_POSITION, argument) != -EPERM;
	}
	if (!setup->is_net)
		count += vhost_ioctl(setup->fd, VQHOST_BLK_SET_SERIAL, argument) != -EPERM;
	return count;
}

TEST_F(ioctl, without_owner)
{
	int fd = open(variant->path, O_RDWR);
	struct ioctl_setup other = self->setup;
	uint64_t features;
	uint32_t version;

	ASSERT_LE(0, fd);
	other.fd = fd;
	EXPECT_EQ(0, not_refused(&other));
	/* What needs none. */
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_GET_FEATURES, &features));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_GET_BACKEND_FEATURES, &features));
	if (!other.is_mainline) {
		EXPECT_EQ(0, vhost_ioctl(fd, VQHOST_GET_API_VERSION, &version));
		EXPECT_EQ(VQHOST_API_VERSION, version);
		EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VQHOST_GET_API_VERSION, NULL));
	}
	close(fd);
}

TEST_F(ioctl, owner)
{
	struct ioctl_setup *setup = &self->setup;

	EXPECT_EQ(-EBUSY, vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(-EPERM, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
}

/* Reset while a queue runs: it stops, and all that was set is forgotten. */
TEST_F(ioctl, owner_reset_while_running)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_state base = { .index = 1 };

	ASSERT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, 1, 0));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_GET_VRING_BASE, &base));
	EXPECT_EQ(0, base.num);
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
	EXPECT_EQ(0, ioctl_run_queue(setup));
}

/* Another process that has inherited the file is not its owner. */
TEST_F(ioctl, second_owner)
{
	struct ioctl_setup *setup = &self->setup;
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		status = not_refused(setup);
		status += vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL) != -EBUSY;
		_exit(status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
}

/* The owner is gone, its file is not: nobody else becomes its owner. */
TEST_F(ioctl, owner_ends)
{
	struct ioctl_setup other = self->setup;
	pid_t child;
	int status;

	other.fd = open(variant->path, O_RDWR);
	ASSERT_LE(0, other.fd);
	child = fork();
	if (!child) {
		status = vhost_ioctl(other.fd, VHOST_SET_OWNER, NULL) || ioctl_run_queue(&other);
		_exit(status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EBUSY, vhost_ioctl(other.fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, not_refused(&other));
	EXPECT_EQ(0, close(other.fd));
}

TEST_F(ioctl, features)
{
	struct ioctl_setup *setup = &self->setup;
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
	uint64_t expected = ring | (setup->is_net ? net : blk);
	uint64_t offered, wanted;
	unsigned int bit;

	ASSERT_EQ(0, vhost_ioctl(setup->fd, VHOST_GET_FEATURES, &offered));
	/* Mainline of 6.1 has neither, and a disk completes in any order. */
	if (!setup->is_mainline)
		expected |= ours | (setup->is_net ? in_order : 0);
	/* Mainline offers these and a few more. */
	EXPECT_EQ(expected, setup->is_mainline ? offered & expected : offered);
	for (bit = 0; bit < 64; bit++) {
		wanted = FEATURE(bit);
		/* Mainline wants a memory table for that one. */
		if (setup->is_mainline && bit == VHOST_F_LOG_ALL)
			continue;
		EXPECT_EQ(offered & wanted ? 0 : -EOPNOTSUPP,
			  vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted))
			TH_LOG("bit %u", bit);
	}
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_GET_FEATURES, NULL));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_FEATURES, NULL));
	wanted = expected;
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
	/* Behind an IOTLB no queue starts without its messages, see test_iotlb.c. */
	if (setup->is_mainline) {
		ASSERT_EQ(0, vhost_ioctl(setup->fd, VHOST_RESET_OWNER, NULL));
		ASSERT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL));
	}
	wanted &= ~(packed | FEATURE(VIRTIO_F_ACCESS_PLATFORM));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
	/* Allowed on a running queue, too, but for its format. */
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
	wanted |= packed;
	EXPECT_EQ(setup->is_mainline ? -EOPNOTSUPP : -EBUSY,
		  vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
	wanted ^= packed | in_order;
	EXPECT_EQ(setup->is_mainline || !setup->is_net ? -EOPNOTSUPP : -EBUSY,
		  vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
	wanted ^= packed | in_order;
	ASSERT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(setup->is_mainline ? -EOPNOTSUPP : 0,
		  vhost_ioctl(setup->fd, VHOST_SET_FEATURES, &wanted));
}

TEST_F(ioctl, backend_features)
{
	struct ioctl_setup *setup = &self->setup;
	uint64_t offered, wanted;

	ASSERT_EQ(0, vhost_ioctl(setup->fd, VHOST_GET_BACKEND_FEATURES, &offered));
	EXPECT_TRUE(offered & FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_BACKEND_FEATURES, &offered));
	wanted = FEATURE(63);
	EXPECT_EQ(-EOPNOTSUPP, vhost_ioctl(setup->fd, VHOST_SET_BACKEND_FEATURES, &wanted));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_GET_BACKEND_FEATURES, NULL));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_BACKEND_FEATURES, NULL));
}

TEST_F(ioctl, memory_table)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_memory *table = setup->table;
	int fd = setup->fd;

	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, NULL));
	ioctl_fill_table(table, setup->page, 64);
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	ioctl_fill_table(table, setup->page, 65);
	EXPECT_EQ(-E2BIG, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	table->nregions = 0xffffffff;
	EXPECT_EQ(-E2BIG, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	ioctl_fill_table(table, setup->page, 0);
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	ioctl_fill_table(table, setup->page, 2);
	table->padding = 1;
	EXPECT_EQ(-EOPNOTSUPP, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	/* Nothing need be aligned. */
	ioctl_fill_table(table, setup->page, 2);
	table->regions[1].guest_phys_addr = 0x12345;
	table->regions[1].userspace_addr++;
	table->regions[1].memory_size = 3;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	table->regions[1].memory_size = 0;
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	table->regions[1].memory_size = ~0ULL;
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	/* Only ours looks at the address before it is used. */
	ioctl_fill_table(table, setup->page, 2);
	table->regions[1].userspace_addr = KERNEL_ADDRESS;
	EXPECT_EQ(setup->is_mainline ? 0 : -EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, table));
	/* The table ends where its memory ends, and a region too late. */
	ioctl_fill_table(table, setup->page, 2);
	memcpy(setup->page + 0x1000 - 72, table, 72);
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->page + 0x1000 - 72));
	memcpy(setup->page + 0x1000 - 71, table, 71);
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->page + 0x1000 - 71));
}

/* Replaced under a running queue; a bad one leaves the good one in place. */
TEST_F(ioctl, memory_table_while_running)
{
	struct ioctl_setup *setup = &self->setup;

	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
	setup->table->regions[1].userspace_addr = KERNEL_ADDRESS;
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table));
}

TEST_F(ioctl, unknown)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_state state = { .index = 1 };
	unsigned long unknown = _IOW(VHOST_VIRTIO, 0xee, struct vhost_vring_state);

	EXPECT_EQ(-ENOTTY, vhost_ioctl(setup->fd, unknown, &state));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, unknown, NULL));
	state.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(setup->fd, unknown, &state));
	state.index = 1;
	EXPECT_EQ(-ENOTTY, vhost_ioctl(setup->fd, VHOST_SET_VRING_ENDIAN, &state));
	EXPECT_EQ(-ENOTTY, vhost_ioctl(setup->fd, VHOST_GET_VRING_ENDIAN, &state));
	/* The other device's. */
	unknown = setup->is_net ? VQHOST_BLK_SET_BACKEND : VHOST_NET_SET_BACKEND;
	EXPECT_EQ(-ENOTTY, vhost_ioctl(setup->fd, unknown, &state));
}

TEST_HARNESS_MAIN
