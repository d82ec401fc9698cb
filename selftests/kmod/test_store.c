// SPDX-License-Identifier: GPL-2.0
/*
 * Stores that fail, stall, shrink or are full: the driver is told so, request by
 * request, has never wrong data for right, and the queue goes on when the store
 * does.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blk_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT 120
#define DATA_LENGTH 4096U
#define BLOCK_SECTORS (DATA_LENGTH / SECTOR)
/* Blocks that the tests use. */
#define BLOCKS 256

FIXTURE(store) {
	struct vhost_device device;
	struct vhost_queue queue;
	int fd;
	/* What each block holds, as the driver was told; 0: nothing is known. */
	unsigned int written[BLOCKS];
};

FIXTURE_SETUP(store)
{
	uint64_t features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX);

	self->fd = -1;
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE, 0));
}

static int run(const char *command)
{
	return system(command) ? -ECHILD : 0;
}

FIXTURE_TEARDOWN(store)
{
	/* Whatever went wrong, nobody waits for it. */
	if (!access("/dev/mapper/vqhost", F_OK))
		system("dmsetup resume vqhost");
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	if (self->fd >= 0)
		close(self->fd);
	/* The RAM disk below is others' as well. */
	if (!access("/dev/mapper/vqhost", F_OK))
		EXPECT_EQ(0, run("dmsetup remove --retry vqhost && "
				 "rm -f /dev/mapper/vqhost"));
}

/* From now on the mapped disk has this table; what is under way is completed first. */
static int map(const char *table)
{
	char command[256];

	snprintf(command, sizeof(command), "dmsetup suspend --nolockfs vqhost && "
		 "dmsetup load vqhost --table '%s' && dmsetup resume vqhost", table);
	return run(command);
}

#define LINEAR "0 32768 linear /dev/ram0 0"

static int write_block(struct _test_data_store *self, unsigned int block, unsigned int seed)
{
	uint8_t data[DATA_LENGTH];
	int status;

	blk_pattern(data, sizeof(data), block * BLOCK_SECTORS, seed);
	guest_write(&self->device, BLK_DATA(0), data, sizeof(data));
	status = blk_do(&self->queue, VIRTIO_BLK_T_OUT, block * BLOCK_SECTORS, sizeof(data));
	/* One that failed may have been written, or not, or in part. */
	self->written[block] = status ? 0 : seed;
	return status;
}

/* Returns the status, or -EBADMSG if a good status came with data that are not. */
static int read_block(struct _test_data_store *self, unsigned int block)
{
	uint8_t data[DATA_LENGTH], expected[DATA_LENGTH];
	int status;

	memset(data, 0xee, sizeof(data));
	guest_write(&self->device, BLK_DATA(0), data, sizeof(data));
	status = blk_do(&self->queue, VIRTIO_BLK_T_IN, block * BLOCK_SECTORS, sizeof(data));
	guest_read(&self->device, data, BLK_DATA(0), sizeof(data));
	blk_pattern(expected, sizeof(expected), block * BLOCK_SECTORS, self->written[block]);
	if (!status && self->written[block] && memcmp(data, expected, sizeof(data)))
		return -EBADMSG;
	return status;
}

static int flush(struct _test_data_store *self)
{
	return blk_do(&self->queue, VIRTIO_BLK_T_FLUSH, 0, 0);
}

/* All blocks written and read: how many requests were refused; -EBADMSG. */
static int use_all(struct _test_data_store *self, unsigned int seed)
{
	unsigned int block;
	int refused = 0, status;

	for (block = 0; block < BLOCKS; block += 5) {
		status = write_block(self, block, seed);
		if (!status)
			status = read_block(self, block);
		if (status != VIRTIO_BLK_S_OK && status != VIRTIO_BLK_S_IOERR)
			return status;
		refused += status == VIRTIO_BLK_S_IOERR;
	}
	return refused;
}

/* Everything the driver was told is stored is there. */
static int check_all(struct _test_data_store *self)
{
	unsigned int block;
	int status;

	for (block = 0; block < BLOCKS; block += 5) {
		status = read_block(self, block);
		if (status)
			return status;
	}
	return 0;
}

