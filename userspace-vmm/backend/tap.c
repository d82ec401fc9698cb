// SPDX-License-Identifier: GPL-2.0
/*
 * Opening a tap, and telling it what the guest wants.
 *
 * Offload, header size, steering and filter are the interface's: any attached queue sets
 * them for all.  The first queue is always attached.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "backend/tap.h"
#include "virtio/device.h"
#include "virtqueue/platform.h"

static int control(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? -errno : 0;
}

static int open_queue(const char *name, bool multi_queue)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (multi_queue)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	err = control(fd, TUNSETIFF, &request);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int open_queues(struct tap *tap, const char *name, unsigned int queues)
{
	bool multi_queue = queues > 1;
	int fd;

	fd = open_queue(name, multi_queue);
	if (fd == -EINVAL && !multi_queue) {
		/* One queue of a tap that may have more. */
		multi_queue = true;
		fd = open_queue(name, multi_queue);
	}
	while (fd >= 0) {
		tap->fds[tap->queues++] = fd;
		if (tap->queues == queues)
			return 0;
		fd = open_queue(name, multi_queue);
	}
	return fd;
}

static int read_mtu(struct tap *tap, const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};
	int err;

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	err = control(fd, SIOCGIFMTU, &request);
	if (!err)
		tap->mtu = request.ifr_mtu;
	close(fd);
	return err;
}

static int prepare_queues(struct tap *tap)
{
	int buffer = INT_MAX;
	unsigned int i;
	int err;

	err = tap_set_header(tap, TAP_HEADER_LENGTH);
	/* Sending never waits for room: the guest's queue is the limit. */
	for (i = 0; i < tap->queues && !err; i++)
		err = control(tap->fds[i], TUNSETSNDBUF, &buffer);
	if (!err)
		err = tap_set_offload(tap, 0);
	return err;
}

/**
 * tap_open() - open queues of an existing tap
 * @tap: is filled; tap_close() closes it
 * @name: of the interface
 * @queues: 1 to TAP_QUEUES_MAX; all are attached
 *
 * Return: 0; -ENODEV if there is no such interface; -EBUSY if someone else has
 * it; -EINVAL if it is no tap, or one with a single queue while more are asked
 * for; another -errno.
 */
int tap_open(struct tap *tap, const char *name, unsigned int queues)
{
	int err;

	memset(tap, 0, sizeof(*tap));
	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	/* Opening would create it. */
	if (!if_nametoindex(name))
		return -ENODEV;
	tap->fds = calloc(queues, sizeof(*tap->fds));
	if (!tap->fds)
		return -ENOMEM;
	err = open_queues(tap, name, queues);
	if (!err)
		err = read_mtu(tap, name);
	if (!err)
		err = prepare_queues(tap);
	if (err) {
		tap_close(tap);
		return err;
	}
	tap->active = tap->queues;
	return 0;
}

/**
 * tap_problem() - why a tap could not be opened
 * @err: what tap_open() returned
 * @queues: that were asked for
 *
 * Return: a few words.
 */
const char *tap_problem(int err, unsigned int queues)
{
	if (err == -EINVAL)
		return queues > 1 ? "not a tap with several queues" : "not a tap";
	return strerror(-err);
}

/**
 * tap_close() - undo tap_open()
 * @tap: open, or zeroed
 */
void tap_close(struct tap *tap)
{
	while (tap->queues)
		close(tap->fds[--tap->queues]);
	free(tap->fds);
	tap->fds = NULL;
}

/**
 * tap_set_header() - tell what is in front of each packet
 * @tap: the tap
 * @length: bytes: TAP_HEADER_LENGTH, or 2 fewer for drivers that know of no num_buffers
 *
 * Return: 0 or -errno.
 */
int tap_set_header(const struct tap *tap, unsigned int length)
{
	int header = (int)length;

	return control(tap->fds[0], TUNSETVNETHDRSZ, &header);
}

