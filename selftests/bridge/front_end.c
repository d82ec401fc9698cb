// SPDX-License-Identifier: GPL-2.0
/*
 * A front end that does what it is told to, good or bad.
 */
#include "front_end.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"

static void *run(void *opaque)
{
	struct front_end *front = opaque;

	loop_run(front->loop);
	return NULL;
}

static void ended(void *opaque)
{
	struct front_end *front = opaque;

	loop_stop(front->loop);
}

/**
 * front_end_begin() - connect to a bridge
 * @front: is filled; front_end_end() ends it
 */
void front_end_begin(struct front_end *front)
{
	int pair[2];

	memset(front, 0, sizeof(*front));
	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	front->memory = memfd_create("guest", MFD_CLOEXEC);
	assert(front->memory >= 0 && !ftruncate(front->memory, GUEST_SIZE));
	front->socket = pair[0];
	front->server.listener = pair[1];
	front->server.name = strdup("test");
	front->server.ended = ended;
	front->server.opaque = front;
	fake_device(&front->server.device);
	assert(!loop_create(&front->loop));
	assert(!server_start(&front->server, front->loop));
	assert(!pthread_create(&front->thread, NULL, run, front));
	front->running = true;
}

static void join(struct front_end *front)
{
	if (!front->running)
		return;
	pthread_join(front->thread, NULL);
	front->running = false;
}

/**
 * front_end_end() - close the connection, and wait until the bridge has seen it
 * @front: connected, or refused
 */
void front_end_end(struct front_end *front)
{
	close(front->socket);
	join(front);
	server_close(&front->server);
	loop_destroy(front->loop);
	close(front->memory);
}

/**
 * front_end_was_refused() - has the bridge ended the connection?
 * @front: has sent everything
 *
 * Waits until it has, so what never is refused hangs.
 * Return: true.
 */
bool front_end_was_refused(struct front_end *front)
{
	char byte;

	/* Replies that came before are read away. */
	while (recv(front->socket, &byte, 1, 0) > 0)
		;
	join(front);
	return !front->server.session;
}

/**
 * send_message() - send a message, good or bad
 * @front: connected
 * @request: any number
 * @flags: any
 * @payload: @size bytes
 * @size: as the header tells it
 * @fds: sent along
 * @count: how many
 */
