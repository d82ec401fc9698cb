// SPDX-License-Identifier: GPL-2.0
/*
 * What can be said to a back end: requests are filled in, answers looked at.
 *
 * Nothing that a back end hands over is mapped: a file that becomes shorter does no
 * harm here.
 */
#include "backend/vhost_user_steps.h"

#include <string.h>
#include <linux/vhost.h>

#include "machine/machine.h"

#define PROTOCOL_FEATURE(name) (1ULL << VHOST_USER_PROTOCOL_F_##name)

/* All that is of use here. */
#define PROTOCOL_FEATURES (PROTOCOL_FEATURE(MQ) | PROTOCOL_FEATURE(REPLY_ACK) | \
			   PROTOCOL_FEATURE(CONFIG) | PROTOCOL_FEATURE(INFLIGHT_SHMFD))

#define HAS_PROTOCOL_FEATURES VIRTIO_FEATURE(VHOST_USER_F_PROTOCOL_FEATURES)

static void fill_number(struct vhost_user_outgoing *out, uint64_t number)
{
	out->payload.number = number;
	out->size = sizeof(number);
}

static const char *take_features(struct vhost_user *user)
{
	uint64_t offered = user->message.payload.number;

	if (!(offered & HAS_PROTOCOL_FEATURES))
		return "there are no protocol features";
	if (!(offered & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)))
		return "VIRTIO_F_VERSION_1 is not offered";
	if (!user->known)
		user->base.features &= offered;
	else if (user->base.features & ~offered)
		return "what was offered to the guest is not offered any more";
	return NULL;
}

static const char *take_protocol_features(struct vhost_user *user)
{
	user->protocol_features = user->message.payload.number & PROTOCOL_FEATURES;
	if (!(user->protocol_features & PROTOCOL_FEATURE(CONFIG)))
		return "CONFIG is not offered";
	if (user->queue_count > 1 && !(user->protocol_features & PROTOCOL_FEATURE(MQ)))
		return "there is but one queue";
	return NULL;
}

static void fill_protocol_features(const struct vhost_user *user,
				   const struct vhost_user_queue *queue,
				   struct vhost_user_outgoing *out)
{
	(void)queue;
	fill_number(out, user->protocol_features);
}

static const char *take_queue_num(struct vhost_user *user)
{
	if (user->message.payload.number < user->queue_count)
		return "there are fewer queues than wanted";
	return NULL;
}

static void fill_config(const struct vhost_user *user, const struct vhost_user_queue *queue,
			struct vhost_user_outgoing *out)
{
	(void)queue;
	out->payload.config.size = user->type->config_length;
	out->size = offsetof(union vhost_user_payload, config.bytes) +
			user->type->config_length;
}

static const char *take_config(struct vhost_user *user)
{
	const union vhost_user_payload *payload = &user->message.payload;
	const size_t begin = offsetof(union vhost_user_payload, config.bytes);
	uint32_t length = user->type->config_length;

	if (user->message.header.size != begin + length ||
	    payload->config.size != length || payload->config.offset)
		return "not the part of the configuration that was asked for";
	if (!user->known)
		memcpy(user->config, payload->config.bytes, length);
	else if (memcmp(user->config, payload->config.bytes, length))
		return "it is another device than before";
	return NULL;
}

static void fill_features(const struct vhost_user *user, const struct vhost_user_queue *queue,
			  struct vhost_user_outgoing *out)
{
	(void)queue;
	fill_number(out, user->driver_features | HAS_PROTOCOL_FEATURES);
}

static bool has_memory(const struct vhost_user *user)
{
	return user->memory_told;
}

static void fill_memory(const struct vhost_user *user, const struct vhost_user_queue *queue,
			struct vhost_user_outgoing *out)
{
	const struct guest_region *regions;
	unsigned int count, i;

	(void)queue;
	regions = guest_memory_regions(user->machine->memory, &count);
	out->payload.table.count = count;
	for (i = 0; i < count; i++) {
		out->payload.table.regions[i] = (struct vhost_user_region) {
			.guest_address = regions[i].address,
			.size = regions[i].size,
			.user_address = (uintptr_t)regions[i].host,
			.offset = regions[i].offset,
		};
		out->fds[i] = regions[i].fd;
	}
	out->fd_count = count;
	out->size = offsetof(union vhost_user_payload, table.regions[count]);
}

static bool has_inflight(const struct vhost_user *user)
{
	return user->inflight_fd >= 0;
}

static void fill_wanted_inflight(const struct vhost_user *user,
				 const struct vhost_user_queue *queue,
				 struct vhost_user_outgoing *out)
{
	(void)queue;
	out->payload.inflight.queues = user->queue_count;
	out->payload.inflight.queue_size = user->queue_size;
	out->size = sizeof(out->payload.inflight);
}

static const char *take_inflight(struct vhost_user *user)
{
	const struct vhost_user_inflight *given = &user->message.payload.inflight;

	if (!given->size)
		return "there is no buffer";
	user->inflight.size = given->size;
	user->inflight.offset = given->offset;
	user->inflight_fd = message_take_fd(&user->message, 0);
	return NULL;
}

static void fill_inflight(const struct vhost_user *user, const struct vhost_user_queue *queue,
			  struct vhost_user_outgoing *out)
{
	fill_wanted_inflight(user, queue, out);
	out->payload.inflight.size = user->inflight.size;
	out->payload.inflight.offset = user->inflight.offset;
	out->fds[0] = user->inflight_fd;
	out->fd_count = 1;
}

