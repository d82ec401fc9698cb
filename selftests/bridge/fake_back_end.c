// SPDX-License-Identifier: GPL-2.0
/*
 * A back end for disks that serves no request.
 */
#include "fake_back_end.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "backend/store.h"
#include "unix_socket.h"

#define PROTOCOL_FEATURES (1ULL << VHOST_USER_PROTOCOL_F_MQ | \
			   1ULL << VHOST_USER_PROTOCOL_F_REPLY_ACK | \
			   1ULL << VHOST_USER_PROTOCOL_F_CONFIG | \
			   1ULL << VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)

/* Of a buffer that is made here. */
#define INFLIGHT_BYTES 4096

/* So long, in seconds, a test waits for what has to come. */
#define PATIENCE 30

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A mistake takes an answer apart. */
static void send_bytes(int socket, const struct vhost_user_header *header, const void *payload,
		       size_t length)
{
	char bytes[sizeof(*header) + sizeof(union vhost_user_payload)];

	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), payload, header->size);
	send(socket, bytes, length, MSG_NOSIGNAL);
}

static void send_slowly(int socket, const struct vhost_user_header *header)
{
	const char *byte = (const char *)header;

	while (byte < (const char *)header + sizeof(*header) - 1 &&
	       send(socket, byte++, 1, MSG_NOSIGNAL) == 1)
		sleep(1);
	while (send(socket, "", 0, MSG_NOSIGNAL) == 0)
		sleep(1);
}

/* The answer with what is wrong with it.  Is the connection to be ended? */
static bool answer_wrong(struct fake_back_end *back, struct vhost_user_header *header,
			 union vhost_user_payload *payload, int *fds, unsigned int count)
{
	int socket = back->socket;

	switch (back->mistake.kind) {
	case MISTAKE_SILENT:
		return false;
	case MISTAKE_END:
		return true;
	case MISTAKE_HALF_HEADER:
		send_bytes(socket, header, payload, sizeof(*header) / 2);
		return true;
	case MISTAKE_HALF_PAYLOAD:
		send_bytes(socket, header, payload, sizeof(*header) + header->size / 2);
		return true;
	case MISTAKE_SLOW:
		send_slowly(socket, header);
		return true;
	case MISTAKE_SHORT:
		header->size = 0;
		break;
	case MISTAKE_LONG:
		header->size = sizeof(*payload);
		break;
	case MISTAKE_HUGE:
		header->size = UINT32_MAX;
		send(socket, header, sizeof(*header), MSG_NOSIGNAL);
		return false;
	case MISTAKE_VERSION:
		header->flags &= ~VHOST_USER_VERSION_MASK;
		break;
	case MISTAKE_QUESTION:
		header->flags &= ~VHOST_USER_REPLY;
		break;
	case MISTAKE_OTHER:
		header->request++;
		break;
	case MISTAKE_FD:
		fds[count++] = STDIN_FILENO;
		break;
	case MISTAKE_NO_FD:
		count = 0;
		break;
	case MISTAKE_TWICE:
		message_send(socket, header, payload, fds, count);
		break;
	case MISTAKE_VALUE:
		payload->number = back->mistake.wrong;
		break;
	case MISTAKE_LENGTH:
		payload->config.size = (uint32_t)back->mistake.wrong;
		break;
	case MISTAKE_NONE:
		break;
	}
	message_send(socket, header, payload, fds, count);
	return false;
}

/* Is the connection to be ended? */
static bool answer(struct fake_back_end *back, const struct message *request,
		   union vhost_user_payload *payload, uint32_t size, int fd)
{
	struct vhost_user_header header = {
		.request = request->header.request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = size,
	};
	int fds[2] = { fd };

	if (back->mistake.request == header.request)
		return answer_wrong(back, &header, payload, fds, fd >= 0);
	message_send(back->socket, &header, payload, fds, fd >= 0);
	return false;
}

static bool answer_number(struct fake_back_end *back, const struct message *request,
			  uint64_t number)
{
	union vhost_user_payload payload = { .number = number };

	return answer(back, request, &payload, sizeof(number), -1);
}

