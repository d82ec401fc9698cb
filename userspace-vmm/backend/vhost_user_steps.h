/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What can be said to a back end, each with what has to be answered.
 */
#ifndef VQVMM_BACKEND_VHOST_USER_STEPS_H
#define VQVMM_BACKEND_VHOST_USER_STEPS_H

#include "backend/vhost_user.h"

/**
 * struct vhost_user_outgoing - what is sent
 * @payload: its payload
 * @size: bytes of it
 * @fds: file descriptors that go along; stay open
 * @fd_count: how many
 */
struct vhost_user_outgoing {
	union vhost_user_payload payload;
	uint32_t size;
	int fds[VHOST_USER_TABLE_REGIONS];
	unsigned int fd_count;
};

/**
 * struct vhost_user_step - a request, and what comes of it
 * @name: for messages
 * @request: its number
 * @fill: fills its payload in; NULL if it has none.  The queue is NULL if it concerns none
 * @answered: looks at the answer: NULL, or in a few words what is wrong; NULL if the
 *	request has none
 * @least: bytes of the answer
 * @most: the same
 * @fds: file descriptors of the answer
 * @needs: protocol features without which the step is left out
 * @done: it is left out if that is true; optional
 * @acknowledged: wait until it has been done, where that can be known
 */
struct vhost_user_step {
	const char *name;
	uint32_t request;
	void (*fill)(const struct vhost_user *user, const struct vhost_user_queue *queue,
		     struct vhost_user_outgoing *out);
	const char *(*answered)(struct vhost_user *user);
	size_t least;
	size_t most;
	unsigned int fds;
	uint64_t needs;
	bool (*done)(const struct vhost_user *user);
	bool acknowledged;
};

/* Before any queue, in this order; from VHOST_USER_DRIVER on there has to be a driver. */
#define VHOST_USER_DRIVER 6
#define VHOST_USER_STEPS 10
extern const struct vhost_user_step vhost_user_steps[VHOST_USER_STEPS];

/* That a queue is served, in this order. */
#define VHOST_USER_QUEUE_STEPS 7
extern const struct vhost_user_step vhost_user_queue_steps[VHOST_USER_QUEUE_STEPS];

/* That it is served no longer, and that it signals another eventfd. */
extern const struct vhost_user_step vhost_user_stop_step;
extern const struct vhost_user_step vhost_user_call_step;

bool vhost_user_has(const struct vhost_user *user, unsigned int protocol_feature);

#endif /* VQVMM_BACKEND_VHOST_USER_STEPS_H */
