// SPDX-License-Identifier: GPL-2.0
/*
 * usage: bench_ENGINE threads|single BATCH direct|indirect CHAINS
 *
 * threads: driver on CPU 0, device on CPU 1; prints nanoseconds for all chains.
 * single: both in turn, to count the instructions of engine_serve().
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

static unsigned int batch;
static unsigned long chains;
static atomic_bool ready;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* With one CPU there is nothing to choose. */
	sched_setaffinity(0, sizeof(set), &set);
}

static void *device(void *unused)
{
	unsigned long served = 0;

	pin(1);
	atomic_store(&ready, true);
	while (served < chains)
		served += engine_serve(batch);
	return unused;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int run_threads(void)
{
	unsigned long added = 0, reaped = 0;
	pthread_t thread;
	uint64_t start;

	pin(0);
	if (pthread_create(&thread, NULL, device, NULL))
		return 1;
	while (!atomic_load(&ready))
		;
	start = now();
	while (reaped < chains) {
		if (added < chains)
			added += engine_add(chains - added < batch ? chains - added : batch);
		reaped += engine_reap();
	}
	printf("%llu\n", (unsigned long long)(now() - start));
	pthread_join(thread, NULL);
	return 0;
}

static int run_single(void)
{
	unsigned long done = 0;

	while (done < chains) {
		engine_add(batch);
		engine_serve(batch);
		done += engine_reap();
	}
	return done != chains;
}

int main(int argc, char **argv)
{
	int err;

	if (argc != 5)
		return 2;
	batch = atoi(argv[2]);
	chains = strtoul(argv[4], NULL, 10) / batch * batch;
	err = engine_init(!strcmp(argv[3], "indirect"));
	if (err) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(-err));
		return err == -EOPNOTSUPP ? 4 : 1;
	}
	return !strcmp(argv[1], "threads") ? run_threads() : run_single();
}
