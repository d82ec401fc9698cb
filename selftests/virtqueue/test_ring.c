// SPDX-License-Identifier: GPL-2.0
/*
 * Chains taken, pushed, published: order, batches, sizes, indices, positions.
 */
#include "ring_pair.h"

#include <kselftest_harness.h>

FIXTURE(ring) {
	struct ring_pair pair;
	struct virtqueue_chain chain;
};

FIXTURE_VARIANT(ring) {
	bool packed;
	bool event_index;
	u16 base;
};

FIXTURE_VARIANT_ADD(ring, flags) {
	.event_index = false,
	.base = 0,
};

FIXTURE_VARIANT_ADD(ring, event_index) {
	.event_index = true,
	.base = 0,
};

/* The indices wrap around after six chains. */
FIXTURE_VARIANT_ADD(ring, wrap) {
	.event_index = true,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(ring, packed) {
	.packed = true,
	.event_index = false,
	.base = VIRTQUEUE_POSITION_WRAP,
};

FIXTURE_VARIANT_ADD(ring, packed_event_index) {
	.packed = true,
	.event_index = true,
	.base = VIRTQUEUE_POSITION_WRAP,
};

/* In the second round, whose wrap counters are 0, and at its end. */
FIXTURE_VARIANT_ADD(ring, packed_wrap) {
	.packed = true,
	.event_index = true,
	.base = 5,
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, variant->packed, 8, variant->base,
				    variant->event_index));
}

FIXTURE_TEARDOWN(ring)
{
	ring_pair_destroy(&self->pair);
}

TEST_F(ring, empty)
{
	EXPECT_EQ(0, virtqueue_pending(&self->pair.device));
	EXPECT_EQ(0, virtqueue_next(&self->pair.device, &self->chain));
	EXPECT_EQ(0, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(self->pair.config.base, driver_ring_device_base(&self->pair.driver));
	EXPECT_EQ(self->pair.config.base, virtqueue_base(&self->pair.device));
}

/* A chain arrives as it was built, and goes back with its length. */
TEST_F(ring, one_chain)
{
	struct driver_buffer buffers[] = {
		{ PAIR_MEMORY + 0x10, 16 }, { PAIR_MEMORY + 0x1001, 1 },
		{ PAIR_BORDER - 5, 10 }, { 0xdead00000000ULL, 0xffffffff },
	};
	struct virtqueue_chain *chain = &self->chain;
	uint32_t written;
	unsigned int i;
	int head;

	head = driver_ring_add(&self->pair.driver, buffers, 2, 2);
	ASSERT_LE(0, head);
	EXPECT_EQ(0, virtqueue_pending(&self->pair.device));
	driver_ring_expose(&self->pair.driver);
	EXPECT_EQ(1, virtqueue_pending(&self->pair.device));

	ASSERT_EQ(1, virtqueue_next(&self->pair.device, chain));
	EXPECT_EQ(head, chain->id);
	EXPECT_EQ(2, chain->readable);
	EXPECT_EQ(2, chain->writable);
	EXPECT_EQ(17, chain->readable_length);
	EXPECT_EQ(10 + 0xffffffffULL, chain->writable_length);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(buffers[i].address, chain->segments[i].address);
		EXPECT_EQ(buffers[i].length, chain->segments[i].length);
	}
	EXPECT_EQ(0, virtqueue_next(&self->pair.device, chain));

	EXPECT_EQ(0, virtqueue_push(&self->pair.device, head, 0x12345678));
	EXPECT_EQ(-EAGAIN, driver_ring_reap(&self->pair.driver, NULL));
	EXPECT_LE(0, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(head, driver_ring_reap(&self->pair.driver, &written));
	EXPECT_EQ(0x12345678, written);
	EXPECT_EQ(-EAGAIN, driver_ring_reap(&self->pair.driver, NULL));
}

/* Used entries appear together, in the order in which they were pushed. */
TEST_F(ring, batch_out_of_order)
{
	static const unsigned int order[] = { 5, 0, 7, 3, 1, 6, 2, 4 };
	int heads[8];
	uint32_t written;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		heads[i] = pair_add(&self->pair, PAIR_MEMORY, 100 + i, true);
		ASSERT_LE(0, heads[i]);
	}
	driver_ring_expose(&self->pair.driver);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(1, virtqueue_next(&self->pair.device, &self->chain));
		EXPECT_EQ(heads[i], self->chain.id);
		EXPECT_EQ(100 + i, self->chain.writable_length);
	}
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, virtqueue_push(&self->pair.device, heads[order[i]], order[i]));
		EXPECT_EQ(0, driver_ring_used(&self->pair.driver));
	}
	EXPECT_LE(0, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(8, driver_ring_used(&self->pair.driver));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(heads[order[i]], driver_ring_reap(&self->pair.driver, &written));
		EXPECT_EQ(order[i], written);
	}
}

