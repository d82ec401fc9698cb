// SPDX-License-Identifier: GPL-2.0
/*
 * What debugfs says of devices and queues, whatever these hang in, and that nobody
 * reads it, or anything else that is observed, without permission.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"
#include "../lib/stats_fields.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define DEBUGFS "/sys/kernel/debug"
#define TRACING "/sys/kernel/tracing"
#define FOLDER DEBUGFS "/vqhost"
#define NOBODY 65534
#define COLUMNS 64
#define VALUE_SIZE 128

/* A line of a file, by the names in its first line. */
struct row {
	unsigned int columns;
	char name[COLUMNS][VALUE_SIZE];
	char value[COLUMNS][VALUE_SIZE];
};

/* Returns how many there are. */
static unsigned int split(const char *line, char words[COLUMNS][VALUE_SIZE])
{
	unsigned int count = 0;
	int length;

	while (count < COLUMNS && sscanf(line, "%127s%n", words[count], &length) == 1) {
		line += length;
		count++;
	}
	return count;
}

static const char *value(const struct row *row, const char *name)
{
	unsigned int i;

	for (i = 0; i < row->columns; i++) {
		if (!strcmp(row->name[i], name))
			return row->value[i];
	}
	return "no such column";
}

static uint64_t number(const struct row *row, const char *name)
{
	return strtoull(value(row, name), NULL, 0);
}

/*
 * Look for the nth line, counted from 0, in which a column is this number.  Returns 0;
 * -ENOENT; -EPROTO if a line has not as many columns as the first.
 */
static int find(struct row *row, const char *file, const char *column, uint64_t wanted,
		unsigned int nth)
{
	static char line[8192];
	int err = -ENOENT;
	char path[64];
	FILE *open;

	snprintf(path, sizeof(path), FOLDER "/%s", file);
	open = fopen(path, "r");
	if (!open || !fgets(line, sizeof(line), open))
		return -errno;
	row->columns = split(line, row->name);
	while (err == -ENOENT && fgets(line, sizeof(line), open)) {
		if (split(line, row->value) != row->columns)
			err = -EPROTO;
		else if (number(row, column) == wanted && !nth--)
			err = 0;
	}
	fclose(open);
	return err;
}

FIXTURE(debugfs) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct row row;
	int store;
};

FIXTURE_SETUP(debugfs)
{
	/* Either fails if it is there. */
	mount("none", DEBUGFS, "debugfs", 0, NULL);
	mount("none", TRACING, "tracefs", 0, NULL);
	self->store = -1;
	ASSERT_EQ(0, prctl(PR_SET_NAME, "a \\b"));
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 3, BLK_QUEUE_SIZE, 0));
}

FIXTURE_TEARDOWN(debugfs)
{
	if (!access("/dev/mapper/vqhost", F_OK))
		EXPECT_EQ(0, system("dmsetup resume vqhost"));
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
}

TEST_F(debugfs, devices)
{
	struct row *row = &self->row;
	uint64_t first;
	int fd;

	ASSERT_EQ(0, find(row, "devices", "owner_pid", getpid(), 0));
	first = number(row, "device");
	EXPECT_LT(0, first);
	EXPECT_STREQ("vqhost-blk", value(row, "type"));
	EXPECT_STREQ("a\\040\\134b", value(row, "owner_name"));
	EXPECT_EQ(BLK_FEATURES, number(row, "features"));
	EXPECT_EQ(1, number(row, "queues"));
	EXPECT_EQ(0, number(row, "running"));
	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, find(row, "devices", "owner_pid", getpid(), 0));
	EXPECT_EQ(1, number(row, "running"));
	EXPECT_EQ(-ENOENT, find(row, "devices", "owner_pid", getpid(), 1));

	/* Without an owner, with one, without again, and gone. */
	fd = open(VQHOST_NET, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, find(row, "devices", "device", first + 1, 0));
	EXPECT_STREQ("vqhost-net", value(row, "type"));
	EXPECT_STREQ("0", value(row, "owner_pid"));
	EXPECT_STREQ("-", value(row, "owner_name"));
	ASSERT_EQ(0, ioctl(fd, VHOST_SET_OWNER));
	ASSERT_EQ(0, find(row, "devices", "device", first + 1, 0));
	EXPECT_EQ(getpid(), number(row, "owner_pid"));
	ASSERT_EQ(0, ioctl(fd, VHOST_RESET_OWNER));
	ASSERT_EQ(0, find(row, "devices", "device", first + 1, 0));
	EXPECT_STREQ("0", value(row, "owner_pid"));
	close(fd);
	EXPECT_EQ(-ENOENT, find(row, "devices", "device", first + 1, 0));
}

