// SPDX-License-Identifier: GPL-2.0
/*
 * Chains in indirect tables (virtio 1.2, section 2.7.5.3): lengths around the
 * pieces in which a table is read, orders, places in guest memory.
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 256

enum order { FORWARD, BACKWARD, SCATTERED };

FIXTURE(indirect) {
	struct ring_pair pair;
};

FIXTURE_VARIANT(indirect) {
	bool packed;
	enum order order;
	u64 table;
};

FIXTURE_VARIANT_ADD(indirect, forward) {
	.order = FORWARD,
	.table = PAIR_MEMORY,
};

FIXTURE_VARIANT_ADD(indirect, backward) {
	.order = BACKWARD,
	.table = PAIR_MEMORY,
};

FIXTURE_VARIANT_ADD(indirect, scattered) {
	.order = SCATTERED,
	.table = PAIR_MEMORY,
};

FIXTURE_VARIANT_ADD(indirect, unaligned) {
	.order = SCATTERED,
	.table = PAIR_MEMORY + 3,
};

/* A descriptor of the table lies half in one region, half in another. */
FIXTURE_VARIANT_ADD(indirect, across_regions) {
	.order = FORWARD,
	.table = PAIR_BORDER - 8,
};

FIXTURE_VARIANT_ADD(indirect, across_regions_backward) {
	.order = BACKWARD,
	.table = PAIR_BORDER - 8,
};

FIXTURE_VARIANT_ADD(indirect, across_regions_at_a_batch) {
	.order = FORWARD,
	.table = PAIR_BORDER - 16 * 16,
};

/* A packed ring's tables have one order. */
FIXTURE_VARIANT_ADD(indirect, packed) {
	.packed = true,
	.order = FORWARD,
	.table = PAIR_MEMORY,
};

FIXTURE_VARIANT_ADD(indirect, packed_unaligned) {
	.packed = true,
	.order = FORWARD,
	.table = PAIR_MEMORY + 3,
};

FIXTURE_VARIANT_ADD(indirect, packed_across_regions) {
	.packed = true,
	.order = FORWARD,
	.table = PAIR_BORDER - 8,
};

FIXTURE_SETUP(indirect)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, variant->packed, SIZE, 0, false));
}

FIXTURE_TEARDOWN(indirect)
{
	ring_pair_destroy(&self->pair);
}

/* The head of a chain is always entry 0. */
static void set_order(uint16_t *order, unsigned int count, enum order how)
{
	unsigned int i;

	order[0] = 0;
	for (i = 1; i < count; i++) {
		if (how == FORWARD)
			order[i] = i;
		else if (how == BACKWARD)
			order[i] = count - i;
		/* Entries of both halves in turn. */
		else
			order[i] = i % 2 ? count - (i + 1) / 2 : i / 2;
	}
}

static bool expose_table(struct ring_pair *pair, u64 address, const struct driver_buffer *buffers,
			 unsigned int readable, unsigned int writable, const uint16_t *order)
{
	unsigned int entries = readable + writable;
	struct vring_desc table[SIZE];

	driver_ring_fill_table(&pair->driver, table, buffers, readable, writable, order);
	if (guest_memory_write(&pair->memory, address, table, entries * sizeof(table[0])))
		return false;
	if (driver_ring_add_table(&pair->driver, address, entries) < 0)
		return false;
	driver_ring_expose(&pair->driver);
	return true;
}

static bool arrives(struct ring_pair *pair, const struct driver_buffer *buffers,
		    unsigned int readable, unsigned int writable)
{
	struct virtqueue_chain chain;
	unsigned int i;

	if (virtqueue_next(&pair->device, &chain) != 1)
		return false;
	if (chain.readable != readable || chain.writable != writable)
		return false;
	for (i = 0; i < readable + writable; i++) {
		if (chain.segments[i].address != buffers[i].address ||
		    chain.segments[i].length != buffers[i].length)
			return false;
	}
	return !virtqueue_push(&pair->device, chain.id, 1) &&
	       virtqueue_publish(&pair->device) >= 0 &&
	       driver_ring_reap(&pair->driver, NULL) == chain.id;
}

