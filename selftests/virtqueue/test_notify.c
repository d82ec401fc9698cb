// SPDX-License-Identifier: GPL-2.0
/*
 * Who is to be notified, and who is not: calls and kicks, by flags and by event
 * index (virtio 1.2, section 2.7.7 and 2.7.10).
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

#define SIZE 8

FIXTURE(notify) {
	struct ring_pair pair;
	struct virtqueue_chain chain;
};

FIXTURE_VARIANT(notify) {
	bool packed;
	bool event_index;
	u16 base;
};

FIXTURE_VARIANT_ADD(notify, flags) {
	.event_index = false,
	.base = 0,
};

FIXTURE_VARIANT_ADD(notify, event_index) {
	.event_index = true,
	.base = 100,
};

FIXTURE_VARIANT_ADD(notify, event_index_wrap) {
	.event_index = true,
	.base = 65533,
};

FIXTURE_VARIANT_ADD(notify, packed_flags) {
	.packed = true,
	.event_index = false,
	.base = VIRTQUEUE_POSITION_WRAP,
};

FIXTURE_VARIANT_ADD(notify, packed_event_index) {
	.packed = true,
	.event_index = true,
	.base = VIRTQUEUE_POSITION_WRAP,
};

FIXTURE_VARIANT_ADD(notify, packed_event_index_wrap) {
	.packed = true,
	.event_index = true,
	.base = 5,
};

FIXTURE_SETUP(notify)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, variant->packed, SIZE, variant->base,
				    variant->event_index));
}

FIXTURE_TEARDOWN(notify)
{
	ring_pair_destroy(&self->pair);
}

/* Make @count chains available, take and push them. */
static bool serve(struct ring_pair *pair, unsigned int count)
{
	struct virtqueue_chain chain;

	if (pair_add_exposed(pair, count) < 0)
		return false;
	while (count--) {
		if (virtqueue_next(&pair->device, &chain) != 1 ||
		    virtqueue_push(&pair->device, chain.id, 0))
			return false;
	}
	return true;
}

static void reap_all(struct ring_pair *pair)
{
	while (driver_ring_reap(&pair->driver, NULL) >= 0)
		;
}

