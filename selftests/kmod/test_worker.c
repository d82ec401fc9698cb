// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: the ioctls with good and bad arguments, and which thread serves what.
 */
#include <errno.h>
#include <sys/wait.h>

#include "../lib/tasks.h"
#include "net_setup.h"
#include "worker_fixture.h"

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
	id = worker_new(fd);
	ASSERT_LE(0, id);
	EXPECT_EQ(-ENODEV, worker_free(fd, NO_WORKER));
	EXPECT_EQ(-ENODEV, worker_free(fd, ~0U));
	EXPECT_EQ(-ENODEV, worker_attach(fd, 0, NO_WORKER));
	EXPECT_EQ(-ENODEV, worker_attach(fd, 0, ~0U));
	EXPECT_EQ(-ENOBUFS, worker_attach(fd, VQHOST_BLK_QUEUES_MAX, id));
	EXPECT_EQ(-ENOBUFS, worker_of(fd, VQHOST_BLK_QUEUES_MAX));
	EXPECT_EQ(-ENOBUFS, worker_of(fd, ~0U));
	EXPECT_EQ(-EINVAL, worker_of(fd, 0));
	EXPECT_EQ(0, worker_free(fd, id));
	EXPECT_EQ(-ENODEV, worker_free(fd, id));
	EXPECT_EQ(-ENODEV, worker_attach(fd, 0, id));
}

/* Each queue may have one made for it, and no more than there are queues beside. */
TEST_F(worker, no_more_than_queues)
{
	int fd = self->device.fd;
	int ids[VQHOST_BLK_QUEUES_MAX];
	unsigned int i;

	ASSERT_EQ(0, worker_start(&self->queues[0], self->store));
	/* The one whose number could not be told is there all the same. */
	EXPECT_EQ(-EFAULT, vhost_ioctl(fd, VHOST_NEW_WORKER, NULL));
	for (i = 1; i < VQHOST_BLK_QUEUES_MAX; i++) {
		ids[i] = worker_new(fd);
		ASSERT_LE(0, ids[i]);
		ASSERT_NE(ids[i], i > 1 ? ids[i - 1] : -1);
	}
	EXPECT_EQ(-ENOMEM, worker_new(fd));
	EXPECT_EQ(0, worker_start(&self->queues[1], self->store));
	EXPECT_EQ(0, worker_free(fd, ids[7]));
	EXPECT_LE(0, worker_new(fd));
	EXPECT_LE(VQHOST_BLK_QUEUES_MAX + 2, tasks_serving(getpid(), "vqhost-blk"));
	EXPECT_TRUE(worker_data_moves(self->queues, 2, 1));
}

TEST_F(worker, attach_and_free)
{
	int fd = self->device.fd;
	int first, second;

	first = worker_new(fd);
	second = worker_new(fd);
	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(first, second);
	EXPECT_EQ(0, worker_attach(fd, 0, first));
	EXPECT_EQ(0, worker_attach(fd, 1, first));
	EXPECT_EQ(first, worker_of(fd, 0));
	EXPECT_EQ(first, worker_of(fd, 1));
	EXPECT_EQ(-EBUSY, worker_free(fd, first));
	EXPECT_EQ(0, worker_attach(fd, 0, second));
	EXPECT_EQ(-EBUSY, worker_free(fd, first));
	EXPECT_EQ(0, worker_attach(fd, 1, second));
	EXPECT_EQ(second, worker_of(fd, 1));
	EXPECT_EQ(0, worker_free(fd, first));
	/* A queue that has been started once keeps its worker without a backend. */
	ASSERT_EQ(0, worker_start(&self->queues[0], self->store));
	EXPECT_EQ(0, worker_start(&self->queues[0], -1));
	EXPECT_EQ(second, worker_of(fd, 0));
	EXPECT_EQ(-EBUSY, worker_free(fd, second));
	EXPECT_LE(1, tasks_serving(getpid(), "vqhost-blk"));
	/* No owner, no workers. */
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_RESET_OWNER, NULL));
	EXPECT_TRUE(worker_threads_end(getpid()));
	EXPECT_EQ(0, vhost_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(-ENODEV, worker_free(fd, second));
	EXPECT_EQ(-EINVAL, worker_of(fd, 0));
}

TEST_F_TIMEOUT(worker, one_thread_per_queue, TEST_TIME_LIMIT)
{
	int fd = self->device.fd;
	int ids[QUEUES], shared;
	unsigned int i, j;

	EXPECT_EQ(0, tasks_serving(getpid(), "vqhost-blk"));
	for (i = 0; i < QUEUES; i++) {
		ASSERT_EQ(0, worker_start(&self->queues[i], self->store));
		EXPECT_EQ(i + 1, tasks_serving(getpid(), "vqhost-blk"));
		ids[i] = worker_of(fd, i);
		ASSERT_LE(0, ids[i]);
		for (j = 0; j < i; j++)
			EXPECT_NE(ids[j], ids[i]);
	}
	EXPECT_TRUE(worker_data_moves(self->queues, QUEUES, 2));

	/* All move to one, while they run; what they had can be freed. */
	shared = worker_new(fd);
	ASSERT_LE(0, shared);
	for (i = 0; i < QUEUES; i++) {
		EXPECT_EQ(-EBUSY, worker_free(fd, ids[i]));
		EXPECT_EQ(0, worker_attach(fd, i, shared));
		EXPECT_EQ(0, worker_free(fd, ids[i]));
		EXPECT_TRUE(worker_data_moves(self->queues, QUEUES, 3 + i));
	}
	for (i = 0; i < TIME_LIMIT_MS / 10 && tasks_serving(getpid(), "vqhost-blk") > 1; i++)
		usleep(10000);
	EXPECT_EQ(1, tasks_serving(getpid(), "vqhost-blk"));
}

TEST_HARNESS_MAIN
