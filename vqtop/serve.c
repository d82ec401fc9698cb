// SPDX-License-Identifier: GPL-2.0
/*
 * "vqtop serve": as much of HTTP/1.1 as it takes to be scraped.
 *
 * One client at a time, each with a deadline and a buffer of fixed size, a request each:
 * one that is slow or hostile keeps the others waiting for a second, costs no memory, and
 * is closed without an answer.
 */
#include "serve.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#include "listen.h"
#include "openmetrics.h"

/* A client is done with in this time. */
#define DEADLINE_MS 1000

/* What a request may have before its empty line. */
#define REQUEST_SIZE 8192

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define CLASSIC "text/plain; version=0.0.4; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool wait_for(int fd, short what, long deadline)
{
	struct pollfd wait = { .fd = fd, .events = what };
	long left = deadline - now_ms();

	return left > 0 && poll(&wait, 1, (int)left) == 1;
}

/* Reads to the empty line; false if none comes in time, or with that size. */
static bool read_request(int fd, char request[REQUEST_SIZE], long deadline)
{
	size_t length = 0;
	ssize_t got;

	while (length < REQUEST_SIZE - 1 && wait_for(fd, POLLIN, deadline)) {
		got = recv(fd, request + length, REQUEST_SIZE - 1 - length, 0);
		if (got <= 0)
			return false;
		length += (size_t)got;
		request[length] = '\0';
		if (strlen(request) < length)
			return false;
		if (strstr(request, "\r\n\r\n") || strstr(request, "\n\n"))
			return true;
	}
	return false;
}

static bool send_all(int fd, const char *text, size_t length, long deadline)
{
	ssize_t sent;

	while (length) {
		if (!wait_for(fd, POLLOUT, deadline))
			return false;
		sent = send(fd, text, length, MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		text += sent;
		length -= (size_t)sent;
	}
	return true;
}

/**
 * struct answer - what a client gets
 * @status: "200 OK"
 * @type: of the body
 * @body: allocated
 * @size: of the body
 */
struct answer {
	const char *status;
	const char *type;
	char *body;
	size_t size;
};

/* The classic format is for who accepts text, but no OpenMetrics. */
static bool wants_classic(const char *request)
{
	const char *accept = strcasestr(request, "\naccept:");
	char value[512] = "";

	if (!accept)
		return false;
	if (sscanf(accept + strlen("\naccept:"), "%511[^\r\n]", value) != 1)
		return false;
	return strcasestr(value, "text/plain") &&
	       !strcasestr(value, "application/openmetrics-text");
}

static bool fill_metrics(struct answer *answer, const char *request, const char *debugfs)
{
	bool classic = wants_classic(request);
	struct problem problem;
	struct sample sample;
	FILE *to;
	int err;

	to = open_memstream(&answer->body, &answer->size);
	if (!to)
		return false;
	err = sample_take(&sample, debugfs, &problem);
	if (err) {
		answer->status = "503 Service Unavailable";
		answer->type = PLAIN;
		fprintf(to, "%s\n", problem.text);
	} else {
		answer->type = classic ? CLASSIC : OPENMETRICS;
		openmetrics_write(to, &sample, classic);
	}
	sample_free(&sample);
	return !fclose(to);
}

static bool fill_answer(struct answer *answer, const char *request, const char *debugfs)
{
	char method[8] = "", path[64] = "";

	*answer = (struct answer){ .status = "200 OK", .type = PLAIN };
	if (sscanf(request, "%7s %63[^ ?]", method, path) != 2)
		answer->status = "400 Bad Request";
	else if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		answer->status = "405 Method Not Allowed";
	else if (strcmp(path, "/metrics"))
		answer->status = "404 Not Found";
	else
		return fill_metrics(answer, request, debugfs);
	answer->body = strdup("/metrics is to be had, by GET\n");
	answer->size = answer->body ? strlen(answer->body) : 0;
	return answer->body;
}

static void send_answer(int fd, const struct answer *answer, bool body, long deadline)
{
	char head[256];
	int length;

	length = snprintf(head, sizeof(head),
			  "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			  "Connection: close\r\n\r\n", answer->status, answer->type, answer->size);
	if (send_all(fd, head, (size_t)length, deadline) && body)
		send_all(fd, answer->body, answer->size, deadline);
}

static void serve(int fd, const char *debugfs)
{
	long deadline = now_ms() + DEADLINE_MS;
	char request[REQUEST_SIZE];
	struct answer answer;

	if (!read_request(fd, request, deadline))
		return;
	if (fill_answer(&answer, request, debugfs))
		send_answer(fd, &answer, !!strncmp(request, "HEAD ", 5), deadline);
	free(answer.body);
}

int serve_run(const struct options *options, struct problem *problem)
{
	struct sample sample;
	struct events events;
	int listener, client;

	if (!options->listen)
		return problem_set(problem, VQTOP_EXIT_USAGE, "serve: --listen is missing");
	/* What cannot be served at all is said at once. */
	if (sample_take(&sample, options->debugfs, problem)) {
		sample_free(&sample);
		return -1;
	}
	sample_free(&sample);
	if (events_open(&events, 0, problem))
		return -1;
	listener = listen_open(options->listen, problem);
	if (listener >= 0) {
		while (events_wait(&events, listener) != EVENT_END) {
			client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (client < 0)
				continue;
			serve(client, options->debugfs);
			close(client);
		}
		listen_close(listener, options->listen);
	}
	events_close(&events);
	return listener < 0 ? -1 : 0;
}
