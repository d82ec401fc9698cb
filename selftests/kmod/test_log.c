// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log of a disk.  What is logged is compared with what has changed in
 * guest memory: nothing is missing, and nothing is there that was not written.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "blk_setup.h"
#include "log_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/* Requests at once: all that fit into the ring. */
#define BATCH 12U
#define PIECES 3U

/* A type that no device knows. */
#define UNKNOWN_TYPE 99

/* In pages of their own, which only the device writes to. */
#define STATUS(n) (GUEST_MEMORY + 0x1000 + (n) * 300ULL)
#define TABLE(n) (GUEST_BORDER(2) + 0x200000 + (n) * 0x1000ULL)

/* Two pages, the second one of which can be taken away. */
#define FAULTING (GUEST_BORDER(2) + 0x100000)

FIXTURE(log) {
	struct vhost_device device;
	struct vhost_queue queue;
	struct log_setup log;
	int store;
};

FIXTURE_VARIANT(log) {
	uint64_t features;
	uint16_t base;
	enum store store;
};

FIXTURE_VARIANT_ADD(log, split) {
	.store = STORE_DELAYED,
};

FIXTURE_VARIANT_ADD(log, split_event_index) {
	.features = FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
	.store = STORE_TMPFS,
};

FIXTURE_VARIANT_ADD(log, packed) {
	.features = FEATURE(VIRTIO_F_RING_PACKED),
	.base = 0x8000,
	.store = STORE_RAM_DISK,
};

FIXTURE_VARIANT_ADD(log, packed_event_index) {
	.features = FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 61,
	.store = STORE_DELAYED,
};

static unsigned int below(unsigned int limit)
{
	return random() % limit;
}

/* A content that is nowhere like elsewhere. */
static int fill_store(int fd)
{
	static uint8_t data[0x100000] __attribute__((aligned(4096)));
	unsigned int i;

	for (i = 0; i < BLK_SECTORS * SECTOR / sizeof(data); i++) {
		blk_pattern(data, sizeof(data), i * (sizeof(data) / SECTOR), i);
		if (pwrite(fd, data, sizeof(data), i * sizeof(data)) != sizeof(data))
			return -errno;
	}
	return 0;
}

FIXTURE_SETUP(log)
{
	srandom(1);
	self->store = store_open(variant->store, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, fill_store(self->store));
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK,
				       BLK_FEATURES | variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 1, BLK_QUEUE_SIZE,
				      variant->base));
	ASSERT_EQ(0, log_setup_open(&self->log, &self->device));
	ASSERT_EQ(0, log_move_ring(&self->log, &self->queue));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	log_note(&self->log, GUEST_MEMORY, 0x1000, LOG_DRIVER);
	log_note(&self->log, TABLE(0), BATCH * 0x1000, LOG_DRIVER);
}

FIXTURE_TEARDOWN(log)
{
	close(self->device.fd);
	self->device.fd = -1;
	log_ring_destroy(&self->queue);
	vhost_queue_close(&self->queue);
	log_setup_close(&self->log);
	vhost_device_close(&self->device);
	close(self->store);
}

static int log_on(struct log_setup *log, struct vhost_queue *queue)
{
	int err = log_all(log, true);

	return err ? err : log_ring(queue, true, log_device_area(queue));
}

static int log_off(struct log_setup *log, struct vhost_queue *queue)
{
	int err = log_all(log, false);

	return err ? err : log_ring(queue, false, 0);
}

/* As one chain in the ring, or in a table. */
static int add_chain(struct vhost_queue *queue, unsigned int n, struct driver_buffer *buffers,
		     unsigned int readable, unsigned int writable)
{
	struct vring_desc table[PIECES + 2];
	unsigned int count = readable + writable;

	if (below(2))
		return driver_ring_add(&queue->ring, buffers, readable, writable);
	driver_ring_fill_table(&queue->ring, table, buffers, readable, writable, NULL);
	guest_write(queue->device, TABLE(n), table, count * sizeof(table[0]));
	return driver_ring_add_table(&queue->ring, TABLE(n), count);
}

