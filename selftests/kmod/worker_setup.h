/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workers and the queues of a disk that they serve.
 */
#ifndef SELFTESTS_KMOD_WORKER_SETUP_H
#define SELFTESTS_KMOD_WORKER_SETUP_H

#include "blk_setup.h"

#define WORKER_QUEUES 4
#define NO_WORKER 0x7ffffff0

int worker_new(int fd);
int worker_free(int fd, unsigned int id);
int worker_attach(int fd, unsigned int index, unsigned int id);
int worker_of(int fd, unsigned int index);
bool worker_threads_end(pid_t pid);
int worker_start(struct vhost_queue *queue, int store);
int worker_start_shared(struct vhost_device *device, struct vhost_queue *queues, int store);
bool worker_data_moves(struct vhost_queue *queues, unsigned int count, unsigned int seed);

#endif /* SELFTESTS_KMOD_WORKER_SETUP_H */
