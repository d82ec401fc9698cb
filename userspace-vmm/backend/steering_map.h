/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the steering program and its loader share: the rule, unrolled so that a packet
 * costs two look-ups for each byte that is hashed.
 */
#ifndef VQVMM_BACKEND_STEERING_MAP_H
#define VQVMM_BACKEND_STEERING_MAP_H

#include <linux/types.h>

/* Entries of an indirection table, a power of 2, and bytes of a key, at most. */
#define STEERING_TABLE_MAX 128
#define STEERING_KEY_MAX 40

/* What is hashed at most: two IPv6 addresses and two ports.  In half bytes. */
#define STEERING_INPUT_MAX 36
#define STEERING_NIBBLES (2 * STEERING_INPUT_MAX)

/**
 * struct steering_entry - a rule as the program reads it
 * @hash_types: VIRTIO_NET_RSS_HASH_TYPE_*: by what to hash
 * @mask: of the bits of a hash that choose an entry of @table
 * @unclassified: receive queue of packets that are not hashed
 * @hash: what each value of each half byte of the input adds to the hash
 * @table: receive queues
 */
struct steering_entry {
	__u32 hash_types;
	__u32 mask;
	__u32 unclassified;
	__u32 hash[STEERING_NIBBLES][16];
	__u16 table[STEERING_TABLE_MAX];
};

#endif /* VQVMM_BACKEND_STEERING_MAP_H */
