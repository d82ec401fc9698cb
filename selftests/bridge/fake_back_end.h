/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A back end in a thread, that remembers what it was told, and makes a mistake if wanted.
 */
#ifndef SELFTESTS_BRIDGE_FAKE_BACK_END_H
#define SELFTESTS_BRIDGE_FAKE_BACK_END_H

#include <pthread.h>
#include <linux/vhost.h>

#include "vhost_user/message.h"

#define FAKE_QUEUES 2

/**
 * enum mistake_kind - what is wrong with an answer
 * @MISTAKE_NONE: nothing
 * @MISTAKE_SILENT: there is none
 * @MISTAKE_END: the connection ends instead
 * @MISTAKE_HALF_HEADER: it ends in the header
 * @MISTAKE_HALF_PAYLOAD: it ends in the payload
 * @MISTAKE_SLOW: it comes byte by byte, and is never complete
 * @MISTAKE_SHORT: it has no payload
 * @MISTAKE_LONG: it is too long
 * @MISTAKE_HUGE: it says that it is as long as can be said
 * @MISTAKE_VERSION: it is of no version
 * @MISTAKE_QUESTION: it is no answer
 * @MISTAKE_OTHER: something else is answered
 * @MISTAKE_FD: there is a file descriptor more
 * @MISTAKE_NO_FD: there is none
 * @MISTAKE_TWICE: it is given twice
 * @MISTAKE_VALUE: it is &struct fake_back_end.wrong
 * @MISTAKE_LENGTH: of a configuration, it tells another length than asked for
 */
enum mistake_kind {
	MISTAKE_NONE,
	MISTAKE_SILENT,
	MISTAKE_END,
	MISTAKE_HALF_HEADER,
	MISTAKE_HALF_PAYLOAD,
	MISTAKE_SLOW,
	MISTAKE_SHORT,
	MISTAKE_LONG,
	MISTAKE_HUGE,
	MISTAKE_VERSION,
	MISTAKE_QUESTION,
	MISTAKE_OTHER,
	MISTAKE_FD,
	MISTAKE_NO_FD,
	MISTAKE_TWICE,
	MISTAKE_VALUE,
	MISTAKE_LENGTH,
};

/**
 * struct mistake - a mistake
 * @name: what is wrong
 * @request: in the answer to which, also if that only says that it was done
 * @kind: how
 * @wrong: number for MISTAKE_VALUE
 */
struct mistake {
	char name[40];
	uint32_t request;
	enum mistake_kind kind;
	uint64_t wrong;
};

/**
 * struct fake_vring - what is known of a vring
 * @size: descriptors
 * @base: as told
 * @address: as told
 * @kick: eventfd or -1
 * @call: the same
 * @enabled: it is
 */
struct fake_vring {
	unsigned int size;
	uint32_t base;
	struct vhost_vring_addr address;
	int kick;
	int call;
	bool enabled;
};

/**
 * struct fake_back_end - a back end
 * @path: where it listens
 * @features: that it offers
 * @protocol_features: the same
 * @queues: as many as it says
 * @config: its configuration
 * @stopped_base: how far each queue has come when it is asked
 * @mistake: that it makes
 * @lock: guards what follows
 * @listener: socket, -1 if nobody listens
 * @socket: of the connection, -1 if there is none
 * @connections: so many there were
 * @asked: how often each request has come, in this connection
 * @driver_features: as told
 * @memory: the first region of guest memory
 * @regions: how many
 * @inflight_fd: the buffer that was handed over, or -1
 * @inflight_given: so many buffers were made
 * @vrings: as told
 * @thread: serves one connection after the other
 */
struct fake_back_end {
	char path[64];
	uint64_t features;
	uint64_t protocol_features;
	uint64_t queues;
	uint8_t config[VHOST_USER_CONFIG_SIZE];
	uint32_t stopped_base;
	struct mistake mistake;
	pthread_mutex_t lock;
	int listener;
	int socket;
	unsigned int connections;
	unsigned int asked[VHOST_USER_REQUESTS];
	uint64_t driver_features;
	struct vhost_user_region memory;
	unsigned int regions;
	int inflight_fd;
	unsigned int inflight_given;
	struct fake_vring vrings[FAKE_QUEUES];
	pthread_t thread;
};

void fake_back_end_init(struct fake_back_end *back);
void fake_back_end_start(struct fake_back_end *back);
void fake_back_end_stop(struct fake_back_end *back);
void fake_back_end_set_mistake(struct fake_back_end *back, const struct mistake *mistake);
void fake_back_end_hang_up(struct fake_back_end *back);
bool fake_back_end_serves(struct fake_back_end *back, unsigned int queues);
unsigned int fake_back_end_asked(struct fake_back_end *back, uint32_t request);

#endif /* SELFTESTS_BRIDGE_FAKE_BACK_END_H */
