/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio-blk request, taken apart (virtio 1.2, section 5.2.6).
 *
 * This source is compiled twice, like ../virtqueue: into vqhost_blk.ko and into
 * the VMM.  It reads guest memory but does no I/O.
 *
 *	blk_request_parse()	finds header, data and status byte in a chain
 *	blk_request_check()	may the device carry it out, as far as it can be
 *				told without looking at its data?
 *	blk_request_ranges()	the payload of discard and write zeroes, checked
 *	blk_request_fill()	writes a small answer: the device's identity
 *	blk_request_complete()	writes the status byte and gives the chain back
 */
#ifndef VQHOST_BLK_REQUEST_H
#define VQHOST_BLK_REQUEST_H

#include <linux/virtio_blk.h>

#include "../virtqueue/virtqueue.h"

/* Unit of every sector number of the interface, whatever the block size. */
#define BLK_SECTOR_SHIFT 9
#define BLK_SECTOR_SIZE (1U << BLK_SECTOR_SHIFT)

/* Bytes of one read or write; drivers stay far below. */
#define BLK_DATA_LENGTH_MAX (1U << 30)

/* Ranges of one discard or write zeroes: max_discard_seg, max_write_zeroes_seg. */
#define BLK_RANGES_MAX 16U

/* Sectors of one range to discard, 2 GiB: max_discard_sectors. */
#define BLK_DISCARD_SECTORS_MAX (1U << 22)

/*
 * Sectors of one range to write zeroes to, 64 MiB: max_write_zeroes_sectors.
 * Where zeroes have to be written for want of anything better, a request still
 * ends in a matter of seconds.
 */
#define BLK_WRITE_ZEROES_SECTORS_MAX (1U << 17)

/**
 * struct blk_limits - what a request is checked against
 * @sectors: capacity, in units of 512 bytes
 * @features: as negotiated: discard and write zeroes need theirs
 * @readonly: nothing may change what is stored
 */
struct blk_limits {
	u64 sectors;
	u64 features;
	bool readonly;
};

/**
 * struct blk_request - a parsed request
 * @type: VIRTIO_BLK_T_*, any value
 * @sector: as given by the driver, unchecked
 * @data: buffers between header and status; belong to the chain, valid as long
 *	as its segments are
 * @data_segments: number of @data
 * @data_length: bytes in @data
 * @data_writable: the device writes @data, else it reads them
 * @status: guest address of the status byte
 */
struct blk_request {
	u32 type;
	u64 sector;
	const struct virtqueue_segment *data;
	unsigned int data_segments;
	u64 data_length;
	bool data_writable;
	u64 status;
};

/**
 * struct blk_range - one range of a discard or write zeroes
 * @sector: first
 * @sectors: how many, may be 0
 * @unmap: the store may be given back
 */
struct blk_range {
	u64 sector;
	u32 sectors;
	bool unmap;
};

int blk_request_parse(struct device_virtqueue *vq, const struct virtqueue_chain *chain,
		      struct blk_request *request);
u8 blk_request_check(const struct blk_request *request, const struct blk_limits *limits);
int blk_request_ranges(struct device_virtqueue *vq, const struct blk_request *request,
		       const struct blk_limits *limits,
		       struct blk_range ranges[BLK_RANGES_MAX], unsigned int *count);
int blk_request_fill(struct device_virtqueue *vq, const struct blk_request *request,
		     const void *from, size_t length);
int blk_request_complete(struct device_virtqueue *vq, u16 id, u64 status_address, u8 status,
			 u32 written);

#endif /* VQHOST_BLK_REQUEST_H */
