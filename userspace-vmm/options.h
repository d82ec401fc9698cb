/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line.  The tables in options.c are parser, help text, the
 * options section of the manual page and completion at once: an option is one row.
 */
#ifndef VQVMM_OPTIONS_H
#define VQVMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "option_values.h"

/**
 * enum backend_kind - where a device's queues are served
 * @BACKEND_USER: by the main loop, under the machine lock
 * @BACKEND_VHOST: by a kernel device that speaks vhost
 * @BACKEND_VHOST_USER: by another process that speaks vhost-user; disks only
 */
enum backend_kind {
	BACKEND_USER,
	BACKEND_VHOST,
	BACKEND_VHOST_USER,
};

/**
 * struct disk_options - a --disk
 * @path: file or block device; with BACKEND_VHOST_USER NULL
 * @backend: where it is served
 * @device: with BACKEND_VHOST the kernel device
 * @socket: with BACKEND_VHOST_USER where the process listens
 * @queues: number of queues
 * @queue_size: entries of each, a power of 2
 * @readonly: the guest may not write
 * @readonly_set: @readonly was given
 * @serial: identity shown to the guest, up to 20 characters, or NULL
 * @packed: the guest may use packed rings
 * @poll_us: how long a queue polls before it sleeps, in microseconds
 * @poll_set: @poll_us was given
 */
struct disk_options {
	const char *path;
	enum backend_kind backend;
	const char *device;
	const char *socket;
	unsigned int queues;
	unsigned int queue_size;
	bool readonly;
	bool readonly_set;
	const char *serial;
	bool packed;
	unsigned int poll_us;
	bool poll_set;
};

/**
 * struct net_options - a --net
 * @tap: name of the tap
 * @mac: the guest's address
 * @mac_set: @mac was given
 * @backend: where it is served
 * @device: with BACKEND_VHOST the kernel device
 * @queues: number of queue pairs
 * @queue_size: entries of each queue, a power of 2
 * @packed: the guest may use packed rings
 * @rss: the guest may choose which receive queue a packet goes to
 * @poll_us: how long a queue polls before it sleeps, in microseconds
 * @poll_set: @poll_us was given
 */
struct net_options {
	const char *tap;
	uint8_t mac[6];
	bool mac_set;
	enum backend_kind backend;
	const char *device;
	unsigned int queues;
	unsigned int queue_size;
	bool packed;
	bool rss;
	unsigned int poll_us;
	bool poll_set;
};

/**
 * struct options - what "run" was asked to do
 * @kernel: path of the bzImage
 * @initrd: path of the initial RAM disk, or NULL
 * @cmdline: the kernel's command line, possibly empty
 * @cpus: number of vCPUs
 * @memory: bytes of guest memory, a multiple of the page size
 * @name: of the machine, the process and its threads, or NULL
 * @disks: @disk_count of them
 * @disk_count: number of disks
 * @nets: @net_count of them
 * @net_count: number of network interfaces
 * @storage: strings taken apart; everything else may point there
 * @storage_count: number of strings
 */
struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	unsigned int cpus;
	uint64_t memory;
	const char *name;
	struct disk_options *disks;
	unsigned int disk_count;
	struct net_options *nets;
	unsigned int net_count;
	char **storage;
	unsigned int storage_count;
};

/**
 * options_parse() - read the options of "run"
 * @options: is filled; options_free() frees what hangs from it, also on failure
 * @arguments: what follows "run", ends with NULL; must outlive @options
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int options_parse(struct options *options, char **arguments);

/**
 * options_free() - free what hangs from options
 * @options: from options_parse()
 */
void options_free(struct options *options);

/**
 * options_help() - print the help text
 * @to: where
 */
void options_help(FILE *to);

/**
 * options_manual() - print the options section of the manual page, in troff
 * @to: where
 */
void options_manual(FILE *to);

/**
 * options_completion() - print what bash may complete after "vqvmm run"
 * @to: where
 */
void options_completion(FILE *to);

#endif /* VQVMM_OPTIONS_H */
