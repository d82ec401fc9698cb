// SPDX-License-Identifier: GPL-2.0
/*
 * The vhost ioctls as the bridge calls them, without a kernel.
 */
#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vqhost.h>

#include "backend/vhost_control.h"

struct fake_kernel kernel;

static int note(unsigned long request, unsigned int vring)
{
	if (kernel.call_count < FAKE_CALLS)
		kernel.calls[kernel.call_count++] = (struct fake_call) { request, vring };
	return kernel.fail == request ? -EFAULT : 0;
}

/**
 * fake_find() - when was that told?
 * @request: as in &struct fake_call.request
 * @from: the first call to look at
 *
 * Return: position of the call; -1 if there is none.
 */
int fake_find(unsigned long request, unsigned int from)
{
	for (; from < kernel.call_count; from++) {
		if (kernel.calls[from].request == request)
			return (int)from;
	}
	return -1;
}

int vhost_control(int fd, unsigned long request, void *argument)
{
	struct vhost_vring_addr *address = argument;
	struct vqhost_vring_position *position = argument;
	struct vhost_memory *table = argument;
	int err;

	(void)fd;
	err = note(request, request == VHOST_SET_VRING_ADDR ? address->index : 0);
	if (err)
		return err;
	switch (request) {
	case VHOST_SET_OWNER:
		kernel.owned = true;
		break;
	case VHOST_RESET_OWNER:
		kernel.owned = false;
		kernel.region_count = 0;
		break;
	case VHOST_SET_FEATURES:
		kernel.features = *(uint64_t *)argument;
		break;
	case VHOST_SET_MEM_TABLE:
		kernel.region_count = table->nregions;
		memcpy(kernel.table, table->regions, table->nregions * sizeof(table->regions[0]));
		break;
	case VHOST_SET_LOG_BASE:
		kernel.log = *(uint64_t *)argument;
		break;
	case VHOST_SET_VRING_ADDR:
		kernel.address[address->index] = *address;
		break;
	case VQHOST_SET_VRING_POSITION:
		kernel.position[position->index] = position->address;
		break;
	}
	return 0;
}

int vhost_set_state(int fd, unsigned int vring, unsigned long request, unsigned int value)
{
	(void)fd;
	if (request == VHOST_SET_VRING_NUM)
		kernel.size[vring] = value;
	else if (request == VHOST_SET_VRING_BASE)
		kernel.base[vring] = value;
	return note(request, vring);
}

/* Of a file it must be an eventfd. */
int vhost_set_file(int fd, unsigned int vring, unsigned long request, int file)
{
	char path[64], target[64] = "";

	(void)fd;
	if (file != VHOST_FILE_UNBIND) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			return -EBADF;
		if (!strstr(target, "[eventfd]"))
			return -EINVAL;
	}
	return note(request, vring);
}

int vhost_get_base(int fd, unsigned int vring, uint32_t *base)
{
	(void)fd;
	*base = kernel.base[vring];
	return note(VHOST_GET_VRING_BASE, vring);
}

static int set_backend(struct bridge_device *device, unsigned int vring, bool on)
{
	int err = note(on ? FAKE_START : FAKE_STOP, vring);

	(void)device;
	if (!err)
		kernel.running[vring] = on;
	return err;
}

static void close_nothing(struct bridge_device *device)
{
	(void)device;
}

static const struct bridge_device_ops fake_ops = {
	.set_backend	= set_backend,
	.close		= close_nothing,
};

/**
 * fake_device() - a device of a kernel device that knows nothing yet
 * @device: is filled; bridge_device_close() closes it
 */
void fake_device(struct bridge_device *device)
{
	unsigned int i;

	memset(&kernel, 0, sizeof(kernel));
	*device = (struct bridge_device) {
		.ops = &fake_ops,
		.features = FAKE_FEATURES,
		.kernel_features = FAKE_FEATURES,
		.vrings = FAKE_VRINGS,
		.files = calloc(1, sizeof(int)),
		.file_count = 1,
		.vrings_per_file = FAKE_VRINGS,
	};
	device->files[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (i = 0; i < sizeof(device->config); i++)
		device->config[i] = (uint8_t)i;
}

/* Devices are made by fake_device() alone. */
int bridge_blk_open(struct bridge_device *device, const struct device_options *options)
{
	(void)options;
	fake_device(device);
	return 0;
}

int bridge_net_open(struct bridge_device *device, const struct device_options *options)
{
	return bridge_blk_open(device, options);
}
