/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device side of a virtqueue (virtio 1.2, section 2.6 to 2.8).
 *
 * No I/O, no locks, no allocation after virtqueue_init().  Exactly one context
 * owns a virtqueue at any moment; every function below is for that owner.
 *
 * The life of a descriptor chain:
 *
 *	virtqueue_next()     takes the next available chain
 *	virtqueue_put_back() undoes the latest takes, as if never taken
 *	virtqueue_push()     stages (id, bytes written) as used, in any order; if
 *			     VIRTIO_F_IN_ORDER was negotiated, in that of the takes
 *	virtqueue_publish()  shows all staged entries to the driver at once and
 *	                     tells whether the driver wants a notification
 *
 * Chains hold guest addresses; guest_memory_translate() is a step of its own.
 * Where the map is filled on demand, an address may not be mapped yet: what met
 * it returns -EINPROGRESS, the chain is put back and taken again later.
 *
 * A split ring and a packed one differ in &struct virtqueue_layout alone.
 *
 * Everything the driver can write is read once, checked, then used.  What
 * fails a check breaks the virtqueue: virtqueue_next() returns an error, the
 * cause stays in &struct device_virtqueue.error, nothing more is taken or published
 * until virtqueue_init() runs again.
 */
#ifndef VQHOST_VIRTQUEUE_VIRTQUEUE_H
#define VQHOST_VIRTQUEUE_VIRTQUEUE_H

#include <linux/virtio_ring.h>

#include "memory.h"

/* Available entries read at once. */
#define VIRTQUEUE_BATCH 64

/* Descriptors of an indirect table read at once. */
#define VIRTQUEUE_INDIRECT_BATCH 16

/* Descriptors of a packed ring read at once. */
#define VIRTQUEUE_PACKED_BATCH 16

/* Largest virtqueue, split or packed (virtio 1.2, section 2.7 and 2.8.10.1). */
#define VIRTQUEUE_SIZE_MAX 32768

/*
 * Position in a packed ring, as in its event suppression structures and in
 * VHOST_SET_VRING_BASE: an index, and above it the wrap counter.
 */
#define VIRTQUEUE_POSITION_WRAP 0x8000

/* &struct virtqueue_config.base of a packed ring that is new: both counters are 1. */
#define VIRTQUEUE_PACKED_BASE (VIRTQUEUE_POSITION_WRAP | (u32)VIRTQUEUE_POSITION_WRAP << 16)

/**
 * enum virtqueue_error - why a virtqueue is broken
 * @VIRTQUEUE_OK: it is not
 * @VIRTQUEUE_RING_FAULT: a ring address of the owner cannot be accessed
 * @VIRTQUEUE_AVAIL_JUMP: the available index moved further than the queue size;
 *	packed: more descriptors are available than the ring has
 * @VIRTQUEUE_HEAD_RANGE: an available entry names no descriptor of the table;
 *	packed: a buffer's id is not less than the queue size
 * @VIRTQUEUE_NEXT_RANGE: a descriptor's next lies outside its table; packed: the
 *	next descriptor is not available
 * @VIRTQUEUE_CHAIN_LENGTH: a chain loops, or is longer than the queue size
 * @VIRTQUEUE_ZERO_LENGTH: a descriptor of no bytes
 * @VIRTQUEUE_ADDRESS_WRAP: a descriptor's range passes the end of addresses
 * @VIRTQUEUE_DIRECTION: a device-readable descriptor after a writable one
 * @VIRTQUEUE_INDIRECT_OFF: an indirect descriptor without the feature
 * @VIRTQUEUE_INDIRECT_NESTED: an indirect descriptor inside an indirect table
 * @VIRTQUEUE_INDIRECT_NEXT: an indirect descriptor that has a next as well
 * @VIRTQUEUE_INDIRECT_SIZE: an indirect table of no or of part descriptors
 * @VIRTQUEUE_MEMORY: a guest address outside the memory map
 * @VIRTQUEUE_REQUEST: a chain whose shape the device type cannot accept
 * @VIRTQUEUE_ID_IN_USE: packed: a buffer has the id of one that is under way
 * @VIRTQUEUE_LOG: what was written to guest memory cannot be logged
 *
 * The values are part of the statistics interface and never change.
 */
enum virtqueue_error {
	VIRTQUEUE_OK			= 0,
	VIRTQUEUE_RING_FAULT		= 1,
	VIRTQUEUE_AVAIL_JUMP		= 2,
	VIRTQUEUE_HEAD_RANGE		= 3,
	VIRTQUEUE_NEXT_RANGE		= 4,
	VIRTQUEUE_CHAIN_LENGTH		= 5,
	VIRTQUEUE_ZERO_LENGTH		= 6,
	VIRTQUEUE_ADDRESS_WRAP		= 7,
	VIRTQUEUE_DIRECTION		= 8,
	VIRTQUEUE_INDIRECT_OFF		= 9,
	VIRTQUEUE_INDIRECT_NESTED	= 10,
	VIRTQUEUE_INDIRECT_NEXT		= 11,
	VIRTQUEUE_INDIRECT_SIZE		= 12,
	VIRTQUEUE_MEMORY		= 13,
	VIRTQUEUE_REQUEST		= 14,
	VIRTQUEUE_ID_IN_USE		= 15,
	VIRTQUEUE_LOG			= 16,
};