static bool answer_inflight(struct fake_back_end *back, struct message *request)
{
	int fd = memfd_create("inflight", MFD_CLOEXEC);
	bool end;

	assert(fd >= 0 && !ftruncate(fd, INFLIGHT_BYTES));
	back->inflight_given++;
	request->payload.inflight.size = INFLIGHT_BYTES;
	end = answer(back, request, &request->payload, request->header.size, fd);
	close(fd);
	return end;
}

/* The vring of a request that has one. */
static struct fake_vring *find_vring(struct fake_back_end *back, struct message *request)
{
	unsigned int index = request->payload.state.index & VHOST_USER_VRING_INDEX;

	assert(index < FAKE_QUEUES);
	return &back->vrings[index];
}

static void take_file(int *fd, struct message *request)
{
	close_fd(fd);
	*fd = message_take_fd(request, 0);
}

/* What has no answer. */
static void take_request(struct fake_back_end *back, struct message *request)
{
	const union vhost_user_payload *payload = &request->payload;

	switch (request->header.request) {
	case VHOST_USER_SET_FEATURES:
		back->driver_features = payload->number;
		break;
	case VHOST_USER_SET_MEM_TABLE:
		assert(request->fd_count == payload->table.count);
		back->regions = payload->table.count;
		back->memory = payload->table.regions[0];
		break;
	case VHOST_USER_SET_INFLIGHT_FD:
		take_file(&back->inflight_fd, request);
		break;
	case VHOST_USER_SET_VRING_NUM:
		find_vring(back, request)->size = payload->state.num;
		break;
	case VHOST_USER_SET_VRING_BASE:
		find_vring(back, request)->base = payload->state.num;
		break;
	case VHOST_USER_SET_VRING_ADDR:
		find_vring(back, request)->address = payload->address;
		break;
	case VHOST_USER_SET_VRING_KICK:
		take_file(&find_vring(back, request)->kick, request);
		break;
	case VHOST_USER_SET_VRING_CALL:
		take_file(&find_vring(back, request)->call, request);
		break;
	case VHOST_USER_SET_VRING_ENABLE:
		find_vring(back, request)->enabled = payload->state.num;
		break;
	}
}

/* Is the connection to be ended? */
static bool handle(struct fake_back_end *back, struct message *request)
{
	uint32_t number = request->header.request;

	assert(number < VHOST_USER_REQUESTS);
	back->asked[number]++;
	switch (number) {
	case VHOST_USER_GET_FEATURES:
		return answer_number(back, request, back->features);
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		return answer_number(back, request, back->protocol_features);
	case VHOST_USER_GET_QUEUE_NUM:
		return answer_number(back, request, back->queues);
	case VHOST_USER_GET_CONFIG:
		memcpy(request->payload.config.bytes, back->config, request->payload.config.size);
		return answer(back, request, &request->payload, request->header.size, -1);
	case VHOST_USER_GET_INFLIGHT_FD:
		return answer_inflight(back, request);
	case VHOST_USER_GET_VRING_BASE:
		find_vring(back, request)->enabled = false;
		request->payload.state.num = back->stopped_base;
		return answer(back, request, &request->payload, request->header.size, -1);
	}
	take_request(back, request);
	if (request->header.flags & VHOST_USER_NEED_REPLY)
		return answer_number(back, request, 0);
	return false;
}

static void forget(struct fake_back_end *back)
{
	unsigned int i;

	memset(back->asked, 0, sizeof(back->asked));
	back->driver_features = 0;
	back->regions = 0;
	close_fd(&back->inflight_fd);
	for (i = 0; i < FAKE_QUEUES; i++) {
		close_fd(&back->vrings[i].kick);
		close_fd(&back->vrings[i].call);
		back->vrings[i] = (struct fake_vring) { .kick = -1, .call = -1 };
	}
}

static void serve(struct fake_back_end *back)
{
	struct pollfd input = { .fd = back->socket, .events = POLLIN };
	struct message message = {};
	bool end = false;
	int ret;

	while (!end && poll(&input, 1, -1) == 1) {
		ret = message_receive(&message, input.fd, false);
		if (ret < 0)
			break;
		if (!ret)
			continue;
		pthread_mutex_lock(&back->lock);
		end = handle(back, &message);
		pthread_mutex_unlock(&back->lock);
		message_clear(&message);
	}
	message_clear(&message);
}

