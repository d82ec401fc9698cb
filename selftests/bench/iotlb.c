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

#define BUFFERS 256U
#define STRIDE (8 * IOTLB_PAGE)
#define FRAME 256U
#define OPERATIONS 8192U
#define ROUNDS_MAX 64U
#define SUBJECTS 6

/* Neither in the order of addresses, nor is one next to another. */
#define BUFFER(n) (GUEST_MEMORY + (n) * 37 % BUFFERS * STRIDE)

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

static unsigned int depth = BUFFERS;

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "bench_iotlb: %s: %s\n", what, strerror(-err));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

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

/* @count operations, so many at a time. */
static void operate(struct vhost_queue *queue, bool is_net, unsigned int count)
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

static void fill_buffers(struct vhost_device *device, bool is_net, uint32_t type)
{
	uint8_t frame[FRAME] = "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x88\xb6";
	uint64_t header[2] = { type, 0 };
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

static double measure(struct subject *subject, int tap, int store)
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
	fill_buffers(&device, is_net, VIRTIO_BLK_T_IN);
	if (subject->behind_iotlb) {
		check(ioctl(device.fd, VHOST_SET_BACKEND_FEATURES, &backend_features), "features");
		map_all(&device, &queue);
	}
	check(is_net ? vhost_queue_net_backend(&queue, tap) :
		       vhost_queue_blk_backend(&queue, store, 0), "backend");
	/* Until everything has been touched, and the thread has learned. */
	operate(&queue, is_net, OPERATIONS / 4);
	start = now();
	operate(&queue, is_net, OPERATIONS);
	start = now() - start;
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	return start / OPERATIONS;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Sorts. */
static void print(const char *name, const char *what, double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	printf("%-24s %-10s %9.3f  (%.3f to %.3f)\n", name, what, values[count / 2], values[0],
	       values[count - 1]);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 5;
	double ratio[ROUNDS_MAX];
	unsigned int round, i;
	struct tap tap;
	int store;

	if (argc > 2)
		depth = atoi(argv[2]);
	if (!rounds || rounds > ROUNDS_MAX || !depth || depth > BUFFERS)
		return 2;
	check(tap_open(&tap, TAP, sizeof(struct virtio_net_hdr_mrg_rxbuf), ETHERTYPE_TEST, 0),
	      "tap");
	store = store_open(STORE_RAM_DISK, O_RDWR);
	check(store, "store");
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < SUBJECTS; i++)
			subjects[i].ns[round] = measure(&subjects[i], tap.fd, store);
	}
	printf("nanoseconds per operation, and IOTLB as a multiple of none: median, spread of %u\n",
	       rounds);
	for (i = 0; i < SUBJECTS; i += 2) {
		for (round = 0; round < rounds; round++)
			ratio[round] = subjects[i + 1].ns[round] / subjects[i].ns[round];
		print(subjects[i].name, "none", subjects[i].ns, rounds);
		print(subjects[i].name, "IOTLB", subjects[i + 1].ns, rounds);
		print(subjects[i].name, "ratio", ratio, rounds);
	}
	return 0;
}
