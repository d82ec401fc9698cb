// SPDX-License-Identifier: GPL-2.0
/*
 * The steering program's life, and the rule that it follows.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "backend/steering.h"
#include "backend/steering.skel.h"

/**
 * steering_create() - load the program
 * @out: receives it; steering_destroy() frees it
 *
 * It sends everything to the first queue until steering_set() has been called.
 * Return: 0; -EPERM if the process may not load programs (CAP_BPF, CAP_NET_ADMIN);
 * another -errno.
 */
int steering_create(struct steering_bpf **out)
{
	/* Whoever calls says what is wrong, in one line. */
	libbpf_set_print(NULL);
	*out = steering_bpf__open_and_load();
	return *out ? 0 : -errno;
}

/**
 * steering_destroy() - give the program up
 * @steering: from steering_create(), or NULL; a tap that has it keeps it
 */
void steering_destroy(struct steering_bpf *steering)
{
	steering_bpf__destroy(steering);
}

/**
 * steering_fd() - the program, for a tap
 * @steering: from steering_create()
 *
 * Return: a file descriptor, which stays the steering's.
 */
int steering_fd(const struct steering_bpf *steering)
{
	return bpf_program__fd(steering->progs.steer);
}

/* 32 bits of the key from that bit on; bit 0 is the highest of the first byte. */
static uint32_t window(const uint8_t key[STEERING_KEY_MAX], unsigned int bit)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < 5; i++)
		bits = bits << 8 | key[bit / 8 + i];
	return bits >> (8 - bit % 8);
}

/* Each bit of the input that is set adds the key's window at that bit to the hash. */
static void unroll(const uint8_t key[STEERING_KEY_MAX], uint32_t hash[STEERING_NIBBLES][16])
{
	unsigned int nibble, value, bit;

	for (nibble = 0; nibble < STEERING_NIBBLES; nibble++) {
		for (value = 0; value < 16; value++) {
			for (bit = 0; bit < 4; bit++) {
				if (value & 8 >> bit)
					hash[nibble][value] ^= window(key, 4 * nibble + bit);
			}
		}
	}
}

/**
 * steering_set() - follow another rule
 * @steering: from steering_create()
 * @rule: valid
 *
 * A packet is steered by the old rule or by the new one.
 * Return: 0 or -errno; then the old rule stays.
 */
int steering_set(struct steering_bpf *steering, const struct steering_rule *rule)
{
	struct steering_entry entry = {
		.hash_types = rule->hash_types,
		.mask = rule->length - 1,
		.unclassified = rule->unclassified,
	};
	uint32_t unused = !steering->bss->current;

	memcpy(entry.table, rule->table, sizeof(entry.table));
	unroll(rule->key, entry.hash);
	if (bpf_map_update_elem(bpf_map__fd(steering->maps.rules), &unused, &entry,
				BPF_ANY))
		return -errno;
	/* The rule has been written, by a system call, before it is used. */
	__atomic_store_n(&steering->bss->current, unused, __ATOMIC_RELEASE);
	return 0;
}
