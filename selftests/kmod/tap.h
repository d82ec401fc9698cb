/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network namespace with a tap or macvtap, and a packet socket at its other
 * end.
 */
#ifndef SELFTESTS_KMOD_TAP_H
#define SELFTESTS_KMOD_TAP_H

#include <stdint.h>

/* For local experiments (IEEE 802): no network stack answers. */
#define ETHERTYPE_TEST 0x88b5

enum tap_kind { TAP, MACVTAP };

/**
 * struct tap - both ends of a link
 * @fd: the guest's end
 * @socket: the host's end: AF_PACKET, nonblocking, with struct virtio_net_hdr
 *	if asked for
 * @name: of the interface with the host's end
 * @mac: of the guest's end
 */
struct tap {
	int fd;
	int socket;
	char name[16];
	uint8_t mac[6];
};

int tap_open(struct tap *tap, enum tap_kind kind, int header_length, int ethertype, int offload);
void tap_close(struct tap *tap);

#endif /* SELFTESTS_KMOD_TAP_H */
