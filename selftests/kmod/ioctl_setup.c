// SPDX-License-Identifier: GPL-2.0
/*
 * A device of any kind with an owner, and arguments for its ioctls.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blk_setup.h"
#include "ioctl_setup.h"

/**
 * ioctl_setup_open() - open a device
 * @setup: to be closed by ioctl_setup_close(), also after failure
 * @path: of the device file
 *
 * Return: 0 or -errno.
 */
int ioctl_setup_open(struct ioctl_setup *setup, const char *path)
{
	int err = 0;

	memset(setup, 0, sizeof(*setup));
	setup->is_mainline = !strcmp(path, MAINLINE_NET);
	setup->is_net = setup->is_mainline || !strcmp(path, VQHOST_NET);
	if (setup->is_mainline && access(MAINLINE_NET, F_OK) && system("modprobe vhost_net"))
		return -ECHILD;
	if (setup->is_net) {
		err = tap_open(&setup->tap, TAP, 12, ETHERTYPE_TEST, 0);
		setup->backend = setup->tap.fd;
	} else {
		setup->backend = store_open(STORE_TMPFS, O_RDWR);
	}
	if (err || setup->backend < 0)
		return err ? err : setup->backend;
	setup->fd = open(path, O_RDWR);
	setup->event = eventfd(0, 0);
	setup->table = calloc(1, 0x10000);
	setup->page = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	if (setup->fd < 0 || setup->event < 0 || !setup->table || setup->page == MAP_FAILED ||
	    munmap(setup->page + 0x1000, 0x1000))
		return -errno;
	ioctl_fill_table(setup->table, setup->page, 2);
	err = driver_ring_init(&setup->ring, 16, 0, true);
	return err ? err : vhost_ioctl(setup->fd, VHOST_SET_OWNER, NULL);
}

/**
 * ioctl_setup_close() - close and free everything
 * @setup: the setup
 */
void ioctl_setup_close(struct ioctl_setup *setup)
{
	close(setup->fd);
	close(setup->event);
	if (setup->is_net)
		tap_close(&setup->tap);
	else
		close(setup->backend);
	driver_ring_destroy(&setup->ring);
	free(setup->table);
}

/**
 * ioctl_fill_table() - a table of regions of a page, all backed by the same one
 * @table: destination
 * @page: the page
 * @regions: how many
 */
void ioctl_fill_table(struct vhost_memory *table, uint8_t *page, unsigned int regions)
{
	unsigned int i;

	memset(table, 0, sizeof(*table) + regions * sizeof(table->regions[0]));
	table->nregions = regions;
	for (i = 0; i < regions; i++) {
		table->regions[i].guest_phys_addr = i * 0x1000ULL;
		table->regions[i].memory_size = 0x1000;
		table->regions[i].userspace_addr = (uintptr_t)page;
	}
}

/**
 * ioctl_ring_address() - where the ring lies
 * @setup: the setup
 *
 * Return: the argument of VHOST_SET_VRING_ADDR, for queue 1.
 */
struct vhost_vring_addr ioctl_ring_address(const struct ioctl_setup *setup)
{
	return (struct vhost_vring_addr) {
		.index = 1,
		.desc_user_addr = (uintptr_t)setup->ring.descriptors,
		.avail_user_addr = (uintptr_t)setup->ring.available,
		.used_user_addr = (uintptr_t)setup->ring.used,
	};
}

/**
 * ioctl_set_state() - make an ioctl that sets a number of a queue
 * @fd: of the device
 * @request: which one
 * @index: of the queue
 * @number: to be set
 *
 * Return: 0 or -errno.
 */
int ioctl_set_state(int fd, unsigned long request, unsigned int index, unsigned int number)
{
	struct vhost_vring_state state = { .index = index, .num = number };

	return vhost_ioctl(fd, request, &state);
}

/**
 * ioctl_set_file() - make an ioctl that sets a file of a queue
 * @fd: of the device
 * @request: which one
 * @index: of the queue
 * @file: to be set
 *
 * Return: 0 or -errno.
 */
int ioctl_set_file(int fd, unsigned long request, unsigned int index, int file)
{
	struct vhost_vring_file argument = { .index = index, .fd = file };

	return vhost_ioctl(fd, request, &argument);
}

/**
 * ioctl_set_backend() - set the backend of a queue
 * @setup: the setup
 * @index: of the queue
 * @file: the backend, or -1
 *
 * Return: 0 or -errno.
 */
int ioctl_set_backend(const struct ioctl_setup *setup, unsigned int index, int file)
{
	struct vqhost_blk_backend backend = { .index = index, .fd = file };

	return setup->is_net ? ioctl_set_file(setup->fd, VHOST_NET_SET_BACKEND, index, file) :
			       vhost_ioctl(setup->fd, VQHOST_BLK_SET_BACKEND, &backend);
}

/**
 * ioctl_run_queue() - have queue 1 running
 * @setup: the setup, whose table and ring it is given
 *
 * Return: 0 or -errno.
 */
int ioctl_run_queue(const struct ioctl_setup *setup)
{
	struct vhost_vring_addr address = ioctl_ring_address(setup);
	int err;

	err = vhost_ioctl(setup->fd, VHOST_SET_MEM_TABLE, setup->table);
	if (!err)
		err = ioctl_set_state(setup->fd, VHOST_SET_VRING_NUM, 1, setup->ring.size);
	if (!err)
		err = vhost_ioctl(setup->fd, VHOST_SET_VRING_ADDR, &address);
	return err ? err : ioctl_set_backend(setup, 1, setup->backend);
}
