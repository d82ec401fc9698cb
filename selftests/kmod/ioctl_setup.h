/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device of any kind with an owner, and arguments for its ioctls.
 */
#ifndef SELFTESTS_KMOD_IOCTL_SETUP_H
#define SELFTESTS_KMOD_IOCTL_SETUP_H

#include "../lib/vhost.h"
#include "tap.h"

#define KERNEL_ADDRESS 0xffff800000000000ULL
#define NO_FD 9999

/**
 * struct ioctl_setup - the setup
 * @fd: of the device
 * @event: eventfd
 * @backend: what a queue can be given
 * @is_net: it is a network device
 * @is_mainline: it is not ours
 * @tap: of a network device
 * @page: a page with nothing behind it
 * @table: of two regions, with room for many
 * @ring: for queue 1
 */
struct ioctl_setup {
	int fd;
	int event;
	int backend;
	bool is_net;
	bool is_mainline;
	struct tap tap;
	uint8_t *page;
	struct vhost_memory *table;
	struct driver_ring ring;
};

int ioctl_setup_open(struct ioctl_setup *setup, const char *path);
void ioctl_setup_close(struct ioctl_setup *setup);

void ioctl_fill_table(struct vhost_memory *table, uint8_t *page, unsigned int regions);
struct vhost_vring_addr ioctl_ring_address(const struct ioctl_setup *setup);
int ioctl_set_state(int fd, unsigned long request, unsigned int index, unsigned int number);
int ioctl_set_file(int fd, unsigned long request, unsigned int index, int file);
int ioctl_set_backend(const struct ioctl_setup *setup, unsigned int index, int file);
int ioctl_run_queue(const struct ioctl_setup *setup);

#endif /* SELFTESTS_KMOD_IOCTL_SETUP_H */
