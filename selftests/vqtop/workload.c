// SPDX-License-Identifier: GPL-2.0
/*
 * An owner that does what it is told, for others to look at.
 *
 *	workload NAME blk STORE		a disk with two queues over that store
 *	workload NAME net		a network device over a tap
 *
 * NAME is what the process calls itself.  Lines of standard input are commands, each
 * answered by a last line "done":
 *
 *	read|write|flush N		that many requests, one after the other, queue 0
 *	together N			that many reads at once, up to 16, queue 0
 *	send N				that many frames, one after the other, queue 1
 *	stats				a line "QUEUE FIELD VALUE" for each counter
 *	load N				seconds under load: as many requests as fit
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../kmod/blk_setup.h"
#include "../kmod/net_setup.h"
#include "../lib/stats_fields.h"

#include <kselftest.h>

#define QUEUES 2
#define TOGETHER_MAX 16
#define LENGTH 4096

struct workload {
	bool is_net;
	struct net_setup net;
	struct vhost_device device;
	struct vhost_queue queues[QUEUES];
};

static int open_blk(struct workload *workload, const char *store_name)
{
	enum store kind = strcmp(store_name, "delayed") ? STORE_RAM_DISK : STORE_DELAYED;
	int err, store = store_open(kind, O_RDWR);
	unsigned int i;

	if (store < 0)
		return store;
	err = vhost_device_open(&workload->device, VQHOST_BLK, BLK_FEATURES);
	for (i = 0; !err && i < QUEUES; i++) {
		err = vhost_queue_open(&workload->queues[i], &workload->device, i, BLK_QUEUE_SIZE,
				       0);
		if (!err)
			err = vhost_queue_blk_backend(&workload->queues[i], store, 0);
	}
	return err;
}

static int open_net(struct workload *workload)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };

	workload->is_net = true;
	return net_setup_open(&workload->net, &with, ETHERTYPE_TEST, 0);
}

static struct vhost_queue *queue_of(struct workload *workload, unsigned int index)
{
	if (workload->is_net)
		return index ? &workload->net.tx : &workload->net.rx;
	return &workload->queues[index];
}

static int together(struct workload *workload, unsigned int count)
{
	struct vhost_queue *queue = &workload->queues[0];
	unsigned int n;
	int err;

	for (n = 0; n < count; n++)
		blk_add_pieces(queue, n, VIRTIO_BLK_T_IN, 8 * n,
			       &(struct driver_buffer){ BLK_DATA(n % 4), LENGTH }, 1);
	vhost_queue_expose(queue);
	err = vhost_queue_wait(queue, count);
	while (driver_ring_reap(&queue->ring, NULL) >= 0)
		;
	return err;
}

static int send_frame(struct workload *workload)
{
	struct net_setup *net = &workload->net;
	uint8_t frame[1000];
	int err;

	net_frame_fill(net, frame, sizeof(frame), 1);
	if (net_send(net, frame, sizeof(frame), 0) < 0)
		return -ENOSPC;
	vhost_queue_expose(&net->tx);
	err = vhost_queue_wait(&net->tx, 1);
	while (driver_ring_reap(&net->tx.ring, NULL) >= 0)
		;
	return err;
}

static int load(struct workload *workload, unsigned int seconds)
{
	time_t end = time(NULL) + seconds;
	int err = 0;

	while (!err && time(NULL) < end)
		err = workload->is_net ? send_frame(workload) : together(workload, TOGETHER_MAX);
	return err;
}

static int print_stats(struct workload *workload)
{
	struct vqhost_vring_stats stats;
	unsigned int queue, i;
	int err;

	for (queue = 0; queue < QUEUES; queue++) {
		err = vhost_queue_stats(queue_of(workload, queue), &stats);
		if (err)
			return err;
		for (i = 0; i < ARRAY_SIZE(stats_fields); i++)
			printf("%u %s %llu\n", queue, stats_fields[i].name,
			       (unsigned long long)stats_value(&stats, &stats_fields[i]));
	}
	return 0;
}

static int obey(struct workload *workload, const char *command, unsigned int number)
{
	static const struct {
		const char *command;
		uint32_t type;
		uint32_t length;
	} kinds[] = {
		{ "read", VIRTIO_BLK_T_IN, LENGTH },
		{ "write", VIRTIO_BLK_T_OUT, LENGTH },
		{ "flush", VIRTIO_BLK_T_FLUSH, 0 },
	};
	unsigned int i;
	int err = 0;

	if (!strcmp(command, "stats"))
		return print_stats(workload);
	if (!strcmp(command, "load"))
		return load(workload, number);
	if (!strcmp(command, "together") && !workload->is_net && number <= TOGETHER_MAX)
		return together(workload, number);
	if (!strcmp(command, "send") && workload->is_net) {
		while (!err && number--)
			err = send_frame(workload);
		return err;
	}
	for (i = 0; i < 3; i++) {
		if (strcmp(command, kinds[i].command) || workload->is_net)
			continue;
		while (!err && number--)
			err = blk_do(&workload->queues[0], kinds[i].type, 0, kinds[i].length);
		return err;
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	static struct workload workload;
	char line[64], command[32];
	unsigned int number;
	int err;

	if (argc < 3)
		return 2;
	prctl(PR_SET_NAME, argv[1]);
	err = argc == 4 ? open_blk(&workload, argv[3]) : open_net(&workload);
	if (!err)
		puts("done");
	fflush(stdout);
	while (!err && fgets(line, sizeof(line), stdin)) {
		number = 0;
		if (sscanf(line, "%31s %u", command, &number) < 1)
			continue;
		err = obey(&workload, command, number);
		if (!err)
			puts("done");
		fflush(stdout);
	}
	if (err)
		fprintf(stderr, "workload: %s\n", strerror(-err));
	return err ? 1 : 0;
}
