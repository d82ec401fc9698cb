// SPDX-License-Identifier: GPL-2.0
/*
 * Front ends that do what they must not: each ends its own connection, with one line
 * that says why, and leaves nothing behind.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/session.h"
#include "fake_kernel.h"
#include "front_end.h"
#include "watch.h"

#include <kselftest_harness.h>

#define VERSION_1 VIRTIO_FEATURE(VIRTIO_F_VERSION_1)

/* Rounds of messages at random. */
#define ROUNDS 2000

/**
 * struct bad - a message that ends its connection
 * @name: what is wrong with it
 * @request: of the header
 * @flags: of the header
 * @size: of the header
 * @files: file descriptors that come along
 * @payload: @size bytes
 */
struct bad {
	const char *name;
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	unsigned int files;
	union vhost_user_payload payload;
};

/* Of good messages. */
#define VERSION VHOST_USER_VERSION

static const struct bad bad[] = {
	{ "no version", VHOST_USER_GET_FEATURES, 0, 0, 0 },
	{ "other version", VHOST_USER_GET_FEATURES, 2, 0, 0 },
	{ "a reply", VHOST_USER_GET_FEATURES, VHOST_USER_VERSION | VHOST_USER_REPLY, 0, 0 },
	{ "request 0", 0, VERSION, 0, 0 },
	{ "request unknown", 18 + 1, VERSION, 0, 0 },
	{ "request beyond", VHOST_USER_REQUESTS, VERSION, 0, 0 },
	{ "request huge", UINT32_MAX, VERSION, 0, 0 },
	{ "payload too long", VHOST_USER_SET_FEATURES, VERSION, UINT32_MAX, 0 },
	{ "payload longer", VHOST_USER_SET_FEATURES, VERSION, 16, 0 },
	{ "payload shorter", VHOST_USER_SET_FEATURES, VERSION, 4, 0 },
	{ "payload of none", VHOST_USER_SET_OWNER, VERSION, 8, 0 },
	{ "files of none", VHOST_USER_SET_OWNER, VERSION, 0, 1 },
	{ "files too many", VHOST_USER_SET_MEM_TABLE, VERSION, 8, 9 },
	{ "files far too many", VHOST_USER_SET_MEM_TABLE, VERSION, 8, 60 },
	{ "features not offered", VHOST_USER_SET_FEATURES, VERSION, 8, 0,
	  { .number = 1ULL << 63 } },
	{ "protocol features not offered", VHOST_USER_SET_PROTOCOL_FEATURES, VERSION, 8, 0,
	  { .number = 1ULL << 5 } },
	{ "ring of none", VHOST_USER_SET_VRING_NUM, VERSION, 8, 0, { .state = { 0, 0 } } },
	{ "ring too large", VHOST_USER_SET_VRING_NUM, VERSION, 8, 0,
	  { .state = { 0, 32769 } } },
	{ "vring num beyond", VHOST_USER_SET_VRING_NUM, VERSION, 8, 0,
	  { .state = { FAKE_VRINGS, 64 } } },
	{ "vring base beyond", VHOST_USER_SET_VRING_BASE, VERSION, 8, 0,
	  { .state = { UINT32_MAX, 0 } } },
	{ "vring get base beyond", VHOST_USER_GET_VRING_BASE, VERSION, 8, 0,
	  { .state = { FAKE_VRINGS, 0 } } },
	{ "vring enable beyond", VHOST_USER_SET_VRING_ENABLE, VERSION, 8, 0,
	  { .state = { FAKE_VRINGS, 1 } } },
	{ "vring neither", VHOST_USER_SET_VRING_ENABLE, VERSION, 8, 0, { .state = { 0, 2 } } },
	{ "vring kick beyond", VHOST_USER_SET_VRING_KICK, VERSION, 8, 1,
	  { .number = FAKE_VRINGS } },
	{ "vring kick none", VHOST_USER_SET_VRING_KICK, VERSION, 8, 0,
	  { .number = VHOST_USER_VRING_NO_FD } },
	{ "vring kick missing", VHOST_USER_SET_VRING_KICK, VERSION, 8, 0, { .number = 0 } },
	{ "vring kick no eventfd", VHOST_USER_SET_VRING_KICK, VERSION, 8, 1, { .number = 0 } },
	{ "vring call no eventfd", VHOST_USER_SET_VRING_CALL, VERSION, 8, 1, { .number = 0 } },
	{ "vring call both", VHOST_USER_SET_VRING_CALL, VERSION, 8, 1,
	  { .number = VHOST_USER_VRING_NO_FD } },
	{ "vring address beyond", VHOST_USER_SET_VRING_ADDR, VERSION, 40, 0,
	  { .address.index = FAKE_VRINGS } },
	{ "vring address flags", VHOST_USER_SET_VRING_ADDR, VERSION, 40, 0,
	  { .address.flags = 2 } },
	{ "table without files", VHOST_USER_SET_MEM_TABLE, VERSION, 40, 0,
	  { .table = { .count = 1, .regions[0] = { 0, 4096, 0, 0 } } } },
	{ "table of too many", VHOST_USER_SET_MEM_TABLE, VERSION, 264, 8,
	  { .table = { .count = UINT32_MAX } } },
	{ "table shorter", VHOST_USER_SET_MEM_TABLE, VERSION, 40, 2,
	  { .table = { .count = 2 } } },
	{ "table overlapping", VHOST_USER_SET_MEM_TABLE, VERSION, 72, 2,
	  { .table = { .count = 2, .regions = {
		{ 0, 8192, USER_ADDRESS, 0 }, { 4096, 4096, 4096, 0 } } } } },
	{ "region empty", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, 0, 0, 0 } } },
	{ "region behind its file", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, GUEST_SIZE + 1, USER_ADDRESS, 0 } } },
	{ "region begins behind its file", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, 4096, USER_ADDRESS, GUEST_SIZE } } },
	{ "region wraps in guest", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { UINT64_MAX - 4095, 8192, USER_ADDRESS, 0 } } },
	{ "region wraps in user", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, 8192, UINT64_MAX - 4095, 0 } } },
	{ "region wraps in file", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, 4096, USER_ADDRESS, UINT64_MAX - 1 } } },
	{ "region huge", VHOST_USER_ADD_MEM_REG, VERSION, 40, 1,
	  { .one.region = { 0, INT64_MAX, 0, 0 } } },
	{ "log without file", VHOST_USER_SET_LOG_BASE, VERSION, 16, 0, { .log = { 4096, 0 } } },
	{ "log empty", VHOST_USER_SET_LOG_BASE, VERSION, 16, 1 },
	{ "log behind its file", VHOST_USER_SET_LOG_BASE, VERSION, 16, 1,
	  { .log = { GUEST_SIZE, 1 } } },
	{ "log event missing", VHOST_USER_SET_LOG_FD, VERSION, 0, 0 },
	{ "inflight of no queue", VHOST_USER_GET_INFLIGHT_FD, VERSION, 24, 0,
	  { .inflight = { 0, 0, 0, 64 } } },
	{ "inflight of too many", VHOST_USER_GET_INFLIGHT_FD, VERSION, 24, 0,
	  { .inflight = { 0, 0, FAKE_VRINGS + 1, 64 } } },
	{ "inflight of no size", VHOST_USER_GET_INFLIGHT_FD, VERSION, 24, 0,
	  { .inflight = { 0, 0, 1, 0 } } },
	{ "inflight too small", VHOST_USER_SET_INFLIGHT_FD, VERSION, 24, 1,
	  { .inflight = { 32, 0, 1, 64 } } },
	{ "inflight behind its file", VHOST_USER_SET_INFLIGHT_FD, VERSION, 24, 1,
	  { .inflight = { 1 << 20, GUEST_SIZE, 1, 64 } } },
	{ "inflight far behind", VHOST_USER_SET_INFLIGHT_FD, VERSION, 24, 1,
	  { .inflight = { 1 << 20, UINT64_MAX, 1, 64 } } },
};

