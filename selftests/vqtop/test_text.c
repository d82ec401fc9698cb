// SPDX-License-Identifier: GPL-2.0
/*
 * The text of debugfs, whatever is in it, and what others make of text and numbers.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../vqtop/histogram.h"
#include "../../vqtop/json.h"
#include "../../vqtop/queues.h"
#include "../../vqtop/rows.h"
#include "../../userspace-vmm/text.h"
#include "../../vqtop/tracepoint.h"

#include <kselftest_harness.h>

#define HEADING "device type owner_pid owner_name queue state size thread_pid error chains " \
	"requests bytes kicks calls calls_suppressed batches polls_found polls_dry sleeps " \
	"ring_empty ring_full backend_waits misses errors errors_malformed errors_unsupported " \
	"errors_backend errors_memory in_flight busy_ns wait_ns breaks"
#define NUMBERS "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22"
#define TEN "0123456789"
#define LINE(device, name, queue, breaks) \
	device " vqhost-blk 1204 " name " " queue " running 256 1207 0 " NUMBERS " " breaks

static int parse(struct sample *sample, const char *text, struct problem *problem)
{
	char *copy = strdup(text);
	int ret = sample_parse(sample, copy, problem);

	free(copy);
	return ret;
}

TEST(a_line_by_the_names_of_its_columns)
{
	struct problem problem;
	struct queue *queue;
	struct sample sample;

	ASSERT_EQ(0, parse(&sample, HEADING "\n" LINE("3", "vq\\040\\134\\377", "1", "5:1,31:2")
			   "\n", &problem));
	ASSERT_EQ(1, sample.count);
	queue = &sample.queues[0];
	EXPECT_EQ(3, queue->device);
	EXPECT_STREQ("vqhost-blk", queue->type);
	EXPECT_EQ(1204, queue->owner_pid);
	EXPECT_STREQ("vq \\\xff", queue->owner_name);
	EXPECT_EQ(1, queue->stats.index);
	EXPECT_STREQ("running", queue->state);
	EXPECT_EQ(1, queue->stats.running);
	EXPECT_EQ(256, queue->size);
	EXPECT_EQ(1207, queue->thread_pid);
	EXPECT_EQ(1, queue->stats.chains);
	EXPECT_EQ(2, queue->stats.requests);
	EXPECT_EQ(6, queue->stats.calls_suppressed);
	EXPECT_EQ(22, queue->stats.wait_ns);
	EXPECT_EQ(1, queue->stats.breaks[5]);
	EXPECT_EQ(2, queue->stats.breaks[31]);
	EXPECT_EQ(0, queue->stats.breaks[0]);
	sample_free(&sample);
}

TEST(no_queues)
{
	struct problem problem;
	struct sample sample;

	ASSERT_EQ(0, parse(&sample, HEADING "\n", &problem));
	EXPECT_EQ(0, sample.count);
	EXPECT_EQ(NULL, sample_find(&sample, 1, 0));
	sample_free(&sample);
}

TEST(columns_of_another_order_and_unknown_ones)
{
	struct problem problem;
	struct sample sample;

	ASSERT_EQ(0, parse(&sample, "news " HEADING "\nwhatever " LINE("3", "-", "1", "-") "\n",
			   &problem));
	EXPECT_EQ(3, sample.queues[0].device);
	EXPECT_STREQ("", sample.queues[0].owner_name);
	EXPECT_EQ(22, sample.queues[0].stats.wait_ns);
	sample_free(&sample);
}

TEST(queues_are_found_whatever_their_order)
{
	struct problem problem;
	struct sample sample;
	const char *text = HEADING "\n" LINE("10", "-", "0", "-") "\n" LINE("9", "-", "3", "-") "\n"
			   LINE("9", "-", "0", "-") "\n";

	ASSERT_EQ(0, parse(&sample, text, &problem));
	ASSERT_EQ(3, sample.count);
	EXPECT_EQ(9, sample.queues[0].device);
	EXPECT_EQ(&sample.queues[1], sample_find(&sample, 9, 3));
	EXPECT_EQ(&sample.queues[2], sample_find(&sample, 10, 0));
	EXPECT_EQ(NULL, sample_find(&sample, 9, 1));
	sample_free(&sample);
}

TEST(malformed_text)
{
	static const char *const texts[] = {
		"",
		"\n",
		"device type\n",
		HEADING "\n\n" LINE("3", "-", "1", "-") "\n",
		HEADING "\n3\n",
		HEADING "\n" LINE("3", "-", "1", "-") " 1\n",
		HEADING "\n" LINE("", "-", "1", "-") "\n",
		HEADING "\n" LINE("-3", "-", "1", "-") "\n",
		HEADING "\n" LINE("4294967296", "-", "1", "-") "\n",
		HEADING "\n" LINE("3", "a\\04", "1", "-") "\n",
		HEADING "\n" LINE("3", "a\\", "1", "-") "\n",
		HEADING "\n" LINE("3", "a\\999", "1", "-") "\n",
		HEADING "\n" LINE("3", "-", "1x", "-") "\n",
		HEADING "\n" LINE("3", "-", "1", "32:1") "\n",
		HEADING "\n" LINE("3", "-", "1", "1") "\n",
		HEADING "\n" LINE("3", "-", "1", "1:") "\n",
		HEADING "\n" LINE("3", "-", "1", ",") "\n",
		HEADING "\n" LINE("3", "-", "1", "1:18446744073709551616") "\n",
		HEADING "\n" LINE("3", TEN TEN TEN TEN TEN TEN TEN, "1", "-") "\n",
	};
	struct problem problem;
	struct sample sample;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		problem.exit = VQTOP_EXIT_GOOD;
		EXPECT_EQ(-1, parse(&sample, texts[i], &problem)) TH_LOG("text %u", i);
		EXPECT_EQ(VQTOP_EXIT_ERROR, problem.exit);
		EXPECT_NE(NULL, strstr(problem.text, "queues")) TH_LOG("%s", problem.text);
		sample_free(&sample);
	}
}

/* A text is cut anywhere, and each byte of it changed: no more than an error. */
TEST(damaged_text)
{
	char text[] = HEADING "\n" LINE("3", "a\\040b", "1", "5:1") "\n", *copy;
	static const char bytes[] = { '\0', ' ', '\n', '\\', ':' };
	struct problem problem;
	struct sample sample;
	unsigned int i, n;

	for (i = 0; i < sizeof(text); i++) {
		copy = strndup(text, i);
		sample_parse(&sample, copy, &problem);
		sample_free(&sample);
		free(copy);
		for (n = 0; n < sizeof(bytes); n++) {
			copy = strdup(text);
			copy[i] = bytes[n];
			sample_parse(&sample, copy, &problem);
			sample_free(&sample);
			free(copy);
		}
	}
}

