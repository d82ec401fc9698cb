// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the latencies of all requests in the kernel, so that no event has to be handed
 * over, and none is lost on the way.
 *
 * The tracepoint is that of a module without BTF: where its fields lie is read from
 * tracefs, and set before the program is loaded.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "latency_map.h"

char LICENSE[] SEC("license") = "GPL";

/* Bytes of the record that are looked at, and where the fields are. */
const volatile __u32 record_size;
const volatile __u32 device_at;
const volatile __u32 queue_at;
const volatile __u32 type_at;
const volatile __u32 latency_at;

/*
 * A key's requests are completed by its queue's thread alone, and a queue is handed from
 * one thread to another: nobody else counts in the same place at the same time.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct latency_key);
	__type(value, struct latency_counts);
	/* Set before it is loaded. */
	__uint(max_entries, 1);
} latencies SEC(".maps");

/* Requests for which there was no room in the map; different threads count here. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} lost SEC(".maps");

/* What a new entry begins with: too large for the stack. */
static const struct latency_counts nothing;

static __u32 bucket_of(__u64 latency)
{
	__u32 power = 0;
	__u64 rest = latency;

	if (latency < 4)
		return (__u32)latency;
	if (rest >> 32) {
		power = 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		power += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		power += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		power += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		power += 2;
		rest >>= 2;
	}
	power += (__u32)(rest >> 1);
	if (power >= LATENCY_POWERS)
		return LATENCY_BUCKETS - 1;
	return (power - 1) * 4 + ((latency >> (power - 2)) & 3);
}

static struct latency_counts *counts_of(const struct latency_key *key)
{
	struct latency_counts *counts = bpf_map_lookup_elem(&latencies, key);

	if (counts)
		return counts;
	bpf_map_update_elem(&latencies, key, &nothing, BPF_NOEXIST);
	return bpf_map_lookup_elem(&latencies, key);
}

static void count_lost(void)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&lost, &key);

	if (count)
		++*count;
}

SEC("tracepoint/vqhost/vqhost_request_complete")
int count_request(void *record)
{
	__u64 words[LATENCY_RECORD_WORDS];
	struct latency_counts *counts;
	const char *at = (char *)words;
	struct latency_key key;
	__u64 latency;
	__u64 bucket;

	bpf_probe_read_kernel(words, record_size, record);
	key.device = *(__u32 *)(at + device_at);
	key.queue = *(__u32 *)(at + queue_at);
	key.type = *(__u32 *)(at + type_at);
	latency = *(__u64 *)(at + latency_at);
	counts = counts_of(&key);
	if (!counts) {
		count_lost();
		return 0;
	}
	if (!latency) {
		counts->unknown++;
		return 0;
	}
	bucket = bucket_of(latency);
	/* It always is; the verifier of 6.1 has to see that, without the compiler's help. */
	barrier_var(bucket);
	if (bucket < LATENCY_BUCKETS)
		counts->buckets[bucket]++;
	return 0;
}
