// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that comes and goes, and the dirty log.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge/session.h"
#include "fake_kernel.h"
#include "front_end.h"

#include <kselftest_harness.h>

#define VERSION_1 VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define LOG_ALL VIRTIO_FEATURE(VHOST_F_LOG_ALL)

/* Bytes of the log that cover the memory of give_memory(). */
#define LOG_SIZE ((GUEST_ADDRESS + GUEST_SIZE) / VHOST_PAGE_SIZE / 8)

FIXTURE(table)
{
	struct front_end front;
};

FIXTURE_SETUP(table)
{
	front_end_begin(&self->front);
	negotiate(&self->front, VERSION_1);
	give_memory(&self->front);
	set_up_vring(&self->front, 0);
	start_vring(&self->front, 0);
	synchronise(&self->front);
}

FIXTURE_TEARDOWN(table)
{
	front_end_end(&self->front);
}

static uint64_t change_region(struct front_end *front, uint32_t request,
			      const struct vhost_user_region *region, int fd)
{
	union vhost_user_payload payload = { .one.region = *region };

	return tell_acknowledged(front, request, &payload, sizeof(payload.one), fd);
}

static uint64_t set_log(struct front_end *front, uint64_t size, uint64_t offset, int fd)
{
	union vhost_user_payload payload = { .log = { size, offset } };

	return tell_acknowledged(front, VHOST_USER_SET_LOG_BASE, &payload, sizeof(payload.log),
				 fd);
}

TEST_F(table, no_vring_is_served_while_memory_goes_away)
{
	unsigned int from = kernel.call_count;
	int stopped, told, started;

	ASSERT_TRUE(kernel.running[0]);
	give_memory(&self->front);
	synchronise(&self->front);
	stopped = fake_find(FAKE_STOP, from);
	told = fake_find(VHOST_SET_MEM_TABLE, from);
	started = fake_find(FAKE_START, from);
	EXPECT_LE(0, stopped);
	EXPECT_LT(stopped, told);
	EXPECT_LT(told, started);
	/* To the new place of the same ring. */
	EXPECT_EQ(kernel.table[0].userspace_addr + USED, kernel.address[0].used_user_addr);
}

TEST_F(table, regions_one_by_one)
{
	const struct vhost_user_region first = { GUEST_ADDRESS, GUEST_SIZE, USER_ADDRESS, 0 };
	const struct vhost_user_region second = {
		GUEST_ADDRESS + GUEST_SIZE, 0x2000, USER_ADDRESS + 2 * GUEST_SIZE, 0x1234
	};
	unsigned int from = kernel.call_count;
	char *byte;

	/* What is added stops nobody. */
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &second,
				   self->front.memory));
	EXPECT_EQ(-1, fake_find(FAKE_STOP, from));
	/* QEMU repeats itself. */
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &second,
				   self->front.memory));
	ASSERT_EQ(2, kernel.region_count);
	EXPECT_EQ(0x2000, kernel.table[1].memory_size);
	/* It begins anywhere in its file. */
	ASSERT_EQ(1, pwrite(self->front.memory, "x", 1, 0x1234));
	byte = (char *)(uintptr_t)kernel.table[1].userspace_addr;
	EXPECT_EQ('x', *byte);
	/* Some front ends send the file of what they remove. */
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_REM_MEM_REG, &second,
				   self->front.memory));
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_REM_MEM_REG, &second,
				   self->front.memory));
	ASSERT_EQ(1, kernel.region_count);
	EXPECT_TRUE(kernel.running[0]);
	/* With all memory gone the ring waits for more. */
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_REM_MEM_REG, &first, -1));
	EXPECT_FALSE(kernel.running[0]);
	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &first,
				   self->front.memory));
	EXPECT_TRUE(kernel.running[0]);
}

TEST_F(table, a_ring_whose_memory_goes_away_ends_the_connection)
{
	const struct vhost_user_region first = { GUEST_ADDRESS, GUEST_SIZE, USER_ADDRESS, 0 };
	const struct vhost_user_region second = {
		GUEST_ADDRESS + GUEST_SIZE, 0x2000, USER_ADDRESS + 2 * GUEST_SIZE, 0
	};

	EXPECT_EQ(0, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &second,
				   self->front.memory));
	EXPECT_EQ(1, change_region(&self->front, VHOST_USER_REM_MEM_REG, &first, -1));
	EXPECT_TRUE(front_end_was_refused(&self->front));
	EXPECT_FALSE(kernel.running[0]);
}

