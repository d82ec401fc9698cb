// SPDX-License-Identifier: GPL-2.0
/*
 * The areas of a ring behind an IOTLB, and the other translations of a queue.
 *
 * Before a queue's thread serves its ring, and after each invalidation, all three
 * areas are looked up.  They usually lie in one piece each, for a VMM maps guest
 * memory so; then the ring has plain addresses of the owner, as without an IOTLB.
 * If one does not, the ring keeps I/O virtual addresses, and a layout that looks
 * each of them up: see scattered.c.
 */
#include <linux/slab.h>

#include "internal.h"
#include "scattered.h"

/* Pieces of an area to begin with. */
#define PIECES_MIN 8

/**
 * vqhost_translations_destroy() - when a queue stops
 * @queue: parked; with or without translations
 *
 * Context: device's mutex held.
 */
void vqhost_translations_destroy(struct vqhost_queue *queue)
{
	struct vqhost_translations *translations = queue->memory.translations;
	unsigned int i;

	queue->memory.translations = NULL;
	queue->unresolved = false;
	if (!translations)
		return;
	for (i = 0; i < VQHOST_AREAS; i++)
		kvfree(translations->area[i].piece);
	kvfree(translations);
}

/**
 * vqhost_translations_drop() - know nothing any more
 * @queue: parked; with or without translations
 *
 * Context: device's mutex held.
 */
void vqhost_translations_drop(struct vqhost_queue *queue)
{
	struct vqhost_translations *translations = queue->memory.translations;
	unsigned int i;

	if (!translations)
		return;
	memset(translations->entry, 0, sizeof(translations->entry));
	for (i = 0; i < VQHOST_AREAS; i++)
		translations->area[i].pieces = 0;
	queue->unresolved = true;
}

/**
 * vqhost_translations_size() - memory that a queue's translations take
 * @queue: with or without any
 *
 * Context: device's mutex held; the thread may run.
 * Return: bytes.
 */
size_t vqhost_translations_size(const struct vqhost_queue *queue)
{
	const struct vqhost_translations *translations = queue->memory.translations;
	size_t bytes = sizeof(*translations);
	unsigned int i;

	if (!translations)
		return 0;
	for (i = 0; i < VQHOST_AREAS; i++)
		bytes += READ_ONCE(translations->area[i].room) *
			 sizeof(*translations->area[i].piece);
	return bytes;
}

static int make_room(struct vqhost_area *area)
{
	unsigned int room = max_t(unsigned int, 2 * area->room, PIECES_MIN);
	struct vqhost_translation *piece;

	piece = kvmalloc_array(room, sizeof(*piece), GFP_KERNEL_ACCOUNT);
	if (!piece)
		return -ENOMEM;
	if (area->pieces)
		memcpy(piece, area->piece, area->pieces * sizeof(*piece));
	kvfree(area->piece);
	area->piece = piece;
	WRITE_ONCE(area->room, room);
	return 0;
}

/* The next part of an area, which may go on where the one before ends. */
static int add_piece(struct vqhost_area *area, u64 start, u64 length, u64 address)
{
	struct vqhost_translation *previous = area->piece + area->pieces - 1;
	int err;

	if (area->pieces && previous->address + (start - previous->start) == address) {
		previous->last = start + length - 1;
		return 0;
	}
	if (area->pieces == area->room) {
		err = make_room(area);
		if (err)
			return err;
	}
	area->piece[area->pieces++] = (struct vqhost_translation) {
		.start = start,
		.last = start + length - 1,
		.address = address,
	};
	return 0;
}

/* A packed ring's descriptors are written as well (virtio 1.2, section 2.8). */
static u32 area_access(const struct vqhost_queue *queue, enum vqhost_area_name name)
{
	if (name == VQHOST_AREA_DEVICE)
		return VHOST_ACCESS_WO;
	if (name == VQHOST_AREA_DESCRIPTORS &&
	    vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED))
		return VHOST_ACCESS_RW;
	return VHOST_ACCESS_RO;
}

static u64 area_start(const struct vqhost_queue *queue, enum vqhost_area_name name)
{
	switch (name) {
	case VQHOST_AREA_DESCRIPTORS:
		return queue->address.desc_user_addr;
	case VQHOST_AREA_DRIVER:
		return queue->address.avail_user_addr;
	default:
		return queue->address.used_user_addr;
	}
}

