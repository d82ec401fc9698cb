// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log of a disk.  What is logged is compared with what has changed in
 * guest memory: nothing is missing, and nothing is there that was not written.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/virtqueue/virtqueue.h"
#include "log_blk.h"

#include <kselftest_harness.h>

#define TEST_TIME_LIMIT (3 * TIME_LIMIT_MS / 1000)

/* Two pages, the second one of which can be taken away. */
#define FAULTING (GUEST_BORDER(2) + 0x100000)

FIXTURE(log) {
	struct log_blk blk;
};

FIXTURE_VARIANT(log) {
	struct log_blk_variant with;
};

FIXTURE_VARIANT_ADD(log, split) {
	.with = { .store = STORE_DELAYED },
};

FIXTURE_VARIANT_ADD(log, split_event_index) {
	.with = { FEATURE(VIRTIO_RING_F_EVENT_IDX), 65530, STORE_TMPFS },
};

FIXTURE_VARIANT_ADD(log, packed) {
	.with = { FEATURE(VIRTIO_F_RING_PACKED), 1013, STORE_RAM_DISK },
};

FIXTURE_VARIANT_ADD(log, packed_event_index) {
	.with = { FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_RING_F_EVENT_IDX), 0x8000,
		  STORE_DELAYED },
};

FIXTURE_SETUP(log)
{
	ASSERT_EQ(0, log_blk_open(&self->blk, &variant->with));
}

FIXTURE_TEARDOWN(log)
{
	log_blk_close(&self->blk);
}

/* Random requests, one batch after the other, the queue stopped in between. */
TEST_F_TIMEOUT(log, requests, TEST_TIME_LIMIT)
{
	struct driver_buffer faulting = { FAULTING + 0x1000 - SECTOR, 2 * SECTOR };
	void *taken = guest_pointer(&self->blk.device, FAULTING + 0x1000);
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	struct log_blk *blk = &self->blk;
	unsigned int round, n;
	int64_t sleeps;

	ASSERT_EQ(0, log_blk_switch(blk, true));
	for (round = 0; round < 8; round++) {
		log_forget(log);
		log_note_ring(log, queue);
		for (n = 0; n < LOG_BLK_BATCH - 1; n++)
			ASSERT_LE(0, log_blk_add_any(blk, n));
		/* Written in part, or not at all, and then no more. */
		ASSERT_LE(0, log_blk_add(blk, n, VIRTIO_BLK_T_IN, 8 * round, &faulting, 1, true));
		log_begin(log);
		ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
		sleeps = log_sleeps(queue);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, LOG_BLK_BATCH));
		/* With and without the kicks it asks for when it has run dry. */
		ASSERT_EQ(0, round % 2 ? 0 : log_wait_asleep(queue, sleeps));
		ASSERT_EQ(0, log_blk_stop(blk));
		ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR,
			  *(uint8_t *)guest_pointer(&blk->device, LOG_BLK_STATUS(n)));
		EXPECT_EQ(0, log_missing(log));
		EXPECT_EQ(0, log_missing_descriptors(log, queue));
		EXPECT_EQ(0, log_superfluous(log));
		if (!driver_ring_is_packed(&queue->ring))
			EXPECT_TRUE(log_is_set(log, log_device_area(queue)));
		ASSERT_EQ(0, log_blk_start(blk));
	}
	/* Switched off, nothing is logged. */
	ASSERT_EQ(0, log_blk_switch(blk, false));
	log_begin(log);
	ASSERT_LE(0, log_blk_add_read(blk, 0));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, log_reap(queue, 1));
	ASSERT_EQ(0, log_blk_stop(blk));
	EXPECT_EQ(0, log_count(log));
}

