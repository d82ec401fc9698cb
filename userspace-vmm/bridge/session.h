/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection to a front end, and what it has set up.  Whatever a front end does that
 * it may not do ends its connection, with one line that says why, and nothing else.
 */
#ifndef VQVMM_BRIDGE_SESSION_H
#define VQVMM_BRIDGE_SESSION_H

#include "bridge/device.h"
#include "bridge/memory.h"
#include "bridge/vring.h"
#include "machine/loop.h"
#include "vhost_user/message.h"

#define PROTOCOL_FEATURE(name) (1ULL << VHOST_USER_PROTOCOL_F_##name)

/* All that works. */
#define PROTOCOL_FEATURES (PROTOCOL_FEATURE(MQ) | PROTOCOL_FEATURE(LOG_SHMFD) | \
			   PROTOCOL_FEATURE(REPLY_ACK) | PROTOCOL_FEATURE(CONFIG) | \
			   PROTOCOL_FEATURE(INFLIGHT_SHMFD) | \
			   PROTOCOL_FEATURE(CONFIGURE_MEM_SLOTS) | PROTOCOL_FEATURE(STATUS))

/**
 * struct session - a connection
 * @device: that the front end uses, alone
 * @name: of the socket, for messages
 * @socket: of the connection
 * @loop: which watches it
 * @ended: called when the connection has to be given up: session_destroy() is next
 * @opaque: for @ended
 * @message: the one that is arriving
 * @request: name of the one that is handled, or NULL
 * @features: as chosen by the driver
 * @protocol_features: as chosen by the front end
 * @status: of the device, as the front end keeps it
 * @context: memory and format of the vrings
 * @vrings: &struct bridge_device.vrings of them
 * @inflight: what is kept of packed rings
 * @log: the dirty log
 * @log_size: bytes of it
 */
struct session {
	struct bridge_device *device;
	const char *name;
	int socket;
	struct loop *loop;
	void (*ended)(void *opaque);
	void *opaque;
	struct message message;
	const char *request;
	uint64_t features;
	uint64_t protocol_features;
	uint8_t status;
	struct vring_context context;
	struct bridge_vring *vrings;
	struct mapping inflight;
	struct mapping log;
	uint64_t log_size;
};

int session_create(struct bridge_device *device, const char *name, int socket,
		   struct loop *loop, struct session **out);
void session_destroy(struct session *session);
int session_fail(const struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int session_reply(struct session *session, const void *payload, uint32_t size, int fd);
int session_update_vrings(struct session *session);
void session_stop_vrings(struct session *session);
int session_tell_features(struct session *session);

/* requests.c */
int session_handle(struct session *session);

/* table.c */
int session_set_table(struct session *session);
int session_add_region(struct session *session);
int session_remove_region(struct session *session);
int session_set_log(struct session *session);

/* inflight.c */
int session_get_inflight(struct session *session);
int session_set_inflight(struct session *session);

#endif /* VQVMM_BRIDGE_SESSION_H */
