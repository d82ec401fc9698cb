/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device at its socket: front ends come one after the other.
 */
#ifndef VQVMM_BRIDGE_SERVER_H
#define VQVMM_BRIDGE_SERVER_H

#include "bridge/device.h"
#include "bridge/session.h"
#include "machine/loop.h"

/**
 * struct server - a device at its socket
 * @device: the device
 * @name: of the socket, for messages
 * @path: of the socket, NULL if it was passed
 * @listener: socket that listens, or -1
 * @loop: watches it
 * @session: with the front end that is there, or NULL
 * @ended: called when no front end will come any more
 * @opaque: for @ended
 */
struct server {
	struct bridge_device device;
	char *name;
	const char *path;
	int listener;
	struct loop *loop;
	struct session *session;
	void (*ended)(void *opaque);
	void *opaque;
};

int server_open(struct server *server, const struct device_options *options);
int server_start(struct server *server, struct loop *loop);
void server_close(struct server *server);

#endif /* VQVMM_BRIDGE_SERVER_H */