/**
 * struct virtqueue_segment - one buffer of a chain
 * @address: guest address
 * @length: bytes, never 0
 */
struct virtqueue_segment {
	u64 address;
	u32 length;
};

/**
 * struct virtqueue_chain - one available descriptor chain
 * @segments: the device-readable buffers, then the device-writable ones;
 *	owned by the virtqueue, valid until the next virtqueue_next()
 * @readable: number of device-readable segments
 * @writable: number of device-writable segments
 * @readable_length: bytes in the readable segments
 * @writable_length: bytes in the writable segments
 * @id: what virtqueue_push() takes to give the chain back
 */
struct virtqueue_chain {
	struct virtqueue_segment *segments;
	u16 readable;
	u16 writable;
	u64 readable_length;
	u64 writable_length;
	u16 id;
};

struct device_virtqueue;
struct virtqueue_layout;

/**
 * struct virtqueue_config - what virtqueue_init() needs to know
 * @descriptors: descriptor area, in the owner's address space (packed: the ring)
 * @driver_area: driver area (split: available ring; packed: driver event
 *	suppression)
 * @device_area: device area (split: used ring; packed: device event suppression)
 * @size: number of descriptors up to VIRTQUEUE_SIZE_MAX; split: a power of 2
 * @base: where to go on; split: the next available index; packed: the position of
 *	the next available descriptor, and that of the next used one in the upper
 *	16 bits, see VIRTQUEUE_POSITION_WRAP
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @event_index: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @in_order: VIRTIO_F_IN_ORDER was negotiated
 * @layout: the ring format, if it is a variant of what @packed says, else NULL
 * @memory: the map, needed to read indirect tables; may be replaced by
 *	assignment to &struct device_virtqueue.memory between two calls
 */
struct virtqueue_config {
	const struct virtqueue_layout *layout;
	void __user *descriptors;
	void __user *driver_area;
	void __user *device_area;
	u32 size;
	u32 base;
	bool packed;
	bool event_index;
	bool indirect;
	bool in_order;
	struct guest_memory *memory;
};

/**
 * struct virtqueue_layout - what distinguishes one ring format from another
 * @init: read the configuration and the ring, allocate nothing
 * @next: see virtqueue_next()
 * @put_back: see virtqueue_put_back()
 * @flush: write the staged used entries to the ring
 * @wants_call: does the driver want a notification for what was flushed since
 *	the previous question; -errno if it cannot be found out
 * @pending: see virtqueue_pending()
 * @full: see virtqueue_full()
 * @kicks_off: see virtqueue_disable_kicks()
 * @kicks_on: ask for the next kick, without looking again
 * @base: see virtqueue_base()
 */
struct virtqueue_layout {
	int (*init)(struct device_virtqueue *vq, const struct virtqueue_config *config);
	int (*next)(struct device_virtqueue *vq, struct virtqueue_chain *chain);
	void (*put_back)(struct device_virtqueue *vq, unsigned int count);
	int (*flush)(struct device_virtqueue *vq);
	int (*wants_call)(struct device_virtqueue *vq);
	int (*pending)(struct device_virtqueue *vq);
	bool (*full)(const struct device_virtqueue *vq);
	int (*kicks_off)(struct device_virtqueue *vq);
	int (*kicks_on)(struct device_virtqueue *vq);
	u32 (*base)(const struct device_virtqueue *vq);
};

/**
 * struct virtqueue_used - a used entry that waits for virtqueue_publish()
 * @id: of the chain
 * @length: bytes written to it
 */
struct virtqueue_used {
	u32 id;
	u32 length;
};

/**
 * struct virtqueue_buffer - a chain under way, by its id
 * @writable: bytes that can be written to it
 * @descriptors: packed: how many of the ring it takes; 0 if there is no such chain
 * @previous: packed: id of the chain that was taken before it
 */
struct virtqueue_buffer {
	u32 writable;
	u16 descriptors;
	u16 previous;
};

/* An entry of an indirect table, which is as large in one format as in the other. */
union virtqueue_descriptor {
	struct vring_desc split;
	struct vring_packed_desc packed;
};

