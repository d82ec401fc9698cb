// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vqhost-net: a device is one queue pair, as with mainline's vhost-net.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "net.h"

static int net_run(struct vqhost_queue *queue)
{
	return queue->index == NET_QUEUE_RX ? net_rx_run(queue) : net_tx_run(queue);
}

static bool net_ready(struct vqhost_queue *queue, enum vqhost_run state)
{
	return queue->index == NET_QUEUE_RX ? net_rx_ready(queue, state) :
					      net_tx_ready(queue, state);
}

static int net_start(struct vqhost_queue *queue, void *backend)
{
	/* A tap that loses its link says so to its readers only. */
	__poll_t events = queue->index == NET_QUEUE_RX ? EPOLLIN : EPOLLIN | EPOLLOUT;
	struct net_queue *net;
	int err;

	net = kvzalloc(sizeof(*net), GFP_KERNEL_ACCOUNT);
	if (!net)
		return -ENOMEM;
	net->backend = *(struct net_backend *)backend;
	queue->private = net;
	err = vqhost_waiter_attach(&queue->backend_waiter, queue, net->backend.file, events);
	if (err) {
		queue->private = NULL;
		kvfree(net);
	}
	return err;
}

static void net_stop(struct vqhost_queue *queue)
{
	struct net_queue *net = queue->private;

	if (queue->index == NET_QUEUE_RX)
		net_rx_stop(net);
	else
		net_tx_stop(net);
	net_backend_put(&net->backend);
	queue->private = NULL;
	kvfree(net);
}

static size_t net_memory(const struct vqhost_queue *queue)
{
	return sizeof(struct net_queue);
}

static long set_backend(struct vqhost_device *device, void __user *argument)
{
	struct vhost_vring_file file;
	struct net_backend backend;
	struct vqhost_queue *queue;
	int err;

	if (copy_from_user(&file, argument, sizeof(file)))
		return -EFAULT;
	queue = vqhost_queue_get(device, file.index);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	if (file.fd == VHOST_FILE_UNBIND) {
		vqhost_queue_stop(queue);
		return 0;
	}

	err = net_backend_get(&backend, file.fd);
	if (err)
		return err;
	vqhost_queue_stop(queue);
	err = vqhost_queue_start(queue, &backend);
	if (err)
		net_backend_put(&backend);
	return err;
}

static long net_ioctl(struct vqhost_device *device, unsigned int cmd, void __user *argument)
{
	if (cmd == VHOST_NET_SET_BACKEND)
		return set_backend(device, argument);
	return -ENOIOCTLCMD;
}

static const struct vqhost_device_type net_type = {
	.name		= "vqhost-net",
	.features	= VQHOST_RING_FEATURES |
			  BIT_ULL(VIRTIO_F_IN_ORDER) |
			  BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |
			  BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR),
	.queues_max	= NET_QUEUES,
	.ioctl		= net_ioctl,
	.start		= net_start,
	.stop		= net_stop,
	.run		= net_run,
	.ready		= net_ready,
	.memory		= net_memory,
};

static const struct file_operations net_operations = {
	.owner = THIS_MODULE,
	VQHOST_FILE_OPERATIONS,
};

static struct vqhost_registration net_registration = {
	.misc.fops = &net_operations,
	.type = &net_type,
};

static int __init net_init(void)
{
	return vqhost_register(&net_registration);
}
module_init(net_init);

static void __exit net_exit(void)
{
	vqhost_unregister(&net_registration);
}
module_exit(net_exit);

MODULE_DESCRIPTION("virtio-net served in the kernel, a thread per virtqueue");
MODULE_AUTHOR("The vqhost developers");
MODULE_LICENSE("GPL");
