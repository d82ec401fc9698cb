// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses the queue of a tap for each packet to the guest, as virtio 1.2, sections
 * 5.1.6.4.3 and 5.1.6.5.7, wants it: a Toeplitz hash of addresses and ports looks up an
 * indirection table.
 *
 * Fragments are hashed by their addresses only, for a later one has no ports and is to
 * follow the first.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/virtio_net.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "backend/steering_map.h"

char LICENSE[] SEC("license") = "GPL";

/* Tags and extension headers that are looked behind, at most. */
#define TAGS_MAX 2
#define EXTENSIONS_MAX 8

/* More fragments follow, or this is not the first: in the header of IPv4, in IPv6's own. */
#define IPV4_FRAGMENT 0x3fff
#define IPV6_FRAGMENT 0xfff9

/*
 * One rule is in use while the other is written.  No rule leads out of bounds, so that it
 * does not matter if one is written under a packet because two changes follow at once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct steering_entry);
	__uint(max_entries, 2);
} rules SEC(".maps");

/* Which one is in use. */
volatile __u32 current;

/* What is hashed.  Bytes behind the end are zero, which add nothing to a hash. */
struct input {
	__u8 bytes[STEERING_INPUT_MAX];
};

#define IPV4_PORTS (2 * sizeof(struct in_addr))
#define IPV6_PORTS (2 * sizeof(struct in6_addr))

struct tag {
	__be16 control;
	__be16 protocol;
};

struct extension {
	__u8 next;
	__u8 length;
	__be16 fragment;
};

static int load(struct __sk_buff *packet, __u32 at, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(packet, at, to, length, BPF_HDR_START_MAC);
}

/* TCP and UDP begin with their ports.  What has none leaves zeroes. */
static bool read_ports(struct __sk_buff *packet, __u32 at, __u32 protocol, bool tcp, bool udp,
		       __u8 *ports)
{
	if (!(protocol == IPPROTO_TCP && tcp) && !(protocol == IPPROTO_UDP && udp))
		return false;
	return !load(packet, at, ports, 2 * sizeof(__be16));
}

static bool read_ipv4(struct __sk_buff *packet, __u32 at, __u32 types, struct input *input)
{
	struct iphdr header;

	if (load(packet, at, &header, sizeof(header)) || header.version != 4)
		return false;
	__builtin_memcpy(input->bytes, &header.saddr, IPV4_PORTS);
	if (!(header.frag_off & bpf_htons(IPV4_FRAGMENT)) &&
	    read_ports(packet, at + 4 * header.ihl, header.protocol,
		       types & VIRTIO_NET_RSS_HASH_TYPE_TCPv4,
		       types & VIRTIO_NET_RSS_HASH_TYPE_UDPv4, input->bytes + IPV4_PORTS))
		return true;
	return types & VIRTIO_NET_RSS_HASH_TYPE_IPv4;
}

/* The protocol behind the extension headers, and where it begins. */
static __u32 skip_extensions(struct __sk_buff *packet, __u32 *at, __u32 next)
{
	struct extension header;
	int i;

	for (i = 0; i < EXTENSIONS_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_MH && next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return next;
		if (load(packet, *at, &header, sizeof(header)))
			return IPPROTO_NONE;
		if (next == IPPROTO_FRAGMENT) {
			if (header.fragment & bpf_htons(IPV6_FRAGMENT))
				return IPPROTO_NONE;
			*at += 8;
		} else if (next == IPPROTO_AH) {
			*at += 4 * (header.length + 2);
		} else {
			*at += 8 * (header.length + 1);
		}
		next = header.next;
	}
	return next;
}

static bool read_ipv6(struct __sk_buff *packet, __u32 at, __u32 types, struct input *input)
{
	struct ipv6hdr header;
	__u32 protocol;

	if (load(packet, at, &header, sizeof(header)) || header.version != 6)
		return false;
	__builtin_memcpy(input->bytes, &header.saddr, IPV6_PORTS);
	at += sizeof(header);
	protocol = skip_extensions(packet, &at, header.nexthdr);
	if (read_ports(packet, at, protocol, types & VIRTIO_NET_RSS_HASH_TYPE_TCPv6,
		       types & VIRTIO_NET_RSS_HASH_TYPE_UDPv6, input->bytes + IPV6_PORTS))
		return true;
	return types & VIRTIO_NET_RSS_HASH_TYPE_IPv6;
}

/* What is to be hashed of a packet; false if nothing is. */
static bool read_packet(struct __sk_buff *packet, __u32 types, struct input *input)
{
	__u32 at = sizeof(struct ethhdr);
	__be16 protocol;
	struct tag tag;
	int i;

	if (load(packet, offsetof(struct ethhdr, h_proto), &protocol, sizeof(protocol)))
		return false;
	for (i = 0; i < TAGS_MAX; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (load(packet, at, &tag, sizeof(tag)))
			return false;
		protocol = tag.protocol;
		at += sizeof(tag);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return read_ipv4(packet, at, types, input);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return read_ipv6(packet, at, types, input);
	return false;
}

static __u32 hash_of(const struct steering_entry *rule, const struct input *input)
{
	__u32 hash = 0;
	int i;

	for (i = 0; i < STEERING_INPUT_MAX; i++) {
		hash ^= rule->hash[2 * i][input->bytes[i] >> 4];
		hash ^= rule->hash[2 * i + 1][input->bytes[i] & 15];
	}
	return hash;
}

SEC("socket")
int steer(struct __sk_buff *packet)
{
	const struct steering_entry *rule;
	struct input input = {};
	__u32 which = current;

	rule = bpf_map_lookup_elem(&rules, &which);
	if (!rule)
		return 0;
	if (!read_packet(packet, rule->hash_types, &input))
		return rule->unclassified;
	return rule->table[hash_of(rule, &input) & rule->mask & (STEERING_TABLE_MAX - 1)];
}