/* No more is staged than the ring holds. */
TEST_F(ring, push_too_many)
{
	unsigned int i;

	ASSERT_LE(0, pair_add_exposed(&self->pair, 8));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(1, virtqueue_next(&self->pair.device, &self->chain));
		ASSERT_EQ(0, virtqueue_push(&self->pair.device, self->chain.id, 0));
	}
	EXPECT_EQ(-EINVAL, virtqueue_push(&self->pair.device, 0, 0));
	EXPECT_LE(0, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(8, driver_ring_used(&self->pair.driver));
}

/* The driver has nothing left to add with: seen when the ring was looked at. */
TEST_F(ring, full)
{
	struct device_virtqueue *device = &self->pair.device;
	unsigned int i;

	EXPECT_FALSE(virtqueue_full(device));
	ASSERT_LE(0, pair_add_exposed(&self->pair, 7));
	ASSERT_EQ(1, virtqueue_next(device, &self->chain));
	EXPECT_FALSE(virtqueue_full(device));
	ASSERT_LE(0, pair_add_exposed(&self->pair, 1));
	for (i = 0; i < 7; i++)
		ASSERT_EQ(1, virtqueue_next(device, &self->chain));
	EXPECT_TRUE(virtqueue_full(device));
	virtqueue_put_back(device, 3);
	EXPECT_TRUE(virtqueue_full(device));
	ASSERT_EQ(0, virtqueue_push(device, 0, 0));
	EXPECT_TRUE(virtqueue_full(device));
	EXPECT_LE(0, virtqueue_publish(device));
	EXPECT_FALSE(virtqueue_full(device));
	ASSERT_LE(0, driver_ring_reap(&self->pair.driver, NULL));
	ASSERT_LE(0, pair_add_exposed(&self->pair, 1));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, virtqueue_next(device, &self->chain));
	ASSERT_EQ(1, virtqueue_next(device, &self->chain));
	EXPECT_TRUE(virtqueue_full(device));
}

/* The longest chain there may be: all descriptors of the table. */
TEST_F(ring, chain_of_the_whole_table)
{
	struct driver_buffer buffers[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		buffers[i] = (struct driver_buffer) { PAIR_MEMORY + 16 * i, i + 1 };
	ASSERT_LE(0, driver_ring_add(&self->pair.driver, buffers, 3, 5));
	driver_ring_expose(&self->pair.driver);
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &self->chain));
	EXPECT_EQ(3, self->chain.readable);
	EXPECT_EQ(5, self->chain.writable);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(buffers[i].address, self->chain.segments[i].address);
}

/* Where the device takes next that has taken @count descriptors from the start on. */
static u16 available(struct ring_pair *pair, unsigned int count)
{
	struct driver_position at = {
		.index = pair->driver.base & ~VIRTQUEUE_POSITION_WRAP,
		.wrap = pair->driver.base & VIRTQUEUE_POSITION_WRAP,
	};

	if (!pair->config.packed)
		return pair->driver.base + count;
	driver_position_advance(&pair->driver, &at, count);
	return driver_position_pack(at);
}

/* What was put back comes again, in order, once there is more. */
TEST_F(ring, put_back)
{
	struct device_virtqueue *device = &self->pair.device;
	unsigned int i;

	ASSERT_LE(0, pair_add_exposed(&self->pair, 4));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, virtqueue_next(device, &self->chain));
		EXPECT_EQ(i, self->chain.id);
	}
	virtqueue_put_back(device, 3);
	EXPECT_EQ(available(&self->pair, 1), virtqueue_base(device) & 0xffff);
	EXPECT_EQ(0, virtqueue_pending(device));
	EXPECT_EQ(0, virtqueue_enable_kicks(device));

	EXPECT_EQ(1, pair_add_exposed(&self->pair, 1));
	EXPECT_EQ(1, virtqueue_pending(device));
	for (i = 1; i < 5; i++) {
		ASSERT_EQ(1, virtqueue_next(device, &self->chain));
		EXPECT_EQ(i, self->chain.id);
		ASSERT_EQ(0, virtqueue_push(device, i, 0));
	}
	EXPECT_EQ(0, virtqueue_next(device, &self->chain));
	EXPECT_LE(0, virtqueue_publish(device));
	EXPECT_EQ(4, driver_ring_used(&self->pair.driver));
}

