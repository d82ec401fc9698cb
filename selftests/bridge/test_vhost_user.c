// SPDX-License-Identifier: GPL-2.0
/*
 * vqvmm as a front end: what a back end is told, and what comes of it when it goes.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_ring.h>

#include "backend/store.h"
#include "fake_back_end.h"
#include "guest.h"
#include "option_values.h"
#include "virtqueue/virtqueue.h"
#include "watch.h"

#include <kselftest_harness.h>

#define SPLIT VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define PACKED (SPLIT | VIRTIO_FEATURE(VIRTIO_F_RING_PACKED))

FIXTURE(disk)
{
	struct fake_back_end back;
	struct guest guest;
	struct watch watch;
	unsigned int lines;
};

FIXTURE_SETUP(disk)
{
	self->lines = 0;
	fake_back_end_init(&self->back);
	watch_begin(&self->watch);
	fake_back_end_start(&self->back);
	ASSERT_EQ(0, guest_begin(&self->guest, self->back.path));
}

FIXTURE_TEARDOWN(disk)
{
	guest_end(&self->guest);
	fake_back_end_stop(&self->back);
	EXPECT_TRUE(watch_end(&self->watch, self->lines));
}

/* The back end ends, and another one takes its place. */
static bool restart(struct fake_back_end *back, unsigned int queues)
{
	unsigned int before = back->connections;

	fake_back_end_stop(back);
	fake_back_end_start(back);
	while (back->connections == before)
		usleep(1000);
	return fake_back_end_serves(back, queues);
}

static bool is_broken(struct guest *guest, unsigned int queue)
{
	bool broken;

	machine_lock(&guest->machine);
	broken = guest->device.queues[queue].broken;
	machine_unlock(&guest->machine);
	return broken;
}

static void wait_until_broken(struct guest *guest, unsigned int queue)
{
	while (!is_broken(guest, queue))
		usleep(1000);
}

/* Wait until so many lines were said. */
static void wait_for_lines(const struct watch *watch, unsigned int lines)
{
	while (watch_lines(watch) < lines)
		usleep(1000);
}

/* All that was written to an eventfd. */
static uint64_t take(int fd)
{
	eventfd_t count = 0;

	eventfd_read(fd, &count);
	return count;
}

TEST_F(disk, offers_what_both_know)
{
	const uint64_t features = self->guest.backend->features;

	EXPECT_EQ(0, features & ~(BACKEND_RING_FEATURES | STORE_FEATURES));
	EXPECT_EQ(0, features & VIRTIO_FEATURE(VIRTIO_F_RING_RESET));
	EXPECT_TRUE(features & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED));
	EXPECT_EQ(8192, self->guest.config.capacity);
	EXPECT_EQ(GUEST_QUEUES, self->guest.config.num_queues);
	/* As many as there is room for in a queue. */
	EXPECT_EQ(GUEST_QUEUE_SIZE - 2, self->guest.config.seg_max);
}

TEST_F(disk, tells_all_of_a_queue)
{
	const struct guest_region *region;
	const struct fake_vring *vring = &self->back.vrings[1];
	unsigned int count;

	region = guest_memory_regions(self->guest.machine.memory, &count);
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(SPLIT | VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES),
		  self->back.driver_features);
	EXPECT_EQ(1, self->back.regions);
	EXPECT_EQ(region->address, self->back.memory.guest_address);
	EXPECT_EQ(GUEST_MEMORY, self->back.memory.size);
	EXPECT_EQ((uintptr_t)region->host, self->back.memory.user_address);
	EXPECT_EQ(GUEST_QUEUE_SIZE, vring->size);
	EXPECT_EQ(0, vring->base);
	EXPECT_EQ((uintptr_t)region->host + GUEST_RING(1), vring->address.desc_user_addr);
	EXPECT_EQ((uintptr_t)region->host + GUEST_RING(1) + GUEST_DRIVER_AREA,
		  vring->address.avail_user_addr);
	EXPECT_EQ((uintptr_t)region->host + GUEST_RING(1) + GUEST_DEVICE_AREA,
		  vring->address.used_user_addr);
	EXPECT_LE(0, self->back.inflight_fd);
	/* The driver may have made requests available before. */
	EXPECT_EQ(1, take(vring->kick));
	EXPECT_EQ(0, eventfd_write(vring->call, 1));
	EXPECT_EQ(1, take(self->guest.calls[1]));
}

