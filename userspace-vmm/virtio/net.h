/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the network interface share:
 *
 *	net.c		features, configuration, which queues run
 *	control.c	commands of the driver, by the control queue
 *	rss.c		the command that steers packets
 */
#ifndef VQVMM_VIRTIO_NET_H
#define VQVMM_VIRTIO_NET_H

#include <linux/if_ether.h>
#include <linux/virtio_net.h>

#include "backend/tap.h"
#include "virtio/device.h"

struct steering_bpf;
struct user_handler;
struct virtio_pci;

/* Addresses that the driver can have received; if it wants more it gets all. */
#define NET_ADDRESSES_MAX 64

/**
 * struct net_receive - which packets the driver wants (section 5.1.6.5.1, .2)
 * @promiscuous: all
 * @all_multicast: all that go to a group
 * @all_unicast: all that do not
 * @no_multicast: none that go to a group
 * @no_unicast: none that go to an address
 * @no_broadcast: none that go to everyone
 * @unicast_count: of @addresses, from the first
 * @multicast_count: of @addresses, behind those
 * @overflow: the driver named more addresses than there is room for
 * @addresses: what else to receive than the address of the interface
 */
struct net_receive {
	bool promiscuous;
	bool all_multicast;
	bool all_unicast;
	bool no_multicast;
	bool no_unicast;
	bool no_broadcast;
	unsigned int unicast_count;
	unsigned int multicast_count;
	bool overflow;
	uint8_t addresses[NET_ADDRESSES_MAX][ETH_ALEN];
};

/* The longest command: two address tables, far more than is kept. */
#define NET_COMMAND_MAX 4096

/**
 * struct net_command - a command of the driver
 * @bytes: all of it
 * @length: how many
 * @used: how many have been taken
 */
struct net_command {
	uint8_t bytes[NET_COMMAND_MAX];
	size_t length;
	size_t used;
};

/**
 * net_command_take() - go on in a command
 * @command: the command
 * @length: in bytes
 *
 * Return: the next bytes; NULL if there are fewer.
 */
static inline const void *net_command_take(struct net_command *command, size_t length)
{
	const void *bytes = command->bytes + command->used;

	if (length > command->length - command->used)
		return NULL;
	command->used += length;
	return bytes;
}

/**
 * struct virtio_net - a network interface
 * @device: what the driver sees
 * @config: its configuration
 * @pci: its transport
 * @tap: its other end
 * @data: serves receive and transmit queues
 * @control: serves the control queue
 * @mac: its address, if the driver does not set another
 * @pairs: queue pairs in use
 * @receive: which packets the driver wants
 * @steering: steers packets as the driver says, or NULL if it may not say so
 */
struct virtio_net {
	struct virtio_device device;
	struct virtio_net_config config;
	struct virtio_pci *pci;
	struct tap tap;
	struct backend *data;
	struct backend *control;
	uint8_t mac[ETH_ALEN];
	unsigned int pairs;
	struct net_receive receive;
	struct steering_bpf *steering;
};

int virtio_net_set_pairs(struct virtio_net *net, unsigned int pairs);
int virtio_net_update_filter(struct virtio_net *net);
int virtio_net_set_rss(struct virtio_net *net, struct net_command *command);

extern const struct user_handler virtio_net_control_handler;

#endif /* VQVMM_VIRTIO_NET_H */
