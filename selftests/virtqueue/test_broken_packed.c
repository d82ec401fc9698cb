// SPDX-License-Identifier: GPL-2.0
/*
 * What the driver of a packed ring can do wrong: each kind breaks the ring with
 * its own cause, and the ring stays broken until it is set up again.
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 8
#define TABLE (PAIR_MEMORY + 0x1000)

/* An id that no good chain has. */
#define ID 7

FIXTURE(broken_packed) {
	struct ring_pair pair;
	struct vring_packed_desc table[2 * SIZE];
};

FIXTURE_VARIANT(broken_packed) {
	u16 base;
	bool event_index;
};

FIXTURE_VARIANT_ADD(broken_packed, flags) {
	.base = VIRTQUEUE_POSITION_WRAP,
	.event_index = false,
};

/* The bad descriptor is the ring's last one. */
FIXTURE_VARIANT_ADD(broken_packed, event_index_end) {
	.base = 4,
	.event_index = true,
};

/* It is the first one of the next round. */
FIXTURE_VARIANT_ADD(broken_packed, event_index_wrap) {
	.base = VIRTQUEUE_POSITION_WRAP | 5,
	.event_index = true,
};

/* Every test begins with three good chains; one is used, the others staged. */
FIXTURE_SETUP(broken_packed)
{
	struct ring_pair *pair = &self->pair;
	struct virtqueue_chain chain;
	int i;

	ASSERT_EQ(0, ring_pair_init(pair, true, SIZE, variant->base, variant->event_index));
	ASSERT_LE(0, pair_add_exposed(pair, 3));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, virtqueue_next(&pair->device, &chain));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 0, 1));
	ASSERT_LE(0, virtqueue_publish(&pair->device));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 1, 1));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 2, 1));
}

FIXTURE_TEARDOWN(broken_packed)
{
	ring_pair_destroy(&self->pair);
}

static void add(struct ring_pair *pair, u64 address, u32 length, u16 flags)
{
	driver_ring_add_packed(&pair->driver, address, length, ID, flags);
}

/* One descriptor, which is not a good one. */
static void offer(struct ring_pair *pair, u64 address, u32 length, u16 flags)
{
	add(pair, address, length, flags);
	driver_ring_expose(&pair->driver);
}

static void fill(struct vring_packed_desc *to, u64 address, u32 length, u16 flags)
{
	/* Of the same layout but for the last two fields. */
	driver_descriptor_write((struct vring_desc *)to, address, length, 0, flags);
}

static void offer_table(struct ring_pair *pair, const struct vring_packed_desc *table, u32 bytes)
{
	guest_memory_write(&pair->memory, TABLE, table, bytes);
	offer(pair, TABLE, bytes, VRING_DESC_F_INDIRECT);
}

/*
 * The next chain breaks the ring for that cause and no other, nothing is taken
 * or published any more, nothing written, and a new set-up works.
 */
static const char *breaks(struct ring_pair *pair, enum virtqueue_error error)
{
	struct device_virtqueue *device = &pair->device;
	struct vring_packed_desc before[SIZE];
	struct virtqueue_chain chain;
	u32 base = virtqueue_base(device);
	int i;

	memcpy(before, pair->driver.packed, sizeof(before));
	if (virtqueue_next(device, &chain) != -EIO)
		return "the chain is accepted";
	if (device->error != error)
		return virtqueue_error_name(device->error);
	if (virtqueue_base(device) != base)
		return "the chain counts as taken";
	for (i = 0; i < 2; i++) {
		if (virtqueue_next(device, &chain) != -EIO)
			return "something is taken";
		if (virtqueue_push(device, 2, 0) != -EIO)
			return "something is staged";
		if (virtqueue_publish(device) != -EIO)
			return "something is published";
		if (virtqueue_pending(device) != -EIO)
			return "something is pending";
		if (virtqueue_disable_kicks(device) != -EIO ||
		    virtqueue_enable_kicks(device) != -EIO)
			return "kicks are switched";
	}
	if (memcmp(before, pair->driver.packed, sizeof(before)))
		return "the ring was written";

	virtqueue_destroy(device);
	driver_ring_destroy(&pair->driver);
	if (driver_ring_init_packed(&pair->driver, SIZE, 3, pair->config.event_index))
		return "no memory";
	pair->config.base = pair->driver.base;
	pair->config.descriptors = pair->driver.packed;
	pair->config.driver_area = pair->driver.driver_event;
	pair->config.device_area = pair->driver.device_event;
	if (virtqueue_init(device, &pair->config) || device->error)
		return "it stays broken after set-up";
	if (pair_add_exposed(pair, 1) < 0 || virtqueue_next(device, &chain) != 1)
		return "it does not work after set-up";
	return NULL;
}

