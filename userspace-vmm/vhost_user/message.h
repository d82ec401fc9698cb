/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of the vhost-user protocol ("Message Specification"): how they lie in
 * memory, and how they come and go.  For both ends: vqhost-bridge is a back end
 * (bridge/), vqvmm is a front end (backend/vhost_user.h).
 *
 * A message is taken from the socket as it arrives, and nothing waits for the rest
 * of it: a peer that stops in the middle stops nobody else.
 */
#ifndef VQVMM_VHOST_USER_MESSAGE_H
#define VQVMM_VHOST_USER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vhost_types.h>

/* Requests of a front end, those that an end of ours knows. */
enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_REQUESTS
};

/* Flags of the header. */
#define VHOST_USER_VERSION 0x1
#define VHOST_USER_VERSION_MASK 0x3
#define VHOST_USER_REPLY (1U << 2)
#define VHOST_USER_NEED_REPLY (1U << 3)

/* The feature bit that says that there are protocol features. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

enum vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_F_MQ = 0,
	VHOST_USER_PROTOCOL_F_LOG_SHMFD = 1,
	VHOST_USER_PROTOCOL_F_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_F_CONFIG = 9,
	VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD = 12,
	VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
	VHOST_USER_PROTOCOL_F_STATUS = 16,
};

/* Of the payload of SET_VRING_KICK, _CALL and _ERR. */
#define VHOST_USER_VRING_INDEX 0xffU
#define VHOST_USER_VRING_NO_FD (1U << 8)

/* Regions of one SET_MEM_TABLE, and so the most file descriptors of a message. */
#define VHOST_USER_TABLE_REGIONS 8

/* Bytes of a configuration space. */
#define VHOST_USER_CONFIG_SIZE 256

/**
 * struct vhost_user_region - a region of guest memory
 * @guest_address: where the guest has it
 * @size: bytes
 * @user_address: where the front end has it
 * @offset: where it begins in its file
 */
struct vhost_user_region {
	uint64_t guest_address;
	uint64_t size;
	uint64_t user_address;
	uint64_t offset;
};

/**
 * struct vhost_user_inflight - a buffer that survives the back end
 * @size: bytes
 * @offset: where it begins in its file
 * @queues: vrings that have a part of it
 * @queue_size: of each of them
 */
struct vhost_user_inflight {
	uint64_t size;
	uint64_t offset;
	uint16_t queues;
	uint16_t queue_size;
};

/* Its bytes: some front ends send what a compiler adds behind, others do not. */
#define VHOST_USER_INFLIGHT_SIZE 20U

/**
 * union vhost_user_payload - what follows the header
 * @number: of requests that say one thing
 * @state: of SET_VRING_NUM and others
 * @address: of SET_VRING_ADDR
 * @table: of SET_MEM_TABLE
 * @one: of ADD_MEM_REG and REM_MEM_REG
 * @log: of SET_LOG_BASE
 * @config: of GET_CONFIG and SET_CONFIG
 * @inflight: of GET_INFLIGHT_FD and SET_INFLIGHT_FD
 */
union vhost_user_payload {
	uint64_t number;
	struct vhost_vring_state state;
	struct vhost_vring_addr address;
	struct {
		uint32_t count;
		uint32_t padding;
		struct vhost_user_region regions[VHOST_USER_TABLE_REGIONS];
	} table;
	struct {
		uint64_t padding;
		struct vhost_user_region region;
	} one;
	struct {
		uint64_t size;
		uint64_t offset;
	} log;
	struct {
		uint32_t offset;
		uint32_t size;
		uint32_t flags;
		uint8_t bytes[VHOST_USER_CONFIG_SIZE];
	} config;
	struct vhost_user_inflight inflight;
};

/**
 * struct vhost_user_header - the beginning of a message
 * @request: enum vhost_user_request, any value
 * @flags: VHOST_USER_VERSION and flags
 * @size: bytes of the payload
 */
struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

/**
 * struct message - a message
 * @header: its header
 * @payload: its payload
 * @received: bytes of both that have arrived
 * @fds: file descriptors that came with it, -1 for those taken out
 * @fd_count: how many came
 */
struct message {
	struct vhost_user_header header;
	union vhost_user_payload payload;
	size_t received;
	int fds[VHOST_USER_TABLE_REGIONS];
	unsigned int fd_count;
};

int message_receive(struct message *message, int socket, bool reply);
const char *message_problem(int err);
int message_take_fd(struct message *message, unsigned int index);
void message_clear(struct message *message);
int message_send(int socket, const struct vhost_user_header *header, const void *payload,
		 const int *fds, unsigned int count);
int message_reply(int socket, const struct message *request, const void *payload,
		  uint32_t size, int fd);

#endif /* VQVMM_VHOST_USER_MESSAGE_H */
