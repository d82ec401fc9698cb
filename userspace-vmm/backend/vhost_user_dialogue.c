// SPDX-License-Identifier: GPL-2.0
/*
 * What is said to a back end, and what it answers.
 *
 * There is one answer at a time that is awaited.  Until it has come, nothing further
 * that has an answer is asked; when it has, vhost_user_advance() takes the next steps.
 *
 * What a back end must not do ends the connection, with a line that says why.
 */
#include "backend/vhost_user_steps.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <linux/virtio_ring.h>

#include "machine/machine.h"
#include "option_values.h"
#include "virtqueue/platform.h"

#define NANOSECONDS 1000000000ULL

/* Send a request; if it has an answer, that one is awaited.  0, or -1 if that is the end. */
static int take_step(struct vhost_user *user, const struct vhost_user_step *step,
		     const struct vhost_user_queue *queue)
{
	bool acknowledged = step->acknowledged &&
			    vhost_user_has(user, VHOST_USER_PROTOCOL_F_REPLY_ACK);
	struct vhost_user_header header = {
		.request = step->request,
		.flags = VHOST_USER_VERSION | (acknowledged ? VHOST_USER_NEED_REPLY : 0),
	};
	struct vhost_user_outgoing out = {};
	int err;

	if (step->fill)
		step->fill(user, queue, &out);
	header.size = out.size;
	err = message_send(user->socket, &header, &out.payload, out.fds, out.fd_count);
	if (err) {
		vhost_user_lose(user, "%s", message_problem(err));
		return -1;
	}
	if (acknowledged || step->answered) {
		user->awaiting = step;
		loop_timer_arm(user->timer, VHOST_USER_PATIENCE * NANOSECONDS);
	}
	return 0;
}

static bool is_left_out(const struct vhost_user *user, const struct vhost_user_step *step)
{
	return step->needs & ~user->protocol_features || (step->done && step->done(user));
}

/*
 * Where a queue goes on that a back end has left without a word.  With a buffer of what
 * was under way its successor knows that; of a split ring it has to be told how much was
 * used.  Without one it goes on if nothing was under way.  Is that so?
 */
static bool find_base(const struct vhost_user *user, struct virtio_queue *queue)
{
	bool kept = user->inflight_fd >= 0 &&
		    vhost_user_has(user, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
	const struct vring_avail *avail_ring;
	const struct vring_used *used_ring;
	struct virtio_rings rings;
	uint16_t available, used;

	if (virtio_has_feature(queue->device, VIRTIO_F_RING_PACKED))
		return kept;
	if (virtio_queue_map(queue, &rings))
		return false;
	avail_ring = rings.driver_area;
	used_ring = rings.device_area;
	ring_load16(&used, (const __le16 *)&used_ring->idx);
	ring_load16(&available, (const __le16 *)&avail_ring->idx);
	queue->base = used;
	return kept || used == available;
}

/* What the peer has done, or was told, last may be known to nobody any more. */
static void notify_both(const struct virtio_queue *queue)
{
	eventfd_write(queue->kick, 1);
	if (queue->call >= 0)
		eventfd_write(queue->call, 1);
}

static void start_queue(struct vhost_user *user, struct vhost_user_queue *queue)
{
	struct virtio_queue *virtio_queue = queue->remote.queue;
	unsigned int i;

	if (queue->lost && !find_base(user, virtio_queue)) {
		virtio_queue_break(virtio_queue,
				   "its back end has gone, and what it had under way is not known");
		return;
	}
	for (i = 0; i < VHOST_USER_QUEUE_STEPS; i++) {
		if (take_step(user, &vhost_user_queue_steps[i], queue))
			return;
	}
	queue->served = true;
	if (queue->lost)
		notify_both(virtio_queue);
}

/* A queue that is to be served, and is not yet; NULL if there is none. */
static struct vhost_user_queue *find_queue(const struct vhost_user *user)
{
	unsigned int i;

	for (i = 0; i < user->queue_count; i++) {
		if (user->queues[i].remote.queue && !user->queues[i].served)
			return &user->queues[i];
	}
	return NULL;
}

/* All that can be said has been said. */
static void all_is_well(struct vhost_user *user)
{
	unsigned int i;

	for (i = 0; i < user->queue_count; i++)
		user->queues[i].lost &= !user->queues[i].served;
	if (!*user->complaint)
		return;
	*user->complaint = '\0';
	option_key_error(user->option, "socket", user->socket_path, "connected again");
}

/**
 * vhost_user_advance() - say what is to be said next, until an answer is awaited
 * @user: the backend, connected or not
 *
 * It may break queues, so it is for the main loop alone, not for who starts or stops some.
 */
void vhost_user_advance(struct vhost_user *user)
{
	while (user->socket >= 0 && !user->awaiting) {
		struct vhost_user_queue *queue = find_queue(user);
		const struct vhost_user_step *step = &vhost_user_steps[user->step];

		if (user->step >= VHOST_USER_DRIVER && !queue) {
			all_is_well(user);
			return;
		}
		if (user->step == VHOST_USER_STEPS) {
			start_queue(user, queue);
			continue;
		}
		user->step++;
		if (is_left_out(user, step) || take_step(user, step, NULL))
			continue;
		if (step->request == VHOST_USER_SET_MEM_TABLE)
			user->memory_told = true;
	}
}

/* Is it an answer, and the right one?  NULL, or in a few words what is wrong. */
static const char *check_answer(const struct vhost_user *user, const struct vhost_user_step *step)
{
	const struct message *message = &user->message;
	size_t least = step->answered ? step->least : sizeof(uint64_t);
	size_t most = step->answered ? step->most : sizeof(uint64_t);

	if (message->header.request != step->request)
		return "something else is answered";
	if (message->header.size < least || message->header.size > most)
		return "an answer of the wrong length";
	if (message->fd_count != step->fds)
		return "an answer with the wrong number of file descriptors";
	if (!step->answered && message->payload.number)
		return "is refused";
	return NULL;
}

/* One message.  0, or 1 if it has not yet arrived, or -1 if the connection was lost. */
static int receive(struct vhost_user *user)
{
	const struct vhost_user_step *step = user->awaiting;
	int ret = message_receive(&user->message, user->socket, true);
	const char *problem = NULL;

	if (!ret)
		return 1;
	if (ret < 0)
		problem = message_problem(ret);
	else if (!step)
		problem = "an answer that nobody has asked for";
	else
		problem = check_answer(user, step);
	if (!problem && step->answered)
		problem = step->answered(user);
	message_clear(&user->message);
	if (!problem) {
		user->awaiting = NULL;
		loop_timer_arm(user->timer, 0);
		return 0;
	}
	/* When a connection ends, it is not for what was asked last. */
	if (step && ret > 0)
		vhost_user_lose(user, "%s: %s", step->name, problem);
	else
		vhost_user_lose(user, "%s", problem);
	return -1;
}

/**
 * vhost_user_receive() - take what has arrived, and say what follows from it
 * @user: the backend, connected
 */
void vhost_user_receive(struct vhost_user *user)
{
	while (!receive(user))
		vhost_user_advance(user);
}

/**
 * vhost_user_give_up() - an answer has been awaited for too long
 * @user: the backend, awaits one
 */
void vhost_user_give_up(struct vhost_user *user)
{
	vhost_user_lose(user, "%s: no answer", user->awaiting->name);
}

static int milliseconds_until(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000);
}

