// SPDX-License-Identifier: GPL-2.0
/*
 * A device with a victim and a calm queue, and what must hold whatever happens to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/tasks.h"
#include "hostile.h"

#define GUARD_FILL 0xc7
#define REGIONS_MAX 64
#define DATA_LENGTH 4096
#define FRAME_LENGTH 300
#define TRIES 3000

/* Both ends of each hole, and of the whole. */
static uint8_t *guard(struct hostile *hostile, unsigned int number)
{
	uint64_t border = GUEST_BORDER(number / 2 % GUEST_REGIONS);

	if (number == 2 * GUEST_REGIONS)
		return hostile->mapping;
	if (number == 2 * GUEST_REGIONS + 1)
		return hostile->mapping + GUARD_SIZE + GUEST_MEMORY_SIZE;
	return guest_pointer(hostile->device,
			     border + (number & 1 ? HOLE_END - GUARD_SIZE : HOLE_START));
}

static int set_up_memory(struct hostile *hostile)
{
	unsigned int i;

	hostile->mapping = mmap(NULL, GUEST_MEMORY_SIZE + 2 * GUARD_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hostile->mapping == MAP_FAILED)
		return -errno;
	/* The queues are idle: nothing lies in the old memory yet. */
	munmap(hostile->device->memory, GUEST_MEMORY_SIZE);
	hostile->device->memory = hostile->mapping + GUARD_SIZE;
	for (i = 0; i < 2 * GUEST_REGIONS + 2; i++)
		memset(guard(hostile, i), GUARD_FILL, GUARD_SIZE);
	return hostile_set_memory(hostile, NULL);
}

static const char *check_guards(struct hostile *hostile)
{
	const uint8_t *bytes;
	unsigned int i, n;

	for (i = 0; i < 2 * GUEST_REGIONS + 2; i++) {
		bytes = guard(hostile, i);
		for (n = 0; n < GUARD_SIZE; n++) {
			if (bytes[n] != GUARD_FILL)
				return "memory outside the memory table was written";
		}
	}
	return NULL;
}

static int open_disk(struct hostile *hostile, uint64_t features)
{
	static const enum store stores[] = { STORE_RAM_DISK, STORE_DELAYED, STORE_TMPFS };
	unsigned int i;
	int err;

	hostile->device = &hostile->disk;
	hostile->victim = &hostile->disk_queues[0];
	hostile->calm = &hostile->disk_queues[1];
	for (i = 0; i < ARRAY_LENGTH(stores); i++) {
		hostile->stores[i] = store_open(stores[i], O_RDWR);
		if (hostile->stores[i] < 0)
			return hostile->stores[i];
	}
	err = vhost_device_open(hostile->device, VQHOST_BLK, features);
	for (i = 0; !err && i < 2; i++)
		err = vhost_queue_open(&hostile->disk_queues[i], hostile->device, i, VICTIM_SIZE,
				       0);
	if (!err)
		err = vhost_queue_blk_backend(hostile->victim, hostile->stores[0], 0);
	if (!err)
		err = vhost_queue_blk_backend(hostile->calm, hostile->stores[2], 0);
	return err;
}

static int open_net(struct hostile *hostile, uint64_t features)
{
	struct net_variant with = { VQHOST_NET, features, TAP, 0 };
	struct net_setup *net = &hostile->net;
	int err = net_setup_open(net, &with, ETHERTYPE_TEST, 0);

	hostile->device = &net->device;
	hostile->victim = hostile->kind == VICTIM_RECEIVE ? &net->rx : &net->tx;
	hostile->calm = hostile->kind == VICTIM_RECEIVE ? &net->tx : &net->rx;
	return err;
}

/**
 * hostile_open() - set a device up, both queues running
 * @hostile: to be closed by hostile_close(), also after failure
 * @kind: which queue is to suffer
 * @features: to be negotiated
 * @seed: decides what happens
 *
 * Return: 0 or -errno.
 */
int hostile_open(struct hostile *hostile, enum victim kind, uint64_t features, uint64_t seed)
{
	int err;

	memset(hostile, 0, sizeof(*hostile));
	hostile->kind = kind;
	hostile->features = features;
	hostile->seed = seed;
	pthread_mutex_init(&hostile->lock, NULL);
	err = kind == VICTIM_DISK ? open_disk(hostile, features) : open_net(hostile, features);
	if (!err)
		err = set_up_memory(hostile);
	return err;
}

/**
 * hostile_close() - stop and free everything
 * @hostile: no thread uses it any more
 */
void hostile_close(struct hostile *hostile)
{
	unsigned int i;

	if (hostile->kind != VICTIM_DISK) {
		net_setup_close(&hostile->net);
		return;
	}
	vhost_device_close(&hostile->disk);
	for (i = 0; i < 2; i++)
		vhost_queue_close(&hostile->disk_queues[i]);
	for (i = 0; i < ARRAY_LENGTH(hostile->stores); i++)
		close(hostile->stores[i]);
}