TEST_F(indirect, lengths)
{
	static const unsigned int lengths[] = {
		1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 48, 49, 64, 255, 256
	};
	struct driver_buffer buffers[SIZE];
	uint16_t order[SIZE];
	unsigned int i, j, count;

	for (i = 0; i < SIZE; i++)
		buffers[i] = (struct driver_buffer) { 0x1000000ULL * i, i + 1 };
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		count = lengths[i];
		set_order(order, count, variant->order);
		for (j = 0; j <= count; j += count < 4 ? 1 : count / 4) {
			ASSERT_TRUE(expose_table(&self->pair, variant->table, buffers, j,
						 count - j, order));
			ASSERT_TRUE(arrives(&self->pair, buffers, j, count - j))
				TH_LOG("%u of %u readable", j, count);
		}
	}
}

/* Tables and direct chains mixed in one ring, all heads in one batch. */
TEST_F(indirect, mixed_with_direct)
{
	struct driver_buffer buffers[4] = {
		{ PAIR_MEMORY, 1 }, { PAIR_MEMORY + 1, 2 }, { PAIR_MEMORY + 3, 3 },
		{ PAIR_MEMORY + 6, 4 },
	};
	unsigned int i;
	bool ok;

	for (i = 0; i < 20; i++) {
		ok = i & 1 ? expose_table(&self->pair, variant->table, buffers, 1, 3, NULL) :
			     driver_ring_add(&self->pair.driver, buffers, 1, i % 4) >= 0;
		ASSERT_TRUE(ok);
	}
	driver_ring_expose(&self->pair.driver);
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(arrives(&self->pair, buffers, 1, i & 1 ? 3 : i % 4));
}

/* Nothing is read beyond a table, be it shorter than what is read at once. */
TEST_F(indirect, table_at_the_end_of_memory)
{
	struct driver_buffer buffers[3] = {
		{ PAIR_MEMORY, 1 }, { PAIR_MEMORY, 2 }, { PAIR_MEMORY, 3 },
	};
	u64 table = PAIR_END - sizeof(struct vring_desc) * ARRAY_SIZE(buffers);
	uint16_t order[3];

	set_order(order, 3, variant->order);
	ASSERT_TRUE(expose_table(&self->pair, table, buffers, 2, 1, order));
	EXPECT_TRUE(arrives(&self->pair, buffers, 2, 1));
}

/* A table that is not mapped yet: nothing is taken, direct chains before it are. */
TEST_F(indirect, missing)
{
	struct driver_buffer buffers[20];
	struct virtqueue_chain chain;
	unsigned int i;
	u32 base;

	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffers[i] = (struct driver_buffer) { PAIR_MEMORY + i, 7 + i };
	for (i = 0; i < 5; i++) {
		ASSERT_LE(0, driver_ring_add(&self->pair.driver, buffers, 1, 2));
		ASSERT_TRUE(expose_table(&self->pair, variant->table, buffers, 3, 17, NULL));
		ASSERT_LE(0, driver_ring_add(&self->pair.driver, buffers, 2, 0));
		driver_ring_expose(&self->pair.driver);

		self->pair.memory.missing = true;
		ASSERT_TRUE(arrives(&self->pair, buffers, 1, 2));
		base = virtqueue_base(&self->pair.device);
		ASSERT_EQ(-EINPROGRESS, virtqueue_next(&self->pair.device, &chain));
		ASSERT_EQ(-EINPROGRESS, virtqueue_next(&self->pair.device, &chain));
		ASSERT_EQ(1, virtqueue_pending(&self->pair.device));
		ASSERT_EQ(base, virtqueue_base(&self->pair.device));
		ASSERT_EQ(0, self->pair.device.error);
		self->pair.memory.missing = false;
		ASSERT_TRUE(arrives(&self->pair, buffers, 3, 17));
		ASSERT_TRUE(arrives(&self->pair, buffers, 2, 0));
	}
}

/* Entries that the chain does not reach are not looked at; a packed one has none. */
TEST_F(indirect, longer_table_than_chain)
{
	struct driver_buffer buffer = { PAIR_MEMORY, 77 };
	struct vring_desc table[40];

	if (variant->packed)
		return;
	memset(table, 0xff, sizeof(table));
	driver_ring_fill_table(&self->pair.driver, table, &buffer, 0, 1, NULL);
	ASSERT_EQ(0, guest_memory_write(&self->pair.memory, variant->table, table, sizeof(table)));
	ASSERT_LE(0, driver_ring_add_table(&self->pair.driver, variant->table, 40));
	driver_ring_expose(&self->pair.driver);
	EXPECT_TRUE(arrives(&self->pair, &buffer, 0, 1));
}

TEST_HARNESS_MAIN
