// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of every type through a disk, on every kind of store, and what they
 * leave there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "blk_setup.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (2 * TIME_LIMIT_MS / 1000)

FIXTURE(blk) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
	uint8_t *pattern;
	uint8_t *found;
};

FIXTURE_VARIANT(blk) {
	enum store store;
	uint64_t features;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(blk, tmpfs) {
	.store = STORE_TMPFS,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
};

FIXTURE_VARIANT_ADD(blk, ext4) {
	.store = STORE_EXT4,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, ram_disk) {
	.store = STORE_RAM_DISK,
	.features = BLK_FEATURES,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, delayed) {
	.store = STORE_DELAYED,
	.features = BLK_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 65530,
};

FIXTURE_VARIANT_ADD(blk, packed_ram_disk) {
	.store = STORE_RAM_DISK,
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.base = 0x8000,
};

/* Completions in any order, in the second round. */
FIXTURE_VARIANT_ADD(blk, packed_delayed) {
	.store = STORE_DELAYED,
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED) |
		    FEATURE(VIRTIO_RING_F_EVENT_IDX),
	.base = 5,
};

FIXTURE_SETUP(blk)
{
	self->pattern = malloc(2 * BLK_DATA_MAX);
	ASSERT_NE(NULL, self->pattern);
	self->found = self->pattern + BLK_DATA_MAX;
	self->store = store_open(variant->store, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, BLK_QUEUE_SIZE,
				      variant->base));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(blk)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
	free(self->pattern);
}

/* What the store holds, read past the device. */
static bool stored(int store, const uint8_t *expected, uint32_t length, uint64_t sector)
{
	void *buffer;
	bool same;

	if (posix_memalign(&buffer, 4096, length))
		return false;
	same = pread(store, buffer, length, sector * SECTOR) == (ssize_t)length &&
	       !memcmp(buffer, expected, length);
	free(buffer);
	return same;
}

TEST_F_TIMEOUT(blk, write_and_read, TEST_TIME_LIMIT)
{
	static const struct {
		uint64_t sector;
		uint32_t length;
	} cases[] = {
		{ 0, SECTOR }, { 1, SECTOR }, { 7, 3 * SECTOR }, { 8, 4096 }, { 13, 4096 },
		{ 100, BLK_DATA_MAX }, { BLK_SECTORS - 1, SECTOR }, { BLK_SECTORS - 8, 4096 },
	};
	struct vhost_queue *queue = &self->queue;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t sector = cases[i].sector;
		uint32_t length = cases[i].length;

		blk_pattern(self->pattern, length, sector, i);
		guest_write(&self->device, BLK_DATA(0), self->pattern, length);
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_OUT, sector, length));
		ASSERT_TRUE(stored(self->store, self->pattern, length, sector));

		memset(self->found, 0, length);
		guest_write(&self->device, BLK_DATA(0), self->found, length);
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, sector, length));
		guest_read(&self->device, self->found, BLK_DATA(0), length);
		ASSERT_EQ(0, memcmp(self->pattern, self->found, length)) {
			TH_LOG("%u bytes at sector %llu", length, (unsigned long long)sector);
		}
	}
}

/* The ring full, over and over; used lengths count data and status. */
TEST_F_TIMEOUT(blk, full_ring, TEST_TIME_LIMIT)
{
	const unsigned int requests = BLK_QUEUE_SIZE / 3;
	struct vhost_queue *queue = &self->queue;
	unsigned int round, i, n;
	int heads[BLK_QUEUE_SIZE];
	uint32_t written;
	int head;

	for (round = 0; round < 6; round++) {
		bool writes = !(round & 1);

		for (n = 0; n < requests; n++) {
			blk_pattern(self->pattern, 4096, 8 * n, round / 2);
			if (!writes)
				memset(self->pattern, 0, 4096);
			guest_write(&self->device, BLK_DATA(n), self->pattern, 4096);
			heads[n] = blk_add(queue, n, writes ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
					   8 * n, 4096);
			ASSERT_LE(0, heads[n]);
		}
		vhost_queue_expose(queue);
		ASSERT_EQ(0, vhost_queue_wait(queue, requests));
		for (i = 0; i < requests; i++) {
			head = driver_ring_reap(&queue->ring, &written);
			ASSERT_LE(0, head);
			EXPECT_EQ(writes ? 1 : 4096 + 1, written);
		}
		for (n = 0; n < requests; n++) {
			ASSERT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, n));
			blk_pattern(self->pattern, 4096, 8 * n, round / 2);
			guest_read(&self->device, self->found, BLK_DATA(n), 4096);
			ASSERT_EQ(0, memcmp(self->pattern, self->found, 4096));
		}
	}
}

