/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver that moves between any two looks of the device at memory.
 *
 * Included before each source under test (-include), so that whatever it reads from
 * the rings or from guest memory is read after the adversary had a turn: what is
 * looked at twice may differ, at a point that the input chose.
 */
#ifndef SELFTESTS_FUZZ_ADVERSARY_H
#define SELFTESTS_FUZZ_ADVERSARY_H

#include "../../kmod/virtqueue/memory.h"

/**
 * adversary_turn() - change memory, if the input says so
 *
 * Supplied by the target.
 */
void adversary_turn(void);

static inline int adversary_load16(u16 *value, const __le16 *from)
{
	adversary_turn();
	return ring_load16(value, from);
}

static inline int adversary_load64x2(u64 value[2], const void *from)
{
	adversary_turn();
	return ring_load64x2(value, from);
}

static inline int adversary_load(void *to, const void *from, size_t length)
{
	adversary_turn();
	return ring_load(to, from, length);
}

static inline int adversary_load_while(u64 (*to)[2], const void *from, unsigned int count,
				       u64 mask, u64 value)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		adversary_turn();
		if (!ring_load_while(&to[i], (const u64 *)from + 2 * i, 1, mask, value))
			break;
	}
	return i;
}

static inline int adversary_memory_read(struct guest_memory *memory, void *to, u64 address,
					u64 length)
{
	adversary_turn();
	return guest_memory_read(memory, to, address, length);
}

#define ring_load16 adversary_load16
#define ring_load64x2 adversary_load64x2
#define ring_load adversary_load
#define ring_load_while adversary_load_while
#define guest_memory_read adversary_memory_read

#endif /* SELFTESTS_FUZZ_ADVERSARY_H */
