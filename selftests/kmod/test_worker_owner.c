// SPDX-License-Identifier: GPL-2.0
/*
 * Workers of a process that is stopped, goes on and is killed.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tasks.h"
#include "worker_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT 120

/* A process whose four queues share a thread, counting what it has done. */
static pid_t start_child(unsigned int *rounds)
{
	static struct vhost_queue queues[WORKER_QUEUES];
	static struct vhost_device device;
	unsigned int i;
	pid_t child = fork();
	int store;

	if (child)
		return child;
	store = store_open(STORE_DELAYED, O_RDWR);
	if (vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES))
		_exit(1);
	for (i = 0; i < WORKER_QUEUES; i++) {
		if (vhost_queue_open(&queues[i], &device, i, BLK_QUEUE_SIZE, 0))
			_exit(2);
	}
	if (worker_start_shared(&device, queues, store) < 0)
		_exit(3);
	while (worker_data_moves(queues, WORKER_QUEUES, *rounds))
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
	EXPECT_TRUE(worker_threads_end(self->pid));
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
	EXPECT_TRUE(worker_threads_end(self->pid));
}

TEST_HARNESS_MAIN
