// SPDX-License-Identifier: GPL-2.0
/*
 * Messages arrive and leave.
 */
#include "vhost_user/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one more file descriptor than a message may have, so that it is noticed. */
#define CONTROL_SIZE CMSG_SPACE((VHOST_USER_TABLE_REGIONS + 1) * sizeof(int))

/* Take over the file descriptors that came with a part.  0 or -E2BIG. */
static int take_over(struct message *message, struct msghdr *part)
{
	struct cmsghdr *control;
	int fd, err = part->msg_flags & MSG_CTRUNC ? -E2BIG : 0;
	size_t count, i;

	for (control = CMSG_FIRSTHDR(part); control; control = CMSG_NXTHDR(part, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(control) + i * sizeof(fd), sizeof(fd));
			if (message->fd_count < VHOST_USER_TABLE_REGIONS) {
				message->fds[message->fd_count++] = fd;
			} else {
				close(fd);
				err = -E2BIG;
			}
		}
	}
	return err;
}

/* Bytes that arrived, 0 at the end, -errno. */
static ssize_t receive_part(struct message *message, int socket, void *to, size_t length)
{
	char control[CONTROL_SIZE] __attribute__((aligned(sizeof(size_t))));
	struct iovec vector = { .iov_base = to, .iov_len = length };
	struct msghdr part = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t count;
	int err;

	count = recvmsg(socket, &part, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (count < 0)
		return -errno;
	err = take_over(message, &part);
	return err ? err : count;
}

static int check_header(const struct vhost_user_header *header, bool reply)
{
	if ((header->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION ||
	    !!(header->flags & VHOST_USER_REPLY) != reply)
		return -EPROTONOSUPPORT;
	return header->size > sizeof(union vhost_user_payload) ? -EMSGSIZE : 0;
}

/**
 * message_receive() - take what has arrived of a message
 * @message: cleared, or as an earlier call has left it; message_clear() gives back what
 *	it holds, whatever is returned
 * @socket: of the connection
 * @reply: the peer answers, else it asks
 *
 * Return: 1 if it is complete; 0 if there is more to come; -ESHUTDOWN at the end of the
 * connection, between two messages; -EBADMSG if that is in the middle of one;
 * -EPROTONOSUPPORT, -EMSGSIZE, -E2BIG for what is no message; another -errno.
 */
int message_receive(struct message *message, int socket, bool reply)
{
	const size_t header = sizeof(message->header);
	size_t total;
	ssize_t count;
	void *to;
	int err;

	for (;;) {
		if (message->received < header) {
			to = (char *)&message->header + message->received;
			total = header;
		} else {
			to = (char *)&message->payload + (message->received - header);
			total = header + message->header.size;
		}
		if (message->received == total)
			return 1;
		count = receive_part(message, socket, to, total - message->received);
		if (count == -EINTR)
			continue;
		if (count == -EAGAIN)
			return 0;
		if (count < 0)
			return (int)count;
		if (!count)
			return message->received ? -EBADMSG : -ESHUTDOWN;
		message->received += (size_t)count;
		if (message->received == header) {
			err = check_header(&message->header, reply);
			if (err)
				return err;
		}
	}
}

/**
 * message_problem() - why no message was received or sent
 * @err: what message_receive() or message_send() returned
 *
 * Return: a few words.
 */
const char *message_problem(int err)
{
	switch (err) {
	case -ESHUTDOWN:
	case -ECONNRESET:
	case -EPIPE:
		return "the connection was ended";
	case -EAGAIN:
		return "the peer does not read what it is sent";
	case -EBADMSG:
		return "the connection ends in the middle of a message";
	case -EPROTONOSUPPORT:
		return "not a message of version 1 of the protocol";
	case -EMSGSIZE:
		return "a message that is too long";
	case -E2BIG:
		return "a message with too many file descriptors";
	default:
		return strerror(-err);
	}
}

/**
 * message_take_fd() - take a file descriptor out of a message
 * @message: complete
 * @index: which
 *
 * Return: the file descriptor, which is the caller's from now on; -1 if there is none.
 */
int message_take_fd(struct message *message, unsigned int index)
{
	int fd;

	if (index >= message->fd_count)
		return -1;
	fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

/**
 * message_clear() - close what was not taken out; ready for the next message
 * @message: complete or not
 */
void message_clear(struct message *message)
{
	while (message->fd_count) {
		int fd = message->fds[--message->fd_count];

		if (fd >= 0)
			close(fd);
	}
	memset(message, 0, sizeof(*message));
}

/**
 * message_send() - send a message
 * @socket: of the connection
 * @header: of the message
 * @payload: as many bytes as @header says
 * @fds: sent along
 * @count: how many, up to VHOST_USER_TABLE_REGIONS
 *
 * Return: 0; -EAGAIN if the peer does not read what it is sent; another -errno.
 */
int message_send(int socket, const struct vhost_user_header *header, const void *payload,
		 const int *fds, unsigned int count)
{
	char control[CMSG_SPACE(VHOST_USER_TABLE_REGIONS * sizeof(int))]
		__attribute__((aligned(sizeof(size_t)))) = {};
	struct iovec vectors[] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = (void *)payload, .iov_len = header->size },
	};
	struct msghdr message = { .msg_iov = vectors, .msg_iovlen = 2 };
	ssize_t sent;

	if (count) {
		struct cmsghdr *rights = (struct cmsghdr *)control;

		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	do
		sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	/* A part of a message is of no use to anybody. */
	return (size_t)sent < sizeof(*header) + header->size ? -EAGAIN : 0;
}

/**
 * message_reply() - answer a request
 * @socket: of the connection
 * @request: what is answered
 * @payload: of the answer
 * @size: bytes of it
 * @fd: to be sent along, or -1
 *
 * Return: as message_send().
 */
int message_reply(int socket, const struct message *request, const void *payload,
		  uint32_t size, int fd)
{
	const struct vhost_user_header header = {
		.request = request->header.request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = size,
	};

	return message_send(socket, &header, payload, &fd, fd >= 0);
}
