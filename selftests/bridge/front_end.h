/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A front end, and the bridge's side of its connection in a thread.
 */
#ifndef SELFTESTS_BRIDGE_FRONT_END_H
#define SELFTESTS_BRIDGE_FRONT_END_H

#include <pthread.h>

#include "bridge/server.h"
#include "machine/loop.h"
#include "vhost_user/message.h"

/* Guest memory of the front end: where its guest and where itself has it. */
#define GUEST_ADDRESS 0x100000ULL
#define USER_ADDRESS 0x7f0000000000ULL
#define GUEST_SIZE (1ULL << 20)

/* Where a ring of RING_SIZE descriptors lies in it. */
#define RING_SIZE 64
#define DESCRIPTORS 0x1000
#define AVAIL 0x2000
#define USED 0x3000

/**
 * struct front_end - a front end
 * @socket: its end of the connection
 * @memory: file of guest memory
 * @server: the bridge's side
 * @loop: of the bridge's side
 * @thread: runs @loop
 * @running: the thread is to be joined
 */
struct front_end {
	int socket;
	int memory;
	struct server server;
	struct loop *loop;
	pthread_t thread;
	bool running;
};

void front_end_begin(struct front_end *front);
void front_end_end(struct front_end *front);
bool front_end_was_refused(struct front_end *front);

void send_message(struct front_end *front, uint32_t request, uint32_t flags,
		  const void *payload, uint32_t size, const int *fds, unsigned int count);
uint32_t receive_reply(struct front_end *front, uint32_t request, void *payload, uint32_t size,
		       int *fd);

void tell(struct front_end *front, uint32_t request, uint64_t number);
uint64_t ask(struct front_end *front, uint32_t request);
uint64_t tell_acknowledged(struct front_end *front, uint32_t request, const void *payload,
			   uint32_t size, int fd);
void negotiate(struct front_end *front, uint64_t features);
void give_memory(struct front_end *front);
void set_up_vring(struct front_end *front, unsigned int index);
void start_vring(struct front_end *front, unsigned int index);
void enable_vring(struct front_end *front, unsigned int index, unsigned int on);
void synchronise(struct front_end *front);

#endif /* SELFTESTS_BRIDGE_FRONT_END_H */
