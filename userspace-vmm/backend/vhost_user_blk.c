// SPDX-License-Identifier: GPL-2.0
/*
 * A disk by vhost-user: its back end says what it is.
 */
#include <string.h>

#include "backend/store.h"
#include "backend/vhost_user.h"
#include "virtqueue/platform.h"

/* What features that are known tell of: nothing behind it is asked for. */
#define CONFIG_LENGTH (offsetof(struct virtio_blk_config, write_zeroes_may_unmap) + 4)

/* A single queue cannot be reset: what is kept of requests under way is for all queues. */
static const struct vhost_user_type blk_type = {
	.features	= (BACKEND_RING_FEATURES & ~VIRTIO_FEATURE(VIRTIO_F_RING_RESET)) |
			  STORE_FEATURES,
	.config_length	= CONFIG_LENGTH,
};

/* A chain that is longer than its queue breaks it. */
static void limit_segments(struct virtio_blk_config *config, unsigned int queue_size)
{
	uint32_t segments = le32_to_cpu((__force __le32)config->seg_max);

	segments = min(segments, queue_size - DESCRIPTORS_BESIDE_DATA);
	config->seg_max = (__force __virtio32)cpu_to_le32(segments);
}

/**
 * vhost_user_blk_create() - serve a disk by who listens at a socket
 * @machine: has memory and a loop
 * @settings: what the user wants; needed only during the call, but for the option
 * @config: receives what the driver is told of the disk
 * @out: receives the backend; backend_destroy() frees it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.
 */
int vhost_user_blk_create(struct machine *machine, const struct vhost_user_settings *settings,
			  struct virtio_blk_config *config, struct backend **out)
{
	struct vhost_user *user;
	int err;

	err = vhost_user_create(machine, settings, &blk_type, &user);
	if (err)
		return err;
	memset(config, 0, sizeof(*config));
	memcpy(config, user->config, CONFIG_LENGTH);
	config->num_queues = (__force __virtio16)cpu_to_le16(settings->queues);
	limit_segments(config, settings->queue_size);
	if (settings->queues == 1)
		user->base.features &= ~VIRTIO_FEATURE(VIRTIO_BLK_F_MQ);
	*out = &user->base;
	return 0;
}
