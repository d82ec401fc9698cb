// SPDX-License-Identifier: GPL-2.0
/*
 * The common configuration structure (virtio 1.2, section 4.1.4.3).
 *
 * A read fills an image of the structure and copies the bytes asked for; that
 * serves accesses of any width.  A write takes one whole field; the driver must
 * use the field's width, or two halves for 64 bits (section 4.1.3.1).
 *
 * What follows the structure of virtio 1.0 reads as 0: there is no notification
 * data, and a queue's reset is over before the driver can ask.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/virtio_pci.h>

#include "virtio/pci.h"
#include "virtqueue/platform.h"

static struct virtio_queue *selected_queue(const struct virtio_pci *transport)
{
	if (transport->queue_select >= transport->device->queue_count)
		return NULL;
	return &transport->device->queues[transport->queue_select];
}

/* The 32 bits of @features that @select shows; there are two such halves. */
static uint32_t feature_word(uint64_t features, uint32_t select)
{
	return select < 2 ? features >> 32 * select : 0;
}

static void fill_queue(struct virtio_pci_common_cfg *image, const struct virtio_queue *queue)
{
	image->queue_size = cpu_to_le16(queue->size);
	image->queue_msix_vector = cpu_to_le16(queue->vector);
	image->queue_enable = cpu_to_le16(queue->enabled);
	image->queue_notify_off = cpu_to_le16(queue->index);
	image->queue_desc_lo = cpu_to_le32(queue->descriptors);
	image->queue_desc_hi = cpu_to_le32(queue->descriptors >> 32);
	image->queue_avail_lo = cpu_to_le32(queue->driver_area);
	image->queue_avail_hi = cpu_to_le32(queue->driver_area >> 32);
	image->queue_used_lo = cpu_to_le32(queue->device_area);
	image->queue_used_hi = cpu_to_le32(queue->device_area >> 32);
}

/**
 * virtio_common_read() - the driver reads from the structure
 * @transport: of the device
 * @offset: of the first byte
 * @data: receives the bytes; 0 behind the end
 * @length: how many
 *
 * Return: 0.
 */
int virtio_common_read(struct virtio_pci *transport, uint64_t offset, void *data,
		       unsigned int length)
{
	const struct virtio_device *device = transport->device;
	const struct virtio_queue *queue = selected_queue(transport);
	struct virtio_pci_common_cfg image = {
		.device_feature_select = cpu_to_le32(transport->device_feature_select),
		.device_feature = cpu_to_le32(feature_word(device->offered,
							   transport->device_feature_select)),
		.guest_feature_select = cpu_to_le32(transport->driver_feature_select),
		.guest_feature = cpu_to_le32(feature_word(device->features,
							  transport->driver_feature_select)),
		.msix_config = cpu_to_le16(transport->config_vector),
		.num_queues = cpu_to_le16(device->queue_count),
		.device_status = device->status,
		.config_generation = device->generation,
		.queue_select = cpu_to_le16(transport->queue_select),
	};

	/* A queue that does not exist has size 0 (section 4.1.4.3.1). */
	if (queue)
		fill_queue(&image, queue);
	memset(data, 0, length);
	if (offset < sizeof(image))
		memcpy(data, (const uint8_t *)&image + offset,
		       min_t(uint64_t, length, sizeof(image) - offset));
	return 0;
}

