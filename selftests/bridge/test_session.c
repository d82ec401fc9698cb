// SPDX-License-Identifier: GPL-2.0
/*
 * What a front end asks for, and what the kernel device is told then.
 */
#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vqhost.h>

#include "bridge/session.h"
#include "fake_kernel.h"
#include "front_end.h"

#include <kselftest_harness.h>

#define PROTOCOL VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES)
#define VERSION_1 VIRTIO_FEATURE(VIRTIO_F_VERSION_1)
#define PACKED VIRTIO_FEATURE(VIRTIO_F_RING_PACKED)
#define LOG_ALL VIRTIO_FEATURE(VHOST_F_LOG_ALL)

FIXTURE(session)
{
	struct front_end front;
};

FIXTURE_SETUP(session)
{
	front_end_begin(&self->front);
}

FIXTURE_TEARDOWN(session)
{
	front_end_end(&self->front);
}

static void write_used(struct front_end *front, uint16_t index)
{
	assert(pwrite(front->memory, &index, sizeof(index), USED + 2) == sizeof(index));
}

/* An acknowledged request. */
static uint64_t state(struct front_end *front, uint32_t request, unsigned int index,
		      unsigned int number)
{
	struct vhost_vring_state payload = { index, number };

	return tell_acknowledged(front, request, &payload, sizeof(payload), -1);
}

static struct vhost_vring_state get_base(struct front_end *front, unsigned int index)
{
	struct vhost_vring_state payload = { index, 0 };

	send_message(front, VHOST_USER_GET_VRING_BASE, VHOST_USER_VERSION, &payload,
		     sizeof(payload), NULL, 0);
	payload.index = UINT32_MAX;
	receive_reply(front, VHOST_USER_GET_VRING_BASE, &payload, sizeof(payload), NULL);
	return payload;
}

static void run_vring(struct front_end *front, uint64_t features)
{
	negotiate(front, features);
	give_memory(front);
	set_up_vring(front, 1);
	start_vring(front, 1);
	synchronise(front);
}

TEST_F(session, features_are_offered_and_chosen)
{
	EXPECT_EQ(FAKE_FEATURES | PROTOCOL, ask(&self->front, VHOST_USER_GET_FEATURES));
	negotiate(&self->front, VERSION_1 | PROTOCOL);
	EXPECT_EQ(FAKE_VRINGS, ask(&self->front, VHOST_USER_GET_QUEUE_NUM));
	EXPECT_EQ(MEMORY_REGIONS_MAX, ask(&self->front, VHOST_USER_GET_MAX_MEM_SLOTS));
	EXPECT_EQ(VERSION_1, kernel.features);
	EXPECT_TRUE(kernel.owned);
}

TEST_F(session, addresses_are_those_of_the_bridge)
{
	run_vring(&self->front, VERSION_1);
	ASSERT_EQ(1, kernel.region_count);
	EXPECT_EQ(GUEST_ADDRESS, kernel.table[0].guest_phys_addr);
	EXPECT_EQ(GUEST_SIZE, kernel.table[0].memory_size);
	EXPECT_EQ(kernel.table[0].userspace_addr + DESCRIPTORS, kernel.address[1].desc_user_addr);
	EXPECT_EQ(kernel.table[0].userspace_addr + AVAIL, kernel.address[1].avail_user_addr);
	EXPECT_EQ(kernel.table[0].userspace_addr + USED, kernel.address[1].used_user_addr);
	EXPECT_EQ(GUEST_ADDRESS + USED, kernel.address[1].log_guest_addr);
	EXPECT_EQ(RING_SIZE, kernel.size[1]);
	EXPECT_TRUE(kernel.running[1]);
}

TEST_F(session, a_split_ring_goes_on_at_its_used_index)
{
	write_used(&self->front, 77);
	run_vring(&self->front, VERSION_1);
	EXPECT_EQ(77, kernel.base[1]);
	kernel.base[1] = 99;
	EXPECT_EQ(99, get_base(&self->front, 1).num);
	EXPECT_FALSE(kernel.running[1]);
}

TEST_F(session, a_packed_ring_goes_on_where_the_front_end_says)
{
	struct vhost_vring_state base = { 1, 0x80058005 };

	negotiate(&self->front, VERSION_1 | PACKED);
	give_memory(&self->front);
	set_up_vring(&self->front, 1);
	send_message(&self->front, VHOST_USER_SET_VRING_BASE, VHOST_USER_VERSION, &base,
		     sizeof(base), NULL, 0);
	start_vring(&self->front, 1);
	EXPECT_EQ(0x80058005, get_base(&self->front, 1).num);
	EXPECT_LE(0, fake_find(FAKE_START, 0));
}

