// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface (virtio 1.2, section 5.1).
 *
 * Queues 0, 2, 4 ... receive, 1, 3, 5 ... transmit, the last one controls.  A
 * pair that is not in use has its queue of the tap detached.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <linux/virtio_ids.h>

#include "backend/steering.h"
#include "backend/user.h"
#include "backend/vhost.h"
#include "machine/machine.h"
#include "options.h"
#include "virtio/net.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

#define OPTION "--net"

static struct virtio_net *to_virtio_net(struct virtio_device *device)
{
	return (struct virtio_net *)device;
}

/* Where the control queue is depends on what the driver knows (section 5.1.2). */
static unsigned int control_queue(const struct virtio_net *net)
{
	bool many = virtio_has_feature(&net->device, VIRTIO_NET_F_MQ) ||
		    virtio_has_feature(&net->device, VIRTIO_NET_F_RSS);

	return many ? 2 * net->tap.queues : 2;
}

static struct backend *queue_backend(struct virtio_device *device, unsigned int index)
{
	struct virtio_net *net = to_virtio_net(device);

	if (index == control_queue(net))
		return virtio_has_feature(device, VIRTIO_NET_F_CTRL_VQ) ? net->control : NULL;
	return index / 2 < net->pairs ? net->data : NULL;
}

/**
 * virtio_net_set_pairs() - use so many queue pairs
 * @net: the interface
 * @pairs: as the driver wants it
 *
 * Virtio 1.2, section 5.1.6.5.5.
 * Return: 0; -EINVAL for a number that is not possible; another -errno.
 */
int virtio_net_set_pairs(struct virtio_net *net, unsigned int pairs)
{
	int err = 0;

	if (!pairs || pairs > net->tap.queues)
		return -EINVAL;
	/* The tap gives a queue no packets that nobody takes. */
	if (pairs > net->pairs)
		err = tap_set_active(&net->tap, pairs);
	if (err)
		return err;
	net->pairs = pairs;
	virtio_device_update(&net->device);
	return tap_set_active(&net->tap, pairs);
}

/**
 * virtio_net_update_filter() - tell the tap which packets the driver wants
 * @net: the interface; &struct virtio_net.receive or its address has changed
 *
 * The tap sorts out by lists; the guest sees more packets than it asked for if
 * they do not suffice, which it has to expect (virtio 1.2, section 5.1.6.5.2).
 * Return: 0 or -errno.
 */
int virtio_net_update_filter(struct virtio_net *net)
{
	const struct net_receive *receive = &net->receive;
	uint8_t addresses[NET_ADDRESSES_MAX + 1][ETH_ALEN];
	struct tap_filter filter = {
		.promiscuous = receive->promiscuous || receive->all_unicast || receive->overflow,
		.all_multicast = receive->all_multicast,
		.count = 1 + receive->unicast_count + receive->multicast_count,
		.addresses = addresses,
	};

	memcpy(addresses[0], net->config.mac, ETH_ALEN);
	memcpy(addresses[1], receive->addresses, (filter.count - 1) * ETH_ALEN);
	return tap_set_filter(&net->tap, &filter);
}

/* Features that make no sense without another (section 5.1.3.1). */
static bool dependencies_met(uint64_t features)
{
	static const struct {
		unsigned int bit;
		uint64_t any_of;
	} needs[] = {
		{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_NET_F_GUEST_UFO, VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_NET_F_GUEST_ECN, VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |
					  VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) },
		{ VIRTIO_NET_F_HOST_TSO4, VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) },
		{ VIRTIO_NET_F_HOST_TSO6, VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) },
		{ VIRTIO_NET_F_HOST_UFO, VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) },
		{ VIRTIO_NET_F_HOST_ECN, VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |
					 VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) },
		{ VIRTIO_NET_F_CTRL_RX, VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) },
		{ VIRTIO_NET_F_CTRL_RX_EXTRA, VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) },
		{ VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) },
		{ VIRTIO_NET_F_MQ, VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) },
		{ VIRTIO_NET_F_RSS, VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needs); i++) {
		if (features & VIRTIO_FEATURE(needs[i].bit) && !(features & needs[i].any_of))
			return false;
	}
	return true;
}

static int features_chosen(struct virtio_device *device)
{
	struct virtio_net *net = to_virtio_net(device);
	int err;

	if (!dependencies_met(device->features))
		return -EINVAL;
	err = net->data->ops->set_features(net->data, device->features);
	if (!err)
		err = net->control->ops->set_features(net->control, device->features);
	if (!err)
		err = tap_set_offload(&net->tap, device->features);
	return err;
}

/* A driver that does not control it receives everything. */
static void reset(struct virtio_device *device)
{
	struct virtio_net *net = to_virtio_net(device);

	net->receive = (struct net_receive) { .promiscuous = true };
	memcpy(net->config.mac, net->mac, ETH_ALEN);
	virtio_net_update_filter(net);
	tap_set_offload(&net->tap, 0);
	tap_set_steering(&net->tap, TAP_STEERS);
	virtio_net_set_pairs(net, 1);
}

static const struct virtio_device_ops net_ops = {
	.features_chosen	= features_chosen,
	.queue_backend		= queue_backend,
	.reset			= reset,
};

