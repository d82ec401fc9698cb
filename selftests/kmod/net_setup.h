/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network device with both queues running over a tap.
 */
#ifndef SELFTESTS_KMOD_NET_SETUP_H
#define SELFTESTS_KMOD_NET_SETUP_H

#include <stdlib.h>
#include <linux/virtio_net.h>

#include "../lib/vhost.h"
#include "tap.h"

#define NET_RX 0
#define NET_TX 1

#define NET_QUEUE_SIZE 32
#define NET_FEATURES (FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | \
		      FEATURE(VIRTIO_NET_F_MRG_RXBUF))
#define NET_FRAME_MAX 1514

/* A slot of guest memory for each descriptor; slot 15 lies across a border. */
#define NET_SLOT_SIZE 2048U
#define NET_SLOT(border, n) (GUEST_BORDER(border) - 700 + ((n) - 15ULL) * NET_SLOT_SIZE)
#define NET_RX_SLOT(n) NET_SLOT(1, n)
#define NET_TX_SLOT(n) NET_SLOT(2, n)

/**
 * struct net_variant - what a device is tested with
 * @path: of the device file
 * @features: to be negotiated
 * @kind: of the tap
 * @base: where the rings' indices begin
 */
struct net_variant {
	const char *path;
	uint64_t features;
	enum tap_kind kind;
	uint16_t base;
};

/**
 * struct net_setup - a network device with both queues running
 * @device: the device
 * @rx: its receive queue
 * @tx: its transmit queue
 * @tap: behind it
 * @header: bytes in front of a packet
 */
struct net_setup {
	struct vhost_device device;
	struct vhost_queue rx;
	struct vhost_queue tx;
	struct tap tap;
	unsigned int header;
};

/**
 * struct net_header - struct virtio_net_hdr in our own byte order
 * @flags: VIRTIO_NET_HDR_F_*
 * @gso_type: VIRTIO_NET_HDR_GSO_*
 * @hdr_len: bytes of headers
 * @gso_size: bytes of each segment
 * @csum_start: where the checksum's range begins
 * @csum_offset: where the checksum is to be stored, from there
 *
 * These tests are for little-endian machines.
 */
struct net_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};

int net_setup_prepare(struct net_setup *net, const struct net_variant *variant, int ethertype,
		      int offload);
int net_setup_start(struct net_setup *net);
int net_setup_open(struct net_setup *net, const struct net_variant *variant, int ethertype,
		   int offload);
void net_setup_close(struct net_setup *net);

void net_frame_fill(struct net_setup *net, uint8_t *frame, unsigned int length,
		    unsigned int number);
int net_send(struct net_setup *net, const uint8_t *frame, unsigned int length, unsigned int slot);
int net_receive_from_socket(struct net_setup *net, uint8_t *frame, unsigned int size);
int net_add_buffer(struct net_setup *net, unsigned int slot, unsigned int length);
int net_receive(struct net_setup *net, uint8_t *frame, unsigned int size);
bool net_transmits(struct net_setup *net, const uint8_t *frame, unsigned int length);
bool net_receives(struct net_setup *net, const uint8_t *frame, unsigned int length);

#endif /* SELFTESTS_KMOD_NET_SETUP_H */
