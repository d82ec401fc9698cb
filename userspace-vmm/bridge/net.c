// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface: each pair of vrings has a file of the kernel device, and is
 * served with its queue of the tap.
 */
#include "bridge/device.h"

#include <string.h>
#include <linux/virtio_net.h>

#include "backend/vhost_control.h"
#include "net/header.h"
#include "option_values.h"

#define KERNEL_DEVICE "/dev/vqhost-net"

/* Receive and transmit. */
#define VRINGS 2

static int set_features(struct bridge_device *device, uint64_t features)
{
	int err;

	err = tap_set_header(&device->tap, net_header_length(features));
	return err ? err : tap_set_offload(&device->tap, features);
}

static int set_backend(struct bridge_device *device, unsigned int vring, bool on)
{
	return vhost_set_file(bridge_device_file(device, vring),
			      bridge_device_vring(device, vring), VHOST_NET_SET_BACKEND,
			      on ? device->tap.fds[vring / VRINGS] : VHOST_FILE_UNBIND);
}

/* The tap gives a queue no packets that nobody takes. */
static void enabled(struct bridge_device *device, unsigned int vrings)
{
	unsigned int pairs = (vrings + VRINGS - 1) / VRINGS;

	tap_set_active(&device->tap, pairs ? pairs : 1);
}

static void reset(struct bridge_device *device)
{
	tap_set_offload(&device->tap, 0);
	tap_set_active(&device->tap, 1);
}

static void close_tap(struct bridge_device *device)
{
	tap_close(&device->tap);
}

static const struct bridge_device_ops net_ops = {
	.set_features	= set_features,
	.set_backend	= set_backend,
	.enabled	= enabled,
	.reset		= reset,
	.close		= close_tap,
};

static void fill_config(struct bridge_device *device)
{
	struct virtio_net_config config = {
		.status = (__force __virtio16)cpu_to_le16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(device->tap.queues),
		.mtu = (__force __virtio16)cpu_to_le16(device->tap.mtu),
	};

	memcpy(device->config, &config, sizeof(config));
}

/**
 * bridge_net_open() - open a network interface
 * @device: zeroed; is filled
 * @options: has a tap
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int bridge_net_open(struct bridge_device *device, const struct device_options *options)
{
	unsigned int pairs = options->queues ? options->queues : 1;
	int err;

	device->vrings = VRINGS * pairs;
	device->features = BRIDGE_FEATURES | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	err = bridge_device_open_files(device, KERNEL_DEVICE, pairs, VRINGS);
	if (err)
		return err;
	err = tap_open(&device->tap, options->tap, pairs);
	if (err)
		return option_error("--tap", options->tap, "%s", tap_problem(err, pairs));
	device->ops = &net_ops;
	device->features |= tap_features(&device->tap);
	if (pairs > 1)
		device->features |= VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
	fill_config(device);
	reset(device);
	return 0;
}
