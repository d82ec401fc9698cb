// SPDX-License-Identifier: GPL-2.0
/*
 * The command that steers packets, right and wrong: a wrong one changes nothing.
 */
#include <errno.h>
#include <string.h>

#include "backend/steering.h"
#include "virtio/net.h"

#include <kselftest_harness.h>

#define QUEUES 4
#define TABLE 8

/* What the command did: pairs in use, the rule, and in which order. */
static struct virtio_net net;
static struct steering_rule rule;
static char done[16];
static int failing;

static int step(char name)
{
	size_t length = strlen(done);

	if (length < sizeof(done) - 1)
		done[length] = name;
	return failing == name ? -EIO : 0;
}

int virtio_net_set_pairs(struct virtio_net *interface, unsigned int pairs)
{
	interface->pairs = pairs;
	return step('p');
}

int steering_set(struct steering_bpf *steering, const struct steering_rule *wanted)
{
	(void)steering;
	rule = *wanted;
	return step('r');
}

int steering_fd(const struct steering_bpf *steering)
{
	(void)steering;
	return 7;
}

int tap_set_steering(const struct tap *tap, int program)
{
	(void)tap;
	return step(program == 7 ? 't' : '?');
}

/* The parts of a command, before they are put into one. */
struct wanted {
	uint32_t hash_types;
	uint16_t mask;
	uint16_t unclassified;
	uint16_t table[2 * STEERING_TABLE_MAX];
	uint16_t transmit;
	uint8_t key_length;
};

FIXTURE(command) {
	struct wanted wanted;
};

FIXTURE_SETUP(command)
{
	unsigned int i;

	net = (struct virtio_net) { .pairs = 2, .tap.queues = QUEUES };
	net.device.features = 1ULL << VIRTIO_NET_F_RSS;
	memset(&rule, 0xff, sizeof(rule));
	memset(done, 0, sizeof(done));
	failing = 0;
	self->wanted = (struct wanted) {
		.hash_types = STEERING_HASH_TYPES, .mask = TABLE - 1, .unclassified = 1,
		.transmit = 3, .key_length = STEERING_KEY_MAX,
	};
	for (i = 0; i < TABLE; i++)
		self->wanted.table[i] = i % 3;
}

FIXTURE_TEARDOWN(command)
{
}

static void put(struct net_command *command, uint64_t number, size_t length)
{
	for (; length--; number >>= 8)
		command->bytes[command->length++] = number;
}

static void fill(struct net_command *command, const struct wanted *wanted)
{
	unsigned int i;

	memset(command, 0, sizeof(*command));
	put(command, wanted->hash_types, 4);
	put(command, wanted->mask, 2);
	put(command, wanted->unclassified, 2);
	for (i = 0; i <= wanted->mask && i < ARRAY_SIZE(wanted->table); i++)
		put(command, wanted->table[i], 2);
	put(command, wanted->transmit, 2);
	put(command, wanted->key_length, 1);
	for (i = 0; i < wanted->key_length; i++)
		put(command, i + 1, 1);
}

/* Execute the command, cut behind so many bytes. */
static int execute_cut(const struct wanted *wanted, size_t length)
{
	struct net_command command;

	fill(&command, wanted);
	if (length < command.length)
		command.length = length;
	return virtio_net_set_rss(&net, &command);
}

static int execute(const struct wanted *wanted)
{
	return execute_cut(wanted, NET_COMMAND_MAX);
}

#define EXPECT_REFUSED(result) do {		\
	EXPECT_EQ(-EINVAL, result);		\
	EXPECT_STREQ("", done);			\
	EXPECT_EQ(2, net.pairs);		\
} while (0)

TEST_F(command, is_understood)
{
	unsigned int i;

	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(STEERING_HASH_TYPES, rule.hash_types);
	EXPECT_EQ(TABLE, rule.length);
	EXPECT_EQ(1, rule.unclassified);
	for (i = 0; i < TABLE; i++)
		EXPECT_EQ(i % 3, rule.table[i]);
	for (i = 0; i < STEERING_KEY_MAX; i++)
		EXPECT_EQ(i + 1, rule.key[i]);
}

