// SPDX-License-Identifier: GPL-2.0
/*
 * usage: bench_iotlb ROUNDS DEPTH
 *
 * What an IOTLB costs: the same work with and without VIRTIO_F_ACCESS_PLATFORM, of
 * our devices and of mainline's, one after the other in each round.  DEPTH operations
 * are made available at a time, and waited for.  256 buffers
 * lie on pages of their own, spread over one region of guest memory; behind the
 * IOTLB each page is a mapping, all there from the beginning.
 *
 * Prints nanoseconds per operation: with "testhost run --icount" those are
 * instructions, of driver and device together.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../kmod/blk_setup.h"
#include "../kmod/iotlb_setup.h"
#include "../kmod/net_setup.h"
#include "traffic.h"

#define OPERATIONS 8192U
#define ROUNDS_MAX 64U
#define SUBJECTS 6

struct subject {
	const char *name;
	const char *path;
	bool behind_iotlb;
	double ns[ROUNDS_MAX];
};

static struct subject subjects[SUBJECTS] = {
	{ "net transmit, vqhost", VQHOST_NET, false, {} },
	{ "net transmit, vqhost", VQHOST_NET, true, {} },
	{ "net transmit, mainline", MAINLINE_NET, false, {} },
	{ "net transmit, mainline", MAINLINE_NET, true, {} },
	{ "blk read, vqhost", VQHOST_BLK, false, {} },
	{ "blk read, vqhost", VQHOST_BLK, true, {} },
};

/* Page by page, as a guest's IOMMU has it. */
static void map(int fd, uint64_t address, uint64_t length, void *where)
{
	uint64_t offset = address % IOTLB_PAGE;

	address -= offset;
	where = (uint8_t *)where - offset;
	for (length += offset; (int64_t)length > 0; length -= IOTLB_PAGE) {
		check(iotlb_update(fd, true, address, IOTLB_PAGE, where, VHOST_ACCESS_RW), "map");
		address += IOTLB_PAGE;
		where = (uint8_t *)where + IOTLB_PAGE;
	}
}

static void map_all(struct vhost_device *device, struct vhost_queue *queue)
{
	struct driver_ring *ring = &queue->ring;
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		map(device->fd, BUFFER(i), 1, guest_pointer(device, BUFFER(i)));
	for (i = 0; i < 2 * BUFFERS * 64; i += IOTLB_PAGE)
		map(device->fd, GUEST_BORDER(2) + i, 1, guest_pointer(device, GUEST_BORDER(2) + i));
	map(device->fd, (uintptr_t)ring->descriptors, ring->size * 16, ring->descriptors);
	map(device->fd, (uintptr_t)ring->available, 6 + ring->size * 2, ring->available);
	map(device->fd, (uintptr_t)ring->used, 6 + ring->size * 8, ring->used);
}

static double measure(struct subject *subject, unsigned int depth, int tap, int store)
{
	uint64_t backend_features = FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2);
	bool is_net = strcmp(subject->path, VQHOST_BLK);
	uint64_t features = FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_RING_F_EVENT_IDX);
	struct vhost_device device;
	struct vhost_queue queue;
	double start;

	if (subject->behind_iotlb)
		features |= FEATURE(VIRTIO_F_ACCESS_PLATFORM);
	check(vhost_device_open(&device, subject->path, features), subject->path);
	check(vhost_queue_open(&queue, &device, is_net ? NET_TX : 0, 4 * BUFFERS, 0), "queue");
	traffic_fill(&device, is_net);
	if (subject->behind_iotlb) {
		check(ioctl(device.fd, VHOST_SET_BACKEND_FEATURES, &backend_features), "features");
		map_all(&device, &queue);
	}
	check(is_net ? vhost_queue_net_backend(&queue, tap) :
		       vhost_queue_blk_backend(&queue, store, 0), "backend");
	/* Until everything has been touched, and the thread has learned. */
	traffic_run(&queue, is_net, OPERATIONS / 4, depth);
	start = now();
	traffic_run(&queue, is_net, OPERATIONS, depth);
	start = now() - start;
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	return start / OPERATIONS;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 5;
	unsigned int depth = argc > 2 ? atoi(argv[2]) : BUFFERS;
	double ratio[ROUNDS_MAX];
	unsigned int round, i;
	struct tap tap;
	int store;

	if (!rounds || rounds > ROUNDS_MAX || !depth || depth > BUFFERS)
		return 2;
	check(tap_open(&tap, TAP, sizeof(struct virtio_net_hdr_mrg_rxbuf), ETHERTYPE_TEST, 0),
	      "tap");
	store = store_open(STORE_RAM_DISK, O_RDWR);
	check(store, "store");
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < SUBJECTS; i++)
			subjects[i].ns[round] = measure(&subjects[i], depth, tap.fd, store);
	}
	printf("nanoseconds per operation, and IOTLB as a multiple of none: median, spread of %u\n",
	       rounds);
	for (i = 0; i < SUBJECTS; i += 2) {
		for (round = 0; round < rounds; round++)
			ratio[round] = subjects[i + 1].ns[round] / subjects[i].ns[round];
		print_spread(subjects[i].name, "none", subjects[i].ns, rounds);
		print_spread(subjects[i].name, "IOTLB", subjects[i + 1].ns, rounds);
		print_spread(subjects[i].name, "ratio", ratio, rounds);
	}
	return 0;
}
