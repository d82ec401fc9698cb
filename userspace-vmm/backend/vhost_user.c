// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to a back end, which comes and goes, and the queues, which stay.
 *
 * To the device a queue runs from when it is started until it is stopped, whether there
 * is a back end at the time or not.
 */
#include "backend/vhost_user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine/machine.h"
#include "option_values.h"
#include "unix_socket.h"

/* Nanoseconds between attempts to connect. */
#define RETRY 1000000000ULL

/* The main loop does it next. */
#define SOON 1

static struct vhost_user *to_vhost_user(struct backend *backend)
{
	return (struct vhost_user *)backend;
}

/* A back end that fails in the same way again and again is reported once. */
static void complain(struct vhost_user *user, const char *problem)
{
	if (!strcmp(user->complaint, problem))
		return;
	snprintf(user->complaint, sizeof(user->complaint), "%s", problem);
	option_key_error(user->option, "socket", user->socket_path, "%s%s", problem,
			 user->known ? "; connecting again" : "");
}

/**
 * vhost_user_lose() - give a connection up
 * @user: the backend, connected
 * @format: why
 *
 * There will be another one, if there ever was one that was good.
 */
void vhost_user_lose(struct vhost_user *user, const char *format, ...)
{
	char problem[sizeof(user->complaint)];
	va_list arguments;
	unsigned int i;

	va_start(arguments, format);
	vsnprintf(problem, sizeof(problem), format, arguments);
	va_end(arguments);
	complain(user, problem);

	loop_remove(user->machine->loop, user->socket);
	close(user->socket);
	user->socket = -1;
	user->step = 0;
	user->awaiting = NULL;
	user->memory_told = false;
	message_clear(&user->message);
	for (i = 0; i < user->queue_count; i++) {
		user->queues[i].lost |= user->queues[i].served;
		user->queues[i].served = false;
	}
	loop_timer_arm(user->timer, RETRY);
}

static void handle_input(void *opaque)
{
	vhost_user_receive(opaque);
}

/* 0 or -errno. */
static int connect_back_end(struct vhost_user *user)
{
	int fd = unix_connect(user->socket_path, SOCK_NONBLOCK);
	int err;

	if (fd < 0)
		return fd;
	err = loop_add(user->machine->loop, fd, handle_input, user);
	if (err) {
		close(fd);
		return err;
	}
	user->socket = fd;
	vhost_user_advance(user);
	return 0;
}

static void handle_timer(void *opaque)
{
	struct vhost_user *user = opaque;

	if (user->socket < 0) {
		if (connect_back_end(user))
			loop_timer_arm(user->timer, RETRY);
	} else if (user->awaiting) {
		vhost_user_give_up(user);
	} else {
		vhost_user_advance(user);
	}
}

/* Whatever follows is said by the main loop, unless it waits for something anyway. */
static void advance_soon(struct vhost_user *user)
{
	if (user->socket >= 0 && !user->awaiting)
		loop_timer_arm(user->timer, SOON);
}

static int set_features(struct backend *base, uint64_t features)
{
	struct vhost_user *user = to_vhost_user(base);
	unsigned int i;

	vhost_user_forget_driver(user);
	user->driver_features = features & base->features;
	for (i = 0; i < user->queue_count; i++)
		user->queues[i].lost = false;
	return 0;
}

static int start(struct backend *base, struct virtio_queue *queue)
{
	struct vhost_user *user = to_vhost_user(base);
	int err = remote_queue_begin(&user->queues[queue->index].remote, queue);

	if (!err)
		advance_soon(user);
	return err;
}

static void stop(struct backend *base, struct virtio_queue *virtio_queue)
{
	struct vhost_user *user = to_vhost_user(base);
	struct vhost_user_queue *queue = &user->queues[virtio_queue->index];

	if (queue->served && !vhost_user_stop_queue(user, queue)) {
		virtio_queue->base = user->stopped.num;
		queue->served = false;
		queue->lost = false;
	}
	remote_queue_end(&queue->remote);
	advance_soon(user);
}

static void set_call(struct backend *base, struct virtio_queue *queue)
{
	struct vhost_user *user = to_vhost_user(base);

	if (user->queues[queue->index].served)
		vhost_user_tell_call(user, &user->queues[queue->index]);
}

static void destroy(struct backend *base)
{
	struct vhost_user *user = to_vhost_user(base);
	unsigned int i;

	if (user->socket >= 0) {
		loop_remove(user->machine->loop, user->socket);
		close(user->socket);
	}
	loop_timer_remove(user->timer);
	message_clear(&user->message);
	if (user->inflight_fd >= 0)
		close(user->inflight_fd);
	for (i = 0; user->queues && i < user->queue_count; i++)
		remote_queue_fini(&user->queues[i].remote);
	free(user->queues);
	free(user);
}

static const struct backend_ops vhost_user_ops = {
	.set_features	= set_features,
	.start		= start,
	.stop		= stop,
	.set_call	= set_call,
	.destroy	= destroy,
};

static const char *error_reason(const struct remote_queue *remote)
{
	(void)remote;
	return "its back end reports an error";
}

static int create_queues(struct vhost_user *user)
{
	unsigned int i;
	int err = 0;

	user->queues = calloc(user->queue_count, sizeof(*user->queues));
	if (!user->queues)
		return -ENOMEM;
	for (i = 0; i < user->queue_count && !err; i++)
		err = remote_queue_init(&user->queues[i].remote, &user->base, error_reason);
	return err;
}

/* Learn what the back end has.  0; OPTION_REJECTED, reported. */
static int get_known(struct vhost_user *user)
{
	int err = connect_back_end(user);

	if (err)
		return option_key_error(user->option, "socket", user->socket_path, "%s",
					unix_socket_problem(err));
	while (user->awaiting) {
		if (!vhost_user_settle(user))
			vhost_user_advance(user);
	}
	if (user->socket < 0)
		return OPTION_REJECTED;
	user->known = true;
	return 0;
}

/**
 * vhost_user_create() - serve queues by who listens at a socket
 * @machine: has memory and a loop
 * @settings: what the user wants; needed only during the call, but for the option
 * @type: of the device
 * @out: receives the backend, whose features and configuration are known;
 *	backend_destroy() frees it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.
 */
int vhost_user_create(struct machine *machine, const struct vhost_user_settings *settings,
		      const struct vhost_user_type *type, struct vhost_user **out)
{
	struct vhost_user *user = calloc(1, sizeof(*user));
	int err;

	if (!user)
		return -ENOMEM;
	user->base.ops = &vhost_user_ops;
	user->base.features = type->features;
	user->machine = machine;
	user->type = type;
	user->option = settings->option;
	user->queue_count = settings->queues;
	user->queue_size = settings->queue_size;
	user->socket = -1;
	user->inflight_fd = -1;
	if (strlen(settings->socket) >= sizeof(user->socket_path)) {
		err = option_key_error(settings->option, "socket", settings->socket, "%s",
				       unix_socket_problem(-ENAMETOOLONG));
		goto destroy;
	}
	strcpy(user->socket_path, settings->socket);
	err = create_queues(user);
	if (!err)
		err = loop_timer_add(machine->loop, handle_timer, user, &user->timer);
	if (!err)
		err = get_known(user);
	if (err)
		goto destroy;
	*out = user;
	return 0;

destroy:
	destroy(&user->base);
	return err;
}