void send_message(struct front_end *front, uint32_t request, uint32_t flags,
		  const void *payload, uint32_t size, const int *fds, unsigned int count)
{
	struct vhost_user_header header = { request, flags, size };
	char control[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = {};
	struct iovec vectors[] = {
		{ &header, sizeof(header) }, { (void *)payload, size },
	};
	struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 2 };
	struct cmsghdr *rights = (struct cmsghdr *)control;

	if (count) {
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	/* The bridge may have given up by now. */
	if (sendmsg(front->socket, &message, MSG_NOSIGNAL) < 0)
		assert(errno == EPIPE || errno == ECONNRESET);
}

/**
 * receive_reply() - receive a reply
 * @front: connected
 * @request: that is answered
 * @payload: receives the payload
 * @size: room there
 * @fd: receives a file descriptor or -1, unless NULL
 *
 * Return: bytes of the payload; UINT32_MAX if the connection has ended.
 */
uint32_t receive_reply(struct front_end *front, uint32_t request, void *payload, uint32_t size,
		       int *fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct vhost_user_header header;
	struct iovec vector = { &header, sizeof(header) };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights;

	if (recvmsg(front->socket, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) != sizeof(header))
		return UINT32_MAX;
	rights = CMSG_FIRSTHDR(&message);
	if (fd) {
		*fd = -1;
		if (rights)
			memcpy(fd, CMSG_DATA(rights), sizeof(*fd));
	} else {
		assert(!rights);
	}
	assert(header.request == request);
	assert(header.flags == (VHOST_USER_VERSION | VHOST_USER_REPLY));
	assert(header.size <= size);
	if (header.size && recv(front->socket, payload, header.size, MSG_WAITALL) !=
	    (ssize_t)header.size)
		return UINT32_MAX;
	return header.size;
}

/**
 * tell() - send a request that has a number
 * @front: connected
 * @request: which
 * @number: its payload
 */
void tell(struct front_end *front, uint32_t request, uint64_t number)
{
	send_message(front, request, VHOST_USER_VERSION, &number, sizeof(number), NULL, 0);
}

/**
 * ask() - send a request without payload, that is answered by a number
 * @front: connected
 * @request: which
 *
 * Return: the number.
 */
uint64_t ask(struct front_end *front, uint32_t request)
{
	uint64_t number = UINT64_MAX;

	send_message(front, request, VHOST_USER_VERSION, NULL, 0, NULL, 0);
	receive_reply(front, request, &number, sizeof(number), NULL);
	return number;
}

/**
 * tell_acknowledged() - send a request, and wait until it is acknowledged
 * @front: connected, has negotiated REPLY_ACK
 * @request: which
 * @payload: @size bytes
 * @size: the same
 * @fd: sent along, or -1
 *
 * Return: 0 if it was done; UINT64_MAX if the connection has ended.
 */
uint64_t tell_acknowledged(struct front_end *front, uint32_t request, const void *payload,
			   uint32_t size, int fd)
{
	uint64_t number = UINT64_MAX;

	send_message(front, request, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, payload, size,
		     &fd, fd >= 0);
	receive_reply(front, request, &number, sizeof(number), NULL);
	return number;
}

/**
 * synchronise() - wait until all that was sent has been handled
 * @front: connected
 */
void synchronise(struct front_end *front)
{
	ask(front, VHOST_USER_GET_FEATURES);
}

/**
 * negotiate() - what every front end begins with
 * @front: connected
 * @features: chosen, all protocol features are too
 */
void negotiate(struct front_end *front, uint64_t features)
{
	tell(front, VHOST_USER_SET_PROTOCOL_FEATURES,
	     ask(front, VHOST_USER_GET_PROTOCOL_FEATURES));
	send_message(front, VHOST_USER_SET_OWNER, VHOST_USER_VERSION, NULL, 0, NULL, 0);
	tell(front, VHOST_USER_SET_FEATURES, features);
}

/**
 * give_memory() - hand over guest memory in one region
 * @front: connected
 */
void give_memory(struct front_end *front)
{
	union vhost_user_payload payload = { .table = {
		.count = 1,
		.regions[0] = { GUEST_ADDRESS, GUEST_SIZE, USER_ADDRESS, 0 },
	} };

	send_message(front, VHOST_USER_SET_MEM_TABLE, VHOST_USER_VERSION, &payload,
		     offsetof(union vhost_user_payload, table.regions[1]), &front->memory, 1);
}

static void tell_state(struct front_end *front, uint32_t request, unsigned int index,
		       unsigned int number)
{
	struct vhost_vring_state state = { index, number };

	send_message(front, request, VHOST_USER_VERSION, &state, sizeof(state), NULL, 0);
}

/**
 * enable_vring() - enable or disable a vring
 * @front: has negotiated protocol features
 * @index: of the vring
 * @on: 1 or 0
 */
void enable_vring(struct front_end *front, unsigned int index, unsigned int on)
{
	tell_state(front, VHOST_USER_SET_VRING_ENABLE, index, on);
}

/**
 * set_up_vring() - everything but the kick, which starts it
 * @front: has negotiated
 * @index: of the vring
 */
void set_up_vring(struct front_end *front, unsigned int index)
{
	struct vhost_vring_addr address = {
		.index = index,
		.desc_user_addr = USER_ADDRESS + DESCRIPTORS,
		.avail_user_addr = USER_ADDRESS + AVAIL,
		.used_user_addr = USER_ADDRESS + USED,
		.log_guest_addr = GUEST_ADDRESS + USED,
	};

	tell_state(front, VHOST_USER_SET_VRING_NUM, index, RING_SIZE);
	tell_state(front, VHOST_USER_SET_VRING_BASE, index, 0);
	send_message(front, VHOST_USER_SET_VRING_ADDR, VHOST_USER_VERSION, &address,
		     sizeof(address), NULL, 0);
}

/**
 * start_vring() - give a vring its kick
 * @front: has set it up
 * @index: of the vring
 */
void start_vring(struct front_end *front, unsigned int index)
{
	int kick = eventfd(0, EFD_CLOEXEC);
	uint64_t number = index;

	send_message(front, VHOST_USER_SET_VRING_KICK, VHOST_USER_VERSION, &number,
		     sizeof(number), &kick, 1);
	close(kick);
}
