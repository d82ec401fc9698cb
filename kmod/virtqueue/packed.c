// SPDX-License-Identifier: GPL-2.0
/*
 * The packed virtqueue (virtio 1.2, section 2.8).
 *
 * Driver and device both go around one ring of descriptors.  The driver makes
 * descriptors available one after the other; the device takes them in that order,
 * and writes used ones over those it has taken, in any order.  A position is an
 * index and a wrap counter that changes with each round; two flags of a
 * descriptor, compared with that counter, tell what it is.
 *
 * Taken and not yet given back are @in_flight descriptors, those from @next_used up
 * to @next_available.  Nothing else is ever written to, and no more are taken
 * than the ring has.
 */
#include "chain.h"
#include "log.h"

#define FLAG_AVAILABLE	(1U << VRING_PACKED_DESC_F_AVAIL)
#define FLAG_USED	(1U << VRING_PACKED_DESC_F_USED)

/* The second word of a descriptor: length, id and flags. */
#define WORD_ID		32
#define WORD_FLAGS	48

/* Where a descriptor is, or will be. */
struct position {
	u16 index;
	bool wrap;
};

/* A descriptor as read from the ring. */
struct descriptor {
	u64 address;
	u32 length;
	u16 id;
	u16 flags;
};

static inline struct vring_packed_desc __user *descriptor_at(const struct device_virtqueue *vq,
							     u16 index)
{
	return (struct vring_packed_desc __user *)vq->descriptors + index;
}

/* The second word can be accessed as a whole: descriptors are aligned to 16 bytes. */
static inline __le64 __user *second_word(const struct device_virtqueue *vq, u16 index)
{
	return (__le64 __user *)descriptor_at(vq, index) + 1;
}

/* Section 2.8.14. */
static inline const struct vring_packed_desc_event __user *
driver_event(const struct device_virtqueue *vq)
{
	return (const struct vring_packed_desc_event __user *)vq->driver_area;
}

static inline struct vring_packed_desc_event __user *
device_event(const struct device_virtqueue *vq)
{
	return (struct vring_packed_desc_event __user *)vq->device_area;
}

/* What both flags are while a descriptor is available, or used (section 2.8.1). */
static inline u16 available_flags(bool wrap)
{
	return wrap ? FLAG_AVAILABLE : FLAG_USED;
}

static inline u16 used_flags(bool wrap)
{
	return wrap ? FLAG_AVAILABLE | FLAG_USED : 0;
}

static inline void advance(const struct device_virtqueue *vq, struct position *position,
			   unsigned int count)
{
	unsigned int index = position->index + count;

	if (index >= vq->size) {
		index -= vq->size;
		position->wrap = !position->wrap;
	}
	position->index = index;
}

static inline u16 pack(u16 index, bool wrap)
{
	return index | (wrap ? VIRTQUEUE_POSITION_WRAP : 0);
}

static inline struct position unpack(u16 packed)
{
	return (struct position) {
		.index = packed & ~VIRTQUEUE_POSITION_WRAP,
		.wrap = packed & VIRTQUEUE_POSITION_WRAP,
	};
}

static int packed_init(struct device_virtqueue *vq, const struct virtqueue_config *config)
{
	struct position available = unpack(config->base);
	struct position used = unpack(config->base >> 16);
	u32 taken = available.index - used.index;

	if (available.wrap != used.wrap)
		taken += vq->size;
	if (available.index >= vq->size || used.index >= vq->size || taken > vq->size)
		return -EINVAL;
	vq->next_available = available.index;
	vq->available_wrap = available.wrap;
	vq->next_used = used.index;
	vq->used_wrap = used.wrap;
	/* What another device took is not ours to give back. */
	vq->in_flight = taken;
	return 0;
}

static int packed_pending(struct device_virtqueue *vq)
{
	u16 index = vq->put_back ? vq->seen_available : vq->next_available;
	bool wrap = vq->put_back ? vq->seen_wrap : vq->available_wrap;
	u16 flags;

	if (vq->ahead_count)
		return 1;
	if (ring_load16(&flags, &descriptor_at(vq, index)->flags))
		return virtqueue_ring_fault(vq);
	return (flags & (FLAG_AVAILABLE | FLAG_USED)) == available_flags(wrap);
}

/*
 * Read the descriptor at @at, and with it as many as are available and in one
 * piece.  Returns 1, 0 if it is not available, or -EIO.
 */
static int read_descriptor(struct device_virtqueue *vq, const struct position *at,
			   struct descriptor *to)
{
	const u64 *words;
	int count;

	if (!vq->ahead_count) {
		count = min_t(unsigned int, vq->size - at->index, VIRTQUEUE_PACKED_BATCH);
		/*
		 * A descriptor's address is read after the flags that make it
		 * available, and those of a chain after the first one's.  Pairs
		 * with the driver's write barrier before the flags.
		 */
		count = ring_load_while(vq->ahead, descriptor_at(vq, at->index), count,
					(u64)(FLAG_AVAILABLE | FLAG_USED) << WORD_FLAGS,
					(u64)available_flags(at->wrap) << WORD_FLAGS);
		if (count <= 0)
			return count ? virtqueue_ring_fault(vq) : 0;
		vq->ahead_first = 0;
		vq->ahead_count = count;
	}
	words = vq->ahead[vq->ahead_first++];
	vq->ahead_count--;
	to->address = words[0];
	to->length = words[1];
	to->id = words[1] >> WORD_ID;
	to->flags = words[1] >> WORD_FLAGS;
	return 1;
}

