/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device IOTLB (VIRTIO_F_ACCESS_PLATFORM): the parts of it that are members of
 * a device and of a queue, and what the files of vqhost.ko share about it.
 *
 * With the feature every address that the driver knows, those of the rings
 * included, is an I/O virtual address (virtio 1.2, section 6.1).  The owner
 * tells by messages what is mapped where, as mainline's vhost defines them:
 *
 *	queue meets an address without a mapping
 *	  -> VHOST_IOTLB_MISS, read by the owner; the queue's thread sleeps
 *	owner writes VHOST_IOTLB_UPDATE
 *	  -> the queues that wait for this address are woken and try again
 *	owner writes VHOST_IOTLB_INVALIDATE
 *	  -> the range is forgotten, all threads are parked, their copies dropped
 *
 * Who may use a translation, and how long
 * ---------------------------------------
 * A queue keeps copies of what it has looked up: in a table by page, as the areas
 * of its ring, and as addresses of the owner in requests under way.  They stay
 * good, whatever happens to the tree, until the queue's thread is parked, for
 * before it parks it completes all requests and publishes them.  So a queue that
 * has taken a chain can always finish it, and once VHOST_IOTLB_INVALIDATE has
 * been written no queue uses what was mapped before.
 */
#ifndef VQHOST_CORE_IOTLB_H
#define VQHOST_CORE_IOTLB_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vhost_iotlb.h>
#include <linux/wait.h>

struct iov_iter;
struct virtqueue_config;
struct vqhost_device;
struct vqhost_queue;

/* Entries of a queue's table: a full ring of buffers on pages of their own, and its headers. */
#define VQHOST_TRANSLATIONS 512

/**
 * struct vqhost_iotlb - the translations of a device
 * @lock: protects @tree and what is in it, @unread, and &struct vqhost_queue.miss of
 *	all queues.  The tree changes only with the device's mutex held as well
 * @tree: I/O virtual addresses to addresses of the owner, its ranges disjoint; NULL
 *	without VIRTIO_F_ACCESS_PLATFORM
 * @unread: misses that the owner has not read yet, oldest first
 * @readers: who waits for @unread
 * @backend_features: VHOST_BACKEND_F_*, acknowledged ("mutex", read without it)
 * @is_batch: between VHOST_IOTLB_BATCH_BEGIN and VHOST_IOTLB_BATCH_END ("mutex")
 * @is_stale: mappings have been taken away in this batch, and threads have not been
 *	parked since ("mutex")
 */
struct vqhost_iotlb {
	spinlock_t lock;	/* see above */
	struct vhost_iotlb *tree;
	struct list_head unread;
	wait_queue_head_t readers;
	u64 backend_features;
	bool is_batch;
	bool is_stale;
};

enum vqhost_miss_state {
	VQHOST_MISS_NONE,	/* nothing is waited for */
	VQHOST_MISS_UNREAD,	/* the owner is to be told */
	VQHOST_MISS_READ,	/* the owner has been told */
};

/**
 * struct vqhost_miss - the address that a queue waits for
 * @node: in &struct vqhost_iotlb.unread
 * @state: of the message; written under the lock, read by the thread without it
 * @address: I/O virtual address
 * @access: VHOST_ACCESS_*
 *
 * A queue waits for one address at a time, so it has one message at most.
 */
struct vqhost_miss {
	struct list_head node;
	enum vqhost_miss_state state;
	u64 address;
	u32 access;
};

/**
 * struct vqhost_translation - a copy of one mapping
 * @start: first I/O virtual address
 * @last: last one
 * @address: of the owner, for @start
 * @access: VHOST_ACCESS_*; 0 in an entry that is not in use
 */
struct vqhost_translation {
	u64 start;
	u64 last;
	u64 address;
	u32 access;
};

/* The areas of a ring (virtio 1.2, section 2.6). */
enum vqhost_area_name {
	VQHOST_AREA_DESCRIPTORS,
	VQHOST_AREA_DRIVER,
	VQHOST_AREA_DEVICE,
	VQHOST_AREAS,
};

/**
 * struct vqhost_area - where an area of a ring lies in the owner's address space
 * @start: I/O virtual address of its first byte
 * @length: bytes
 * @piece: adjacent parts of it in order, each in one piece for the owner
 * @pieces: how many; 0 until the area is resolved
 * @room: in @piece
 */
struct vqhost_area {
	u64 start;
	u64 length;
	struct vqhost_translation *piece;
	unsigned int pieces;
	unsigned int room;
};

/**
 * struct vqhost_translations - what a queue has looked up; belongs to its owner
 * @entry: by page
 * @area: by enum vqhost_area_name
 */
struct vqhost_translations {
	struct vqhost_translation entry[VQHOST_TRANSLATIONS];
	struct vqhost_area area[VQHOST_AREAS];
};

/* iotlb.c */
void vqhost_iotlb_init(struct vqhost_iotlb *iotlb);
int vqhost_iotlb_set(struct vqhost_device *device, bool enabled);
void vqhost_iotlb_forget(struct vqhost_queue *queue);
bool vqhost_iotlb_lookup(struct vqhost_queue *queue, u64 address, u32 access,
			 struct vqhost_translation *to);
bool vqhost_iotlb_waits(const struct vqhost_queue *queue);

/* iotlb_message.c */
ssize_t vqhost_iotlb_read(struct vqhost_device *device, struct iov_iter *to, bool nonblocking);
ssize_t vqhost_iotlb_write(struct vqhost_device *device, struct iov_iter *from);

/* areas.c */
void vqhost_translations_destroy(struct vqhost_queue *queue);
void vqhost_translations_drop(struct vqhost_queue *queue);
size_t vqhost_translations_size(const struct vqhost_queue *queue);
int vqhost_areas_prepare(struct vqhost_queue *queue, struct virtqueue_config *config);
int vqhost_areas_resolve(struct vqhost_queue *queue);

#endif /* VQHOST_CORE_IOTLB_H */