static void compare(struct __test_metadata *_metadata, const struct row *row,
		    const struct vqhost_vring_stats *stats)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stats_fields); i++)
		EXPECT_EQ(stats_value(stats, &stats_fields[i]), number(row, stats_fields[i].name))
			TH_LOG("%s", stats_fields[i].name);
	EXPECT_EQ(stats->error, number(row, "error"));
	EXPECT_EQ(stats->index, number(row, "queue"));
}

/* Before the first start, running, stopped, broken. */
TEST_F_TIMEOUT(debugfs, queues, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	struct vqhost_vring_stats stats;
	struct row *row = &self->row;
	unsigned int i;

	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_EQ(3, number(row, "queue"));
	EXPECT_STREQ("stopped", value(row, "state"));
	EXPECT_EQ(BLK_QUEUE_SIZE, number(row, "size"));
	EXPECT_EQ(0, number(row, "thread_pid"));
	EXPECT_STREQ("-", value(row, "breaks"));
	EXPECT_EQ(-ENOENT, find(row, "queues", "owner_pid", getpid(), 1));

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_OUT, 0, 1024));
	ASSERT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(queue, 99, 0, 0));
	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_STREQ("running", value(row, "state"));
	EXPECT_LT(0, number(row, "thread_pid"));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_STREQ("stopped", value(row, "state"));
	EXPECT_EQ(6, number(row, "requests"));
	compare(_metadata, row, &stats);

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vhost_queue_reset(queue, 0));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, self->store, 0));
		driver_ring_add_head(&queue->ring, BLK_QUEUE_SIZE);
		driver_ring_expose(&queue->ring);
		eventfd_write(queue->kick, 1);
		ASSERT_EQ(1, eventfd_wait(queue->error, TIME_LIMIT_MS));
		ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
		EXPECT_STREQ("broken", value(row, "state"));
		/* VIRTQUEUE_HEAD_RANGE */
		EXPECT_EQ(3, number(row, "error"));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	}
	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_STREQ("3:2", value(row, "breaks"));
	ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
	EXPECT_EQ(2, stats.breaks[3]);
	compare(_metadata, row, &stats);
}

static void *stop_queue(void *queue)
{
	vhost_queue_blk_backend(queue, -1, 0);
	return NULL;
}

/* A call that waits for a store that stalls, and holds the device meanwhile. */
TEST_F_TIMEOUT(debugfs, device_that_hangs, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	struct row *row = &self->row;
	unsigned int i, n;
	pthread_t thread;

	ASSERT_EQ(0, store_start(&self->queue, STORE_MAPPED, &self->store));
	ASSERT_EQ(0, system("dmsetup suspend --nolockfs vqhost"));
	for (n = 0; n < 4; n++)
		ASSERT_LE(0, blk_add(queue, n, VIRTIO_BLK_T_IN, 8 * n, 4096));
	vhost_queue_expose(queue);
	for (i = 0; i < TIME_LIMIT_MS; i++) {
		ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
		if (number(row, "in_flight") == 4)
			break;
		usleep(1000);
	}
	/* Most likely it is in that call by then; what is said below holds anyhow. */
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_queue, queue));
	usleep(20000);
	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_EQ(4, number(row, "in_flight"));
	EXPECT_STREQ("running", value(row, "state"));
	ASSERT_EQ(0, find(row, "devices", "owner_pid", getpid(), 0));
	EXPECT_EQ(1, number(row, "running"));
	ASSERT_EQ(0, system("dmsetup resume vqhost"));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, find(row, "queues", "owner_pid", getpid(), 0));
	EXPECT_STREQ("stopped", value(row, "state"));
	EXPECT_EQ(4, number(row, "requests"));
}