static void *run(void *opaque)
{
	struct fake_back_end *back = opaque;
	struct pollfd input = { .fd = back->listener, .events = POLLIN };
	int fd;

	for (;;) {
		poll(&input, 1, -1);
		fd = accept4(input.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&back->lock);
		back->socket = fd;
		back->connections++;
		pthread_mutex_unlock(&back->lock);
		serve(back);
		pthread_mutex_lock(&back->lock);
		forget(back);
		close_fd(&back->socket);
		pthread_mutex_unlock(&back->lock);
	}
}

/**
 * fake_back_end_init() - a good back end, which does not listen yet
 * @back: is filled
 */
void fake_back_end_init(struct fake_back_end *back)
{
	struct virtio_blk_config config = { .capacity = 8192, .seg_max = 1000, .blk_size = 512 };

	memset(back, 0, sizeof(*back));
	snprintf(back->path, sizeof(back->path), "/tmp/fake-back-end-%d.sock", getpid());
	back->features = BACKEND_RING_FEATURES | STORE_FEATURES | 1ULL << 45 |
			 VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES);
	back->protocol_features = PROTOCOL_FEATURES | 1ULL << 40;
	back->queues = FAKE_QUEUES;
	back->stopped_base = 7;
	memcpy(back->config, &config, sizeof(config));
	pthread_mutex_init(&back->lock, NULL);
	back->socket = -1;
	back->inflight_fd = -1;
	forget(back);
}

/**
 * fake_back_end_start() - listen
 * @back: does not
 */
void fake_back_end_start(struct fake_back_end *back)
{
	back->listener = unix_listen(back->path, 4);
	assert(back->listener >= 0);
	assert(!pthread_create(&back->thread, NULL, run, back));
}

/**
 * fake_back_end_set_mistake() - make a mistake from now on
 * @back: may listen
 * @mistake: which; NULL for none
 */
void fake_back_end_set_mistake(struct fake_back_end *back, const struct mistake *mistake)
{
	pthread_mutex_lock(&back->lock);
	back->mistake = mistake ? *mistake : (struct mistake) {};
	pthread_mutex_unlock(&back->lock);
}

/**
 * fake_back_end_hang_up() - end the connection, if there is one
 * @back: listens
 */
void fake_back_end_hang_up(struct fake_back_end *back)
{
	pthread_mutex_lock(&back->lock);
	if (back->socket >= 0)
		shutdown(back->socket, SHUT_RDWR);
	pthread_mutex_unlock(&back->lock);
}

/**
 * fake_back_end_stop() - end the connection, and listen no longer
 * @back: listens
 */
void fake_back_end_stop(struct fake_back_end *back)
{
	unlink(back->path);
	shutdown(back->listener, SHUT_RDWR);
	fake_back_end_hang_up(back);
	pthread_join(back->thread, NULL);
	close_fd(&back->listener);
}

/**
 * fake_back_end_serves() - wait until so many queues are served
 * @back: listens
 * @queues: how many
 *
 * Return: true; false if that takes too long.
 */
bool fake_back_end_serves(struct fake_back_end *back, unsigned int queues)
{
	unsigned int tries, served, i;

	for (tries = 0; tries < PATIENCE * 1000; tries++) {
		pthread_mutex_lock(&back->lock);
		for (i = served = 0; i < FAKE_QUEUES; i++)
			served += back->vrings[i].enabled;
		pthread_mutex_unlock(&back->lock);
		if (served == queues)
			return true;
		usleep(1000);
	}
	return false;
}

/**
 * fake_back_end_asked() - how often has a request come?
 * @back: listens
 * @request: which
 *
 * Return: how often in this connection.
 */
unsigned int fake_back_end_asked(struct fake_back_end *back, uint32_t request)
{
	unsigned int count;

	pthread_mutex_lock(&back->lock);
	count = back->asked[request];
	pthread_mutex_unlock(&back->lock);
	return count;
}
