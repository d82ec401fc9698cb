// SPDX-License-Identifier: GPL-2.0
/*
 * Offloads: the header in front of a packet arrives at the other end, both ways
 * (virtio 1.2, section 5.1.6).  The packet is a TCP segment four times as
 * long as the wire takes, with a checksum still to be filled in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/if_ether.h>
#include <linux/if_tun.h>

#include "net_setup.h"

#include <kselftest_harness.h>

#define HEADERS (14 + 20 + 20)
#define SEGMENT 1000
#define LENGTH (HEADERS + 4 * SEGMENT)

FIXTURE(offload) {
	struct net_setup net;
	uint8_t packet[LENGTH];
	uint8_t received[2 * LENGTH];
	struct net_header header;
};

FIXTURE_VARIANT(offload) {
	struct net_variant with;
};

FIXTURE_VARIANT_ADD(offload, vqhost) {
	.with = { VQHOST_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 0 },
};

FIXTURE_VARIANT_ADD(offload, vqhost_legacy) {
	.with = { VQHOST_NET, FEATURE(VIRTIO_RING_F_INDIRECT_DESC), TAP, 0 },
};

FIXTURE_VARIANT_ADD(offload, mainline) {
	.with = { MAINLINE_NET, NET_FEATURES | FEATURE(VIRTIO_RING_F_EVENT_IDX), TAP, 0 },
};

static void put16(uint8_t *to, unsigned int value)
{
	to[0] = value >> 8;
	to[1] = value & 0xff;
}

static unsigned int sum16(const uint8_t *from, unsigned int length, unsigned int sum)
{
	unsigned int i;

	for (i = 0; i < length; i += 2)
		sum += from[i] << 8 | from[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Ethernet, IPv4, TCP: enough for the network stack to look through. */
static void fill_packet(uint8_t *packet)
{
	uint8_t *ip = packet + 14, *tcp = ip + 20;
	unsigned int i;

	memset(packet, 0, HEADERS);
	memcpy(packet, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\x00", 14);
	ip[0] = 0x45;
	put16(ip + 2, LENGTH - 14);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, "\xc0\x00\x02\x01\xc0\x00\x02\x02", 8);
	put16(ip + 10, 0xffff - sum16(ip, 20, 0));
	put16(tcp, 1234);
	put16(tcp + 2, 80);
	tcp[12] = 5 << 4;
	tcp[13] = 0x10;
	/* The pseudo header's part of the checksum. */
	put16(tcp + 16, sum16(ip + 12, 8, IPPROTO_TCP + 20 + 4 * SEGMENT));
	for (i = HEADERS; i < LENGTH; i++)
		packet[i] = i * 13 + (i >> 8);
}

FIXTURE_SETUP(offload)
{
	ASSERT_EQ(0, net_setup_open(&self->net, &variant->with, ETHERTYPE_IP,
				    TUN_F_CSUM | TUN_F_TSO4));
	fill_packet(self->packet);
	self->header = (struct net_header) {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = HEADERS,
		.gso_size = SEGMENT,
		.csum_start = 34,
		.csum_offset = 16,
	};
}

FIXTURE_TEARDOWN(offload)
{
	net_setup_close(&self->net);
}

TEST_F(offload, transmit)
{
	uint64_t header = GUEST_BORDER(2) - 3, data = GUEST_BORDER(3) - 2000;
	struct driver_buffer buffers[] = { { header, self->net.header }, { data, LENGTH } };
	struct net_header received;
	int length;

	guest_write(&self->net.device, header, &self->header, sizeof(self->header));
	guest_write(&self->net.device, data, self->packet, LENGTH);
	ASSERT_LE(0, driver_ring_add(&self->net.tx.ring, buffers, 2, 0));
	vhost_queue_expose(&self->net.tx);
	length = net_receive_from_socket(&self->net, self->received, sizeof(self->received));
	ASSERT_EQ(sizeof(received) + LENGTH, length);
	memcpy(&received, self->received, sizeof(received));
	EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, received.gso_type);
	EXPECT_EQ(VIRTIO_NET_HDR_F_NEEDS_CSUM, received.flags);
	EXPECT_EQ(SEGMENT, received.gso_size);
	EXPECT_EQ(34, received.csum_start);
	EXPECT_EQ(16, received.csum_offset);
	EXPECT_EQ(0, memcmp(self->packet, self->received + sizeof(received), LENGTH));
}

