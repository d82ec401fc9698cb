// SPDX-License-Identifier: GPL-2.0
/*
 * The vhost ioctls, as functions that return -errno.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/vqhost.h>

#include "backend/vhost_control.h"

/**
 * vhost_control() - an ioctl
 * @fd: of a kernel device
 * @request: number of the ioctl
 * @argument: as it wants it
 *
 * Return: 0 or -errno.
 */
int vhost_control(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

/**
 * vhost_set_state() - set a number of a vring
 * @fd: of a kernel device
 * @vring: index
 * @request: VHOST_SET_VRING_NUM and others
 * @value: the number
 *
 * Return: 0 or -errno.
 */
int vhost_set_state(int fd, unsigned int vring, unsigned long request, unsigned int value)
{
	struct vhost_vring_state state = { .index = vring, .num = value };

	return vhost_control(fd, request, &state);
}

/**
 * vhost_set_file() - hand over a file of a vring
 * @fd: of a kernel device
 * @vring: index
 * @request: VHOST_SET_VRING_KICK and others, VHOST_NET_SET_BACKEND
 * @file: the file, or VHOST_FILE_UNBIND
 *
 * Return: 0 or -errno.
 */
int vhost_set_file(int fd, unsigned int vring, unsigned long request, int file)
{
	struct vhost_vring_file argument = { .index = vring, .fd = file };

	return vhost_control(fd, request, &argument);
}

/**
 * vhost_get_base() - where a vring would go on
 * @fd: of a kernel device
 * @vring: index
 * @base: receives it, see &struct virtqueue_config.base
 *
 * Return: 0 or -errno.
 */
int vhost_get_base(int fd, unsigned int vring, uint32_t *base)
{
	struct vhost_vring_state state = { .index = vring };
	int err;

	err = vhost_control(fd, VHOST_GET_VRING_BASE, &state);
	*base = state.num;
	return err;
}

/**
 * vhost_set_store() - serve a vring of a disk, or stop
 * @fd: of a kernel device for disks
 * @vring: index
 * @store: what is behind it
 * @on: serve it
 *
 * Return: 0 or -errno.
 */
int vhost_set_store(int fd, unsigned int vring, const struct store *store, bool on)
{
	struct vqhost_blk_backend argument = {
		.index = vring,
		.fd = on ? store->fd : VHOST_FILE_UNBIND,
		.flags = store->readonly ? VQHOST_BLK_READONLY : 0,
	};

	return vhost_control(fd, VQHOST_BLK_SET_BACKEND, &argument);
}

/**
 * vhost_set_serial() - tell a disk's identity
 * @fd: of a kernel device
 * @store: has it
 *
 * Return: 0; -ENOTTY if the kernel device is not for disks; another -errno.
 */
int vhost_set_serial(int fd, const struct store *store)
{
	struct vqhost_blk_serial serial;

	memcpy(serial.serial, store->serial, sizeof(serial.serial));
	return vhost_control(fd, VQHOST_BLK_SET_SERIAL, &serial);
}