/* The tap's name for what the guest can receive. */
static unsigned int offload_flags(uint64_t features)
{
	static const struct {
		unsigned int bit;
		unsigned int flag;
	} names[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
		{ VIRTIO_NET_F_GUEST_UFO, TUN_F_UFO },
	};
	unsigned int flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (features & VIRTIO_FEATURE(names[i].bit))
			flags |= names[i].flag;
	}
	return flags;
}

/**
 * tap_set_offload() - tell what the guest can receive
 * @tap: the tap
 * @features: VIRTIO_NET_F_GUEST_* of virtio 1.2, section 5.1.3, others are
 *	ignored
 *
 * Return: 0; -EINVAL if the tap does not know one of them.
 */
int tap_set_offload(const struct tap *tap, uint64_t features)
{
	unsigned long flags = offload_flags(features);

	return ioctl(tap->fds[0], TUNSETOFFLOAD, flags) ? -errno : 0;
}

/**
 * tap_features() - what can be offered to a guest
 * @tap: the tap; no guest uses it yet
 *
 * Return: VIRTIO_NET_F_GUEST_* and VIRTIO_NET_F_HOST_*.
 */
uint64_t tap_features(const struct tap *tap)
{
	static const uint64_t common =
		VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) |
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) |
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN);
	static const uint64_t ufo =
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_UFO) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_UFO);
	uint64_t features = common | ufo;

	/* Not every kernel has UDP fragmentation. */
	if (tap_set_offload(tap, features))
		features = common;
	tap_set_offload(tap, 0);
	return features;
}

static int attach(int fd, bool attached)
{
	struct ifreq request = {
		.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
	};

	return control(fd, TUNSETQUEUE, &request);
}

/**
 * tap_set_active() - attach the first queues, detach the others
 * @tap: the tap
 * @queues: 1 to &struct tap.queues
 *
 * Packets for the guest go to attached queues only.
 * Return: 0, or -errno; then some have been changed.
 */
int tap_set_active(struct tap *tap, unsigned int queues)
{
	int err;

	while (tap->active < queues) {
		err = attach(tap->fds[tap->active], true);
		if (err)
			return err;
		tap->active++;
	}
	while (tap->active > queues) {
		err = attach(tap->fds[tap->active - 1], false);
		if (err)
			return err;
		tap->active--;
	}
	return 0;
}

/**
 * tap_set_steering() - tell who chooses the queue of a packet to the guest
 * @tap: the tap
 * @program: of BPF, of the type of a socket filter: its result, modulo the attached
 *	queues; or TAP_STEERS
 *
 * Return: 0 or -errno.
 */
int tap_set_steering(const struct tap *tap, int program)
{
	return control(tap->fds[0], TUNSETSTEERINGEBPF, &program);
}

/**
 * tap_set_filter() - tell which packets the guest wants
 * @tap: the tap
 * @filter: what it wants; more than it wants may arrive
 *
 * Return: 0 or -errno.
 */
int tap_set_filter(const struct tap *tap, const struct tap_filter *filter)
{
	static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct tun_filter *wanted;
	int err;

	wanted = calloc(1, sizeof(*wanted) + (filter->count + 1) * ETH_ALEN);
	if (!wanted)
		return -ENOMEM;
	/* An empty list is what turns the tap's filter off. */
	if (!filter->promiscuous) {
		memcpy(wanted->addr[0], filter->addresses, filter->count * ETH_ALEN);
		memcpy(wanted->addr[filter->count], broadcast, ETH_ALEN);
		wanted->count = filter->count + 1;
		if (filter->all_multicast)
			wanted->flags = TUN_FLT_ALLMULTI;
	}
	/* Returns the number of exact addresses. */
	err = ioctl(tap->fds[0], TUNSETTXFILTER, wanted) < 0 ? -errno : 0;
	free(wanted);
	return err;
}