static void write_driver_feature(struct virtio_pci *transport, uint32_t value)
{
	struct virtio_device *device = transport->device;
	unsigned int shift = 32 * transport->driver_feature_select;

	/* Negotiation is over once the device has agreed (section 3.1.1). */
	if (transport->driver_feature_select > 1 || device->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	device->features &= ~(0xffffffffULL << shift);
	device->features |= (uint64_t)value << shift;
}

/* Vectors that do not exist read back as none: the driver sees the failure. */
static uint16_t valid_vector(const struct virtio_pci *transport, uint16_t vector)
{
	return virtio_pci_vector_fd(transport, vector) < 0 ? VIRTIO_NO_VECTOR : vector;
}

static void write_vector(struct virtio_pci *transport, struct virtio_queue *queue, uint16_t value)
{
	queue->vector = valid_vector(transport, value);
	virtio_queue_set_call(queue, virtio_pci_vector_fd(transport, queue->vector));
}

static void set_half(uint64_t *address, bool high, uint32_t value)
{
	unsigned int shift = high ? 32 : 0;

	*address &= ~(0xffffffffULL << shift);
	*address |= (uint64_t)value << shift;
}

/* What may be changed only until the queue is enabled (section 4.1.4.3.2). */
static int write_queue_setup(struct virtio_queue *queue, uint64_t offset, uint32_t value)
{
	if (queue->enabled)
		return 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		queue->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		queue->enabled = value == 1;
		virtio_device_update(queue->device);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&queue->descriptors, offset == VIRTIO_PCI_COMMON_Q_DESCHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&queue->driver_area, offset == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&queue->device_area, offset == VIRTIO_PCI_COMMON_Q_USEDHI, value);
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static int write_queue(struct virtio_pci *transport, uint64_t offset, uint32_t value)
{
	struct virtio_queue *queue = selected_queue(transport);

	if (!queue)
		return 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_MSIX:
		write_vector(transport, queue, value);
		return 0;
	case VIRTIO_PCI_COMMON_Q_RESET:
		if (value == 1 && virtio_has_feature(queue->device, VIRTIO_F_RING_RESET))
			virtio_queue_reset(queue);
		return 0;
	default:
		return write_queue_setup(queue, offset, value);
	}
}

static void write_status(struct virtio_pci *transport, uint8_t value)
{
	virtio_device_set_status(transport->device, value);
	if (!value) {
		transport->config_vector = VIRTIO_NO_VECTOR;
		transport->isr = 0;
	}
}

/* The width of a field, 0 for what is none or cannot be written. */
static unsigned int field_width(uint64_t offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
	case VIRTIO_PCI_COMMON_GFSELECT:
	case VIRTIO_PCI_COMMON_GF:
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return 4;
	case VIRTIO_PCI_COMMON_MSIX:
	case VIRTIO_PCI_COMMON_Q_SELECT:
	case VIRTIO_PCI_COMMON_Q_SIZE:
	case VIRTIO_PCI_COMMON_Q_MSIX:
	case VIRTIO_PCI_COMMON_Q_ENABLE:
	case VIRTIO_PCI_COMMON_Q_RESET:
		return 2;
	case VIRTIO_PCI_COMMON_STATUS:
		return 1;
	default:
		return 0;
	}
}

/**
 * virtio_common_write() - the driver writes to the structure
 * @transport: of the device
 * @offset: of a field
 * @data: its new value
 * @length: width of the field; or 8 for two 32-bit fields
 *
 * Return: 0, or -EINVAL for a write that is no field's: it has no effect.
 */
int virtio_common_write(struct virtio_pci *transport, uint64_t offset, const void *data,
			unsigned int length)
{
	uint32_t value = 0;
	int err;

	if (length == 8) {
		err = virtio_common_write(transport, offset, data, 4);
		if (err)
			return err;
		return virtio_common_write(transport, offset + 4, (const uint8_t *)data + 4, 4);
	}
	if (length != field_width(offset))
		return -EINVAL;
	memcpy(&value, data, length);
	value = le32toh(value);

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		transport->device_feature_select = value;
		return 0;
	case VIRTIO_PCI_COMMON_GFSELECT:
		transport->driver_feature_select = value;
		return 0;
	case VIRTIO_PCI_COMMON_GF:
		write_driver_feature(transport, value);
		return 0;
	case VIRTIO_PCI_COMMON_MSIX:
		transport->config_vector = valid_vector(transport, value);
		return 0;
	case VIRTIO_PCI_COMMON_STATUS:
		write_status(transport, value);
		return 0;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		transport->queue_select = value;
		return 0;
	default:
		return write_queue(transport, offset, value);
	}
}
