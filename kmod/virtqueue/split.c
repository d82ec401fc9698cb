// SPDX-License-Identifier: GPL-2.0
/*
 * The split virtqueue (virtio 1.2, section 2.7).
 *
 * Indices run freely from 0 to 65535; the queue size is a power of 2, so an
 * index masked with size - 1 is a slot.
 */
#include "chain.h"
#include "log.h"

static inline const struct vring_avail __user *avail_ring(const struct device_virtqueue *vq)
{
	return (const struct vring_avail __user *)vq->driver_area;
}

static inline struct vring_used __user *used_ring(const struct device_virtqueue *vq)
{
	return (struct vring_used __user *)vq->device_area;
}

static inline u16 slot(const struct device_virtqueue *vq, u16 index)
{
	return index & (vq->size - 1);
}

/* The driver's event index follows the available ring (section 2.7.6). */
static inline const __le16 __user *used_event(const struct device_virtqueue *vq)
{
	return (const __le16 __user *)&avail_ring(vq)->ring[vq->size];
}

/* The device's event index follows the used ring (section 2.7.8). */
static inline __le16 __user *avail_event(const struct device_virtqueue *vq)
{
	return (__le16 __user *)&used_ring(vq)->ring[vq->size];
}

static int split_init(struct device_virtqueue *vq, const struct virtqueue_config *config)
{
	if ((vq->size & (vq->size - 1)) || config->base > 0xffff)
		return -EINVAL;
	vq->next_available = config->base;
	vq->seen_available = config->base;
	return ring_load16(&vq->next_used, (const __le16 __user *)&used_ring(vq)->idx);
}

/*
 * Read the driver's available index if all that was seen of it has been taken,
 * or was taken and did not suffice.  Returns 1 if there is something to take,
 * 0 or -EIO.
 */
static int split_pending(struct device_virtqueue *vq)
{
	u16 index;

	if (vq->next_available != vq->seen_available && !vq->put_back)
		return 1;
	if (ring_load16(&index, (const __le16 __user *)&avail_ring(vq)->idx))
		return virtqueue_ring_fault(vq);
	if (index == vq->seen_available)
		return 0;
	if (unlikely((u16)(index - vq->next_available) > vq->size))
		return virtqueue_break(vq, VIRTQUEUE_AVAIL_JUMP);
	vq->seen_available = index;
	vq->put_back = false;
	/*
	 * Entries and descriptors are read after the index that announced
	 * them.  Pairs with the driver's write barrier before that index.
	 */
	smp_rmb();
	return 1;
}

/* Read ahead as many available entries as are in one piece. */
static int read_heads(struct device_virtqueue *vq)
{
	u16 first = slot(vq, vq->next_available);
	unsigned int count = (u16)(vq->seen_available - vq->next_available);

	count = min_t(unsigned int, count, VIRTQUEUE_BATCH);
	count = min(count, vq->size - first);
	if (ring_load(vq->heads, &avail_ring(vq)->ring[first], count * sizeof(vq->heads[0])))
		return virtqueue_ring_fault(vq);
	vq->heads_first = vq->next_available;
	vq->heads_count = count;
	return 0;
}

/* Read a descriptor of the queue's table, once. */
static int read_descriptor(struct device_virtqueue *vq, u16 index, struct vring_desc *to)
{
	const struct vring_desc __user *table = (const void __user *)vq->descriptors;
	u64 words[2];

	if (ring_load64x2(words, &table[index]))
		return virtqueue_ring_fault(vq);
	memcpy(to, words, sizeof(*to));
	return 0;
}

static int add_descriptor(struct chain_walk *walk, const struct vring_desc *descriptor, u16 flags)
{
	return chain_add(walk, le64_to_cpu((__force __le64)descriptor->addr),
			 le32_to_cpu((__force __le32)descriptor->len), flags);
}

