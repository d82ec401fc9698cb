// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: what is told of a request, in which order, and that nothing is while they
 * are off.  In a trace buffer of their own.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)
#define TRACING "/sys/kernel/tracing"
#define BUFFER TRACING "/instances/vqhost-test"
#define LINES 64
#define LINE_SIZE 512

/* Events of our device, as lines of text. */
static char lines[LINES][LINE_SIZE];
static unsigned int lines_count;

static int set(const char *file, const char *value)
{
	char path[128];
	ssize_t written;
	int fd;

	snprintf(path, sizeof(path), BUFFER "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	written = write(fd, value, strlen(value));
	close(fd);
	return written < 0 ? -EIO : 0;
}

static int enable(bool on)
{
	return set("events/vqhost/enable", on ? "1" : "0");
}

/* Read what was recorded, in its order, of the devices of this process. */
static int read_lines(void)
{
	FILE *file = fopen(BUFFER "/trace", "r");
	char owner[32];

	lines_count = 0;
	if (!file)
		return -errno;
	snprintf(owner, sizeof(owner), " owner=%d ", getpid());
	while (lines_count < LINES && fgets(lines[lines_count], LINE_SIZE, file)) {
		if (strstr(lines[lines_count], ": vqhost_") && strstr(lines[lines_count], owner))
			lines_count++;
	}
	fclose(file);
	return 0;
}

static bool is_event(unsigned int line, const char *event)
{
	char name[64];

	snprintf(name, sizeof(name), ": vqhost_%s: ", event);
	return line < lines_count && strstr(lines[line], name);
}

/* The nth event of that name, counted from 0: its line, or LINES. */
static unsigned int find(const char *event, unsigned int nth)
{
	unsigned int line;

	for (line = 0; line < lines_count; line++) {
		if (is_event(line, event) && !nth--)
			return line;
	}
	return LINES;
}

static bool has(unsigned int line, const char *field, const char *value)
{
	char wanted[96];
	const char *found;

	snprintf(wanted, sizeof(wanted), " %s=%s", field, value);
	found = line < lines_count ? strstr(lines[line], wanted) : NULL;
	return found && isspace(found[strlen(wanted)]);
}

/* A number, or -1. */
static long long number(unsigned int line, const char *field)
{
	char wanted[96];
	const char *found;

	snprintf(wanted, sizeof(wanted), " %s=", field);
	found = line < lines_count ? strstr(lines[line], wanted) : NULL;
	return found ? strtoll(found + strlen(wanted), NULL, 0) : -1;
}

FIXTURE(trace) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
};

FIXTURE_SETUP(trace)
{
	/* Fails if it is there. */
	mount("none", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "/events/vqhost", F_OK))
		SKIP(return, "no tracepoints in this kernel");
	if (access(BUFFER, F_OK))
		ASSERT_EQ(0, mkdir(BUFFER, 0700));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, set("trace_clock", "mono"));
	ASSERT_EQ(0, set("trace", ""));
	self->store = -1;
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE, 0));
	ASSERT_EQ(0, vhost_queue_set_poll_limit(&self->queue, 0));
}

FIXTURE_TEARDOWN(trace)
{
	if (!access("/dev/mapper/vqhost", F_OK))
		EXPECT_EQ(0, system("dmsetup resume vqhost"));
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
	enable(false);
	rmdir(BUFFER);
}