static void add_region(struct vhost_memory *table, uint64_t start, uint64_t size, void *at)
{
	table->regions[table->nregions++] = (struct vhost_memory_region) {
		.guest_phys_addr = start,
		.memory_size = size,
		.userspace_addr = (uintptr_t)at,
	};
}

/* @piece: in how many bytes guest memory is cut up, which it is not for. */
static void add_memory(struct hostile *hostile, struct vhost_memory *table, uint64_t piece)
{
	uint64_t start, at;
	unsigned int i;

	for (i = 0; i < 2 * GUEST_REGIONS; i++) {
		start = GUEST_BORDER(i / 2) + (i & 1 ? HOLE_END : 0);
		for (at = start; at < start + HOLE_START; at += piece)
			add_region(table, at, piece, guest_pointer(hostile->device, at));
	}
}

static void shuffle(struct vhost_memory *table, struct random_state *random)
{
	struct vhost_memory_region region;
	unsigned int i, other;

	for (i = 0; i < table->nregions; i++) {
		other = random_below(random, table->nregions);
		region = table->regions[i];
		table->regions[i] = table->regions[other];
		table->regions[other] = region;
	}
}

/**
 * hostile_set_memory() - set a memory table
 * @hostile: the setup
 * @random: decides how it differs from the right one; NULL: it does not
 *
 * What the calm queue needs is where it was.
 * Return: 0 or -errno.
 */
int hostile_set_memory(struct hostile *hostile, struct random_state *random)
{
	struct vhost_memory *table;
	uint64_t piece = HOLE_START;
	unsigned int kind = random ? random_below(random, 8) : 0;
	unsigned int i;
	int err;

	table = calloc(1, sizeof(*table) + (REGIONS_MAX + 1) * sizeof(table->regions[0]));
	if (!table)
		return -ENOMEM;
	if (kind == 1)
		piece = HOLE_START / 8;
	add_memory(hostile, table, piece);
	switch (kind) {
	case 2:	/* the victim's memory is gone */
		for (i = 5; i + 2 < table->nregions; i++)
			table->regions[i] = table->regions[i + 2];
		table->nregions -= 2;
		break;
	case 3:	/* some that cannot be accessed */
		add_region(table, 1ULL << 40, 1ULL << 40, (void *)4096);
		add_region(table, 1ULL << 50, 1, hostile->mapping);
		break;
	case 4:	/* overlapping */
		add_region(table, VICTIM_MEMORY, VICTIM_MEMORY_SIZE / 2,
			   guest_pointer(hostile->device, VICTIM_MEMORY));
		break;
	case 5:	/* refused: none in user space, too many */
		add_region(table, 1ULL << 40, 4096, (void *)0xffffffff81000000ULL);
		break;
	case 6:
		table->nregions = REGIONS_MAX + 1;
		break;
	}
	if (random && kind < 5)
		shuffle(table, random);
	err = ioctl(hostile->device->fd, VHOST_SET_MEM_TABLE, table) ? -errno : 0;
	free(table);
	return err;
}

/**
 * hostile_set_backend() - put something behind the victim
 * @hostile: the setup
 * @random: decides what; NULL: what is always there
 *
 * Return: 0 or -errno.
 */
int hostile_set_backend(struct hostile *hostile, struct random_state *random)
{
	unsigned int kind = random ? random_below(random, 4) : 0;
	int fd;

	if (hostile->kind == VICTIM_DISK) {
		fd = kind == 3 ? hostile->victim->kick : hostile->stores[kind & 1];
		return vhost_queue_blk_backend(hostile->victim, fd,
					       kind == 2 ? VQHOST_BLK_READONLY : 0);
	}
	fd = kind == 3 ? hostile->net.tap.socket : hostile->net.tap.fd;
	return vhost_queue_net_backend(hostile->victim, fd);
}

static const char *disk_works(struct vhost_queue *queue, unsigned int number)
{
	uint64_t sector = number % (BLK_SECTORS / 8) * 8;
	uint8_t content[DATA_LENGTH], data[DATA_LENGTH];

	blk_pattern(content, sizeof(content), sector, number);
	guest_write(queue->device, BLK_DATA(0), content, sizeof(content));
	if (blk_do(queue, VIRTIO_BLK_T_OUT, sector, sizeof(content)))
		return "a disk cannot be written";
	memset(data, 0, sizeof(data));
	guest_write(queue->device, BLK_DATA(0), data, sizeof(data));
	if (blk_do(queue, VIRTIO_BLK_T_IN, sector, sizeof(content)))
		return "a disk cannot be read";
	guest_read(queue->device, data, BLK_DATA(0), sizeof(data));
	return memcmp(content, data, sizeof(data)) ? "a disk has other content" : NULL;
}

