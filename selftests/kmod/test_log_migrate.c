// SPDX-License-Identifier: GPL-2.0
/*
 * Migration: log on, copy all, copy what is logged, stop, copy the rest; then the
 * copy is what guest memory is.  Several times, under traffic that goes on while
 * the log is switched on and off.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log_blk.h"
#include "log_net.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/**
 * struct guest - what a migration has besides the monitor: a driver that goes on
 * @log: of the device
 * @device: passed to the functions
 * @start: all queues
 * @stop: all queues
 * @switch_log: on or off, of all
 * @add: add a batch of chains and show them to the device; returns 0 or -errno
 * @finish: wait until they are used, while the queues may be stopped for a time
 * @batches: how many were added
 * @received: chains that a network device receives into, of the latest batch
 * @lock: held while the driver touches guest memory
 * @finished: batches that were added and used
 * @end: the driver is to end
 * @err: its first error
 */
struct guest {
	struct log_setup *log;
	void *device;
	int (*start)(void *device);
	int (*stop)(void *device);
	int (*switch_log)(void *device, bool on);
	int (*add)(struct guest *guest);
	int (*finish)(struct guest *guest);
	unsigned int batches;
	int received;
	pthread_mutex_t lock;	/* see above */
	unsigned int finished;
	bool end;
	int err;
};

static void *drive(void *data)
{
	struct guest *guest = data;
	int err = 0;

	while (!err && !__atomic_load_n(&guest->end, __ATOMIC_SEQ_CST)) {
		pthread_mutex_lock(&guest->lock);
		err = guest->add(guest);
		pthread_mutex_unlock(&guest->lock);
		if (!err)
			err = guest->finish(guest);
		__atomic_fetch_add(&guest->finished, 1, __ATOMIC_SEQ_CST);
	}
	guest->err = err;
	return NULL;
}

/**
 * struct outcome - what came of a migration
 * @logged: pages that were
 * @different: pages whose copy is another one
 * @stray: pages that were logged while nothing was to be
 */
struct outcome {
	unsigned int logged;
	unsigned int different;
	unsigned int stray;
};

/* A batch that was added since has been used, or it takes too long. */
static bool has_gone_on(struct guest *guest, unsigned int finished, unsigned int pass)
{
	return __atomic_load_n(&guest->finished, __ATOMIC_SEQ_CST) - finished > 1 ||
	       pass == TIME_LIMIT_MS / 5;
}

static int migrate(struct guest *guest, struct vhost_queue *const *queue, unsigned int queues,
		   struct outcome *outcome)
{
	struct log_setup *log = guest->log;
	unsigned int finished = __atomic_load_n(&guest->finished, __ATOMIC_SEQ_CST);
	unsigned int pass, i;
	int err;

	err = guest->switch_log(guest->device, true);
	log_copy(log, true);
	/* Behind an IOTLB, which begins empty, the driver may be slow to go on. */
	for (pass = 0; pass < 5 || !has_gone_on(guest, finished, pass); pass++) {
		usleep(5000);
		outcome->logged += log_count(log);
		log_copy(log, false);
	}
	pthread_mutex_lock(&guest->lock);
	if (!err)
		err = guest->stop(guest->device);
	outcome->logged += log_count(log);
	log_copy(log, false);
	outcome->different += log_different(log);
	for (i = 0; i < queues; i++)
		outcome->different += log_missing_descriptors(log, queue[i]);
	if (!err)
		err = guest->start(guest->device);
	pthread_mutex_unlock(&guest->lock);
	if (!err)
		err = guest->switch_log(guest->device, false);
	/* All that was under way has been completed and logged. */
	log_copy(log, false);
	usleep(5000);
	outcome->stray += log_count(log);
	return err;
}

