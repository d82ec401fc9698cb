// SPDX-License-Identifier: GPL-2.0
/*
 * Back ends that answer what they must not, or nothing: each costs one line, and the
 * guest goes on with the next one.
 */
#include <time.h>
#include <unistd.h>
#include <linux/virtio_config.h>

#include "backend/backend.h"
#include "fake_back_end.h"
#include "guest.h"
#include "option_values.h"
#include "watch.h"

#include <kselftest_harness.h>

#define SPLIT VIRTIO_FEATURE(VIRTIO_F_VERSION_1)

/* So long, in seconds, an answer is waited for, and what a loaded machine adds to that. */
#define PATIENCE 10
#define SLACK 15

/* What is wrong before there is a guest. */
static const struct mistake at_first[] = {
	{ "hangs up", VHOST_USER_GET_FEATURES, MISTAKE_END },
	{ "half a header", VHOST_USER_GET_FEATURES, MISTAKE_HALF_HEADER },
	{ "half a payload", VHOST_USER_GET_FEATURES, MISTAKE_HALF_PAYLOAD },
	{ "no payload", VHOST_USER_GET_FEATURES, MISTAKE_SHORT },
	{ "long payload", VHOST_USER_GET_FEATURES, MISTAKE_LONG },
	{ "huge payload", VHOST_USER_GET_FEATURES, MISTAKE_HUGE },
	{ "no version", VHOST_USER_GET_FEATURES, MISTAKE_VERSION },
	{ "a question", VHOST_USER_GET_FEATURES, MISTAKE_QUESTION },
	{ "another answer", VHOST_USER_GET_FEATURES, MISTAKE_OTHER },
	{ "a file", VHOST_USER_GET_FEATURES, MISTAKE_FD },
	{ "an answer more", VHOST_USER_GET_FEATURES, MISTAKE_TWICE },
	{ "no features", VHOST_USER_GET_FEATURES, MISTAKE_VALUE, 0 },
	{ "no protocol features", VHOST_USER_GET_FEATURES, MISTAKE_VALUE, SPLIT },
	{ "an old device", VHOST_USER_GET_FEATURES, MISTAKE_VALUE, 1ULL << 30 },
	{ "no configuration", VHOST_USER_GET_PROTOCOL_FEATURES, MISTAKE_VALUE, 1 },
	{ "one queue", VHOST_USER_GET_PROTOCOL_FEATURES, MISTAKE_VALUE, 1 << 9 },
	{ "protocol features cut off", VHOST_USER_GET_PROTOCOL_FEATURES, MISTAKE_HALF_PAYLOAD },
	{ "no queues", VHOST_USER_GET_QUEUE_NUM, MISTAKE_VALUE, 0 },
	{ "too few queues", VHOST_USER_GET_QUEUE_NUM, MISTAKE_VALUE, GUEST_QUEUES - 1 },
	{ "no such part", VHOST_USER_GET_CONFIG, MISTAKE_SHORT },
	{ "configuration too long", VHOST_USER_GET_CONFIG, MISTAKE_LONG },
	{ "configuration huge", VHOST_USER_GET_CONFIG, MISTAKE_HUGE },
	{ "configuration of no length", VHOST_USER_GET_CONFIG, MISTAKE_LENGTH, 0 },
	{ "configuration of another length", VHOST_USER_GET_CONFIG, MISTAKE_LENGTH, 1 << 30 },
	{ "configuration cut off", VHOST_USER_GET_CONFIG, MISTAKE_HALF_PAYLOAD },
	{ "configuration with a file", VHOST_USER_GET_CONFIG, MISTAKE_FD },
};

/* What is wrong when there is one. */
static const struct mistake later[] = {
	{ "features refused", VHOST_USER_SET_FEATURES, MISTAKE_VALUE, 1 },
	{ "memory refused", VHOST_USER_SET_MEM_TABLE, MISTAKE_VALUE, 1 },
	{ "memory acknowledged with a file", VHOST_USER_SET_MEM_TABLE, MISTAKE_FD },
	{ "no buffer", VHOST_USER_GET_INFLIGHT_FD, MISTAKE_NO_FD },
	{ "two buffers", VHOST_USER_GET_INFLIGHT_FD, MISTAKE_FD },
	{ "an empty buffer", VHOST_USER_GET_INFLIGHT_FD, MISTAKE_VALUE, 0 },
	{ "buffer without payload", VHOST_USER_GET_INFLIGHT_FD, MISTAKE_SHORT },
	{ "buffer refused", VHOST_USER_SET_INFLIGHT_FD, MISTAKE_VALUE, UINT64_MAX },
	{ "queue refused", VHOST_USER_SET_VRING_ENABLE, MISTAKE_VALUE, 1 },
	{ "queue not acknowledged in full", VHOST_USER_SET_VRING_ENABLE, MISTAKE_HALF_PAYLOAD },
	{ "queue acknowledged twice", VHOST_USER_SET_VRING_ENABLE, MISTAKE_TWICE },
};