/* Buffers at odd addresses and of odd lengths, across a border of memory. */
TEST_F_TIMEOUT(blk, odd_pieces, TEST_TIME_LIMIT)
{
	uint64_t start = GUEST_BORDER(2) - 1001;
	struct driver_buffer pieces[] = {
		{ start, 1 }, { start + 1, 511 }, { start + 512, 1000 }, { start + 1512, 3 },
		{ start + 1515, 4 * SECTOR - 1515 },
	};
	struct vhost_queue *queue = &self->queue;

	blk_pattern(self->pattern, 4 * SECTOR, 50, 9);
	guest_write(&self->device, start, self->pattern, 4 * SECTOR);
	ASSERT_LE(0, blk_add_pieces(queue, 0, VIRTIO_BLK_T_OUT, 50, pieces, ARRAY_SIZE(pieces)));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	EXPECT_TRUE(stored(self->store, self->pattern, 4 * SECTOR, 50));

	memset(self->found, 0, 4 * SECTOR);
	guest_write(&self->device, start, self->found, 4 * SECTOR);
	ASSERT_LE(0, blk_add_pieces(queue, 0, VIRTIO_BLK_T_IN, 50, pieces, ARRAY_SIZE(pieces)));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	guest_read(&self->device, self->found, start, 4 * SECTOR);
	EXPECT_EQ(0, memcmp(self->pattern, self->found, 4 * SECTOR));
}

/* Header, data and status in one readable and one writable buffer. */
TEST_F_TIMEOUT(blk, header_and_data_together, TEST_TIME_LIMIT)
{
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
		uint8_t data[SECTOR];
	} out = { htole32(VIRTIO_BLK_T_OUT), 0, htole64(60) };
	struct driver_buffer write[] = {
		{ GUEST_BORDER(3) - 7, sizeof(out) }, { GUEST_MEMORY, 1 },
	};
	struct driver_buffer read[] = {
		{ GUEST_BORDER(3) - 7, 5 }, { GUEST_BORDER(3) - 2, 11 },
		{ GUEST_MEMORY + 0x1001, SECTOR + 1 },
	};
	struct vhost_queue *queue = &self->queue;
	uint8_t status = 0xff;
	uint32_t written;

	blk_pattern(out.data, SECTOR, 60, 5);
	guest_write(&self->device, write[0].address, &out, sizeof(out));
	guest_write(&self->device, GUEST_MEMORY, &status, 1);
	ASSERT_LE(0, driver_ring_add(&queue->ring, write, 1, 1));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
	guest_read(&self->device, &status, GUEST_MEMORY, 1);
	EXPECT_EQ(VIRTIO_BLK_S_OK, status);
	EXPECT_TRUE(stored(self->store, out.data, SECTOR, 60));

	out.type = htole32(VIRTIO_BLK_T_IN);
	guest_write(&self->device, read[0].address, &out, 16);
	status = 0xff;
	guest_write(&self->device, read[2].address + SECTOR, &status, 1);
	ASSERT_LE(0, driver_ring_add(&queue->ring, read, 2, 1));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	ASSERT_LE(0, driver_ring_reap(&queue->ring, &written));
	EXPECT_EQ(SECTOR + 1, written);
	guest_read(&self->device, self->found, read[2].address, SECTOR + 1);
	EXPECT_EQ(0, memcmp(out.data, self->found, SECTOR));
	EXPECT_EQ(VIRTIO_BLK_S_OK, self->found[SECTOR]);
}