/* Until it has nothing to do and sleeps: then a kick wakes it. */
static int wait_asleep(struct vhost_queue *queue)
{
	struct vqhost_vring_stats before = {}, after = {};
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS; i++) {
		if (vhost_queue_stats(queue, &after))
			return -EIO;
		if (i && after.sleeps && after.busy_ns == before.busy_ns)
			return 0;
		before = after;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* One request, from before its queue starts until after it has stopped. */
TEST_F_TIMEOUT(trace, order, TEST_TIME_LIMIT)
{
	static const char * const expected[] = {
		"queue_start", "batch_begin", "batch_end", "kick", "batch_begin",
		"request_submit", "request_complete", "batch_end", "notify", "queue_stop",
	};
	long long device, took;
	unsigned int i;

	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, wait_asleep(&self->queue));
	took = now_ns();
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 40, 4096));
	took = now_ns() - took;
	ASSERT_EQ(0, wait_asleep(&self->queue));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());

	ASSERT_EQ(ARRAY_SIZE(expected), lines_count);
	device = number(0, "device");
	EXPECT_LT(0, device);
	for (i = 0; i < lines_count; i++) {
		EXPECT_TRUE(is_event(i, expected[i])) TH_LOG("%s", lines[i]);
		EXPECT_EQ(device, number(i, "device"));
		EXPECT_TRUE(has(i, "kind", "vqhost-blk"));
		EXPECT_EQ(0, number(i, "queue"));
	}
	EXPECT_EQ(BLK_QUEUE_SIZE, number(0, "size"));
	EXPECT_EQ(0, number(0, "packed"));
	EXPECT_LT(0, number(0, "thread"));
	EXPECT_TRUE(has(2, "result", "empty"));
	EXPECT_EQ(1, number(3, "wakes"));
	EXPECT_EQ(0, number(4, "chains"));
	EXPECT_TRUE(has(5, "type", "read"));
	EXPECT_EQ(40, number(5, "sector"));
	EXPECT_EQ(4096, number(5, "bytes"));
	EXPECT_EQ(number(5, "id"), number(6, "id"));
	EXPECT_TRUE(has(6, "type", "read"));
	EXPECT_EQ(4096, number(6, "bytes"));
	EXPECT_EQ(0, number(6, "status"));
	EXPECT_LT(0, number(6, "latency_ns"));
	EXPECT_GE(took, number(6, "latency_ns"));
	EXPECT_EQ(1, number(7, "staged"));
	EXPECT_EQ(1, number(8, "chains"));
	EXPECT_EQ(1, number(8, "called"));
	EXPECT_EQ(1, number(9, "base"));
	EXPECT_EQ(0, number(9, "error"));
}

/* A disk that answers after 2 ms; a flush; a request that is refused. */
TEST_F_TIMEOUT(trace, requests, TEST_TIME_LIMIT)
{
	unsigned int line;

	ASSERT_EQ(0, store_start(&self->queue, STORE_DELAYED, &self->store));
	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_OUT, 0, 512));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_FLUSH, 0, 0));
	ASSERT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(&self->queue, 99, 0, 0));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());
	line = find("request_complete", 0);
	EXPECT_TRUE(has(line, "type", "write"));
	EXPECT_EQ(512, number(line, "bytes"));
	EXPECT_LE(1900000, number(line, "latency_ns"));
	line = find("request_complete", 1);
	EXPECT_TRUE(has(line, "type", "flush"));
	EXPECT_EQ(0, number(line, "status"));
	EXPECT_LT(0, number(line, "latency_ns"));
	line = find("request_complete", 2);
	EXPECT_TRUE(has(line, "type", "0x63"));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, number(line, "status"));
	EXPECT_LT(find("request_submit", 2), line);
	EXPECT_EQ(LINES, find("request_complete", 3));
}

/* Taken before anybody looked: since when is not known. */
TEST_F_TIMEOUT(trace, request_from_before, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	struct vqhost_vring_stats stats = {};
	unsigned int i, line;

	ASSERT_EQ(0, store_start(&self->queue, STORE_MAPPED, &self->store));
	ASSERT_EQ(0, system("dmsetup suspend --nolockfs vqhost"));
	ASSERT_LE(0, blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, 4096));
	vhost_queue_expose(queue);
	for (i = 0; i < TIME_LIMIT_MS && !stats.in_flight; i++) {
		ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
		usleep(1000);
	}
	ASSERT_EQ(1, stats.in_flight);
	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(0, system("dmsetup resume vqhost"));
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());
	EXPECT_EQ(LINES, find("request_submit", 0));
	line = find("request_complete", 0);
	EXPECT_EQ(4096, number(line, "bytes"));
	EXPECT_EQ(0, number(line, "latency_ns"));
}

TEST_F_TIMEOUT(trace, nothing_while_off, TEST_TIME_LIMIT)
{
	unsigned int i;

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 512));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());
	EXPECT_LT(0, lines_count);
	ASSERT_EQ(0, set("trace", ""));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 512));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	ASSERT_EQ(0, read_lines());
	EXPECT_EQ(0, lines_count);
}

/* The driver wants to be called, and then does not. */
TEST_F_TIMEOUT(trace, notification_decision, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	driver_ring_calls_off(&queue->ring);
	ASSERT_LE(0, blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, 512));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait_silently(queue, 1));
	/* It is told after the entry was seen. */
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());
	EXPECT_EQ(1, number(find("notify", 0), "called"));
	EXPECT_EQ(0, number(find("notify", 1), "called"));
	EXPECT_EQ(LINES, find("notify", 2));
}

