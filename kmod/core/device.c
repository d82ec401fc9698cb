// SPDX-License-Identifier: GPL-2.0
/*
 * Device files: open and release, owner, features, memory table.
 */
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "internal.h"

/* Those of <linux/vhost_types.h> that work. */
#define BACKEND_FEATURES (BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2) | \
			  BIT_ULL(VHOST_BACKEND_F_IOTLB_BATCH))

/**
 * vqhost_device_open() - open() of a device type
 * @inode: of the character device
 * @file: becomes a device without an owner
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno.
 */
int vqhost_device_open(struct inode *inode, struct file *file)
{
	/* misc_open() has put the miscdevice there. */
	struct vqhost_registration *registration =
		container_of(file->private_data, struct vqhost_registration, misc);
	const struct vqhost_device_type *type = registration->type;
	struct vqhost_device *device;
	int err = -ENOMEM;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	device->queues = kcalloc(type->queues_max, sizeof(*device->queues), GFP_KERNEL_ACCOUNT);
	if (!device->queues)
		goto err_device;
	device->type = type;
	mutex_init(&device->mutex);
	xa_init_flags(&device->workers, XA_FLAGS_ALLOC);
	vqhost_iotlb_init(&device->iotlb);
	if (type->device_open) {
		err = type->device_open(device);
		if (err)
			goto err_queues;
	}
	vqhost_devices_add(device);
	file->private_data = device;
	return 0;

err_queues:
	kfree(device->queues);
err_device:
	kfree(device);
	return err;
}
EXPORT_SYMBOL_GPL(vqhost_device_open);

/* Everything an owner has set up: back to the state after open(). */
static void disown(struct vqhost_device *device)
{
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			vqhost_queue_free(device->queues[i]);
	}
	vqhost_worker_free_all(device);
	if (device->map)
		vhost_iotlb_free(device->map);
	device->map = NULL;
	device->iotlb.backend_features = 0;
	vqhost_iotlb_set(device, false);
	if (device->log.event)
		eventfd_ctx_put(device->log.event);
	device->log = (struct vqhost_log) {};
	if (device->mm)
		compat_owner_mm_put(device->mm);
	device->mm = NULL;
	vqhost_devices_set_owner(device, NULL);
	WRITE_ONCE(device->features, 0);
}

/**
 * vqhost_device_release() - release() of a device type
 * @inode: of the character device
 * @file: closed by its last holder, who need not be the owner
 *
 * Completes what was taken from the queues and ends their threads.
 * Context: process context, may sleep.
 * Return: 0.
 */
int vqhost_device_release(struct inode *inode, struct file *file)
{
	struct vqhost_device *device = file->private_data;

	mutex_lock(&device->mutex);
	disown(device);
	mutex_unlock(&device->mutex);
	vqhost_devices_remove(device);
	if (device->type->device_release)
		device->type->device_release(device);
	mutex_destroy(&device->mutex);
	kfree(device->queues);
	kfree(device);
	return 0;
}
EXPORT_SYMBOL_GPL(vqhost_device_release);

/**
 * vqhost_check_owner() - does the caller own the device?
 * @device: the device
 *
 * Ownership belongs to an address space: all threads of a process have it, a
 * child or a receiver of the file descriptor has not.
 * Context: device's mutex held.
 * Return: 0 or -EPERM.
 */
int vqhost_check_owner(struct vqhost_device *device)
{
	lockdep_assert_held(&device->mutex);
	return device->mm && device->mm == current->mm ? 0 : -EPERM;
}
EXPORT_SYMBOL_GPL(vqhost_check_owner);

static long set_owner(struct vqhost_device *device)
{
	if (device->mm)
		return -EBUSY;
	device->mm = compat_owner_mm_get();
	if (!device->mm)
		return -EINVAL;
	vqhost_devices_set_owner(device, current);
	return 0;
}

/**
 * vqhost_device_park() - take all queues from their threads
 * @device: the device
 *
 * Context: device's mutex held, may sleep.
 */
void vqhost_device_park(struct vqhost_device *device)
{
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			vqhost_queue_park(device->queues[i]);
	}
}

/**
 * vqhost_device_unpark() - give all running queues back
 * @device: the device
 *
 * Context: device's mutex held.
 */
void vqhost_device_unpark(struct vqhost_device *device)
{
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i])
			vqhost_queue_unpark(device->queues[i]);
	}
}

static bool is_running(struct vqhost_device *device)
{
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		if (device->queues[i] && device->queues[i]->running)
			return true;
	}
	return false;
}

/*
 * Can all be logged there that running queues write?  Of a queue that is not
 * running it is asked when it starts.  @all: what is written to guest memory, and not
 * to rings alone.
 */