/* Section 2.7.5.3. */
static int walk_table(struct chain_walk *walk, const struct vring_desc *indirect, u16 flags)
{
	struct device_virtqueue *vq = walk->vq;
	const union virtqueue_descriptor *entry;
	struct chain_table table;
	u32 index = 0;
	int err;

	err = chain_table_open(walk, &table, le64_to_cpu((__force __le64)indirect->addr),
			       le32_to_cpu((__force __le32)indirect->len), flags);
	if (unlikely(err))
		return err;
	for (;;) {
		entry = chain_table_entry(vq, &table, index);
		if (unlikely(!entry))
			return chain_table_error(vq);
		flags = le16_to_cpu((__force __le16)entry->split.flags);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return virtqueue_break(vq, VIRTQUEUE_INDIRECT_NESTED);
		err = add_descriptor(walk, &entry->split, flags);
		if (unlikely(err))
			return err;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
		index = le16_to_cpu((__force __le16)entry->split.next);
		if (unlikely(index >= table.entries))
			return virtqueue_break(vq, VIRTQUEUE_NEXT_RANGE);
	}
}

static int walk_chain(struct chain_walk *walk, u16 head)
{
	struct device_virtqueue *vq = walk->vq;
	struct vring_desc descriptor;
	u16 index = head;
	u16 flags;
	int err;

	do {
		err = read_descriptor(vq, index, &descriptor);
		if (unlikely(err))
			return err;
		flags = le16_to_cpu((__force __le16)descriptor.flags);
		if (flags & VRING_DESC_F_INDIRECT)
			return walk_table(walk, &descriptor, flags);
		err = add_descriptor(walk, &descriptor, flags);
		if (unlikely(err))
			return err;
		index = le16_to_cpu((__force __le16)descriptor.next);
		if (unlikely((flags & VRING_DESC_F_NEXT) && index >= vq->size))
			return virtqueue_break(vq, VIRTQUEUE_NEXT_RANGE);
	} while (flags & VRING_DESC_F_NEXT);
	return 0;
}

static int split_next(struct device_virtqueue *vq, struct virtqueue_chain *chain)
{
	struct chain_walk walk;
	u16 ahead, head;
	int err;

	vq->put_back = false;
	err = split_pending(vq);
	if (err <= 0)
		return err;

	ahead = vq->next_available - vq->heads_first;
	if (ahead >= vq->heads_count) {
		err = read_heads(vq);
		if (unlikely(err))
			return err;
		ahead = 0;
	}
	head = le16_to_cpu(vq->heads[ahead]);
	if (unlikely(head >= vq->size))
		return virtqueue_break(vq, VIRTQUEUE_HEAD_RANGE);

	chain_begin(&walk, vq, chain);
	chain->id = head;
	err = walk_chain(&walk, head);
	if (unlikely(err))
		return err;
	if (vq->in_order)
		chain_note(&vq->buffers[head], chain, 1);
	vq->next_available++;
	return 1;
}

static void split_put_back(struct device_virtqueue *vq, unsigned int count)
{
	vq->next_available -= count;
	vq->put_back = true;
	/* The entries read ahead may begin later than the new position. */
	vq->heads_count = 0;
}

static int write_used(struct device_virtqueue *vq, u16 index, unsigned int from, unsigned int count)
{
	struct vring_used_elem __user *to = &used_ring(vq)->ring[slot(vq, index)];
	struct virtqueue_used *staged = &vq->staged[from];
	unsigned int i;

	/* Staged entries have the layout of used elements, in host order. */
	for (i = 0; i < count; i++) {
		staged[i].id = (__force u32)cpu_to_le32(staged[i].id);
		staged[i].length = (__force u32)cpu_to_le32(staged[i].length);
	}
	if (ring_store(to, staged, count * sizeof(*staged)))
		return virtqueue_ring_fault(vq);
	return 0;
}

/*
 * Put each staged entry that is to be written where the run begins that it stands
 * for.  Returns how many have to be written, what is between them included.
 */
static unsigned int merge_staged(struct device_virtqueue *vq)
{
	unsigned int begin = 0, count = 0;
	unsigned int i;

	if (!vq->in_order)
		return vq->staged_count;
	for (i = 0; i < vq->staged_count; i++) {
		if (used_is_implied(vq, i))
			continue;
		vq->staged[begin] = vq->staged[i];
		count = begin + 1;
		begin = i + 1;
	}
	return count;
}