/* A request of 60 buffers in an indirect table, in no order. */
TEST_F_TIMEOUT(blk, indirect, TEST_TIME_LIMIT)
{
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { htole32(VIRTIO_BLK_T_OUT), 0, htole64(200) };
	uint64_t table_address = GUEST_MEMORY + 0x20008;
	struct driver_buffer buffers[62];
	struct vring_desc table[62];
	uint16_t order[62];
	struct vhost_queue *queue = &self->queue;
	unsigned int i;

	blk_pattern(self->pattern, 60 * SECTOR, 200, 3);
	guest_write(&self->device, BLK_HEADER(0), &header, sizeof(header));
	buffers[0] = (struct driver_buffer) { BLK_HEADER(0), 16 };
	buffers[61] = (struct driver_buffer) { BLK_STATUS(0), 1 };
	for (i = 0; i < 60; i++) {
		buffers[1 + i] = (struct driver_buffer) { BLK_DATA(0) + 1024 * i, SECTOR };
		guest_write(&self->device, buffers[1 + i].address, self->pattern + SECTOR * i,
			    SECTOR);
	}
	for (i = 0; i < 62; i++)
		order[i] = i ? 62 - i : 0;
	driver_ring_fill_table(&queue->ring, table, buffers, 61, 1, order);
	guest_write(&self->device, table_address, table, sizeof(table));
	ASSERT_LE(0, driver_ring_add_table(&queue->ring, table_address, 62));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, vhost_queue_wait(queue, 1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
	EXPECT_TRUE(stored(self->store, self->pattern, 60 * SECTOR, 200));
}

TEST_F_TIMEOUT(blk, beyond_the_end, TEST_TIME_LIMIT)
{
	static const struct {
		uint64_t sector;
		uint32_t length;
		int status;
	} cases[] = {
		{ BLK_SECTORS - 8, 4096, VIRTIO_BLK_S_OK },
		{ BLK_SECTORS - 7, 4096, VIRTIO_BLK_S_IOERR },
		{ BLK_SECTORS, SECTOR, VIRTIO_BLK_S_IOERR },
		{ 1ULL << 55, SECTOR, VIRTIO_BLK_S_IOERR },
		{ ~0ULL, SECTOR, VIRTIO_BLK_S_IOERR },
		{ ~0ULL - 6, 4096, VIRTIO_BLK_S_IOERR },
		{ 0, 100, VIRTIO_BLK_S_IOERR },
		{ 0, SECTOR, VIRTIO_BLK_S_OK },
	};
	struct vqhost_vring_stats stats;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].status, blk_do(&self->queue, VIRTIO_BLK_T_IN, cases[i].sector,
						  cases[i].length))
			TH_LOG("case %u", i);
		EXPECT_EQ(cases[i].status, blk_do(&self->queue, VIRTIO_BLK_T_OUT, cases[i].sector,
						  cases[i].length))
			TH_LOG("case %u", i);
	}
	ASSERT_EQ(0, vhost_queue_stats(&self->queue, &stats));
	EXPECT_EQ(2 * (ARRAY_SIZE(cases) - 2), stats.errors);
	EXPECT_EQ(0, stats.error);
	EXPECT_EQ(16 * SECTOR + 2 * SECTOR, stats.bytes);
}

TEST_F_TIMEOUT(blk, other_types, TEST_TIME_LIMIT)
{
	struct vqhost_blk_serial serial = { "twenty bytes exactly" };
	struct vhost_queue *queue = &self->queue;

	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_FLUSH, 0, 0));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(queue, VIRTIO_BLK_T_SECURE_ERASE, 0, 16));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(queue, 0x12345678, 0, 16));

	memset(self->found, 0xff, 32);
	guest_write(&self->device, BLK_DATA(0), self->found, 32);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_GET_ID, 0, 20));
	guest_read(&self->device, self->found, BLK_DATA(0), 21);
	EXPECT_EQ(0, self->found[0]);
	EXPECT_EQ(0xff, self->found[20]);
	ASSERT_EQ(0, ioctl(self->device.fd, VQHOST_BLK_SET_SERIAL, &serial));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_GET_ID, 0, 32));
	guest_read(&self->device, self->found, BLK_DATA(0), 21);
	EXPECT_EQ(0, memcmp("twenty bytes exactly\xff", self->found, 21));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_GET_ID, 0, 5));
}

