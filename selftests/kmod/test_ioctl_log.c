// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of <linux/vhost.h> for the dirty log, with good and bad arguments: where
 * it may be, and what of the device may lie where.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ioctl_fixture.h"

/* Guest memory so high that its part of the log lies beyond user space. */
#define UNLOGGABLE (1ULL << 62)

static int set_features(int fd, uint64_t features)
{
	return vhost_ioctl(fd, VHOST_SET_FEATURES, &features);
}

static int set_log_base(int fd, uint64_t base)
{
	return vhost_ioctl(fd, VHOST_SET_LOG_BASE, &base);
}

/* Whether all can be logged matters while it is, and a queue runs. */
TEST_F(ioctl, log_base)
{
	struct ioctl_setup *setup = &self->setup;
	uint64_t all = FEATURE(VHOST_F_LOG_ALL), good = (uintptr_t)setup->page;
	int fd = setup->fd;

	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_LOG_BASE, NULL));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, set_features(fd, all));
	EXPECT_EQ(-EFAULT, ioctl_run_queue(setup));
	EXPECT_EQ(0, set_features(fd, 0));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(-EFAULT, set_features(fd, all));
	EXPECT_EQ(0, set_log_base(fd, good));
	EXPECT_EQ(0, set_features(fd, all));
	EXPECT_EQ(0, set_log_base(fd, good + 1));
	EXPECT_EQ(-EFAULT, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, set_features(fd, all));
	/* Nothing need be there yet. */
	EXPECT_EQ(0, set_log_base(fd, good + 0x1000));
	EXPECT_EQ(0, set_log_base(fd, 0));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
}

TEST_F(ioctl, log_of_memory_table)
{
	struct ioctl_setup *setup = &self->setup;
	uint64_t all = FEATURE(VHOST_F_LOG_ALL);
	int fd = setup->fd;

	EXPECT_EQ(0, set_log_base(fd, (uintptr_t)setup->page));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	setup->table->regions[1].guest_phys_addr = UNLOGGABLE;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(-EFAULT, set_features(fd, all));
	setup->table->regions[1].guest_phys_addr = 0x1000;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(0, set_features(fd, all));
	setup->table->regions[1].guest_phys_addr = UNLOGGABLE;
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
}

/* The log of a ring is kept whatever is said of the rest. */
TEST_F(ioctl, log_of_ring)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_addr address = ioctl_ring_address(setup);
	int fd = setup->fd;

	EXPECT_EQ(0, set_log_base(fd, (uintptr_t)setup->page));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, set_log_base(fd, KERNEL_ADDRESS));
	address.log_guest_addr = UNLOGGABLE;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address.flags = 0;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
}

TEST_F(ioctl, log_event)
{
	struct ioctl_setup *setup = &self->setup;
	int fd = setup->fd, file = open("/dev/null", O_RDWR);
	unsigned int i;

	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_LOG_FD, NULL));
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_LOG_FD, &file));
	close(file);
	file = NO_FD;
	EXPECT_EQ(-EBADF, vhost_ioctl(fd, VHOST_SET_LOG_FD, &file));
	file = -2;
	EXPECT_EQ(-EBADF, vhost_ioctl(fd, VHOST_SET_LOG_FD, &file));
	file = -1;
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_LOG_FD, &setup->event));
		EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_LOG_FD, &setup->event));
		EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_LOG_FD, &file));
		EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_LOG_FD, &file));
	}
}

/* Nobody's log any more, and nothing that has to be logged. */
TEST_F(ioctl, log_forgotten_with_owner)
{
	struct ioctl_setup *setup = &self->setup;
	int fd = setup->fd;

	EXPECT_EQ(0, set_features(fd, FEATURE(VHOST_F_LOG_ALL)));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_LOG_FD, &setup->event));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(0, set_features(fd, FEATURE(VHOST_F_LOG_ALL)));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, set_log_base(fd, KERNEL_ADDRESS));
	EXPECT_EQ(0, ioctl_run_queue(setup));
}

TEST_HARNESS_MAIN