/* A disk that breaks, wholly and then in its middle, and is repaired. */
TEST_F_TIMEOUT(store, breaks_and_is_repaired, TEST_TIME_LIMIT)
{
	self->fd = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	ASSERT_EQ(0, use_all(self, 1));

	ASSERT_EQ(0, map("0 32768 error"));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, read_block(self, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_OUT, 8, DATA_LENGTH));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_GET_ID, 0, 20));
	ASSERT_EQ(0, map(LINEAR));
	EXPECT_EQ(0, check_all(self));

	/* Sectors 400 to 407 are block 50; a request that begins before it fails too. */
	ASSERT_EQ(0, map("0 400 linear /dev/ram0 0\n400 8 error\n408 32360 linear /dev/ram0 408"));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, read_block(self, 50));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_IN, 392, 2 * DATA_LENGTH));
	EXPECT_EQ(VIRTIO_BLK_S_OK, read_block(self, 45));
	EXPECT_EQ(VIRTIO_BLK_S_OK, read_block(self, 55));
	ASSERT_EQ(0, map(LINEAR));
	EXPECT_EQ(0, check_all(self));
}

/* Up for a second, down for a second. */
TEST_F_TIMEOUT(store, comes_and_goes, TEST_TIME_LIMIT)
{
	unsigned int refused = 0, served = 0, seed;
	int ret;

	self->fd = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	ASSERT_EQ(0, map("0 32768 flakey /dev/ram0 0 1 1"));
	for (seed = 2; (!refused || !served) && seed < 2000; seed++) {
		ret = use_all(self, seed);
		ASSERT_LE(0, ret);
		if (ret)
			refused++;
		else
			served++;
	}
	EXPECT_LT(0, refused);
	EXPECT_LT(0, served);
	ASSERT_EQ(0, map(LINEAR));
	EXPECT_EQ(0, check_all(self));
	EXPECT_EQ(0, use_all(self, 1));
	EXPECT_EQ(0, flush(self));
}

/**
 * struct stopper - a thread that stops a queue
 * @queue: which
 * @result: of the call
 * @done: it has returned
 */
struct stopper {
	struct vhost_queue *queue;
	int result;
	bool done;
};

