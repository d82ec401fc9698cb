// SPDX-License-Identifier: GPL-2.0
/*
 * What all types of devices have in common: the files of the kernel device.
 */
#include "bridge/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/vqhost.h>

#include "backend/vhost_control.h"
#include "option_values.h"

/**
 * bridge_device_open_files() - open a kernel device as often as it is needed
 * @device: gets the files, and keeps those of its features that they know;
 *	bridge_device_close() closes them, also on failure
 * @path: of the kernel device
 * @files: how many
 * @vrings: of each
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int bridge_device_open_files(struct bridge_device *device, const char *path,
			     unsigned int files, unsigned int vrings)
{
	device->vrings_per_file = vrings;
	device->files = calloc(files, sizeof(*device->files));
	if (!device->files)
		return -ENOMEM;
	while (device->file_count < files) {
		uint64_t features;
		uint32_t version;
		int fd = open(path, O_RDWR | O_CLOEXEC), err;

		if (fd < 0)
			return option_error(path, NULL, "%m%s",
					    errno == ENOENT ? " (is its module loaded?)" : "");
		device->files[device->file_count++] = fd;
		err = vhost_control(fd, VHOST_GET_FEATURES, &features);
		if (err) {
			errno = -err;
			return option_error(path, NULL, "%m");
		}
		device->features &= features;
		/* Where such a ring goes on could not be kept. */
		if (vhost_control(fd, VQHOST_GET_API_VERSION, &version) || version < 3)
			device->features &= ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	}
	device->kernel_features = device->features;
	return 0;
}

/**
 * bridge_device_control() - an ioctl on all files of a device
 * @device: the device
 * @request: number of the ioctl
 * @argument: as it wants it
 *
 * Return: 0; -errno of the first file that refuses it.
 */
int bridge_device_control(const struct bridge_device *device, unsigned long request,
			  void *argument)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < device->file_count && !err; i++)
		err = vhost_control(device->files[i], request, argument);
	return err;
}

/**
 * bridge_device_file() - the file that serves a vring
 * @device: the device
 * @vring: index, less than &struct bridge_device.vrings
 *
 * Return: its file descriptor.
 */
int bridge_device_file(const struct bridge_device *device, unsigned int vring)
{
	return device->files[vring / device->vrings_per_file];
}

/**
 * bridge_device_vring() - the number of a vring in its file
 * @device: the device
 * @vring: index, less than &struct bridge_device.vrings
 *
 * Return: index of the vring.
 */
unsigned int bridge_device_vring(const struct bridge_device *device, unsigned int vring)
{
	return vring % device->vrings_per_file;
}

/**
 * bridge_device_open() - open a device and what is behind it
 * @device: is filled; bridge_device_close() closes it
 * @options: what the user wants
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int bridge_device_open(struct bridge_device *device, const struct device_options *options)
{
	int err;

	*device = (struct bridge_device) {};
	if (options->blk_file)
		err = bridge_blk_open(device, options);
	else
		err = bridge_net_open(device, options);
	if (err)
		bridge_device_close(device);
	return err;
}

/**
 * bridge_device_close() - undo bridge_device_open()
 * @device: open or half open
 *
 * Closing the files ends the kernel's threads.
 */
void bridge_device_close(struct bridge_device *device)
{
	while (device->file_count)
		close(device->files[--device->file_count]);
	free(device->files);
	device->files = NULL;
	if (device->ops)
		device->ops->close(device);
	device->ops = NULL;
}
