// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic of the benchmarks in the test host: packets to be sent, or reads of a disk.
 */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../kmod/net_setup.h"

#define FRAME 256U

void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-err));
	exit(1);
}

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* Add operation @n, whose buffer lies at BUFFER(@n). */
static void add(struct vhost_queue *queue, bool is_net, unsigned int n)
{
	const uint64_t header = GUEST_BORDER(2) + n * 64;
	struct driver_buffer buffers[3] = {
		{ header, 16 }, { BUFFER(n), 4096 }, { header + 32, 1 },
	};
	struct driver_buffer frame = { BUFFER(n), sizeof(struct virtio_net_hdr_mrg_rxbuf) + FRAME };

	if (is_net)
		check(driver_ring_add(&queue->ring, &frame, 1, 0), "add");
	else
		check(driver_ring_add(&queue->ring, buffers, 1, 2), "add");
}

void traffic_run(struct vhost_queue *queue, bool is_net, unsigned int count, unsigned int depth)
{
	unsigned int done, n;

	for (done = 0; done < count; done += depth) {
		for (n = 0; n < depth; n++)
			add(queue, is_net, (done + n) % BUFFERS);
		vhost_queue_expose(queue);
		check(vhost_queue_wait(queue, depth), "wait");
		for (n = 0; n < depth; n++)
			check(driver_ring_reap(&queue->ring, NULL), "reap");
	}
}

void traffic_fill(struct vhost_device *device, bool is_net)
{
	uint8_t frame[FRAME] = "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x88\xb6";
	uint64_t header[2] = { VIRTIO_BLK_T_IN, 0 };
	unsigned int n;

	for (n = 0; n < BUFFERS; n++) {
		/* Of a type that nobody listens to. */
		if (is_net)
			guest_write(device, BUFFER(n) + sizeof(struct virtio_net_hdr_mrg_rxbuf),
				    frame, sizeof(frame));
		header[1] = n * 8;
		guest_write(device, GUEST_BORDER(2) + n * 64, header, sizeof(header));
	}
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Sorts. */
void print_spread(const char *name, const char *what, double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	printf("%-24s %-10s %9.3f  (%.3f to %.3f)\n", name, what, values[count / 2], values[0],
	       values[count - 1]);
}
