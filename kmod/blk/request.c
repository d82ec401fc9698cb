// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing and checking of virtio-blk requests, for the kernel and for the VMM.
 *
 * The framing of messages is up to the driver (virtio 1.2, section 2.7.4.1): the
 * header is the first 16 readable bytes and the status byte the last writable
 * one, however the chain is cut into buffers.
 */
#include "request.h"

static bool is_device_to_driver(u32 type)
{
	return type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
}

/* Copy the first @length bytes of @segments, which hold as many. */
static int read_segments(struct guest_memory *memory, const struct virtqueue_segment *segments,
			 void *to, u32 length)
{
	u32 piece;
	int err;

	for (; length; segments++) {
		piece = min(segments->length, length);
		err = guest_memory_read(memory, to, segments->address, piece);
		if (err)
			return err;
		to = (u8 *)to + piece;
		length -= piece;
	}
	return 0;
}

/* Cut @length bytes off the front.  Returns the number of emptied segments. */
static unsigned int trim_segments(struct virtqueue_segment *segments, u32 length)
{
	unsigned int emptied = 0;

	while (length >= segments[emptied].length) {
		length -= segments[emptied++].length;
		if (!length)
			return emptied;
	}
	segments[emptied].address += length;
	segments[emptied].length -= length;
	return emptied;
}

/**
 * blk_request_parse() - take a chain apart
 * @vq: the chain's virtqueue; broken if the chain is no request
 * @chain: the latest from virtqueue_next(); its segments are trimmed to the data
 * @request: receives the parts
 *
 * Virtio 1.2, section 5.2.6.  Context: owner of the virtqueue, may sleep.
 * Return: 0; -EIO if the virtqueue is broken now, because header or status do
 * not fit into the chain or the header lies outside guest memory; -EINPROGRESS if
 * the header is not mapped yet.
 */
int blk_request_parse(struct device_virtqueue *vq, const struct virtqueue_chain *chain,
		      struct blk_request *request)
{
	struct virtqueue_segment *last = &chain->segments[chain->readable + chain->writable - 1];
	struct virtio_blk_outhdr header;
	unsigned int emptied;
	int err;

	if (unlikely(chain->readable_length < sizeof(header) || !chain->writable))
		return virtqueue_break(vq, VIRTQUEUE_REQUEST);
	err = read_segments(vq->memory, chain->segments, &header, sizeof(header));
	if (unlikely(err))
		return virtqueue_memory_error(vq, err);

	request->type = le32_to_cpu((__force __le32)header.type);
	request->sector = le64_to_cpu((__force __le64)header.sector);
	request->data_writable = is_device_to_driver(request->type);
	request->status = last->address + last->length - 1;
	if (request->data_writable) {
		last->length--;
		request->data = chain->segments + chain->readable;
		request->data_segments = chain->writable - !last->length;
		request->data_length = chain->writable_length - 1;
	} else {
		emptied = trim_segments(chain->segments, sizeof(header));
		request->data = chain->segments + emptied;
		request->data_segments = chain->readable - emptied;
		request->data_length = chain->readable_length - sizeof(header);
	}
	return 0;
}

static bool is_within(u64 sector, u64 sectors, const struct blk_limits *limits)
{
	return sector <= limits->sectors && sectors <= limits->sectors - sector;
}

