/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk with some queues, of which none runs.
 */
#ifndef SELFTESTS_KMOD_WORKER_FIXTURE_H
#define SELFTESTS_KMOD_WORKER_FIXTURE_H

#include <fcntl.h>
#include <unistd.h>

#include "worker_setup.h"

#include <kselftest_harness.h>

#define QUEUES WORKER_QUEUES
#define TEST_TIME_LIMIT 120

FIXTURE(worker) {
	struct vhost_device device;
	struct vhost_queue queues[QUEUES];
	int store;
};

FIXTURE_SETUP(worker)
{
	unsigned int i;

	self->store = store_open(STORE_RAM_DISK, O_RDWR);
	ASSERT_LE(0, self->store);
	ASSERT_EQ(0, vhost_device_open(&self->device, VQHOST_BLK, BLK_FEATURES));
	for (i = 0; i < QUEUES; i++)
		ASSERT_EQ(0, vhost_queue_open(&self->queues[i], &self->device, i,
					      BLK_QUEUE_SIZE, 0));
}

FIXTURE_TEARDOWN(worker)
{
	unsigned int i;

	vhost_device_close(&self->device);
	for (i = 0; i < QUEUES; i++)
		vhost_queue_close(&self->queues[i]);
	close(self->store);
}

#endif /* SELFTESTS_KMOD_WORKER_FIXTURE_H */