/* A small packet with a checksum to be filled in, and one without anything. */
TEST_F(offload, transmit_checksum_alone)
{
	struct driver_buffer buffer = { GUEST_MEMORY, self->net.header + HEADERS + 100 };
	struct net_header received;
	int i, length;

	self->header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	self->header.gso_size = 0;
	for (i = 0; i < 2; i++) {
		guest_write(&self->net.device, buffer.address, &self->header, sizeof(self->header));
		guest_write(&self->net.device, buffer.address + self->net.header, self->packet,
			    HEADERS + 100);
		ASSERT_LE(0, driver_ring_add(&self->net.tx.ring, &buffer, 1, 0));
		vhost_queue_expose(&self->net.tx);
		length = net_receive_from_socket(&self->net, self->received,
						 sizeof(self->received));
		ASSERT_EQ(sizeof(received) + HEADERS + 100, length);
		memcpy(&received, self->received, sizeof(received));
		EXPECT_EQ(VIRTIO_NET_HDR_GSO_NONE, received.gso_type);
		EXPECT_EQ(self->header.flags, received.flags);
		EXPECT_EQ(self->header.csum_start, received.csum_start);
		EXPECT_EQ(self->header.csum_offset, received.csum_offset);
		memset(&self->header, 0, sizeof(self->header));
	}
}

TEST_F(offload, receive)
{
	bool mergeable = variant->with.features & FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	unsigned int i, length = sizeof(self->header) + LENGTH;
	struct driver_buffer whole = { GUEST_BORDER(1) - 2000, self->net.header + LENGTH };
	struct net_header received;
	uint8_t packet[sizeof(self->header) + LENGTH];

	memcpy(packet, &self->header, sizeof(self->header));
	memcpy(packet + sizeof(self->header), self->packet, LENGTH);
	if (mergeable) {
		for (i = 0; i < 4; i++)
			ASSERT_LE(0, net_add_buffer(&self->net, i, NET_SLOT_SIZE));
	} else {
		ASSERT_LE(0, driver_ring_add(&self->net.rx.ring, &whole, 0, 1));
	}
	vhost_queue_expose(&self->net.rx);
	ASSERT_EQ(length, send(self->net.tap.socket, packet, length, 0));
	ASSERT_EQ(self->net.header + LENGTH,
		  net_receive(&self->net, self->received, sizeof(self->received)));
	memcpy(&received, self->received, sizeof(received));
	EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, received.gso_type);
	EXPECT_EQ(VIRTIO_NET_HDR_F_NEEDS_CSUM, received.flags);
	EXPECT_EQ(SEGMENT, received.gso_size);
	EXPECT_EQ(34, received.csum_start);
	EXPECT_EQ(16, received.csum_offset);
	EXPECT_EQ(0, memcmp(self->packet, self->received + self->net.header, LENGTH));
	/* It has filled two of four buffers. */
	if (mergeable)
		EXPECT_EQ(NET_QUEUE_SIZE - 2, self->net.rx.ring.free_count);
}

/*
 * Offsets that lie outside the packet: it is dropped, the next one sent.
 * (Mainline's queue goes no further.)
 */
TEST(transmit_bad_header)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };
	static const struct net_header bad[] = {
		{ .hdr_len = 200 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 200, .csum_offset = 16 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 0xffff },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 0xffff,
		  .csum_offset = 0xffff },
		{ .gso_type = 0x7f, .gso_size = 100 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0,
		  .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 },
	};
	static const struct net_header good;
	struct driver_buffer buffer = { GUEST_MEMORY };
	uint8_t packet[LENGTH], received[LENGTH];
	struct net_setup net;
	unsigned int i;
	int length;

	ASSERT_EQ(0, net_setup_open(&net, &with, ETHERTYPE_IP, TUN_F_CSUM | TUN_F_TSO4));
	fill_packet(packet);
	buffer.length = net.header + HEADERS + 100;
	for (i = 0; i <= ARRAY_SIZE(bad); i++, buffer.address += NET_SLOT_SIZE) {
		/* Which one arrives shows in the last byte. */
		packet[HEADERS + 99] = i;
		guest_write(&net.device, buffer.address, i < ARRAY_SIZE(bad) ? &bad[i] : &good,
			    sizeof(good));
		guest_write(&net.device, buffer.address + net.header, packet, HEADERS + 100);
		ASSERT_LE(0, driver_ring_add(&net.tx.ring, &buffer, 1, 0));
	}
	vhost_queue_expose(&net.tx);
	length = net_receive_from_socket(&net, received, sizeof(received));
	ASSERT_EQ(sizeof(good) + HEADERS + 100, length);
	EXPECT_EQ(ARRAY_SIZE(bad), received[length - 1]);
	EXPECT_EQ(0, vhost_queue_wait(&net.tx, ARRAY_SIZE(bad) + 1));
	net_setup_close(&net);
}

TEST_HARNESS_MAIN
