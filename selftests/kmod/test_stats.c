// SPDX-License-Identifier: GPL-2.0
/*
 * Counters agree with what a known workload did, exactly where that determines
 * them.  (That each malformed ring is counted: test_broken, test_broken_packed.)
 *
 * What is to be one batch is in the ring before the queue starts; a queue that was
 * stopped counts nothing any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

/* What VHOST_VIRTIO has ever had for version 1 of the statistics. */
#define GET_VRING_STATS_1 0xc068afd3
#define STATS_1_SIZE 104

#define UNKNOWN_TYPE 99

FIXTURE(disk) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct vqhost_vring_stats stats;
	int store;
};

FIXTURE_VARIANT(disk) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(disk, split) {
	.features = BLK_FEATURES,
};

FIXTURE_VARIANT_ADD(disk, split_event_index) {
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
};

FIXTURE_VARIANT_ADD(disk, packed) {
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
};

FIXTURE_VARIANT_ADD(disk, packed_event_index) {
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		    FEATURE(VIRTIO_RING_F_EVENT_IDX),
};

FIXTURE_SETUP(disk)
{
	self->store = -1;
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE, 0x8000));
	ASSERT_EQ(0, vhost_queue_set_poll_limit(&self->queue, 0));
}

FIXTURE_TEARDOWN(disk)
{
	/* Whatever went wrong, nothing waits for it. */
	if (!access("/dev/mapper/vqhost", F_OK))
		EXPECT_EQ(0, system("dmsetup resume vqhost"));
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
}

/* Stop, then read.  Returns 0 or -errno. */
static int stop(struct _test_data_disk *self)
{
	int err = vhost_queue_blk_backend(&self->queue, -1, 0);

	return err ? err : vhost_queue_stats(&self->queue, &self->stats);
}

static uint64_t all_breaks(const struct vqhost_vring_stats *stats)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < VQHOST_BREAKS; i++)
		sum += stats->breaks[i];
	return sum;
}

/* Nine requests of all outcomes that need no help, in one batch. */
TEST_F_TIMEOUT(disk, batch, TEST_TIME_LIMIT)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t length;
		uint8_t status;
	} requests[] = {
		{ VIRTIO_BLK_T_IN, 0, 4096, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_IN, 8, 512, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_OUT, 16, 1024, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_OUT, 24, 4096, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_GET_ID, 0, 20, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_IN, BLK_SECTORS, 512, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 700, VIRTIO_BLK_S_IOERR },
		{ UNKNOWN_TYPE, 0, 512, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 0, 8, VIRTIO_BLK_S_IOERR },
	};
	struct vqhost_vring_stats *stats = &self->stats;
	const unsigned int count = ARRAY_SIZE(requests);
	unsigned int n;

	for (n = 0; n < count; n++)
		ASSERT_LE(0, blk_add(&self->queue, n, requests[n].type, requests[n].sector,
				     requests[n].length));
	driver_ring_expose(&self->queue.ring);
	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, vhost_queue_wait(&self->queue, count));
	ASSERT_EQ(0, stop(self));
	for (n = 0; n < count; n++)
		EXPECT_EQ(requests[n].status, blk_status(&self->queue, n)) TH_LOG("request %u", n);

	EXPECT_EQ(count, stats->chains);
	EXPECT_EQ(count, stats->requests);
	EXPECT_EQ(4096 + 512 + 1024 + 4096, stats->bytes);
	EXPECT_EQ(0, stats->kicks);
	EXPECT_EQ(1, stats->batches);
	EXPECT_EQ(1, stats->calls);
	EXPECT_EQ(0, stats->calls_suppressed);
	EXPECT_EQ(1, stats->ring_empty);
	EXPECT_EQ(0, stats->ring_full);
	EXPECT_EQ(0, stats->backend_waits);
	EXPECT_EQ(0, stats->polls_found);
	EXPECT_EQ(0, stats->polls_dry);
	EXPECT_EQ(4, stats->errors);
	EXPECT_EQ(3, stats->errors_malformed);
	EXPECT_EQ(1, stats->errors_unsupported);
	EXPECT_EQ(0, stats->errors_backend);
	EXPECT_EQ(0, stats->errors_memory);
	EXPECT_EQ(0, stats->in_flight);
	EXPECT_EQ(0, all_breaks(stats));
}

