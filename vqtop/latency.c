// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF program's life, and the reading of its maps.
 */
#include "latency.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "files.h"
#include "latency.skel.h"
#include "tracepoint.h"

#define FORMAT "events/vqhost/vqhost_request_complete/format"

/**
 * struct latency_tracer - a program that counts
 * @program: it, its maps
 * @tracepoint: its id
 * @link: it is attached, or NULL
 * @room: entries that the map has room for
 * @keys: as read from the map, @room of them
 * @counts: for each of @keys
 * @before: all entries as they were the last time, by key; @before_count
 * @before_count: how many
 * @now: all entries as they are, by key
 * @since: the differences
 * @lost: all that were lost
 * @missed: all that were missed
 */
struct latency_tracer {
	struct latency_bpf *program;
	int tracepoint;
	struct bpf_link *link;
	unsigned int room;
	struct latency_key *keys;
	struct latency_counts *counts;
	struct latency_entry *before;
	unsigned int before_count;
	struct latency_entry *now;
	struct latency_entry *since;
	uint64_t lost;
	uint64_t missed;
};

/* Why the kernel did not take the program or the map. */
static int refused(struct problem *problem, const char *what)
{
	return problem_set(problem, VQTOP_EXIT_NO_BPF, "no BPF: the kernel refuses the %s: %m",
			   what);
}

/* Set what the program has to know before it is loaded: the tracepoint's id, or -1. */
static int configure(struct latency_bpf *program, const char *tracefs, struct problem *problem)
{
	struct tracepoint_field fields[] = {
		{ "device", 4, 0 }, { "queue", 4, 0 }, { "type", 4, 0 }, { "latency_ns", 8, 0 },
	};
	unsigned int i, end, size = 0;
	char *text;
	int id;

	text = file_read(TRACEFS, tracefs, FORMAT, problem);
	if (!text)
		return -1;
	id = tracepoint_parse(text, fields, 4, problem);
	free(text);
	if (id < 0)
		return -1;
	for (i = 0; i < 4; i++) {
		end = fields[i].offset + fields[i].size;
		size = end > size ? end : size;
	}
	if (size > LATENCY_RECORD_WORDS * sizeof(__u64))
		return problem_set(problem, VQTOP_EXIT_NO_TRACEFS, "the tracepoint has %u bytes",
				   size);
	program->rodata->record_size = size;
	program->rodata->device_at = fields[0].offset;
	program->rodata->queue_at = fields[1].offset;
	program->rodata->type_at = fields[2].offset;
	program->rodata->latency_at = fields[3].offset;
	return id;
}

int latency_start(struct latency_tracer *tracer, struct problem *problem)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr),
		.config = (__u64)tracer->tracepoint,
	};
	int fd;

	if (tracer->link)
		return 0;
	/* Though it is one processor's, the program runs on all. */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return refused(problem, "tracepoint");
	tracer->link = bpf_program__attach_perf_event(tracer->program->progs.count_request, fd);
	if (!tracer->link) {
		refused(problem, "program at the tracepoint");
		close(fd);
		return -1;
	}
	return 0;
}

void latency_stop(struct latency_tracer *tracer)
{
	bpf_link__destroy(tracer->link);
	tracer->link = NULL;
}

static int load(struct latency_tracer *tracer, const char *tracefs, struct problem *problem)
{
	/* One line of ours says enough. */
	libbpf_set_print(NULL);
	tracer->program = latency_bpf__open();
	if (!tracer->program)
		return refused(problem, "program");
	tracer->tracepoint = configure(tracer->program, tracefs, problem);
	if (tracer->tracepoint < 0)
		return -1;
	bpf_map__set_max_entries(tracer->program->maps.latencies, tracer->room);
	if (latency_bpf__load(tracer->program))
		return refused(problem, "program");
	return 0;
}

struct latency_tracer *latency_open(const struct options *options, struct problem *problem)
{
	struct latency_tracer *tracer = calloc(1, sizeof(*tracer));

	if (!tracer)
		goto no_memory;
	tracer->room = (unsigned int)options->latency_entries;
	tracer->keys = calloc(tracer->room, sizeof(*tracer->keys));
	tracer->counts = calloc(tracer->room, sizeof(*tracer->counts));
	tracer->before = calloc(tracer->room, sizeof(*tracer->before));
	tracer->now = calloc(tracer->room, sizeof(*tracer->now));
	tracer->since = calloc(tracer->room, sizeof(*tracer->since));
	if (!tracer->keys || !tracer->counts || !tracer->before || !tracer->now || !tracer->since)
		goto no_memory;
	if (!load(tracer, options->tracefs, problem))
		return tracer;
	latency_close(tracer);
	return NULL;

no_memory:
	problem_set(problem, VQTOP_EXIT_ERROR, "no memory");
	latency_close(tracer);
	return NULL;
}

