/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues served by another process, which listens at a Unix socket: the front end of
 * the vhost-user protocol.
 *
 *	vhost_user.c		the life of the connection, and of the queues on it
 *	vhost_user_dialogue.c	what is said when, and how answers are waited for
 *	vhost_user_steps.c	what can be said, and what has to be answered
 *	vhost_user_blk.c	a disk
 *
 * The peer may end at any time, and another one take its place: the guest goes on, and
 * waits for its requests.  What was under way is in a buffer that the peer keeps in
 * shared memory (INFLIGHT_SHMFD), and that is handed to its successor.
 *
 * Answers are not waited for but in two cases: the first time, before the guest runs,
 * and when the driver takes a queue back.  No answer is waited for longer than
 * VHOST_USER_PATIENCE seconds: then the connection is given up.
 */
#ifndef VQVMM_BACKEND_VHOST_USER_H
#define VQVMM_BACKEND_VHOST_USER_H

#include <stdbool.h>
#include <sys/un.h>
#include <linux/vhost_types.h>
#include <linux/virtio_blk.h>

#include "backend/backend.h"
#include "backend/remote_queue.h"
#include "vhost_user/message.h"
#include "virtio/device.h"

struct loop_timer;
struct machine;
struct vhost_user_step;

/* So long, in seconds, an answer is waited for. */
#define VHOST_USER_PATIENCE 10

/**
 * struct vhost_user_settings - what the user wants
 * @option: in which the user said so: "--disk"
 * @socket: where the back end listens
 * @queues: how many
 * @queue_size: entries of each
 */
struct vhost_user_settings {
	const char *option;
	const char *socket;
	unsigned int queues;
	unsigned int queue_size;
};

/**
 * struct vhost_user_type - what differs between types of devices
 * @features: that a back end may offer the guest
 * @config_length: bytes of the configuration that it has to tell
 */
struct vhost_user_type {
	uint64_t features;
	uint32_t config_length;
};

/**
 * struct vhost_user_queue - a queue
 * @remote: whether it is to be served
 * @served: the back end has been told of it, in this connection
 * @lost: the connection in which it was served has ended
 */
struct vhost_user_queue {
	struct remote_queue remote;
	bool served;
	bool lost;
};

/**
 * struct vhost_user - queues of one device
 * @base: what the device sees
 * @machine: the machine
 * @type: of the device
 * @option: for messages, see &struct vhost_user_settings
 * @socket_path: where the back end listens
 * @known: features and configuration are what the guest was told
 * @config: of the device
 * @driver_features: as chosen by the driver
 * @queues: @queue_count of them
 * @queue_count: how many
 * @queue_size: entries of each at most
 * @socket: of the connection, -1 if there is none
 * @step: of the dialogue, the next one to be taken
 * @awaiting: what the back end has yet to answer, or NULL
 * @message: the answer, as far as it has arrived
 * @protocol_features: of this connection
 * @memory_told: the back end has guest memory
 * @stopped: what GET_VRING_BASE asks for, and then the answer
 * @inflight: the buffer that outlives the back end
 * @inflight_fd: its file, -1 if there is none
 * @timer: for the next attempt to connect, or the end of patience
 * @complaint: what was last said of this back end, empty while all is well
 */
struct vhost_user {
	struct backend base;
	struct machine *machine;
	const struct vhost_user_type *type;
	const char *option;
	char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	bool known;
	uint8_t config[VHOST_USER_CONFIG_SIZE];
	uint64_t driver_features;
	struct vhost_user_queue *queues;
	unsigned int queue_count;
	unsigned int queue_size;
	int socket;
	unsigned int step;
	const struct vhost_user_step *awaiting;
	struct message message;
	uint64_t protocol_features;
	bool memory_told;
	struct vhost_vring_state stopped;
	struct vhost_user_inflight inflight;
	int inflight_fd;
	struct loop_timer *timer;
	char complaint[128];
};

int vhost_user_create(struct machine *machine, const struct vhost_user_settings *settings,
		      const struct vhost_user_type *type, struct vhost_user **out);
void vhost_user_lose(struct vhost_user *user, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* vhost_user_dialogue.c */
void vhost_user_advance(struct vhost_user *user);
void vhost_user_receive(struct vhost_user *user);
void vhost_user_give_up(struct vhost_user *user);
int vhost_user_settle(struct vhost_user *user);
int vhost_user_stop_queue(struct vhost_user *user, struct vhost_user_queue *queue);
void vhost_user_tell_call(struct vhost_user *user, struct vhost_user_queue *queue);
void vhost_user_forget_driver(struct vhost_user *user);

/* vhost_user_blk.c */
int vhost_user_blk_create(struct machine *machine, const struct vhost_user_settings *settings,
			  struct virtio_blk_config *config, struct backend **out);

#endif /* VQVMM_BACKEND_VHOST_USER_H */
