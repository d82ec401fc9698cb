// SPDX-License-Identifier: GPL-2.0
/*
 * While it serves one request or frame, a queue's thread fails in turn at every
 * place where the kernel can refuse it something: what it does then is known, and
 * the next request or frame is served.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "subject.h"

#include <kselftest_harness.h>

/* Seconds for a sweep. */
#define SWEEP_TIME_LIMIT 300

/* No sweep has as many places; a failure that never comes is no end. */
#define SWEEP_MAX 1000

#define DISK_FEATURES (BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX))

FIXTURE(traffic) {
	struct subject subject;
	struct vhost_queue *queue;
	pid_t task;
	int thread;
};

FIXTURE_VARIANT(traffic) {
	struct subject_variant with;
	unsigned int queue;
	uint32_t type;
	unsigned int failures;
};

FIXTURE_VARIANT_ADD(traffic, net_rx) {
	.with = { VQHOST_NET, NET_FEATURES },
	.queue = NET_RX,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, net_tx) {
	.with = { VQHOST_NET, NET_FEATURES },
	.queue = NET_TX,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, net_rx_packed) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) },
	.queue = NET_RX,
	.failures = 2,
};

FIXTURE_VARIANT_ADD(traffic, read_ram_disk) {
	.with = { VQHOST_BLK, DISK_FEATURES, STORE_RAM_DISK },
	.type = VIRTIO_BLK_T_IN,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, write_ram_disk) {
	.with = { VQHOST_BLK, DISK_FEATURES, STORE_RAM_DISK },
	.type = VIRTIO_BLK_T_OUT,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, read_file) {
	.with = { VQHOST_BLK, DISK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), STORE_TMPFS },
	.type = VIRTIO_BLK_T_IN,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, write_file) {
	.with = { VQHOST_BLK, DISK_FEATURES, STORE_TMPFS },
	.type = VIRTIO_BLK_T_OUT,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, write_zeroes) {
	.with = { VQHOST_BLK, DISK_FEATURES, STORE_TMPFS },
	.type = VIRTIO_BLK_T_WRITE_ZEROES,
	.failures = 3,
};

FIXTURE_VARIANT_ADD(traffic, get_id) {
	.with = { VQHOST_BLK, DISK_FEATURES, STORE_TMPFS },
	.type = VIRTIO_BLK_T_GET_ID,
	.failures = 3,
};

FIXTURE_SETUP(traffic)
{
	struct subject *subject = &self->subject;
	unsigned int i;

	ASSERT_EQ(0, subject_open(subject, &variant->with));
	if (fault_prepare())
		SKIP(return, "this kernel has no fault injection");
	ASSERT_EQ(0, subject_open_device(subject));
	for (i = 0; i < SUBJECT_QUEUES; i++) {
		ASSERT_EQ(0, subject_open_queue(subject, i));
		ASSERT_EQ(0, subject_start_queue(subject, i));
	}
	self->queue = subject_queue(subject, variant->queue);
	self->task = subject_thread(subject, variant->queue);
	ASSERT_LT(0, self->task);
	self->thread = fault_open(self->task);
	ASSERT_LE(0, self->thread);
	ASSERT_EQ(0, subject_use(subject));
}

FIXTURE_TEARDOWN(traffic)
{
	close(self->thread);
	subject_close_device(&self->subject);
	subject_close(&self->subject);
}

/* Wait until the thread sleeps, with all it had to do behind it. */
static int wait_until_idle(pid_t task)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int i, idle = 0;
	char path[40], line[200];
	FILE *file;
	char *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", task);
	for (i = 0; i < TIME_LIMIT_MS && idle < 3; i++) {
		file = fopen(path, "r");
		if (!file)
			return -errno;
		state = fgets(line, sizeof(line), file);
		fclose(file);
		state = state ? strrchr(line, ')') : NULL;
		if (!state)
			return -EPROTO;
		/*
		 * Idle, or if it is a thread of ours asleep; not for a moment only, and
		 * also not waiting for a disk.
		 */
		idle = state[2] == 'I' || state[2] == 'S' ? idle + 1 : 0;
		nanosleep(&pause, NULL);
	}
	return idle < 3 ? -ETIMEDOUT : 0;
}

