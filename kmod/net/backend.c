// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the socket behind a file descriptor of a tap or macvtap queue.
 */
#include <linux/file.h>
#include <linux/if_tap.h>

#include "net.h"

/**
 * net_backend_get() - take a tap or macvtap queue
 * @backend: filled if it succeeds
 * @fd: open on /dev/net/tun or on a macvtap's /dev/tapN
 *
 * Context: process context.
 * Return: 0; -ENOTSOCK for any other file or none, as mainline.
 */
int net_backend_get(struct net_backend *backend, int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return -ENOTSOCK;
	backend->file = file;
	backend->socket = tun_get_socket(file);
	backend->ring = tun_get_tx_ring(file);
	if (IS_ERR(backend->socket) || IS_ERR(backend->ring)) {
		backend->socket = tap_get_socket(file);
		backend->ring = tap_get_ptr_ring(file);
	}
	if (IS_ERR(backend->socket) || IS_ERR(backend->ring)) {
		fput(file);
		return -ENOTSOCK;
	}
	return 0;
}

/**
 * net_backend_put() - give a backend back
 * @backend: from net_backend_get()
 *
 * Context: process context.
 */
void net_backend_put(struct net_backend *backend)
{
	fput(backend->file);
}
