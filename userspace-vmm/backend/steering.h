/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which queue of a tap a packet to the guest goes to: receive-side scaling, by a BPF
 * program that the tap asks.
 */
#ifndef VQVMM_BACKEND_STEERING_H
#define VQVMM_BACKEND_STEERING_H

#include <stdint.h>
#include <linux/virtio_net.h>

#include "backend/steering_map.h"

/* The program and its maps, as they are in the kernel: steering.skel.h. */
struct steering_bpf;

/*
 * By what it can hash.  Types that look for addresses in the extension headers of IPv6
 * are not among them.
 */
#define STEERING_HASH_TYPES (VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_TCPv4 | \
			     VIRTIO_NET_RSS_HASH_TYPE_UDPv4 | VIRTIO_NET_RSS_HASH_TYPE_IPv6 | \
			     VIRTIO_NET_RSS_HASH_TYPE_TCPv6 | VIRTIO_NET_RSS_HASH_TYPE_UDPv6)

/**
 * struct steering_rule - which queue a packet goes to (virtio 1.2, section 5.1.6.5.7)
 * @hash_types: of STEERING_HASH_TYPES: by what to hash
 * @length: of @table, a power of 2
 * @unclassified: receive queue, from 0, of packets that are not hashed
 * @table: receive queues, from 0, by the low bits of a packet's hash
 * @key: of the hash; zero behind the driver's
 */
struct steering_rule {
	uint32_t hash_types;
	unsigned int length;
	uint16_t unclassified;
	uint16_t table[STEERING_TABLE_MAX];
	uint8_t key[STEERING_KEY_MAX];
};

int steering_create(struct steering_bpf **out);
void steering_destroy(struct steering_bpf *steering);
int steering_set(struct steering_bpf *steering, const struct steering_rule *rule);
int steering_fd(const struct steering_bpf *steering);

#endif /* VQVMM_BACKEND_STEERING_H */