/* Nothing published, nobody called. */
TEST_F(notify, nothing_staged)
{
	EXPECT_EQ(0, virtqueue_publish(&self->pair.device));
	ASSERT_TRUE(serve(&self->pair, 1));
	EXPECT_EQ(1, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(0, virtqueue_publish(&self->pair.device));
}

/* Calls are off, on, off; the first publication may call for safety. */
TEST_F(notify, calls_off_and_on)
{
	struct ring_pair *pair = &self->pair;

	ASSERT_TRUE(serve(pair, 1));
	virtqueue_publish(&pair->device);
	reap_all(pair);
	driver_ring_calls_off(&pair->driver);
	ASSERT_TRUE(serve(pair, 3));
	EXPECT_EQ(0, virtqueue_publish(&pair->device));
	reap_all(pair);

	EXPECT_FALSE(driver_ring_calls_on(&pair->driver, 1));
	ASSERT_TRUE(serve(pair, 2));
	EXPECT_EQ(1, virtqueue_publish(&pair->device));
	EXPECT_TRUE(driver_ring_calls_on(&pair->driver, 1));
	reap_all(pair);
	driver_ring_calls_off(&pair->driver);
	ASSERT_TRUE(serve(pair, 1));
	EXPECT_EQ(0, virtqueue_publish(&pair->device));
}

/* Ask for a call when the entry is used that comes @offset behind the next one. */
static void set_event(struct ring_pair *pair, int offset)
{
	struct driver_position at = pair->driver.used_at;

	if (!pair->config.packed) {
		driver_ring_set_used_event(&pair->driver,
					   driver_ring_used_index(&pair->driver) + offset);
		return;
	}
	if (offset < 0) {
		driver_position_advance(&pair->driver, &at, SIZE + offset);
		at.wrap = !at.wrap;
	} else {
		driver_position_advance(&pair->driver, &at, offset);
	}
	driver_ring_set_driver_event(&pair->driver, VRING_PACKED_EVENT_FLAG_DESC,
				     driver_position_pack(at));
}

/*
 * Every position of the event around every batch: a call if and only if the
 * entry at that index is among those just published.
 */
TEST_F(notify, call_for_the_event_alone)
{
	struct ring_pair *pair = &self->pair;
	/* A position in a packed ring is ambiguous beyond one round. */
	int range = variant->packed ? 0 : 10;
	int offset, batch, wanted;

	if (!variant->event_index)
		return;
	ASSERT_TRUE(serve(pair, 1));
	EXPECT_EQ(1, virtqueue_publish(&pair->device));
	reap_all(pair);
	for (batch = 1; batch <= SIZE; batch++) {
		for (offset = -range; offset < SIZE + range; offset++) {
			ASSERT_TRUE(serve(pair, batch));
			set_event(pair, offset);
			wanted = offset >= 0 && offset < batch;
			ASSERT_EQ(wanted, virtqueue_publish(&pair->device))
				TH_LOG("batch of %d, event at %d", batch, offset);
			reap_all(pair);
		}
	}
}

/* The decision is for all that was published since the last one, no more. */
TEST_F(notify, call_when_enough_was_used)
{
	struct ring_pair *pair = &self->pair;

	if (!variant->event_index)
		return;
	ASSERT_TRUE(serve(pair, 1));
	virtqueue_publish(&pair->device);
	reap_all(pair);

	driver_ring_calls_on(&pair->driver, 5);
	ASSERT_TRUE(serve(pair, 2));
	EXPECT_EQ(0, virtqueue_publish(&pair->device));
	ASSERT_TRUE(serve(pair, 2));
	EXPECT_EQ(0, virtqueue_publish(&pair->device));
	ASSERT_TRUE(serve(pair, 2));
	EXPECT_EQ(1, virtqueue_publish(&pair->device));
	ASSERT_TRUE(serve(pair, 1));
	EXPECT_EQ(0, virtqueue_publish(&pair->device));
}

/* A device that starts does not know what was called for: it calls. */
TEST_F(notify, first_publication_calls)
{
	if (!variant->event_index)
		return;
	set_event(&self->pair, SIZE / 2);
	ASSERT_TRUE(serve(&self->pair, 1));
	EXPECT_EQ(1, virtqueue_publish(&self->pair.device));
	ASSERT_TRUE(serve(&self->pair, 1));
	EXPECT_EQ(0, virtqueue_publish(&self->pair.device));
}

/* In a packed ring they are told apart: the driver that wants no call gets none. */
TEST_F(notify, first_publication_unasked)
{
	if (variant->event_index && !variant->packed)
		return;
	driver_ring_calls_off(&self->pair.driver);
	ASSERT_TRUE(serve(&self->pair, 1));
	EXPECT_EQ(0, virtqueue_publish(&self->pair.device));
}

/* Flags that mean nothing, or were not negotiated: rather a call too many. */
TEST_F(notify, reserved_flags)
{
	static const uint16_t reserved[] = {
		VRING_PACKED_EVENT_FLAG_DESC, VRING_PACKED_EVENT_FLAG_DESC, 3, 0x8000, 0xffff,
	};
	unsigned int i;

	if (!variant->packed)
		return;
	for (i = variant->event_index ? 2 : 0; i < ARRAY_SIZE(reserved); i++) {
		driver_ring_set_driver_event(&self->pair.driver, reserved[i], 0x7fff);
		ASSERT_TRUE(serve(&self->pair, 1));
		EXPECT_EQ(1, virtqueue_publish(&self->pair.device));
		reap_all(&self->pair);
	}
}

/* Wherever the driver says the event is, nothing happens but a call or none. */
TEST_F(notify, event_anywhere)
{
	unsigned int position;

	if (!variant->packed)
		return;
	for (position = 0; position < 0x10000; position += 0x11) {
		driver_ring_set_driver_event(&self->pair.driver, VRING_PACKED_EVENT_FLAG_DESC,
					     position);
		ASSERT_TRUE(serve(&self->pair, 1 + position % 3));
		ASSERT_LE(0, virtqueue_publish(&self->pair.device));
		reap_all(&self->pair);
	}
}

/* Several descriptors at once: the event may be any of them. */
TEST_F(notify, call_for_any_descriptor_of_a_chain)
{
	struct driver_buffer buffers[3] = {
		{ PAIR_MEMORY, 1 }, { PAIR_MEMORY, 1 }, { PAIR_MEMORY, 1 },
	};
	struct ring_pair *pair = &self->pair;
	int offset;

	if (!variant->packed || !variant->event_index)
		return;
	ASSERT_TRUE(serve(pair, 1));
	virtqueue_publish(&pair->device);
	reap_all(pair);
	for (offset = 0; offset < SIZE; offset++) {
		ASSERT_LE(0, driver_ring_add(&pair->driver, buffers, 3, 0));
		driver_ring_expose(&pair->driver);
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		set_event(pair, offset);
		ASSERT_EQ(offset < 3, virtqueue_publish(&pair->device));
		reap_all(pair);
	}
}

/* Has the device said that it wants to be kicked for what comes next? */
static bool kicks_are_on(struct ring_pair *pair)
{
	struct driver_ring *driver = &pair->driver;
	uint16_t position, flags;

	if (!pair->config.packed && pair->config.event_index)
		return driver_ring_avail_event(driver) == driver->next_available;
	if (!pair->config.packed)
		return !driver_ring_used_flags(driver);
	flags = driver_ring_device_event(driver, &position);
	if (!pair->config.event_index)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	return flags == VRING_PACKED_EVENT_FLAG_DESC &&
	       position == driver_position_pack(driver->available_at);
}

/* A fresh device wants kicks, until it has said otherwise. */
TEST_F(notify, kicks_off_and_on)
{
	struct ring_pair *pair = &self->pair;
	unsigned int round;

	if (variant->event_index)
		ASSERT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	EXPECT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
	/* Around the ring a few times. */
	for (round = 0; round < 20; round++) {
		EXPECT_EQ(0, virtqueue_disable_kicks(&pair->device));
		EXPECT_EQ(0, pair_add_exposed(pair, 1));
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		EXPECT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		EXPECT_EQ(0, pair_add_exposed(pair, 1));
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		EXPECT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		EXPECT_FALSE(kicks_are_on(pair));
		EXPECT_LE(0, virtqueue_publish(&pair->device));
		reap_all(pair);

		EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
		EXPECT_TRUE(kicks_are_on(pair));
		EXPECT_EQ(1, pair_add_exposed(pair, 1));
		/* By event index: one kick asked for, one kick given. */
		EXPECT_EQ(!variant->event_index, pair_add_exposed(pair, 1));
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		EXPECT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		EXPECT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
	}
}

/* What came while kicks were off is found by looking again. */
TEST_F(notify, race_between_empty_and_enable)
{
	struct ring_pair *pair = &self->pair;

	EXPECT_EQ(0, virtqueue_disable_kicks(&pair->device));
	EXPECT_EQ(0, virtqueue_next(&pair->device, &self->chain));
	ASSERT_LE(0, pair_add_exposed(pair, 1));
	EXPECT_EQ(1, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(1, virtqueue_next(&pair->device, &self->chain));

	/* Enabled twice in a row, as after a kick that brought nothing. */
	EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
}

/* Put back as not sufficient: a kick is due for the next chain, not for these. */
TEST_F(notify, kick_after_put_back)
{
	struct ring_pair *pair = &self->pair;

	ASSERT_LE(0, pair_add_exposed(pair, 2));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	ASSERT_EQ(0, virtqueue_disable_kicks(&pair->device));
	virtqueue_put_back(&pair->device, 2);
	EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
	/* For a second look, and for chains that were put back twice, as well. */
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	virtqueue_put_back(&pair->device, 1);
	EXPECT_TRUE(virtqueue_enable_kicks(&pair->device) || kicks_are_on(pair));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	virtqueue_put_back(&pair->device, 1);
	virtqueue_put_back(&pair->device, 1);
	EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_TRUE(kicks_are_on(pair));
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
	EXPECT_EQ(1, virtqueue_enable_kicks(&pair->device));
}

TEST_HARNESS_MAIN
