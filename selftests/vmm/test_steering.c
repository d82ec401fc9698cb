// SPDX-License-Identifier: GPL-2.0
/*
 * The steering program, asked about packets made here: which queue does each go to?
 *
 * The table's entries are their own numbers, so that the answer is the low bits of the hash.
 * Hashes that are expected are those Microsoft publishes for whoever implements RSS; where
 * they do not say, what a bit by bit computation tells.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_ether.h>

#include <bpf/bpf.h>

#include "backend/steering.h"

#include <kselftest_harness.h>

#define UNCLASSIFIED 200
#define LOW_BITS(hash) ((hash) % STEERING_TABLE_MAX)

#define ADDRESSES (VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_IPv6)

static const uint8_t published_key[STEERING_KEY_MAX] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* A flow, and the hashes of its addresses alone and with ports. */
struct flow {
	int family;
	const char *source;
	const char *destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t addresses;
	uint32_t with_ports;
};

static const struct flow published[] = {
	{ AF_INET, "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ AF_INET, "199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ AF_INET, "24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ AF_INET, "38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f },
	{ AF_INET, "153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5, 0x10e828a2 },
	{ AF_INET6, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766,
	  0x2cc18cd5, 0x40207d3d },
	{ AF_INET6, "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739,
	  0x0f0c461c, 0xdde51bbf },
	{ AF_INET6, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
	  0x4b61e985, 0x02d1feef },
};

static const struct flow *const ipv4 = &published[0];
static const struct flow *const ipv6 = &published[5];

/* A packet that grows. */
struct packet {
	uint8_t bytes[1500];
	size_t length;
};

static void add(struct packet *packet, const void *bytes, size_t length)
{
	memcpy(packet->bytes + packet->length, bytes, length);
	packet->length += length;
}

static void add_u16(struct packet *packet, uint16_t number)
{
	number = htons(number);
	add(packet, &number, sizeof(number));
}

static void begin(struct packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->length = 2 * ETH_ALEN;
}

static void add_address(struct packet *packet, const struct flow *flow, const char *text)
{
	uint8_t address[sizeof(struct in6_addr)];

	inet_pton(flow->family, text, address);
	add(packet, address, flow->family == AF_INET ? 4 : 16);
}

/* With so many words of options, and what the header says of fragments. */
static void add_ipv4(struct packet *packet, const struct flow *flow, uint8_t protocol,
		     unsigned int options, uint16_t fragment)
{
	uint8_t header[12] = { 0x45 + options, [8] = 64, [9] = protocol };

	header[6] = fragment >> 8;
	header[7] = fragment;
	add_u16(packet, ETH_P_IP);
	add(packet, header, sizeof(header));
	add_address(packet, flow, flow->source);
	add_address(packet, flow, flow->destination);
	packet->length += 4 * options;
}

static void add_ipv6(struct packet *packet, const struct flow *flow, uint8_t next)
{
	uint8_t header[8] = { 0x60, [6] = next, [7] = 64 };

	add_u16(packet, ETH_P_IPV6);
	add(packet, header, sizeof(header));
	add_address(packet, flow, flow->source);
	add_address(packet, flow, flow->destination);
}

static void add_extension(struct packet *packet, uint8_t next, uint8_t length, size_t bytes)
{
	uint8_t header[2] = { next, length };

	add(packet, header, sizeof(header));
	packet->length += bytes - sizeof(header);
}

static void add_ports(struct packet *packet, const struct flow *flow)
{
	add_u16(packet, flow->source_port);
	add_u16(packet, flow->destination_port);
	packet->length += 16;
}

static void add_tag(struct packet *packet, uint16_t protocol)
{
	add_u16(packet, protocol);
	add_u16(packet, 5);
}

static void make(struct packet *packet, const struct flow *flow, uint8_t protocol)
{
	begin(packet);
	if (flow->family == AF_INET)
		add_ipv4(packet, flow, protocol, 0, 0);
	else
		add_ipv6(packet, flow, protocol);
	add_ports(packet, flow);
}

FIXTURE(steering) {
	struct steering_bpf *steering;
	struct steering_rule rule;
	struct packet packet;
};

FIXTURE_SETUP(steering)
{
	unsigned int i;

	ASSERT_EQ(0, steering_create(&self->steering));
	self->rule = (struct steering_rule) {
		.hash_types = STEERING_HASH_TYPES,
		.length = STEERING_TABLE_MAX,
		.unclassified = UNCLASSIFIED,
	};
	for (i = 0; i < STEERING_TABLE_MAX; i++)
		self->rule.table[i] = i;
	memcpy(self->rule.key, published_key, sizeof(published_key));
	ASSERT_EQ(0, steering_set(self->steering, &self->rule));
}

FIXTURE_TEARDOWN(steering)
{
	steering_destroy(self->steering);
}

/* The queue of a packet, or -1. */
static int queue_of(const struct steering_bpf *steering, const struct packet *packet)
{
	struct bpf_test_run_opts options = {
		.sz = sizeof(options),
		.data_in = packet->bytes,
		.data_size_in = packet->length,
	};

	if (bpf_prog_test_run_opts(steering_fd(steering), &options))
		return -1;
	return options.retval;
}

#define THIS_QUEUE() queue_of(self->steering, &self->packet)

static int set_types(struct steering_bpf *steering, struct steering_rule *rule, uint32_t types)
{
	rule->hash_types = types;
	return steering_set(steering, rule);
}

TEST_F(steering, published_hashes)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(published); i++) {
		make(&self->packet, &published[i], IPPROTO_TCP);
		EXPECT_EQ(LOW_BITS(published[i].with_ports), THIS_QUEUE());
		make(&self->packet, &published[i], IPPROTO_UDP);
		EXPECT_EQ(LOW_BITS(published[i].with_ports), THIS_QUEUE());
		make(&self->packet, &published[i], IPPROTO_GRE);
		EXPECT_EQ(LOW_BITS(published[i].addresses), THIS_QUEUE());
	}
}

