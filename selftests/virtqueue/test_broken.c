// SPDX-License-Identifier: GPL-2.0
/*
 * What a driver can do wrong: each kind breaks the ring with its own cause, and
 * the ring stays broken until it is set up again.
 *
 * VIRTQUEUE_RING_FAULT cannot happen to a ring in our own address space: it is
 * tested in the kernel, see ../kmod.
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 8
#define TABLE (PAIR_MEMORY + 0x1000)

FIXTURE(broken) {
	struct ring_pair pair;
	struct vring_desc *descriptors;
	struct vring_desc table[2 * SIZE];
};

FIXTURE_VARIANT(broken) {
	u16 base;
	bool event_index;
};

FIXTURE_VARIANT_ADD(broken, flags) {
	.base = 0,
	.event_index = false,
};

FIXTURE_VARIANT_ADD(broken, event_index_wrap) {
	.base = 65534,
	.event_index = true,
};

/* Every test begins with three good chains, two of them staged. */
FIXTURE_SETUP(broken)
{
	struct ring_pair *pair = &self->pair;
	struct virtqueue_chain chain;
	int i;

	ASSERT_EQ(0, ring_pair_init(pair, false, SIZE, variant->base, variant->event_index));
	self->descriptors = pair->driver.descriptors;
	ASSERT_LE(0, pair_add_exposed(pair, 3));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, virtqueue_next(&pair->device, &chain));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 0, 1));
	ASSERT_LE(0, virtqueue_publish(&pair->device));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 1, 1));
	ASSERT_EQ(0, virtqueue_push(&pair->device, 2, 1));
}

FIXTURE_TEARDOWN(broken)
{
	ring_pair_destroy(&self->pair);
}

/* Offer descriptor 7, whatever it is; descriptors 0 to 2 are good chains. */
static void offer(struct ring_pair *pair)
{
	driver_ring_add_head(&pair->driver, 7);
	driver_ring_expose(&pair->driver);
}

static void offer_table(struct ring_pair *pair, const struct vring_desc *table, u32 bytes)
{
	guest_memory_write(&pair->memory, TABLE, table, bytes);
	driver_descriptor_write(&pair->driver.descriptors[7], TABLE, bytes,
				VRING_DESC_F_INDIRECT, 0);
	offer(pair);
}

/*
 * The next chain breaks the ring for that cause and no other, nothing is taken
 * or published any more, nothing written, and a new set-up works.
 */
static const char *breaks(struct ring_pair *pair, enum virtqueue_error error)
{
	size_t used_size = sizeof(struct vring_used) + SIZE * sizeof(struct vring_used_elem);
	struct device_virtqueue *device = &pair->device;
	u8 before[256];
	struct virtqueue_chain chain;
	u16 base = device->next_available;
	int i;

	memcpy(before, pair->driver.used, used_size);
	if (virtqueue_next(device, &chain) != -EIO)
		return "the chain is accepted";
	if (device->error != error)
		return virtqueue_error_name(device->error);
	if (device->next_available != base)
		return "the chain counts as taken";
	virtqueue_break(device, VIRTQUEUE_REQUEST);
	if (device->error != error)
		return "the first cause is not kept";
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
	if (memcmp(before, pair->driver.used, used_size))
		return "the used ring was written";

	virtqueue_destroy(device);
	pair->config.base = pair->driver.next_available;
	driver_ring_set_available_index(&pair->driver, pair->config.base);
	if (virtqueue_init(device, &pair->config) || device->error)
		return "it stays broken after set-up";
	driver_ring_add_head(&pair->driver, 2);
	driver_ring_expose(&pair->driver);
	if (virtqueue_next(device, &chain) != 1 || chain.id != 2)
		return "it does not work after set-up";
	return NULL;
}

#define EXPECT_BREAKS(error) do { \
	const char *wrong = breaks(&self->pair, error); \
	EXPECT_EQ(NULL, wrong) \
		TH_LOG("%s", wrong); \
} while (0)

TEST_F(broken, available_index_too_far)
{
	driver_ring_set_available_index(&self->pair.driver, variant->base + 3 + SIZE + 1);
	EXPECT_BREAKS(VIRTQUEUE_AVAIL_JUMP);
}