/* The memory for part of an answer is gone, which breaks the queue, but not before. */
TEST_F_TIMEOUT(log, answer_in_part, TEST_TIME_LIMIT)
{
	struct driver_buffer id = { FAULTING + 0x1000 - 5, VIRTIO_BLK_ID_BYTES };
	void *taken = guest_pointer(&self->blk.device, FAULTING + 0x1000);
	struct vqhost_blk_serial serial = { "a serial number" };
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;

	ASSERT_EQ(0, ioctl(self->blk.device.fd, VQHOST_BLK_SET_SERIAL, &serial));
	ASSERT_EQ(0, log_blk_switch(&self->blk, true));
	ASSERT_LE(0, log_blk_add(&self->blk, 0, VIRTIO_BLK_T_GET_ID, 0, &id, 1, true));
	log_begin(log);
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_NONE));
	vhost_queue_expose(queue);
	EXPECT_EQ(VIRTQUEUE_MEMORY, log_broken(queue));
	ASSERT_EQ(0, log_blk_stop(&self->blk));
	ASSERT_EQ(0, mprotect(taken, 0x1000, PROT_READ | PROT_WRITE));
	EXPECT_NE(0, memcmp(log->before + FAULTING - GUEST_MEMORY,
			    guest_pointer(&self->blk.device, FAULTING), 0x1000));
	EXPECT_EQ(0, log_missing(log));
	EXPECT_EQ(0, log_superfluous(log));
}

/* What is written again after its bit was taken away is logged again. */
TEST_F_TIMEOUT(log, again, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { BLK_DATA(0), 0x2000 };
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	unsigned int i;

	ASSERT_EQ(0, log_blk_switch(&self->blk, true));
	for (i = 0; i < 5; i++) {
		ASSERT_LE(0, log_blk_add(&self->blk, 0, VIRTIO_BLK_T_IN, 0, &data, 1, true));
		log_begin(log);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
		/* Data and status before the driver sees them used, the ring soon after. */
		EXPECT_TRUE(log_is_set(log, data.address));
		EXPECT_TRUE(log_is_set(log, data.address + 0x1000));
		EXPECT_TRUE(log_is_set(log, LOG_BLK_STATUS(0)));
	}
}

/* An owner that takes away and sets, without rest, a bit of its own. */
struct neighbour {
	uint8_t *byte;
	bool stop;
	unsigned int changed;
};

static void *toggle(void *data)
{
	const uint8_t bit = 1;
	struct neighbour *neighbour = data;

	while (!__atomic_load_n(&neighbour->stop, __ATOMIC_SEQ_CST)) {
		neighbour->changed +=
			!!(__atomic_fetch_or(neighbour->byte, bit, __ATOMIC_SEQ_CST) & bit);
		neighbour->changed +=
			!(__atomic_fetch_and(neighbour->byte, ~bit, __ATOMIC_SEQ_CST) & bit);
	}
	return NULL;
}

/* A bit that is set leaves those beside it what they are at that moment. */
TEST_F_TIMEOUT(log, neighbours, TEST_TIME_LIMIT)
{
	/* The second page of a byte's eight, and more than four bytes follow. */
	struct driver_buffer data = { GUEST_BORDER(1) + 0x1000, 0xf000 };
	struct vhost_queue *queue = &self->blk.queue;
	struct neighbour neighbour = {
		.byte = self->blk.log.bitmap + GUEST_BORDER(1) / LOG_PAGE / 8,
	};
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, log_all(&self->blk.log, true));
	ASSERT_EQ(0, pthread_create(&thread, NULL, toggle, &neighbour));
	for (i = 0; i < 500; i++) {
		ASSERT_LE(0, log_blk_add(&self->blk, 0, VIRTIO_BLK_T_IN, 0, &data, 1, true));
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
	}
	__atomic_store_n(&neighbour.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, neighbour.changed);
}

