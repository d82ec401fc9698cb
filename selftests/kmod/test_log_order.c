// SPDX-License-Identifier: GPL-2.0
/*
 * A page is logged after it was written, never before: an owner that takes the bit
 * away and copies the page in between would not learn of what is written then.
 *
 * Guest memory is protected against writes.  The device waits at each page until its
 * owner lets it go on (userfaultfd), who looks whether the page is logged already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#include "log_blk.h"
#include "log_net.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/**
 * struct watch - an owner that lets the device write page by page
 * @log: of the device
 * @queue: the one that runs
 * @fd: userfaultfd
 * @stop: eventfd that ends it
 * @thread: waits for the device
 * @writes: how often the device has waited
 * @early: how often for a page that was logged already
 */
struct watch {
	struct log_setup *log;
	struct vhost_queue *queue;
	int fd;
	int stop;
	pthread_t thread;
	unsigned int writes;
	unsigned int early;
};

static int protect(struct watch *watch, void *address, uint64_t length, bool on)
{
	struct uffdio_writeprotect range = {
		.range = { (uintptr_t)address, length },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(watch->fd, UFFDIO_WRITEPROTECT, &range) ? -errno : 0;
}

/* Guest address of what lies there in our memory. */
static uint64_t guest_address(struct vhost_device *device, uint64_t where)
{
	unsigned int i;
	uint64_t offset;

	for (i = 0; i < GUEST_REGIONS; i++) {
		offset = where - (uintptr_t)guest_pointer(device, GUEST_BORDER(i));
		if (offset < GUEST_REGION_SIZE)
			return GUEST_BORDER(i) + offset;
	}
	return 0;
}

/*
 * Wait for the next write to the device area as well, which is written to again and
 * again.  The device writes to something else, so all that it has written there is
 * logged.
 */
static void take_device_area(struct watch *watch, uint64_t address)
{
	uint64_t first = log_device_area(watch->queue) & -LOG_PAGE, page;

	if (watch->log->page[(address - GUEST_MEMORY) / LOG_PAGE] != LOG_DEVICE ||
	    address - first < LOG_DEVICE_AREA_PAGES * LOG_PAGE)
		return;
	for (page = first; page < first + LOG_DEVICE_AREA_PAGES * LOG_PAGE; page += LOG_PAGE) {
		if (log_take(watch->log, page))
			protect(watch, guest_pointer(watch->log->device, page), LOG_PAGE, true);
	}
}

static void *wait_for_writes(void *data)
{
	struct watch *watch = data;
	struct pollfd fds[2] = {
		{ .fd = watch->fd, .events = POLLIN },
		{ .fd = watch->stop, .events = POLLIN },
	};
	struct uffd_msg message;
	uint64_t where, address;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		if (read(watch->fd, &message, sizeof(message)) != sizeof(message))
			continue;
		where = message.arg.pagefault.address & -LOG_PAGE;
		address = guest_address(watch->log->device, where);
		watch->writes++;
		watch->early += log_is_set(watch->log, address);
		take_device_area(watch, address);
		protect(watch, (void *)(uintptr_t)where, LOG_PAGE, false);
	}
	return NULL;
}

static int watch_open(struct watch *watch, struct log_setup *log, struct vhost_queue *queue)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register memory = {
		.range = { (uintptr_t)log->device->memory, GUEST_MEMORY_SIZE },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	watch->log = log;
	watch->queue = queue;
	watch->stop = eventfd(0, EFD_CLOEXEC);
	watch->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (watch->stop < 0 || watch->fd < 0 || ioctl(watch->fd, UFFDIO_API, &api) ||
	    ioctl(watch->fd, UFFDIO_REGISTER, &memory))
		return -errno;
	/* Only pages that are there can be protected. */
	log_begin(log);
	if (protect(watch, log->device->memory, GUEST_MEMORY_SIZE, true))
		return -errno;
	return -pthread_create(&watch->thread, NULL, wait_for_writes, watch);
}

/* Nobody waits any more. */
static void watch_close(struct watch *watch)
{
	eventfd_write(watch->stop, 1);
	pthread_join(watch->thread, NULL);
	close(watch->stop);
	close(watch->fd);
}

FIXTURE(log_order_blk) {
	struct log_blk blk;
	struct watch watch;
};

FIXTURE_VARIANT(log_order_blk) {
	struct log_blk_variant with;
};

