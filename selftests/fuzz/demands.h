/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must hold whatever a driver does.
 */
#ifndef SELFTESTS_FUZZ_DEMANDS_H
#define SELFTESTS_FUZZ_DEMANDS_H

#include "../virtqueue/ring_pair.h"
#include "input.h"

void demand_chain(const struct device_virtqueue *vq, const struct virtqueue_chain *chain);
void demand_translation(struct guest_memory *memory, const struct virtqueue_segment *segment,
			bool write);
void demand_state(const struct device_virtqueue *vq);
uint8_t *attackable(struct ring_pair *pair, unsigned int where, uint32_t offset, size_t length);

/* Areas that attackable() knows. */
#define AREAS 4

#endif /* SELFTESTS_FUZZ_DEMANDS_H */
