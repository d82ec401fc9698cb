// SPDX-License-Identifier: GPL-2.0
/*
 * netprobe: request/response latency and verified transfer over TCP.
 *
 * iperf3 tells how much arrives, but neither how long an answer takes nor
 * whether the bytes are right: with checksum offload the stacks at both ends
 * trust what the virtual device gave them.  Both ends run on x86, so numbers
 * on the wire are in host order.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* A stuck queue shall be a failure, not a hang: no answer may take this long. */
#define ANSWER_SECONDS 60
#define MESSAGE_SIZE_MAX 65536
/* Samples kept; a run that has this many ends early. */
#define SAMPLES_MAX (4U << 20)
/* Words in one write of a transfer, varied so that packets differ in size. */
#define CHUNK_WORDS 8192
/* Of a stream: few enough under way that neither end waits for the other one to read. */
#define STREAM_MESSAGE 32768
#define STREAM_DEPTH 4

static volatile sig_atomic_t stream_ended;

enum operation { OPERATION_ECHO = 1, OPERATION_TRANSFER = 2 };

/* What a client says first. */
struct request {
	uint64_t operation;
	uint64_t size;	/* of a message, or of a transfer one way, in bytes */
};

static int fail(const char *what)
{
	fprintf(stderr, "netprobe: %s: %s\n", what, strerror(errno));
	return -1;
}

static int send_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return fail("send");
		at += sent;
		size -= sent;
	}
	return 0;
}

/* Returns 0, -1 on an error, 1 when the other end closed at a boundary. */
static int receive_all(int fd, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = recv(fd, (char *)data + done, size - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail("receive");
		if (!got && !done)
			return 1;
		if (!got) {
			errno = ECONNRESET;
			return fail("receive");
		}
		done += got;
	}
	return 0;
}

static int set_options(int fd)
{
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return fail("setsockopt");
	return 0;
}

/* splitmix64: every word differs, and tells where in the stream it belongs. */
static uint64_t pattern_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static size_t chunk_next(uint64_t *state, uint64_t words_left)
{
	size_t words = 1 + pattern_next(state) % CHUNK_WORDS;

	return words < words_left ? words : words_left;
}

static int pattern_send(int fd, uint64_t seed, uint64_t bytes)
{
	static uint64_t chunk[CHUNK_WORDS];
	uint64_t state = seed, sizes = ~seed;
	uint64_t left = bytes / sizeof(*chunk);

	while (left) {
		size_t words = chunk_next(&sizes, left);

		for (size_t i = 0; i < words; i++)
			chunk[i] = pattern_next(&state);
		if (send_all(fd, chunk, words * sizeof(*chunk)))
			return -1;
		left -= words;
	}
	return 0;
}

/* Returns the number of words that were wrong, or -1. */
static int64_t pattern_receive(int fd, uint64_t seed, uint64_t bytes)
{
	static uint64_t chunk[CHUNK_WORDS];
	uint64_t state = seed;
	uint64_t left = bytes / sizeof(*chunk);
	int64_t wrong = 0;

	while (left) {
		size_t words = left < CHUNK_WORDS ? left : CHUNK_WORDS;

		if (receive_all(fd, chunk, words * sizeof(*chunk)))
			return -1;
		for (size_t i = 0; i < words; i++)
			wrong += chunk[i] != pattern_next(&state);
		left -= words;
	}
	return wrong;
}

static int serve_echo(int fd, uint64_t size)
{
	static char message[MESSAGE_SIZE_MAX];

	if (!size || size > sizeof(message))
		return -1;
	for (;;) {
		int err = receive_all(fd, message, size);

		if (err)
			return err < 0 ? -1 : 0;
		if (send_all(fd, message, size))
			return -1;
	}
}

/* The server sends first, then receives and tells what it found. */
static int serve_transfer(int fd, uint64_t size)
{
	int64_t wrong;

	if (pattern_send(fd, size, size))
		return -1;
	wrong = pattern_receive(fd, size + 1, size);
	return send_all(fd, &wrong, sizeof(wrong));
}

static int serve_one(int fd)
{
	struct request request;

	if (set_options(fd) || receive_all(fd, &request, sizeof(request)))
		return -1;
	switch (request.operation) {
	case OPERATION_ECHO:
		return serve_echo(fd, request.size);
	case OPERATION_TRANSFER:
		return serve_transfer(fd, request.size);
	}
	return -1;
}

