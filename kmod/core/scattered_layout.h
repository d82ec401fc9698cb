/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts the functions of scattered.h in the place of those of platform.h.
 *
 * For the two files that compile a ring format once more: nothing of the format
 * differs, and the rings of others pay nothing for it.
 */
#include "../virtqueue/chain.h"
#include "scattered.h"

/* Wherever a format touches its ring, the ring is called vq. */
#define ring_load16(value, from)	scattered_load16(vq, value, from)
#define ring_store16(to, value)		scattered_store16(vq, to, value)
#define ring_load64x2(value, from)	scattered_load64x2(vq, value, from)
#define ring_load_while(to, from, count, mask, value) \
	scattered_load_while(vq, to, from, count, mask, value)
#define ring_store64(to, value)		scattered_store64(vq, to, value)
#define ring_load(to, from, length)	vqhost_scattered_read(vq, to, from, length)
#define ring_store(to, from, length)	vqhost_scattered_write(vq, to, from, length)
#define guest_memory_log_owner(memory, base, length) vqhost_scattered_log(vq, base, length)