static int migrate_again_and_again(struct guest *guest, struct vhost_queue *const *queue,
				   unsigned int queues, struct outcome *outcome)
{
	unsigned int round;
	pthread_t thread;
	int err;

	*outcome = (struct outcome) {};
	pthread_mutex_init(&guest->lock, NULL);
	err = -pthread_create(&thread, NULL, drive, guest);
	if (err)
		return err;
	for (round = 0; round < 5 && !err; round++)
		err = migrate(guest, queue, queues, outcome);
	__atomic_store_n(&guest->end, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	return err ? err : guest->err;
}

FIXTURE(migrate_blk) {
	struct log_blk blk;
};

FIXTURE_VARIANT(migrate_blk) {
	struct log_blk_variant with;
};

FIXTURE_VARIANT_ADD(migrate_blk, split) {
	.with = { EVENT_INDEX, 65530, STORE_DELAYED },
};

FIXTURE_VARIANT_ADD(migrate_blk, split_iotlb) {
	.with = { IOTLB, 0, STORE_TMPFS, LOG_SWAP_PAGES },
};

FIXTURE_VARIANT_ADD(migrate_blk, packed) {
	.with = { PACKED, 1013, STORE_RAM_DISK },
};

FIXTURE_VARIANT_ADD(migrate_blk, packed_iotlb) {
	.with = { PACKED | EVENT_INDEX | IOTLB, 0x8000, STORE_DELAYED, LOG_SWAP_PAGES },
};

FIXTURE_SETUP(migrate_blk)
{
	ASSERT_EQ(0, log_blk_open(&self->blk, &variant->with));
}

FIXTURE_TEARDOWN(migrate_blk)
{
	log_blk_close(&self->blk);
}

static int blk_start(void *device)
{
	return log_blk_start(device);
}

static int blk_stop(void *device)
{
	return log_blk_stop(device);
}

static int blk_switch(void *device, bool on)
{
	return log_blk_switch(device, on);
}

static int blk_add_batch(struct guest *guest)
{
	struct log_blk *blk = guest->device;
	unsigned int n;
	int ret = 0;

	for (n = 0; n < LOG_BLK_BATCH && ret >= 0; n++)
		ret = log_blk_add_read(blk, n);
	vhost_queue_expose(&blk->queue);
	return ret < 0 ? ret : 0;
}

static int blk_finish(struct guest *guest)
{
	struct log_blk *blk = guest->device;

	return log_reap(&blk->queue, LOG_BLK_BATCH);
}

TEST_F_TIMEOUT(migrate_blk, reads, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct guest guest = {
		.log = &self->blk.log,
		.device = &self->blk,
		.start = blk_start,
		.stop = blk_stop,
		.switch_log = blk_switch,
		.add = blk_add_batch,
		.finish = blk_finish,
	};
	struct outcome outcome;

	ASSERT_EQ(0, migrate_again_and_again(&guest, &queue, 1, &outcome));
	EXPECT_NE(0, outcome.logged);
	EXPECT_EQ(0, outcome.different);
	EXPECT_EQ(0, outcome.stray);
}

FIXTURE(migrate_net) {
	struct log_net net;
};

FIXTURE_VARIANT(migrate_net) {
	struct net_variant with;
	unsigned int swap;
};

FIXTURE_VARIANT_ADD(migrate_net, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES, TAP, 0 },
};

FIXTURE_VARIANT_ADD(migrate_net, split) {
	.with = { VQHOST_NET, NET_FEATURES, TAP, 65530 },
};

FIXTURE_VARIANT_ADD(migrate_net, split_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | EVENT_INDEX | FEATURE(VIRTIO_F_IN_ORDER), TAP, 0 },
};

FIXTURE_VARIANT_ADD(migrate_net, split_iotlb) {
	.with = { VQHOST_NET, NET_FEATURES | IOTLB, TAP, 0 },
	.swap = LOG_SWAP_PAGES,
};

FIXTURE_VARIANT_ADD(migrate_net, packed) {
	.with = { VQHOST_NET, NET_FEATURES | PACKED | EVENT_INDEX, TAP, 0x8000 },
};

FIXTURE_VARIANT_ADD(migrate_net, packed_in_order) {
	.with = { VQHOST_NET, NET_FEATURES | PACKED | FEATURE(VIRTIO_F_IN_ORDER), TAP, 27 },
};

FIXTURE_VARIANT_ADD(migrate_net, packed_iotlb) {
	.with = { VQHOST_NET, NET_FEATURES | PACKED | IOTLB, TAP, 27 },
	.swap = LOG_SWAP_PAGES,
};

FIXTURE_SETUP(migrate_net)
{
	ASSERT_EQ(0, log_net_open(&self->net, &variant->with, variant->swap));
}

FIXTURE_TEARDOWN(migrate_net)
{
	log_net_close(&self->net);
}

static int net_start(void *device)
{
	return log_net_start(device);
}

static int net_stop(void *device)
{
	return log_net_stop(device);
}

static int net_switch(void *device, bool on)
{
	return log_net_switch(device, on);
}

static int net_add_batch(struct guest *guest)
{
	unsigned int lengths[LOG_NET_BATCH];
	struct log_net *net = guest->device;

	guest->received = log_net_add_batch(net, lengths);
	if (guest->received < 0)
		return guest->received;
	vhost_queue_expose(&net->net.rx);
	vhost_queue_expose(&net->net.tx);
	return log_net_send_batch(net, lengths, guest->batches++);
}

static int net_finish(struct guest *guest)
{
	struct log_net *net = guest->device;
	uint8_t frame[NET_FRAME_MAX];
	int err;

	err = log_reap(&net->net.rx, guest->received);
	if (!err)
		err = log_reap(&net->net.tx, LOG_NET_BATCH);
	while (recv(net->net.tap.socket, frame, sizeof(frame), 0) > 0)
		;
	return err;
}

/* Frames in both directions at once. */
TEST_F_TIMEOUT(migrate_net, frames, TEST_TIME_LIMIT)
{
	struct vhost_queue *queues[] = { &self->net.net.rx, &self->net.net.tx };
	struct guest guest = {
		.log = &self->net.log,
		.device = &self->net,
		.start = net_start,
		.stop = net_stop,
		.switch_log = net_switch,
		.add = net_add_batch,
		.finish = net_finish,
	};
	struct outcome outcome;

	ASSERT_EQ(0, migrate_again_and_again(&guest, queues, 2, &outcome));
	EXPECT_NE(0, outcome.logged);
	EXPECT_EQ(0, outcome.different);
	EXPECT_EQ(0, outcome.stray);
}

TEST_HARNESS_MAIN