/* Of a driver that wants no calls, and of one that cannot be called. */
TEST_F_TIMEOUT(disk, calls_suppressed, TEST_TIME_LIMIT)
{
	struct vhost_vring_file no_call = { .index = 0, .fd = -1 };
	struct vhost_queue *queue = &self->queue;
	unsigned int n;

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	/* With an event index, the first publication is always told. */
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 512));
	for (n = 0; n < 5; n++) {
		driver_ring_calls_off(&queue->ring);
		ASSERT_LE(0, blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, 512));
		vhost_queue_expose(queue);
		ASSERT_EQ(0, vhost_queue_wait_silently(queue, 1));
		ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	}
	ASSERT_EQ(0, stop(self));
	EXPECT_EQ(6, self->stats.batches);
	EXPECT_EQ(1, self->stats.calls);
	EXPECT_EQ(5, self->stats.calls_suppressed);

	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_SET_VRING_CALL, &no_call));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, self->store, 0));
	driver_ring_calls_on(&queue->ring, 1);
	ASSERT_LE(0, blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, 512));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait_silently(queue, 1));
	ASSERT_EQ(0, stop(self));
	EXPECT_EQ(7, self->stats.batches);
	EXPECT_EQ(1, self->stats.calls);
	EXPECT_EQ(6, self->stats.calls_suppressed);
}

/* A file that has shrunk, and guest memory that is not there. */
TEST_F_TIMEOUT(disk, errors_by_cause, TEST_TIME_LIMIT)
{
	void *data = guest_pointer(&self->device, BLK_DATA(0));

	ASSERT_EQ(0, store_start(&self->queue, STORE_TMPFS, &self->store));
	ASSERT_EQ(0, ftruncate(self->store, 8192));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_IN, 64, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_IN, 12, 4096));
	ASSERT_EQ(0, mprotect(data, 4096, PROT_NONE));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	ASSERT_EQ(0, mprotect(data, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, ftruncate(self->store, BLK_SECTORS * SECTOR));
	ASSERT_EQ(0, stop(self));
	EXPECT_EQ(4, self->stats.requests);
	EXPECT_EQ(4096, self->stats.bytes);
	EXPECT_EQ(3, self->stats.errors);
	EXPECT_EQ(2, self->stats.errors_backend);
	EXPECT_EQ(1, self->stats.errors_memory);
	EXPECT_EQ(0, self->stats.errors_malformed);
	EXPECT_EQ(0, self->stats.errors_unsupported);
}

/* How many requests are under way, once all that were made are. */
static uint64_t in_flight(struct vhost_queue *queue, uint64_t expected)
{
	struct vqhost_vring_stats stats = {};
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS && stats.in_flight != expected; i++) {
		usleep(1000);
		if (vhost_queue_stats(queue, &stats))
			return UINT64_MAX;
	}
	return stats.in_flight;
}