TEST_F(disk, memory_cannot_be_taken_away)
{
	const struct guest_region *region;
	unsigned int count;

	region = guest_memory_regions(self->guest.machine.memory, &count);
	EXPECT_EQ(-1, ftruncate(region->fd, 0));
	EXPECT_EQ(-1, ftruncate(region->fd, 2 * GUEST_MEMORY));
}

TEST_F(disk, goes_on_where_it_was_stopped)
{
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	guest_pause(&self->guest, true);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 0));
	EXPECT_EQ(2, fake_back_end_asked(&self->back, VHOST_USER_GET_VRING_BASE));
	guest_pause(&self->guest, false);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(7, self->back.vrings[0].base);
	/* The same driver has the same buffer, and the same memory. */
	EXPECT_EQ(1, fake_back_end_asked(&self->back, VHOST_USER_GET_INFLIGHT_FD));
	EXPECT_EQ(1, fake_back_end_asked(&self->back, VHOST_USER_SET_MEM_TABLE));
}

TEST_F(disk, another_driver_begins_anew)
{
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	guest_reset(&self->guest);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 0));
	guest_load_driver(&self->guest, PACKED);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(VIRTQUEUE_PACKED_BASE, self->back.vrings[1].base);
	EXPECT_EQ(PACKED | VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES),
		  self->back.driver_features);
	EXPECT_EQ(2, fake_back_end_asked(&self->back, VHOST_USER_SET_INFLIGHT_FD));
	EXPECT_EQ(2, self->back.inflight_given);
}

/* A driver that leaves before all of its queues are served. */
TEST_F(disk, drivers_come_and_go_at_once)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		guest_load_driver(&self->guest, i % 2 ? PACKED : SPLIT);
		usleep(i);
		guest_reset(&self->guest);
	}
	guest_load_driver(&self->guest, SPLIT);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(0, self->back.vrings[0].base);
}

TEST_F(disk, a_back_end_that_is_restarted)
{
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	take(self->back.vrings[0].kick);
	guest_set_index(&self->guest, 0, GUEST_DRIVER_AREA, 9);
	guest_set_index(&self->guest, 0, GUEST_DEVICE_AREA, 5);
	self->lines = 2;
	ASSERT_TRUE(restart(&self->back, 2));
	EXPECT_EQ(5, self->back.vrings[0].base);
	/* Its successor is given the buffer, and does not make one. */
	EXPECT_LE(0, self->back.inflight_fd);
	EXPECT_EQ(1, self->back.inflight_given);
	/* Neither side waits for what the other one has said already. */
	EXPECT_LE(1, take(self->back.vrings[0].kick));
	EXPECT_LE(1, take(self->guest.calls[0]));
	wait_for_lines(&self->watch, 2);
}

TEST_F(disk, one_that_hangs_up_is_connected_to_again)
{
	unsigned int i;

	guest_load_driver(&self->guest, PACKED);
	for (i = 1; i < 3; i++) {
		ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
		EXPECT_EQ(i, self->back.connections);
		fake_back_end_hang_up(&self->back);
		self->lines += 2;
		wait_for_lines(&self->watch, self->lines);
	}
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
}

