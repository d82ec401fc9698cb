// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log of a network device, compared with what has changed in guest
 * memory.  Mainline's device is a variant: a log means the same there.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "log_net.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/* Two pages, the second one of which can be taken away. */
#define FAULTING (GUEST_BORDER(0) + 0x100000)

FIXTURE(log_net) {
	struct log_net guest;
};

FIXTURE_VARIANT(log_net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(log_net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_net, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_net, not_mergeable) {
	.with = { VQHOST_NET, FEATURE(VIRTIO_F_VERSION_1), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_net, split_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_IN_ORDER) |
		  FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000 },
};

FIXTURE_VARIANT_ADD(log_net, packed_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		  FEATURE(VIRTIO_F_IN_ORDER) | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 27 },
};

FIXTURE_SETUP(log_net)
{
	ASSERT_EQ(0, log_net_open(&self->guest, &variant->with, 0));
}

FIXTURE_TEARDOWN(log_net)
{
	log_net_close(&self->guest);
}

/* Frames both ways, the queues stopped after each batch. */
TEST_F_TIMEOUT(log_net, frames, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->guest.log;
	struct net_setup *net = &self->guest.net;
	struct log_net *guest = &self->guest;
	unsigned int round;

	ASSERT_EQ(0, log_net_switch(guest, true));
	for (round = 0; round < 8; round++) {
		log_forget(log);
		log_note_ring(log, &net->rx);
		log_note_ring(log, &net->tx);
		ASSERT_EQ(0, log_net_run_batch(guest, round));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->rx));
		EXPECT_EQ(0, log_missing_descriptors(log, &net->tx));
		EXPECT_EQ(0, log_superfluous(log));
		/* In a packed ring that is the event suppression alone. */
		if (!driver_ring_is_packed(&net->rx.ring)) {
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->rx)));
			EXPECT_TRUE(log_is_set(log, log_device_area(&net->tx)));
		}
		ASSERT_EQ(0, log_net_start(guest));
	}

	ASSERT_EQ(0, log_net_switch(guest, false));
	ASSERT_EQ(0, log_net_run_batch(guest, round));
	EXPECT_EQ(0, log_count(log));
}

/* Rings are logged if each says so, whatever is said of the rest. */
TEST_F_TIMEOUT(log_net, rings_alone, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->guest.log;
	struct net_setup *net = &self->guest.net;
	struct log_net *guest = &self->guest;

	ASSERT_EQ(0, log_ring(&net->rx, true, log_device_area(&net->rx)));
	ASSERT_LE(0, log_net_add_buffer(guest, GUEST_BORDER(1), 2000));
	log_begin(log);
	vhost_queue_expose(&net->rx);
	ASSERT_EQ(0, log_net_send_to_guest(guest, 100, 1));
	ASSERT_EQ(0, log_reap(&net->rx, 1));
	ASSERT_EQ(0, log_net_stop(guest));
	EXPECT_FALSE(log_is_set(log, GUEST_BORDER(1)));
	if (!driver_ring_is_packed(&net->rx.ring))
		EXPECT_TRUE(log_is_set(log, log_device_area(&net->rx)));
	EXPECT_FALSE(log_is_set(log, log_device_area(&net->tx)));
	EXPECT_EQ(0, log_missing_descriptors(log, &net->rx));
	EXPECT_EQ(0, log_superfluous(log));
}

/* A receive queue that waits for packets wants no kicks, and has said so. */
TEST_F_TIMEOUT(log_net, waiting, TEST_TIME_LIMIT)
{
	struct vhost_queue *rx = &self->guest.net.rx;
	struct log_setup *log = &self->guest.log;

	ASSERT_EQ(0, log_net_stop(&self->guest));
	ASSERT_EQ(0, log_net_switch(&self->guest, true));
	if (driver_ring_is_packed(&rx->ring))
		rx->ring.device_event->flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	else
		rx->ring.used->flags = 0;
	log_begin(log);
	ASSERT_EQ(0, vhost_queue_net_backend(rx, self->guest.net.tap.fd));
	usleep(50000);
	ASSERT_EQ(0, log_net_stop(&self->guest));
	EXPECT_EQ(0, log_missing(log));
	EXPECT_EQ(0, log_superfluous(log));
}

/* What mainline does not promise. */
FIXTURE(log_net_failure) {
	struct log_net guest;
};

FIXTURE_VARIANT(log_net_failure) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(log_net_failure, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_net_failure, packed) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_F_RING_PACKED), TAP, 0x8000 },
};

FIXTURE_SETUP(log_net_failure)
{
	ASSERT_EQ(0, log_net_open(&self->guest, &variant->with, 0));
}

FIXTURE_TEARDOWN(log_net_failure)
{
	log_net_close(&self->guest);
}

/* Wait until a packet was dropped.  Returns how many were, or -errno. */
static int64_t wait_dropped(struct vhost_queue *rx)
{
	struct vqhost_vring_stats stats;
	unsigned int i;
	int err;

	for (i = 0; i < TIME_LIMIT_MS; i++) {
		err = vhost_queue_stats(rx, &stats);
		if (err || stats.errors)
			return err ? err : (int64_t)stats.errors;
		usleep(1000);
	}
	return 0;
}