static void send_bad(struct front_end *front, const struct bad *message)
{
	const struct vhost_user_header header = {
		message->request, message->flags, message->size
	};
	int fds[64];
	unsigned int i;

	for (i = 0; i < message->files; i++)
		fds[i] = front->memory;
	/* The header may promise more than there is. */
	if (message->size <= sizeof(message->payload))
		send_message(front, message->request, message->flags, &message->payload,
			     message->size, fds, message->files);
	else
		assert(send(front->socket, &header, sizeof(header), 0) == sizeof(header));
}

static bool is_refused(const struct bad *message, bool negotiated)
{
	struct front_end front;
	struct watch watch;
	bool refused;

	watch_begin(&watch);
	front_end_begin(&front);
	if (negotiated)
		negotiate(&front, VERSION_1);
	send_bad(&front, message);
	refused = front_end_was_refused(&front);
	front_end_end(&front);
	return watch_end(&watch, 1) && refused && !kernel.owned;
}

TEST(one_line_and_the_end_of_the_connection)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_TRUE(is_refused(&bad[i], false)) TH_LOG("%s, at once", bad[i].name);
		EXPECT_TRUE(is_refused(&bad[i], true)) TH_LOG("%s", bad[i].name);
	}
}

FIXTURE(rings)
{
	struct front_end front;
};