/* More than is read ahead at once. */
TEST_F(ring, put_back_many_batches)
{
	struct ring_pair large;
	unsigned int i, round;

	ASSERT_EQ(0, ring_pair_init(&large, variant->packed, 256, variant->base,
				    variant->event_index));
	ASSERT_LE(0, pair_add_exposed(&large, 200));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 200; i++) {
			ASSERT_EQ(1, virtqueue_next(&large.device, &self->chain));
			ASSERT_EQ(i, self->chain.id);
		}
		virtqueue_put_back(&large.device, 200);
		/* Of what was added meanwhile, but not looked at, it tells. */
		EXPECT_EQ(round, virtqueue_pending(&large.device));
		ASSERT_LE(0, pair_add_exposed(&large, 1));
	}
	ring_pair_destroy(&large);
}

/* A second device goes on where the first one ended. */
TEST_F(ring, base)
{
	struct ring_pair *pair = &self->pair;
	unsigned int i;

	ASSERT_LE(0, pair_add_exposed(pair, 6));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
	}
	ASSERT_LE(0, virtqueue_publish(&pair->device));
	EXPECT_EQ(driver_ring_device_base(&pair->driver), virtqueue_base(&pair->device));
	EXPECT_EQ(available(pair, 4), virtqueue_base(&pair->device) & 0xffff);

	ASSERT_EQ(0, ring_pair_restart(pair));
	for (i = 4; i < 6; i++) {
		ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
		EXPECT_EQ(i, self->chain.id);
		ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
	}
	EXPECT_EQ(0, virtqueue_next(&pair->device, &self->chain));
	ASSERT_LE(0, virtqueue_publish(&pair->device));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(i, driver_ring_reap(&pair->driver, NULL));
}

/* Fill a ring to the brim and empty it backwards, three times. */
static bool runs_full(bool packed, unsigned int size, u16 base, bool event_index)
{
	struct virtqueue_chain chain;
	struct ring_pair pair;
	u16 *heads = calloc(size, sizeof(*heads));
	bool ok = heads && !ring_pair_init(&pair, packed, size, base, event_index);
	unsigned int round, i;
	uint32_t written;
	int head;

	for (round = 0; ok && round < 3; round++) {
		for (i = 0; i < size; i++)
			ok = ok && pair_add(&pair, PAIR_MEMORY, 1 + i, i & 1) >= 0;
		ok = ok && pair_add(&pair, PAIR_MEMORY, 1, false) == -ENOSPC;
		driver_ring_expose(&pair.driver);
		for (i = 0; ok && i < size; i++) {
			ok = virtqueue_next(&pair.device, &chain) == 1 &&
			     chain.segments[0].length == 1 + i && chain.writable == (i & 1);
			heads[i] = chain.id;
		}
		ok = ok && virtqueue_next(&pair.device, &chain) == 0;
		for (i = 0; ok && i < size; i++)
			ok = !virtqueue_push(&pair.device, heads[size - 1 - i], i);
		ok = ok && virtqueue_publish(&pair.device) >= 0;
		for (i = 0; ok && i < size; i++) {
			head = driver_ring_reap(&pair.driver, &written);
			ok = head == heads[size - 1 - i] && written == i;
		}
		ok = ok && driver_ring_reap(&pair.driver, NULL) == -EAGAIN;
	}
	if (heads)
		ring_pair_destroy(&pair);
	free(heads);
	return ok;
}

TEST_F(ring, every_size)
{
	unsigned int size;

	for (size = 1; size <= VIRTQUEUE_SIZE_MAX; size *= 2) {
		if (variant->packed && (variant->base & ~VIRTQUEUE_POSITION_WRAP) >= size)
			continue;
		EXPECT_TRUE(runs_full(variant->packed, size, variant->base,
				      variant->event_index))
			TH_LOG("size %u", size);
	}
}

