// SPDX-License-Identifier: GPL-2.0
/*
 * virtio-blk requests taken apart (virtio 1.2, section 5.2.6): however the
 * driver cuts header, data and status into buffers, and what is refused.
 */
#include "ring_pair.h"
#include "../../kmod/blk/request.h"

#include <kselftest_harness.h>

#define HEADER PAIR_MEMORY
#define DATA (PAIR_MEMORY + 0x1000)
#define STATUS (PAIR_MEMORY + 0x800)

FIXTURE(request) {
	struct ring_pair pair;
	struct virtqueue_chain chain;
	struct blk_request request;
	struct blk_limits limits;
};

FIXTURE_SETUP(request)
{
	ASSERT_EQ(0, ring_pair_init(&self->pair, false, 16, 0, false));
	self->limits.sectors = 100;
	self->limits.features = 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
}

FIXTURE_TEARDOWN(request)
{
	ring_pair_destroy(&self->pair);
}

static void write_header(struct ring_pair *pair, u64 address, u32 type, u64 sector)
{
	struct {
		uint32_t type;
		uint32_t priority;
		uint64_t sector;
	} header = { htole32(type), 0, htole64(sector) };

	guest_memory_write(&pair->memory, address, &header, sizeof(header));
}

/* Have the device take a chain apart. */
static int parse(struct ring_pair *pair, struct virtqueue_chain *chain,
		 struct blk_request *request, const struct driver_buffer *buffers,
		 unsigned int readable, unsigned int writable)
{
	driver_ring_add(&pair->driver, buffers, readable, writable);
	driver_ring_expose(&pair->driver);
	if (virtqueue_next(&pair->device, chain) != 1)
		return -ENODATA;
	return blk_request_parse(&pair->device, chain, request);
}

/* Give the chain back, to go on with another. */
static void finish(struct ring_pair *pair, u16 id)
{
	virtqueue_push(&pair->device, id, 0);
	virtqueue_publish(&pair->device);
	driver_ring_reap(&pair->driver, NULL);
}

TEST_F(request, read)
{
	struct driver_buffer buffers[] = { { HEADER, 16 }, { DATA, 1024 }, { STATUS, 1 } };

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_IN, 0x123456789aULL);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 1, 2));
	EXPECT_EQ(VIRTIO_BLK_T_IN, self->request.type);
	EXPECT_EQ(0x123456789aULL, self->request.sector);
	EXPECT_TRUE(self->request.data_writable);
	ASSERT_EQ(1, self->request.data_segments);
	EXPECT_EQ(DATA, self->request.data[0].address);
	EXPECT_EQ(1024, self->request.data[0].length);
	EXPECT_EQ(1024, self->request.data_length);
	EXPECT_EQ(STATUS, self->request.status);
}

TEST_F(request, write)
{
	struct driver_buffer buffers[] = {
		{ HEADER, 16 }, { DATA, 512 }, { DATA + 4096, 1024 }, { STATUS, 1 },
	};

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_OUT, 7);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 3, 1));
	EXPECT_EQ(VIRTIO_BLK_T_OUT, self->request.type);
	EXPECT_FALSE(self->request.data_writable);
	ASSERT_EQ(2, self->request.data_segments);
	EXPECT_EQ(DATA + 4096, self->request.data[1].address);
	EXPECT_EQ(1536, self->request.data_length);
	EXPECT_EQ(STATUS, self->request.status);
}

/* Header and data share a buffer, data and status another: all cuts. */
TEST_F(request, header_cut_anywhere)
{
	unsigned int cut;

	for (cut = 1; cut < 16 + 512; cut++) {
		struct driver_buffer buffers[] = {
			{ HEADER, cut }, { HEADER + cut, 16 + 512 - cut }, { STATUS, 1 },
		};

		write_header(&self->pair, HEADER, VIRTIO_BLK_T_OUT, cut);
		ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 2, 1));
		EXPECT_EQ(cut, self->request.sector);
		ASSERT_EQ(512, self->request.data_length);
		ASSERT_EQ(cut > 16 ? 2 : 1, self->request.data_segments);
		ASSERT_EQ(HEADER + 16, self->request.data[0].address);
		ASSERT_EQ(cut > 16 ? cut - 16 : 512, self->request.data[0].length);
		finish(&self->pair, self->chain.id);
	}
}

