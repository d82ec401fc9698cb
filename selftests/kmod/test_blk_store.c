// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to a store behind a disk: it is cut off, replaced by another one, or
 * its file system is frozen.  How stores fail is tested by test_store.c.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "blk_setup.h"

#include <kselftest_harness.h>

/* A file that was cut off after it was set: its missing part cannot be read. */
TEST(blk_store_shrinks)
{
	char path[] = "/tmp/vqhost.XXXXXX";
	struct vhost_device device;
	struct vhost_queue queue;
	int store = mkstemp(path);

	ASSERT_LE(0, store);
	unlink(path);
	ASSERT_EQ(0, ftruncate(store, 1 << 20));
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, store, 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 2000, 4096));
	ASSERT_EQ(0, ftruncate(store, 1 << 19));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&queue, VIRTIO_BLK_T_IN, 2000, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 0, 4096));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	close(store);
}

/* Another store on a running queue: requests go there from then on. */
TEST(blk_store_replaced)
{
	struct vhost_device device;
	struct vhost_queue queue;
	uint8_t old[4096], new[4096], found[4096];
	int stores[2];

	stores[0] = store_open(STORE_RAM_DISK, O_RDWR);
	stores[1] = store_open(STORE_TMPFS, O_RDWR);
	ASSERT_LE(0, stores[0]);
	ASSERT_LE(0, stores[1]);
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	blk_pattern(old, sizeof(old), 0, 1);
	blk_pattern(new, sizeof(new), 0, 2);
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[0], 0));
	guest_write(&device, BLK_DATA(0), old, sizeof(old));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 0, sizeof(old)));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[1], 0));
	guest_write(&device, BLK_DATA(0), new, sizeof(new));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 0, sizeof(new)));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, stores[0], 0));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_IN, 0, sizeof(old)));
	guest_read(&device, found, BLK_DATA(0), sizeof(found));
	EXPECT_EQ(0, memcmp(old, found, sizeof(found)));
	EXPECT_TRUE(blk_stored(stores[1], new, sizeof(new), 0));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
}

/* Whatever was written keeps the file system from being frozen no longer than it takes. */
TEST(blk_freeze_after_writes)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = 8, .num_sectors = 8 };
	int file = store_open(STORE_EXT4, O_RDWR);
	struct driver_buffer odd = { BLK_DATA(0) + 1, 4096 };
	struct vhost_device device;
	struct vhost_queue queue;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, vhost_device_open(&device, VQHOST_BLK, BLK_FEATURES));
	ASSERT_EQ(0, vhost_queue_open(&queue, &device, 0, 16, 0));
	ASSERT_EQ(0, vhost_queue_blk_backend(&queue, file, 0));
	/* Queued twice: into a hole, and over what is there; then past direct I/O. */
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 64, 4096));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_OUT, 64, 4096));
	ASSERT_LE(0, blk_add_pieces(&queue, 0, VIRTIO_BLK_T_OUT, 64, &odd, 1));
	vhost_queue_expose(&queue);
	EXPECT_EQ(0, vhost_queue_wait(&queue, 1));
	EXPECT_LE(0, driver_ring_reap(&queue.ring, NULL));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_status(&queue, 0));
	guest_write(&device, BLK_DATA(0), &range, sizeof(range));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&queue, VIRTIO_BLK_T_WRITE_ZEROES, 0, sizeof(range)));
	ASSERT_EQ(0, ioctl(file, FIFREEZE, 0));
	EXPECT_EQ(0, ioctl(file, FITHAW, 0));
	vhost_device_close(&device);
	vhost_queue_close(&queue);
	close(file);
}

TEST_HARNESS_MAIN