FIXTURE_VARIANT_ADD(log_order_blk, split) {
	.with = { .store = STORE_DELAYED },
};

FIXTURE_VARIANT_ADD(log_order_blk, split_event_index) {
	.with = { EVENT_INDEX, 65530, STORE_TMPFS },
};

FIXTURE_VARIANT_ADD(log_order_blk, packed) {
	.with = { PACKED, 1013, STORE_RAM_DISK },
};

FIXTURE_VARIANT_ADD(log_order_blk, packed_event_index) {
	.with = { PACKED | EVENT_INDEX, 0x8000, STORE_DELAYED },
};

FIXTURE_SETUP(log_order_blk)
{
	ASSERT_EQ(0, log_blk_open(&self->blk, &variant->with));
}

FIXTURE_TEARDOWN(log_order_blk)
{
	log_blk_close(&self->blk);
}

/* Requests are shown to a queue that does not run yet: protected, they are the device's. */
TEST_F_TIMEOUT(log_order_blk, requests, TEST_TIME_LIMIT)
{
	struct log_blk *blk = &self->blk;
	unsigned int round, n;

	ASSERT_EQ(0, log_blk_switch(blk, true));
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, log_blk_stop(blk));
		for (n = 0; n < LOG_BLK_BATCH; n++)
			ASSERT_LE(0, log_blk_add_any(blk, n));
		vhost_queue_expose(&blk->queue);
		ASSERT_EQ(0, watch_open(&self->watch, &blk->log, &blk->queue));
		ASSERT_EQ(0, log_blk_start(blk));
		ASSERT_EQ(0, log_reap(&blk->queue, LOG_BLK_BATCH));
		ASSERT_EQ(0, log_blk_stop(blk));
		watch_close(&self->watch);
	}
	EXPECT_LT(4 * LOG_BLK_BATCH, self->watch.writes);
	EXPECT_EQ(0, self->watch.early);
}

FIXTURE(log_order_net) {
	struct log_net guest;
	struct watch watch;
};

FIXTURE_VARIANT(log_order_net) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(log_order_net, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 65530 },
};

FIXTURE_VARIANT_ADD(log_order_net, split_event_index) {
	.with = { VQHOST_NET, NET_FEATURES | EVENT_INDEX | FEATURE(VIRTIO_F_IN_ORDER), TAP, 0 },
};

FIXTURE_VARIANT_ADD(log_order_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | PACKED, TAP, 27 },
};

FIXTURE_SETUP(log_order_net)
{
	ASSERT_EQ(0, log_net_open(&self->guest, &variant->with, 0));
}

FIXTURE_TEARDOWN(log_order_net)
{
	log_net_close(&self->guest);
}

/* One queue after the other. */
TEST_F_TIMEOUT(log_order_net, frames, TEST_TIME_LIMIT)
{
	struct net_setup *net = &self->guest.net;
	struct log_net *guest = &self->guest;
	unsigned int lengths[LOG_NET_BATCH];
	unsigned int round;
	int buffers;

	ASSERT_EQ(0, log_net_switch(guest, true));
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, log_net_stop(guest));
		buffers = log_net_add_batch(guest, lengths);
		ASSERT_LT(0, buffers);
		vhost_queue_expose(&net->rx);
		vhost_queue_expose(&net->tx);
		ASSERT_EQ(0, watch_open(&self->watch, &guest->log, &net->rx));
		ASSERT_EQ(0, vhost_queue_net_backend(&net->rx, net->tap.fd));
		ASSERT_EQ(0, log_net_send_batch(guest, lengths, round));
		ASSERT_EQ(0, log_reap(&net->rx, buffers));
		ASSERT_EQ(0, vhost_queue_net_backend(&net->rx, -1));
		watch_close(&self->watch);
		ASSERT_EQ(0, watch_open(&self->watch, &guest->log, &net->tx));
		ASSERT_EQ(0, vhost_queue_net_backend(&net->tx, net->tap.fd));
		ASSERT_EQ(0, log_reap(&net->tx, LOG_NET_BATCH));
		ASSERT_EQ(0, vhost_queue_net_backend(&net->tx, -1));
		watch_close(&self->watch);
	}
	EXPECT_LT(4 * LOG_NET_BATCH, self->watch.writes);
	EXPECT_EQ(0, self->watch.early);
}

TEST_HARNESS_MAIN