/* A header that is the tail of one region and the head of another. */
TEST_F(request, header_across_regions)
{
	struct driver_buffer buffers[] = { { PAIR_BORDER - 7, 16 }, { STATUS, 1 } };

	write_header(&self->pair, PAIR_BORDER - 7, VIRTIO_BLK_T_FLUSH, 0);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 1, 1));
	EXPECT_EQ(VIRTIO_BLK_T_FLUSH, self->request.type);
	EXPECT_EQ(0, self->request.data_length);
}

/* The status byte is the last writable one, data may stand before it. */
TEST_F(request, status_behind_data)
{
	struct driver_buffer buffers[] = { { HEADER, 16 }, { DATA, 512 + 1 } };

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_IN, 0);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 1, 1));
	EXPECT_EQ(DATA + 512, self->request.status);
	ASSERT_EQ(1, self->request.data_segments);
	EXPECT_EQ(512, self->request.data[0].length);
	EXPECT_EQ(512, self->request.data_length);
}

TEST_F(request, too_short)
{
	struct driver_buffer buffers[] = { { HEADER, 15 }, { STATUS, 1 } };

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_FLUSH, 0);
	EXPECT_EQ(-EIO, parse(&self->pair, &self->chain, &self->request, buffers, 1, 1));
	EXPECT_EQ(VIRTQUEUE_REQUEST, self->pair.device.error);
}

TEST_F(request, no_status)
{
	struct driver_buffer buffers[] = { { HEADER, 16 }, { DATA, 512 } };

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_OUT, 0);
	EXPECT_EQ(-EIO, parse(&self->pair, &self->chain, &self->request, buffers, 2, 0));
	EXPECT_EQ(VIRTQUEUE_REQUEST, self->pair.device.error);
}

TEST_F(request, header_outside_memory)
{
	struct driver_buffer buffers[] = { { PAIR_END - 8, 16 }, { STATUS, 1 } };

	EXPECT_EQ(-EIO, parse(&self->pair, &self->chain, &self->request, buffers, 1, 1));
	EXPECT_EQ(VIRTQUEUE_MEMORY, self->pair.device.error);
}

TEST_F(request, status_outside_memory)
{
	EXPECT_EQ(-EIO, blk_request_complete(&self->pair.device, 0, PAIR_END, 0, 0));
	EXPECT_EQ(VIRTQUEUE_MEMORY, self->pair.device.error);
}

TEST_F(request, completed)
{
	struct driver_buffer buffers[] = { { HEADER, 16 }, { DATA, 512 }, { STATUS, 1 } };
	u8 *status = pair_host(&self->pair, STATUS);
	uint32_t written;

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_IN, 0);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 1, 2));
	*status = 0xff;
	ASSERT_EQ(0, blk_request_complete(&self->pair.device, 0, self->request.status,
					  VIRTIO_BLK_S_UNSUPP, 512));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, *status);
	ASSERT_LE(0, virtqueue_publish(&self->pair.device));
	EXPECT_EQ(0, driver_ring_reap(&self->pair.driver, &written));
	EXPECT_EQ(513, written);
}

/* What may be done, told without looking at the data. */
TEST_F(request, checked)
{
	static const struct {
		u32 type;
		u64 sector;
		u64 length;
		bool readonly;
		u8 status;
	} cases[] = {
		{ VIRTIO_BLK_T_IN, 0, 512, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_IN, 99, 512, true, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_IN, 99, 1024, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, 100, 512, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, ~0ULL, 512, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, 1ULL << 55, 512, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_IN, 0, 513, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 100 * 512, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_OUT, 0, 101 * 512, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 512, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_OUT, 0, 511, false, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_FLUSH, 1000, 0, true, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_GET_ID, 1000, 20, true, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_DISCARD, 0, 16, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_DISCARD, 0, 16, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, false, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, true, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_SECURE_ERASE, 0, 16, false, VIRTIO_BLK_S_UNSUPP },
		{ 0x7fffffff, 0, 0, false, VIRTIO_BLK_S_UNSUPP },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		self->request.type = cases[i].type;
		self->request.sector = cases[i].sector;
		self->request.data_length = cases[i].length;
		self->limits.readonly = cases[i].readonly;
		EXPECT_EQ(cases[i].status, blk_request_check(&self->request, &self->limits))
			TH_LOG("case %u", i);
	}
	self->limits.readonly = false;
	self->limits.features = 0;
	self->request.type = VIRTIO_BLK_T_DISCARD;
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_request_check(&self->request, &self->limits));
	self->request.type = VIRTIO_BLK_T_WRITE_ZEROES;
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_request_check(&self->request, &self->limits));
}