/* One range of a discard or write zeroes. */
static int do_range(struct vhost_queue *queue, uint32_t type, uint64_t sector, uint32_t sectors,
		    uint32_t flags)
{
	struct {
		uint64_t sector;
		uint32_t sectors;
		uint32_t flags;
	} range = { htole64(sector), htole32(sectors), htole32(flags) };

	guest_write(queue->device, BLK_DATA(0), &range, sizeof(range));
	return blk_do(queue, type, 0, sizeof(range));
}

TEST_F_TIMEOUT(blk, write_zeroes_and_discard, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	uint32_t unmap;

	for (unmap = 0; unmap < 2; unmap++) {
		blk_pattern(self->pattern, 64 * SECTOR, 300, unmap);
		guest_write(&self->device, BLK_DATA(0), self->pattern, 64 * SECTOR);
		ASSERT_EQ(VIRTIO_BLK_S_OK,
			  blk_do(queue, VIRTIO_BLK_T_OUT, 300, 64 * SECTOR));
		/* Neither end is that of a page. */
		EXPECT_EQ(VIRTIO_BLK_S_OK,
			  do_range(queue, VIRTIO_BLK_T_WRITE_ZEROES, 303, 50, unmap));
		memset(self->pattern + 3 * SECTOR, 0, 50 * SECTOR);
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 300, 64 * SECTOR));
		guest_read(&self->device, self->found, BLK_DATA(0), 64 * SECTOR);
		EXPECT_EQ(0, memcmp(self->pattern, self->found, 64 * SECTOR));
	}
	/* What lies around a discard is kept. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, do_range(queue, VIRTIO_BLK_T_DISCARD, 304, 40, 0));
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 300, 64 * SECTOR));
	guest_read(&self->device, self->found, BLK_DATA(0), 64 * SECTOR);
	EXPECT_EQ(0, memcmp(self->pattern, self->found, 4 * SECTOR));
	EXPECT_EQ(0, memcmp(self->pattern + 44 * SECTOR, self->found + 44 * SECTOR, 20 * SECTOR));

	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, do_range(queue, VIRTIO_BLK_T_DISCARD, 0, 8, 1));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, do_range(queue, VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR,
		  do_range(queue, VIRTIO_BLK_T_DISCARD, BLK_SECTORS - 1, 2, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR,
		  do_range(queue, VIRTIO_BLK_T_WRITE_ZEROES, ~0ULL, 2, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(queue, VIRTIO_BLK_T_DISCARD, 0, 15));
}

TEST_F_TIMEOUT(blk, readonly, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	int store;

	blk_pattern(self->pattern, 4096, 8, 77);
	guest_write(&self->device, BLK_DATA(0), self->pattern, 4096);
	ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_OUT, 8, 4096));

	store = store_open(variant->store, O_RDONLY);
	ASSERT_LE(0, store);
	EXPECT_EQ(-EBADF, vhost_queue_blk_backend(queue, store, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(queue, store, VQHOST_BLK_READONLY));
	close(store);
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(queue, VIRTIO_BLK_T_OUT, 0, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, do_range(queue, VIRTIO_BLK_T_DISCARD, 8, 8, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, do_range(queue, VIRTIO_BLK_T_WRITE_ZEROES, 8, 8, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_FLUSH, 0, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(queue, VIRTIO_BLK_T_IN, 8, 4096));
	guest_read(&self->device, self->found, BLK_DATA(0), 4096);
	EXPECT_EQ(0, memcmp(self->pattern, self->found, 4096));
	EXPECT_TRUE(stored(self->store, self->pattern, 4096, 8));
}

/*
 * Stopped with requests under way: what was taken has completed when the call
 * returns, the rest is taken after the next start; each exactly once.
 */