/* Log the entries from @index on, and the index that announced them. */
static int log_used(struct device_virtqueue *vq, u16 index, unsigned int first,
		    unsigned int written)
{
	struct vring_used __user *used = used_ring(vq);
	int err;

	err = log_device_area(vq, &used->ring[slot(vq, index)], first * sizeof(used->ring[0]));
	if (!err && written > first)
		err = log_device_area(vq, &used->ring[0],
				      (written - first) * sizeof(used->ring[0]));
	return err ? err : log_device_area(vq, &used->idx, sizeof(used->idx));
}

static int split_flush(struct device_virtqueue *vq)
{
	unsigned int count = vq->staged_count;
	u16 index = vq->next_used;
	unsigned int until_wrap = vq->size - slot(vq, vq->next_used);
	unsigned int written = merge_staged(vq);
	unsigned int first = min(written, until_wrap);
	int err;

	err = write_used(vq, vq->next_used, 0, first);
	if (!err && written > first)
		err = write_used(vq, vq->next_used + first, first, written - first);
	if (unlikely(err))
		return err;
	/*
	 * Data and used entries before the index that announces them.  Pairs
	 * with the driver's read barrier after reading that index.
	 */
	smp_wmb();
	if (ring_store16((__le16 __user *)&used_ring(vq)->idx, vq->next_used + count))
		return virtqueue_ring_fault(vq);

	vq->next_used += count;
	vq->staged_count = 0;
	return unlikely(vq->log) ? log_used(vq, index, first, written) : 0;
}

/* Section 2.7.7. */
static int split_wants_call(struct device_virtqueue *vq)
{
	u16 old = vq->called_used;
	u16 new = vq->next_used;
	bool valid = vq->called_valid;
	u16 value;

	/*
	 * The used index must be visible before the driver's wish is read.
	 * Pairs with the driver's barrier between writing its wish and looking
	 * at the used index again.
	 */
	smp_mb();
	if (!vq->event_index) {
		if (ring_load16(&value, (const __le16 __user *)&avail_ring(vq)->flags))
			return virtqueue_ring_fault(vq);
		return !(value & VRING_AVAIL_F_NO_INTERRUPT);
	}

	vq->called_used = new;
	vq->called_valid = true;
	if (unlikely(!valid))
		return 1;
	if (ring_load16(&value, used_event(vq)))
		return virtqueue_ring_fault(vq);
	return vring_need_event(value, new, old);
}

static bool split_full(const struct device_virtqueue *vq)
{
	return (u16)(vq->seen_available - vq->next_used) >= vq->size;
}

static int split_kicks_off(struct device_virtqueue *vq)
{
	/* With event index the driver stops by itself: the event lies behind. */
	if (vq->event_index)
		return 0;
	if (ring_store16((__le16 __user *)&used_ring(vq)->flags, VRING_USED_F_NO_NOTIFY))
		return virtqueue_ring_fault(vq);
	return log_device_area(vq, &used_ring(vq)->flags, sizeof(__le16));
}

static int split_kicks_on(struct device_virtqueue *vq)
{
	__le16 __user *to = (__le16 __user *)&used_ring(vq)->flags;
	u16 value = 0;

	if (vq->event_index) {
		to = avail_event(vq);
		value = vq->seen_available;
	}
	if (ring_store16(to, value))
		return virtqueue_ring_fault(vq);
	return log_device_area(vq, to, sizeof(*to));
}

static u32 split_base(const struct device_virtqueue *vq)
{
	return vq->next_available;
}

const struct virtqueue_layout virtqueue_split = {
	.init		= split_init,
	.next		= split_next,
	.put_back	= split_put_back,
	.flush		= split_flush,
	.wants_call	= split_wants_call,
	.pending	= split_pending,
	.full		= split_full,
	.kicks_off	= split_kicks_off,
	.kicks_on	= split_kicks_on,
	.base		= split_base,
};