/* What is wrong when it is to stop. */
static const struct mistake at_last[] = {
	{ "hangs up", VHOST_USER_GET_VRING_BASE, MISTAKE_END },
	{ "half a payload", VHOST_USER_GET_VRING_BASE, MISTAKE_HALF_PAYLOAD },
	{ "no payload", VHOST_USER_GET_VRING_BASE, MISTAKE_SHORT },
	{ "a file", VHOST_USER_GET_VRING_BASE, MISTAKE_FD },
	{ "another answer", VHOST_USER_GET_VRING_BASE, MISTAKE_OTHER },
	{ "another queue", VHOST_USER_GET_VRING_BASE, MISTAKE_VALUE, 77 },
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static bool is_rejected(const struct mistake *mistake)
{
	struct fake_back_end back;
	struct guest guest;
	struct watch watch;
	int err;

	fake_back_end_init(&back);
	fake_back_end_set_mistake(&back, mistake);
	watch_begin(&watch);
	fake_back_end_start(&back);
	err = guest_begin(&guest, back.path);
	fake_back_end_stop(&back);
	if (!err)
		guest_end(&guest);
	return watch_end(&watch, 1) && err == OPTION_REJECTED;
}

TEST(one_line_before_there_is_a_guest)
{
	const struct mistake *mistake;

	for (mistake = at_first; mistake < at_first + ARRAY_SIZE(at_first); mistake++)
		EXPECT_TRUE(is_rejected(mistake)) TH_LOG("%s", mistake->name);
}

/* Wait until one more line was said. */
static void wait_for_line(const struct watch *watch, unsigned int before)
{
	while (watch_lines(watch) == before)
		usleep(1000);
}

/* Does a guest whose back end makes this mistake go on with the next one? */
static bool goes_on(const struct mistake *mistake)
{
	struct fake_back_end back;
	struct guest guest;
	struct watch watch;
	bool serves;

	fake_back_end_init(&back);
	watch_begin(&watch);
	fake_back_end_start(&back);
	if (guest_begin(&guest, back.path))
		return false;
	fake_back_end_set_mistake(&back, mistake);
	guest_load_driver(&guest, SPLIT);
	wait_for_line(&watch, 0);
	fake_back_end_set_mistake(&back, NULL);
	serves = fake_back_end_serves(&back, GUEST_QUEUES);
	wait_for_line(&watch, 1);
	guest_end(&guest);
	fake_back_end_stop(&back);
	return watch_end(&watch, 2) && serves;
}

TEST(the_guest_goes_on)
{
	const struct mistake *mistake;

	for (mistake = later; mistake < later + ARRAY_SIZE(later); mistake++)
		EXPECT_TRUE(goes_on(mistake)) TH_LOG("%s", mistake->name);
}

/* A guest that has several back ends, one after the other. */
FIXTURE(guest)
{
	struct fake_back_end back;
	struct guest guest;
	struct watch watch;
};

FIXTURE_SETUP(guest)
{
	fake_back_end_init(&self->back);
	watch_begin(&self->watch);
	fake_back_end_start(&self->back);
	ASSERT_EQ(0, guest_begin(&self->guest, self->back.path));
}

FIXTURE_TEARDOWN(guest)
{
	unsigned int lines;

	guest_end(&self->guest);
	fake_back_end_stop(&self->back);
	lines = watch_lines(&self->watch);
	EXPECT_TRUE(watch_end(&self->watch, lines));
}

TEST_F(guest, takes_its_queues_back)
{
	unsigned int i, said;

	for (i = 0; i < ARRAY_SIZE(at_last); i++) {
		said = watch_lines(&self->watch);
		guest_load_driver(&self->guest, SPLIT);
		ASSERT_TRUE(fake_back_end_serves(&self->back, GUEST_QUEUES));
		fake_back_end_set_mistake(&self->back, &at_last[i]);
		guest_reset(&self->guest);
		EXPECT_EQ(said + 1, watch_lines(&self->watch)) TH_LOG("%s", at_last[i].name);
		fake_back_end_set_mistake(&self->back, NULL);
		wait_for_line(&self->watch, said + 1);
	}
}

static bool takes_patience(time_t since)
{
	time_t passed = now() - since;

	return passed >= PATIENCE - 1 && passed <= PATIENCE + SLACK;
}

TEST(silence_is_not_waited_for_without_end)
{
	static const struct mistake silent[] = {
		{ "no answer", VHOST_USER_GET_FEATURES, MISTAKE_SILENT },
		{ "an answer without end", VHOST_USER_GET_CONFIG, MISTAKE_SLOW },
	};
	unsigned int i;
	time_t begin;

	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		begin = now();
		EXPECT_TRUE(is_rejected(&silent[i])) TH_LOG("%s", silent[i].name);
		EXPECT_TRUE(takes_patience(begin)) TH_LOG("%s", silent[i].name);
	}
}

/* One wait for all queues; when it comes to the next connection the driver does not wait. */
TEST_F(guest, is_kept_waiting_once)
{
	static const struct mistake silent = {
		"does not stop", VHOST_USER_GET_VRING_BASE, MISTAKE_SILENT
	};
	static const struct mistake mute = {
		"says nothing at all", VHOST_USER_GET_FEATURES, MISTAKE_SILENT
	};
	time_t begin = now();

	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, GUEST_QUEUES));
	fake_back_end_set_mistake(&self->back, &silent);
	begin = now();
	guest_reset(&self->guest);
	EXPECT_TRUE(takes_patience(begin));

	fake_back_end_set_mistake(&self->back, &mute);
	while (!fake_back_end_asked(&self->back, VHOST_USER_GET_FEATURES))
		usleep(1000);
	begin = now();
	guest_load_driver(&self->guest, SPLIT);
	guest_reset(&self->guest);
	guest_load_driver(&self->guest, SPLIT);
	EXPECT_GT(PATIENCE - 2, now() - begin);
	fake_back_end_set_mistake(&self->back, NULL);
	EXPECT_TRUE(fake_back_end_serves(&self->back, GUEST_QUEUES));
}

TEST_HARNESS_MAIN