#define STEP(step) .name = #step, .request = VHOST_USER_##step
#define NUMBER .least = sizeof(uint64_t), .most = sizeof(uint64_t)
#define CONFIG .most = sizeof(((union vhost_user_payload *)NULL)->config)
#define INFLIGHT .least = VHOST_USER_INFLIGHT_SIZE, .most = sizeof(struct vhost_user_inflight)

const struct vhost_user_step vhost_user_steps[VHOST_USER_STEPS] = {
	{ STEP(GET_FEATURES), .answered = take_features, NUMBER },
	{ STEP(GET_PROTOCOL_FEATURES), .answered = take_protocol_features, NUMBER },
	{ STEP(SET_PROTOCOL_FEATURES), .fill = fill_protocol_features },
	{ STEP(SET_OWNER), .fill = NULL },
	{ STEP(GET_QUEUE_NUM), .answered = take_queue_num, NUMBER,
	  .needs = PROTOCOL_FEATURE(MQ) },
	{ STEP(GET_CONFIG), .fill = fill_config, .answered = take_config, CONFIG },
	[VHOST_USER_DRIVER] = { STEP(SET_FEATURES), .fill = fill_features, .acknowledged = true },
	{ STEP(SET_MEM_TABLE), .fill = fill_memory, .done = has_memory, .acknowledged = true },
	{ STEP(GET_INFLIGHT_FD), .fill = fill_wanted_inflight, .answered = take_inflight,
	  INFLIGHT, .fds = 1, .needs = PROTOCOL_FEATURE(INFLIGHT_SHMFD), .done = has_inflight },
	{ STEP(SET_INFLIGHT_FD), .fill = fill_inflight,
	  .needs = PROTOCOL_FEATURE(INFLIGHT_SHMFD), .acknowledged = true },
};

static void fill_state(struct vhost_user_outgoing *out, const struct vhost_user_queue *queue,
		       uint32_t number)
{
	out->payload.state = (struct vhost_vring_state) {
		.index = queue->remote.queue->index,
		.num = number,
	};
	out->size = sizeof(out->payload.state);
}

static void fill_vring_num(const struct vhost_user *user, const struct vhost_user_queue *queue,
			   struct vhost_user_outgoing *out)
{
	(void)user;
	fill_state(out, queue, queue->remote.queue->size);
}

static void fill_vring_base(const struct vhost_user *user, const struct vhost_user_queue *queue,
			    struct vhost_user_outgoing *out)
{
	(void)user;
	fill_state(out, queue, queue->remote.queue->base);
}

static void fill_vring_enable(const struct vhost_user *user,
			      const struct vhost_user_queue *queue, struct vhost_user_outgoing *out)
{
	(void)user;
	fill_state(out, queue, 1);
}

static void fill_vring_address(const struct vhost_user *user,
			       const struct vhost_user_queue *queue,
			       struct vhost_user_outgoing *out)
{
	(void)user;
	out->payload.address.index = queue->remote.queue->index;
	remote_queue_address(queue->remote.queue, &out->payload.address);
	out->size = sizeof(out->payload.address);
}

static void fill_file(struct vhost_user_outgoing *out, const struct vhost_user_queue *queue, int fd)
{
	fill_number(out, queue->remote.queue->index | (fd < 0 ? VHOST_USER_VRING_NO_FD : 0));
	out->fds[0] = fd;
	out->fd_count = fd >= 0;
}

static void fill_vring_err(const struct vhost_user *user, const struct vhost_user_queue *queue,
			   struct vhost_user_outgoing *out)
{
	(void)user;
	fill_file(out, queue, queue->remote.error);
}

static void fill_vring_call(const struct vhost_user *user, const struct vhost_user_queue *queue,
			    struct vhost_user_outgoing *out)
{
	(void)user;
	fill_file(out, queue, queue->remote.queue->call);
}

static void fill_vring_kick(const struct vhost_user *user, const struct vhost_user_queue *queue,
			    struct vhost_user_outgoing *out)
{
	(void)user;
	fill_file(out, queue, queue->remote.queue->kick);
}

const struct vhost_user_step vhost_user_queue_steps[VHOST_USER_QUEUE_STEPS] = {
	{ STEP(SET_VRING_NUM), .fill = fill_vring_num },
	{ STEP(SET_VRING_BASE), .fill = fill_vring_base },
	{ STEP(SET_VRING_ADDR), .fill = fill_vring_address },
	{ STEP(SET_VRING_ERR), .fill = fill_vring_err },
	{ STEP(SET_VRING_CALL), .fill = fill_vring_call },
	{ STEP(SET_VRING_KICK), .fill = fill_vring_kick },
	{ STEP(SET_VRING_ENABLE), .fill = fill_vring_enable, .acknowledged = true },
};

const struct vhost_user_step vhost_user_call_step = {
	STEP(SET_VRING_CALL), .fill = fill_vring_call
};

static void fill_stop(const struct vhost_user *user, const struct vhost_user_queue *queue,
		      struct vhost_user_outgoing *out)
{
	(void)queue;
	out->payload.state.index = user->stopped.index;
	out->size = sizeof(out->payload.state);
}

static const char *take_base(struct vhost_user *user)
{
	if (user->message.payload.state.index != user->stopped.index)
		return "another queue has stopped";
	user->stopped.num = user->message.payload.state.num;
	return NULL;
}

const struct vhost_user_step vhost_user_stop_step = {
	STEP(GET_VRING_BASE), .fill = fill_stop, .answered = take_base, NUMBER
};

/**
 * vhost_user_has() - was a protocol feature negotiated?
 * @user: the backend
 * @protocol_feature: enum vhost_user_protocol_feature
 *
 * Return: true if it was.
 */
bool vhost_user_has(const struct vhost_user *user, unsigned int protocol_feature)
{
	return user->protocol_features & 1ULL << protocol_feature;
}