TEST_F(table, as_many_regions_as_are_promised)
{
	struct vhost_user_region region = { 1ULL << 32, 0x1000, USER_ADDRESS + (1ULL << 32), 0 };
	unsigned int i;

	for (i = 1; i < MEMORY_REGIONS_MAX; i++) {
		EXPECT_EQ(0, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &region,
					   self->front.memory));
		region.guest_address += 0x1000;
		region.user_address += 0x1000;
	}
	EXPECT_EQ(MEMORY_REGIONS_MAX, kernel.region_count);
	EXPECT_EQ(1, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &region,
				   self->front.memory));
}

TEST_F(table, nothing_is_logged_before_there_is_a_log)
{
	struct vhost_vring_addr address = {
		.index = 0,
		.flags = 1 << VHOST_VRING_F_LOG,
		.desc_user_addr = USER_ADDRESS + DESCRIPTORS,
		.avail_user_addr = USER_ADDRESS + AVAIL,
		.used_user_addr = USER_ADDRESS + USED,
		.log_guest_addr = GUEST_ADDRESS + USED,
	};
	char *log;

	ASSERT_EQ(0, ftruncate(self->front.memory, GUEST_SIZE + 2 * LOG_SIZE));
	tell(&self->front, VHOST_USER_SET_FEATURES, VERSION_1 | LOG_ALL);
	EXPECT_EQ(0, tell_acknowledged(&self->front, VHOST_USER_SET_VRING_ADDR, &address,
				       sizeof(address), -1));
	EXPECT_EQ(VERSION_1, kernel.features);
	EXPECT_EQ(0, kernel.address[0].flags);

	EXPECT_EQ(0, set_log(&self->front, LOG_SIZE, GUEST_SIZE + 8, self->front.memory));
	EXPECT_EQ(VERSION_1 | LOG_ALL, kernel.features);
	EXPECT_EQ(1 << VHOST_VRING_F_LOG, kernel.address[0].flags);
	ASSERT_EQ(1, pwrite(self->front.memory, "y", 1, GUEST_SIZE + 8));
	log = (char *)(uintptr_t)kernel.log;
	EXPECT_EQ('y', *log);

	address.flags = 0;
	tell(&self->front, VHOST_USER_SET_FEATURES, VERSION_1);
	EXPECT_EQ(0, tell_acknowledged(&self->front, VHOST_USER_SET_VRING_ADDR, &address,
				       sizeof(address), -1));
	EXPECT_EQ(VERSION_1, kernel.features);
	EXPECT_EQ(0, kernel.address[0].flags);
}

TEST_F(table, a_log_that_does_not_cover_all_memory)
{
	ASSERT_EQ(0, ftruncate(self->front.memory, GUEST_SIZE + LOG_SIZE));
	EXPECT_EQ(UINT64_MAX, set_log(&self->front, LOG_SIZE - 1, GUEST_SIZE,
				      self->front.memory));
	EXPECT_TRUE(front_end_was_refused(&self->front));
	EXPECT_EQ(-1, fake_find(VHOST_SET_LOG_BASE, 0));
}

TEST_F(table, memory_that_the_log_does_not_cover)
{
	const struct vhost_user_region region = {
		GUEST_ADDRESS + GUEST_SIZE, 0x1000, USER_ADDRESS + 2 * GUEST_SIZE, 0
	};
	unsigned int from;

	ASSERT_EQ(0, ftruncate(self->front.memory, GUEST_SIZE + LOG_SIZE));
	EXPECT_EQ(0, set_log(&self->front, LOG_SIZE, GUEST_SIZE, self->front.memory));
	from = kernel.call_count;
	EXPECT_EQ(1, change_region(&self->front, VHOST_USER_ADD_MEM_REG, &region,
				   self->front.memory));
	EXPECT_TRUE(front_end_was_refused(&self->front));
	EXPECT_EQ(-1, fake_find(VHOST_SET_MEM_TABLE, from));
}

TEST_HARNESS_MAIN
