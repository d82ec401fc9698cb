// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log behind an IOTLB: what is written by I/O virtual addresses is logged
 * by the guest's, which the memory table has.  Rings too, whatever is said of their
 * log address.  Compared with what has changed in guest memory.
 */
#include "log_blk.h"
#include "log_net.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)
#define ROUNDS 6

/* As a ring's log address: no bitmap has a bit for it. */
#define ELSEWHERE (1ULL << 62)

FIXTURE(log_iotlb_blk) {
	struct log_blk blk;
};

FIXTURE_VARIANT(log_iotlb_blk) {
	struct log_blk_variant with;
};

FIXTURE_VARIANT_ADD(log_iotlb_blk, split) {
	.with = { IOTLB, 65530, STORE_DELAYED, LOG_SWAP_HALVES },
};

FIXTURE_VARIANT_ADD(log_iotlb_blk, split_scattered) {
	.with = { IOTLB | EVENT_INDEX, 506, STORE_TMPFS, LOG_SWAP_PAGES },
};

FIXTURE_VARIANT_ADD(log_iotlb_blk, packed) {
	.with = { IOTLB | PACKED | EVENT_INDEX, 1013, STORE_RAM_DISK, LOG_SWAP_HALVES },
};

FIXTURE_VARIANT_ADD(log_iotlb_blk, packed_scattered) {
	.with = { IOTLB | PACKED, 0x8000, STORE_DELAYED, LOG_SWAP_PAGES },
};

FIXTURE_SETUP(log_iotlb_blk)
{
	ASSERT_EQ(0, log_blk_open(&self->blk, &variant->with));
}

FIXTURE_TEARDOWN(log_iotlb_blk)
{
	log_blk_close(&self->blk);
}

TEST_F_TIMEOUT(log_iotlb_blk, requests, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	unsigned int round, n;

	ASSERT_EQ(0, log_all(log, true));
	ASSERT_EQ(0, log_ring(queue, true, ELSEWHERE));
	for (round = 0; round < ROUNDS; round++) {
		log_forget(log);
		log_note_ring(log, queue);
		for (n = 0; n < LOG_BLK_BATCH; n++)
			ASSERT_LE(0, log_blk_add_any(&self->blk, n));
		log_begin(log);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, LOG_BLK_BATCH));
		ASSERT_EQ(0, log_blk_stop(&self->blk));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, queue));
		EXPECT_EQ(0, log_superfluous(log));
		EXPECT_TRUE(log_is_set(log, log_device_area(queue)));
		ASSERT_EQ(0, log_blk_start(&self->blk));
	}
	EXPECT_NE(0, eventfd_take(log->event));
}

FIXTURE(log_iotlb_net) {
	struct log_net guest;
};

FIXTURE_VARIANT(log_iotlb_net) {
	struct net_variant with;
	unsigned int swap;
};

FIXTURE_VARIANT_ADD(log_iotlb_net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES | IOTLB, TAP, 0 },
	.swap = LOG_SWAP_PAGES,
};

FIXTURE_VARIANT_ADD(log_iotlb_net, split) {
	.with = { VQHOST_NET, NET_FEATURES | IOTLB | EVENT_INDEX, TAP, 65530 },
	.swap = LOG_SWAP_HALVES,
};

FIXTURE_VARIANT_ADD(log_iotlb_net, split_scattered) {
	.with = { VQHOST_NET, NET_FEATURES | IOTLB, TAP, 0 },
	.swap = LOG_SWAP_PAGES,
};

FIXTURE_VARIANT_ADD(log_iotlb_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | IOTLB | PACKED | FEATURE(VIRTIO_F_IN_ORDER), TAP,
		  27 },
	.swap = LOG_SWAP_HALVES,
};

FIXTURE_VARIANT_ADD(log_iotlb_net, packed_scattered) {
	.with = { VQHOST_NET, NET_FEATURES | IOTLB | PACKED | EVENT_INDEX, TAP, 0x8000 },
	.swap = LOG_SWAP_PAGES,
};

FIXTURE_SETUP(log_iotlb_net)
{
	ASSERT_EQ(0, log_net_open(&self->guest, &variant->with, variant->swap));
}

FIXTURE_TEARDOWN(log_iotlb_net)
{
	log_net_close(&self->guest);
}

TEST_F_TIMEOUT(log_iotlb_net, frames, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->guest.log;
	struct net_setup *net = &self->guest.net;
	unsigned int round;

	ASSERT_EQ(0, log_all(log, true));
	ASSERT_EQ(0, log_ring(&net->rx, true, ELSEWHERE));
	ASSERT_EQ(0, log_ring(&net->tx, true, ELSEWHERE));
	for (round = 0; round < ROUNDS; round++) {
		log_forget(log);
		log_note_ring(log, &net->rx);
		log_note_ring(log, &net->tx);
		ASSERT_EQ(0, log_net_run_batch(&self->guest, round));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->rx));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->tx));
		EXPECT_EQ(0, log_superfluous(log));
		/* In a packed ring that is the event suppression alone. */
		if (!driver_ring_is_packed(&net->rx.ring)) {
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->rx)));
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->tx)));
		}
		ASSERT_EQ(0, log_net_start(&self->guest));
	}
}

TEST_HARNESS_MAIN
