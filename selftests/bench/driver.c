// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of the engines that serve virtio's own rings.
 */
#include "driver.h"

/* What all chains refer to. */
#define BUFFER_LENGTH 256

struct driver_ring bench_driver;
static struct driver_buffer buffers[TABLE_ENTRIES];
static uint64_t table_address;

/**
 * bench_driver_init() - an empty ring, one buffer and one table
 * @packed: a packed ring
 * @indirect: chains are indirect tables
 * @table: guest address of two pages, the table at their start
 * @host: where they are
 *
 * Return: 0 or -errno.
 */
int bench_driver_init(bool packed, bool indirect, unsigned long table, void *host)
{
	unsigned int i;
	int err;

	if (packed)
		err = driver_ring_init_packed(&bench_driver, RING_SIZE, 0, true);
	else
		err = driver_ring_init(&bench_driver, RING_SIZE, 0, true);
	if (err)
		return err;
	for (i = 0; i < TABLE_ENTRIES; i++) {
		buffers[i].address = table + 4096 + i * BUFFER_LENGTH;
		buffers[i].length = BUFFER_LENGTH;
	}
	if (indirect) {
		table_address = table;
		driver_ring_fill_table(&bench_driver, host, buffers, 0, TABLE_ENTRIES, NULL);
	}
	return 0;
}

unsigned int engine_add(unsigned int count)
{
	unsigned int added;
	int id;

	for (added = 0; added < count; added++) {
		id = table_address ? driver_ring_add_table(&bench_driver, table_address,
							   TABLE_ENTRIES) :
				     driver_ring_add(&bench_driver, buffers, 0, 1);
		if (id < 0)
			break;
	}
	if (added)
		driver_ring_expose(&bench_driver);
	return added;
}

unsigned int engine_reap(void)
{
	unsigned int reaped = 0;

	while (driver_ring_reap(&bench_driver, NULL) >= 0)
		reaped++;
	return reaped;
}

/**
 * bench_driver_areas() - where the areas of a split ring are
 * @descriptors: receives the address of the descriptor area
 * @available: receives that of the driver area
 * @used: receives that of the device area
 */
void bench_driver_areas(void **descriptors, void **available, void **used)
{
	*descriptors = bench_driver.descriptors;
	*available = bench_driver.available;
	*used = bench_driver.used;
}
