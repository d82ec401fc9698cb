// SPDX-License-Identifier: GPL-2.0
/*
 * untouched: memory that devices write to and the guest does not.
 *
 * A guest that migrates has the pages that its processor writes to sent again, whether
 * or not a device tells of them.  So to see what a device tells, memory is filled before
 * the migration begins, written to by the device alone, and not looked at until the guest
 * has arrived: a page that the device does not tell of holds then what it was filled with.
 *
 * Each step waits for SIGUSR1 and is told of on standard error.  What is found in the end
 * goes to standard output, for others to compare.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes of one request, and what a datagram that fills a packet carries. */
#define REQUEST_SIZE 65536
#define DATAGRAM_SIZE 1472
/* Memory of the kernel that a datagram takes, at most. */
#define DATAGRAM_COST 8192
/* Neither 0, which is not sent at all, nor likely to be on a disk. */
#define FILLING 0xa5

static int fail(const char *what)
{
	fprintf(stderr, "untouched: %s: %s\n", what, strerror(errno));
	return -1;
}

static void say(const char *step)
{
	fprintf(stderr, "%s\n", step);
}

static void wait_for_signal(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &number);
}

static int write_out(const char *data, size_t size)
{
	ssize_t written;

	for (; size; data += written, size -= written) {
		written = write(STDOUT_FILENO, data, size);
		if (written < 0)
			return fail("write");
	}
	return 0;
}

/* Small pages that stay where they are: to move one is to write to it. */
static void *create_buffer(size_t size)
{
	void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffer == MAP_FAILED || madvise(buffer, size, MADV_NOHUGEPAGE) || mlock(buffer, size)) {
		fail("buffer");
		return NULL;
	}
	memset(buffer, FILLING, size);
	return buffer;
}

/* What a disk has at its beginning, read past the page cache. */
static int from_disk(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY | O_DIRECT);
	char *buffer = create_buffer(size);
	size_t at;

	if (fd < 0)
		return fail(path);
	if (!buffer)
		return -1;
	say("ready");
	wait_for_signal();
	for (at = 0; at < size; at += REQUEST_SIZE) {
		if (pread(fd, buffer + at, REQUEST_SIZE, at) != REQUEST_SIZE)
			return fail("read");
	}
	say("landed");
	wait_for_signal();
	return write_out(buffer, size);
}

static int create_socket(uint16_t port, size_t datagrams)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = datagrams * DATAGRAM_COST, begin = 0;

	if (fd < 0)
		return fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &begin, sizeof(begin)) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		fail("socket");
		close(fd);
		return -1;
	}
	return fd;
}

/* Datagrams, left where the device has put them: to be seen to have come they are peeked at. */
static int from_net(uint16_t port, size_t datagrams)
{
	int fd = create_socket(port, datagrams);
	char datagram[DATAGRAM_SIZE];
	size_t i;

	if (fd < 0)
		return -1;
	say("ready");
	for (i = 0; i < datagrams; i++) {
		if (recv(fd, datagram, sizeof(datagram), MSG_PEEK) != sizeof(datagram))
			return fail("peek");
	}
	say("landed");
	wait_for_signal();
	for (i = 0; i < datagrams; i++) {
		if (recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT) != sizeof(datagram))
			return fail("receive");
		if (write_out(datagram, sizeof(datagram)))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	sigset_t set;
	size_t count;

	if (argc != 4) {
		fputs("usage: untouched disk PATH MIB\n"
		      "       untouched net PORT DATAGRAMS\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	count = strtoul(argv[3], NULL, 10);
	if (!strcmp(argv[1], "disk"))
		return from_disk(argv[2], count << 20) ? 1 : 0;
	return from_net(atoi(argv[2]), count) ? 1 : 0;
}