void latency_close(struct latency_tracer *tracer)
{
	if (!tracer)
		return;
	latency_stop(tracer);
	latency_bpf__destroy(tracer->program);
	free(tracer->keys);
	free(tracer->counts);
	free(tracer->before);
	free(tracer->now);
	free(tracer->since);
	free(tracer);
}

static int compare_entries(const void *a, const void *b)
{
	const struct latency_key *left = &((const struct latency_entry *)a)->key;
	const struct latency_key *right = &((const struct latency_entry *)b)->key;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->queue != right->queue)
		return left->queue < right->queue ? -1 : 1;
	return (left->type > right->type) - (left->type < right->type);
}

/* The whole map into @now, by key; how many entries there are, or -1. */
static int read_map(struct latency_tracer *tracer, struct problem *problem)
{
	unsigned int i, count = tracer->room;
	__u32 batch;
	int err;

	err = bpf_map_lookup_batch(bpf_map__fd(tracer->program->maps.latencies), NULL, &batch,
				   tracer->keys, tracer->counts, &count, NULL);
	/* That there is no more is said by this error. */
	if (err && err != -ENOENT)
		return problem_set(problem, VQTOP_EXIT_NO_BPF, "the map cannot be read: %s",
				   strerror(-err));
	for (i = 0; i < count; i++)
		tracer->now[i] = (struct latency_entry){ tracer->keys[i], tracer->counts[i] };
	qsort(tracer->now, count, sizeof(*tracer->now), compare_entries);
	return (int)count;
}

/* The sum over all processors. */
static uint64_t read_lost(const struct latency_tracer *tracer)
{
	int cpus = libbpf_num_possible_cpus(), i;
	uint64_t *values, sum = 0;
	__u32 key = 0;

	values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	if (values && !bpf_map_lookup_elem(bpf_map__fd(tracer->program->maps.lost), &key, values))
		for (i = 0; i < cpus; i++)
			sum += values[i];
	free(values);
	return sum;
}

/* Kernels before 6.7 do not tell for a tracepoint: 0. */
static uint64_t read_missed(const struct latency_tracer *tracer)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(tracer->program->progs.count_request), &info,
				   &size))
		return 0;
	return info.recursion_misses;
}

static bool subtract(const struct latency_entry *now, const struct latency_entry *before,
		     struct latency_entry *since)
{
	uint64_t all = now->counts.unknown;
	unsigned int i;

	*since = *now;
	if (before) {
		all = since->counts.unknown -= before->counts.unknown;
		for (i = 0; i < LATENCY_BUCKETS; i++)
			since->counts.buckets[i] -= before->counts.buckets[i];
	}
	for (i = 0; i < LATENCY_BUCKETS; i++)
		all += since->counts.buckets[i];
	return all;
}

int latency_read(struct latency_tracer *tracer, struct latencies *latencies,
		 struct problem *problem)
{
	uint64_t lost = read_lost(tracer), missed = read_missed(tracer);
	const struct latency_entry *before;
	struct latency_entry *swap;
	int count, i;

	*latencies = (struct latencies){
		.entries = tracer->since, .lost = lost - tracer->lost,
		.missed = missed - tracer->missed,
	};
	count = read_map(tracer, problem);
	if (count < 0)
		return -1;
	for (i = 0; i < count; i++) {
		before = bsearch(&tracer->now[i], tracer->before, tracer->before_count,
				 sizeof(*before), compare_entries);
		/* Those with nothing new are left out. */
		if (subtract(&tracer->now[i], before, &tracer->since[latencies->count]))
			latencies->count++;
	}
	swap = tracer->before;
	tracer->before = tracer->now;
	tracer->before_count = (unsigned int)count;
	tracer->now = swap;
	tracer->lost = lost;
	tracer->missed = missed;
	return 0;
}

bool latencies_losses(const struct latencies *latencies, FILE *to)
{
	if (!latencies->lost && !latencies->missed)
		return false;
	fprintf(to, "latencies are not those of all requests:");
	if (latencies->lost)
		fprintf(to, " %" PRIu64 " lost, the map is full: --latency-entries",
			latencies->lost);
	if (latencies->missed)
		fprintf(to, "%s %" PRIu64 " missed by the program", latencies->lost ? "," : "",
			latencies->missed);
	fputc('\n', to);
	return true;
}

void latency_forget(struct latency_tracer *tracer, const struct sample *sample)
{
	int map = bpf_map__fd(tracer->program->maps.latencies);
	const struct latency_key *key;
	unsigned int i;

	/* Numbers of devices are never used twice. */
	for (i = 0; i < tracer->before_count; i++) {
		key = &tracer->before[i].key;
		if (!sample_find(sample, key->device, key->queue))
			bpf_map_delete_elem(map, key);
	}
}