static uint32_t hash_bit_by_bit(const uint8_t *key, const uint8_t *input, unsigned int bits)
{
	uint32_t hash = 0;
	unsigned int i, j;

	for (i = 0; i < bits; i++) {
		if (!(input[i / 8] & 0x80 >> i % 8))
			continue;
		for (j = i; j < i + 32; j++)
			hash ^= (uint32_t)!!(key[j / 8] & 0x80 >> j % 8) << (31 - (j - i));
	}
	return hash;
}

TEST_F(steering, any_key_and_any_flow)
{
	unsigned int round, i;
	uint8_t *input;

	srandom(1);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < STEERING_KEY_MAX; i++)
			self->rule.key[i] = random();
		ASSERT_EQ(0, steering_set(self->steering, &self->rule));
		make(&self->packet, ipv6, IPPROTO_TCP);
		/* Addresses and ports follow each other. */
		input = self->packet.bytes + ETH_HLEN + 8;
		for (i = 0; i < STEERING_INPUT_MAX; i++)
			input[i] = random();
		ASSERT_EQ(LOW_BITS(hash_bit_by_bit(self->rule.key, input, 8 * STEERING_INPUT_MAX)),
			  THIS_QUEUE());
	}
}

TEST_F(steering, only_by_what_the_rule_says)
{
	static const struct {
		uint32_t type;
		const struct flow *flow;
		uint8_t protocol;
	} types[] = {
		{ VIRTIO_NET_RSS_HASH_TYPE_TCPv4, &published[0], IPPROTO_TCP },
		{ VIRTIO_NET_RSS_HASH_TYPE_UDPv4, &published[0], IPPROTO_UDP },
		{ VIRTIO_NET_RSS_HASH_TYPE_TCPv6, &published[5], IPPROTO_TCP },
		{ VIRTIO_NET_RSS_HASH_TYPE_UDPv6, &published[5], IPPROTO_UDP },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			make(&self->packet, types[j].flow, types[j].protocol);
			ASSERT_EQ(0, set_types(self->steering, &self->rule, types[i].type));
			EXPECT_EQ(i == j ? LOW_BITS(types[j].flow->with_ports) : UNCLASSIFIED,
				  THIS_QUEUE());
			ASSERT_EQ(0, set_types(self->steering, &self->rule,
					       types[i].type | ADDRESSES));
			EXPECT_EQ(LOW_BITS(i == j ? types[j].flow->with_ports :
					   types[j].flow->addresses), THIS_QUEUE());
		}
		ASSERT_EQ(0, set_types(self->steering, &self->rule, 0));
		EXPECT_EQ(UNCLASSIFIED, THIS_QUEUE());
	}
}

