// SPDX-License-Identifier: GPL-2.0
/*
 * What a front end can ask for ("Front-end message types"): a table of requests, and
 * what each of them does.
 */
#include "bridge/session.h"

#include <errno.h>
#include <string.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>

#include "backend/vhost_control.h"
#include "virtqueue/platform.h"

/* Descriptors of a ring (virtio 1.2, section 2.7 and 2.8.10.1). */
#define RING_SIZE_MAX 32768

static int reply_number(struct session *session, uint64_t number)
{
	return session_reply(session, &number, sizeof(number), -1);
}

/* The vring that a request is about; NULL, reported, if there is none. */
static struct bridge_vring *find_vring(struct session *session, uint32_t index)
{
	if (index < session->device->vrings)
		return &session->vrings[index];
	session_fail(session, "vring %u: there are only %u", index, session->device->vrings);
	return NULL;
}

static int fail_vring(const struct session *session, const struct bridge_vring *vring,
		      const char *problem)
{
	return session_fail(session, "vring %u: %s", vring->index, problem);
}

static int update_vring(struct session *session, struct bridge_vring *vring)
{
	const char *problem = vring_update(vring, &session->context);

	return problem ? fail_vring(session, vring, problem) : 0;
}

static bool has_protocol_features(const struct session *session)
{
	return session->features & VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES);
}

static int get_features(struct session *session)
{
	return reply_number(session, session->device->features |
			    VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES));
}

/*
 * Rings are enabled from the beginning for those who know nothing of that.  What was
 * said before features were chosen stays.
 */
static void set_enabled_default(struct session *session)
{
	unsigned int i;

	for (i = 0; i < session->device->vrings; i++) {
		if (!session->vrings[i].enabled_set)
			session->vrings[i].enabled = !has_protocol_features(session);
	}
}

static int set_features(struct session *session)
{
	const struct bridge_device *device = session->device;
	uint64_t wanted = session->message.payload.number;
	uint64_t unknown = wanted & ~(device->features |
				      VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES));
	int err;

	if (unknown)
		return session_fail(session, "0x%llx was not offered",
				    (unsigned long long)unknown);
	session->features = wanted;
	err = session_tell_features(session);
	if (!err && device->ops->set_features)
		err = device->ops->set_features(session->device, wanted);
	if (err)
		return session_fail(session, "0x%llx: %s", (unsigned long long)wanted,
				    strerror(-err));
	session->context.packed = wanted & VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	set_enabled_default(session);
	return session_update_vrings(session);
}

static int get_protocol_features(struct session *session)
{
	return reply_number(session, PROTOCOL_FEATURES);
}

static int set_protocol_features(struct session *session)
{
	uint64_t unknown = session->message.payload.number & ~PROTOCOL_FEATURES;

	if (unknown)
		return session_fail(session, "0x%llx was not offered",
				    (unsigned long long)unknown);
	session->protocol_features = session->message.payload.number;
	return 0;
}

/* The session itself is the owner, from its beginning on. */
static int set_owner(struct session *session)
{
	(void)session;
	return 0;
}

/* Also what status 0 means: no ring is served until it is started again. */
static int reset(struct session *session)
{
	unsigned int i;

	session_stop_vrings(session);
	for (i = 0; i < session->device->vrings; i++) {
		session->vrings[i].started = false;
		vring_forget_position(&session->vrings[i], &session->context);
	}
	return 0;
}

static int set_vring_num(struct session *session)
{
	const struct vhost_vring_state *state = &session->message.payload.state;
	struct bridge_vring *vring = find_vring(session, state->index);

	if (!vring)
		return -1;
	if (!state->num || state->num > RING_SIZE_MAX)
		return session_fail(session, "vring %u: no ring has %u descriptors", state->index,
				    state->num);
	if (vring->running)
		return fail_vring(session, vring, "is running");
	vring->size = state->num;
	return 0;
}

