/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vhost ioctls, as functions: <linux/vhost.h>, docs/uapi.md.
 */
#ifndef VQVMM_BACKEND_VHOST_CONTROL_H
#define VQVMM_BACKEND_VHOST_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vhost.h>

#include "backend/store.h"

int vhost_control(int fd, unsigned long request, void *argument);
int vhost_set_state(int fd, unsigned int vring, unsigned long request, unsigned int value);
int vhost_set_file(int fd, unsigned int vring, unsigned long request, int file);
int vhost_get_base(int fd, unsigned int vring, uint32_t *base);
int vhost_set_store(int fd, unsigned int vring, const struct store *store, bool on);
int vhost_set_serial(int fd, const struct store *store);

#endif /* VQVMM_BACKEND_VHOST_CONTROL_H */
