// SPDX-License-Identifier: GPL-2.0
/*
 * What must hold whatever a driver does, and where a driver can write.
 */
#include "demands.h"

/**
 * demand_translation() - a segment leads into its regions, or nowhere
 * @memory: guest memory
 * @segment: of a chain
 * @write: the device would write there
 */
void demand_translation(struct guest_memory *memory, const struct virtqueue_segment *segment,
			bool write)
{
	struct iovec vectors[TEST_REGIONS_MAX];
	int count = guest_memory_translate(memory, segment->address, segment->length, write,
					   vectors, TEST_REGIONS_MAX);
	u64 total = 0;
	unsigned int i;
	int j;

	if (count < 0)
		return;
	for (j = 0; j < count; j++) {
		for (i = 0; i < memory->count; i++) {
			const struct test_region *region = &memory->region[i];
			u64 offset = (u8 *)vectors[j].iov_base - region->host;

			if (offset < region->length &&
			    vectors[j].iov_len <= region->length - offset)
				break;
		}
		DEMAND(i < memory->count);
		total += vectors[j].iov_len;
	}
	DEMAND(total == segment->length);
}

/**
 * demand_chain() - a chain is one that a device can use
 * @vq: whose it is
 * @chain: from virtqueue_next()
 */
void demand_chain(const struct device_virtqueue *vq, const struct virtqueue_chain *chain)
{
	u64 readable = 0, writable = 0;
	unsigned int i;

	DEMAND(chain->segments == vq->segments);
	DEMAND(chain->readable + chain->writable >= 1);
	DEMAND(chain->readable + chain->writable <= vq->size);
	DEMAND(chain->id < vq->size);
	for (i = 0; i < chain->readable + chain->writable; i++) {
		const struct virtqueue_segment *segment = &chain->segments[i];

		DEMAND(segment->length);
		DEMAND(segment->address + segment->length - 1 >= segment->address);
		if (i < chain->readable)
			readable += segment->length;
		else
			writable += segment->length;
		demand_translation(vq->memory, segment, i >= chain->readable);
	}
	DEMAND(chain->readable_length == readable);
	DEMAND(chain->writable_length == writable);
}

/**
 * demand_state() - the device's own state is one that it can be in
 * @vq: the virtqueue
 */
void demand_state(const struct device_virtqueue *vq)
{
	DEMAND(vq->staged_count <= vq->size);
	if (vq->layout == &virtqueue_packed) {
		DEMAND(vq->in_flight <= vq->size);
		DEMAND(vq->next_available < vq->size);
		DEMAND(vq->next_used < vq->size);
	} else {
		/*
		 * Not more than the queue has at a time.  In all a driver that does not
		 * wait for used ones can have more taken, and so more put back.
		 */
		DEMAND(vq->heads_count <= vq->size);
		DEMAND(vq->heads_count <= VIRTQUEUE_BATCH);
	}
}

/**
 * attackable() - where a driver can write
 * @pair: the pair
 * @where: one of AREAS
 * @offset: brought into the area
 * @length: bytes that must fit
 *
 * Return: an address in the area.
 */
uint8_t *attackable(struct ring_pair *pair, unsigned int where, uint32_t offset, size_t length)
{
	const struct driver_ring *ring = &pair->driver;
	bool packed = driver_ring_is_packed(ring);
	size_t event = ring->event_index ? sizeof(__virtio16) : 0;
	uint8_t *area;
	size_t size;

	switch (where % AREAS) {
	case 0:
		area = (uint8_t *)ring->descriptors;
		size = ring->size * sizeof(struct vring_desc);
		break;
	case 1:
		area = (uint8_t *)ring->available;
		size = packed ? sizeof(*ring->driver_event) :
				sizeof(*ring->available) + ring->size * sizeof(__virtio16) + event;
		break;
	case 2:
		area = (uint8_t *)ring->used;
		size = packed ? sizeof(*ring->device_event) :
				sizeof(*ring->used) +
				ring->size * sizeof(struct vring_used_elem) + event;
		break;
	default:
		area = pair_host(pair, PAIR_MEMORY);
		size = 512;
		break;
	}
	if (length > size)
		return NULL;
	return area + offset % (size - length + 1);
}