/*
 * Look an area up.  Returns 0; -EINPROGRESS if a part of it is not mapped: the owner is
 * asked for it; -EFAULT if it passes the end of addresses; -ENOMEM.
 */
static int resolve(struct vqhost_queue *queue, enum vqhost_area_name name)
{
	struct vqhost_area *area = &queue->memory.translations->area[name];
	u32 access = area_access(queue, name);
	size_t sizes[VQHOST_AREAS];
	struct vqhost_translation found;
	u64 at, length, left;
	int err;

	vqhost_ring_area_sizes(queue->device, queue->size, sizes);
	area->start = area_start(queue, name);
	area->length = sizes[name];
	area->pieces = 0;
	if (area->start + area->length - 1 < area->start)
		return -EFAULT;

	at = area->start;
	for (left = area->length; left; left -= length) {
		if (!vqhost_iotlb_lookup(queue, at, access, &found))
			return -EINPROGRESS;
		length = min(found.last - at + 1, left);
		err = add_piece(area, at, length, found.address + (at - found.start));
		if (err)
			return err;
		at += length;
	}
	return 0;
}

static void __user *area_pointer(const struct vqhost_area *area, bool scattered)
{
	return (void __user *)(unsigned long)(scattered ? area->start : area->piece[0].address);
}

static const struct virtqueue_layout *layout(bool packed, bool scattered)
{
	if (packed)
		return scattered ? &vqhost_scattered_packed : &virtqueue_packed;
	return scattered ? &vqhost_scattered_split : &virtqueue_split;
}

/**
 * vqhost_areas_prepare() - what a ring behind an IOTLB needs to be initialised
 * @queue: not running
 * @config: its areas and layout are set
 *
 * As with mainline, the device area has to be there when a queue starts.  The
 * others are looked up by the thread.
 * Context: device's mutex held, may sleep.
 * Return: 0; -EFAULT if the device area is not mapped: the owner is asked for it;
 * -ENOMEM.
 */
int vqhost_areas_prepare(struct vqhost_queue *queue, struct virtqueue_config *config)
{
	const struct vqhost_area *area;
	bool scattered;
	int err;

	/* Asked again at each try. */
	vqhost_iotlb_forget(queue);
	queue->memory.translations = kvzalloc(sizeof(*queue->memory.translations),
					      GFP_KERNEL_ACCOUNT);
	if (!queue->memory.translations)
		return -ENOMEM;
	err = resolve(queue, VQHOST_AREA_DEVICE);
	if (err) {
		vqhost_translations_destroy(queue);
		return err == -ENOMEM ? err : -EFAULT;
	}
	area = &queue->memory.translations->area[VQHOST_AREA_DEVICE];
	scattered = area->pieces > 1;
	config->layout = layout(config->packed, scattered);
	config->descriptors = NULL;
	config->driver_area = NULL;
	config->device_area = area_pointer(area, scattered);
	queue->unresolved = true;
	return 0;
}

/**
 * vqhost_areas_resolve() - look all areas up, in the place of run()
 * @queue: &struct vqhost_queue.unresolved
 *
 * Context: the queue's thread.
 * Return: enum vqhost_run, or -EIO on a broken ring.
 */
int vqhost_areas_resolve(struct vqhost_queue *queue)
{
	const struct vqhost_area *area = queue->memory.translations->area;
	bool packed = vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED);
	struct device_virtqueue *ring = &queue->ring;
	bool scattered = false;
	unsigned int i;
	int err;

	for (i = 0; i < VQHOST_AREAS; i++) {
		err = resolve(queue, i);
		if (err == -EINPROGRESS)
			return VQHOST_RUN_MISS;
		if (err)
			return virtqueue_break(ring, VIRTQUEUE_RING_FAULT);
		scattered |= area[i].pieces > 1;
	}
	ring->layout = layout(packed, scattered);
	ring->descriptors = area_pointer(&area[VQHOST_AREA_DESCRIPTORS], scattered);
	ring->driver_area = area_pointer(&area[VQHOST_AREA_DRIVER], scattered);
	ring->device_area = area_pointer(&area[VQHOST_AREA_DEVICE], scattered);
	queue->unresolved = false;
	return VQHOST_RUN_AGAIN;
}