/*
 * All descriptors of a table belong to the chain, in their order; of the flags
 * that a ring's descriptor has only "write" means something (section 2.8.7).
 */
static int walk_table(struct chain_walk *walk, const struct descriptor *indirect)
{
	const union virtqueue_descriptor *entry;
	struct chain_table table;
	u16 flags;
	u32 index;
	int err;

	err = chain_table_open(walk, &table, indirect->address, indirect->length,
			       indirect->flags);
	for (index = 0; !err && index < table.entries; index++) {
		entry = chain_table_entry(walk->vq, &table, index);
		if (unlikely(!entry))
			return chain_table_error(walk->vq);
		flags = le16_to_cpu(entry->packed.flags);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return virtqueue_break(walk->vq, VIRTQUEUE_INDIRECT_NESTED);
		err = chain_add(walk, le64_to_cpu(entry->packed.addr),
				le32_to_cpu(entry->packed.len), flags);
	}
	return err;
}

/* The chain is the driver's no longer. */
static int take_buffer(struct device_virtqueue *vq, const struct virtqueue_chain *chain,
		       unsigned int descriptors)
{
	struct virtqueue_buffer *buffer;
	u16 id = chain->id;

	if (unlikely(id >= vq->size))
		return virtqueue_break(vq, VIRTQUEUE_HEAD_RANGE);
	buffer = &vq->buffers[id];
	if (unlikely(buffer->descriptors))
		return virtqueue_break(vq, VIRTQUEUE_ID_IN_USE);
	chain_note(buffer, chain, descriptors);
	buffer->previous = vq->latest;
	vq->latest = id;
	vq->in_flight += descriptors;
	return 0;
}

static int packed_next(struct device_virtqueue *vq, struct virtqueue_chain *chain)
{
	struct position at = { vq->next_available, vq->available_wrap };
	unsigned int descriptors = 0;
	struct descriptor descriptor;
	struct chain_walk walk;
	int ret;

	vq->put_back = false;
	chain_begin(&walk, vq, chain);
	do {
		ret = read_descriptor(vq, &at, &descriptor);
		if (ret <= 0)
			return ret || !descriptors ? ret :
			       virtqueue_break(vq, VIRTQUEUE_NEXT_RANGE);
		/* None is available again before it was used. */
		if (unlikely(vq->in_flight + ++descriptors > vq->size))
			return virtqueue_break(vq, VIRTQUEUE_AVAIL_JUMP);
		if (descriptor.flags & VRING_DESC_F_INDIRECT)
			ret = walk_table(&walk, &descriptor);
		else
			ret = chain_add(&walk, descriptor.address, descriptor.length,
					descriptor.flags);
		if (unlikely(ret)) {
			/* Not taken: what was read ahead begins later than the position. */
			vq->ahead_count = 0;
			return ret;
		}
		advance(vq, &at, 1);
	} while (descriptor.flags & VRING_DESC_F_NEXT);

	/* A chain's id is that of its last descriptor. */
	chain->id = descriptor.id;
	ret = take_buffer(vq, chain, descriptors);
	if (unlikely(ret))
		return ret;
	vq->next_available = at.index;
	vq->available_wrap = at.wrap;
	return 1;
}

static void packed_put_back(struct device_virtqueue *vq, unsigned int count)
{
	struct virtqueue_buffer *buffer;
	u16 descriptors = 0;

	if (!vq->put_back) {
		vq->seen_available = vq->next_available;
		vq->seen_wrap = vq->available_wrap;
	}
	vq->put_back = true;
	/* What was read ahead begins later than the new position. */
	vq->ahead_count = 0;

	while (count--) {
		buffer = &vq->buffers[vq->latest];
		descriptors += buffer->descriptors;
		buffer->descriptors = 0;
		vq->latest = buffer->previous;
	}
	vq->in_flight -= descriptors;
	if (vq->next_available < descriptors) {
		vq->next_available += vq->size;
		vq->available_wrap = !vq->available_wrap;
	}
	vq->next_available -= descriptors;
}

/* Log @count descriptors from @index on, of which some were written. */
static int log_used(struct device_virtqueue *vq, u16 index, unsigned int count)
{
	unsigned int first = min_t(unsigned int, count, vq->size - index);
	int err;

	err = log_descriptors(vq, descriptor_at(vq, index),
			      first * sizeof(struct vring_packed_desc));
	if (!err && count > first)
		err = log_descriptors(vq, descriptor_at(vq, 0),
				      (count - first) * sizeof(struct vring_packed_desc));
	return err;
}