static bool wants_kicks(const struct driver_ring *ring)
{
	if (driver_ring_is_packed(ring))
		return driver_ring_device_event(ring, NULL) !=
		       VRING_PACKED_EVENT_FLAG_DISABLE;
	return !(driver_ring_used_flags(ring) & VRING_USED_F_NO_NOTIFY);
}

/* The owner takes the bits away while kicks are off; later they are on again. */
TEST_F_TIMEOUT(log_net_failure, kicks_wanted_again, TEST_TIME_LIMIT)
{
	struct vhost_queue *rx = &self->guest.net.rx;
	struct log_setup *log = &self->guest.log;
	unsigned int i;
	int64_t sleeps;

	ASSERT_EQ(0, log_net_stop(&self->guest));
	ASSERT_EQ(0, log_net_switch(&self->guest, true));
	ASSERT_LE(0, log_net_add_buffer(&self->guest, GUEST_BORDER(1), 2000));
	vhost_queue_expose(rx);
	sleeps = log_sleeps(rx);
	ASSERT_EQ(0, log_net_start(&self->guest));
	/* It waits for a packet. */
	ASSERT_EQ(0, log_wait_asleep(rx, sleeps));
	ASSERT_FALSE(wants_kicks(&rx->ring));
	log_begin(log);
	/* The second one finds no buffer. */
	ASSERT_EQ(0, log_net_send_to_guest(&self->guest, 100, 1));
	ASSERT_EQ(0, log_net_send_to_guest(&self->guest, 100, 2));
	for (i = 0; i < TIME_LIMIT_MS && !wants_kicks(&rx->ring); i++)
		usleep(1000);
	ASSERT_TRUE(wants_kicks(&rx->ring));
	ASSERT_EQ(0, log_net_stop(&self->guest));
	EXPECT_TRUE(log_is_set(log, log_device_area(rx)));
	EXPECT_EQ(0, log_missing(log));
}

/* The memory for part of a header is gone: the packet is dropped, but begun. */
TEST_F_TIMEOUT(log_net_failure, dropped_in_part, TEST_TIME_LIMIT)
{
	struct driver_buffer buffers[] = { { FAULTING, 4 }, { FAULTING + 0x1000, 2000 } };
	struct vhost_device *device = &self->guest.net.device;
	void *taken = guest_pointer(device, FAULTING + 0x1000);
	struct vhost_queue *rx = &self->guest.net.rx;
	struct log_setup *log = &self->guest.log;

	ASSERT_EQ(0, log_net_switch(&self->guest, true));
	log_note(log, FAULTING, 0x2000, LOG_DEVICE);
	memset(guest_pointer(device, FAULTING), 0xaa, 0x1000);
	ASSERT_LE(0, driver_ring_add(&rx->ring, buffers, 0, 2));
	log_begin(log);
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
	vhost_queue_expose(rx);
	ASSERT_EQ(0, log_net_send_to_guest(&self->guest, 1000, 1));
	EXPECT_EQ(1, wait_dropped(rx));
	ASSERT_EQ(0, log_net_stop(&self->guest));
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
	EXPECT_NE(0, memcmp(log->before + FAULTING - GUEST_MEMORY,
			    guest_pointer(device, FAULTING), 0x1000));
	EXPECT_EQ(0, log_missing(log));
	EXPECT_EQ(0, log_superfluous(log));
}

/* Though nothing is used, the owner is told of it. */
TEST_F_TIMEOUT(log_net_failure, dropped_told, TEST_TIME_LIMIT)
{
	void *taken = guest_pointer(&self->guest.net.device, FAULTING);
	struct vhost_queue *rx = &self->guest.net.rx;

	ASSERT_EQ(0, log_all(&self->guest.log, true));
	ASSERT_LE(0, log_net_add_buffer(&self->guest, FAULTING, 2000));
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
	vhost_queue_expose(rx);
	ASSERT_EQ(0, log_net_send_to_guest(&self->guest, 1000, 1));
	EXPECT_EQ(1, wait_dropped(rx));
	EXPECT_NE(0, eventfd_wait(self->guest.log.event, TIME_LIMIT_MS));
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
}

/* A bitmap that is taken away: the queue is broken, with nothing lost silently. */
TEST_F_TIMEOUT(log_net_failure, bitmap_taken_away, TEST_TIME_LIMIT)
{
	struct log_net *guest = &self->guest;

	ASSERT_EQ(0, log_all(&guest->log, true));
	ASSERT_LE(0, log_net_add_buffer(guest, GUEST_BORDER(1), 2000));
	ASSERT_EQ(0, munmap(guest->log.area, LOG_AREA_SIZE));
	vhost_queue_expose(&guest->net.rx);
	ASSERT_EQ(0, log_net_send_to_guest(guest, 100, 1));
	EXPECT_EQ(VIRTQUEUE_LOG, log_broken(&guest->net.rx));
}

TEST_HARNESS_MAIN