/* A store that stalls. */
TEST_F_TIMEOUT(disk, in_flight, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	unsigned int n;

	ASSERT_EQ(0, store_start(&self->queue, STORE_MAPPED, &self->store));
	ASSERT_EQ(0, system("dmsetup suspend --nolockfs vqhost"));
	for (n = 0; n < 7; n++)
		ASSERT_LE(0, blk_add(queue, n, VIRTIO_BLK_T_IN, 8 * n, 4096));
	vhost_queue_expose(queue);
	EXPECT_EQ(7, in_flight(queue, 7));
	ASSERT_EQ(0, vhost_queue_stats(queue, &self->stats));
	EXPECT_EQ(0, self->stats.requests);
	ASSERT_EQ(0, system("dmsetup resume vqhost"));
	ASSERT_EQ(0, vhost_queue_wait(queue, 7));
	ASSERT_EQ(0, stop(self));
	EXPECT_EQ(0, self->stats.in_flight);
	EXPECT_EQ(7, self->stats.requests);
	EXPECT_EQ(7 * 4096, self->stats.bytes);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* A queue that sleeps waits all the time, one that is stopped does neither. */
TEST_F_TIMEOUT(disk, times, TEST_TIME_LIMIT)
{
	struct vqhost_vring_stats asleep, later, stopped;
	struct vhost_queue *queue = &self->queue;
	uint64_t before = now_ns(), slept;
	unsigned int i;

	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 0, 4096));
	/* It sleeps when it has waited for as long as we looked away. */
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, vhost_queue_stats(queue, &asleep));
		slept = now_ns();
		usleep(20000);
		slept = now_ns() - slept;
		ASSERT_EQ(0, vhost_queue_stats(queue, &later));
		if (later.busy_ns == asleep.busy_ns)
			break;
	}
	EXPECT_EQ(asleep.busy_ns, later.busy_ns);
	EXPECT_LE(slept / 2, later.wait_ns - asleep.wait_ns);
	EXPECT_LT(0, later.busy_ns);
	ASSERT_EQ(0, stop(self));
	/* The two clocks need not go at exactly the same rate. */
	EXPECT_LE((self->stats.busy_ns + self->stats.wait_ns) / 2, now_ns() - before);
	usleep(1000);
	ASSERT_EQ(0, vhost_queue_stats(queue, &stopped));
	EXPECT_EQ(self->stats.busy_ns, stopped.busy_ns);
	EXPECT_EQ(self->stats.wait_ns, stopped.wait_ns);
}

/* One that shares its worker with a busy one is not busy for that. */
TEST_F_TIMEOUT(disk, times_of_a_shared_worker, TEST_TIME_LIMIT)
{
	struct vhost_vring_worker worker = { .index = 1 };
	struct vqhost_vring_stats before, after;
	struct vhost_worker_state state;
	struct vhost_queue idle;
	unsigned int i;

	ASSERT_EQ(0, vhost_queue_open(&idle, &self->device, 1, BLK_QUEUE_SIZE, 0x8000));
	ASSERT_EQ(0, vhost_queue_set_poll_limit(&idle, 0));
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_NEW_WORKER, &state));
	worker.worker_id = state.worker_id;
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_ATTACH_VRING_WORKER, &worker));
	worker.index = 0;
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_ATTACH_VRING_WORKER, &worker));
	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(0, vhost_queue_blk_backend(&idle, self->store, 0));
	/* By now it has looked at its ring, and sleeps when the other has been served. */
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&idle, VIRTIO_BLK_T_IN, 0, 512));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 512));
	ASSERT_EQ(0, vhost_queue_stats(&idle, &before));
	ASSERT_EQ(0, vhost_queue_stats(&self->queue, &self->stats));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	ASSERT_EQ(0, vhost_queue_stats(&idle, &after));
	EXPECT_EQ(before.busy_ns, after.busy_ns);
	EXPECT_LT(before.wait_ns, after.wait_ns);
	before = self->stats;
	ASSERT_EQ(0, stop(self));
	EXPECT_LT(before.busy_ns, self->stats.busy_ns);
	vhost_queue_close(&idle);
}

/* A program of version 1 gets what it knows, by the number it knows. */
TEST_F(disk, version_1)
{
	struct {
		uint32_t index, size, error, running;
		uint64_t counters[11];
		uint64_t beyond;
	} old = { .size = STATS_1_SIZE, .beyond = 0x123456789abcdefULL };
	uint32_t version;

	EXPECT_EQ(GET_VRING_STATS_1, VQHOST_GET_VRING_STATS);
	ASSERT_EQ(0, ioctl(self->device.fd, VQHOST_GET_API_VERSION, &version));
	EXPECT_EQ(VQHOST_API_VERSION, version);
	ASSERT_EQ(0, store_start(&self->queue, STORE_RAM_DISK, &self->store));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(&self->queue, VIRTIO_BLK_T_IN, 0, 4096));
	/* The queue is parked for that: what the driver has seen is counted by then. */
	ASSERT_LE(0, vhost_queue_get_base(&self->queue));
	ASSERT_EQ(0, ioctl(self->device.fd, GET_VRING_STATS_1, &old));
	EXPECT_EQ(STATS_1_SIZE, old.size);
	EXPECT_EQ(1, old.running);
	EXPECT_EQ(1, old.counters[0]);
	EXPECT_EQ(4096, old.counters[1]);
	EXPECT_EQ(0x123456789abcdefULL, old.beyond);
}

