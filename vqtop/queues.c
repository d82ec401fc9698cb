// SPDX-License-Identifier: GPL-2.0
/*
 * The text of debugfs.  Columns are looked up by name: whatever is not known is passed
 * by, whatever is missing is an error.
 */
#include "queues.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "files.h"

#define COLUMNS_MAX 128

#define STATS(field) offsetof(struct vqhost_vring_stats, field)
#define QUEUE(field) offsetof(struct queue, field)

const struct counter counters[COUNTERS] = {
	{ "chains", STATS(chains), COUNTER_TOTAL, "Descriptor chains given back to the driver." },
	{ "requests", STATS(requests), COUNTER_TOTAL,
	  "Requests answered, packets sent, received or dropped." },
	{ "bytes", STATS(bytes), COUNTER_TOTAL, "Payload bytes moved in either direction." },
	{ "kicks", STATS(kicks), COUNTER_TOTAL, "Notifications received from the driver." },
	{ "calls", STATS(calls), COUNTER_TOTAL, "Notifications sent to the driver." },
	{ "calls_suppressed", STATS(calls_suppressed), COUNTER_TOTAL,
	  "Publications of used entries without a notification." },
	{ "batches", STATS(batches), COUNTER_TOTAL, "Publications of used entries." },
	{ "polls_found", STATS(polls_found), COUNTER_TOTAL, "Times polling found work." },
	{ "polls_dry", STATS(polls_dry), COUNTER_TOTAL, "Times polling found nothing." },
	{ "sleeps", STATS(sleeps), COUNTER_TOTAL, "Times the thread went to sleep." },
	{ "ring_empty", STATS(ring_empty), COUNTER_TOTAL,
	  "Times all that was available had been done." },
	{ "ring_full", STATS(ring_full), COUNTER_TOTAL,
	  "Publications before which the driver could add nothing." },
	{ "backend_waits", STATS(backend_waits), COUNTER_TOTAL,
	  "Times nothing could be done before the backend was ready." },
	{ "misses", STATS(misses), COUNTER_TOTAL, "Addresses the owner was asked for." },
	{ "errors", STATS(errors), COUNTER_TOTAL, "Failed requests and dropped packets." },
	{ "errors_malformed", STATS(errors_malformed), COUNTER_TOTAL,
	  "Errors that the driver asked for." },
	{ "errors_unsupported", STATS(errors_unsupported), COUNTER_TOTAL,
	  "Requests of a type that is not supported." },
	{ "errors_backend", STATS(errors_backend), COUNTER_TOTAL,
	  "Requests and packets that the backend failed." },
	{ "errors_memory", STATS(errors_memory), COUNTER_TOTAL,
	  "Errors for lack of guest or kernel memory." },
	{ "in_flight", STATS(in_flight), COUNTER_NOW, "Requests under way in the store." },
	{ "busy_ns", STATS(busy_ns), COUNTER_TIME, "Time in which the queue was served." },
	{ "wait_ns", STATS(wait_ns), COUNTER_TIME, "Time in which the queue slept." },
};

/*
 * The parsers read @text into @field, which has room for @size bytes if that matters;
 * false if it is malformed.
 */
static bool parse_u64(char *text, void *field, size_t size)
{
	char *end;

	(void)size;
	/* strtoull() takes signs and white space. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*(__u64 *)field = strtoull(text, &end, 10);
	return !*end && !errno;
}

static bool parse_u32(char *text, void *field, size_t size)
{
	__u64 number;

	if (!parse_u64(text, &number, size) || number > UINT32_MAX)
		return false;
	*(uint32_t *)field = (uint32_t)number;
	return true;
}

static bool parse_word(char *text, void *field, size_t size)
{
	size_t length = strlen(text);

	if (length >= size)
		return false;
	memcpy(field, text, length + 1);
	return true;
}

static bool is_octal(const char *digits)
{
	return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' &&
	       digits[2] >= '0' && digits[2] <= '7';
}

/* A word in which \040 stands for a space; "-" for nothing. */
static bool parse_name(char *text, void *field, size_t size)
{
	char *to = text, *from;

	if (!strcmp(text, "-"))
		*text = '\0';
	for (from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (!is_octal(from + 1))
			return false;
		*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
		from += 3;
	}
	*to = '\0';
	return parse_word(text, field, size);
}

/* CAUSE:TIMES,CAUSE:TIMES, or "-". */
static bool parse_breaks(char *text, void *field, size_t size)
{
	__u64 *breaks = field, cause;
	char *part, *times;

	if (!strcmp(text, "-"))
		return true;
	while ((part = strsep(&text, ","))) {
		times = strchr(part, ':');
		if (!times)
			return false;
		*times++ = '\0';
		if (!parse_u64(part, &cause, size) || cause >= VQHOST_BREAKS ||
		    !parse_u64(times, &breaks[cause], size))
			return false;
	}
	return true;
}

/* The columns that are not counters. */
static const struct column_row {
	const char *name;
	bool (*parse)(char *text, void *field, size_t size);
	size_t offset;
	size_t size;
} column_rows[] = {
	{ "device", parse_u32, QUEUE(device), 0 },
	{ "type", parse_word, QUEUE(type), sizeof(((struct queue *)0)->type) },
	{ "owner_pid", parse_u32, QUEUE(owner_pid), 0 },
	{ "owner_name", parse_name, QUEUE(owner_name), sizeof(((struct queue *)0)->owner_name) },
	{ "queue", parse_u32, QUEUE(stats.index), 0 },
	{ "state", parse_word, QUEUE(state), sizeof(((struct queue *)0)->state) },
	{ "size", parse_u32, QUEUE(size), 0 },
	{ "thread_pid", parse_u32, QUEUE(thread_pid), 0 },
	{ "error", parse_u32, QUEUE(stats.error), 0 },
	{ "breaks", parse_breaks, QUEUE(stats.breaks), 0 },
};

/* What the columns of a text are: rows, those of counters made here. */
struct heading {
	struct column_row columns[COLUMNS_MAX];
	unsigned int count;
};

static struct column_row column_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(column_rows); i++)
		if (!strcmp(name, column_rows[i].name))
			return column_rows[i];
	for (i = 0; i < COUNTERS; i++)
		if (!strcmp(name, counters[i].name))
			return (struct column_row){ counters[i].name, parse_u64,
						    QUEUE(stats) + counters[i].offset, 0 };
	return (struct column_row){ .name = NULL };
}

