/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The header in front of every packet (virtio 1.2, section 5.1.6).
 *
 * Shared by the kernel and the VMM.  All fields are little-endian: guests
 * without VIRTIO_F_VERSION_1 are served if they are little-endian themselves.
 */
#ifndef VQHOST_NET_HEADER_H
#define VQHOST_NET_HEADER_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "../virtqueue/platform.h"

/**
 * net_header_length() - bytes in front of a packet
 * @features: as negotiated
 *
 * Return: 12 with VIRTIO_F_VERSION_1 or VIRTIO_NET_F_MRG_RXBUF, else 10: only
 * then is there no num_buffers.
 */
static inline u32 net_header_length(u64 features)
{
	u64 with_num_buffers = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MRG_RXBUF;

	return features & with_num_buffers ? sizeof(struct virtio_net_hdr_mrg_rxbuf) :
					     sizeof(struct virtio_net_hdr);
}

/**
 * net_header_valid() - can a packet of that length have that header?
 * @header: as the driver wrote it, a private copy; @header->hdr_len is raised
 *	to cover the checksum, as the network stack wants it
 * @length: bytes of the packet, without the header
 *
 * Return: false if the headers or the checksum lie outside the packet.
 */
static inline bool net_header_valid(struct virtio_net_hdr *header, u64 length)
{
	u32 covered = le16_to_cpu((__force __le16)header->hdr_len);

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		u32 checksum_end = le16_to_cpu((__force __le16)header->csum_start) +
				   le16_to_cpu((__force __le16)header->csum_offset) +
				   sizeof(u16);

		if (checksum_end > covered) {
			covered = checksum_end;
			if (covered > 0xffff)
				return false;
			header->hdr_len = (__force __virtio16)cpu_to_le16(covered);
		}
	}
	return covered <= length;
}

#endif /* VQHOST_NET_HEADER_H */
