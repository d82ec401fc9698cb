// SPDX-License-Identifier: GPL-2.0
/*
 * usage: bench_vqtop ROUNDS VQTOP [ARGUMENT]...
 *
 * What it costs to be looked at: the same work while nobody looks, and while that command
 * runs, one after the other in each round, for several of its intervals.
 *
 * Prints nanoseconds per operation: with "testhost run --icount" those are
 * instructions, of driver, device and the command together.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kmod/net_setup.h"
#include "traffic.h"

#define ROUNDS_MAX 64U

/* Before it is measured: the command has begun, and seen how much there is to do. */
#define SETTLE_NS 2.5e9
#define MEASURE_NS 8e9

static pid_t start(char **command)
{
	pid_t child = fork();

	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		execv(command[0], command);
		perror(command[0]);
		_exit(1);
	}
	return child;
}

/* Nanoseconds for each operation, in so much time. */
static double run_for(struct vhost_queue *queue, bool is_net, double ns)
{
	double begin = now(), end = begin;
	unsigned long done = 0;

	for (; end - begin < ns; end = now()) {
		traffic_run(queue, is_net, 4 * BUFFERS, BUFFERS);
		done += 4 * BUFFERS;
	}
	return (end - begin) / done;
}

static void measure(bool is_net, int fd, unsigned int rounds, char **command)
{
	uint64_t features = FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_RING_F_EVENT_IDX);
	const char *name = is_net ? "net transmit" : "blk read";
	double off[ROUNDS_MAX], on[ROUNDS_MAX], ratio[ROUNDS_MAX];
	struct vhost_device device;
	struct vhost_queue queue;
	unsigned int round;
	pid_t child;

	check(vhost_device_open(&device, is_net ? VQHOST_NET : VQHOST_BLK, features), "device");
	check(vhost_queue_open(&queue, &device, is_net ? NET_TX : 0, 4 * BUFFERS, 0), "queue");
	traffic_fill(&device, is_net);
	check(is_net ? vhost_queue_net_backend(&queue, fd) :
		       vhost_queue_blk_backend(&queue, fd, 0), "backend");
	run_for(&queue, is_net, 1e8);
	for (round = 0; round < rounds; round++) {
		off[round] = run_for(&queue, is_net, MEASURE_NS / 2);
		child = start(command);
		run_for(&queue, is_net, SETTLE_NS);
		on[round] = run_for(&queue, is_net, MEASURE_NS);
		check(waitpid(child, NULL, WNOHANG) ? -ECHILD : 0, "the command has ended");
		kill(child, SIGTERM);
		waitpid(child, NULL, 0);
		ratio[round] = on[round] / off[round];
	}
	print_spread(name, "alone", off, rounds);
	print_spread(name, "looked at", on, rounds);
	print_spread(name, "ratio", ratio, rounds);
	vhost_device_close(&device);
	vhost_queue_close(&queue);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 0;
	struct tap tap;
	int store;

	if (!rounds || rounds > ROUNDS_MAX || argc < 3)
		return 2;
	check(tap_open(&tap, TAP, sizeof(struct virtio_net_hdr_mrg_rxbuf), ETHERTYPE_TEST, 0),
	      "tap");
	store = store_open(STORE_RAM_DISK, O_RDWR);
	check(store, "store");
	measure(true, tap.fd, rounds, argv + 2);
	measure(false, store, rounds, argv + 2);
	return 0;
}
