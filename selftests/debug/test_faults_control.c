// SPDX-License-Identifier: GPL-2.0
/*
 * Every control call fails in turn at every place where the kernel can refuse it
 * something: it says so, and can be repeated.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fault.h"
#include "subject.h"

#include <kselftest_harness.h>

/* Seconds for a sweep, which makes some hundred devices. */
#define SWEEP_TIME_LIMIT 300

/* No sweep has as many places; a failure that never comes is no end. */
#define SWEEP_MAX 2000

FIXTURE(faults) {
	struct subject subject;
	int own;
	int thread_maker;
};

FIXTURE_VARIANT(faults) {
	struct subject_variant with;
};

FIXTURE_VARIANT_ADD(faults, net) {
	.with = { VQHOST_NET, NET_FEATURES },
};

FIXTURE_VARIANT_ADD(faults, blk) {
	.with = { VQHOST_BLK, BLK_FEATURES, STORE_RAM_DISK },
};

FIXTURE_VARIANT_ADD(faults, blk_packed) {
	.with = { VQHOST_BLK, BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), STORE_TMPFS },
};

/* Threads are made by the kernel for us, or are ours, made by ourselves; or -errno. */
static pid_t find_thread_maker(struct subject *subject)
{
	char path[40];
	pid_t thread;
	int err;

	err = subject_open_device(subject);
	if (!err)
		err = subject_open_queue(subject, 0);
	if (!err)
		err = subject_open_queue(subject, 1);
	if (!err)
		err = subject_start_queue(subject, 0);
	if (err)
		return err;
	thread = subject_thread(subject, 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d", thread);
	err = access(path, F_OK);
	subject_close_device(subject);
	return err ? FAULT_KERNEL_THREAD_MAKER : getpid();
}

FIXTURE_SETUP(faults)
{
	ASSERT_EQ(0, subject_open(&self->subject, &variant->with));
	if (fault_prepare())
		SKIP(return, "this kernel has no fault injection");
	self->own = fault_open(getpid());
	ASSERT_LE(0, self->own);
	self->thread_maker = fault_open(find_thread_maker(&self->subject));
	ASSERT_LE(0, self->thread_maker);
}

FIXTURE_TEARDOWN(faults)
{
	close(self->own);
	close(self->thread_maker);
	subject_close(&self->subject);
}

/* What only reads. */
static int look(struct subject *subject)
{
	struct vqhost_vring_stats stats;
	unsigned int i;
	uint64_t features;
	int ret = ioctl(subject->net.device.fd, VHOST_GET_FEATURES, &features) ? -errno : 0;

	for (i = 0; !ret && i < SUBJECT_QUEUES; i++) {
		ret = vhost_queue_get_base(subject_queue(subject, i));
		ret = ret < 0 ? ret : vhost_queue_stats(subject_queue(subject, i), &stats);
	}
	return ret;
}

static int reset_owner(struct subject *subject)
{
	return ioctl(subject->net.device.fd, VHOST_RESET_OWNER) ? -errno : 0;
}

static int open_queue_0(struct subject *subject)
{
	return subject_open_queue(subject, 0);
}

static int open_queue_1(struct subject *subject)
{
	return subject_open_queue(subject, 1);
}

static int start_queue_0(struct subject *subject)
{
	return subject_start_queue(subject, 0);
}

static int start_queue_1(struct subject *subject)
{
	return subject_start_queue(subject, 1);
}

static int stop_queue_0(struct subject *subject)
{
	return subject_stop_queue(subject, 0);
}

static int stop_queue_1(struct subject *subject)
{
	return subject_stop_queue(subject, 1);
}

/* The life of a device. */
static const struct step {
	const char *name;
	int (*take)(struct subject *subject);
	bool without_failure;	/* its failures have a test of their own */
} steps[] = {
	{ "open", subject_open_device },
	{ "queue 0", open_queue_0 },
	{ "queue 1", open_queue_1 },
	{ "start queue 0", start_queue_0 },
	{ "start queue 1", start_queue_1 },
	{ "use", subject_use, true },
	{ "look", look },
	{ "stop queue 0", stop_queue_0 },
	{ "start queue 0 again", start_queue_0 },
	{ "use again", subject_use, true },
	{ "stop queue 1", stop_queue_1 },
	{ "reset owner", reset_owner },
	{}
};

TEST_F_TIMEOUT(faults, every_call_fails_cleanly_and_can_be_repeated, SWEEP_TIME_LIMIT)
{
	struct subject *subject = &self->subject;
	unsigned int nth, i, failed = 0;
	int left = 0, err;

	for (nth = 1; !left && nth < SWEEP_MAX; nth++) {
		/* What is left is taken along from step to step. */
		left = nth;
		for (i = 0; steps[i].name; i++) {
			if (left && !steps[i].without_failure) {
				ASSERT_EQ(0, fault_arm(self->own, left));
				err = steps[i].take(subject);
				left = fault_disarm(self->own);
				if (!err)
					continue;
				failed++;
				EXPECT_TRUE(!left && fault_is_clean(err))
					TH_LOG("%u: %s: %s", nth, steps[i].name, strerror(-err));
			}
			ASSERT_EQ(0, steps[i].take(subject))
				TH_LOG("%u: %s, without a failure", nth, steps[i].name);
		}
		/* Closing cannot fail, whatever is refused to it. */
		if (left)
			ASSERT_EQ(0, fault_arm(self->own, left));
		subject_close_device(subject);
		if (left)
			left = fault_disarm(self->own);
	}
	TH_LOG("%u places, %u failed calls", nth - 1, failed);
	ASSERT_GT(SWEEP_MAX, nth);
	ASSERT_LT(30, failed);
}

TEST_F_TIMEOUT(faults, a_queue_without_a_thread_does_not_start, SWEEP_TIME_LIMIT)
{
	struct subject *subject = &self->subject;
	unsigned int nth, failed = 0;
	int left = 0, err;

	for (nth = 1; !left && nth < SWEEP_MAX; nth++) {
		ASSERT_EQ(0, subject_open_device(subject));
		ASSERT_EQ(0, subject_open_queue(subject, 0));
		ASSERT_EQ(0, subject_open_queue(subject, 1));
		ASSERT_EQ(0, fault_arm(self->thread_maker, nth));
		err = subject_start_queue(subject, 0);
		left = fault_disarm(self->thread_maker);
		if (err) {
			failed++;
			ASSERT_TRUE(!left && fault_is_clean(err))
				TH_LOG("%u: %s", nth, strerror(-err));
			ASSERT_EQ(0, subject_start_queue(subject, 0));
		}
		ASSERT_EQ(0, subject_start_queue(subject, 1));
		ASSERT_EQ(0, subject_use(subject));
		subject_close_device(subject);
	}
	TH_LOG("%u places, %u failed starts", nth - 1, failed);
	ASSERT_GT(SWEEP_MAX, nth);
	ASSERT_LT(3, failed);
}

TEST_HARNESS_MAIN
