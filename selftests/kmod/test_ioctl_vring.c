// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of <linux/vhost.h> for a queue, with good and bad arguments: its ring,
 * eventfds and backend.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ioctl_fixture.h"

TEST_F(ioctl, vring_num)
{
	struct ioctl_setup *setup = &self->setup;
	static const unsigned int bad[] = { 0, 3, 257, 32767, 65535, 65536, 0x80000000 };
	unsigned int i;

	for (i = 1; i <= 32768; i *= 2)
		EXPECT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, 1, i));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, 1, bad[i]));
	EXPECT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, variant->queues - 1, 16));
	EXPECT_EQ(-ENOBUFS, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, variant->queues, 16));
	EXPECT_EQ(-ENOBUFS, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, ~0U, 16));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_VRING_NUM, NULL));
	/* The index can be read, the number cannot. */
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_VRING_NUM, setup->page + 0x1000 - 4));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(-EBUSY, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, 0, 16));
}

TEST_F(ioctl, vring_base)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_state state = { .index = 1 };

	EXPECT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, 1, 0xffff));
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0xffff, state.num);
	EXPECT_EQ(1, state.index);
	EXPECT_EQ(-EINVAL, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, 1, 0x10000));
	EXPECT_EQ(-ENOBUFS, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, variant->queues, 0));
	state.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(setup->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_SET_VRING_BASE, NULL));
	EXPECT_EQ(-EFAULT, vhost_ioctl(setup->fd, VHOST_GET_VRING_BASE, NULL));
	EXPECT_EQ(0, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, 1, 0));
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(-EBUSY, ioctl_set_state(setup->fd, VHOST_SET_VRING_BASE, 1, 0));
	state.index = 1;
	EXPECT_EQ(0, vhost_ioctl(setup->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0, state.num);
}

TEST_F(ioctl, vring_address)
{
	struct ioctl_setup *setup = &self->setup;
	const struct vhost_vring_addr good = ioctl_ring_address(setup);
	struct vhost_vring_addr address = good;
	int fd = setup->fd;

	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address.index = variant->queues;
	EXPECT_EQ(-ENOBUFS, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, NULL));
	address = good;
	address.flags = 2;
	EXPECT_EQ(-EOPNOTSUPP, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.avail_user_addr++;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.used_user_addr += 2;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	address.log_guest_addr = 2;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	/* Where it points to matters once the queue runs. */
	address = good;
	address.desc_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));

	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address = good;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	address.used_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(-EINVAL, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
}

TEST_F(ioctl, eventfds)
{
	struct ioctl_setup *setup = &self->setup;
	static const unsigned long requests[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	};
	int fd = setup->fd, null = open("/dev/null", O_RDWR);
	unsigned int i, running;

	for (running = 0; running < 2; running++) {
		for (i = 0; i < ARRAY_SIZE(requests); i++) {
			EXPECT_EQ(-EFAULT, vhost_ioctl(fd, requests[i], NULL));
			EXPECT_EQ(-EBADF, ioctl_set_file(fd, requests[i], 1, NO_FD));
			EXPECT_EQ(-EBADF, ioctl_set_file(fd, requests[i], 1, -2));
			EXPECT_EQ(-EINVAL, ioctl_set_file(fd, requests[i], 1, null));
			EXPECT_EQ(-ENOBUFS, ioctl_set_file(fd, requests[i], variant->queues, -1));
			EXPECT_EQ(0, ioctl_set_file(fd, requests[i], 1, setup->event));
			EXPECT_EQ(0, ioctl_set_file(fd, requests[i], 1, setup->event));
			EXPECT_EQ(0, ioctl_set_file(fd, requests[i], 1, -1));
			EXPECT_EQ(0, ioctl_set_file(fd, requests[i], 1, -1));
		}
		if (!running)
			ASSERT_EQ(0, ioctl_run_queue(setup));
	}
}

TEST_F(ioctl, backend)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_addr address = ioctl_ring_address(setup);
	int fd = setup->fd, null = open("/dev/null", O_RDWR);

	/* What must be there: memory table, then ring. */
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_MEM_TABLE, setup->table));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
	EXPECT_EQ(0, ioctl_set_state(fd, VHOST_SET_VRING_NUM, 1, setup->ring.size));
	address.desc_user_addr = KERNEL_ADDRESS;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));
	/* In user space, but with nothing behind it. */
	address = ioctl_ring_address(setup);
	address.used_user_addr = (uintptr_t)setup->page + 0x1000;
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-EFAULT, ioctl_set_backend(setup, 1, setup->backend));

	address = ioctl_ring_address(setup);
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_VRING_ADDR, &address));
	EXPECT_EQ(-ENOBUFS, ioctl_set_backend(setup, variant->queues, setup->backend));
	EXPECT_EQ(setup->is_net ? -ENOTSOCK : -EBADF, ioctl_set_backend(setup, 1, NO_FD));
	EXPECT_EQ(setup->is_net ? -ENOTSOCK : -EINVAL, ioctl_set_backend(setup, 1, null));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, setup->backend));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, setup->backend));
	/* A bad one leaves the good one in place. */
	EXPECT_EQ(setup->is_net ? -ENOTSOCK : -EINVAL, ioctl_set_backend(setup, 1, null));
	EXPECT_EQ(-EBUSY, ioctl_set_state(fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, ioctl_set_backend(setup, 1, -1));
	EXPECT_EQ(0, ioctl_set_state(fd, VHOST_SET_VRING_NUM, 1, 16));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, setup->is_net ? VHOST_NET_SET_BACKEND :
							   VQHOST_BLK_SET_BACKEND, NULL));
}

TEST_F(ioctl, busyloop_timeout)
{
	struct ioctl_setup *setup = &self->setup;
	struct vhost_vring_state state = { .index = 1 };
	int fd = setup->fd;

	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(setup->is_mainline ? 0 : 50, state.num);
	EXPECT_EQ(0, ioctl_set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 1, 123));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(123, state.num);
	ASSERT_EQ(0, ioctl_run_queue(setup));
	EXPECT_EQ(0, ioctl_set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, 1, 0));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state));
	EXPECT_EQ(0, state.num);
	EXPECT_EQ(-ENOBUFS, ioctl_set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, variant->queues,
					    1));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, NULL));
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, NULL));
}

TEST_HARNESS_MAIN