TEST(text_that_is_not_utf8)
{
	static const struct {
		const char *text;
		const char *json;
	} cases[] = {
		{ "a b", "\"a b\"" },
		{ "\"\\\n\x1b", "\"\\u0022\\u005c\\u000a\\u001b\"" },
		{ "\xc3\xa9\xe2\x82\xac", "\"\xc3\xa9\xe2\x82\xac\"" },
		{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		/* Longer than need be, a surrogate, beyond the last one. */
		{ "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *to;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		to = open_memstream(&text, &size);
		text_put_json(to, cases[i].text);
		fclose(to);
		EXPECT_STREQ(cases[i].json, text);
		free(text);
	}
}

TEST(rates_are_differences)
{
	struct queue before = { .stats = { .requests = UINT64_MAX, .chains = 100, .batches = 10,
					   .polls_found = 1, .busy_ns = 1000 } };
	struct queue now = { .stats = { .requests = 19, .chains = 140, .batches = 20, .kicks = 5,
					.polls_found = 4, .polls_dry = 1, .busy_ns = 2000,
					.wait_ns = 3000, .calls = 3, .calls_suppressed = 1 } };
	struct rates rates = rates_between(&before, &now, 2);

	EXPECT_EQ(10, rates.requests);
	EXPECT_EQ(0, rates.bytes);
	EXPECT_EQ(4, rates.batch);
	EXPECT_EQ(8, rates.chains_per_kick);
	EXPECT_EQ(0.75, rates.polls);
	EXPECT_EQ(0.25, rates.calls_avoided);
	EXPECT_EQ(0.25, rates.busy);
	EXPECT_TRUE(isnan(rates_between(&now, &now, 1).batch));
	EXPECT_TRUE(isnan(rates_between(NULL, &now, 1).requests));
}

TEST(cells)
{
	static const struct {
		const char *column;
		double value;
		const char *cell;
	} cases[] = {
		{ "requests", 0, "   0.0" }, { "requests", 0.5, "   0.5" },
		{ "requests", 12, "  12.0" }, { "requests", 999.4, "   999" },
		{ "requests", 999.96, "  1.0k" }, { "requests", 123456, "  123k" },
		{ "requests", 1.2e19, " 12.0E" }, { "requests", NAN, "     -" },
		{ "p99", 0.0021, " 2.1ms" }, { "p99", 0.000250, " 250us" },
		{ "p99", 2.5, "  2.5s" }, { "p99", 0.000000003, " 3.0ns" },
		{ "p99", NAN, "     -" },
	};
	struct queue queue = { .owner_name = "\x1b[2J\xc3\xa9" };
	struct row row = { .queue = &queue };
	char cell[CELL_SIZE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		row.rates.requests = cases[i].value;
		row.latency.p99 = cases[i].value;
		EXPECT_STREQ(cases[i].cell, column_write(column_find(cases[i].column), &row, cell));
	}
	/* Nothing of a name reaches the terminal as a command. */
	EXPECT_STREQ("?[2J??         ", column_write(column_find("name"), &row, cell));
	EXPECT_STREQ("      -", column_write(column_find("pid"), &row, cell));
}

TEST(buckets_and_percentiles)
{
	struct latency_counts counts = { .unknown = 0 };
	struct latency latency;
	unsigned int i;

	EXPECT_EQ(0, bucket_begin(0));
	EXPECT_EQ(4, bucket_begin(4));
	EXPECT_EQ(7, bucket_begin(7));
	EXPECT_EQ(8, bucket_begin(8));
	EXPECT_EQ(10, bucket_begin(9));
	EXPECT_EQ(1ULL << 41, bucket_begin(LATENCY_BUCKETS));
	for (i = 0; i < LATENCY_BUCKETS; i++)
		EXPECT_LT(bucket_begin(i), bucket_begin(i + 1));

	EXPECT_TRUE(isnan(histogram_latency(&counts).p50));
	counts.buckets[40] = 98;
	counts.buckets[50] = 1;
	counts.buckets[60] = 1;
	latency = histogram_latency(&counts);
	EXPECT_EQ(100, latency.count);
	EXPECT_EQ(bucket_begin(41) / 1e9, latency.p50);
	EXPECT_EQ(bucket_begin(51) / 1e9, latency.p99);
	/* One more that is not known may have been the slowest. */
	counts.unknown = 1;
	EXPECT_EQ(bucket_begin(61) / 1e9, histogram_latency(&counts).p99);
	counts.unknown = 2;
	EXPECT_TRUE(isnan(histogram_latency(&counts).p99));
	EXPECT_EQ(bucket_begin(41) / 1e9, histogram_latency(&counts).p50);
	counts.unknown = 101;
	EXPECT_TRUE(isnan(histogram_latency(&counts).p50));
}

#define FORMAT(device) "name: vqhost_request_complete\nID: 1722\nformat:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n" device \
	"\tfield:u64 latency_ns;\toffset:64;\tsize:8;\tsigned:0;\n\nprint fmt: \"\"\n"

TEST(fields_of_a_tracepoint)
{
	struct tracepoint_field fields[] = { { "latency_ns", 8, 0 }, { "device", 4, 0 } };
	char text[] = FORMAT("\tfield:u32 device;\toffset:8;\tsize:4;\tsigned:0;\n");
	char larger[] = FORMAT("\tfield:u64 device;\toffset:8;\tsize:8;\tsigned:0;\n");
	char none[] = FORMAT("");
	struct problem problem;

	EXPECT_EQ(1722, tracepoint_parse(text, fields, 2, &problem));
	EXPECT_EQ(64, fields[0].offset);
	EXPECT_EQ(8, fields[1].offset);
	EXPECT_EQ(-1, tracepoint_parse(larger, fields, 2, &problem));
	EXPECT_EQ(VQTOP_EXIT_NO_TRACEFS, problem.exit);
	EXPECT_EQ(-1, tracepoint_parse(none, fields, 2, &problem));
	EXPECT_NE(NULL, strstr(problem.text, "device"));
}

TEST_HARNESS_MAIN
