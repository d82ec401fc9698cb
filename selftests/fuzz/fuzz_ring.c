// SPDX-License-Identifier: GPL-2.0
/*
 * A virtqueue of either format, driver and device played by the input.
 *
 * An input begins with the layout, features and size of the queue; then each byte
 * chooses a step of the driver, of the device, or of an adversary who writes to
 * what the two share, now or between two looks of the device.  As long as there
 * was no adversary, whatever the driver made available must be taken in that order,
 * as it was, what was pushed must come back, and no notification may be missed.
 */
#include "demands.h"

#define SIZE_MAX_LOG2 5
#define CHAIN_MAX 4
#define STEPS_MAX 400

/* Indirect tables at the start of memory, where the adversary writes. */
#define TABLES 8

/* What happened so far, by the position of chains since the start. */
static struct {
	struct ring_pair pair;
	struct input *input;
	bool clean;		/* no adversary yet */
	u16 ids[STEPS_MAX + 1];		/* exposed */
	u8 lengths[STEPS_MAX + 1];	/* number of buffers */
	unsigned int added, exposed, taken;
	u16 held[STEPS_MAX + 1];	/* taken and not pushed, in order */
	unsigned int held_count;
	u16 pushed[STEPS_MAX + 1];
	unsigned int pushed_count, published, reaped;
	bool kick_wanted;
	bool call_wanted;
	unsigned int turns;	/* until the adversary moves */
	u8 frozen[1024];	/* the device area */
} all;

static void attack(void)
{
	unsigned int where = take8(all.input);
	uint8_t *at = attackable(&all.pair, where, take16(all.input), 2);
	uint16_t value = take16(all.input);

	all.clean = false;
	if (!at)
		return;
	/* Toggle, add or set: small steps keep most of a ring meaningful. */
	if (where & 0x80)
		value ^= at[0] | at[1] << 8;
	else if (where & 0x40)
		value += at[0] | at[1] << 8;
	at[0] = value;
	at[1] = value >> 8;
}

void adversary_turn(void)
{
	if (all.turns && !--all.turns)
		attack();
}

/* A broken queue stays so, and nothing is written to it. */
static void demand_broken(void)
{
	struct virtqueue_config *config = &all.pair.config;
	struct virtqueue_chain chain;
	size_t size = config->packed ? sizeof(struct vring_packed_desc_event) :
		      sizeof(struct vring_used) + config->size * sizeof(struct vring_used_elem);

	memcpy(all.frozen, config->device_area, size);
	DEMAND(virtqueue_next(&all.pair.device, &chain) == -EIO);
	DEMAND(virtqueue_push(&all.pair.device, 0, 0) == -EIO);
	DEMAND(virtqueue_publish(&all.pair.device) == -EIO);
	DEMAND(virtqueue_pending(&all.pair.device) == -EIO);
	DEMAND(virtqueue_disable_kicks(&all.pair.device) == -EIO);
	DEMAND(virtqueue_enable_kicks(&all.pair.device) == -EIO);
	DEMAND(!memcmp(all.frozen, config->device_area, size));
}

static void set_up_again(void)
{
	virtqueue_destroy(&all.pair.device);
	all.pair.config.base = all.pair.config.packed ? VIRTQUEUE_PACKED_BASE : take16(all.input);
	DEMAND(!virtqueue_init(&all.pair.device, &all.pair.config));
	all.held_count = 0;
	all.clean = false;
}

/* --- The driver --- */

static void add_chain(void)
{
	struct driver_buffer buffers[CHAIN_MAX];
	u8 shape = take8(all.input);
	unsigned int count = 1 + (shape & 3), readable = (shape >> 2) % (count + 1);
	unsigned int i;
	u64 table;
	int id;

	if (count > all.pair.driver.size)
		return;
	for (i = 0; i < count; i++) {
		/* Often across the border of the two regions. */
		buffers[i].address = PAIR_MEMORY + 0x400 + take16(all.input) % 0xf000;
		buffers[i].length = 1 + take8(all.input) * 8;
	}
	if (shape & 0x40) {
		table = PAIR_MEMORY + all.added % TABLES * CHAIN_MAX * sizeof(struct vring_desc);
		driver_ring_fill_table(&all.pair.driver, pair_host(&all.pair, table), buffers,
				       readable, count - readable, NULL);
		/* It may have changed under a chain that can still be taken. */
		if (all.added - all.pushed_count >= TABLES)
			all.clean = false;
		id = driver_ring_add_table(&all.pair.driver, table, count);
	} else {
		id = driver_ring_add(&all.pair.driver, buffers, readable, count - readable);
	}
	if (id < 0)
		return;
	all.ids[all.added] = id;
	all.lengths[all.added++] = count;
}

static void expose(void)
{
	bool more = all.added != all.exposed;
	bool kick = driver_ring_expose(&all.pair.driver);

	all.exposed = all.added;
	if (all.clean && more && all.kick_wanted)
		DEMAND(kick);
	if (more && all.pair.config.event_index)
		all.kick_wanted = false;
}