/**
 * vhost_user_settle() - wait until nothing is awaited any more
 * @user: the backend, connected or not
 *
 * Takes VHOST_USER_PATIENCE seconds at most, however slowly the peer speaks.
 * Return: 0; -1 if there is no connection.
 */
int vhost_user_settle(struct vhost_user *user)
{
	struct pollfd socket = { .fd = user->socket, .events = POLLIN };
	struct timespec end;
	int left;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += VHOST_USER_PATIENCE;
	while (user->socket >= 0 && user->awaiting) {
		left = milliseconds_until(&end);
		if (left <= 0)
			vhost_user_give_up(user);
		else if (poll(&socket, 1, left) > 0)
			receive(user);
	}
	return user->socket < 0 ? -1 : 0;
}

/**
 * vhost_user_stop_queue() - have a queue served no longer
 * @user: the backend, connected
 * @queue: is served
 *
 * Return: 0, &struct vhost_user.stopped tells where to go on; -1 if there is no
 * connection any more.
 */
int vhost_user_stop_queue(struct vhost_user *user, struct vhost_user_queue *queue)
{
	if (vhost_user_settle(user))
		return -1;
	user->stopped.index = queue->remote.queue->index;
	if (take_step(user, &vhost_user_stop_step, NULL))
		return -1;
	return vhost_user_settle(user);
}

/**
 * vhost_user_tell_call() - a queue signals another eventfd
 * @user: the backend, connected
 * @queue: is served
 */
void vhost_user_tell_call(struct vhost_user *user, struct vhost_user_queue *queue)
{
	take_step(user, &vhost_user_call_step, queue);
}

/**
 * vhost_user_forget_driver() - there will be another driver
 * @user: the backend, connected or not; none of its queues is served
 *
 * What was under way for the former one is of no interest.
 */
void vhost_user_forget_driver(struct vhost_user *user)
{
	/* What was asked for it is not to be taken for an answer to the next one. */
	if (user->step > VHOST_USER_DRIVER) {
		vhost_user_settle(user);
		user->step = min(user->step, VHOST_USER_DRIVER);
	}
	if (user->inflight_fd >= 0)
		close(user->inflight_fd);
	user->inflight_fd = -1;
}