static bool log_access_ok(struct vqhost_device *device, const void __user *base,
			  const struct vhost_iotlb *map, bool all)
{
	struct vqhost_queue *queue;
	unsigned int i;

	for (i = 0; i < device->type->queues_max; i++) {
		queue = device->queues[i];
		if (queue && queue->running &&
		    (!vqhost_log_ring_ok(queue, base, &queue->address) ||
		     (all && !vqhost_log_memory_ok(base, map))))
			return false;
	}
	return true;
}

static long set_features(struct vqhost_device *device, u64 __user *argument)
{
	struct device_virtqueue *ring;
	unsigned int i;
	u64 features;
	int err = 0;

	if (copy_from_user(&features, argument, sizeof(features)))
		return -EFAULT;
	if (features & ~device->type->features)
		return -EOPNOTSUPP;
	/* A ring in use does not take another format. */
	if ((features ^ device->features) & VQHOST_FORMAT_FEATURES && is_running(device))
		return -EBUSY;
	if (!log_access_ok(device, device->log.base, device->map,
			   features & BIT_ULL(VHOST_F_LOG_ALL)))
		return -EFAULT;

	vqhost_device_park(device);
	if ((features | device->features) & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))
		err = vqhost_iotlb_set(device, features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM));
	if (err) {
		vqhost_device_unpark(device);
		return -EFAULT;
	}
	WRITE_ONCE(device->features, features);
	for (i = 0; i < device->type->queues_max; i++) {
		if (!device->queues[i])
			continue;
		ring = &device->queues[i]->ring;
		ring->event_index = vqhost_has_feature(device, VIRTIO_RING_F_EVENT_IDX);
		ring->indirect = vqhost_has_feature(device, VIRTIO_RING_F_INDIRECT_DESC);
		vqhost_log_attach(device->queues[i]);
	}
	vqhost_device_unpark(device);
	return 0;
}

static long set_memory(struct vqhost_device *device, const struct vhost_memory __user *table)
{
	struct vhost_iotlb *map = vqhost_map_from_user(table);
	unsigned int i;

	if (IS_ERR(map))
		return PTR_ERR(map);
	if (!log_access_ok(device, device->log.base, map,
			   vqhost_has_feature(device, VHOST_F_LOG_ALL))) {
		vhost_iotlb_free(map);
		return -EFAULT;
	}

	vqhost_device_park(device);
	for (i = 0; i < device->type->queues_max; i++) {
		if (!device->queues[i])
			continue;
		device->queues[i]->memory.map = map;
		device->queues[i]->memory.last = NULL;
	}
	swap(device->map, map);
	vqhost_device_unpark(device);
	if (map)
		vhost_iotlb_free(map);
	return 0;
}

static long set_log_base(struct vqhost_device *device, u64 __user *argument)
{
	void __user *base;
	u64 address;

	if (copy_from_user(&address, argument, sizeof(address)))
		return -EFAULT;
	if (address != (unsigned long)address)
		return -EFAULT;
	base = (void __user *)(unsigned long)address;
	if (!log_access_ok(device, base, device->map,
			   vqhost_has_feature(device, VHOST_F_LOG_ALL)))
		return -EFAULT;

	vqhost_device_park(device);
	device->log.base = base;
	vqhost_device_unpark(device);
	return 0;
}

static long set_log_event(struct vqhost_device *device, int __user *argument)
{
	struct eventfd_ctx *event = NULL;
	int fd;

	if (get_user(fd, argument))
		return -EFAULT;
	if (fd != VHOST_FILE_UNBIND) {
		event = eventfd_ctx_fdget(fd);
		if (IS_ERR(event))
			return PTR_ERR(event);
	}

	vqhost_device_park(device);
	swap(device->log.event, event);
	vqhost_device_unpark(device);
	if (event)
		eventfd_ctx_put(event);
	return 0;
}

static long put_number(void __user *argument, const void *number, size_t size)
{
	return copy_to_user(argument, number, size) ? -EFAULT : 0;
}

static long set_backend_features(struct vqhost_device *device, u64 __user *argument)
{
	u64 features;

	if (copy_from_user(&features, argument, sizeof(features)))
		return -EFAULT;
	if (features & ~BACKEND_FEATURES)
		return -EOPNOTSUPP;
	/* The next message that is read has the version that was acknowledged. */
	WRITE_ONCE(device->iotlb.backend_features, features);
	return 0;
}