TEST_F(broken, available_index_backwards)
{
	driver_ring_set_available_index(&self->pair.driver, variant->base + 2);
	EXPECT_BREAKS(VIRTQUEUE_AVAIL_JUMP);
}

/* A full queue beyond what was taken is the farthest that is allowed. */
TEST_F(broken, available_index_just_far_enough)
{
	driver_ring_set_available_index(&self->pair.driver, variant->base + 3 + SIZE);
	EXPECT_EQ(1, virtqueue_pending(&self->pair.device));
}

TEST_F(broken, available_index_noticed_by_polling)
{
	struct device_virtqueue *device = &self->pair.device;

	driver_ring_set_available_index(&self->pair.driver, variant->base + 3 + SIZE + 1);
	EXPECT_EQ(-EIO, virtqueue_pending(device));
	EXPECT_EQ(VIRTQUEUE_AVAIL_JUMP, device->error);
	EXPECT_EQ(-EIO, virtqueue_publish(device));
}

TEST_F(broken, available_index_noticed_by_enabling_kicks)
{
	driver_ring_set_available_index(&self->pair.driver, variant->base + 3 + SIZE + 1);
	EXPECT_EQ(-EIO, virtqueue_enable_kicks(&self->pair.device));
	EXPECT_EQ(VIRTQUEUE_AVAIL_JUMP, self->pair.device.error);
}

TEST_F(broken, head_just_out_of_range)
{
	driver_ring_add_head(&self->pair.driver, SIZE);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_HEAD_RANGE);
}

TEST_F(broken, head_far_out_of_range)
{
	driver_ring_add_head(&self->pair.driver, 0xffff);
	driver_ring_expose(&self->pair.driver);
	EXPECT_BREAKS(VIRTQUEUE_HEAD_RANGE);
}

/* A bad chain does not spoil the good one before it. */
TEST_F(broken, second_of_a_batch)
{
	struct virtqueue_chain chain;

	driver_ring_add_head(&self->pair.driver, 2);
	driver_ring_add_head(&self->pair.driver, SIZE);
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));
	EXPECT_EQ(2, chain.id);
	EXPECT_BREAKS(VIRTQUEUE_HEAD_RANGE);
}

TEST_F(broken, next_out_of_range)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, SIZE);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_NEXT_RANGE);
}

/* Without the flag, next means nothing. */
TEST_F(broken, next_out_of_range_unused)
{
	struct virtqueue_chain chain;

	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 1, 0, 0xffff);
	offer(&self->pair);
	EXPECT_EQ(1, virtqueue_next(&self->pair.device, &chain));
}

TEST_F(broken, next_out_of_table)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 2);
	driver_descriptor_write(&self->table[1], PAIR_MEMORY, 1, 0, 0);
	offer_table(&self->pair, self->table, 2 * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_NEXT_RANGE);
}

TEST_F(broken, loop_of_one)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 7);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_CHAIN_LENGTH);
}

TEST_F(broken, loop_of_two)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 6);
	driver_descriptor_write(&self->descriptors[6], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 7);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_CHAIN_LENGTH);
}

TEST_F(broken, loop_in_table)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_CHAIN_LENGTH);
}

/* A chain may be as long as the queue is, in a table too (section 2.7.5.3.1). */
TEST_F(broken, table_longer_than_queue)
{
	struct driver_buffer buffers[SIZE + 1];
	struct virtqueue_chain chain;
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		buffers[i] = (struct driver_buffer) { PAIR_MEMORY, 1 };
	driver_ring_fill_table(&self->pair.driver, self->table, buffers, 1, SIZE - 1, NULL);
	offer_table(&self->pair, self->table, SIZE * sizeof(self->table[0]));
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &chain));

	driver_ring_fill_table(&self->pair.driver, self->table, buffers, 1, SIZE, NULL);
	offer_table(&self->pair, self->table, (SIZE + 1) * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_CHAIN_LENGTH);
}

TEST_F(broken, zero_length)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 0, 0, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_ZERO_LENGTH);
}