static bool has_column(const struct heading *heading, const char *name)
{
	unsigned int i;

	for (i = 0; i < heading->count; i++)
		if (heading->columns[i].name && !strcmp(heading->columns[i].name, name))
			return true;
	return false;
}

static int missing_column(const char *name, struct problem *problem)
{
	return problem_set(problem, VQTOP_EXIT_ERROR,
			   "queues has no column %s: the module is of another version", name);
}

static int parse_heading(struct heading *heading, char *line, struct problem *problem)
{
	unsigned int i;
	char *name;

	heading->count = 0;
	while ((name = strsep(&line, " "))) {
		if (heading->count == COLUMNS_MAX)
			return problem_set(problem, VQTOP_EXIT_ERROR, "queues: too many columns");
		heading->columns[heading->count++] = column_of(name);
	}
	for (i = 0; i < ARRAY_SIZE(column_rows); i++)
		if (!has_column(heading, column_rows[i].name))
			return missing_column(column_rows[i].name, problem);
	for (i = 0; i < COUNTERS; i++)
		if (!has_column(heading, counters[i].name))
			return missing_column(counters[i].name, problem);
	return 0;
}

static bool parse_queue(const struct heading *heading, char *line, struct queue *queue)
{
	const struct column_row *column;
	unsigned int i;
	char *text;

	memset(queue, 0, sizeof(*queue));
	for (i = 0; i < heading->count; i++) {
		column = &heading->columns[i];
		text = strsep(&line, " ");
		if (!text || (column->name && !column->parse(text, (char *)queue + column->offset,
							     column->size)))
			return false;
	}
	queue->stats.running = !!strcmp(queue->state, "stopped");
	return !line;
}

static int compare_queues(const void *a, const void *b)
{
	const struct queue *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	return (left->stats.index > right->stats.index) - (left->stats.index < right->stats.index);
}

static int add_queue(struct sample *sample, const struct heading *heading, char *line,
		     struct problem *problem)
{
	struct queue *queues = sample->queues;

	/* Doubled when it is full, which is when the number is a power of 2. */
	if (!(sample->count & (sample->count - 1))) {
		queues = realloc(queues, (sample->count ? 2UL * sample->count : 1) *
				 sizeof(*queues));
		if (!queues)
			return problem_set(problem, VQTOP_EXIT_ERROR, "no memory");
		sample->queues = queues;
	}
	if (!parse_queue(heading, line, &queues[sample->count]))
		return problem_set(problem, VQTOP_EXIT_ERROR, "queues, line %u: malformed",
				   sample->count + 2);
	sample->count++;
	return 0;
}

int sample_parse(struct sample *sample, char *text, struct problem *problem)
{
	struct heading heading;
	char *line;

	sample->queues = NULL;
	sample->count = 0;
	line = strsep(&text, "\n");
	if (parse_heading(&heading, line, problem))
		return -1;
	while ((line = strsep(&text, "\n")) && (*line || text))
		if (add_queue(sample, &heading, line, problem))
			return -1;
	if (sample->count)
		qsort(sample->queues, sample->count, sizeof(*sample->queues), compare_queues);
	return 0;
}

void sample_free(struct sample *sample)
{
	free(sample->queues);
	sample->queues = NULL;
	sample->count = 0;
}

const struct queue *sample_find(const struct sample *sample, uint32_t device, uint32_t index)
{
	struct queue wanted = { .device = device, .stats.index = index };

	if (!sample->count)
		return NULL;
	return bsearch(&wanted, sample->queues, sample->count, sizeof(wanted), compare_queues);
}

int sample_take(struct sample *sample, const char *debugfs, struct problem *problem)
{
	struct timespec time;
	char *text;
	int ret;

	*sample = (struct sample){ .queues = NULL };
	text = file_read(DEBUGFS, debugfs, "vqhost/queues", problem);
	if (!text)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &time);
	sample->time = (double)time.tv_sec + (double)time.tv_nsec / 1e9;
	ret = sample_parse(sample, text, problem);
	free(text);
	return ret;
}

int sample_next(struct sample *before, struct sample *now, const char *debugfs,
		struct problem *problem)
{
	sample_free(before);
	*before = *now;
	if (!sample_take(now, debugfs, problem))
		return 0;
	sample_free(now);
	return -1;
}