/* Request n with its data in these pieces.  Notes where the device may write. */
static int add_request(struct log_setup *log, struct vhost_queue *queue, unsigned int n,
		       uint32_t type, uint64_t sector, struct driver_buffer *data,
		       unsigned int pieces, bool writes)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct driver_buffer buffers[PIECES + 2];
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { type, 0, sector };
	unsigned int i;

	guest_write(log->device, BLK_HEADER(n), &header, sizeof(header));
	buffers[0] = (struct driver_buffer) { BLK_HEADER(n), sizeof(header) };
	memcpy(&buffers[1], data, pieces * sizeof(*data));
	buffers[pieces + 1] = (struct driver_buffer) { STATUS(n), 1 };
	log_note(log, STATUS(n), 1, LOG_DEVICE);
	for (i = 0; writes && i < pieces; i++)
		log_note(log, data[i].address, data[i].length, LOG_DEVICE);
	return add_chain(queue, n, buffers, in ? 1 : pieces + 1, in ? pieces + 1 : 1);
}

/* Cut some sectors into pieces of any length, apart from each other. */
static unsigned int cut(struct driver_buffer *data, unsigned int n, uint32_t length)
{
	uint64_t at = BLK_DATA(n) + (below(2) ? below(8) * SECTOR : below(0x1000));
	unsigned int pieces;
	uint32_t piece;

	for (pieces = 0; length; pieces++) {
		piece = pieces + 1 < PIECES ? 1 + below(length) : length;
		data[pieces] = (struct driver_buffer) { at, piece };
		at += piece + below(0x2000);
		length -= piece;
	}
	return pieces;
}

static int add_read(struct log_setup *log, struct vhost_queue *queue, unsigned int n)
{
	uint32_t length = (1 + below(32)) * SECTOR;
	struct driver_buffer data[PIECES];
	unsigned int pieces = cut(data, n, length);

	return add_request(log, queue, n, VIRTIO_BLK_T_IN,
			   below(BLK_SECTORS - length / SECTOR), data, pieces, true);
}

static int add_any(struct log_setup *log, struct vhost_queue *queue, unsigned int n)
{
	uint32_t length = (1 + below(32)) * SECTOR;
	struct driver_buffer data[PIECES];
	unsigned int pieces;

	switch (below(12)) {
	case 0:
		pieces = cut(data, n, length);
		return add_request(log, queue, n, VIRTIO_BLK_T_OUT, below(BLK_SECTORS / 2), data,
				   pieces, false);
	case 1:
		data[0] = (struct driver_buffer) { BLK_DATA(n) + below(0x2000), 20 };
		return add_request(log, queue, n, VIRTIO_BLK_T_GET_ID, 0, data, 1, true);
	case 2:
		/* Beyond the end. */
		pieces = cut(data, n, length);
		return add_request(log, queue, n, VIRTIO_BLK_T_IN, BLK_SECTORS - 1 + below(2) * 9,
				   data, pieces, length == SECTOR);
	case 3:
		pieces = cut(data, n, length - 1);
		return add_request(log, queue, n, VIRTIO_BLK_T_IN, 0, data, pieces, false);
	case 4:
		return add_request(log, queue, n, UNKNOWN_TYPE, 0, data, 0, false);
	default:
		return add_read(log, queue, n);
	}
}

static int reap(struct vhost_queue *queue, unsigned int count)
{
	int ret = vhost_queue_wait(queue, count);

	for (; ret >= 0 && count; count--)
		ret = driver_ring_reap(&queue->ring, NULL);
	return ret < 0 ? ret : 0;
}