static u8 check_access(const struct blk_request *request, const struct blk_limits *limits)
{
	u64 sectors = request->data_length >> BLK_SECTOR_SHIFT;

	if (unlikely(request->data_length > BLK_DATA_LENGTH_MAX ||
		     request->data_length & (BLK_SECTOR_SIZE - 1) ||
		     !is_within(request->sector, sectors, limits)))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/* The driver has no business with a type whose feature it did not accept. */
static u8 check_feature(const struct blk_limits *limits, unsigned int feature)
{
	if (!(limits->features >> feature & 1))
		return VIRTIO_BLK_S_UNSUPP;
	return limits->readonly ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

/**
 * blk_request_check() - may this request be carried out?
 * @request: parsed
 * @limits: of the device
 *
 * The ranges of discard and write zeroes are left to blk_request_ranges().
 * Virtio 1.2, section 5.2.6.2.  Context: any.
 * Return: VIRTIO_BLK_S_OK, or the status with which it fails: IOERR for an access
 * beyond the end, data that is no whole number of sectors or too much, or a
 * change of a read-only device; UNSUPP for a type that is not known or not negotiated.
 */
u8 blk_request_check(const struct blk_request *request, const struct blk_limits *limits)
{
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
		return check_access(request, limits);
	case VIRTIO_BLK_T_OUT:
		return limits->readonly ? VIRTIO_BLK_S_IOERR : check_access(request, limits);
	case VIRTIO_BLK_T_FLUSH:
	case VIRTIO_BLK_T_GET_ID:
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
		return check_feature(limits, VIRTIO_BLK_F_DISCARD);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return check_feature(limits, VIRTIO_BLK_F_WRITE_ZEROES);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

static u8 check_range(const struct blk_request *request, const struct blk_limits *limits,
		      const struct blk_range *range, u32 flags)
{
	bool discard = request->type == VIRTIO_BLK_T_DISCARD;

	if (flags & ~(discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (range->sectors > (discard ? BLK_DISCARD_SECTORS_MAX : BLK_WRITE_ZEROES_SECTORS_MAX) ||
	    !is_within(range->sector, range->sectors, limits))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/**
 * blk_request_ranges() - what a discard or write zeroes is about
 * @vq: the request's virtqueue; broken if the data lies outside guest memory
 * @request: of either type, which passed blk_request_check()
 * @limits: of the device
 * @ranges: receives them
 * @count: receives how many
 *
 * Virtio 1.2, section 5.2.6.2.  Context: owner of the virtqueue, may sleep.
 * Return: VIRTIO_BLK_S_OK if all ranges are valid, the status with which the
 * request fails without any effect, -EIO if the virtqueue is broken now, or
 * -EINPROGRESS if the data are not mapped yet.
 */
int blk_request_ranges(struct device_virtqueue *vq, const struct blk_request *request,
		       const struct blk_limits *limits,
		       struct blk_range ranges[BLK_RANGES_MAX], unsigned int *count)
{
	struct virtio_blk_discard_write_zeroes payload[BLK_RANGES_MAX];
	unsigned int i;
	u32 flags;
	u8 status;
	int err;

	*count = 0;
	if (!request->data_length || request->data_length % sizeof(payload[0]))
		return VIRTIO_BLK_S_IOERR;
	if (request->data_length > sizeof(payload))
		return VIRTIO_BLK_S_UNSUPP;
	err = read_segments(vq->memory, request->data, payload, request->data_length);
	if (err)
		return virtqueue_memory_error(vq, err);

	for (i = 0; i < request->data_length / sizeof(payload[0]); i++) {
		flags = le32_to_cpu(payload[i].flags);
		ranges[i].sector = le64_to_cpu(payload[i].sector);
		ranges[i].sectors = le32_to_cpu(payload[i].num_sectors);
		ranges[i].unmap = request->type == VIRTIO_BLK_T_DISCARD ||
				  flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		status = check_range(request, limits, &ranges[i], flags);
		if (status != VIRTIO_BLK_S_OK)
			return status;
	}
	*count = i;
	return VIRTIO_BLK_S_OK;
}

/**
 * blk_request_fill() - write to the start of a request's data
 * @vq: the request's virtqueue; broken if the data lies outside guest memory
 * @request: its data are writable
 * @from: source
 * @length: bytes; what does not fit into the data is left out
 *
 * Context: owner of the virtqueue, may sleep.
 * Return: bytes written, -EIO if the virtqueue is broken now, or -EINPROGRESS if
 * the data are not mapped yet.
 */
int blk_request_fill(struct device_virtqueue *vq, const struct blk_request *request,
		     const void *from, size_t length)
{
	const struct virtqueue_segment *segment = request->data;
	size_t done, piece;
	int err;

	length = min_t(u64, length, request->data_length);
	for (done = 0; done < length; done += piece) {
		piece = min_t(size_t, segment->length, length - done);
		err = guest_memory_write(vq->memory, segment->address, (const u8 *)from + done,
					 piece);
		if (err)
			return virtqueue_memory_error(vq, err);
		segment++;
	}
	return done;
}

/**
 * blk_request_complete() - write the status byte and give the chain back
 * @vq: the request's virtqueue; broken if the status lies outside guest memory
 * @id: of the chain
 * @status_address: &struct blk_request.status
 * @status: VIRTIO_BLK_S_*
 * @written: bytes of data written, without the status byte
 *
 * The driver sees it after virtqueue_publish().  On a broken virtqueue nothing is
 * written.
 * Context: owner of the virtqueue, may sleep.
 * Return: 0, or -EIO if the virtqueue is broken.
 */
int blk_request_complete(struct device_virtqueue *vq, u16 id, u64 status_address, u8 status,
			 u32 written)
{
	if (unlikely(vq->error))
		return -EIO;
	if (unlikely(guest_memory_write(vq->memory, status_address, &status, sizeof(status))))
		return virtqueue_break(vq, VIRTQUEUE_MEMORY);
	return virtqueue_push(vq, id, written + 1);
}