TEST_F(session, a_vring_waits_until_it_is_enabled)
{
	run_vring(&self->front, VERSION_1 | PROTOCOL);
	EXPECT_FALSE(kernel.running[1]);
	enable_vring(&self->front, 1, 1);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[1]);
	/* Features that are chosen once more disable nothing. */
	tell(&self->front, VHOST_USER_SET_FEATURES, VERSION_1 | PROTOCOL);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[1]);
	enable_vring(&self->front, 1, 0);
	synchronise(&self->front);
	EXPECT_FALSE(kernel.running[1]);
	enable_vring(&self->front, 1, 1);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[1]);
	EXPECT_EQ(1, get_base(&self->front, 1).index);
	EXPECT_FALSE(kernel.running[1]);
	/* It is enabled, but not started. */
	enable_vring(&self->front, 1, 1);
	synchronise(&self->front);
	EXPECT_FALSE(kernel.running[1]);
}

TEST_F(session, a_vring_waits_until_there_is_memory)
{
	negotiate(&self->front, VERSION_1);
	set_up_vring(&self->front, 0);
	start_vring(&self->front, 0);
	synchronise(&self->front);
	EXPECT_FALSE(kernel.running[0]);
	give_memory(&self->front);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[0]);
}

TEST_F(session, the_driver_is_notified_when_a_vring_starts)
{
	int call = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	uint64_t number = 1;
	eventfd_t count;

	negotiate(&self->front, VERSION_1);
	give_memory(&self->front);
	set_up_vring(&self->front, 1);
	send_message(&self->front, VHOST_USER_SET_VRING_CALL, VHOST_USER_VERSION, &number,
		     sizeof(number), &call, 1);
	synchronise(&self->front);
	EXPECT_EQ(-1, eventfd_read(call, &count));
	start_vring(&self->front, 1);
	synchronise(&self->front);
	EXPECT_EQ(0, eventfd_read(call, &count));
	send_message(&self->front, VHOST_USER_SET_VRING_CALL, VHOST_USER_VERSION, &number,
		     sizeof(number), &other, 1);
	synchronise(&self->front);
	EXPECT_EQ(0, eventfd_read(other, &count));
	EXPECT_EQ(-1, eventfd_read(call, &count));
	close(call);
	close(other);
}

TEST_F(session, nobody_waits_for_an_eventfd_that_is_full)
{
	int call = eventfd(0, 0);
	uint64_t number = 1;

	ASSERT_EQ(0, eventfd_write(call, UINT64_MAX - 1));
	negotiate(&self->front, VERSION_1);
	give_memory(&self->front);
	set_up_vring(&self->front, 1);
	send_message(&self->front, VHOST_USER_SET_VRING_CALL, VHOST_USER_VERSION, &number,
		     sizeof(number), &call, 1);
	start_vring(&self->front, 1);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[1]);
	close(call);
}

TEST_F(session, no_call_is_taken_for_what_it_is)
{
	uint64_t number = 1 | VHOST_USER_VRING_NO_FD;

	negotiate(&self->front, VERSION_1);
	EXPECT_EQ(0, tell_acknowledged(&self->front, VHOST_USER_SET_VRING_CALL, &number,
				       sizeof(number), -1));
	EXPECT_LE(0, fake_find(VHOST_SET_VRING_CALL, 0));
}

TEST_F(session, parts_of_the_configuration_space)
{
	union vhost_user_payload payload = { .config = { .offset = 8, .size = 60 } };
	const uint32_t begin = offsetof(union vhost_user_payload, config.bytes);
	unsigned int i;

	negotiate(&self->front, VERSION_1);
	send_message(&self->front, VHOST_USER_GET_CONFIG, VHOST_USER_VERSION, &payload,
		     begin + 60, NULL, 0);
	ASSERT_EQ(begin + 60, receive_reply(&self->front, VHOST_USER_GET_CONFIG, &payload,
					    sizeof(payload), NULL));
	for (i = 0; i < 60; i++)
		EXPECT_EQ(8 + i, payload.config.bytes[i]);
	/* Beyond its end; another size than that of the message. */
	payload.config.offset = VHOST_USER_CONFIG_SIZE - 59;
	send_message(&self->front, VHOST_USER_GET_CONFIG, VHOST_USER_VERSION, &payload,
		     begin + 60, NULL, 0);
	EXPECT_EQ(0, receive_reply(&self->front, VHOST_USER_GET_CONFIG, &payload,
				   sizeof(payload), NULL));
	payload.config.offset = 0;
	send_message(&self->front, VHOST_USER_GET_CONFIG, VHOST_USER_VERSION, &payload,
		     begin + 59, NULL, 0);
	EXPECT_EQ(0, receive_reply(&self->front, VHOST_USER_GET_CONFIG, &payload,
				   sizeof(payload), NULL));
	/* It cannot be written, which ends no connection. */
	EXPECT_EQ(1, tell_acknowledged(&self->front, VHOST_USER_SET_CONFIG, &payload, begin + 1,
				       -1));
	EXPECT_EQ(FAKE_VRINGS, ask(&self->front, VHOST_USER_GET_QUEUE_NUM));
}

