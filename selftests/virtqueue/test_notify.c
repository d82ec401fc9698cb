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

FIXTURE_SETUP(notify)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, SIZE, variant->base, variant->event_index));
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

/*
 * Every position of the event around every batch: a call if and only if the
 * entry at that index is among those just published.
 */
TEST_F(notify, call_for_the_event_alone)
{
	struct ring_pair *pair = &self->pair;
	int offset, batch, wanted;

	if (!variant->event_index)
		return;
	ASSERT_TRUE(serve(pair, 1));
	EXPECT_EQ(1, virtqueue_publish(&pair->device));
	reap_all(pair);
	for (batch = 1; batch <= SIZE; batch++) {
		for (offset = -10; offset <= SIZE + 10; offset++) {
			ASSERT_TRUE(serve(pair, batch));
			driver_ring_set_used_event(&pair->driver,
						   driver_ring_used_index(&pair->driver) + offset);
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
	driver_ring_calls_off(&self->pair.driver);
	ASSERT_TRUE(serve(&self->pair, 1));
	EXPECT_EQ(1, virtqueue_publish(&self->pair.device));
}

/* A fresh device wants kicks, until it has said otherwise. */
TEST_F(notify, kicks_off_and_on)
{
	struct ring_pair *pair = &self->pair;

	if (variant->event_index)
		ASSERT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	EXPECT_EQ(0, virtqueue_disable_kicks(&pair->device));
	EXPECT_EQ(0, pair_add_exposed(pair, 1));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
	EXPECT_EQ(0, pair_add_exposed(pair, 1));
	ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));

	EXPECT_EQ(0, virtqueue_enable_kicks(&pair->device));
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
	if (variant->event_index) {
		EXPECT_EQ((u16)(variant->base + 3), driver_ring_avail_event(&pair->driver));
		/* One kick asked for, one kick given. */
		EXPECT_EQ(0, pair_add_exposed(pair, 1));
	} else {
		EXPECT_EQ(0, driver_ring_used_flags(&pair->driver));
	}
	EXPECT_EQ(0, virtqueue_disable_kicks(&pair->device));
	if (!variant->event_index)
		EXPECT_EQ(VRING_USED_F_NO_NOTIFY, driver_ring_used_flags(&pair->driver));
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
	EXPECT_EQ(1, pair_add_exposed(pair, 1));
	EXPECT_EQ(1, virtqueue_enable_kicks(&pair->device));
}

TEST_HARNESS_MAIN
