// SPDX-License-Identifier: GPL-2.0
/*
 * A disk: one file of the kernel device serves all vrings.
 *
 * The store is locked while any vring is served.  The lock belongs to the open file,
 * which the kernel device has too, until its queues have stopped.  So a bridge that
 * follows one that was killed begins when all requests of that one are done; and one
 * that its guest migrates to can be started while the guest still runs with the other.
 */
#include "bridge/device.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <linux/vqhost.h>

#include "backend/vhost_control.h"
#include "option_values.h"

#define KERNEL_DEVICE "/dev/vqhost-blk"

/* A queue of 128 entries, which is what front ends have, less header and status. */
#define SEGMENTS 126

/* How long a predecessor is waited for; after that the front end may try again. */
#define LOCK_TRIES 10
#define LOCK_INTERVAL_NS 100000000

static int prepare(struct bridge_device *device)
{
	return vhost_set_serial(device->files[0], &device->store);
}

/* Those that only read may be many. */
static int lock_store(const struct store *store)
{
	const struct timespec interval = { .tv_nsec = LOCK_INTERVAL_NS };
	int operation = (store->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB;
	unsigned int i;

	for (i = 0; flock(store->fd, operation); i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&interval, NULL);
	}
	return 0;
}

static int set_backend(struct bridge_device *device, unsigned int vring, bool on)
{
	int err = 0;

	if (on && !device->running)
		err = lock_store(&device->store);
	if (!err)
		err = vhost_set_store(bridge_device_file(device, vring),
				      bridge_device_vring(device, vring), &device->store, on);
	if (!err)
		device->running += on ? 1 : -1;
	if (!device->running)
		flock(device->store.fd, LOCK_UN);
	return err;
}

static void close_store(struct bridge_device *device)
{
	store_close(&device->store);
}

static const struct bridge_device_ops blk_ops = {
	.prepare	= prepare,
	.set_backend	= set_backend,
	.close		= close_store,
};

static int open_store(struct bridge_device *device, const struct device_options *options)
{
	struct store *store = &device->store;
	int err;

	err = store_open(store, options->blk_file, options->read_only);
	if (err)
		return option_error("--blk-file", options->blk_file, "%s", store_problem(err));
	device->ops = &blk_ops;
	/* The kernel device takes care of what cannot go past the page cache. */
	if (store->buffered_fd != store->fd)
		close(store->buffered_fd);
	store->buffered_fd = store->fd;
	/* Not a string: all 20 bytes may be used. */
	if (options->serial)
		memcpy(store->serial, options->serial, strlen(options->serial));
	return 0;
}

/**
 * bridge_blk_open() - open a disk
 * @device: zeroed; is filled
 * @options: has a file
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int bridge_blk_open(struct bridge_device *device, const struct device_options *options)
{
	struct virtio_blk_config config;
	int err;

	device->vrings = options->queues ? options->queues : VQHOST_BLK_QUEUES_MAX;
	device->features = BRIDGE_FEATURES | STORE_FEATURES;
	err = open_store(device, options);
	if (err)
		return err;
	device->features &= ~store_features_refused(&device->store, device->vrings);
	store_fill_config(&device->store, device->vrings, SEGMENTS, &config);
	memcpy(device->config, &config, sizeof(config));
	return bridge_device_open_files(device, KERNEL_DEVICE, 1, device->vrings);
}