static int set_vring_addr(struct session *session)
{
	const struct vhost_vring_addr *address = &session->message.payload.address;
	struct bridge_vring *vring = find_vring(session, address->index);
	const char *problem;

	if (!vring)
		return -1;
	if (address->flags & ~(1U << VHOST_VRING_F_LOG))
		return fail_vring(session, vring, "unknown flags");
	vring->address = *address;
	vring->has_address = true;
	problem = vring_update_address(vring, &session->context);
	return problem ? fail_vring(session, vring, problem) : 0;
}

static int set_vring_base(struct session *session)
{
	const struct vhost_vring_state *state = &session->message.payload.state;
	struct bridge_vring *vring = find_vring(session, state->index);

	if (!vring)
		return -1;
	if (vring->running)
		return fail_vring(session, vring, "is running");
	vring->base = state->num;
	return 0;
}

static int get_vring_base(struct session *session)
{
	struct vhost_vring_state answer = { .index = session->message.payload.state.index };
	struct bridge_vring *vring = find_vring(session, answer.index);

	if (!vring)
		return -1;
	vring_stop(vring, &session->context);
	vring_forget_position(vring, &session->context);
	vring->started = false;
	answer.num = vring->base;
	return session_reply(session, &answer, sizeof(answer), -1);
}

/*
 * Hand over an eventfd of a vring, which is not kept here.  Returns the vring; NULL,
 * reported.
 */
static struct bridge_vring *set_vring_file(struct session *session, unsigned long request)
{
	uint64_t number = session->message.payload.number;
	bool none = number & VHOST_USER_VRING_NO_FD;
	struct bridge_vring *vring = find_vring(session, number & VHOST_USER_VRING_INDEX);
	int err, fd;

	if (!vring)
		return NULL;
	if (session->message.fd_count != !none) {
		fail_vring(session, vring, none ? "a file descriptor that is none" :
						  "not one file descriptor");
		return NULL;
	}
	fd = none ? VHOST_FILE_UNBIND : session->message.fds[0];
	err = vhost_set_file(bridge_device_file(session->device, vring->index),
			     bridge_device_vring(session->device, vring->index), request, fd);
	if (!err)
		return vring;
	fail_vring(session, vring, err == -EINVAL ? "not an eventfd" : strerror(-err));
	return NULL;
}

static int set_vring_kick(struct session *session)
{
	struct bridge_vring *vring = set_vring_file(session, VHOST_SET_VRING_KICK);

	if (!vring)
		return -1;
	/* The kernel sleeps until it is kicked. */
	if (session->message.payload.number & VHOST_USER_VRING_NO_FD)
		return fail_vring(session, vring, "cannot be served without a kick");
	vring->started = true;
	return update_vring(session, vring);
}

static int set_vring_call(struct session *session)
{
	struct bridge_vring *vring = set_vring_file(session, VHOST_SET_VRING_CALL);

	if (!vring)
		return -1;
	vring_set_call(vring, message_take_fd(&session->message, 0));
	return 0;
}

static int set_vring_err(struct session *session)
{
	return set_vring_file(session, VHOST_SET_VRING_ERR) ? 0 : -1;
}

static int set_vring_enable(struct session *session)
{
	const struct vhost_vring_state *state = &session->message.payload.state;
	struct bridge_device *device = session->device;
	struct bridge_vring *vring = find_vring(session, state->index);
	unsigned int used = device->vrings;

	if (!vring)
		return -1;
	if (state->num > 1)
		return fail_vring(session, vring, "neither enabled nor disabled");
	vring->enabled = state->num;
	vring->enabled_set = true;
	while (used && !session->vrings[used - 1].enabled)
		used--;
	if (device->ops->enabled)
		device->ops->enabled(device, used);
	return update_vring(session, vring);
}

static int get_queue_num(struct session *session)
{
	return reply_number(session, session->device->vrings);
}

/* An answer without payload says that there is no such part. */
static int get_config(struct session *session)
{
	union vhost_user_payload *payload = &session->message.payload;
	const uint32_t begin = offsetof(union vhost_user_payload, config.bytes);
	uint32_t size = payload->config.size, offset = payload->config.offset;

	if (offset > VHOST_USER_CONFIG_SIZE || size > VHOST_USER_CONFIG_SIZE - offset ||
	    session->message.header.size != begin + size)
		return session_reply(session, NULL, 0, -1);
	memcpy(payload->config.bytes, session->device->config + offset, size);
	return session_reply(session, payload, begin + size, -1);
}

