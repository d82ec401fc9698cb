// SPDX-License-Identifier: GPL-2.0
/*
 * queue-memory: print the bytes of kernel memory that a 256-entry queue costs.
 *
 * Sets up one queue as a VMM does and asks the device.  The ring is empty and
 * no guest exists: memory is what a queue holds at rest, which is all there is,
 * for a queue allocates nothing once it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vqhost.h>

#define QUEUE_SIZE 256
/* Descriptor table, available and used ring, each on pages of its own. */
#define AVAIL_OFFSET 8192
#define USED_OFFSET 16384
#define MEMORY_SIZE 65536
/* VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC. */
#define FEATURES (1ull << 32 | 1ull << 29 | 1ull << 28)

static int fail(const char *what)
{
	fprintf(stderr, "queue-memory: %s: %s\n", what, strerror(errno));
	return -1;
}

static int open_tap(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Everything a queue needs before its backend is set. */
static int set_up(int device, char *memory)
{
	struct vhost_vring_state state = { .num = QUEUE_SIZE };
	struct vhost_vring_addr addresses = {
		.desc_user_addr = (uintptr_t)memory,
		.avail_user_addr = (uintptr_t)memory + AVAIL_OFFSET,
		.used_user_addr = (uintptr_t)memory + USED_OFFSET,
	};
	struct vhost_vring_file kick = { .fd = eventfd(0, 0) };
	struct vhost_vring_file call = { .fd = eventfd(0, 0) };
	struct vhost_memory *map;
	__u64 offered, features;
	int err = 0;

	if (ioctl(device, VHOST_SET_OWNER) || ioctl(device, VHOST_GET_FEATURES, &offered))
		return fail("owner");
	features = offered & FEATURES;
	map = calloc(1, sizeof(*map) + sizeof(map->regions[0]));
	if (!map)
		return fail("memory map");
	map->nregions = 1;
	map->regions[0].memory_size = MEMORY_SIZE;
	map->regions[0].userspace_addr = (uintptr_t)memory;
	if (ioctl(device, VHOST_SET_FEATURES, &features) ||
	    ioctl(device, VHOST_SET_MEM_TABLE, map) ||
	    ioctl(device, VHOST_SET_VRING_NUM, &state))
		err = fail("features, memory and size");
	free(map);
	state.num = 0;
	if (!err && (ioctl(device, VHOST_SET_VRING_BASE, &state) ||
		     ioctl(device, VHOST_SET_VRING_ADDR, &addresses) ||
		     ioctl(device, VHOST_SET_VRING_KICK, &kick) ||
		     ioctl(device, VHOST_SET_VRING_CALL, &call)))
		err = fail("ring");
	return err;
}

static int start_net(int device)
{
	struct vhost_vring_file backend = { .fd = open_tap() };

	if (backend.fd < 0)
		return fail("tap");
	return ioctl(device, VHOST_NET_SET_BACKEND, &backend) ? fail("backend") : 0;
}

static int start_blk(int device, const char *path)
{
	struct vqhost_blk_backend backend = { .fd = open(path, O_RDWR | O_DIRECT) };

	if (backend.fd < 0)
		return fail(path);
	return ioctl(device, VQHOST_BLK_SET_BACKEND, &backend) ? fail("backend") : 0;
}

int main(int argc, char **argv)
{
	struct vqhost_vring_stats stats = { .size = sizeof(stats) };
	int device, blk;
	char *memory;

	blk = argc == 3 && !strcmp(argv[1], "blk");
	if (!blk && (argc != 2 || strcmp(argv[1], "net"))) {
		fputs("usage: queue-memory net | queue-memory blk FILE\n", stderr);
		return 2;
	}
	device = open(blk ? "/dev/vqhost-blk" : "/dev/vqhost-net", O_RDWR);
	if (device < 0) {
		fail("open the device");
		return 1;
	}
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		fail("mmap");
		return 1;
	}
	if (set_up(device, memory) || (blk ? start_blk(device, argv[2]) : start_net(device)))
		return 1;
	if (ioctl(device, VQHOST_GET_VRING_STATS, &stats)) {
		fail("statistics");
		return 1;
	}
	printf("%llu\n", (unsigned long long)stats.memory);
	return 0;
}
