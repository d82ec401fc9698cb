// SPDX-License-Identifier: GPL-2.0
/*
 * VQHOST_GET_VRING_STATS.
 */
#include "internal.h"

static u64 queue_memory(const struct vqhost_queue *queue)
{
	const struct vqhost_device_type *type = queue->device->type;
	u64 bytes = sizeof(*queue) + virtqueue_memory_size(&queue->ring) +
		    vqhost_translations_size(queue);

	if (queue->running && type->memory)
		bytes += type->memory(queue);
	return bytes;
}

/**
 * vqhost_vring_stats() - serve VQHOST_GET_VRING_STATS
 * @device: has an owner, who calls
 * @argument: of the ioctl
 *
 * Context: device's mutex held, may sleep.
 * Return: 0 or -errno, see the ioctl in <linux/vqhost.h>.
 */
long vqhost_vring_stats(struct vqhost_device *device, void __user *argument)
{
	struct vqhost_vring_stats stats = {};
	const struct vqhost_counters *counters;
	struct vqhost_queue *queue;
	u32 header[2];

	if (copy_from_user(header, argument, sizeof(header)))
		return -EFAULT;
	if (header[1] < 4 * sizeof(u32))
		return -EINVAL;
	queue = vqhost_queue_get(device, header[0]);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	counters = &queue->counters;
	stats.index = header[0];
	stats.size = min_t(u32, header[1], sizeof(stats));
	stats.error = READ_ONCE(queue->ring.error);
	stats.running = queue->running;
	stats.chains = READ_ONCE(counters->chains);
	stats.bytes = READ_ONCE(counters->bytes);
	stats.kicks = READ_ONCE(counters->kicks);
	stats.calls = READ_ONCE(counters->calls);
	stats.batches = READ_ONCE(counters->batches);
	stats.polls_found = READ_ONCE(counters->polls_found);
	stats.polls_dry = READ_ONCE(counters->polls_dry);
	stats.sleeps = READ_ONCE(counters->sleeps);
	stats.errors = READ_ONCE(counters->errors);
	stats.memory = queue_memory(queue);
	stats.misses = READ_ONCE(counters->misses);
	return copy_to_user(argument, &stats, stats.size) ? -EFAULT : 0;
}
