/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network device with a dirty log, and buffers of which is known what is written.
 */
#ifndef SELFTESTS_KMOD_LOG_NET_H
#define SELFTESTS_KMOD_LOG_NET_H

#include "log_setup.h"
#include "net_setup.h"

/* Frames at once: their receive buffers fit into the ring. */
#define LOG_NET_BATCH 6U

/**
 * struct log_net - a network device with a log
 * @net: both queues run, their rings in guest memory
 * @log: is not kept yet
 * @is_mainline: the device is mainline's
 * @mergeable: a packet may take several buffers
 */
struct log_net {
	struct net_setup net;
	struct log_setup log;
	bool is_mainline;
	bool mergeable;
};

int log_net_open(struct log_net *guest, const struct net_variant *variant, unsigned int swap);
void log_net_close(struct log_net *guest);
int log_net_start(struct log_net *guest);
int log_net_stop(struct log_net *guest);
int log_net_switch(struct log_net *guest, bool on);

int log_net_add_buffer(struct log_net *guest, uint64_t address, uint32_t length);
int log_net_add_batch(struct log_net *guest, unsigned int *lengths);
int log_net_send_batch(struct log_net *guest, const unsigned int *lengths, unsigned int number);
int log_net_run_batch(struct log_net *guest, unsigned int number);
int log_net_send_to_guest(struct log_net *guest, unsigned int length, unsigned int number);

#endif /* SELFTESTS_KMOD_LOG_NET_H */