TEST_F_TIMEOUT(blk, stop_and_start, TEST_TIME_LIMIT)
{
	const unsigned int requests = BLK_QUEUE_SIZE / 3;
	struct vhost_queue *queue = &self->queue;
	unsigned int round, n, done;
	int64_t base;

	for (round = 0; round < 8; round++) {
		for (n = 0; n < requests; n++) {
			blk_pattern(self->pattern, 4096, 8 * n, round);
			guest_write(&self->device, BLK_DATA(n), self->pattern, 4096);
			ASSERT_LE(0, blk_add(queue, n, VIRTIO_BLK_T_OUT, 8 * n, 4096));
		}
		vhost_queue_expose(queue);
		usleep(round * 300);
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, -1, 0));
		base = vhost_queue_get_base(queue);
		ASSERT_EQ(driver_ring_device_base(&queue->ring), base);
		for (n = 0, done = 0; n < requests; n++)
			done += blk_status(queue, n) == VIRTIO_BLK_S_OK;
		EXPECT_EQ(driver_ring_used(&queue->ring), done);
		ASSERT_EQ(0, vhost_queue_set_base(queue, base));
		ASSERT_EQ(0, vhost_queue_blk_backend(queue, self->store, 0));
		ASSERT_EQ(0, vhost_queue_wait(queue, requests));
		for (n = 0; n < requests; n++) {
			ASSERT_LE(0, driver_ring_reap(&queue->ring, NULL));
			blk_pattern(self->pattern, 4096, 8 * n, round);
			ASSERT_TRUE(stored(self->store, self->pattern, 4096, 8 * n));
		}
	}
}

#define QUEUES 4

struct worker {
	struct vhost_queue queue;
	unsigned int number;
	bool ok;
};

/* Write and read back in a part of the disk of one's own. */
static void *use_queue(void *argument)
{
	struct worker *worker = argument;
	struct vhost_queue *queue = &worker->queue;
	unsigned int slot = 40 + worker->number;
	uint8_t pattern[4096], found[4096];
	unsigned int i, seed;
	uint64_t sector;
	bool ok = true;

	for (i = 0; ok && i < 60; i++) {
		seed = worker->number * 1000 + i / 2;
		sector = 4096 * worker->number + 8 * (i / 2);
		blk_pattern(pattern, sizeof(pattern), sector, seed);
		if (!(i & 1))
			guest_write(queue->device, BLK_DATA(slot), pattern, sizeof(pattern));
		ok = blk_add(queue, slot, i & 1 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, sector,
			     sizeof(pattern)) >= 0;
		vhost_queue_expose(queue);
		ok = ok && !vhost_queue_wait(queue, 1) &&
		     driver_ring_reap(&queue->ring, NULL) >= 0 &&
		     blk_status(queue, slot) == VIRTIO_BLK_S_OK;
		guest_read(queue->device, found, BLK_DATA(slot), sizeof(found));
		ok = ok && !memcmp(pattern, found, sizeof(found));
		memset(found, 0, sizeof(found));
		guest_write(queue->device, BLK_DATA(slot), found, sizeof(found));
	}
	worker->ok = ok;
	return NULL;
}

TEST_F_TIMEOUT(blk, many_queues, TEST_TIME_LIMIT)
{
	static struct worker workers[QUEUES];
	pthread_t threads[QUEUES];
	struct vqhost_vring_stats stats;
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		workers[i].number = i;
		/* The last one that there can be, too. */
		ASSERT_EQ(0, vhost_queue_open(&workers[i].queue, &self->device,
					      i + 1 < QUEUES ? i + 1 : VQHOST_BLK_QUEUES_MAX - 1,
					      8, variant->base));
		ASSERT_EQ(0, vhost_queue_blk_backend(&workers[i].queue, self->store, 0));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, use_queue, &workers[i]));
	}
	for (i = 0; i < QUEUES; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_TRUE(workers[i].ok);
		ASSERT_EQ(0, vhost_queue_stats(&workers[i].queue, &stats));
		EXPECT_EQ(60, stats.chains);
		EXPECT_EQ(60 * 4096, stats.bytes);
		EXPECT_EQ(0, stats.errors);
		ASSERT_EQ(0, vhost_queue_blk_backend(&workers[i].queue, -1, 0));
		vhost_queue_close(&workers[i].queue);
	}
}

FIXTURE(out_of_order) {
	struct vhost_device device;
	struct vhost_queue queue;
	int store;
};