TEST_F(disk, drivers_come_and_go_without_a_back_end)
{
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	fake_back_end_stop(&self->back);
	self->lines = 2;
	guest_reset(&self->guest);
	guest_load_driver(&self->guest, PACKED);
	guest_pause(&self->guest, true);
	guest_pause(&self->guest, false);
	guest_reset(&self->guest);
	guest_set_index(&self->guest, 0, GUEST_DRIVER_AREA, 9);
	guest_load_driver(&self->guest, SPLIT);
	fake_back_end_start(&self->back);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(0, self->back.vrings[0].base);
	/* What was under way for another driver is nobody's business. */
	EXPECT_EQ(2, self->back.inflight_given);
	EXPECT_FALSE(is_broken(&self->guest, 0));
	wait_for_lines(&self->watch, 2);
}

/* It is tried again and again, and said once. */
TEST_F(disk, one_that_is_away_for_a_while)
{
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	fake_back_end_stop(&self->back);
	sleep(4);
	EXPECT_EQ(1, watch_lines(&self->watch));
	fake_back_end_start(&self->back);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
	self->lines = 2;
	wait_for_lines(&self->watch, 2);
}

/* Without a buffer nobody knows what was under way. */
TEST_F(disk, one_that_keeps_nothing)
{
	self->back.protocol_features &= ~(1ULL << VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
	fake_back_end_hang_up(&self->back);
	wait_for_lines(&self->watch, 2);
	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	EXPECT_EQ(0, fake_back_end_asked(&self->back, VHOST_USER_GET_INFLIGHT_FD));
	guest_set_index(&self->guest, 0, GUEST_DRIVER_AREA, 9);
	guest_set_index(&self->guest, 0, GUEST_DEVICE_AREA, 8);
	guest_set_index(&self->guest, 1, GUEST_DRIVER_AREA, 4);
	guest_set_index(&self->guest, 1, GUEST_DEVICE_AREA, 4);
	fake_back_end_hang_up(&self->back);
	/* That the connection ended, that a queue is broken, that there is another one. */
	self->lines = 5;
	wait_until_broken(&self->guest, 0);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 1));
	EXPECT_EQ(4, self->back.vrings[1].base);
	/* Until the driver begins anew. */
	guest_reset(&self->guest);
	guest_load_driver(&self->guest, PACKED);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
	wait_for_lines(&self->watch, 5);
}

TEST_F(disk, one_that_acknowledges_nothing)
{
	self->back.protocol_features &= ~(1ULL << VHOST_USER_PROTOCOL_F_REPLY_ACK);
	fake_back_end_hang_up(&self->back);
	self->lines = 2;
	wait_for_lines(&self->watch, 2);
	guest_load_driver(&self->guest, SPLIT);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
	guest_pause(&self->guest, true);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 0));
}

/* The guest is not given a disk that is another one. */
TEST_F(disk, one_that_is_replaced_by_another_disk)
{
	const uint64_t features = self->back.features;
	uint8_t size = self->back.config[1];

	guest_load_driver(&self->guest, SPLIT);
	ASSERT_TRUE(fake_back_end_serves(&self->back, 2));
	fake_back_end_stop(&self->back);
	self->back.config[1] = size + 1;
	fake_back_end_start(&self->back);
	wait_for_lines(&self->watch, 2);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 0));
	fake_back_end_stop(&self->back);
	self->back.config[1] = size;
	self->back.features &= ~VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH);
	fake_back_end_start(&self->back);
	wait_for_lines(&self->watch, 3);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 0));
	fake_back_end_stop(&self->back);
	self->back.features = features;
	fake_back_end_start(&self->back);
	EXPECT_TRUE(fake_back_end_serves(&self->back, 2));
	self->lines = watch_lines(&self->watch);
}

TEST(nobody_there)
{
	struct guest guest;
	struct watch watch;
	char path[120];

	watch_begin(&watch);
	EXPECT_EQ(OPTION_REJECTED, guest_begin(&guest, "/nowhere/at/all"));
	EXPECT_EQ(OPTION_REJECTED, guest_begin(&guest, "/dev/null"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	EXPECT_EQ(OPTION_REJECTED, guest_begin(&guest, path));
	EXPECT_TRUE(watch_end(&watch, 3));
}

TEST_HARNESS_MAIN
