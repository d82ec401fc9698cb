// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing of disk requests, and of the header of a packet.
 *
 * The input is the contents of guest memory and a chain; a request that was
 * accepted must lie within its chain and within the disk.
 */
#include "../../kmod/blk/request.h"
#include "../../kmod/net/header.h"
#include "demands.h"

#define SIZE 16
#define CHAIN_MAX 8

static struct {
	struct ring_pair pair;
	struct input *input;
	unsigned int turns;	/* until the adversary moves */
} all;

void adversary_turn(void)
{
	uint8_t *at;

	if (!all.turns || --all.turns)
		return;
	at = attackable(&all.pair, 3, take16(all.input), 1);
	*at = take8(all.input);
}

static void demand_request(const struct virtqueue_chain *chain, const struct blk_request *request,
			   u64 status)
{
	u64 total = 0;
	unsigned int i;

	DEMAND(request->data >= chain->segments);
	DEMAND(request->data + request->data_segments <=
	       chain->segments + chain->readable + chain->writable);
	for (i = 0; i < request->data_segments; i++) {
		DEMAND(request->data[i].length);
		total += request->data[i].length;
	}
	DEMAND(total == request->data_length);
	DEMAND(request->data_length == (request->data_writable ? chain->writable_length - 1 :
					chain->readable_length - sizeof(struct virtio_blk_outhdr)));
	DEMAND(request->status == status);
}

static void demand_sectors(const struct blk_limits *limits, u64 sector, u64 sectors)
{
	u64 end;

	DEMAND(!__builtin_add_overflow(sector, sectors, &end));
	DEMAND(end <= limits->sectors);
}

static void carry_out(const struct virtqueue_chain *chain, const struct blk_request *request,
		      const struct blk_limits *limits)
{
	struct device_virtqueue *vq = &all.pair.device;
	struct blk_range ranges[BLK_RANGES_MAX];
	u8 answer[20] = "an identity";
	unsigned int count, i;
	u32 written = 0;
	int ret;

	ret = blk_request_check(request, limits);
	DEMAND(ret == VIRTIO_BLK_S_OK || ret == VIRTIO_BLK_S_IOERR || ret == VIRTIO_BLK_S_UNSUPP);
	if (ret != VIRTIO_BLK_S_OK)
		goto complete;
	switch (request->type) {
	case VIRTIO_BLK_T_OUT:
	case VIRTIO_BLK_T_IN:
		DEMAND(!limits->readonly || request->type == VIRTIO_BLK_T_IN);
		DEMAND(request->data_length % BLK_SECTOR_SIZE == 0);
		DEMAND(request->data_length <= BLK_DATA_LENGTH_MAX);
		demand_sectors(limits, request->sector, request->data_length >> BLK_SECTOR_SHIFT);
		break;
	case VIRTIO_BLK_T_GET_ID:
		ret = blk_request_fill(vq, request, answer, sizeof(answer));
		DEMAND(ret == -EIO || (ret >= 0 && ret <= (int)sizeof(answer) &&
				       (u64)ret <= request->data_length));
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		DEMAND(!limits->readonly);
		ret = blk_request_ranges(vq, request, limits, ranges, &count);
		DEMAND(count <= BLK_RANGES_MAX);
		for (i = 0; i < count; i++)
			demand_sectors(limits, ranges[i].sector, ranges[i].sectors);
		break;
	}
complete:
	ret = blk_request_complete(vq, chain->id, request->status, VIRTIO_BLK_S_OK, written);
	DEMAND(ret == 0 || ret == -EIO);
	DEMAND((ret == -EIO) == (vq->error != VIRTQUEUE_OK));
}

static void disk_request(struct input *input)
{
	struct driver_buffer buffers[CHAIN_MAX];
	struct device_virtqueue *vq = &all.pair.device;
	struct virtqueue_segment last;
	struct virtqueue_chain chain;
	struct blk_request request;
	struct blk_limits limits;
	unsigned int count, readable, i;
	u8 shape = take8(input);
	uint8_t *memory;

	limits.sectors = take32(input);
	limits.features = (u64)(shape & 3) << VIRTIO_BLK_F_DISCARD;
	limits.readonly = shape & 4;
	all.turns = shape >> 3;

	if (shape & 8)
		limits.features |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	count = 1 + take8(input) % CHAIN_MAX;
	readable = take8(input) % (count + 1);
	for (i = 0; i < count; i++) {
		buffers[i].address = PAIR_MEMORY + take16(input) % 0x20000;
		buffers[i].length = i % 2 ? take32(input) : take8(input);
		if (!buffers[i].length)
			buffers[i].length = 512;
	}
	/* The header tends to be at the start of memory. */
	memory = pair_host(&all.pair, PAIR_MEMORY);
	for (i = 0; input->size && i < 256; i++)
		memory[i] = take8(input);

	DEMAND(driver_ring_add(&all.pair.driver, buffers, readable, count - readable) >= 0);
	driver_ring_expose(&all.pair.driver);
	DEMAND(virtqueue_next(vq, &chain) == 1);
	demand_chain(vq, &chain);
	last = chain.segments[count - 1];
	if (blk_request_parse(vq, &chain, &request)) {
		DEMAND(vq->error == VIRTQUEUE_REQUEST || vq->error == VIRTQUEUE_MEMORY);
		return;
	}
	demand_request(&chain, &request, last.address + last.length - 1);
	carry_out(&chain, &request, &limits);
}

static void packet_header(struct input *input)
{
	u64 features = take64(input);
	u32 header_length = net_header_length(features);
	struct virtio_net_hdr header;
	u8 raw[sizeof(header)];
	u64 length = take32(input);
	unsigned int i;

	DEMAND(header_length == 10 || header_length == 12);
	for (i = 0; i < sizeof(raw); i++)
		raw[i] = take8(input);
	memcpy(&header, raw, sizeof(header));
	if (!net_header_valid(&header, length))
		return;
	DEMAND(header.hdr_len <= length);
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		DEMAND((u32)header.csum_start + header.csum_offset + 2 <= header.hdr_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	if (take8(&input) & 1) {
		packet_header(&input);
		return 0;
	}
	all.input = &input;
	all.turns = 0;
	if (!ring_pair_init(&all.pair, false, SIZE, 0, false))
		disk_request(&input);
	ring_pair_destroy(&all.pair);
	return 0;
}
