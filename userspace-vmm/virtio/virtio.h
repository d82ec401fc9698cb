/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtio devices of a machine: what main.c calls.
 *
 * Context of all functions: before the vCPUs run, or after they ended.
 */
#ifndef VQVMM_VIRTIO_VIRTIO_H
#define VQVMM_VIRTIO_VIRTIO_H

struct disk_options;
struct machine;
struct net_options;
struct virtio_blk;
struct virtio_net;

/**
 * virtio_net_create() - plug in a network interface
 * @machine: has memory, loop and PCI bus
 * @options: as given by the user; needed only during the call
 * @out: receives the device; virtio_net_destroy() removes it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.  On
 * failure nothing is left behind.
 */
int virtio_net_create(struct machine *machine, const struct net_options *options,
		      struct virtio_net **out);

/**
 * virtio_net_destroy() - stop and remove a network interface
 * @net: may be NULL
 */
void virtio_net_destroy(struct virtio_net *net);

/**
 * virtio_blk_create() - plug in a disk
 * @machine: has memory, loop and PCI bus
 * @options: as given by the user; needed only during the call
 * @out: receives the device; virtio_blk_destroy() removes it
 *
 * Return: 0; OPTION_REJECTED, reported; another -errno, not reported.  On
 * failure nothing is left behind.
 */
int virtio_blk_create(struct machine *machine, const struct disk_options *options,
		      struct virtio_blk **out);

/**
 * virtio_blk_destroy() - complete all I/O, remove the disk
 * @blk: may be NULL
 */
void virtio_blk_destroy(struct virtio_blk *blk);

#endif /* VQVMM_VIRTIO_VIRTIO_H */