static void reap(void)
{
	uint32_t length;
	int id = driver_ring_reap(&all.pair.driver, &length);

	if (!all.clean)
		return;
	if (all.reaped == all.published) {
		DEMAND(id < 0);
		return;
	}
	DEMAND(id == all.pushed[all.reaped]);
	DEMAND(length == all.reaped % 251);
	all.reaped++;
	all.call_wanted = false;
}

/* --- The device --- */

static void next(void)
{
	struct virtqueue_chain chain;
	int ret = virtqueue_next(&all.pair.device, &chain);

	DEMAND(ret == 1 || ret == 0 || ret == -EIO);
	DEMAND((ret == -EIO) == (all.pair.device.error != VIRTQUEUE_OK));
	if (all.clean)
		DEMAND(ret == (all.exposed != all.taken));
	if (ret != 1)
		return;
	demand_chain(&all.pair.device, &chain);
	if (all.clean) {
		DEMAND(chain.id == all.ids[all.taken]);
		DEMAND(chain.readable + chain.writable == all.lengths[all.taken]);
	}
	all.taken++;
	all.held[all.held_count++] = chain.id;
}

static void put_back(void)
{
	unsigned int count = take8(all.input);

	/* Only the latest takes, and none that was pushed. */
	if (all.pair.device.error || count > all.held_count || all.held_count == 0 ||
	    all.pushed_count + all.held_count != all.taken)
		return;
	virtqueue_put_back(&all.pair.device, count);
	all.held_count -= count;
	all.taken -= count;
}

static void push(void)
{
	int ret;

	if (!all.held_count || all.pair.device.staged_count == all.pair.device.size)
		return;
	ret = virtqueue_push(&all.pair.device, all.held[0], all.pushed_count % 251);
	DEMAND(ret == 0 || ret == -EIO || (ret == -EINVAL && !all.clean));
	if (all.clean)
		DEMAND(!ret);
	all.pushed[all.pushed_count++] = all.held[0];
	all.held_count--;
	memmove(all.held, all.held + 1, all.held_count * sizeof(all.held[0]));
}

static void publish(void)
{
	bool more = all.pair.device.staged_count;
	int ret = virtqueue_publish(&all.pair.device);

	DEMAND(ret == 1 || ret == 0 || ret == -EIO);
	if (!all.clean)
		return;
	DEMAND(ret >= 0);
	if (more && all.call_wanted)
		DEMAND(ret == 1);
	if (all.pair.config.event_index && more)
		all.call_wanted = false;
	all.published = all.pushed_count;
	/* A packed driver counts no further than the first gap: there is none. */
	DEMAND(driver_ring_used(&all.pair.driver) >= (all.published != all.reaped));
}

static void kicks(bool on)
{
	int ret = on ? virtqueue_enable_kicks(&all.pair.device) :
		       virtqueue_disable_kicks(&all.pair.device);

	DEMAND(ret == 0 || ret == -EIO || (on && ret == 1));
	all.kick_wanted = on && ret == 0;
	if (all.clean && on && ret == 1)
		DEMAND(all.exposed != all.taken);
}

static void step(void)
{
	switch (take8(all.input) % 16) {
	case 0:
	case 1:
		return add_chain();
	case 2:
	case 3:
		return expose();
	case 4:
		return reap();
	case 5:
		all.call_wanted = !driver_ring_calls_on(&all.pair.driver, 1);
		return;
	case 6:
		driver_ring_calls_off(&all.pair.driver);
		all.call_wanted = false;
		return;
	case 7:
	case 8:
		return next();
	case 9:
		return push();
	case 10:
		return publish();
	case 11:
		return put_back();
	case 12:
		return kicks(take8(all.input) & 1);
	case 13:
		all.turns = 1 + take8(all.input) % 32;
		return;
	case 14:
		return attack();
	case 15:
		if (take8(all.input) == 0xff)
			set_up_again();
		else
			DEMAND(virtqueue_pending(&all.pair.device) != -EFAULT);
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	u8 features;
	unsigned int steps;
	bool packed;
	u16 base;

	if (size < 4)
		return 0;
	memset(&all, 0, sizeof(all));
	all.input = &input;
	all.clean = true;

	packed = take8(&input) & 1;
	features = take8(&input);
	base = take16(&input);
	size = 1U << (features >> 2) % (SIZE_MAX_LOG2 + 1);
	if (packed)
		base %= size;
	if (ring_pair_init(&all.pair, packed, size, base, features & 1))
		goto out;
	all.pair.device.indirect = !(features & 2);
	all.pair.config.indirect = all.pair.device.indirect;
	if (!all.pair.device.indirect)
		all.clean = false;

	for (steps = 0; input.size && steps < STEPS_MAX; steps++) {
		step();
		demand_state(&all.pair.device);
		if (all.clean) {
			DEMAND(!all.pair.device.error);
			DEMAND(all.taken <= all.exposed);
		}
		if (all.pair.device.error)
			demand_broken();
	}
out:
	ring_pair_destroy(&all.pair);
	return 0;
}