/* Random requests, one batch after the other, the queue stopped in between. */
TEST_F_TIMEOUT(log, requests, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->log;
	struct driver_buffer faulting = { FAULTING + 0x1000 - SECTOR, 2 * SECTOR };
	void *taken = guest_pointer(&self->device, FAULTING + 0x1000);
	unsigned int round, n;

	ASSERT_EQ(0, log_on(log, &self->queue));
	for (round = 0; round < 8; round++) {
		for (n = 0; n < LOG_PAGES; n++)
			log->page[n] &= log->page[n] & LOG_DRIVER ? ~0 : ~LOG_DEVICE;
		log_note(log, log_device_area(&self->queue), 6 + 8 * BLK_QUEUE_SIZE, LOG_DEVICE);
		for (n = 0; n < BATCH - 1; n++)
			ASSERT_LE(0, add_any(log, &self->queue, n));
		/* Written in part, or not at all, and then no more. */
		ASSERT_LE(0, add_request(log, &self->queue, n, VIRTIO_BLK_T_IN, 8 * round,
					 &faulting, 1, true));
		log_begin(log);
		ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
		vhost_queue_expose(&self->queue);
		ASSERT_EQ(0, reap(&self->queue, BATCH));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, *(uint8_t *)guest_pointer(&self->device, STATUS(n)));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, &self->queue));
		EXPECT_EQ(0, log_superfluous(log));
		if (!driver_ring_is_packed(&self->queue.ring))
			EXPECT_TRUE(log_is_set(log, log_device_area(&self->queue)));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	}
	EXPECT_NE(0, eventfd_take(log->event));
	/* Switched off, nothing is logged, and nobody told. */
	ASSERT_EQ(0, log_off(log, &self->queue));
	eventfd_take(log->event);
	log_begin(log);
	ASSERT_LE(0, add_read(log, &self->queue, 0));
	vhost_queue_expose(&self->queue);
	ASSERT_EQ(0, reap(&self->queue, 1));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	EXPECT_EQ(0, log_count(log));
	EXPECT_EQ(0, eventfd_take(log->event));
}

/* What is written again after its bit was taken away is logged again. */
TEST_F_TIMEOUT(log, again, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { BLK_DATA(0), 0x2000 };
	struct log_setup *log = &self->log;
	unsigned int i;

	ASSERT_EQ(0, log_on(log, &self->queue));
	for (i = 0; i < 5; i++) {
		ASSERT_LE(0, add_request(log, &self->queue, 0, VIRTIO_BLK_T_IN, 0, &data, 1, true));
		log_begin(log);
		eventfd_take(log->event);
		vhost_queue_expose(&self->queue);
		ASSERT_EQ(0, reap(&self->queue, 1));
		/* Data and status before the driver sees them used, the ring soon after. */
		EXPECT_TRUE(log_is_set(log, data.address));
		EXPECT_TRUE(log_is_set(log, data.address + 0x1000));
		EXPECT_TRUE(log_is_set(log, STATUS(0)));
		EXPECT_NE(0, eventfd_wait(log->event, TIME_LIMIT_MS));
	}
}

/* What a migration has besides the monitor: a driver that goes on. */
struct traffic {
	struct log_setup *log;
	struct vhost_queue *queue;
	pthread_mutex_t lock;	/* held while the driver touches guest memory */
	bool stop;
	int err;
};

static void *drive(void *data)
{
	struct traffic *traffic = data;
	struct vhost_queue *queue = traffic->queue;
	unsigned int n, count;
	int err = 0;

	while (!err && !__atomic_load_n(&traffic->stop, __ATOMIC_SEQ_CST)) {
		count = 1 + below(BATCH);
		pthread_mutex_lock(&traffic->lock);
		for (n = 0; n < count && err >= 0; n++)
			err = add_read(traffic->log, queue, n);
		vhost_queue_expose(queue);
		pthread_mutex_unlock(&traffic->lock);
		/* Here the queue may be stopped, and go on later. */
		err = err < 0 ? err : reap(queue, count);
	}
	traffic->err = err;
	return NULL;
}

/*
 * Log on, copy all, copy what is logged, stop, copy the rest: then the copy is
 * what guest memory is.  Several times, under traffic that goes on while the log
 * is switched on and off.
 */