/* Discard and write zeroes: the payload in one range or many, cut anywhere. */
TEST_F(request, ranges)
{
	struct {
		uint64_t sector;
		uint32_t sectors;
		uint32_t flags;
	} payload[BLK_RANGES_MAX + 1] = {};
	static const struct {
		u32 type;
		u64 sector;
		u32 sectors;
		u32 flags;
		u32 length;
		int status;
	} cases[] = {
		{ VIRTIO_BLK_T_DISCARD, 0, 100, 0, 16, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_DISCARD, 1, 100, 0, 16, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, ~0ULL, 2, 0, 16, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 1, 1, 16, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_DISCARD, 0, 1, 0, 15, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_DISCARD, 0, 1, 0, 17, VIRTIO_BLK_S_IOERR },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 1, 16, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 0, 1, 2, 16, VIRTIO_BLK_S_UNSUPP },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 5, 95, 0, BLK_RANGES_MAX * 16, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 5, 95, 0, (BLK_RANGES_MAX + 1) * 16,
		  VIRTIO_BLK_S_UNSUPP },
	};
	struct blk_range ranges[BLK_RANGES_MAX];
	unsigned int i, count;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct driver_buffer buffers[] = {
			{ HEADER, 16 }, { DATA, 5 }, { DATA + 5, cases[i].length - 5 },
			{ STATUS, 1 },
		};

		payload[0].sector = htole64(cases[i].sector);
		payload[0].sectors = htole32(cases[i].sectors);
		payload[0].flags = htole32(cases[i].flags);
		guest_memory_write(&self->pair.memory, DATA, payload, sizeof(payload));
		write_header(&self->pair, HEADER, cases[i].type, 0);
		ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 3, 1));
		ASSERT_EQ(cases[i].status,
			  blk_request_ranges(&self->pair.device, &self->request, &self->limits,
					     ranges, &count))
			TH_LOG("case %u", i);
		if (cases[i].status == VIRTIO_BLK_S_OK) {
			EXPECT_EQ(cases[i].length / 16, count);
			EXPECT_EQ(cases[i].sector, ranges[0].sector);
			EXPECT_EQ(cases[i].sectors, ranges[0].sectors);
			EXPECT_EQ(cases[i].type == VIRTIO_BLK_T_DISCARD || cases[i].flags,
				  ranges[0].unmap);
		}
		finish(&self->pair, self->chain.id);
	}
}

/* An answer goes into the data, and not beyond. */
TEST_F(request, filled)
{
	struct driver_buffer buffers[] = {
		{ HEADER, 16 }, { DATA, 3 }, { DATA + 0x100, 7 }, { STATUS, 1 },
	};
	u8 *data = pair_host(&self->pair, DATA);

	write_header(&self->pair, HEADER, VIRTIO_BLK_T_GET_ID, 0);
	ASSERT_EQ(0, parse(&self->pair, &self->chain, &self->request, buffers, 1, 3));
	EXPECT_EQ(10, blk_request_fill(&self->pair.device, &self->request, "0123456789abc", 13));
	EXPECT_EQ(0, memcmp(data, "012\0", 4));
	EXPECT_EQ(0, memcmp(data + 0x100, "3456789\0", 8));
	EXPECT_EQ(2, blk_request_fill(&self->pair.device, &self->request, "xy", 2));
	EXPECT_EQ(0, memcmp(data, "xy2\0", 4));
}

TEST_HARNESS_MAIN