#define EXPECT_BREAKS(error) do { \
	const char *wrong = breaks(&self->pair, error); \
	EXPECT_EQ(NULL, wrong) \
		TH_LOG("%s", wrong); \
} while (0)

TEST_F(broken_packed, id_just_out_of_range)
{
	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, SIZE, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_HEAD_RANGE);
}

TEST_F(broken_packed, id_far_out_of_range)
{
	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, 0xffff, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_HEAD_RANGE);
}

/* Only the last descriptor of a chain has an id. */
TEST_F(broken_packed, id_of_the_last_descriptor)
{
	struct virtqueue_chain chain;

	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, 0xffff, VRING_DESC_F_NEXT);
	add(&self->pair, PAIR_MEMORY, 1, 0);
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	EXPECT_EQ(ID, chain.id);
}

/* 1 is staged, but the driver has not got it back. */
TEST_F(broken_packed, id_in_use)
{
	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, 1, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_ID_IN_USE);
}

/* What was given back, or put back, is not in use. */
TEST_F(broken_packed, id_in_use_no_longer)
{
	struct virtqueue_chain chain;

	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, 0, 0);
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	virtqueue_put_back(&self->pair.device, 1);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	EXPECT_EQ(0, chain.id);
}

/* Two chains of one id, one after the other: the first is good. */
TEST_F(broken_packed, id_twice)
{
	struct virtqueue_chain chain;

	add(&self->pair, PAIR_MEMORY, 1, 0);
	add(&self->pair, PAIR_MEMORY, 1, 0);
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	EXPECT_BREAKS(VIRTQUEUE_ID_IN_USE);
}

TEST_F(broken_packed, next_is_not_available)
{
	offer(&self->pair, PAIR_MEMORY, 1, VRING_DESC_F_NEXT);
	EXPECT_BREAKS(VIRTQUEUE_NEXT_RANGE);
}

/* Longer than is read at once, and the rest is missing. */
TEST_F(broken_packed, next_is_not_available_after_many)
{
	struct ring_pair large;
	unsigned int i;

	ASSERT_EQ(0, ring_pair_init(&large, true, 100, variant->base, variant->event_index));
	for (i = 0; i < 2 * VIRTQUEUE_PACKED_BATCH; i++)
		add(&large, PAIR_MEMORY, 1, VRING_DESC_F_NEXT);
	driver_ring_expose(&large.driver);
	EXPECT_EQ(-EIO, virtqueue_next(&large.device, &(struct virtqueue_chain) {}));
	EXPECT_EQ(VIRTQUEUE_NEXT_RANGE, large.device.error);
	ring_pair_destroy(&large);
}

/* More than the ring has, two of which are under way: a round of them and one more. */
TEST_F(broken_packed, more_than_the_ring_has)
{
	unsigned int i;

	for (i = 0; i < SIZE - 2; i++) {
		driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, i ? 2 + i : 0, 0);
		driver_ring_expose(&self->pair.driver);
		ASSERT_EQ(1, virtqueue_next(&self->pair.device, &(struct virtqueue_chain) {}));
	}
	ASSERT_EQ(0, virtqueue_next(&self->pair.device, &(struct virtqueue_chain) {}));
	driver_ring_add_packed(&self->pair.driver, PAIR_MEMORY, 1, 0, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_AVAIL_JUMP);
}

/* A chain that runs into descriptors that are under way. */
TEST_F(broken_packed, chain_around_the_ring)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		add(&self->pair, PAIR_MEMORY, 1, VRING_DESC_F_NEXT);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_AVAIL_JUMP);
}

/* What another device has taken, and never gives back, is under way as well. */
TEST_F(broken_packed, more_than_another_device_left)
{
	struct ring_pair *pair = &self->pair;
	struct virtqueue_chain chain;
	unsigned int i;

	/* Two of the three were staged, and are lost. */
	ASSERT_EQ(0, ring_pair_restart(pair));
	for (i = 0; i < SIZE - 2; i++)
		driver_ring_add_packed(&pair->driver, PAIR_MEMORY, 1, i ? 2 + i : 0, 0);
	driver_ring_expose(&pair->driver);
	for (i = 0; i < SIZE - 2; i++)
		ASSERT_EQ(1, virtqueue_next(&pair->device, &chain));
	ASSERT_EQ(0, virtqueue_next(&pair->device, &chain));
	driver_ring_add_packed(&pair->driver, PAIR_MEMORY, 1, 1, 0);
	driver_ring_expose(&pair->driver);
	EXPECT_BREAKS(VIRTQUEUE_AVAIL_JUMP);
}