TEST_F_TIMEOUT(log, migrate, TEST_TIME_LIMIT)
{
	struct traffic traffic = { .log = &self->log, .queue = &self->queue };
	struct log_setup *log = &self->log;
	unsigned int round, pass, logged = 0;
	pthread_t thread;

	pthread_mutex_init(&traffic.lock, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, drive, &traffic));
	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, log_on(log, &self->queue));
		log_copy(log, true);
		for (pass = 0; pass < 5; pass++) {
			usleep(5000);
			log_copy(log, false);
		}
		pthread_mutex_lock(&traffic.lock);
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		logged += log_count(log);
		log_copy(log, false);
		EXPECT_EQ(0, log_different(log));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
		pthread_mutex_unlock(&traffic.lock);
		ASSERT_EQ(0, log_off(log, &self->queue));
		/* All that was under way has been completed and logged. */
		log_copy(log, false);
		usleep(5000);
		EXPECT_EQ(0, log_count(log));
	}
	EXPECT_NE(0, logged);
	__atomic_store_n(&traffic.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, traffic.err);
}

/* Returns the error of a queue that breaks, or -ETIMEDOUT. */
static int broken(struct vhost_queue *queue)
{
	struct vqhost_vring_stats stats;

	if (!eventfd_wait(queue->error, TIME_LIMIT_MS))
		return -ETIMEDOUT;
	return vhost_queue_stats(queue, &stats) ? -errno : (int)stats.error;
}

/* Takes the bitmap away or makes it readonly, for one kind of writes at a time. */
TEST_F_TIMEOUT(log, bitmap_taken_away, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->log;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, i & 1 ? log_all(log, true) :
				     log_ring(&self->queue, true, log_device_area(&self->queue)));
		ASSERT_LE(0, add_read(log, &self->queue, 0));
		ASSERT_EQ(0, mprotect(log->area, LOG_AREA_SIZE, i & 2 ? PROT_READ : PROT_NONE));
		vhost_queue_expose(&self->queue);
		EXPECT_EQ(VIRTQUEUE_LOG, broken(&self->queue));
		/* Where nothing is logged, it can go on anew. */
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		ASSERT_EQ(0, mprotect(log->area, LOG_AREA_SIZE, PROT_READ | PROT_WRITE));
		log_ring_destroy(&self->queue);
		ASSERT_EQ(0, vhost_queue_reset(&self->queue, variant->base));
		ASSERT_EQ(0, log_move_ring(log, &self->queue));
		ASSERT_EQ(0, log_off(log, &self->queue));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
		ASSERT_LE(0, add_read(log, &self->queue, 0));
		vhost_queue_expose(&self->queue);
		ASSERT_EQ(0, reap(&self->queue, 1));
	}
	/* Unmapped under traffic: nothing of ours comes back there. */
	ASSERT_EQ(0, log_on(log, &self->queue));
	ASSERT_EQ(0, munmap(log->area, LOG_AREA_SIZE));
	for (i = 0; i < BATCH; i++)
		ASSERT_LE(0, add_read(log, &self->queue, i));
	vhost_queue_expose(&self->queue);
	EXPECT_EQ(VIRTQUEUE_LOG, broken(&self->queue));
}

/*
 * CVE-2019-14835: a chain whose descriptors make the device note more to be logged
 * than it has room for.  Whatever the chain, nothing outside the bitmap's part for
 * guest memory is written to.
 */