TEST_F(command, more_queues_come_before_the_rule)
{
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(3, net.pairs);
	EXPECT_STREQ("prtp", done);
}

TEST_F(command, fewer_queues_go_after_the_rule)
{
	net.pairs = QUEUES;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(3, net.pairs);
	EXPECT_STREQ("rtp", done);
}

TEST_F(command, pairs_are_as_many_as_any_part_needs)
{
	self->wanted.transmit = 1;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(3, net.pairs);
	self->wanted.table[TABLE - 1] = 3;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(4, net.pairs);
	memset(self->wanted.table, 0, sizeof(self->wanted.table));
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(2, net.pairs);
	self->wanted.unclassified = 3;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(4, net.pairs);
	self->wanted.unclassified = 0;
	self->wanted.transmit = 2;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(2, net.pairs);
}

TEST_F(command, a_short_key_ends_in_zeroes)
{
	unsigned int i;

	self->wanted.key_length = 5;
	ASSERT_EQ(0, execute(&self->wanted));
	for (i = 0; i < STEERING_KEY_MAX; i++)
		EXPECT_EQ(i < 5 ? i + 1 : 0, rule.key[i]);
}

TEST_F(command, without_hash_there_need_be_no_key)
{
	self->wanted.key_length = 0;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.hash_types = 0;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(0, rule.hash_types);
}

TEST_F(command, the_longest_table)
{
	self->wanted.mask = STEERING_TABLE_MAX - 1;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(STEERING_TABLE_MAX, rule.length);
	self->wanted.mask = 0;
	ASSERT_EQ(0, execute(&self->wanted));
	EXPECT_EQ(1, rule.length);
}

TEST_F(command, is_cut)
{
	size_t length;

	for (length = 0; length < 11 + 2 * TABLE + STEERING_KEY_MAX; length++)
		EXPECT_REFUSED(execute_cut(&self->wanted, length));
	EXPECT_EQ(0, execute_cut(&self->wanted, length));
}

TEST_F(command, hash_types_that_were_not_offered)
{
	self->wanted.hash_types = VIRTIO_NET_RSS_HASH_TYPE_IP_EX;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.hash_types = 1U << 31;
	EXPECT_REFUSED(execute(&self->wanted));
}

TEST_F(command, masks_that_are_none)
{
	static const uint16_t masks[] = { 2, 4, 6, 0x7e, STEERING_TABLE_MAX,
					  2 * STEERING_TABLE_MAX - 1, 0x7fff, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		self->wanted.mask = masks[i];
		EXPECT_REFUSED(execute(&self->wanted));
	}
}

TEST_F(command, queues_that_do_not_exist)
{
	self->wanted.table[TABLE - 1] = QUEUES;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.table[TABLE - 1] = 0xffff;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.table[TABLE - 1] = 0;
	self->wanted.unclassified = QUEUES;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.unclassified = 0;
	self->wanted.transmit = 0;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.transmit = QUEUES + 1;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.transmit = QUEUES;
	EXPECT_EQ(0, execute(&self->wanted));
}

TEST_F(command, a_key_that_is_too_long)
{
	self->wanted.key_length = STEERING_KEY_MAX + 1;
	EXPECT_REFUSED(execute(&self->wanted));
	self->wanted.key_length = 255;
	EXPECT_REFUSED(execute(&self->wanted));
}

TEST_F(command, without_the_feature)
{
	net.device.features = 0;
	EXPECT_REFUSED(execute(&self->wanted));
}

TEST_F(command, the_kernel_refuses)
{
	static const char steps[] = "prt";
	unsigned int i;

	for (i = 0; i < strlen(steps); i++) {
		failing = steps[i];
		net.pairs = 1;
		EXPECT_EQ(-EIO, execute(&self->wanted));
	}
}

TEST_HARNESS_MAIN
