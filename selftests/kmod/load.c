// SPDX-License-Identifier: GPL-2.0
/*
 * An owner with queues under load, to be killed.
 *
 *	load DEVICE			serve both or four queues until killed
 *	load DEVICE inherit		the same; a child keeps the device open
 *	load DEVICE churn NUMBER	open, use and close that many devices
 *
 * Prints "ready" when all queues are busy, before it "heir PID"; "alive" for each
 * SIGUSR1, after more has been served.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk_setup.h"
#include "net_setup.h"

#define BLK_QUEUES 4
#define FRAMES 16

static volatile sig_atomic_t asked;

static void on_user_signal(int number)
{
	asked = 1;
}

struct load {
	bool is_net;
	struct net_setup net;
	struct vhost_device device;
	struct vhost_queue queues[BLK_QUEUES];
	int store;
};

static int open_blk(struct load *load)
{
	unsigned int i;
	int err;

	load->store = store_open(STORE_DELAYED, O_RDWR);
	if (load->store < 0)
		return load->store;
	err = vhost_device_open(&load->device, VQHOST_BLK, BLK_FEATURES);
	for (i = 0; !err && i < BLK_QUEUES; i++) {
		err = vhost_queue_open(&load->queues[i], &load->device, i, BLK_QUEUE_SIZE, 0);
		if (!err)
			err = vhost_queue_blk_backend(&load->queues[i], load->store, 0);
	}
	return err;
}

static int open_load(struct load *load, const char *device)
{
	static const struct net_variant with = { VQHOST_NET, NET_FEATURES, TAP, 0 };

	load->is_net = !strcmp(device, "vqhost-net");
	if (load->is_net)
		return net_setup_open(&load->net, &with, ETHERTYPE_TEST, 0);
	return open_blk(load);
}

static void close_load(struct load *load)
{
	unsigned int i;

	if (load->is_net) {
		net_setup_close(&load->net);
		return;
	}
	vhost_device_close(&load->device);
	for (i = 0; i < BLK_QUEUES; i++)
		vhost_queue_close(&load->queues[i]);
	close(load->store);
}

/* Frames both ways; those from the tap need not all have arrived. */
static int use_net(struct load *load)
{
	struct net_setup *net = &load->net;
	uint8_t frame[1000];
	unsigned int i;
	int err;

	net_frame_fill(net, frame, sizeof(frame), 1);
	for (i = 0; i < FRAMES; i++) {
		if (net_send(net, frame, sizeof(frame), i) < 0)
			return -ENOSPC;
		net_add_buffer(net, i, NET_SLOT_SIZE);
		if (write(net->tap.socket, frame, sizeof(frame)) < 0 && errno != EAGAIN)
			return -errno;
	}
	vhost_queue_expose(&net->rx);
	vhost_queue_expose(&net->tx);
	err = vhost_queue_wait(&net->tx, FRAMES);
	while (driver_ring_reap(&net->tx.ring, NULL) >= 0)
		;
	while (driver_ring_reap(&net->rx.ring, NULL) >= 0)
		;
	while (read(net->tap.socket, frame, sizeof(frame)) > 0)
		;
	return err;
}

/* All queues full; one round is left under way for the next call, or the end. */
static int use_blk(struct load *load)
{
	struct vhost_queue *queue;
	unsigned int i, n;
	int err;

	for (i = 0; i < BLK_QUEUES; i++) {
		queue = &load->queues[i];
		err = vhost_queue_wait(queue, BLK_QUEUE_SIZE - queue->ring.free_count ? 1 : 0);
		if (err)
			return err;
		while (driver_ring_reap(&queue->ring, NULL) >= 0)
			;
		for (n = 0; queue->ring.free_count >= 3; n++)
			blk_add(queue, n, n & 1 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, 8 * n, 4096);
		vhost_queue_expose(queue);
	}
	return 0;
}

static int use_load(struct load *load)
{
	return load->is_net ? use_net(load) : use_blk(load);
}

static int churn(const char *device, unsigned int number)
{
	struct load load = {};
	int err = 0;

	while (!err && number--) {
		err = open_load(&load, device);
		if (!err)
			err = use_load(&load);
		close_load(&load);
	}
	return err;
}

static int run(const char *device, bool inherit)
{
	struct load load = {};
	pid_t heir;
	int err;

	err = open_load(&load, device);
	if (err)
		return err;
	if (inherit) {
		heir = fork();
		if (!heir) {
			pause();
			_exit(0);
		}
		printf("heir %d\n", heir);
	}
	err = use_load(&load);
	if (err)
		return err;
	printf("ready\n");
	fflush(stdout);
	do {
		err = use_load(&load);
		if (!err && asked) {
			asked = 0;
			printf("alive\n");
			fflush(stdout);
		}
	} while (!err);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 2 || (strcmp(argv[1], "vqhost-net") && strcmp(argv[1], "vqhost-blk")))
		return 2;
	signal(SIGUSR1, on_user_signal);
	if (argc == 4 && !strcmp(argv[2], "churn"))
		err = churn(argv[1], atoi(argv[3]));
	else
		err = run(argv[1], argc == 3);
	if (err)
		fprintf(stderr, "load: %s\n", strerror(-err));
	return err ? 1 : 0;
}