/* A packed ring need not have a power of 2 (section 2.8.10.1). */
TEST_F(ring, every_small_size)
{
	unsigned int size;

	if (!variant->packed)
		return;
	for (size = 1; size <= 70; size++) {
		if ((variant->base & ~VIRTQUEUE_POSITION_WRAP) < size)
			EXPECT_TRUE(runs_full(true, size, variant->base, variant->event_index))
				TH_LOG("size %u", size);
	}
	EXPECT_TRUE(runs_full(true, VIRTQUEUE_SIZE_MAX - 1, variant->base, true));
}

/* Batches of all lengths, whose borders meet those of the ring and of 16 bits. */
TEST_F(ring, wrap_around)
{
	struct ring_pair *pair = &self->pair;
	unsigned int added = 0, taken = 0;
	unsigned int i, batch;
	uint32_t written;

	while (added < 70000) {
		batch = 1 + added % 8;
		for (i = 0; i < batch; i++)
			ASSERT_LE(0, pair_add(pair, PAIR_MEMORY + added % 64, 1 + added % 64,
					      true));
		added += batch;
		driver_ring_expose(&pair->driver);
		while (virtqueue_next(&pair->device, &self->chain) == 1) {
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, taken));
			taken++;
		}
		ASSERT_EQ(added, taken);
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		for (i = 0; i < batch; i++) {
			ASSERT_LE(0, driver_ring_reap(&pair->driver, &written));
			ASSERT_EQ(taken - batch + i, written);
		}
	}
	EXPECT_EQ(driver_ring_device_base(&pair->driver), virtqueue_base(&pair->device));
	if (!variant->packed)
		EXPECT_EQ((u16)(variant->base + added), virtqueue_base(&pair->device));
}

/*
 * Chains of one to four descriptors, given back in an order that changes, while
 * more are taken: whatever the device has in hand, the driver gets back what it
 * gave.
 */
TEST_F(ring, lengths_out_of_order)
{
	struct driver_buffer buffers[4];
	struct ring_pair *pair = &self->pair;
	unsigned int round, held = 0, i, count;
	struct { u16 id; u32 length; } hold[8];
	u32 length_of[8] = {};
	uint32_t written;
	int id;

	for (round = 0; round < 5000; round++) {
		count = 1 + round % 4;
		for (i = 0; i < count; i++)
			buffers[i] = (struct driver_buffer) { PAIR_MEMORY, 1 + round + i };
		id = driver_ring_add(&pair->driver, buffers, 0, count);
		if (id >= 0) {
			length_of[id] = 1 + round;
			driver_ring_expose(&pair->driver);
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(id, self->chain.id);
			ASSERT_EQ(count, self->chain.writable);
			ASSERT_EQ(1 + round, self->chain.segments[0].length);
			hold[held].id = id;
			hold[held++].length = 1 + round;
		}
		ASSERT_EQ(0, virtqueue_next(&pair->device, &self->chain));
		if (id >= 0 && round % 5)
			continue;
		/* One from the middle, then the oldest, published together or not. */
		for (i = 0; i < 2 && held; i++) {
			unsigned int which = i ? 0 : round % held;

			ASSERT_EQ(0, virtqueue_push(&pair->device, hold[which].id,
						    hold[which].length));
			hold[which] = hold[--held];
			if (round & 1)
				ASSERT_LE(0, virtqueue_publish(&pair->device));
		}
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		for (count = 0; count < i; count++) {
			id = driver_ring_reap(&pair->driver, &written);
			ASSERT_LE(0, id);
			ASSERT_EQ(length_of[id], written);
		}
		ASSERT_EQ(-EAGAIN, driver_ring_reap(&pair->driver, &written));
	}
}

/* A batch that goes around the ring's end appears at once, not in two parts. */
TEST_F(ring, batch_around_the_end)
{
	struct ring_pair *pair = &self->pair;
	unsigned int start, i;

	for (start = 0; start < 2 * 8; start++) {
		ASSERT_LE(0, pair_add_exposed(pair, 7));
		for (i = 0; i < 7; i++) {
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, i));
		}
		ASSERT_EQ(0, driver_ring_used(&pair->driver));
		ASSERT_LE(0, virtqueue_publish(&pair->device));
		ASSERT_EQ(7, driver_ring_used(&pair->driver));
		for (i = 0; i < 7; i++)
			ASSERT_LE(0, driver_ring_reap(&pair->driver, NULL));
	}
}

