// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted of a queue, read while it goes on: by VQHOST_GET_VRING_STATS and
 * in debugfs.
 *
 * Stopwatches
 * -----------
 * One that stands holds how long it ran, by local_clock().  One that runs holds that
 * less the time at which it was started, and so is negative, for nothing has run for
 * longer than the clock.  So one word tells all, and can be read at any time.
 */
#include <linux/sched/clock.h>

#include "internal.h"

/**
 * vqhost_stopwatch_start() - go on
 * @stopwatch: stands
 * @now: local_clock()
 *
 * Context: its only writer.
 */
void vqhost_stopwatch_start(s64 *stopwatch, s64 now)
{
	WRITE_ONCE(*stopwatch, *stopwatch - now);
}

/**
 * vqhost_stopwatch_stop() - stand still
 * @stopwatch: runs
 * @now: local_clock()
 *
 * Context: its only writer.
 */
void vqhost_stopwatch_stop(s64 *stopwatch, s64 now)
{
	/* Clocks of two CPUs may differ a little. */
	WRITE_ONCE(*stopwatch, max(*stopwatch + now, 0LL));
}

static s64 time_of(s64 stopwatch, s64 now)
{
	return stopwatch < 0 ? max(stopwatch + now, 0LL) : stopwatch;
}

/* Both of the same instant: neither was started or stopped meanwhile. */
static void read_times(const struct vqhost_counters *counters, struct vqhost_vring_stats *stats)
{
	s64 run_time, wait_time, now;

	do {
		run_time = READ_ONCE(counters->run_time);
		wait_time = READ_ONCE(counters->wait_time);
		now = local_clock();
	} while (run_time != READ_ONCE(counters->run_time) ||
		 wait_time != READ_ONCE(counters->wait_time));
	run_time = time_of(run_time, now);
	wait_time = min(time_of(wait_time, now), run_time);
	stats->wait_ns = wait_time;
	stats->busy_ns = run_time - wait_time;
}

static void read_errors(const struct vqhost_counters *counters, struct vqhost_vring_stats *stats)
{
	stats->errors_malformed = READ_ONCE(counters->errors[VQHOST_ERROR_MALFORMED]);
	stats->errors_unsupported = READ_ONCE(counters->errors[VQHOST_ERROR_UNSUPPORTED]);
	stats->errors_backend = READ_ONCE(counters->errors[VQHOST_ERROR_BACKEND]);
	stats->errors_memory = READ_ONCE(counters->errors[VQHOST_ERROR_MEMORY]);
	stats->errors = stats->errors_malformed + stats->errors_unsupported +
			stats->errors_backend + stats->errors_memory;
}

/**
 * vqhost_queue_stats() - read what is counted of a queue
 * @queue: stays; it may be served meanwhile
 * @stats: receives all but its sizes
 *
 * Context: any.
 */
void vqhost_queue_stats(const struct vqhost_queue *queue, struct vqhost_vring_stats *stats)
{
	const struct vqhost_counters *counters = &queue->counters;
	unsigned int i;

	stats->index = queue->index;
	/* In debugfs a queue may be set up meanwhile, which clears it with all the rest. */
	stats->error = data_race(READ_ONCE(queue->ring.error));
	stats->running = READ_ONCE(queue->running);
	stats->chains = READ_ONCE(counters->chains);
	stats->bytes = READ_ONCE(counters->bytes);
	stats->kicks = READ_ONCE(counters->kicks);
	stats->calls = READ_ONCE(counters->calls);
	/* The thread counts a batch before its call. */
	smp_rmb();
	stats->batches = READ_ONCE(counters->batches);
	stats->polls_found = READ_ONCE(counters->polls_found);
	stats->polls_dry = READ_ONCE(counters->polls_dry);
	stats->sleeps = READ_ONCE(counters->sleeps);
	stats->misses = READ_ONCE(counters->misses);
	stats->requests = READ_ONCE(counters->requests);
	stats->calls_suppressed = stats->batches - stats->calls;
	stats->ring_empty = READ_ONCE(counters->ring_empty);
	stats->ring_full = READ_ONCE(counters->ring_full);
	stats->backend_waits = READ_ONCE(counters->backend_waits);
	stats->in_flight = READ_ONCE(counters->in_flight);
	read_errors(counters, stats);
	read_times(counters, stats);
	for (i = 0; i < VQHOST_BREAKS; i++)
		stats->breaks[i] = READ_ONCE(counters->breaks[i]);
}

/**
 * vqhost_count_error() - count a request that failed, or a packet that was dropped
 * @queue: the queue
 * @err: -errno for which it did; -EINVAL and -EMSGSIZE for what the driver asked for
 *
 * Context: the queue's thread.
 */
void vqhost_count_error(struct vqhost_queue *queue, int err)
{
	enum vqhost_error cause;

	switch (err) {
	case -EINVAL:
	case -EMSGSIZE:
		cause = VQHOST_ERROR_MALFORMED;
		break;
	case -EOPNOTSUPP:
		cause = VQHOST_ERROR_UNSUPPORTED;
		break;
	case -EFAULT:
	case -ENOBUFS:
	case -ENOMEM:
		cause = VQHOST_ERROR_MEMORY;
		break;
	default:
		cause = VQHOST_ERROR_BACKEND;
	}
	vqhost_count(&queue->counters.errors[cause], 1);
}
EXPORT_SYMBOL_GPL(vqhost_count_error);

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
	struct vqhost_queue *queue;
	u32 header[2];

	if (copy_from_user(header, argument, sizeof(header)))
		return -EFAULT;
	if (header[1] < 4 * sizeof(u32))
		return -EINVAL;
	queue = vqhost_queue_get(device, header[0]);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	vqhost_queue_stats(queue, &stats);
	stats.size = min_t(u32, header[1], sizeof(stats));
	stats.memory = queue_memory(queue);
	return copy_to_user(argument, &stats, stats.size) ? -EFAULT : 0;
}
