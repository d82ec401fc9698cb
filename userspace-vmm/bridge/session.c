// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a connection.
 */
#include "bridge/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vhost.h>

/* Messages handled before other connections get their turn. */
#define BATCH 16

/**
 * session_fail() - say in one line what is wrong
 * @session: with it
 * @format: the reason
 *
 * Return: -1, for the caller to return.
 */
int session_fail(const struct session *session, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: %s: ", program_invocation_short_name, session->name);
	if (session->request)
		fprintf(stderr, "%s: ", session->request);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return -1;
}

/**
 * session_reply() - answer the request that is handled
 * @session: of the request
 * @payload: of the answer
 * @size: bytes of it
 * @fd: sent along, or -1
 *
 * Return: 0; -1, reported.
 */
int session_reply(struct session *session, const void *payload, uint32_t size, int fd)
{
	int err = message_reply(session->socket, &session->message, payload, size, fd);

	return err ? session_fail(session, "the answer cannot be sent: %s", strerror(-err)) : 0;
}

/**
 * session_tell_features() - tell the kernel device what the driver has chosen
 * @session: the session
 *
 * There is no logging before there is a log.
 * Return: 0 or -errno.
 */
int session_tell_features(struct session *session)
{
	uint64_t features = session->features & session->device->kernel_features;

	if (!session->context.logged)
		features &= ~VIRTIO_FEATURE(VHOST_F_LOG_ALL);
	return bridge_device_control(session->device, VHOST_SET_FEATURES, &features);
}

/**
 * session_update_vrings() - start and stop vrings, as their state demands
 * @session: the session
 *
 * Return: 0; -1, reported.
 */
int session_update_vrings(struct session *session)
{
	const char *problem;
	unsigned int i;

	for (i = 0; i < session->device->vrings; i++) {
		problem = vring_update(&session->vrings[i], &session->context);
		if (problem)
			return session_fail(session, "vring %u: %s", i, problem);
	}
	return 0;
}

/**
 * session_stop_vrings() - no vring is served until session_update_vrings()
 * @session: the session
 */
void session_stop_vrings(struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->device->vrings; i++)
		vring_stop(&session->vrings[i], &session->context);
}

/* One message.  0 if it was handled, 1 if none has arrived, -1 at the end. */
static int step(struct session *session)
{
	int ret = message_receive(&session->message, session->socket, false);

	if (!ret)
		return 1;
	if (ret == -ESHUTDOWN)
		return -1;
	if (ret < 0)
		return session_fail(session, "%s", message_problem(ret));
	ret = session_handle(session);
	message_clear(&session->message);
	return ret;
}

static void handle_input(void *opaque)
{
	struct session *session = opaque;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < BATCH && !ret; i++)
		ret = step(session);
	if (ret < 0)
		session->ended(session->opaque);
}

/**
 * session_create() - begin to serve a front end
 * @device: nobody uses it
 * @name: of the socket, must outlive the session
 * @socket: of the connection; belongs to the session if this succeeds
 * @loop: watches it
 * @out: receives the session, whose ended() the caller sets
 *
 * Return: 0 or -errno.
 */
int session_create(struct bridge_device *device, const char *name, int socket,
		   struct loop *loop, struct session **out)
{
	struct session *session = calloc(1, sizeof(*session));
	unsigned int i;
	int err = -ENOMEM;

	if (!session)
		return -ENOMEM;
	session->vrings = calloc(device->vrings, sizeof(*session->vrings));
	if (!session->vrings)
		goto free_session;
	session->device = device;
	session->name = name;
	session->socket = socket;
	session->loop = loop;
	session->context.device = device;
	for (i = 0; i < device->vrings; i++) {
		session->vrings[i].index = i;
		session->vrings[i].enabled = true;
		session->vrings[i].call = -1;
	}
	err = bridge_device_control(device, VHOST_SET_OWNER, NULL);
	if (!err && device->ops->prepare)
		err = device->ops->prepare(device);
	if (!err)
		err = loop_add(loop, socket, handle_input, session);
	if (err)
		goto reset_owner;
	*out = session;
	return 0;

reset_owner:
	bridge_device_control(device, VHOST_RESET_OWNER, NULL);
	free(session->vrings);
free_session:
	free(session);
	return err;
}

/**
 * session_destroy() - stop serving a front end
 * @session: the session
 *
 * When the peer sees the end of the connection, all requests that were taken are done.
 */
void session_destroy(struct session *session)
{
	struct bridge_device *device = session->device;
	unsigned int i;

	loop_remove(session->loop, session->socket);
	session_stop_vrings(session);
	bridge_device_control(device, VHOST_RESET_OWNER, NULL);
	if (device->ops->reset)
		device->ops->reset(device);
	memory_clear(&session->context.memory);
	mapping_destroy(&session->inflight);
	mapping_destroy(&session->log);
	for (i = 0; i < device->vrings; i++)
		vring_set_call(&session->vrings[i], -1);
	message_clear(&session->message);
	close(session->socket);
	free(session->vrings);
	free(session);
}