/* Chains added while others are under way, the ring never empty. */
TEST_F(ring, overlapping)
{
	struct ring_pair *pair = &self->pair;
	unsigned int i;

	ASSERT_LE(0, pair_add_exposed(pair, 5));
	for (i = 0; i < 1000; i++) {
		ASSERT_LE(0, pair_add_exposed(pair, 1 + i % 3));
		while (driver_ring_used(&pair->driver) < 2) {
			ASSERT_EQ(1, virtqueue_next(&pair->device, &self->chain));
			ASSERT_EQ(0, virtqueue_push(&pair->device, self->chain.id, 0));
			ASSERT_LE(0, virtqueue_publish(&pair->device));
		}
		ASSERT_LE(0, driver_ring_reap(&pair->driver, NULL));
		ASSERT_LE(0, driver_ring_reap(&pair->driver, NULL));
	}
}

/* Nothing is pushed that was not taken. */
TEST_F(ring, push_what_was_not_taken)
{
	if (!variant->packed)
		return;
	ASSERT_LE(0, pair_add_exposed(&self->pair, 2));
	ASSERT_EQ(1, virtqueue_next(&self->pair.device, &self->chain));
	EXPECT_EQ(-EINVAL, virtqueue_push(&self->pair.device, self->chain.id + 1, 0));
	EXPECT_EQ(-EINVAL, virtqueue_push(&self->pair.device, 8, 0));
	virtqueue_put_back(&self->pair.device, 1);
	EXPECT_EQ(-EINVAL, virtqueue_push(&self->pair.device, self->chain.id, 0));
}

TEST(bad_config)
{
	static const u32 sizes[] = { 0, 3, 6, 100, 32767, 65536, 0x80000000 };
	struct device_virtqueue device = {};
	struct ring_pair pair;
	unsigned int i;

	ASSERT_EQ(0, ring_pair_init(&pair, false, 8, 0, false));
	EXPECT_LE(8 * (sizeof(struct virtqueue_segment) + sizeof(struct virtqueue_used)),
		  virtqueue_memory_size(&pair.device));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pair.config.size = sizes[i];
		EXPECT_EQ(-EINVAL, virtqueue_init(&device, &pair.config));
	}
	pair.config.size = 8;
	pair.config.base = 0x10000;
	EXPECT_EQ(-EINVAL, virtqueue_init(&device, &pair.config));
	pair.config.base = 0xffff;
	EXPECT_EQ(0, virtqueue_init(&device, &pair.config));
	virtqueue_destroy(&device);
	EXPECT_EQ(0, virtqueue_memory_size(&device));
	ring_pair_destroy(&pair);
}

/* Both positions in the ring, and not further apart than a round. */
TEST(bad_config_packed)
{
	static const struct {
		u16 available;
		u16 used;
		int result;
	} cases[] = {
		{ 0x8000, 0x8000, 0 }, { 0, 0, 0 }, { 0x8005, 0x8005, 0 }, { 5, 5, 0 },
		{ 0x8005, 0x8000, 0 }, { 0, 0x8000, 0 }, { 0x8000, 0, 0 }, { 3, 0x8005, 0 },
		{ 3, 0x8003, 0 },
		{ 0x8006, 0x8000, -EINVAL }, { 0x8000, 0x8006, -EINVAL },
		{ 0xffff, 0xffff, -EINVAL }, { 0x8000, 0x8001, -EINVAL },
		{ 4, 0x8003, -EINVAL }, { 0x8001, 0, -EINVAL }, { 0x8000, 6, -EINVAL },
	};
	static const u32 sizes[] = { 0, 32769, 65536, 0x80000000 };
	struct device_virtqueue device = {};
	struct ring_pair pair;
	unsigned int i;

	ASSERT_EQ(0, ring_pair_init(&pair, true, 6, 0, false));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pair.config.base = cases[i].available | (u32)cases[i].used << 16;
		EXPECT_EQ(cases[i].result, virtqueue_init(&device, &pair.config))
			TH_LOG("case %u", i);
		if (!cases[i].result)
			EXPECT_EQ(pair.config.base, virtqueue_base(&device));
		virtqueue_destroy(&device);
	}
	pair.config.base = 0;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pair.config.size = sizes[i];
		EXPECT_EQ(-EINVAL, virtqueue_init(&device, &pair.config));
	}
	pair.config.size = 256;
	ASSERT_EQ(0, virtqueue_init(&device, &pair.config));
	EXPECT_GE(65536, sizeof(device) + virtqueue_memory_size(&device));
	virtqueue_destroy(&device);
	ring_pair_destroy(&pair);
}

TEST_HARNESS_MAIN