/* Nothing of it can be written.  It is the guest that has tried: no reason to give up. */
static int set_config(struct session *session)
{
	(void)session;
	return 1;
}

static int get_max_mem_slots(struct session *session)
{
	return reply_number(session, MEMORY_REGIONS_MAX);
}

static int set_log_fd(struct session *session)
{
	int fd, err;

	if (session->message.fd_count != 1)
		return session_fail(session, "not one file descriptor");
	fd = session->message.fds[0];
	err = bridge_device_control(session->device, VHOST_SET_LOG_FD, &fd);
	return err ? session_fail(session, "%s", strerror(-err)) : 0;
}

static int set_status(struct session *session)
{
	session->status = (uint8_t)session->message.payload.number;
	return session->status ? 0 : reset(session);
}

static int get_status(struct session *session)
{
	return reply_number(session, session->status);
}

#define NUMBER sizeof(uint64_t)
#define STATE sizeof(struct vhost_vring_state)
#define ADDRESS sizeof(struct vhost_vring_addr)
#define INFLIGHT sizeof(struct vhost_user_inflight)
#define TABLE sizeof(((union vhost_user_payload *)NULL)->table)
#define REGION sizeof(((union vhost_user_payload *)NULL)->one)
#define LOG sizeof(((union vhost_user_payload *)NULL)->log)
#define CONFIG sizeof(((union vhost_user_payload *)NULL)->config)
#define CONFIG_HEADER offsetof(union vhost_user_payload, config.bytes)
#define TABLE_HEADER offsetof(union vhost_user_payload, table.regions)

/**
 * struct request - what is known of a request
 * @name: for messages
 * @handle: does it; 0; 1 if it is refused; -1, reported, if the connection is to end
 * @least: bytes of its payload
 * @most: the same
 * @fds: file descriptors that may come along
 * @needs: protocol features without which there is no such request
 * @replies: it has an answer of its own
 */