/* Used at once on either side of a page's border. */
TEST_F_TIMEOUT(log, entries_across_pages, TEST_TIME_LIMIT)
{
	struct driver_buffer id = { BLK_DATA(0), VIRTIO_BLK_ID_BYTES };
	struct vhost_queue *queue = &self->blk.queue;
	/* Before entry 512 of a split ring, descriptor 272 of a packed one. */
	uint16_t base = driver_ring_is_packed(&queue->ring) ? 0x8000 | 270 : 506;
	struct log_setup *log = &self->blk.log;
	struct log_blk *blk = &self->blk;
	unsigned int i;

	ASSERT_EQ(0, log_blk_stop(blk));
	log_ring_destroy(queue);
	ASSERT_EQ(0, vhost_queue_reset(queue, base));
	ASSERT_EQ(0, log_move_ring(log, queue));
	ASSERT_EQ(0, log_blk_switch(blk, true));
	for (i = 0; i < LOG_BLK_BATCH; i++)
		ASSERT_LE(0, log_blk_add(blk, i, VIRTIO_BLK_T_GET_ID, 0, &id, 1, true));
	vhost_queue_expose(queue);
	log_begin(log);
	ASSERT_EQ(0, log_blk_start(blk));
	ASSERT_EQ(0, log_reap(queue, LOG_BLK_BATCH));
	ASSERT_EQ(0, log_blk_stop(blk));
	EXPECT_EQ(0, log_missing(log));
	EXPECT_EQ(0, log_missing_descriptors(log, queue));
}

/* Takes the bitmap away or makes it readonly, for one kind of writes at a time. */
TEST_F_TIMEOUT(log, bitmap_taken_away, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	struct log_blk *blk = &self->blk;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, i & 1 ? log_all(log, true) :
				     log_ring(queue, true, log_device_area(queue)));
		ASSERT_LE(0, log_blk_add_read(blk, 0));
		ASSERT_EQ(0, mprotect(log->area, LOG_AREA_SIZE, i & 2 ? PROT_READ : PROT_NONE));
		vhost_queue_expose(queue);
		EXPECT_EQ(VIRTQUEUE_LOG, log_broken(queue));
		/* Where nothing is logged, it can go on anew. */
		ASSERT_EQ(0, log_blk_stop(blk));
		ASSERT_EQ(0, mprotect(log->area, LOG_AREA_SIZE, PROT_READ | PROT_WRITE));
		log_ring_destroy(queue);
		ASSERT_EQ(0, vhost_queue_reset(queue, variant->with.base));
		ASSERT_EQ(0, log_move_ring(log, queue));
		ASSERT_EQ(0, log_blk_switch(blk, false));
		ASSERT_EQ(0, log_blk_start(blk));
		ASSERT_LE(0, log_blk_add_read(blk, 0));
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
	}
	/* Unmapped under traffic: nothing of ours comes back there. */
	ASSERT_EQ(0, log_blk_switch(blk, true));
	ASSERT_EQ(0, munmap(log->area, LOG_AREA_SIZE));
	for (i = 0; i < LOG_BLK_BATCH; i++)
		ASSERT_LE(0, log_blk_add_read(blk, i));
	vhost_queue_expose(queue);
	EXPECT_EQ(VIRTQUEUE_LOG, log_broken(queue));
}

/* From a queue that is broken nothing is logged, but it runs: its log has to be somewhere. */
static int break_queue(struct vhost_queue *queue)
{
	struct driver_buffer nowhere = { GUEST_MEMORY - 0x1000, 16 };
	int ret = driver_ring_add(&queue->ring, &nowhere, 1, 0);

	vhost_queue_expose(queue);
	return ret < 0 ? ret : log_broken(queue);
}

/* The lowest bitmap that is refused because it ends outside user space. */
static uint64_t lowest_refused(struct log_setup *log)
{
	uint64_t accepted = 0, refused = 1ULL << 62, middle;

	while (refused - accepted > 1) {
		middle = (accepted + refused) / 2;
		if (log_set_base(log, (void *)middle))
			refused = middle;
		else
			accepted = middle;
	}
	log_set_base(log, log->bitmap);
	return refused;
}