/* Begin anew with a queue that has stopped. */
static int restart(struct subject *subject, unsigned int index)
{
	int err = subject_stop_queue(subject, index);

	if (!err)
		err = vhost_queue_reset(subject_queue(subject, index), 0);
	return err ? err : subject_start_queue(subject, index);
}

/* Reap what a failure left; what is still to come, comes before it is idle. */
static void reap_all(struct vhost_queue *queue)
{
	while (driver_ring_reap(&queue->ring, NULL) >= 0)
		;
}

static void drain_socket(struct subject *subject)
{
	uint8_t frame[NET_FRAME_MAX];

	while (subject->is_net && read(subject->net.tap.socket, frame, sizeof(frame)) > 0)
		;
}

/*
 * What came of a request or frame: it was used, and a disk's request is well; it
 * was refused, which is counted as an error; the queue is broken, and its owner has
 * been told; or nothing of that, which would be a mistake.
 */
enum outcome { SERVED, REFUSED, STOPPED, SILENT };

static enum outcome look(struct subject *subject, struct vhost_queue *queue, uint64_t errors)
{
	struct pollfd told = { .fd = queue->error, .events = POLLIN };
	struct vqhost_vring_stats stats;

	if (poll(&told, 1, 0) == 1)
		return STOPPED;
	if (vhost_queue_stats(queue, &stats))
		return SILENT;
	if (stats.errors != errors)
		return REFUSED;
	if (!driver_ring_used(&queue->ring))
		return SILENT;
	return subject->is_net || !blk_status(queue, 0) ? SERVED : SILENT;
}

static uint64_t errors_of(struct vhost_queue *queue)
{
	struct vqhost_vring_stats stats;

	return vhost_queue_stats(queue, &stats) ? 0 : stats.errors;
}

/* Wait for an outcome, and for whatever the thread still has to do then. */
static enum outcome wait_for_outcome(struct subject *subject, struct vhost_queue *queue,
				     uint64_t errors, pid_t task)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS && look(subject, queue, errors) == SILENT; i++)
		nanosleep(&pause, NULL);
	if (wait_until_idle(task))
		return SILENT;
	return look(subject, queue, errors);
}

TEST_F_TIMEOUT(traffic, a_failure_is_told_and_the_next_one_is_served, SWEEP_TIME_LIMIT)
{
	struct subject *subject = &self->subject;
	unsigned int count[SILENT + 1] = {}, nth;
	enum outcome found;
	uint64_t errors;
	int left = 0;

	for (nth = 1; !left && nth < SWEEP_MAX; nth++) {
		ASSERT_EQ(0, wait_until_idle(self->task));
		errors = errors_of(self->queue);
		ASSERT_EQ(0, fault_arm(self->thread, nth));
		ASSERT_EQ(0, subject_begin(subject, variant->queue, variant->type));
		found = wait_for_outcome(subject, self->queue, errors, self->task);
		left = fault_disarm(self->thread);
		count[found]++;
		EXPECT_NE(SILENT, found)
			TH_LOG("%u: neither served nor an error", nth);
		if (left)
			EXPECT_EQ(SERVED, found);

		if (eventfd_take(self->queue->error))
			ASSERT_EQ(0, restart(subject, variant->queue));
		reap_all(self->queue);
		drain_socket(subject);
		ASSERT_EQ(0, subject_use(subject))
			TH_LOG("%u: does not go on", nth);
		drain_socket(subject);
	}
	TH_LOG("%u places: %u served nevertheless, %u refused, queue stopped %u times", nth - 1,
	       count[SERVED], count[REFUSED], count[STOPPED]);
	ASSERT_GT(SWEEP_MAX, nth);
	ASSERT_LE(variant->failures, count[REFUSED] + count[STOPPED]);
}

TEST_HARNESS_MAIN