static long owner_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument)
{
	const struct vqhost_device_type *type = device->type;
	long ret = vqhost_check_owner(device);

	if (ret)
		return ret;
	switch (cmd) {
	case VHOST_RESET_OWNER:
		disown(device);
		return 0;
	case VHOST_SET_MEM_TABLE:
		return set_memory(device, argument);
	case VHOST_SET_LOG_BASE:
		return set_log_base(device, argument);
	case VHOST_SET_LOG_FD:
		return set_log_event(device, argument);
	case VQHOST_GET_VRING_STATS:
		return vqhost_vring_stats(device, argument);
	}
	ret = type->ioctl ? type->ioctl(device, cmd, argument) : -ENOIOCTLCMD;
	if (ret == -ENOIOCTLCMD)
		ret = vqhost_vring_ioctl(device, cmd, argument);
	return ret;
}

/**
 * vqhost_device_ioctl() - unlocked_ioctl() of a device type
 * @file: a device
 * @cmd: VHOST_* or VQHOST_*
 * @arg: as the ioctl defines it
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno as documented in docs/uapi.md.
 */
long vqhost_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vqhost_device *device = file->private_data;
	void __user *argument = (void __user *)arg;
	const u64 backend_features = BACKEND_FEATURES;
	u32 version = VQHOST_API_VERSION;
	long ret;

	switch (cmd) {
	case VHOST_GET_FEATURES:
		return put_number(argument, &device->type->features, sizeof(u64));
	case VHOST_GET_BACKEND_FEATURES:
		return put_number(argument, &backend_features, sizeof(backend_features));
	case VQHOST_GET_API_VERSION:
		return put_number(argument, &version, sizeof(version));
	}

	mutex_lock(&device->mutex);
	switch (cmd) {
	case VHOST_SET_OWNER:
		ret = set_owner(device);
		break;
	case VHOST_SET_FEATURES:
		ret = set_features(device, argument);
		break;
	case VHOST_NEW_WORKER:
	case VHOST_FREE_WORKER:
	case VHOST_ATTACH_VRING_WORKER:
	case VHOST_GET_VRING_WORKER:
		ret = vqhost_worker_ioctl(device, cmd, argument);
		break;
	case VHOST_SET_BACKEND_FEATURES:
		ret = set_backend_features(device, argument);
		break;
	default:
		ret = owner_ioctl(device, cmd, argument);
		break;
	}
	mutex_unlock(&device->mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(vqhost_device_ioctl);

/**
 * vqhost_device_read_iter() - read_iter() of a device type
 * @iocb: of a device
 * @to: receives a message
 *
 * Context: process context, may sleep.
 * Return: see vqhost_iotlb_read().
 */
ssize_t vqhost_device_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;

	return vqhost_iotlb_read(file->private_data, to, file->f_flags & O_NONBLOCK);
}
EXPORT_SYMBOL_GPL(vqhost_device_read_iter);

/**
 * vqhost_device_write_iter() - write_iter() of a device type
 * @iocb: of a device
 * @from: a message
 *
 * Context: process context, may sleep.
 * Return: see vqhost_iotlb_write().
 */
ssize_t vqhost_device_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return vqhost_iotlb_write(iocb->ki_filp->private_data, from);
}
EXPORT_SYMBOL_GPL(vqhost_device_write_iter);

/**
 * vqhost_device_poll() - poll() of a device type
 * @file: a device
 * @table: of the caller
 *
 * Context: process context, may sleep.
 * Return: EPOLLIN and EPOLLRDNORM while there is a message to be read.
 */
__poll_t vqhost_device_poll(struct file *file, poll_table *table)
{
	struct vqhost_device *device = file->private_data;

	poll_wait(file, &device->iotlb.readers, table);
	return list_empty_careful(&device->iotlb.unread) ? 0 : EPOLLIN | EPOLLRDNORM;
}
EXPORT_SYMBOL_GPL(vqhost_device_poll);

/**
 * vqhost_register() - make a device type available under /dev
 * @registration: kept until vqhost_unregister(); its type is set, its character
 *	device has its operations set and is otherwise zeroed
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno.
 */
int vqhost_register(struct vqhost_registration *registration)
{
	registration->misc.minor = MISC_DYNAMIC_MINOR;
	registration->misc.name = registration->type->name;
	return misc_register(&registration->misc);
}
EXPORT_SYMBOL_GPL(vqhost_register);

/**
 * vqhost_unregister() - take a device type away
 * @registration: registered; no device is open, its module's count is 0
 *
 * Context: process context, may sleep.
 */
void vqhost_unregister(struct vqhost_registration *registration)
{
	misc_deregister(&registration->misc);
}
EXPORT_SYMBOL_GPL(vqhost_unregister);

MODULE_DESCRIPTION("virtqueues served in the kernel, a thread each");
MODULE_AUTHOR("The vqhost developers");
MODULE_LICENSE("GPL");