FIXTURE_SETUP(rings)
{
	front_end_begin(&self->front);
	negotiate(&self->front, VERSION_1);
	give_memory(&self->front);
	set_up_vring(&self->front, 0);
}

FIXTURE_TEARDOWN(rings)
{
	front_end_end(&self->front);
	EXPECT_FALSE(kernel.running[0]);
}

static void set_address(struct front_end *front, uint64_t descriptors, uint64_t avail,
			uint64_t used)
{
	struct vhost_vring_addr address = {
		.desc_user_addr = descriptors, .avail_user_addr = avail, .used_user_addr = used,
	};

	send_message(front, VHOST_USER_SET_VRING_ADDR, VHOST_USER_VERSION, &address,
		     sizeof(address), NULL, 0);
}

/*
 * The last byte of each area of a ring has to lie in guest memory: behind it is what
 * the bridge itself keeps.
 */
TEST_F(rings, areas_that_stick_out)
{
	/* With what alignment adds. */
	static const uint64_t sizes[] = { RING_SIZE * 16, 6 + 2 * RING_SIZE, 8 + 8 * RING_SIZE };
	const uint64_t end = USER_ADDRESS + GUEST_SIZE;
	struct front_end other;
	unsigned int area, beyond;

	for (area = 0; area < 3; area++) {
		for (beyond = 0; beyond < 2; beyond++) {
			uint64_t at[3] = { USER_ADDRESS, USER_ADDRESS, USER_ADDRESS };

			at[area] = end - sizes[area] + 4 * beyond;
			front_end_begin(&other);
			negotiate(&other, VERSION_1);
			give_memory(&other);
			set_up_vring(&other, 0);
			set_address(&other, at[0], at[1], at[2]);
			start_vring(&other, 0);
			if (!beyond) {
				synchronise(&other);
				EXPECT_TRUE(kernel.running[0]) TH_LOG("area %u", area);
			} else {
				EXPECT_TRUE(front_end_was_refused(&other));
				EXPECT_EQ(-1, fake_find(FAKE_START, 0));
			}
			front_end_end(&other);
		}
	}
}

