// SPDX-License-Identifier: GPL-2.0
/*
 * VIRTIO_F_IN_ORDER (virtio 1.2, section 2.7.9 and 2.8.8): one used entry stands
 * for all the chains before it that were used wholly, and for no others.
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 16

FIXTURE(in_order) {
	struct ring_pair pair;
	struct virtqueue_chain chain;
};

FIXTURE_VARIANT(in_order) {
	bool packed;
	bool event_index;
	u16 base;
};

FIXTURE_VARIANT_ADD(in_order, split) {
	.base = 0,
};

FIXTURE_VARIANT_ADD(in_order, split_wrap) {
	.event_index = true,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(in_order, packed) {
	.packed = true,
	.base = VIRTQUEUE_POSITION_WRAP,
};

FIXTURE_VARIANT_ADD(in_order, packed_wrap) {
	.packed = true,
	.event_index = true,
	.base = 11,
};

FIXTURE_SETUP(in_order)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, variant->packed, SIZE, variant->base,
				    variant->event_index));
	ASSERT_EQ(0, ring_pair_set_in_order(&self->pair));
}

FIXTURE_TEARDOWN(in_order)
{
	ring_pair_destroy(&self->pair);
}

/* A value that no used entry has, wherever the next ones may be written. */
static void erase_used(struct ring_pair *pair)
{
	if (!pair->config.packed)
		memset(pair->driver.used->ring, 0xee, SIZE * sizeof(pair->driver.used->ring[0]));
}

/* How many used entries have been written since they were erased. */
static unsigned int written_entries(struct ring_pair *pair, unsigned int descriptors)
{
	struct driver_position at = pair->driver.used_at;
	unsigned int count = 0, i;
	uint16_t flags, used;

	if (!pair->config.packed) {
		for (i = 0; i < SIZE; i++)
			count += pair->driver.used->ring[i].id != 0xeeeeeeee;
		return count;
	}
	for (i = 0; i < descriptors; i++) {
		flags = driver_ring_packed_flags(&pair->driver, at.index);
		used = at.wrap ? 1U << VRING_PACKED_DESC_F_AVAIL | 1U << VRING_PACKED_DESC_F_USED :
				 0;
		count += (flags & 0x8080) == used;
		driver_position_advance(&pair->driver, &at, 1);
	}
	return count;
}

/* What is only read is always used wholly: one entry for all of them. */
TEST_F(in_order, one_entry_for_all_that_was_read)
{
	struct ring_pair *pair = &self->pair;
	unsigned int round, count, i;
	uint32_t written;

	for (round = 0; round < 100; round++) {
		count = 1 + round % SIZE;
		ASSERT_LE(0, pair_add_exposed(pair, count));
		erase_used(pair);
		for (i = 0; i < count; i++) {
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		}
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		EXPECT_EQ(1, written_entries(pair, count));
		EXPECT_EQ(count, driver_ring_used(&pair->driver));
		for (i = 0; i < count; i++) {
			ASSERT_LE(0, driver_ring_reap(&pair->driver, &written));
			EXPECT_EQ(0, written);
		}
		EXPECT_EQ(-EAGAIN, driver_ring_reap(&pair->driver, NULL));
		EXPECT_EQ(driver_ring_device_base(&pair->driver), virtqueue_base(&pair->device));
	}
}

/*
 * What was written in part has an entry of its own, which stands for those used
 * wholly before it: in each bit pattern of eight chains.
 */
TEST_F(in_order, entries_for_what_was_written_in_part)
{
	struct ring_pair *pair = &self->pair;
	unsigned int pattern, i, entries;
	uint32_t written;

	for (pattern = 0; pattern < 256; pattern++) {
		for (i = 0; i < 8; i++)
			ASSERT_LE(0, pair_add(pair, PAIR_MEMORY, 100, true));
		driver_ring_expose(&pair->driver);
		entries = 0;
		for (i = 0; i < 8; i++) {
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id,
						    pattern >> i & 1 ? 100 : i));
			entries += i == 7 || !(pattern >> i & 1);
		}
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		if (variant->packed)
			EXPECT_EQ(entries, written_entries(pair, 8));
		for (i = 0; i < 8; i++) {
			ASSERT_EQ(8 - i, driver_ring_used(&pair->driver));
			ASSERT_LE(0, driver_ring_reap(&pair->driver, &written));
			ASSERT_EQ(pattern >> i & 1 ? 100 : i, written)
				TH_LOG("pattern %#x, chain %u", pattern, i);
		}
	}
}

/* Chains of several descriptors, runs of any length, and a driver that lags behind. */
TEST_F(in_order, lengths_and_runs)
{
	struct driver_buffer buffers[3];
	struct ring_pair *pair = &self->pair;
	uint32_t expected[SIZE], written;
	unsigned int sent = 0, reaped = 0, state = 1, count, i;
	bool whole;

	while (reaped < 20000) {
		state = state * 1103515245 + 12345;
		count = 1 + (state >> 16) % 3;
		for (i = 0; i < count; i++)
			buffers[i] = (struct driver_buffer) { PAIR_MEMORY, 7 };
		if (driver_ring_add(&pair->driver, buffers, 0, count) >= 0) {
			driver_ring_expose(&pair->driver);
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			if (state >> 20 & 1) {
				virtqueue_put_back(&pair->device, 1);
				ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			}
			whole = state >> 21 & 3;
			expected[sent % SIZE] = whole ? 7 * count : 5;
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id,
						    expected[sent % SIZE]));
			sent++;
			if (state >> 23 & 3)
				continue;
		}
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		ASSERT_EQ(sent - reaped, driver_ring_used(&pair->driver));
		for (i = (state >> 25) % SIZE; reaped < sent && i; i--, reaped++) {
			ASSERT_LE(0, driver_ring_reap(&pair->driver, &written));
			ASSERT_EQ(expected[reaped % SIZE], written);
		}
	}
}

/* The event is where it would be without: any chain of the run may be it. */
TEST_F(in_order, calls_count_chains)
{
	struct ring_pair *pair = &self->pair;
	unsigned int after, i;

	if (!variant->event_index)
		return;
	ASSERT_LE(0, pair_add_exposed(pair, 1));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
	ASSERT_LE(0, virtqueue_publish(&pair->device));
	ASSERT_LE(0, driver_ring_reap(&pair->driver, NULL));
	for (after = 1; after <= SIZE; after++) {
		EXPECT_FALSE(driver_ring_calls_on(&pair->driver, after));
		ASSERT_LE(0, pair_add_exposed(pair, 9));
		for (i = 0; i < 9; i++) {
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		}
		EXPECT_EQ(after <= 9, virtqueue_publish(&pair->device));
		for (i = 0; i < 9; i++)
			ASSERT_LE(0, driver_ring_reap(&pair->driver, NULL));
	}
}

TEST_HARNESS_MAIN