FIXTURE_VARIANT(out_of_order) {
	uint64_t features;
	unsigned int size;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(out_of_order, split) {
	.features = BLK_FEATURES,
	.size = 16,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(out_of_order, packed) {
	.features = BLK_FEATURES | FEATURE(VIRTIO_F_RING_PACKED),
	.size = 11,
	.base = 0x8000 | 9,
};

FIXTURE_SETUP(out_of_order)
{
	self->store = store_open(STORE_DELAYED, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, variant->features));
	ASSERT_EQ(0, vhost_queue_open(&self->queue, &self->device, 0, variant->size,
				      variant->base));
	ASSERT_EQ(0, vhost_queue_blk_backend(&self->queue, self->store, 0));
}

FIXTURE_TEARDOWN(out_of_order)
{
	vhost_device_close(&self->device);
	vhost_queue_close(&self->queue);
	close(self->store);
}

/* A slow request does not hold up a quick one that came later. */
TEST_F_TIMEOUT(out_of_order, quick_after_slow, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->queue;
	int read, id, n;

	for (n = 0; n < 10; n++) {
		read = blk_add(queue, 0, VIRTIO_BLK_T_IN, 0, SECTOR);
		id = blk_add(queue, 1, VIRTIO_BLK_T_GET_ID, 0, 20);
		ASSERT_LE(0, read);
		ASSERT_LE(0, id);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, vhost_queue_wait(queue, 2));
		EXPECT_EQ(id, driver_ring_reap(&queue->ring, NULL));
		EXPECT_EQ(read, driver_ring_reap(&queue->ring, NULL));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 0));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(queue, 1));
	}
}

/* A file that was cut off after it was set: its missing part cannot be read. */
TEST(blk_store_shrinks)
{
	char path[] = "/tmp/vqhost.XXXXXX";
	struct vhost_device device;
	struct vhost_queue queue;
	int store = mkstemp(path);

	ASSERT_LE(0, store);
	unlink(path);
	ASSERT_EQ(0, ftruncate(store, 1 << 20));
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, store, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 2000, 4096));
	ASSERT_EQ(0, ftruncate(store, 1 << 19));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&queue, VIRTIO_BLK_T_IN, 2000, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 0, 4096));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	close(store);
}

/* Another store on a running queue: requests go there from then on. */
TEST(blk_store_replaced)
{
	struct vhost_device device;
	struct vhost_queue queue;
	uint8_t old[4096], new[4096], found[4096];
	int stores[2];

	stores[0] = store_open(STORE_RAM_DISK, O_RDWR);
	stores[1] = store_open(STORE_TMPFS, O_RDWR);
	ASSERT_LE(0, stores[0]);
	ASSERT_LE(0, stores[1]);
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	blk_pattern(old, sizeof(old), 0, 1);
	blk_pattern(new, sizeof(new), 0, 2);
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[0], 0));
	guest_write(&device, BLK_DATA(0), old, sizeof(old));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 0, sizeof(old)));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[1], 0));
	guest_write(&device, BLK_DATA(0), new, sizeof(new));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 0, sizeof(new)));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[0], 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 0, sizeof(old)));
	guest_read(&device, found, BLK_DATA(0), sizeof(found));
	EXPECT_EQ(0, memcmp(old, found, sizeof(found)));
	EXPECT_TRUE(stored(stores[1], new, sizeof(new), 0));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
}

/* Whatever was written keeps the file system from being frozen no longer than it takes. */
TEST(blk_freeze_after_writes)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = 8, .num_sectors = 8 };
	int file = store_open(STORE_EXT4, O_RDWR);
	struct driver_buffer odd = { BLK_DATA(0) + 1, 4096 };
	struct vhost_device device;
	struct vhost_queue queue;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, file, 0));
	/* Queued twice: into a hole, and over what is there; then past direct I/O. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 64, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 64, 4096));
	ASSERT_LE(0, blk_add_pieces(&queue, 0, VIRTIO_BLK_T_OUT, 64, &odd, 1));
	vhost_queue_expose(&queue);
	EXPECT_EQ(0, vhost_queue_wait(&queue, 1));
	EXPECT_LE(0, driver_ring_reap(&queue.ring, NULL));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(&queue, 0));
	guest_write(&device, BLK_DATA(0), &range, sizeof(range));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_WRITE_ZEROES, 0, sizeof(range)));
	ASSERT_EQ(0, ioctl(file, FIFREEZE, 0));
	EXPECT_EQ(0, ioctl(file, FITHAW, 0));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	close(file);
}

TEST_HARNESS_MAIN
