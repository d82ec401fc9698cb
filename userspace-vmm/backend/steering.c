// SPDX-License-Identifier: GPL-2.0
/*
 * The steering program's life, and the rule that it follows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "backend/steering.h"
#include "backend/steering.skel.h"

/**
 * struct steering - a program in the kernel
 * @program: it, and its maps
 */
struct steering {
	struct steering_bpf *program;
};

/**
 * steering_create() - load the program
 * @out: receives it; steering_destroy() frees it
 *
 * It sends everything to the first queue until steering_set() has been called.
 * Return: 0; -EPERM if the process may not load programs (CAP_BPF, CAP_NET_ADMIN);
 * another -errno.
 */
int steering_create(struct steering **out)
{
	struct steering *steering = calloc(1, sizeof(*steering));
	int err;

	if (!steering)
		return -ENOMEM;
	/* Whoever calls says what is wrong, in one line. */
	libbpf_set_print(NULL);
	steering->program = steering_bpf__open();
	err = steering->program ? steering_bpf__load(steering->program) : -errno;
	if (err) {
		steering_destroy(steering);
		return err;
	}
	*out = steering;
	return 0;
}

/**
 * steering_destroy() - give the program up
 * @steering: from steering_create(), or NULL; a tap that has it keeps it
 */
void steering_destroy(struct steering *steering)
{
	if (!steering)
		return;
	steering_bpf__destroy(steering->program);
	free(steering);
}

/**
 * steering_fd() - the program, for a tap
 * @steering: from steering_create()
 *
 * Return: a file descriptor, which stays the steering's.
 */
int steering_fd(const struct steering *steering)
{
	return bpf_program__fd(steering->program->progs.steer);
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
int steering_set(struct steering *steering, const struct steering_rule *rule)
{
	struct steering_entry entry = {
		.hash_types = rule->hash_types,
		.mask = rule->length - 1,
		.unclassified = rule->unclassified,
	};
	uint32_t unused = !steering->program->bss->current;

	memcpy(entry.table, rule->table, sizeof(entry.table));
	unroll(rule->key, entry.hash);
	if (bpf_map_update_elem(bpf_map__fd(steering->program->maps.rules), &unused, &entry,
				BPF_ANY))
		return -errno;
	/* The rule has been written, by a system call, before it is used. */
	__atomic_store_n(&steering->program->bss->current, unused, __ATOMIC_RELEASE);
	return 0;
}