/* Until this frame comes through: others may be on their way, and fill the tap. */
static const char *receives(struct net_setup *net, unsigned int number)
{
	uint8_t frame[FRAME_LENGTH], received[NET_SLOT_SIZE];
	unsigned int tries;
	int length;

	net_frame_fill(net, frame, sizeof(frame), number);
	for (tries = 0; tries < TRIES; tries++) {
		if (net_add_buffer(net, 0, NET_SLOT_SIZE) < 0)
			return "a receive queue has no room";
		vhost_queue_expose(&net->rx);
		if (send(net->tap.socket, frame, sizeof(frame), 0) < 0 && errno != ENOBUFS)
			return "nothing can be sent to the guest";
		length = net_receive(net, received, sizeof(received));
		if (length < 0)
			return "a receive queue does not receive";
		if (length == (int)(net->header + sizeof(frame)) &&
		    !memcmp(received + net->header, frame, sizeof(frame)))
			return NULL;
	}
	return "a frame does not arrive at the guest";
}

static const char *transmits(struct net_setup *net, unsigned int number)
{
	uint8_t frame[FRAME_LENGTH], received[NET_SLOT_SIZE];
	unsigned int tries;
	int length;

	while (recv(net->tap.socket, received, sizeof(received), 0) >= 0)
		;
	net_frame_fill(net, frame, sizeof(frame), number);
	if (net_send(net, frame, sizeof(frame), 0) < 0)
		return "a transmit queue has no room";
	vhost_queue_expose(&net->tx);
	if (vhost_queue_wait(&net->tx, 1) || driver_ring_reap(&net->tx.ring, NULL) < 0)
		return "a transmit queue does not transmit";
	for (tries = 0; tries < TRIES; tries++) {
		length = net_receive_from_socket(net, received, sizeof(received));
		if (length < 0)
			break;
		if (length == sizeof(frame) && !memcmp(received, frame, sizeof(frame)))
			return NULL;
	}
	return "a frame does not arrive from the guest";
}

/**
 * hostile_calm_works() - is the calm queue served as ever?
 * @hostile: the setup
 * @number: decides content
 *
 * Return: what is wrong, or NULL.
 */
const char *hostile_calm_works(struct hostile *hostile, unsigned int number)
{
	uint8_t frame[FRAME_LENGTH] = {};
	unsigned int i;

	switch (hostile->kind) {
	case VICTIM_DISK:
		return disk_works(hostile->calm, number);
	case VICTIM_TRANSMIT:
		return receives(&hostile->net, number);
	default:
		/* The victim is to have something to receive. */
		for (i = 0; i < number % 8; i++)
			send(hostile->net.tap.socket, frame, sizeof(frame), MSG_DONTWAIT);
		return transmits(&hostile->net, number);
	}
}

/**
 * hostile_all_is_well() - does all work, after a reset of the victim?
 * @hostile: the setup, all threads ended
 *
 * Return: what is wrong, or NULL.
 */
const char *hostile_all_is_well(struct hostile *hostile)
{
	struct random_state random = random_begin(hostile->seed, 4);
	const char *wrong = check_guards(hostile);
	struct vqhost_vring_stats stats;

	if (wrong)
		return wrong;
	if (hostile_set_memory(hostile, NULL) || hostile_reset(hostile, &random))
		return "the victim cannot be reset";
	if (hostile->kind == VICTIM_DISK)
		wrong = disk_works(hostile->victim, 1);
	else if (hostile->kind == VICTIM_RECEIVE)
		wrong = receives(&hostile->net, 1);
	else
		wrong = transmits(&hostile->net, 1);
	if (!wrong)
		wrong = hostile_calm_works(hostile, 2);
	if (!wrong && (vhost_queue_stats(hostile->calm, &stats) || stats.error ||
		       eventfd_take(hostile->calm->error)))
		wrong = "the calm queue is broken";
	return wrong ? wrong : check_guards(hostile);
}

static unsigned int count_references(void)
{
	FILE *modules = fopen("/proc/modules", "r");
	unsigned int count = 0, references;
	char line[512];

	while (modules && fgets(line, sizeof(line), modules)) {
		if (sscanf(line, "vqhost_net %*u %u", &references) == 1 ||
		    sscanf(line, "vqhost_blk %*u %u", &references) == 1)
			count += references;
	}
	if (modules)
		fclose(modules);
	return count;
}

/**
 * hostile_nothing_is_left() - have all devices gone, and what served them?
 *
 * Return: what is left, or NULL.
 */
const char *hostile_nothing_is_left(void)
{
	unsigned int waited;

	for (waited = 0; waited < TIME_LIMIT_MS; waited += 10) {
		if (!count_references() && !tasks_named("/proc", "vqhost-", NULL))
			return NULL;
		usleep(10000);
	}
	return count_references() ? "devices are left" : "threads are left";
}

/**
 * hostile_seconds() - how long to go on
 * @usual: unless the environment says otherwise
 *
 * Return: seconds.
 */
unsigned int hostile_seconds(unsigned int usual)
{
	const char *seconds = getenv("HOSTILE_SECONDS");

	return seconds ? atoi(seconds) : usual;
}

/**
 * hostile_seed() - what decides all that happens
 *
 * Return: what the environment says, or another number each time.
 */
uint64_t hostile_seed(void)
{
	const char *seed = getenv("HOSTILE_SEED");
	struct timespec now;

	if (seed)
		return strtoull(seed, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec << 30 ^ now.tv_nsec ^ (uint64_t)getpid() << 40;
}
