// SPDX-License-Identifier: GPL-2.0
/*
 * A ring of the kernel's tools/virtio/ringtest; RINGTEST names its source, which is
 * compiled as part of this one, as its own Makefile has it.
 */
#include <errno.h>

#include RINGTEST

#include "engine.h"

unsigned int ring_size = RING_SIZE;
int param;
bool do_exit, do_relax, do_sleep;

/* The driver has to know: some rings take a slot that was never filled for a used one. */
static unsigned int outstanding;

/* Notifications: their decision is measured, not their cost. */
void kick(void)
{
}

void call(void)
{
}

int engine_init(bool indirect)
{
	if (indirect)
		return -EOPNOTSUPP;
	alloc_ring();
	return 0;
}

unsigned int engine_add(unsigned int count)
{
	static char buffer[256];
	unsigned int added;

	for (added = 0; added < count; added++) {
		if (add_inbuf(sizeof(buffer), buffer, buffer))
			break;
	}
	outstanding += added;
	if (added)
		kick_available();
	return added;
}

unsigned int engine_serve(unsigned int count)
{
	unsigned int served, length;
	void *buffer;

	for (served = 0; served < count && use_buf(&length, &buffer); served++)
		;
	if (served)
		call_used();
	return served;
}

unsigned int engine_reap(void)
{
	unsigned int reaped = 0, length;
	void *buffer;

	while (outstanding && get_buf(&length, &buffer)) {
		outstanding--;
		reaped++;
	}
	return reaped;
}
