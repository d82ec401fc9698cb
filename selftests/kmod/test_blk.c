// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of every type through a disk, on every kind of store, and what they
 * leave there.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "blk_fixture.h"

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
		ASSERT_TRUE(blk_stored(self->store, self->pattern, length, sector));

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
	EXPECT_TRUE(blk_stored(self->store, self->pattern, 4 * SECTOR, 50));

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
	EXPECT_TRUE(blk_stored(self->store, out.data, SECTOR, 60));

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
	EXPECT_TRUE(blk_stored(self->store, self->pattern, 60 * SECTOR, 200));
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
	EXPECT_TRUE(blk_stored(self->store, self->pattern, 4096, 8));
}

TEST_HARNESS_MAIN