static const struct request {
	const char *name;
	int (*handle)(struct session *session);
	size_t least;
	size_t most;
	unsigned int fds;
	uint64_t needs;
	bool replies;
} requests[VHOST_USER_REQUESTS] = {
	[VHOST_USER_GET_FEATURES] = { "GET_FEATURES", get_features, .replies = true },
	[VHOST_USER_SET_FEATURES] = { "SET_FEATURES", set_features, NUMBER, NUMBER },
	[VHOST_USER_SET_OWNER] = { "SET_OWNER", set_owner },
	[VHOST_USER_RESET_OWNER] = { "RESET_OWNER", reset },
	[VHOST_USER_SET_MEM_TABLE] = { "SET_MEM_TABLE", session_set_table, TABLE_HEADER,
		TABLE, VHOST_USER_TABLE_REGIONS },
	[VHOST_USER_SET_LOG_BASE] = { "SET_LOG_BASE", session_set_log, LOG, LOG,
		1, PROTOCOL_FEATURE(LOG_SHMFD), true },
	[VHOST_USER_SET_LOG_FD] = { "SET_LOG_FD", set_log_fd, 0, NUMBER, 1 },
	[VHOST_USER_SET_VRING_NUM] = { "SET_VRING_NUM", set_vring_num, STATE, STATE },
	[VHOST_USER_SET_VRING_ADDR] = { "SET_VRING_ADDR", set_vring_addr, ADDRESS,
		ADDRESS },
	[VHOST_USER_SET_VRING_BASE] = { "SET_VRING_BASE", set_vring_base, STATE, STATE },
	[VHOST_USER_GET_VRING_BASE] = { "GET_VRING_BASE", get_vring_base, STATE, STATE,
		.replies = true },
	[VHOST_USER_SET_VRING_KICK] = { "SET_VRING_KICK", set_vring_kick, NUMBER, NUMBER, 1 },
	[VHOST_USER_SET_VRING_CALL] = { "SET_VRING_CALL", set_vring_call, NUMBER, NUMBER, 1 },
	[VHOST_USER_SET_VRING_ERR] = { "SET_VRING_ERR", set_vring_err, NUMBER, NUMBER, 1 },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", get_protocol_features,
		.replies = true },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", set_protocol_features,
		NUMBER, NUMBER },
	[VHOST_USER_GET_QUEUE_NUM] = { "GET_QUEUE_NUM", get_queue_num,
		.needs = PROTOCOL_FEATURE(MQ), .replies = true },
	[VHOST_USER_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", set_vring_enable, STATE, STATE },
	[VHOST_USER_GET_CONFIG] = { "GET_CONFIG", get_config, CONFIG_HEADER, CONFIG,
		.needs = PROTOCOL_FEATURE(CONFIG), .replies = true },
	[VHOST_USER_SET_CONFIG] = { "SET_CONFIG", set_config, CONFIG_HEADER, CONFIG,
		.needs = PROTOCOL_FEATURE(CONFIG) },
	[VHOST_USER_GET_INFLIGHT_FD] = { "GET_INFLIGHT_FD", session_get_inflight,
		VHOST_USER_INFLIGHT_SIZE, INFLIGHT,
		.needs = PROTOCOL_FEATURE(INFLIGHT_SHMFD), .replies = true },
	[VHOST_USER_SET_INFLIGHT_FD] = { "SET_INFLIGHT_FD", session_set_inflight,
		VHOST_USER_INFLIGHT_SIZE, INFLIGHT, 1,
		PROTOCOL_FEATURE(INFLIGHT_SHMFD) },
	[VHOST_USER_GET_MAX_MEM_SLOTS] = { "GET_MAX_MEM_SLOTS", get_max_mem_slots,
		.needs = PROTOCOL_FEATURE(CONFIGURE_MEM_SLOTS), .replies = true },
	[VHOST_USER_ADD_MEM_REG] = { "ADD_MEM_REG", session_add_region, REGION,
		REGION, 1, PROTOCOL_FEATURE(CONFIGURE_MEM_SLOTS) },
	/* Front ends send its file, which nobody needs. */
	[VHOST_USER_REM_MEM_REG] = { "REM_MEM_REG", session_remove_region, REGION,
		REGION, 1, PROTOCOL_FEATURE(CONFIGURE_MEM_SLOTS) },
	[VHOST_USER_SET_STATUS] = { "SET_STATUS", set_status, NUMBER, NUMBER,
		.needs = PROTOCOL_FEATURE(STATUS) },
	[VHOST_USER_GET_STATUS] = { "GET_STATUS", get_status,
		.needs = PROTOCOL_FEATURE(STATUS), .replies = true },
};

/* May this be asked, in this way? */
static int check(const struct session *session, const struct request *request)
{
	const struct message *message = &session->message;

	if (message->header.size < request->least || message->header.size > request->most)
		return session_fail(session, "a payload of %u bytes", message->header.size);
	if (message->fd_count > request->fds)
		return session_fail(session, "%u file descriptors", message->fd_count);
	if (request->needs & ~session->protocol_features)
		return session_fail(session, "was not negotiated");
	return 0;
}

/**
 * session_handle() - do what a request asks for
 * @session: has a complete message
 *
 * Return: 0; -1 if the connection is to end, reported.
 */
int session_handle(struct session *session)
{
	const struct vhost_user_header *header = &session->message.header;
	const struct request *request = NULL;
	bool acknowledge = header->flags & VHOST_USER_NEED_REPLY &&
			   session->protocol_features & PROTOCOL_FEATURE(REPLY_ACK);
	int ret;

	if (header->request < ARRAY_SIZE(requests))
		request = &requests[header->request];
	if (!request || !request->handle)
		return session_fail(session, "request %u is not known", header->request);
	session->request = request->name;
	ret = check(session, request);
	if (!ret)
		ret = request->handle(session);
	if (acknowledge && !request->replies && reply_number(session, ret ? 1 : 0))
		ret = -1;
	session->request = NULL;
	return ret < 0 ? ret : 0;
}