TEST_F(steering, what_is_not_ip_is_unclassified)
{
	begin(&self->packet);
	add_u16(&self->packet, ETH_P_ARP);
	self->packet.length += 46;
	EXPECT_EQ(UNCLASSIFIED, THIS_QUEUE());

	/* Each is called by the other's name. */
	make(&self->packet, ipv4, IPPROTO_TCP);
	self->packet.bytes[ETH_HLEN] = 0x65;
	EXPECT_EQ(UNCLASSIFIED, THIS_QUEUE());
	make(&self->packet, ipv6, IPPROTO_TCP);
	self->packet.bytes[ETH_HLEN] = 0x40;
	EXPECT_EQ(UNCLASSIFIED, THIS_QUEUE());
}

TEST_F(steering, options_of_ipv4_are_skipped)
{
	unsigned int words;

	for (words = 1; words <= 10; words++) {
		begin(&self->packet);
		add_ipv4(&self->packet, ipv4, IPPROTO_TCP, words, 0);
		add_ports(&self->packet, ipv4);
		EXPECT_EQ(LOW_BITS(ipv4->with_ports), THIS_QUEUE());
	}
}

TEST_F(steering, fragments_of_ipv4_stay_together)
{
	static const uint16_t fragments[] = { 0x2000, 0x2001, 1, 0x1fff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fragments); i++) {
		begin(&self->packet);
		add_ipv4(&self->packet, ipv4, IPPROTO_UDP, 0, fragments[i]);
		add_ports(&self->packet, ipv4);
		EXPECT_EQ(LOW_BITS(ipv4->addresses), THIS_QUEUE());
	}
	/* Not to be fragmented is no fragment. */
	begin(&self->packet);
	add_ipv4(&self->packet, ipv4, IPPROTO_UDP, 0, 0x4000);
	add_ports(&self->packet, ipv4);
	EXPECT_EQ(LOW_BITS(ipv4->with_ports), THIS_QUEUE());
}

TEST_F(steering, fragments_of_ipv6_stay_together)
{
	static const struct {
		uint16_t fragment;
		bool whole;
	} headers[] = { { 1, false }, { 8, false }, { 9, false }, { 0xfff8, false },
			{ 0, true }, { 6, true } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		begin(&self->packet);
		add_ipv6(&self->packet, ipv6, IPPROTO_FRAGMENT);
		add_extension(&self->packet, IPPROTO_UDP, 0, 2);
		add_u16(&self->packet, headers[i].fragment);
		self->packet.length += 4;
		add_ports(&self->packet, ipv6);
		EXPECT_EQ(LOW_BITS(headers[i].whole ? ipv6->with_ports : ipv6->addresses),
			  THIS_QUEUE());
	}
}

TEST_F(steering, extension_headers_are_skipped)
{
	static const uint8_t kinds[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
					 IPPROTO_MH };
	unsigned int i;

	begin(&self->packet);
	add_ipv6(&self->packet, ipv6, kinds[0]);
	for (i = 0; i < ARRAY_SIZE(kinds) - 1; i++)
		add_extension(&self->packet, kinds[i + 1], i, 8 * (i + 1));
	add_extension(&self->packet, IPPROTO_AH, 0, 8);
	add_extension(&self->packet, IPPROTO_TCP, 4, 24);
	add_ports(&self->packet, ipv6);
	EXPECT_EQ(LOW_BITS(ipv6->with_ports), THIS_QUEUE());
}

TEST_F(steering, too_many_extension_headers_hide_the_ports)
{
	unsigned int count, i;

	for (count = 8; count <= 9; count++) {
		begin(&self->packet);
		add_ipv6(&self->packet, ipv6, IPPROTO_DSTOPTS);
		for (i = 1; i < count; i++)
			add_extension(&self->packet, IPPROTO_DSTOPTS, 0, 8);
		add_extension(&self->packet, IPPROTO_TCP, 0, 8);
		add_ports(&self->packet, ipv6);
		EXPECT_EQ(LOW_BITS(count == 8 ? ipv6->with_ports : ipv6->addresses),
			  THIS_QUEUE());
	}
}