static int choose_mac(struct virtio_net *net, const struct net_options *options)
{
	if (options->mac_set) {
		memcpy(net->mac, options->mac, ETH_ALEN);
		return 0;
	}
	if (getrandom(net->mac, ETH_ALEN, 0) != ETH_ALEN)
		return -EIO;
	/* Locally administered, of no group. */
	net->mac[0] = (net->mac[0] & ~1) | 2;
	return 0;
}

static int open_tap(struct virtio_net *net, const struct net_options *options)
{
	int err = tap_open(&net->tap, options->tap, options->queues);

	if (!err || err == -ENOMEM)
		return err;
	return option_key_error(OPTION, "tap", options->tap, "%s",
				tap_problem(err, options->queues));
}

static int create_steering(struct virtio_net *net, const struct net_options *options)
{
	int err = options->rss ? steering_create(&net->steering) : 0;

	if (!err || err == -ENOMEM)
		return err;
	errno = -err;
	return option_key_error(OPTION, "rss", "on", "the kernel refuses the BPF program: %m");
}

static int create_backends(struct virtio_net *net, const struct net_options *options)
{
	struct machine *machine = net->device.machine;
	struct vhost_settings settings = {
		.option = OPTION,
		.device = options->device,
		.poll_us = options->poll_us,
		.poll_set = options->poll_set,
	};
	int err;

	if (options->backend == BACKEND_VHOST)
		err = vhost_net_create(machine, &settings, &net->tap, &net->data);
	else
		err = user_backend_create(machine->loop, &user_net_handler, &net->tap,
					  2 * net->tap.queues, &net->data);
	if (err)
		return err;
	return user_backend_create(machine->loop, &virtio_net_control_handler, net,
				   2 * net->tap.queues + 1, &net->control);
}

static void fill_config(struct virtio_net *net, const struct net_options *options)
{
	struct virtio_net_config *config = &net->config;
	uint64_t features = net->data->features | tap_features(&net->tap);

	features |= VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX_EXTRA) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);
	if (!options->packed)
		features &= ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	if (net->tap.queues > 1)
		features |= VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
	if (net->tap.mtu >= ETH_MIN_MTU && net->tap.mtu <= ETH_MAX_MTU) {
		features |= VIRTIO_FEATURE(VIRTIO_NET_F_MTU);
		config->mtu = (__force __virtio16)cpu_to_le16(net->tap.mtu);
	}
	net->device.config_length = offsetof(struct virtio_net_config, speed);
	if (net->steering) {
		features |= VIRTIO_FEATURE(VIRTIO_NET_F_RSS);
		config->rss_max_key_size = STEERING_KEY_MAX;
		config->rss_max_indirection_table_length = cpu_to_le16(STEERING_TABLE_MAX);
		config->supported_hash_types = cpu_to_le32(STEERING_HASH_TYPES);
		net->device.config_length = sizeof(*config);
	}
	memcpy(config->mac, net->mac, ETH_ALEN);
	config->status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP);
	config->max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(net->tap.queues);
	net->device.offered = features;
	net->device.config = config;
}

int virtio_net_create(struct machine *machine, const struct net_options *options,
		      struct virtio_net **out)
{
	struct virtio_net *net;
	int err;

	if (options->poll_set && options->backend != BACKEND_VHOST)
		return option_error(OPTION, "poll-us", "only for backend=vhost");
	net = calloc(1, sizeof(*net));
	if (!net)
		return -ENOMEM;
	net->device.machine = machine;
	net->device.ops = &net_ops;
	net->device.id = VIRTIO_ID_NET;
	if (asprintf(&net->device.name, OPTION " tap=%s", options->tap) < 0) {
		err = -ENOMEM;
		goto free_net;
	}
	err = choose_mac(net, options);
	if (err)
		goto free_name;
	err = open_tap(net, options);
	if (err)
		goto free_name;
	err = create_steering(net, options);
	if (err)
		goto close_tap;
	err = create_backends(net, options);
	if (err)
		goto destroy_backends;
	if (options->packed && !(net->data->features & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED))) {
		err = option_key_error(OPTION, "packed", "on", "%s does not know packed rings",
				       options->device);
		goto destroy_backends;
	}
	fill_config(net, options);
	err = virtio_device_init(&net->device, 2 * net->tap.queues + 1, options->queue_size);
	if (err)
		goto destroy_backends;
	reset(&net->device);
	err = virtio_pci_create(machine, &net->device, &net->pci);
	if (err)
		goto fini_device;
	*out = net;
	return 0;

fini_device:
	virtio_device_fini(&net->device);
destroy_backends:
	backend_destroy(net->control);
	backend_destroy(net->data);
	steering_destroy(net->steering);
close_tap:
	tap_close(&net->tap);
free_name:
	free(net->device.name);
free_net:
	free(net);
	return err;
}

void virtio_net_destroy(struct virtio_net *net)
{
	if (!net)
		return;
	virtio_device_set_status(&net->device, 0);
	virtio_pci_destroy(net->pci);
	virtio_device_fini(&net->device);
	backend_destroy(net->control);
	backend_destroy(net->data);
	steering_destroy(net->steering);
	tap_close(&net->tap);
	free(net->device.name);
	free(net);
}
