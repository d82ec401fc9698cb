// SPDX-License-Identifier: GPL-2.0
/*
 * The buffer in which a back end tells the one that follows it what was in flight
 * ("Inflight I/O tracking").
 *
 * Nothing ever is: when a queue of the kernel device has stopped, also because its
 * owner was killed, all it had taken is done and used.  For split rings the buffer says
 * just that, and any other back end can go on with it.  One that comes from another
 * back end and tells of requests in flight is refused, because they would be lost.
 *
 * Of a packed ring it has to be known how far the kernel has come, which the kernel
 * writes there: &struct vring_state.
 */
#include "bridge/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VERSION 1

/* Descriptors of a ring: a buffer is for the largest that its queues can have. */
#define QUEUE_SIZE_MAX 32768

/**
 * struct descriptor_state - what is kept of a descriptor of a split ring
 * @inflight: a request begins there that is in flight
 * @padding: 0
 * @next: of use only to whom counts @counter
 * @counter: in which order requests were taken
 */
struct descriptor_state {
	uint8_t inflight;
	uint8_t padding[5];
	uint16_t next;
	uint64_t counter;
};

/**
 * struct queue_state - what is kept of a split ring
 * @features: 0
 * @version: VERSION, or 0 if nobody has used it yet
 * @size: descriptors
 * @last_batch_head: of no use here
 * @used_index: the same
 * @descriptors: @size of them
 */
struct queue_state {
	uint64_t features;
	uint16_t version;
	uint16_t size;
	uint16_t last_batch_head;
	uint16_t used_index;
	struct descriptor_state descriptors[];
};

static uint64_t state_size(const struct vhost_user_inflight *wanted)
{
	return sizeof(struct queue_state) +
	       (uint64_t)wanted->queue_size * sizeof(struct descriptor_state);
}

/* Bytes for all queues. */
static uint64_t buffer_size(const struct session *session,
			    const struct vhost_user_inflight *wanted)
{
	if (session->context.packed)
		return wanted->queues * sizeof(struct vring_state);
	return wanted->queues * state_size(wanted);
}

static int check_wanted(const struct session *session, const struct vhost_user_inflight *wanted)
{
	if (!wanted->queues || wanted->queues > session->device->vrings)
		return session_fail(session, "%u queues: there are %u", wanted->queues,
				    session->device->vrings);
	if (!wanted->queue_size || wanted->queue_size > QUEUE_SIZE_MAX)
		return session_fail(session, "no ring has %u descriptors", wanted->queue_size);
	return 0;
}

/* The beginning of each queue's state.  0 or -errno. */
static int fill_file(int fd, const struct session *session,
		     const struct vhost_user_inflight *wanted)
{
	const struct queue_state split = { .version = VERSION, .size = wanted->queue_size };
	const struct vring_state packed = {
		.version = VRING_STATE_VERSION,
		.size = wanted->queue_size,
		.position = VRING_POSITION_NONE,
	};
	uint64_t stride = buffer_size(session, wanted) / wanted->queues;
	const void *state = session->context.packed ? (void *)&packed : (void *)&split;
	size_t size = session->context.packed ? sizeof(packed) : sizeof(split);
	unsigned int i;

	for (i = 0; i < wanted->queues; i++) {
		if (pwrite(fd, state, size, (off_t)(i * stride)) != (ssize_t)size)
			return -EIO;
	}
	return 0;
}

/* A file whose size nobody changes any more, or -errno. */
static int create_file(const struct session *session, const struct vhost_user_inflight *wanted)
{
	int fd = memfd_create("vhost-user-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)buffer_size(session, wanted)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		err = fill_file(fd, session, wanted);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/**
 * session_get_inflight() - GET_INFLIGHT_FD
 * @session: has the message
 *
 * Return: 0; -1, reported.
 */
int session_get_inflight(struct session *session)
{
	union vhost_user_payload *payload = &session->message.payload;
	struct vhost_user_inflight *wanted = &payload->inflight;
	int fd, ret;

	if (check_wanted(session, wanted))
		return -1;
	fd = create_file(session, wanted);
	if (fd < 0)
		return session_fail(session, "%s", strerror(-fd));
	wanted->size = buffer_size(session, wanted);
	wanted->offset = 0;
	ret = session_reply(session, payload, session->message.header.size, fd);
	close(fd);
	return ret;
}

/* Does the state of a queue tell of requests?  NULL, or in a few words what is wrong. */
static const char *check_state(const struct queue_state *state, unsigned int size)
{
	unsigned int i;

	/* Nobody has used it yet. */
	if (!state->version)
		return NULL;
	if (state->version != VERSION)
		return "its version is not known";
	for (i = 0; i < state->size && i < size; i++) {
		if (state->descriptors[i].inflight)
			return "requests of another back end are in flight";
	}
	return NULL;
}

static int check_states(const struct session *session, const struct vhost_user_inflight *given,
			int fd)
{
	size_t size = state_size(given);
	struct queue_state *state = malloc(size);
	const char *problem = NULL;
	unsigned int i;

	if (!state)
		return session_fail(session, "%s", strerror(ENOMEM));
	for (i = 0; i < given->queues && !problem; i++) {
		if (pread(fd, state, size, (off_t)(given->offset + i * size)) != (ssize_t)size)
			problem = "its state cannot be read";
		else
			problem = check_state(state, given->queue_size);
	}
	free(state);
	return problem ? session_fail(session, "queue %u: %s", i - 1, problem) : 0;
}

/* Use what is kept of packed rings.  NULL, or in a few words why not. */
static const char *use_states(struct session *session, const struct vhost_user_inflight *given,
			      int fd)
{
	struct vring_context *context = &session->context;
	const char *problem;
	uint16_t version;
	unsigned int i;

	problem = mapping_create(&session->inflight, fd, given->offset,
				 given->queues * sizeof(struct vring_state));
	if (problem)
		return problem;
	context->states = session->inflight.start;
	context->state_count = given->queues;
	if ((uintptr_t)context->states % sizeof(uint64_t))
		return "is not aligned";
	for (i = 0; i < given->queues; i++) {
		if (safe_read(&version, &context->states[i].version, sizeof(version)))
			return "cannot be read";
		if (version != VRING_STATE_VERSION)
			return "is of another back end";
	}
	return NULL;
}

/**
 * session_set_inflight() - SET_INFLIGHT_FD
 * @session: has the message
 *
 * Return: 0; -1, reported.
 */
int session_set_inflight(struct session *session)
{
	const struct vhost_user_inflight *given = &session->message.payload.inflight;
	const char *problem;
	unsigned int i;
	int fd;

	if (session->message.fd_count != 1)
		return session_fail(session, "not one file descriptor");
	if (check_wanted(session, given))
		return -1;
	if (given->size < buffer_size(session, given) || given->offset > INT64_MAX / 2)
		return session_fail(session, "%llu bytes do not suffice",
				    (unsigned long long)given->size);
	fd = session->message.fds[0];
	if (!session->context.packed)
		return check_states(session, given, fd);
	for (i = 0; i < session->device->vrings; i++) {
		if (session->vrings[i].running)
			return session_fail(session, "vring %u is running", i);
	}
	/* A driver that follows another one has another buffer. */
	session->context.states = NULL;
	session->context.state_count = 0;
	mapping_destroy(&session->inflight);
	problem = use_states(session, given, fd);
	return problem ? session_fail(session, "the buffer %s", problem) : 0;
}