static int packed_flush(struct device_virtqueue *vq)
{
	struct position at = { vq->next_used, vq->used_wrap };
	struct position begin = at;
	u16 index = vq->next_used;
	struct virtqueue_buffer *buffer;
	struct virtqueue_used *used;
	unsigned int i, total = 0;
	u64 first = 0, word;

	for (i = 0; i < vq->staged_count; i++) {
		used = &vq->staged[i];
		buffer = &vq->buffers[used->id];
		advance(vq, &at, buffer->descriptors);
		total += buffer->descriptors;
		buffer->descriptors = 0;
		if (used_is_implied(vq, i))
			continue;
		/* Where the run begins that this entry stands for. */
		word = used->length | (u64)used->id << WORD_ID |
		       (u64)used_flags(begin.wrap) << WORD_FLAGS;
		if (begin.index == vq->next_used)
			first = word;
		else if (ring_store64(second_word(vq, begin.index), word))
			return virtqueue_ring_fault(vq);
		begin = at;
	}
	/*
	 * The driver looks no further than the first used descriptor: data, and
	 * the other descriptors, before that one.  Its length and id are in the
	 * same word as its flags.  Pairs with the driver's read barrier after
	 * reading the flags.
	 */
	smp_wmb();
	if (ring_store64(second_word(vq, vq->next_used), first))
		return virtqueue_ring_fault(vq);

	vq->next_used = at.index;
	vq->used_wrap = at.wrap;
	vq->in_flight -= total;
	vq->called_since += total;
	vq->staged_count = 0;
	return unlikely(vq->log) ? log_used(vq, index, total) : 0;
}

/* Section 2.8.10: as with indices that run freely, seen from our present round. */
static int event_reached(struct device_virtqueue *vq, u16 count)
{
	struct position event;
	u16 packed, index;

	if (ring_load16(&packed, &driver_event(vq)->off_wrap))
		return virtqueue_ring_fault(vq);
	event = unpack(packed);
	index = event.index;
	if (event.wrap != vq->used_wrap)
		index -= vq->size;
	return vring_need_event(index, vq->next_used, vq->next_used - count);
}

static int packed_wants_call(struct device_virtqueue *vq)
{
	u16 count = vq->called_since;
	bool valid = vq->called_valid;
	u16 flags;

	vq->called_since = 0;
	vq->called_valid = true;
	/*
	 * The used descriptors must be visible before the driver's wish is
	 * read.  Pairs with the driver's barrier between writing its wish and
	 * looking at the descriptors again.
	 */
	smp_mb();
	if (ring_load16(&flags, &driver_event(vq)->flags))
		return virtqueue_ring_fault(vq);
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return 0;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_index || unlikely(!valid))
		return 1;
	/* Pairs with the driver's write barrier between the event and the flags. */
	smp_rmb();
	return event_reached(vq, count);
}

/* If the last descriptor that is not in our hands is available, so are all. */
static bool packed_full(const struct device_virtqueue *vq)
{
	struct position last = { vq->next_available, vq->available_wrap };
	u16 flags;

	if (vq->in_flight == vq->size)
		return true;
	advance(vq, &last, vq->size - vq->in_flight - 1);
	return !ring_load16(&flags, &descriptor_at(vq, last.index)->flags) &&
	       (flags & (FLAG_AVAILABLE | FLAG_USED)) == available_flags(last.wrap);
}

static int packed_kicks_off(struct device_virtqueue *vq)
{
	if (ring_store16(&device_event(vq)->flags, VRING_PACKED_EVENT_FLAG_DISABLE))
		return virtqueue_ring_fault(vq);
	return log_device_area(vq, device_event(vq), sizeof(struct vring_packed_desc_event));
}

static int packed_kicks_on(struct device_virtqueue *vq)
{
	u16 event = vq->put_back ? pack(vq->seen_available, vq->seen_wrap) :
				   pack(vq->next_available, vq->available_wrap);
	u16 flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (vq->event_index) {
		flags = VRING_PACKED_EVENT_FLAG_DESC;
		if (ring_store16(&device_event(vq)->off_wrap, event))
			return virtqueue_ring_fault(vq);
		/* Pairs with the driver's read barrier after reading the flags. */
		smp_wmb();
	}
	if (ring_store16(&device_event(vq)->flags, flags))
		return virtqueue_ring_fault(vq);
	return log_device_area(vq, device_event(vq), sizeof(struct vring_packed_desc_event));
}

static u32 packed_base(const struct device_virtqueue *vq)
{
	return pack(vq->next_available, vq->available_wrap) |
	       (u32)pack(vq->next_used, vq->used_wrap) << 16;
}

const struct virtqueue_layout virtqueue_packed = {
	.init		= packed_init,
	.next		= packed_next,
	.put_back	= packed_put_back,
	.flush		= packed_flush,
	.wants_call	= packed_wants_call,
	.pending	= packed_pending,
	.full		= packed_full,
	.kicks_off	= packed_kicks_off,
	.kicks_on	= packed_kicks_on,
	.base		= packed_base,
};