FIXTURE(net) {
	struct net_setup net;
	struct vqhost_vring_stats stats;
	uint8_t frame[100];
	uint8_t received[200];
};

FIXTURE_VARIANT(net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(net, split) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 0 },
};

FIXTURE_VARIANT_ADD(net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000 },
};

FIXTURE_SETUP(net)
{
	ASSERT_EQ(0, net_setup_prepare(&self->net, &variant->with, ETHERTYPE_TEST, 0));
	ASSERT_EQ(0, vhost_queue_set_poll_limit(&self->net.rx, 0));
	ASSERT_EQ(0, vhost_queue_set_poll_limit(&self->net.tx, 0));
	net_frame_fill(&self->net, self->frame, sizeof(self->frame), 1);
}

FIXTURE_TEARDOWN(net)
{
	net_setup_close(&self->net);
}

static int add_frames(struct _test_data_net *self, unsigned int count)
{
	int ret = 0;

	while (count-- && ret >= 0)
		ret = net_send(&self->net, self->frame, sizeof(self->frame), count);
	return ret;
}

static int stop_queue(struct _test_data_net *self, struct vhost_queue *queue)
{
	int err = vhost_queue_net_backend(queue, -1);

	return err ? err : vhost_queue_stats(queue, &self->stats);
}

/* A ring full of frames, then one half full, each a batch. */
TEST_F_TIMEOUT(net, transmitted, TEST_TIME_LIMIT)
{
	struct vhost_queue *tx = &self->net.tx;
	struct vqhost_vring_stats *stats = &self->stats;
	unsigned int i;

	ASSERT_LE(0, add_frames(self, NET_QUEUE_SIZE));
	driver_ring_expose(&tx->ring);
	ASSERT_EQ(0, vhost_queue_net_backend(tx, self->net.tap.fd));
	ASSERT_EQ(0, vhost_queue_wait(tx, NET_QUEUE_SIZE));
	ASSERT_EQ(0, stop_queue(self, tx));
	EXPECT_EQ(NET_QUEUE_SIZE, stats->requests);
	EXPECT_EQ(NET_QUEUE_SIZE, stats->chains);
	EXPECT_EQ(NET_QUEUE_SIZE * sizeof(self->frame), stats->bytes);
	EXPECT_EQ(1, stats->batches);
	EXPECT_EQ(1, stats->ring_full);
	EXPECT_EQ(1, stats->ring_empty);
	EXPECT_EQ(0, stats->backend_waits);
	EXPECT_EQ(0, stats->kicks);
	EXPECT_EQ(0, stats->errors);

	for (i = 0; i < NET_QUEUE_SIZE; i++)
		ASSERT_LE(0, driver_ring_reap(&tx->ring, NULL));
	ASSERT_LE(0, add_frames(self, NET_QUEUE_SIZE / 2 - 1));
	/* Shorter than an Ethernet header. */
	ASSERT_LE(0, net_send(&self->net, self->frame, 5, NET_QUEUE_SIZE / 2 - 1));
	driver_ring_expose(&tx->ring);
	ASSERT_EQ(0, vhost_queue_net_backend(tx, self->net.tap.fd));
	ASSERT_EQ(0, vhost_queue_wait(tx, NET_QUEUE_SIZE / 2));
	ASSERT_EQ(0, stop_queue(self, tx));
	EXPECT_EQ(3 * NET_QUEUE_SIZE / 2, stats->requests);
	EXPECT_EQ((3 * NET_QUEUE_SIZE / 2 - 1) * sizeof(self->frame), stats->bytes);
	EXPECT_EQ(2, stats->batches);
	EXPECT_EQ(1, stats->ring_full);
	EXPECT_EQ(2, stats->ring_empty);
	EXPECT_EQ(1, stats->errors);
	EXPECT_EQ(1, stats->errors_malformed);
}