static bool enough;

static void *read_all(void *rows)
{
	static const char * const files[] = { "devices", "queues" };
	unsigned long long count;

	for (count = 0; !__atomic_load_n(&enough, __ATOMIC_RELAXED); count++) {
		if (find(rows, files[count % 2], "device", UINT32_MAX, 0) == -EPROTO)
			return "a line is not whole";
	}
	return NULL;
}

/* Devices that come and go while somebody looks: for sanitizers above all. */
TEST_F_TIMEOUT(debugfs, looked_at_while_closing, TEST_TIME_LIMIT)
{
	struct vhost_device device;
	struct vhost_queue queue;
	pthread_t thread;
	unsigned int i;
	void *wrong;

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	__atomic_store_n(&enough, false, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_all, &self->row));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
		ASSERT_EQ(0, vhost_queue_open(&queue, &device, i % 64, BLK_QUEUE_SIZE, 0));
		ASSERT_EQ(0, vhost_queue_blk_backend(&queue, self->store, 0));
		vhost_device_close(&device);
		vhost_queue_close(&queue);
	}
	__atomic_store_n(&enough, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(NULL, wrong) TH_LOG("%s", (char *)wrong);
}

/* Try as a user without rights, from folders that root has opened.  Returns what worked. */
static const char *what_nobody_reads(int device)
{
	static const struct {
		const char *folder;
		const char *file;
	} files[] = {
		{ FOLDER, "devices" },
		{ FOLDER, "queues" },
		{ TRACING, "events/vqhost/enable" },
		{ TRACING, "events/vqhost/vqhost_kick/format" },
		{ TRACING, "trace" },
	};
	struct vqhost_vring_stats stats = { .size = sizeof(stats) };
	int folders[ARRAY_SIZE(files)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		folders[i] = open(files[i].folder, O_PATH | O_DIRECTORY);
	if (setgid(NOBODY) || setuid(NOBODY))
		return "setuid";
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (folders[i] >= 0 && openat(folders[i], files[i].file, O_RDONLY) >= 0)
			return files[i].file;
		if (folders[i] >= 0 && errno != EACCES)
			return strerror(errno);
	}
	if (open(VQHOST_BLK, O_RDWR) >= 0)
		return VQHOST_BLK;
	/* It has inherited the device, which makes it no owner. */
	if (!ioctl(device, VQHOST_GET_VRING_STATS, &stats) || errno != EPERM)
		return "statistics";
	return NULL;
}

TEST_F(debugfs, for_root_only)
{
	const char *worked;
	struct stat status;
	int result;
	pid_t pid;

	ASSERT_EQ(0, stat(FOLDER "/devices", &status));
	EXPECT_EQ(S_IFREG | 0400, status.st_mode);
	EXPECT_EQ(0, status.st_uid);
	ASSERT_EQ(0, stat(FOLDER "/queues", &status));
	EXPECT_EQ(S_IFREG | 0400, status.st_mode);
	pid = fork();
	if (!pid) {
		worked = what_nobody_reads(self->device.fd);
		if (worked)
			TH_LOG("%s", worked);
		_exit(!!worked);
	}
	ASSERT_EQ(pid, waitpid(pid, &result, 0));
	EXPECT_EQ(0, result);
}

TEST_HARNESS_MAIN
