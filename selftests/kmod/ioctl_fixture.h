/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of <linux/vhost.h>'s ioctls have in common.  Mainline's device is a
 * variant: what is expected of ours is what it does.  Where ours differs on purpose,
 * docs/uapi.md says so and the test has both.
 */
#ifndef SELFTESTS_KMOD_IOCTL_FIXTURE_H
#define SELFTESTS_KMOD_IOCTL_FIXTURE_H

#include "ioctl_setup.h"

#include <kselftest_harness.h>

FIXTURE(ioctl) {
	struct ioctl_setup setup;
};

FIXTURE_VARIANT(ioctl) {
	const char *path;
	unsigned int queues;
};

FIXTURE_VARIANT_ADD(ioctl, mainline_net) {
	.path = MAINLINE_NET,
	.queues = 2,
};

FIXTURE_VARIANT_ADD(ioctl, vqhost_net) {
	.path = VQHOST_NET,
	.queues = 2,
};

FIXTURE_VARIANT_ADD(ioctl, vqhost_blk) {
	.path = VQHOST_BLK,
	.queues = VQHOST_BLK_QUEUES_MAX,
};

FIXTURE_SETUP(ioctl)
{
	ASSERT_EQ(0, ioctl_setup_open(&self->setup, variant->path));
}

FIXTURE_TEARDOWN(ioctl)
{
	ioctl_setup_close(&self->setup);
}

#endif /* SELFTESTS_KMOD_IOCTL_FIXTURE_H */