TEST_F(session, the_status_is_kept_and_0_resets)
{
	run_vring(&self->front, VERSION_1 | PROTOCOL);
	enable_vring(&self->front, 1, 1);
	tell(&self->front, VHOST_USER_SET_STATUS, 15);
	EXPECT_EQ(15, ask(&self->front, VHOST_USER_GET_STATUS));
	EXPECT_TRUE(kernel.running[1]);
	tell(&self->front, VHOST_USER_SET_STATUS, 0);
	EXPECT_EQ(0, ask(&self->front, VHOST_USER_GET_STATUS));
	EXPECT_FALSE(kernel.running[1]);
	/* What is enabled stays so. */
	start_vring(&self->front, 1);
	synchronise(&self->front);
	EXPECT_TRUE(kernel.running[1]);
}

/* Front ends do so: QEMU, when a network interface is reset. */
TEST_F(session, a_vring_that_is_enabled_before_features_are_chosen)
{
	enable_vring(&self->front, 1, 1);
	run_vring(&self->front, VERSION_1 | PROTOCOL);
	EXPECT_TRUE(kernel.running[1]);
}

TEST_F(session, acknowledgements_are_sent_to_those_who_ask)
{
	uint64_t number = VERSION_1;

	negotiate(&self->front, VERSION_1);
	EXPECT_EQ(0, state(&self->front, VHOST_USER_SET_VRING_NUM, 0, RING_SIZE));
	EXPECT_EQ(0, tell_acknowledged(&self->front, VHOST_USER_SET_FEATURES, &number,
				       sizeof(number), -1));
	/* Then the connection ends. */
	EXPECT_EQ(1, state(&self->front, VHOST_USER_SET_VRING_NUM, FAKE_VRINGS, RING_SIZE));
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_F(session, what_the_kernel_refuses_ends_the_connection)
{
	kernel.fail = FAKE_START;
	negotiate(&self->front, VERSION_1);
	give_memory(&self->front);
	set_up_vring(&self->front, 0);
	start_vring(&self->front, 0);
	EXPECT_TRUE(front_end_was_refused(&self->front));
	EXPECT_FALSE(kernel.owned);
}

TEST_F(session, its_end_gives_everything_back)
{
	int stopped, disowned;

	run_vring(&self->front, VERSION_1);
	EXPECT_TRUE(kernel.running[1]);
	shutdown(self->front.socket, SHUT_WR);
	EXPECT_TRUE(front_end_was_refused(&self->front));
	EXPECT_FALSE(kernel.running[1]);
	EXPECT_FALSE(kernel.owned);
	stopped = fake_find(FAKE_STOP, 0);
	disowned = fake_find(VHOST_RESET_OWNER, 0);
	EXPECT_LE(0, stopped);
	EXPECT_LT(stopped, disowned);
}

TEST_F(session, the_buffer_of_requests_in_flight)
{
	union vhost_user_payload payload = { .inflight = { .queues = 2, .queue_size = 64 } };
	const uint8_t inflight = 1;
	uint8_t bytes[40];
	uint32_t size;
	int fd;

	negotiate(&self->front, VERSION_1);
	for (size = VHOST_USER_INFLIGHT_SIZE; size <= sizeof(payload.inflight); size += 4) {
		send_message(&self->front, VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_VERSION,
			     &payload, size, NULL, 0);
		ASSERT_EQ(size, receive_reply(&self->front, VHOST_USER_GET_INFLIGHT_FD, &payload,
					      sizeof(payload), &fd));
		ASSERT_LE(0, fd);
		EXPECT_EQ(2, payload.inflight.queues);
		EXPECT_EQ(0, payload.inflight.offset);
		/* Features, version, descriptors; nothing in flight. */
		ASSERT_EQ(sizeof(bytes), pread(fd, bytes, sizeof(bytes),
					       payload.inflight.size / 2));
		EXPECT_EQ(1, bytes[8]);
		EXPECT_EQ(64, bytes[10]);
		EXPECT_EQ(0, bytes[16]);
		/* Nobody makes it smaller. */
		EXPECT_EQ(-1, ftruncate(fd, 0));
		EXPECT_EQ(0, tell_acknowledged(&self->front, VHOST_USER_SET_INFLIGHT_FD, &payload,
					       size, fd));
		if (size < sizeof(payload.inflight))
			close(fd);
	}
	/* Another back end had something in flight: the fourth request of the second queue. */
	ASSERT_EQ(1, pwrite(fd, &inflight, 1, payload.inflight.size / 2 + 16 + 3 * 16));
	EXPECT_EQ(1, tell_acknowledged(&self->front, VHOST_USER_SET_INFLIGHT_FD, &payload,
				       sizeof(payload.inflight), fd));
	close(fd);
}

/* A packed ring that is started with the buffer of a bridge that was there before. */
static void run_packed(struct front_end *front, int buffer, const union vhost_user_payload *where)
{
	negotiate(front, VERSION_1 | PACKED);
	send_message(front, VHOST_USER_SET_INFLIGHT_FD, VHOST_USER_VERSION, where,
		     sizeof(where->inflight), &buffer, 1);
	give_memory(front);
	set_up_vring(front, 1);
	start_vring(front, 1);
}

static void set_position(int buffer, uint64_t position)
{
	assert(pwrite(buffer, &position, sizeof(position),
		      sizeof(struct vring_state) + offsetof(struct vring_state, position)) ==
	       sizeof(position));
}

TEST_F(session, a_packed_ring_goes_on_where_the_kernel_has_stopped)
{
	union vhost_user_payload where = { .inflight = { .queues = 2, .queue_size = 64 } };
	struct front_end other;
	uint64_t position;
	int buffer;

	negotiate(&self->front, VERSION_1 | PACKED);
	send_message(&self->front, VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_VERSION, &where,
		     sizeof(where.inflight), NULL, 0);
	ASSERT_EQ(sizeof(where.inflight),
		  receive_reply(&self->front, VHOST_USER_GET_INFLIGHT_FD, &where, sizeof(where),
				&buffer));

	/* Nobody has served it yet: where the front end says. */
	front_end_begin(&other);
	run_packed(&other, buffer, &where);
	synchronise(&other);
	EXPECT_TRUE(kernel.running[1]);
	EXPECT_EQ(0, kernel.base[1]);
	ASSERT_NE(0, kernel.position[1]);
	memcpy(&position, (void *)(uintptr_t)kernel.position[1], sizeof(position));
	EXPECT_EQ(VRING_POSITION_NONE, position);
	front_end_end(&other);

	/* The kernel has served it. */
	set_position(buffer, VQHOST_POSITION_KNOWN | 0x80078007);
	front_end_begin(&other);
	run_packed(&other, buffer, &where);
	synchronise(&other);
	EXPECT_EQ(0x80078007, kernel.base[1]);
	/* A front end that has been told goes by what it says. */
	EXPECT_EQ(0x80078007, get_base(&other, 1).num);
	EXPECT_EQ(sizeof(position),
		  pread(buffer, &position, sizeof(position), sizeof(struct vring_state) +
			offsetof(struct vring_state, position)));
	EXPECT_EQ(VRING_POSITION_NONE, position);
	front_end_end(&other);

	/* It did, and has not told how far it came. */
	set_position(buffer, 0);
	front_end_begin(&other);
	run_packed(&other, buffer, &where);
	EXPECT_TRUE(front_end_was_refused(&other));
	EXPECT_EQ(-1, fake_find(FAKE_START, 0));
	front_end_end(&other);
	close(buffer);
	memset(&kernel, 0, sizeof(kernel));
}

/* A front end whose driver was replaced hands over another buffer, but not while a ring runs. */
TEST_F(session, a_buffer_takes_the_place_of_another_one)
{
	union vhost_user_payload where = { .inflight = { .queues = 2, .queue_size = 64 } };
	uint64_t kept;
	int buffer, i;

	for (i = 0; i < 2; i++) {
		negotiate(&self->front, VERSION_1 | PACKED);
		send_message(&self->front, VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_VERSION, &where,
			     sizeof(where.inflight), NULL, 0);
		ASSERT_EQ(sizeof(where.inflight),
			  receive_reply(&self->front, VHOST_USER_GET_INFLIGHT_FD, &where,
					sizeof(where), &buffer));
		set_position(buffer, VQHOST_POSITION_KNOWN | (uint64_t)(0x80018001 + i));
		run_packed(&self->front, buffer, &where);
		synchronise(&self->front);
		EXPECT_EQ(0x80018001 + i, kernel.base[1]);
		memcpy(&kept, (void *)(uintptr_t)kernel.position[1], sizeof(kept));
		EXPECT_EQ(VQHOST_POSITION_KNOWN | (uint64_t)(0x80018001 + i), kept);
		if (!i)
			get_base(&self->front, 1);
		close(buffer);
	}
	tell_acknowledged(&self->front, VHOST_USER_SET_INFLIGHT_FD, &where, sizeof(where.inflight),
			  self->front.memory);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_HARNESS_MAIN
