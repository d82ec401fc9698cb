// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vqhost-blk: a device is a disk with up to VQHOST_BLK_QUEUES_MAX queues.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "blk.h"

static int blk_open(struct vqhost_device *device)
{
	struct blk_device *blk = kzalloc(sizeof(*blk), GFP_KERNEL_ACCOUNT);

	if (!blk)
		return -ENOMEM;
	/* A worker for each queue, if all have slow requests. */
	blk->slow_workqueue = alloc_workqueue("vqhost-blk", WQ_UNBOUND, VQHOST_BLK_QUEUES_MAX);
	if (!blk->slow_workqueue) {
		kfree(blk);
		return -ENOMEM;
	}
	spin_lock_init(&blk->lock);
	device->private = blk;
	return 0;
}

static void blk_release(struct vqhost_device *device)
{
	struct blk_device *blk = device->private;

	destroy_workqueue(blk->slow_workqueue);
	kfree(blk);
}

/**
 * blk_device_serial() - the device's identity
 * @device: the device
 * @serial: receives it
 *
 * Context: any but interrupts.
 */
void blk_device_serial(struct vqhost_device *device, u8 serial[VIRTIO_BLK_ID_BYTES])
{
	struct blk_device *blk = device->private;

	spin_lock(&blk->lock);
	memcpy(serial, blk->serial, sizeof(blk->serial));
	spin_unlock(&blk->lock);
}

static long set_serial(struct vqhost_device *device, void __user *argument)
{
	struct blk_device *blk = device->private;
	struct vqhost_blk_serial serial;

	BUILD_BUG_ON(sizeof(serial.serial) != sizeof(blk->serial));
	if (copy_from_user(&serial, argument, sizeof(serial)))
		return -EFAULT;
	spin_lock(&blk->lock);
	memcpy(blk->serial, serial.serial, sizeof(blk->serial));
	spin_unlock(&blk->lock);
	return 0;
}

static long set_backend(struct vqhost_device *device, void __user *argument)
{
	struct vqhost_blk_backend wanted;
	struct blk_backend backend;
	struct vqhost_queue *queue;
	int err;

	if (copy_from_user(&wanted, argument, sizeof(wanted)))
		return -EFAULT;
	if (wanted.flags & ~VQHOST_BLK_READONLY || wanted.reserved)
		return -EINVAL;
	queue = vqhost_queue_get(device, wanted.index);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	if (wanted.fd == VHOST_FILE_UNBIND) {
		vqhost_queue_stop(queue);
		return 0;
	}

	err = blk_backend_get(&backend, wanted.fd, wanted.flags & VQHOST_BLK_READONLY);
	if (err)
		return err;
	vqhost_queue_stop(queue);
	err = vqhost_queue_start(queue, &backend);
	if (err)
		blk_backend_put(&backend);
	return err;
}

static long blk_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument)
{
	switch (cmd) {
	case VQHOST_BLK_SET_BACKEND:
		return set_backend(device, argument);
	case VQHOST_BLK_SET_SERIAL:
		return set_serial(device, argument);
	}
	return -ENOIOCTLCMD;
}

static const struct vqhost_device_type blk_type = {
	.name		= "vqhost-blk",
	.features	= VQHOST_RING_FEATURES |
			  BIT_ULL(VIRTIO_BLK_F_SEG_MAX) |
			  BIT_ULL(VIRTIO_BLK_F_RO) |
			  BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
			  BIT_ULL(VIRTIO_BLK_F_FLUSH) |
			  BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) |
			  BIT_ULL(VIRTIO_BLK_F_MQ) |
			  BIT_ULL(VIRTIO_BLK_F_DISCARD) |
			  BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES),
	.queues_max	= VQHOST_BLK_QUEUES_MAX,
	.device_open	= blk_open,
	.device_release	= blk_release,
	.ioctl		= blk_ioctl,
	.start		= blk_queue_start,
	.stop		= blk_queue_stop,
	.run		= blk_queue_run,
	.ready		= blk_queue_ready,
	.drain		= blk_queue_drain,
	.memory		= blk_queue_memory,
};

static const struct file_operations blk_operations = {
	.owner = THIS_MODULE,
	VQHOST_FILE_OPERATIONS,
};

static struct vqhost_registration blk_registration = {
	.misc.fops = &blk_operations,
	.type = &blk_type,
};

static int __init blk_init(void)
{
	return vqhost_register(&blk_registration);
}
module_init(blk_init);

static void __exit blk_exit(void)
{
	vqhost_unregister(&blk_registration);
}
module_exit(blk_exit);

MODULE_DESCRIPTION("virtio-blk served in the kernel, a thread per virtqueue");
MODULE_AUTHOR("The vqhost developers");
MODULE_LICENSE("GPL");