static int serve(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int one = 1, listener;

	signal(SIGCHLD, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0)
		return fail("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 8))
		return fail("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return fail("accept");
		switch (fork()) {
		case -1:
			return fail("fork");
		case 0:
			close(listener);
			_exit(serve_one(fd) ? 1 : 0);
		}
		close(fd);
	}
}

static int client(const char *to, uint16_t port, uint64_t operation, uint64_t size)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	struct request request = { .operation = operation, .size = size };
	int fd;

	if (inet_pton(AF_INET, to, &address.sin_addr) != 1) {
		errno = EINVAL;
		return fail(to);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return fail("socket");
	if (set_options(fd) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		fail("connect");
		close(fd);
		return -1;
	}
	if (send_all(fd, &request, sizeof(request))) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static int compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int run_hook(const char *hook, const char *name)
{
	char command[256];

	if (!hook)
		return 0;
	snprintf(command, sizeof(command), "%s %s", hook, name);
	return system(command) ? fail(command) : 0;
}

/* One request after the other for so many seconds; the answer must be right. */
static int measure(int fd, size_t size, unsigned int seconds, uint32_t *samples,
		   unsigned int *count)
{
	static uint64_t request[MESSAGE_SIZE_MAX / 8], answer[MESSAGE_SIZE_MAX / 8];
	uint64_t state = 1, end = now_ns() + seconds * 1000000000ull, before, after;

	for (*count = 0; *count < SAMPLES_MAX; (*count)++) {
		for (size_t i = 0; i < size / 8; i++)
			request[i] = pattern_next(&state);
		before = now_ns();
		if (before >= end)
			break;
		if (send_all(fd, request, size) || receive_all(fd, answer, size))
			return -1;
		after = now_ns();
		if (memcmp(request, answer, size)) {
			errno = EILSEQ;
			return fail("the answer differs from the request");
		}
		samples[*count] = after - before > UINT32_MAX ? UINT32_MAX : after - before;
	}
	return 0;
}

static int latency(int fd, size_t size, unsigned int seconds, const char *hook)
{
	uint32_t *samples = malloc(SAMPLES_MAX * sizeof(*samples));
	unsigned int count = 0;
	uint64_t sum = 0, start, end;
	int err;

	if (!samples)
		return fail("samples");
	err = run_hook(hook, "begin");
	start = now_ns();
	if (!err)
		err = measure(fd, size, seconds, samples, &count);
	end = now_ns();
	if (!err)
		err = run_hook(hook, "end");
	if (!err && !count) {
		errno = ETIMEDOUT;
		err = fail("no answer");
	}
	if (!err) {
		qsort(samples, count, sizeof(*samples), compare_samples);
		for (unsigned int i = 0; i < count; i++)
			sum += samples[i];
		printf("{\"requests\": %u, \"seconds\": %.6f, \"size\": %zu, \"mean_us\": %.3f, ",
		       count, (end - start) / 1e9, size, sum / 1e3 / count);
		printf("\"p50_us\": %.3f, \"p99_us\": %.3f, \"max_us\": %.3f}\n",
		       samples[count / 2] / 1e3, samples[(uint64_t)count * 99 / 100] / 1e3,
		       samples[count - 1] / 1e3);
	}
	free(samples);
	return err;
}

static int transfer(int fd, uint64_t size)
{
	int64_t wrong_here, wrong_there = -1;

	wrong_here = pattern_receive(fd, size, size);
	if (wrong_here < 0 || pattern_send(fd, size + 1, size) ||
	    receive_all(fd, &wrong_there, sizeof(wrong_there)))
		return -1;
	printf("{\"bytes\": %" PRIu64 ", \"wrong_received\": %" PRId64
	       ", \"wrong_sent\": %" PRId64 "}\n", size, wrong_here, wrong_there);
	if (wrong_here || wrong_there) {
		errno = EILSEQ;
		return fail("data arrived changed");
	}
	return 0;
}

static void end_stream(int number)
{
	(void)number;
	stream_ended = 1;
}

/* Messages, a few of them under way, until SIGINT; each has to come back as it was. */
static int stream(int fd)
{
	uint64_t sent = 0, received = 0;
	int64_t wrong = 0, found;

	signal(SIGINT, end_stream);
	while (received < sent || !stream_ended) {
		if (!stream_ended && sent - received < STREAM_DEPTH) {
			if (pattern_send(fd, sent++, STREAM_MESSAGE))
				return -1;
			continue;
		}
		found = pattern_receive(fd, received++, STREAM_MESSAGE);
		if (found < 0)
			return -1;
		wrong += found;
	}
	printf("{\"bytes\": %" PRIu64 ", \"wrong_received\": %" PRId64 "}\n",
	       received * STREAM_MESSAGE, wrong);
	if (wrong) {
		errno = EILSEQ;
		return fail("data arrived changed");
	}
	return 0;
}

static int usage(void)
{
	fputs("usage: netprobe serve PORT\n"
	      "       netprobe latency ADDRESS PORT SECONDS SIZE [HOOK]\n"
	      "       netprobe transfer ADDRESS PORT MIB\n"
	      "       netprobe stream ADDRESS PORT\n"
	      "stream ends by SIGINT;\n"
	      "latency runs \"HOOK begin\" and \"HOOK end\" around what it measures;\n"
	      "SIZE is a multiple of 8 up to 65536.\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int fd, err = -1;

	if (!strcmp(what, "serve") && argc == 3)
		return serve(atoi(argv[2])) ? 1 : 0;
	if (!strcmp(what, "latency") && (argc == 6 || argc == 7)) {
		size_t size = strtoul(argv[5], NULL, 10);

		if (!size || size % 8 || size > MESSAGE_SIZE_MAX)
			return usage();
		fd = client(argv[2], atoi(argv[3]), OPERATION_ECHO, size);
		if (fd >= 0)
			err = latency(fd, size, atoi(argv[4]), argc == 7 ? argv[6] : NULL);
	} else if (!strcmp(what, "transfer") && argc == 5) {
		uint64_t size = strtoull(argv[4], NULL, 10) << 20;

		fd = client(argv[2], atoi(argv[3]), OPERATION_TRANSFER, size);
		if (fd >= 0)
			err = transfer(fd, size);
	} else if (!strcmp(what, "stream") && argc == 4) {
		fd = client(argv[2], atoi(argv[3]), OPERATION_ECHO, STREAM_MESSAGE);
		if (fd >= 0)
			err = stream(fd);
	} else {
		return usage();
	}
	return err ? 1 : 0;
}