/* A device area that ends in a byte's last page, or begins the next byte. */
TEST_F_TIMEOUT(log, last_byte_of_ring, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	unsigned int i, size = 4 + 8 * LOG_QUEUE_SIZE;
	uint64_t lowest[2];

	if (queue->ring.event_index)
		size += 4;
	if (driver_ring_is_packed(&queue->ring))
		size = 4;
	ASSERT_LT(0, break_queue(queue));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, log_ring(queue, true, GUEST_BORDER(1) - size + 4 * i));
		lowest[i] = lowest_refused(log);
	}
	EXPECT_EQ(lowest[0], lowest[1] + 1);
}

/* The same of guest memory. */
TEST_F_TIMEOUT(log, last_byte_of_memory, TEST_TIME_LIMIT)
{
	struct log_setup *log = &self->blk.log;
	uint64_t lowest[2];
	unsigned int i;
	struct {
		struct vhost_memory table;
		struct vhost_memory_region region;
	} memory = {
		.table.nregions = 1,
		.region.guest_phys_addr = GUEST_BORDER(1) - LOG_PAGE,
		.region.userspace_addr = (uintptr_t)self->blk.device.memory,
	};

	ASSERT_LT(0, break_queue(&self->blk.queue));
	ASSERT_EQ(0, log_all(log, true));
	for (i = 0; i < 2; i++) {
		memory.region.memory_size = LOG_PAGE + i;
		ASSERT_EQ(0, ioctl(self->blk.device.fd, VHOST_SET_MEM_TABLE, &memory));
		lowest[i] = lowest_refused(log);
	}
	EXPECT_EQ(lowest[0], lowest[1] + 1);
}

/*
 * CVE-2019-14835: a chain whose descriptors make the device note more to be logged
 * than it has room for.  Whatever the chain, nothing outside the bitmap's part for
 * guest memory is written to.
 */
TEST_F_TIMEOUT(log, v_ghost, TEST_TIME_LIMIT)
{
	const unsigned int entries = 2 * LOG_QUEUE_SIZE;
	struct driver_buffer buffers[2 * LOG_QUEUE_SIZE];
	struct vring_desc table[2 * LOG_QUEUE_SIZE];
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	static const uint32_t lengths[] = { 0, 1, 0x800000, 0xffffffff };
	unsigned int i, k;

	log_note(log, GUEST_BORDER(0), GUEST_MEMORY_SIZE, LOG_DEVICE);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, log_blk_switch(&self->blk, true));
		buffers[0] = (struct driver_buffer) { BLK_HEADER(0), 16 };
		for (k = 1; k < entries; k++)
			buffers[k] = (struct driver_buffer) { GUEST_BORDER(k % 4), lengths[i] };
		memset(guest_pointer(&self->blk.device, BLK_HEADER(0)), 0, 16);
		driver_ring_fill_table(&queue->ring, table, buffers, 1, entries - 1, NULL);
		guest_write(&self->blk.device, LOG_BLK_TABLE(0), table, sizeof(table));
		ASSERT_LE(0, driver_ring_add_table(&queue->ring, LOG_BLK_TABLE(0), entries));
		vhost_queue_expose(queue);
		/* Of zero length, or too long a chain. */
		EXPECT_EQ(lengths[i] ? VIRTQUEUE_CHAIN_LENGTH : VIRTQUEUE_ZERO_LENGTH,
			  log_broken(queue));
		ASSERT_EQ(0, log_blk_stop(&self->blk));
		EXPECT_EQ(0, log_superfluous(log));
		log_ring_destroy(queue);
		ASSERT_EQ(0, vhost_queue_reset(queue, variant->with.base));
		ASSERT_EQ(0, log_move_ring(log, queue));
		ASSERT_EQ(0, log_blk_start(&self->blk));
	}
}

