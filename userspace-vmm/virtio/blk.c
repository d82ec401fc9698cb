// SPDX-License-Identifier: GPL-2.0
/*
 * A disk (virtio 1.2, section 5.2).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "backend/store.h"
#include "backend/user.h"
#include "backend/vhost.h"
#include "backend/vhost_user.h"
#include "machine/machine.h"
#include "options.h"
#include "virtio/pci.h"
#include "virtio/virtio.h"

#define OPTION "--disk"

/**
 * struct virtio_blk - a disk
 * @device: what the driver sees
 * @config: its configuration
 * @pci: its transport
 * @store: what is behind it, unless that is the backend's own
 * @has_store: it is open
 * @backend: serves the queues
 */
struct virtio_blk {
	struct virtio_device device;
	struct virtio_blk_config config;
	struct virtio_pci *pci;
	struct store store;
	bool has_store;
	struct backend *backend;
};

static struct virtio_blk *to_virtio_blk(struct virtio_device *device)
{
	return (struct virtio_blk *)device;
}

static struct backend *queue_backend(struct virtio_device *device, unsigned int index)
{
	(void)index;
	return to_virtio_blk(device)->backend;
}

static int features_chosen(struct virtio_device *device)
{
	struct virtio_blk *blk = to_virtio_blk(device);

	return blk->backend->ops->set_features(blk->backend, device->features);
}

static const struct virtio_device_ops blk_ops = {
	.features_chosen	= features_chosen,
	.queue_backend		= queue_backend,
};

static int open_store(struct virtio_blk *blk, const struct disk_options *options)
{
	int err;

	if (options->backend == BACKEND_VHOST_USER)
		return 0;
	err = store_open(&blk->store, options->path, options->readonly);
	if (err)
		return option_key_error(OPTION, "path", options->path, "%s", store_problem(err));
	blk->has_store = true;
	/* Not a string: all 20 bytes may be used. */
	if (options->serial)
		memcpy(blk->store.serial, options->serial,
		       min(strlen(options->serial), sizeof(blk->store.serial)));
	return 0;
}

static void close_store(struct virtio_blk *blk)
{
	if (blk->has_store)
		store_close(&blk->store);
}

static int create_vhost_user(struct virtio_blk *blk, const struct disk_options *options)
{
	const struct vhost_user_settings settings = {
		.option = OPTION,
		.socket = options->socket,
		.queues = options->queues,
		.queue_size = options->queue_size,
	};

	return vhost_user_blk_create(blk->device.machine, &settings, &blk->config,
				     &blk->backend);
}

static int create_backend(struct virtio_blk *blk, const struct disk_options *options)
{
	struct machine *machine = blk->device.machine;
	struct vhost_settings settings = {
		.option = OPTION,
		.device = options->device,
		.poll_us = options->poll_us,
		.poll_set = options->poll_set,
	};
	int err;

	if (options->backend == BACKEND_VHOST_USER)
		return create_vhost_user(blk, options);
	if (options->backend == BACKEND_VHOST)
		return vhost_blk_create(machine, &settings, &blk->store, options->queues,
					&blk->backend);
	err = user_blk_probe();
	if (err) {
		errno = -err;
		return option_key_error(OPTION, "backend", "user", "io_uring: %m");
	}
	return user_backend_create(machine->loop, &user_blk_handler, &blk->store, options->queues,
				   &blk->backend);
}

static void fill_config(struct virtio_blk *blk, const struct disk_options *options)
{
	uint64_t features = blk->backend->features;

	if (blk->has_store) {
		store_fill_config(&blk->store, options->queues,
				  options->queue_size - DESCRIPTORS_BESIDE_DATA, &blk->config);
		features &= ~store_features_refused(&blk->store, options->queues);
	}
	if (!options->packed)
		features &= ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	blk->device.offered = features;
	blk->device.config = &blk->config;
	blk->device.config_length = sizeof(blk->config);
}

int virtio_blk_create(struct machine *machine, const struct disk_options *options,
		      struct virtio_blk **out)
{
	struct virtio_blk *blk;
	int err;

	if (options->poll_set && options->backend != BACKEND_VHOST)
		return option_error(OPTION, "poll-us", "only for backend=vhost");
	if (options->queue_size <= DESCRIPTORS_BESIDE_DATA)
		return option_error(OPTION, "queue-size", "too small for a request");
	blk = calloc(1, sizeof(*blk));
	if (!blk)
		return -ENOMEM;
	blk->device.machine = machine;
	blk->device.ops = &blk_ops;
	blk->device.id = VIRTIO_ID_BLOCK;
	if (asprintf(&blk->device.name, OPTION " %s=%s", options->path ? "path" : "socket",
		     options->path ? options->path : options->socket) < 0) {
		err = -ENOMEM;
		goto free_blk;
	}
	err = open_store(blk, options);
	if (err)
		goto free_name;
	err = create_backend(blk, options);
	if (err)
		goto close_store;
	if (options->packed && !(blk->backend->features & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED))) {
		err = option_key_error(OPTION, "packed", "on", "%s does not know packed rings",
				       options->socket ? options->socket : options->device);
		goto destroy_backend;
	}
	fill_config(blk, options);
	err = virtio_device_init(&blk->device, options->queues, options->queue_size);
	if (err)
		goto destroy_backend;
	err = virtio_pci_create(machine, &blk->device, &blk->pci);
	if (err)
		goto fini_device;
	*out = blk;
	return 0;

fini_device:
	virtio_device_fini(&blk->device);
destroy_backend:
	backend_destroy(blk->backend);
close_store:
	close_store(blk);
free_name:
	free(blk->device.name);
free_blk:
	free(blk);
	return err;
}

void virtio_blk_destroy(struct virtio_blk *blk)
{
	if (!blk)
		return;
	virtio_device_set_status(&blk->device, 0);
	virtio_pci_destroy(blk->pci);
	virtio_device_fini(&blk->device);
	backend_destroy(blk->backend);
	close_store(blk);
	free(blk->device.name);
	free(blk);
}