TEST_F(broken_packed, table_longer_than_queue)
{
	struct driver_buffer buffers[SIZE + 1];
	struct virtqueue_chain chain;
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		buffers[i] = (struct driver_buffer) { PAIR_MEMORY, 1 };
	driver_ring_fill_table(&self->pair.driver, self->table, buffers, 1, SIZE - 1, NULL);
	guest_memory_write(&self->pair.memory, TABLE, self->table, SIZE * sizeof(self->table[0]));
	driver_ring_add_packed(&self->pair.driver, TABLE, SIZE * sizeof(self->table[0]), 3,
			       VRING_DESC_F_INDIRECT);
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	EXPECT_EQ(SIZE - 1, chain.writable);

	driver_ring_fill_table(&self->pair.driver, self->table, buffers, 1, SIZE, NULL);
	offer_table(&self->pair, self->table, (SIZE + 1) * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_CHAIN_LENGTH);
}

TEST_F(broken_packed, zero_length)
{
	offer(&self->pair, PAIR_MEMORY, 0, 0);
	EXPECT_BREAKS(VIRTQUEUE_ZERO_LENGTH);
}

TEST_F(broken_packed, zero_length_in_table)
{
	fill(&self->table[0], PAIR_MEMORY, 1, 0);
	fill(&self->table[1], PAIR_MEMORY, 0, VRING_DESC_F_WRITE);
	offer_table(&self->pair, self->table, 2 * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_ZERO_LENGTH);
}

TEST_F(broken_packed, address_wraps)
{
	offer(&self->pair, ~0ULL - 9, 11, 0);
	EXPECT_BREAKS(VIRTQUEUE_ADDRESS_WRAP);
}

TEST_F(broken_packed, table_address_wraps)
{
	offer(&self->pair, ~0ULL - 15, 32, VRING_DESC_F_INDIRECT);
	EXPECT_BREAKS(VIRTQUEUE_ADDRESS_WRAP);
}

TEST_F(broken_packed, readable_after_writable)
{
	add(&self->pair, PAIR_MEMORY, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	add(&self->pair, PAIR_MEMORY, 1, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_DIRECTION);
}

TEST_F(broken_packed, readable_after_writable_in_table)
{
	fill(&self->table[0], PAIR_MEMORY, 1, VRING_DESC_F_WRITE);
	fill(&self->table[1], PAIR_MEMORY, 1, 0);
	offer_table(&self->pair, self->table, 2 * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_DIRECTION);
}

TEST_F(broken_packed, indirect_not_negotiated)
{
	self->pair.device.indirect = false;
	fill(&self->table[0], PAIR_MEMORY, 1, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_OFF);
}

TEST_F(broken_packed, table_in_table)
{
	fill(&self->table[0], TABLE, sizeof(self->table[0]), VRING_DESC_F_INDIRECT);
	offer_table(&self->pair, self->table, sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_NESTED);
}

TEST_F(broken_packed, table_with_next)
{
	fill(&self->table[0], PAIR_MEMORY, 1, 0);
	guest_memory_write(&self->pair.memory, TABLE, self->table, sizeof(self->table[0]));
	add(&self->pair, TABLE, sizeof(self->table[0]), VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT);
	add(&self->pair, PAIR_MEMORY, 1, 0);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_NEXT);
}

TEST_F(broken_packed, table_of_nothing)
{
	offer_table(&self->pair, self->table, 0);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_SIZE);
}

TEST_F(broken_packed, table_of_one_and_a_half_descriptors)
{
	fill(&self->table[0], PAIR_MEMORY, 1, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]) * 3 / 2);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_SIZE);
}

TEST_F(broken_packed, table_outside_memory)
{
	offer(&self->pair, PAIR_END, 16, VRING_DESC_F_INDIRECT);
	EXPECT_BREAKS(VIRTQUEUE_MEMORY);
}

/* The descriptor is there, its round is not. */
TEST_F(broken_packed, flags_of_the_wrong_round)
{
	struct driver_position at = self->pair.driver.available_at;
	uint16_t flags;

	offer(&self->pair, PAIR_MEMORY, 1, 0);
	flags = driver_ring_packed_flags(&self->pair.driver, at.index);
	flags ^= 1U << VRING_PACKED_DESC_F_AVAIL | 1U << VRING_PACKED_DESC_F_USED;
	driver_ring_set_packed_flags(&self->pair.driver, at.index, flags);
	EXPECT_EQ(0, virtqueue_pending(&self->pair.device));
	EXPECT_EQ(0, virtqueue_next(&self->pair.device, &(struct virtqueue_chain) {}));
}

TEST_HARNESS_MAIN