TEST_F_TIMEOUT(log, v_ghost, TEST_TIME_LIMIT)
{
	const unsigned int entries = 4 * BLK_QUEUE_SIZE;
	struct driver_buffer buffers[4 * BLK_QUEUE_SIZE];
	struct vring_desc table[4 * BLK_QUEUE_SIZE];
	struct log_setup *log = &self->log;
	static const uint32_t lengths[] = { 0, 1, 0x800000, 0xffffffff };
	unsigned int i, k;

	log_note(log, GUEST_BORDER(0), GUEST_MEMORY_SIZE, LOG_DEVICE);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, log_on(log, &self->queue));
		buffers[0] = (struct driver_buffer) { BLK_HEADER(0), 16 };
		for (k = 1; k < entries; k++)
			buffers[k] = (struct driver_buffer) { GUEST_BORDER(k % 4), lengths[i] };
		memset(guest_pointer(&self->device, BLK_HEADER(0)), 0, 16);
		driver_ring_fill_table(&self->queue.ring, table, buffers, 1, entries - 1, NULL);
		guest_write(&self->device, TABLE(0), table, sizeof(table));
		ASSERT_LE(0, driver_ring_add_table(&self->queue.ring, TABLE(0), entries));
		vhost_queue_expose(&self->queue);
		/* Of zero length, or too long a chain. */
		EXPECT_EQ(lengths[i] ? VIRTQUEUE_CHAIN_LENGTH : VIRTQUEUE_ZERO_LENGTH,
			  broken(&self->queue));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
		EXPECT_EQ(0, log_superfluous(log));
		log_ring_destroy(&self->queue);
		ASSERT_EQ(0, vhost_queue_reset(&self->queue, variant->base));
		ASSERT_EQ(0, log_move_ring(log, &self->queue));
		ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
	}
}

/* A device area that the owner says lies outside guest memory is not logged there. */
TEST_F_TIMEOUT(log, ring_outside_memory, TEST_TIME_LIMIT)
{
	static const uint64_t addresses[] = {
		0, GUEST_MEMORY - 0x1000, GUEST_MEMORY - 0x40000,
		GUEST_MEMORY + GUEST_MEMORY_SIZE, GUEST_MEMORY + GUEST_MEMORY_SIZE + 0x100000,
	};
	struct log_setup *log = &self->log;
	struct vqhost_vring_stats stats;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		ASSERT_EQ(0, log_ring(&self->queue, true, addresses[i]));
		ASSERT_LE(0, add_read(log, &self->queue, 0));
		vhost_queue_expose(&self->queue);
		ASSERT_EQ(0, reap(&self->queue, 1));
	}
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, -1, 0));
	EXPECT_EQ(0, log_superfluous(log));
	ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
	EXPECT_EQ(0, stats.error);
}

/* The owner has mapped a page twice: the guest sees what is written in both places. */
TEST_F_TIMEOUT(log, two_places, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { BLK_DATA(0), 0x1000 };
	struct log_setup *log = &self->log;
	uint64_t second = GUEST_MEMORY - 0x10000;
	struct vhost_memory *table;
	unsigned int page = second / LOG_PAGE;

	table = calloc(1, sizeof(*table) + 2 * sizeof(table->regions[0]));
	ASSERT_NE(NULL, table);
	table->nregions = 2;
	table->regions[0] = (struct vhost_memory_region) {
		.guest_phys_addr = GUEST_MEMORY,
		.memory_size = GUEST_REGION_SIZE,
		.userspace_addr = (uintptr_t)guest_pointer(&self->device, GUEST_MEMORY),
	};
	table->regions[1] = (struct vhost_memory_region) {
		.guest_phys_addr = second,
		.memory_size = 0x1000,
		.userspace_addr = (uintptr_t)guest_pointer(&self->device, data.address),
	};
	ASSERT_EQ(0, ioctl(self->device.fd, VHOST_SET_MEM_TABLE, table));
	free(table);
	ASSERT_EQ(0, log_all(log, true));
	ASSERT_LE(0, blk_add_pieces(&self->queue, 0, VIRTIO_BLK_T_IN, 0, &data, 1));
	vhost_queue_expose(&self->queue);
	ASSERT_EQ(0, reap(&self->queue, 1));
	EXPECT_TRUE(log_is_set(log, data.address));
	EXPECT_TRUE(log->bitmap[page / 8] & 1 << page % 8);
}

TEST_HARNESS_MAIN