/* A tap whose link is gone refuses all of a batch. */
TEST_F_TIMEOUT(net, refused_by_the_tap, TEST_TIME_LIMIT)
{
	struct vhost_queue *tx = &self->net.tx;
	char command[64];

	snprintf(command, sizeof(command), "ip link del %s", self->net.tap.name);
	ASSERT_LE(0, add_frames(self, 9));
	driver_ring_expose(&tx->ring);
	ASSERT_EQ(0, vhost_queue_net_backend(tx, self->net.tap.fd));
	ASSERT_EQ(0, vhost_queue_wait(tx, 9));
	ASSERT_EQ(0, system(command));
	ASSERT_LE(0, add_frames(self, 10));
	vhost_queue_expose(tx);
	ASSERT_EQ(0, vhost_queue_wait(tx, 19));
	ASSERT_EQ(0, stop_queue(self, tx));
	EXPECT_EQ(19, self->stats.chains);
	EXPECT_EQ(19, self->stats.requests);
	EXPECT_EQ(9 * sizeof(self->frame), self->stats.bytes);
	EXPECT_EQ(10, self->stats.errors);
	EXPECT_EQ(10, self->stats.errors_backend);
	EXPECT_EQ(0, self->stats.error);
}

/* Until a counter is not 0.  Returns it. */
static uint64_t wait_for(struct vhost_queue *queue, struct vqhost_vring_stats *stats,
			 const __u64 *counter)
{
	unsigned int i;

	for (i = 0; i < TIME_LIMIT_MS && !vhost_queue_stats(queue, stats) && !*counter; i++)
		usleep(1000);
	return *counter;
}

/* A packet that waits for buffers, one that takes two, one that fits nowhere. */
TEST_F_TIMEOUT(net, received, TEST_TIME_LIMIT)
{
	const unsigned int length = sizeof(self->frame);
	struct vqhost_vring_stats *stats = &self->stats;
	struct net_setup *net = &self->net;
	struct vhost_queue *rx = &net->rx;
	unsigned int i;

	ASSERT_EQ(0, vhost_queue_net_backend(rx, net->tap.fd));
	EXPECT_LT(0, wait_for(rx, stats, &stats->backend_waits));
	EXPECT_EQ(0, stats->ring_empty);
	ASSERT_EQ(length, send(net->tap.socket, self->frame, length, 0));
	EXPECT_LT(0, wait_for(rx, stats, &stats->ring_empty));
	EXPECT_EQ(0, stats->requests);

	/* A ring that is full of buffers, of which the frame takes two. */
	for (i = 0; i < NET_QUEUE_SIZE; i++)
		ASSERT_LE(0, net_add_buffer(net, i, 64));
	vhost_queue_expose(rx);
	ASSERT_EQ(net->header + length, net_receive(net, self->received, sizeof(self->received)));
	ASSERT_EQ(length, send(net->tap.socket, self->frame, length, 0));
	ASSERT_EQ(net->header + length, net_receive(net, self->received, sizeof(self->received)));
	ASSERT_EQ(0, stop_queue(self, rx));
	EXPECT_EQ(2, stats->requests);
	EXPECT_EQ(4, stats->chains);
	EXPECT_EQ(2 * length, stats->bytes);
	EXPECT_EQ(2, stats->batches);
	EXPECT_EQ(1, stats->ring_full);
	EXPECT_EQ(0, stats->errors);

	/* All the ring has is too little. */
	ASSERT_EQ(0, vhost_queue_reset(rx, variant->with.base));
	for (i = 0; i < NET_QUEUE_SIZE; i++)
		ASSERT_LE(0, net_add_buffer(net, i, 3));
	driver_ring_expose(&rx->ring);
	ASSERT_EQ(0, vhost_queue_net_backend(rx, net->tap.fd));
	ASSERT_EQ(length, send(net->tap.socket, self->frame, length, 0));
	EXPECT_EQ(1, wait_for(rx, stats, &stats->errors_malformed));
	ASSERT_EQ(0, stop_queue(self, rx));
	EXPECT_EQ(3, stats->requests);
	EXPECT_EQ(4, stats->chains);
	EXPECT_EQ(1, stats->errors);
}

TEST_HARNESS_MAIN