TEST_F(steering, tags_are_skipped)
{
	unsigned int tags, i;

	for (tags = 1; tags <= 3; tags++) {
		begin(&self->packet);
		for (i = 0; i < tags; i++)
			add_tag(&self->packet, i ? ETH_P_8021Q : ETH_P_8021AD);
		add_ipv4(&self->packet, ipv4, IPPROTO_TCP, 0, 0);
		add_ports(&self->packet, ipv4);
		EXPECT_EQ(tags <= 2 ? LOW_BITS(ipv4->with_ports) : UNCLASSIFIED, THIS_QUEUE());
	}
}

/* The queue of a packet that ends behind so many bytes of IP and TCP. */
static int queue_of_cut(const struct steering_bpf *steering, const struct flow *flow, size_t length)
{
	struct packet packet;

	begin(&packet);
	/* Some kernels look at packets of IP themselves before they run a program. */
	add_tag(&packet, ETH_P_8021Q);
	if (flow->family == AF_INET)
		add_ipv4(&packet, flow, IPPROTO_TCP, 0, 0);
	else
		add_ipv6(&packet, flow, IPPROTO_TCP);
	add_ports(&packet, flow);
	packet.length = ETH_HLEN + 4 + length;
	return queue_of(steering, &packet);
}

TEST_F(steering, packets_that_are_cut)
{
	static const size_t headers[] = { 20, 40 };
	const struct flow *flows[] = { ipv4, ipv6 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		EXPECT_EQ(UNCLASSIFIED, queue_of_cut(self->steering, flows[i], 0));
		EXPECT_EQ(UNCLASSIFIED, queue_of_cut(self->steering, flows[i], headers[i] - 1));
		EXPECT_EQ(LOW_BITS(flows[i]->addresses),
			  queue_of_cut(self->steering, flows[i], headers[i]));
		EXPECT_EQ(LOW_BITS(flows[i]->addresses),
			  queue_of_cut(self->steering, flows[i], headers[i] + 3));
		EXPECT_EQ(LOW_BITS(flows[i]->with_ports),
			  queue_of_cut(self->steering, flows[i], headers[i] + 4));
	}
}

TEST_F(steering, every_change_of_the_table_holds_at_once)
{
	unsigned int change, i;

	make(&self->packet, ipv4, IPPROTO_TCP);
	for (change = 0; change < 20; change++) {
		for (i = 0; i < STEERING_TABLE_MAX; i++)
			self->rule.table[i] = i ^ change;
		ASSERT_EQ(0, steering_set(self->steering, &self->rule));
		EXPECT_EQ(LOW_BITS(ipv4->with_ports) ^ change, THIS_QUEUE());
	}
}

TEST_F(steering, a_shorter_table_takes_fewer_bits)
{
	unsigned int length;

	make(&self->packet, ipv4, IPPROTO_TCP);
	for (length = 1; length <= STEERING_TABLE_MAX; length *= 2) {
		self->rule.length = length;
		ASSERT_EQ(0, steering_set(self->steering, &self->rule));
		EXPECT_EQ(ipv4->with_ports % length, THIS_QUEUE());
	}
}

TEST_F(steering, whatever_a_packet_holds)
{
	static const uint16_t protocols[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_8021Q };
	unsigned int round, i;
	int queue;

	srandom(2);
	for (round = 0; round < 5000; round++) {
		begin(&self->packet);
		add_tag(&self->packet, ETH_P_8021Q);
		add_u16(&self->packet, protocols[round % ARRAY_SIZE(protocols)]);
		self->packet.length += random() % 200;
		for (i = ETH_HLEN + 4; i < self->packet.length; i++)
			self->packet.bytes[i] = random();
		self->packet.bytes[ETH_HLEN + 4] = round % 2 ? 0x45 : 0x60;
		queue = THIS_QUEUE();
		ASSERT_TRUE(queue == UNCLASSIFIED || (queue >= 0 && queue < STEERING_TABLE_MAX));
	}
}

TEST_HARNESS_MAIN