/* A device area that the owner says lies outside guest memory is not logged there. */
TEST_F_TIMEOUT(log, ring_outside_memory, TEST_TIME_LIMIT)
{
	static const uint64_t addresses[] = {
		0, GUEST_MEMORY - 0x3000, GUEST_MEMORY - 0x40000,
		GUEST_MEMORY + GUEST_MEMORY_SIZE, GUEST_MEMORY + GUEST_MEMORY_SIZE + 0x100000,
	};
	struct vhost_queue *queue = &self->blk.queue;
	struct vqhost_vring_stats stats;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		ASSERT_EQ(0, log_ring(queue, true, addresses[i]));
		ASSERT_LE(0, log_blk_add_read(&self->blk, 0));
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
	}
	ASSERT_EQ(0, log_blk_stop(&self->blk));
	EXPECT_FALSE(log_is_set(&self->blk.log, log_device_area(queue)));
	EXPECT_EQ(0, log_superfluous(&self->blk.log));
	ASSERT_EQ(0, vhost_queue_stats(queue, &stats));
	EXPECT_EQ(0, stats.error);
}

/*
 * A device area of which an entry lies across a border: of guest memory, outside of
 * which nothing is logged, or of two regions.  In a packed ring nothing can.
 */
TEST_F_TIMEOUT(log, ring_across_border, TEST_TIME_LIMIT)
{
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	uint64_t slot, border;
	unsigned int i;

	for (i = 0; i <= GUEST_REGIONS; i++) {
		border = GUEST_BORDER(i);
		slot = (variant->with.base + i) % LOG_QUEUE_SIZE;
		/* Four bytes of the entry before the border, behind flags and index. */
		ASSERT_EQ(0, log_ring(queue, true, border - 8 * slot - 8));
		ASSERT_LE(0, log_blk_add_read(&self->blk, 0));
		log_begin(log);
		vhost_queue_expose(queue);
		ASSERT_EQ(0, log_reap(queue, 1));
		ASSERT_EQ(0, log_ring(queue, false, 0));
		EXPECT_FALSE(log->bitmap[(GUEST_MEMORY - 1) / LOG_PAGE / 8] & 0x80);
		EXPECT_FALSE(log->bitmap[(GUEST_MEMORY + GUEST_MEMORY_SIZE) / LOG_PAGE / 8] & 1);
		if (driver_ring_is_packed(&queue->ring))
			continue;
		EXPECT_TRUE(i == 0 || log_is_set(log, border - 1));
		EXPECT_TRUE(i == GUEST_REGIONS || log_is_set(log, border));
	}
}

/* The owner has mapped one of three pages twice: the guest sees it in both places. */
TEST_F_TIMEOUT(log, two_places, TEST_TIME_LIMIT)
{
	struct driver_buffer data = { BLK_DATA(0), 0x3000 };
	struct vhost_queue *queue = &self->blk.queue;
	struct log_setup *log = &self->blk.log;
	uint64_t second = GUEST_MEMORY - 0x10000;
	struct vhost_memory *table;
	unsigned int page = second / LOG_PAGE;
	unsigned int i;

	table = calloc(1, sizeof(*table) + 2 * sizeof(table->regions[0]));
	ASSERT_NE(NULL, table);
	table->nregions = 2;
	table->regions[0] = (struct vhost_memory_region) {
		.guest_phys_addr = GUEST_MEMORY,
		.memory_size = GUEST_REGION_SIZE,
		.userspace_addr = (uintptr_t)guest_pointer(queue->device, GUEST_MEMORY),
	};
	table->regions[1] = (struct vhost_memory_region) {
		.guest_phys_addr = second,
		.memory_size = 0x1000,
		.userspace_addr = (uintptr_t)guest_pointer(queue->device, data.address + 0x1000),
	};
	ASSERT_EQ(0, ioctl(self->blk.device.fd, VHOST_SET_MEM_TABLE, table));
	free(table);
	ASSERT_EQ(0, log_all(log, true));
	ASSERT_LE(0, blk_add_pieces(queue, 0, VIRTIO_BLK_T_IN, 0, &data, 1));
	vhost_queue_expose(queue);
	ASSERT_EQ(0, log_reap(queue, 1));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(log_is_set(log, data.address + i * LOG_PAGE));
	EXPECT_EQ(1 << page % 8, log->bitmap[page / 8]);
}

TEST_HARNESS_MAIN