static void *stop_queue(void *data)
{
	struct stopper *stopper = data;

	stopper->result = vhost_queue_blk_backend(stopper->queue, -1, 0);
	__atomic_store_n(&stopper->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The first request, and every other one, is slow: a RAM disk has zeroes written. */
static bool fill_queue(struct vhost_queue *queue, unsigned int requests)
{
	static const uint64_t range[2] = { 0, BLOCK_SECTORS };
	unsigned int n;
	int head;

	for (n = 0; n < requests; n++) {
		guest_write(queue->device, BLK_DATA(n), range, sizeof(range));
		if (n & 1)
			head = blk_add(queue, n, VIRTIO_BLK_T_IN, 8 * n, DATA_LENGTH);
		else
			head = blk_add(queue, n, VIRTIO_BLK_T_WRITE_ZEROES, 0, sizeof(range));
		if (head < 0)
			return false;
	}
	vhost_queue_expose(queue);
	eventfd_write(queue->kick, 1);
	return true;
}

/* A disk that says nothing for a while: who stops its queue waits for it, no longer. */
TEST_F_TIMEOUT(store, stalls_while_it_is_stopped, TEST_TIME_LIMIT)
{
	struct stopper stopper = { .queue = &self->queue };
	pthread_t thread;
	unsigned int n;

	self->fd = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	ASSERT_EQ(0, run("dmsetup suspend --nolockfs vqhost"));
	ASSERT_TRUE(fill_queue(&self->queue, 10));
	usleep(100000);
	EXPECT_EQ(0, driver_ring_used(&self->queue.ring));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stop_queue, &stopper));
	usleep(300000);
	EXPECT_FALSE(__atomic_load_n(&stopper.done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, run("dmsetup resume vqhost"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, stopper.result);
	EXPECT_EQ(10, driver_ring_used(&self->queue.ring));
	for (n = 0; n < 10; n++) {
		ASSERT_LE(0, driver_ring_reap(&self->queue.ring, NULL));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(&self->queue, n));
	}
	ASSERT_EQ(0, vhost_queue_reset(&self->queue, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	EXPECT_EQ(0, use_all(self, 1));
}

/* Its owner is killed meanwhile: it ends when the disk has answered. */
TEST_F_TIMEOUT(store, stalls_while_its_owner_is_killed, TEST_TIME_LIMIT)
{
	int ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct vhost_device device;
	struct vhost_queue queue;
	pid_t owner;
	int status;

	self->fd = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, run("dmsetup suspend --nolockfs vqhost"));
	owner = fork();
	ASSERT_LE(0, owner);
	if (!owner) {
		if (vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES) ||
		    vhost_queue_open(&queue, &device, 0, BLK_QUEUE_SIZE, 0) ||
		    vhost_queue_blk_backend(&queue, self->fd, 0) || !fill_queue(&queue, 10))
			_exit(1);
		eventfd_write(ready, 1);
		pause();
	}
	ASSERT_EQ(1, eventfd_wait(ready, TIME_LIMIT_MS));
	usleep(100000);
	ASSERT_EQ(0, kill(owner, SIGKILL));
	usleep(300000);
	EXPECT_EQ(0, waitpid(owner, &status, WNOHANG));
	ASSERT_EQ(0, run("dmsetup resume vqhost"));
	ASSERT_EQ(owner, waitpid(owner, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(ready);
}

/*
 * Slow requests of many queues stall.  Those of another disk have workers of their own:
 * the kernel limits how many items of one workqueue are under way, to 256 or so.
 */
TEST_F_TIMEOUT(store, stalls_alone, TEST_TIME_LIMIT)
{
	enum { DISKS = 5, QUEUES = VQHOST_BLK_QUEUES_MAX };
	static struct vhost_device devices[DISKS];
	static struct vhost_queue queues[DISKS][QUEUES];
	int stalled, ret = 0;
	unsigned int i, n;

	stalled = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, stalled);
	self->fd = store_open(STORE_TMPFS, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	for (i = 0; !ret && i < DISKS; i++) {
		ret = vhost_device_open(&devices[i], VQHOST_BLK, BLK_FEATURES);
		for (n = 0; !ret && n < QUEUES; n++) {
			ret = vhost_queue_open(&queues[i][n], &devices[i], n, 8, 0);
			if (!ret)
				ret = vhost_queue_blk_backend(&queues[i][n], stalled, 0);
		}
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, run("dmsetup suspend --nolockfs vqhost"));
	for (i = 0; i < DISKS; i++) {
		for (n = 0; n < QUEUES; n++)
			fill_queue(&queues[i][n], 1);
	}
	usleep(500000);
	EXPECT_EQ(0, driver_ring_used(&queues[0][0].ring));
	EXPECT_EQ(VIRTIO_BLK_S_OK, flush(self));
	ASSERT_EQ(0, run("dmsetup resume vqhost"));
	for (i = 0; i < DISKS; i++) {
		vhost_device_close(&devices[i]);
		for (n = 0; n < QUEUES; n++)
			vhost_queue_close(&queues[i][n]);
	}
	close(stalled);
}

static long memory_of_group(void)
{
	FILE *file = fopen("/tmp/vqhost.cgroup/owner/memory.current", "r");
	long bytes = -1;

	if (file) {
		if (fscanf(file, "%ld", &bytes) != 1)
			bytes = -1;
		fclose(file);
	}
	return bytes;
}

/*
 * What a guest makes its queue's thread allocate is its owner's: requests to write
 * zeroes, each with its ranges, behind one that does not end.
 */
TEST_F_TIMEOUT(store, stalls_at_the_cost_of_its_owner, TEST_TIME_LIMIT)
{
	enum { SIZE = 8192, REQUESTS = 2600 };
	struct vhost_queue *queue = &self->queue;
	struct driver_buffer data = { BLK_DATA(0), 16 };
	long before, after;
	unsigned int n;

	if (run("mkdir -p /tmp/vqhost.cgroup && (mountpoint -q /tmp/vqhost.cgroup || "
		"mount -t cgroup2 none /tmp/vqhost.cgroup) && cd /tmp/vqhost.cgroup && "
		"echo +memory >cgroup.subtree_control && mkdir -p owner && "
		"echo $PPID >owner/cgroup.procs"))
		SKIP(return, "no control group of memory");
	self->fd = store_open(STORE_MAPPED, O_RDWR);
	ASSERT_LE(0, self->fd);
	queue->ring.size = SIZE;
	ASSERT_EQ(0, vhost_queue_reset(queue, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, self->fd, 0));
	ASSERT_EQ(0, run("dmsetup suspend --nolockfs vqhost"));
	ASSERT_TRUE(fill_queue(queue, 1));
	usleep(100000);
	for (n = 1; n < REQUESTS; n++)
		ASSERT_LE(0, blk_add_pieces(queue, n, VIRTIO_BLK_T_WRITE_ZEROES, 0, &data,
					    1));
	before = memory_of_group();
	vhost_queue_expose(queue);
	eventfd_write(queue->kick, 1);
	usleep(500000);
	after = memory_of_group();
	/* 512 bytes each; the kernel charges up to 256 KiB in advance. */
	EXPECT_LT(1 << 20, after - before) TH_LOG("%ld bytes more", after - before);
	ASSERT_EQ(0, run("dmsetup resume vqhost"));
	ASSERT_EQ(0, vhost_queue_wait(queue, REQUESTS));
	/* The last member leaves, or the next test's process would be there. */
	run("echo $PPID >/tmp/vqhost.cgroup/cgroup.procs");
}

/* Files that are cut off and grow again under load: with a copy and without one. */
static void shrinks(struct __test_metadata *_metadata, struct _test_data_store *self,
		    enum store store)
{
	off_t half = BLOCKS / 2 * DATA_LENGTH;

	self->fd = store_open(store, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	ASSERT_EQ(0, use_all(self, 3));
	ASSERT_EQ(0, flush(self));

	ASSERT_EQ(0, ftruncate(self->fd, half + 512));
	EXPECT_EQ(VIRTIO_BLK_S_OK, read_block(self, 0));
	/* Nothing is there, or less than was asked for: that is not "zeroes". */
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, read_block(self, BLOCKS / 2));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, read_block(self, BLOCKS - 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, write_block(self, BLOCKS / 4, 4));
	EXPECT_EQ(VIRTIO_BLK_S_OK, read_block(self, BLOCKS / 4));

	ASSERT_EQ(0, ftruncate(self->fd, BLK_SECTORS * SECTOR));
	EXPECT_EQ(0, use_all(self, 5));
	EXPECT_EQ(0, check_all(self));
}

TEST_F_TIMEOUT(store, file_in_memory_shrinks, TEST_TIME_LIMIT)
{
	shrinks(_metadata, self, STORE_TMPFS);
}

TEST_F_TIMEOUT(store, file_on_disk_shrinks, TEST_TIME_LIMIT)
{
	shrinks(_metadata, self, STORE_EXT4);
}

/* A file with holes on a file system without room: @fill takes what there is. */
static void is_full(struct __test_metadata *_metadata, struct _test_data_store *self,
		    const char *make, const char *path, int flags)
{
	char filler[128];
	int refused;

	ASSERT_EQ(0, run(make));
	self->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ftruncate(self->fd, BLK_SECTORS * SECTOR));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->fd, 0));
	/* Some of it has its place already. */
	ASSERT_EQ(VIRTIO_BLK_S_OK, write_block(self, 5, 6));
	ASSERT_EQ(0, flush(self));
	snprintf(filler, sizeof(filler), "cat /dev/zero >%s.filler 2>/dev/null; true", path);
	ASSERT_EQ(0, run(filler));

	refused = use_all(self, 7);
	ASSERT_LE(0, refused);
	EXPECT_LT(BLOCKS / 5 / 2, refused);
	EXPECT_EQ(VIRTIO_BLK_S_OK, write_block(self, 5, 8));
	EXPECT_EQ(VIRTIO_BLK_S_OK, read_block(self, 5));

	snprintf(filler, sizeof(filler), "%s.filler", path);
	ASSERT_EQ(0, unlink(filler));
	sync();
	EXPECT_EQ(0, check_all(self));
	EXPECT_EQ(0, use_all(self, 9));
	EXPECT_EQ(0, flush(self));
	EXPECT_EQ(0, check_all(self));
}

TEST_F_TIMEOUT(store, file_system_in_memory_is_full, TEST_TIME_LIMIT)
{
	is_full(_metadata, self, "mkdir -p /tmp/vqhost.full && mountpoint -q /tmp/vqhost.full || "
		"mount -t tmpfs -o size=2M none /tmp/vqhost.full", "/tmp/vqhost.full/file", 0);
}

TEST_F_TIMEOUT(store, file_system_on_disk_is_full, TEST_TIME_LIMIT)
{
	is_full(_metadata, self, "modprobe -a loop ext4 && truncate -s 8M /tmp/vqhost.small && "
		"mke2fs -q -t ext4 -m 0 /tmp/vqhost.small && mkdir -p /tmp/vqhost.ext4small && "
		"mount -o loop /tmp/vqhost.small /tmp/vqhost.ext4small",
		"/tmp/vqhost.ext4small/file", O_DIRECT);
}

TEST_HARNESS_MAIN