TEST_F(broken, zero_length_in_table)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, VRING_DESC_F_NEXT, 1);
	driver_descriptor_write(&self->table[1], PAIR_MEMORY, 0, VRING_DESC_F_WRITE, 0);
	offer_table(&self->pair, self->table, 2 * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_ZERO_LENGTH);
}

TEST_F(broken, address_wraps)
{
	driver_descriptor_write(&self->descriptors[7], ~0ULL - 9, 11, 0, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_ADDRESS_WRAP);
}

/* Up to the last byte there is. */
TEST_F(broken, address_just_does_not_wrap)
{
	struct virtqueue_chain chain;

	driver_descriptor_write(&self->descriptors[7], ~0ULL - 9, 10, 0, 0);
	offer(&self->pair);
	EXPECT_EQ(1, virtqueue_next(&self->pair.device, &chain));
}

TEST_F(broken, table_address_wraps)
{
	driver_descriptor_write(&self->descriptors[7], ~0ULL - 15, 32, VRING_DESC_F_INDIRECT, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_ADDRESS_WRAP);
}

TEST_F(broken, readable_after_writable)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_MEMORY, 1,
				VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 6);
	driver_descriptor_write(&self->descriptors[6], PAIR_MEMORY, 1, 0, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_DIRECTION);
}

TEST_F(broken, readable_after_writable_in_table)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1,
				VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	driver_descriptor_write(&self->table[1], PAIR_MEMORY, 1, 0, 0);
	offer_table(&self->pair, self->table, 2 * sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_DIRECTION);
}

TEST_F(broken, indirect_not_negotiated)
{
	self->pair.device.indirect = false;
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, 0, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_OFF);
}

TEST_F(broken, table_in_table)
{
	driver_descriptor_write(&self->table[0], TABLE, sizeof(self->table[0]),
				VRING_DESC_F_INDIRECT, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]));
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_NESTED);
}

TEST_F(broken, table_with_next)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, 0, 0);
	guest_memory_write(&self->pair.memory, TABLE, self->table, sizeof(self->table[0]));
	driver_descriptor_write(&self->descriptors[7], TABLE, sizeof(self->table[0]),
				VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 6);
	driver_descriptor_write(&self->descriptors[6], PAIR_MEMORY, 1, 0, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_NEXT);
}

TEST_F(broken, table_of_nothing)
{
	offer_table(&self->pair, self->table, 0);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_SIZE);
}

TEST_F(broken, table_of_half_a_descriptor)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, 0, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]) / 2);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_SIZE);
}

TEST_F(broken, table_of_one_and_a_half_descriptors)
{
	driver_descriptor_write(&self->table[0], PAIR_MEMORY, 1, 0, 0);
	offer_table(&self->pair, self->table, sizeof(self->table[0]) * 3 / 2);
	EXPECT_BREAKS(VIRTQUEUE_INDIRECT_SIZE);
}

TEST_F(broken, table_outside_memory)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_END, 16, VRING_DESC_F_INDIRECT, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_MEMORY);
}

TEST_F(broken, table_half_outside_memory)
{
	driver_descriptor_write(&self->descriptors[7], PAIR_END - 8, 16, VRING_DESC_F_INDIRECT, 0);
	offer(&self->pair);
	EXPECT_BREAKS(VIRTQUEUE_MEMORY);
}

/* The device type can break a ring as well; what it had staged is lost. */
TEST_F(broken, by_the_device_type)
{
	struct device_virtqueue *device = &self->pair.device;

	EXPECT_EQ(-EIO, virtqueue_break(device, VIRTQUEUE_REQUEST));
	EXPECT_EQ(-EIO, virtqueue_publish(device));
	EXPECT_EQ(1, driver_ring_used(&self->pair.driver));
}

TEST(error_names)
{
	enum virtqueue_error error;

	for (error = VIRTQUEUE_OK; error <= VIRTQUEUE_LOG; error++) {
		ASSERT_NE(NULL, virtqueue_error_name(error));
		EXPECT_STRNE("unknown", virtqueue_error_name(error));
	}
	EXPECT_STREQ("unknown", virtqueue_error_name(VIRTQUEUE_LOG + 1));
	EXPECT_STREQ("unknown", virtqueue_error_name(-1));
}

TEST_HARNESS_MAIN