TEST_F(rings, areas_that_are_not_aligned)
{
	set_address(&self->front, USER_ADDRESS, USER_ADDRESS + AVAIL, USER_ADDRESS + USED + 2);
	start_vring(&self->front, 0);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_F(rings, addresses_that_are_none)
{
	set_address(&self->front, 0, 0, 0);
	start_vring(&self->front, 0);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_F(rings, a_file_that_has_shrunk_is_no_signal)
{
	synchronise(&self->front);
	ASSERT_EQ(0, ftruncate(self->front.memory, 0));
	start_vring(&self->front, 0);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_F(rings, changes_while_it_runs)
{
	struct vhost_vring_state state = { 0, 128 };

	start_vring(&self->front, 0);
	send_message(&self->front, VHOST_USER_SET_VRING_NUM, VHOST_USER_VERSION, &state,
		     sizeof(state), NULL, 0);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

TEST_F(rings, memory_that_cannot_be_written)
{
	union vhost_user_payload payload = { .one.region = { 0, 4096, 0, 0 } };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	send_message(&self->front, VHOST_USER_ADD_MEM_REG, VHOST_USER_VERSION, &payload,
		     sizeof(payload.one), &fd, 1);
	close(fd);
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

/* A message that arrives byte by byte is one; one that ends in the middle is none. */
TEST_F(rings, messages_in_pieces)
{
	const struct vhost_user_header header = { VHOST_USER_SET_VRING_NUM, VHOST_USER_VERSION, 8 };
	const struct vhost_vring_state state = { 0, 32 };
	char bytes[sizeof(header) + sizeof(state)];
	struct front_end other;
	size_t i, cut;

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &state, sizeof(state));
	for (i = 0; i < sizeof(bytes); i++) {
		ASSERT_EQ(1, send(self->front.socket, &bytes[i], 1, 0));
		usleep(1000);
	}
	start_vring(&self->front, 0);
	synchronise(&self->front);
	EXPECT_EQ(32, kernel.size[0]);

	for (cut = 0; cut < sizeof(bytes); cut++) {
		front_end_begin(&other);
		ASSERT_EQ(cut, send(other.socket, bytes, cut, 0));
		shutdown(other.socket, SHUT_WR);
		EXPECT_TRUE(front_end_was_refused(&other));
		front_end_end(&other);
	}
	memset(kernel.running, 0, sizeof(kernel.running));
}

/* One that never reads its replies is given up, not waited for. */
TEST_F(rings, replies_that_nobody_reads)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };

	while (send(self->front.socket, &header, sizeof(header), MSG_NOSIGNAL) > 0)
		;
	EXPECT_TRUE(front_end_was_refused(&self->front));
}

/* The bridge goes on whatever is said, in whatever order. */
static void send_random(struct front_end *front)
{
	union vhost_user_payload payload;
	unsigned int files = random() % 4 ? random() % 2 : random() % 10;
	uint32_t size = random() % 2 ? 8 : random() % (sizeof(payload) + 4);
	int fds[10], event = eventfd(0, EFD_CLOEXEC);
	unsigned int i;

	for (i = 0; i < sizeof(payload) / 4; i++) {
		static const uint32_t likely[] = { 0, 1, 2, 64, 4096, 0x8000, UINT32_MAX };

		((uint32_t *)&payload)[i] = random() % 4 ?
			likely[random() % (sizeof(likely) / 4)] : (uint32_t)random();
	}
	for (i = 0; i < files; i++)
		fds[i] = random() % 2 ? front->memory : event;
	send_message(front, random() % 42, VHOST_USER_VERSION | (random() % 2 ? 0 : 8), &payload,
		     size <= sizeof(payload) ? size : 0, fds, files);
	close(event);
}

TEST(messages_at_random)
{
	const char *seed = getenv("BRIDGE_SEED");
	unsigned int number = seed ? (unsigned int)strtoul(seed, NULL, 0) : (unsigned int)getpid();
	int standard_error = dup(STDERR_FILENO);
	struct front_end front;
	unsigned int i, n;

	TH_LOG("BRIDGE_SEED=%u", number);
	srandom(number);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	for (i = 0; i < ROUNDS; i++) {
		front_end_begin(&front);
		negotiate(&front, VERSION_1);
		if (random() % 2)
			give_memory(&front);
		set_up_vring(&front, 0);
		if (random() % 2)
			start_vring(&front, 0);
		for (n = 0; n < 4; n++)
			send_random(&front);
		shutdown(front.socket, SHUT_WR);
		ASSERT_TRUE(front_end_was_refused(&front));
		front_end_end(&front);
		ASSERT_FALSE(kernel.owned);
		ASSERT_FALSE(kernel.running[0]);
	}
	dup2(standard_error, STDERR_FILENO);
}

TEST_HARNESS_MAIN