TEST_F_TIMEOUT(trace, malformed, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	unsigned int line;

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, enable(true));
	driver_ring_add_head(&queue->ring, BLK_QUEUE_SIZE);
	vhost_queue_expose(queue);
	ASSERT_EQ(1, eventfd_wait(queue->error, TIME_LIMIT_MS));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());
	line = find("malformed", 0);
	/* VIRTQUEUE_HEAD_RANGE */
	EXPECT_EQ(3, number(line, "error"));
	EXPECT_NE(NULL, strstr(lines[line % LINES], " cause=\"head out of range\""));
	EXPECT_EQ(LINES, find("malformed", 1));
	EXPECT_TRUE(has(find("batch_end", 1) < LINES ? find("batch_end", 1) : find("batch_end", 0),
			"result", "broken"));
	EXPECT_EQ(3, number(find("queue_stop", 0), "error"));
}

/* A packet each way, and one that is dropped. */
TEST_F_TIMEOUT(trace, packets, TEST_TIME_LIMIT)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };
	uint8_t frame[100], received[200];
	struct net_setup net;
	unsigned int line;

	ASSERT_EQ(0, enable(true));
	ASSERT_EQ(0, net_setup_open(&net, &with, ETHERTYPE_TEST, 0));
	net_frame_fill(&net, frame, sizeof(frame), 1);
	ASSERT_LE(0, net_send(&net, frame, sizeof(frame), 0));
	ASSERT_LE(0, net_send(&net, frame, 5, 1));
	vhost_queue_expose(&net.tx);
	ASSERT_EQ(0, vhost_queue_wait(&net.tx, 2));
	ASSERT_LE(0, net_add_buffer(&net, 3, 200));
	vhost_queue_expose(&net.rx);
	ASSERT_EQ(sizeof(frame), send(net.tap.socket, frame, sizeof(frame), 0));
	ASSERT_EQ(net.header + sizeof(frame), net_receive(&net, received, sizeof(received)));
	net_setup_close(&net);
	ASSERT_EQ(0, enable(false));
	ASSERT_EQ(0, read_lines());

	line = find("request_complete", 0);
	EXPECT_LT(find("request_submit", 0), line);
	EXPECT_TRUE(has(line, "kind", "vqhost-net"));
	EXPECT_TRUE(has(line, "type", "transmit"));
	EXPECT_EQ(NET_TX, number(line, "queue"));
	EXPECT_EQ(sizeof(frame), number(line, "bytes"));
	EXPECT_EQ(0, number(line, "status"));
	EXPECT_LT(0, number(line, "latency_ns"));
	EXPECT_EQ(-EINVAL, number(find("request_complete", 1), "status"));
	line = find("request_complete", 2);
	EXPECT_LT(find("request_submit", 2), line);
	EXPECT_TRUE(has(line, "type", "receive"));
	EXPECT_EQ(NET_RX, number(line, "queue"));
	EXPECT_EQ(sizeof(frame), number(line, "bytes"));
	EXPECT_LT(0, number(line, "latency_ns"));
	EXPECT_GT(find("notify", 1), line);
	EXPECT_EQ(LINES, find("request_complete", 3));
}

/* The names of an event's fields behind the common ones, as docs/observing.md has them. */
static bool has_fields(const char *event, const char *fields)
{
	char line[256], found[256] = "", path[128];
	char *name, *end;
	FILE *file;

	snprintf(path, sizeof(path), TRACING "/events/vqhost/vqhost_%s/format", event);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		end = strchr(line, ';');
		if (strncmp(line, "\tfield:", 7) || !end || strstr(line, " common_"))
			continue;
		*end = 0;
		name = strrchr(line, ' ') + 1;
		end = strchr(name, '[');
		if (end)
			*end = 0;
		strcat(strcat(found, found[0] ? " " : ""), name);
	}
	fclose(file);
	return !strncmp(found, fields, strlen(fields));
}

/* What is there stays there: more may follow. */
TEST_F(trace, fields)
{
	static const struct {
		const char *event;
		const char *fields;
	} events[] = {
		{ "queue_start", "device kind owner queue size base packed thread" },
		{ "queue_stop", "device kind owner queue base error" },
		{ "kick", "device kind owner queue wakes" },
		{ "batch_begin", "device kind owner queue chains staged" },
		{ "batch_end", "device kind owner queue chains staged result" },
		{ "request_submit", "device kind owner queue id type sector bytes" },
		{ "request_complete", "device kind owner queue id type bytes status latency_ns" },
		{ "notify", "device kind owner queue chains called" },
		{ "malformed", "device kind owner queue error cause" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		EXPECT_TRUE(has_fields(events[i].event, events[i].fields))
			TH_LOG("event %u", i);
}

TEST_HARNESS_MAIN