/**
 * struct device_virtqueue - the device side of one virtqueue
 *
 * (struct virtqueue is the kernel's own name for the driver's side.)
 *
 * @layout: the ring format
 * @memory: guest memory map for indirect tables
 * @descriptors: descriptor area
 * @driver_area: driver area
 * @device_area: device area
 * @size: number of descriptors
 * @event_index: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @in_order: VIRTIO_F_IN_ORDER was negotiated
 * @log: what is written to the ring is to be logged; false after virtqueue_init(),
 *	may be changed, with @log_address, between two calls
 * @log_address: guest address of the device area
 * @log_by_owner: the device area is logged by where it lies in the owner's memory
 *	instead, for its addresses are I/O virtual
 * @error: why the virtqueue is broken, VIRTQUEUE_OK while it is not
 * @next_available: index of the next entry to take
 * @seen_available: split: the driver's index as last read, and checked; packed:
 *	behind the chains that were put back
 * @put_back: the chains from @next_available on were put back: not pending
 * @heads: split: available entries read ahead
 * @heads_first: index of the first entry in @heads
 * @heads_count: how many there are
 * @next_used: index at which the next used entry will be written
 * @called_used: @next_used when the driver was last considered for a call
 * @called_valid: @called_used means something
 * @kicks_enabled: the driver has been asked to kick
 * @available_wrap: packed: the driver's wrap counter at @next_available
 * @seen_wrap: packed: the driver's wrap counter at @seen_available
 * @used_wrap: packed: our wrap counter at @next_used
 * @ahead: packed: descriptors read ahead, the next one at @next_available
 * @ahead_first: index in @ahead of that one
 * @ahead_count: how many follow from there
 * @in_flight: packed: descriptors taken and not yet given back
 * @called_since: packed: descriptors used since the driver was last considered
 *	for a call
 * @latest: packed: id of the chain taken last
 * @buffers: packed or in order: chains under way, by id, room for @size
 * @staged: used entries not yet published, room for @size
 * @staged_count: how many there are
 * @table_batch: part of an indirect table
 * @segments: of the chain last taken, @size of them
 */
struct device_virtqueue {
	const struct virtqueue_layout *layout;
	struct guest_memory *memory;
	void __user *descriptors;
	void __user *driver_area;
	void __user *device_area;
	u32 size;
	bool event_index;
	bool indirect;
	bool in_order;
	bool log;
	bool log_by_owner;
	u64 log_address;
	enum virtqueue_error error;

	u16 next_available;
	u16 seen_available;
	bool put_back;
	__le16 heads[VIRTQUEUE_BATCH];
	u16 heads_first;
	u16 heads_count;

	u16 next_used;
	u16 called_used;
	bool called_valid;
	bool kicks_enabled;

	bool available_wrap;
	bool seen_wrap;
	bool used_wrap;
	u64 ahead[VIRTQUEUE_PACKED_BATCH][2];
	u16 ahead_first;
	u16 ahead_count;
	u16 in_flight;
	u16 called_since;
	u16 latest;
	struct virtqueue_buffer *buffers;

	struct virtqueue_used *staged;
	unsigned int staged_count;

	union virtqueue_descriptor table_batch[VIRTQUEUE_INDIRECT_BATCH];
	struct virtqueue_segment *segments;
};

extern const struct virtqueue_layout virtqueue_split;
extern const struct virtqueue_layout virtqueue_packed;

int virtqueue_init(struct device_virtqueue *vq, const struct virtqueue_config *config);
void virtqueue_destroy(struct device_virtqueue *vq);
size_t virtqueue_memory_size(const struct device_virtqueue *vq);

int virtqueue_next(struct device_virtqueue *vq, struct virtqueue_chain *chain);
void virtqueue_put_back(struct device_virtqueue *vq, unsigned int count);
int virtqueue_push(struct device_virtqueue *vq, u16 id, u32 written);
int virtqueue_publish(struct device_virtqueue *vq);

int virtqueue_pending(struct device_virtqueue *vq);
bool virtqueue_full(const struct device_virtqueue *vq);
int virtqueue_disable_kicks(struct device_virtqueue *vq);
int virtqueue_enable_kicks(struct device_virtqueue *vq);
u32 virtqueue_base(const struct device_virtqueue *vq);

int virtqueue_break(struct device_virtqueue *vq, enum virtqueue_error error);

/**
 * virtqueue_memory_error() - what a failed access to guest memory means
 * @vq: the virtqueue, broken afterwards if the address never will be mapped
 * @error: from guest_memory_translate() and its kin
 *
 * Context: owner.
 * Return: -EINPROGRESS if the access is to be tried again, once the mapping is
 * there that was asked for; else -EIO.
 */
static inline int virtqueue_memory_error(struct device_virtqueue *vq, int error)
{
	if (error == -EINPROGRESS)
		return error;
	return virtqueue_break(vq, VIRTQUEUE_MEMORY);
}

const char *virtqueue_error_name(enum virtqueue_error error);

#endif /* VQHOST_VIRTQUEUE_VIRTQUEUE_H */
