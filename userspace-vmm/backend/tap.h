/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A tap interface, with one or more queues.
 */
#ifndef VQVMM_BACKEND_TAP_H
#define VQVMM_BACKEND_TAP_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel allows so many queues of a tap (MAX_TAP_QUEUES). */
#define TAP_QUEUES_MAX 256

/* In front of each packet: struct virtio_net_hdr_mrg_rxbuf. */
#define TAP_HEADER_LENGTH 12

/**
 * struct tap - an open tap
 * @fds: file descriptors of the queues
 * @queues: how many
 * @active: this many of them, from the first, are attached to the interface
 * @mtu: of the interface when it was opened
 */
struct tap {
	int *fds;
	unsigned int queues;
	unsigned int active;
	unsigned int mtu;
};

int tap_open(struct tap *tap, const char *name, unsigned int queues);
const char *tap_problem(int err, unsigned int queues);
void tap_close(struct tap *tap);
uint64_t tap_features(const struct tap *tap);
int tap_set_header(const struct tap *tap, unsigned int length);
int tap_set_offload(const struct tap *tap, uint64_t features);
int tap_set_active(struct tap *tap, unsigned int queues);

/* In place of a program: a flow's packets come from the queue that it is sent by. */
#define TAP_STEERS -1

int tap_set_steering(const struct tap *tap, int program);

/**
 * struct tap_filter - which packets to receive
 * @promiscuous: all of them
 * @all_multicast: all that go to a group
 * @count: of @addresses
 * @addresses: unicast addresses, then multicast ones
 */
struct tap_filter {
	bool promiscuous;
	bool all_multicast;
	unsigned int count;
	const uint8_t (*addresses)[6];
};

int tap_set_filter(const struct tap *tap, const struct tap_filter *filter);

#endif /* VQVMM_BACKEND_TAP_H */
