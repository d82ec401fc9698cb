/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vqhost: what /dev/vqhost-net and /dev/vqhost-blk offer beyond <linux/vhost.h>.
 *
 * Both devices take the ioctls of <linux/vhost.h> with their mainline meaning;
 * nothing here changes any of them.  /dev/vqhost-net needs nothing from this
 * header: it is driven as /dev/vhost-net is, by VHOST_NET_SET_BACKEND, with
 * queue 0 for receive and queue 1 for transmit.
 *
 * Versions: what there is keeps its number, place and meaning for ever.  Additions
 * get new numbers, or follow at the end of a structure that tells its size, and
 * raise VQHOST_API_VERSION; "since" tells the version in which something appeared.
 * Reserved fields must be 0 and are checked.
 */
#ifndef _UAPI_LINUX_VQHOST_H
#define _UAPI_LINUX_VQHOST_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/vhost.h>

#define VQHOST_API_VERSION 3

/*
 * Both devices take the ioctls for workers of Linux 6.5, on any kernel: here they
 * are for those who build with older headers.
 */
#ifndef VHOST_NEW_WORKER
struct vhost_worker_state {
	unsigned int worker_id;
};

struct vhost_vring_worker {
	unsigned int index;
	unsigned int worker_id;
};

#define VHOST_NEW_WORKER _IOR(VHOST_VIRTIO, 0x8, struct vhost_worker_state)
#define VHOST_FREE_WORKER _IOW(VHOST_VIRTIO, 0x9, struct vhost_worker_state)
#define VHOST_ATTACH_VRING_WORKER _IOW(VHOST_VIRTIO, 0x15, struct vhost_vring_worker)
#define VHOST_GET_VRING_WORKER _IOWR(VHOST_VIRTIO, 0x16, struct vhost_vring_worker)
#endif

/*
 * VQHOST_GET_API_VERSION - which version of this header the module speaks
 *
 * Writes a __u32, at least 1.  Needs no owner.  Since 1.
 * Errors: EFAULT.
 */
#define VQHOST_GET_API_VERSION _IOR(VHOST_VIRTIO, 0xD0, __u32)

/**
 * struct vqhost_blk_backend - the file or block device behind a queue
 * @index: queue, 0 to VQHOST_BLK_QUEUES_MAX - 1
 * @fd: a regular file or a block device, or -1 to stop the queue.  It must be
 *	open for reading, and for writing, without O_APPEND, unless
 *	VQHOST_BLK_READONLY is given.  With O_DIRECT, data moves between the
 *	store and guest memory without a copy; without it, it passes through
 *	the page cache.  So it does if the store's blocks are larger than 512
 *	bytes and VIRTIO_BLK_F_BLK_SIZE was not negotiated; if it was, requests
 *	for parts of a block end in VIRTIO_BLK_S_IOERR.  The queue holds its
 *	own reference, and does I/O with the caller's credentials.
 * @flags: VQHOST_BLK_*
 * @reserved: 0
 *
 * All fields since 1.
 */
struct vqhost_blk_backend {
	__u32 index;
	__s32 fd;
	__u32 flags;
	__u32 reserved;
};

/* Writes, discards and write-zeroes end in VIRTIO_BLK_S_IOERR.  Since 1. */
#define VQHOST_BLK_READONLY (1 << 0)

/* Queues of one /dev/vqhost-blk file.  Since 1. */
#define VQHOST_BLK_QUEUES_MAX 64

/*
 * VQHOST_BLK_SET_BACKEND - start or stop a queue of /dev/vqhost-blk
 *
 * The counterpart of VHOST_NET_SET_BACKEND.  Starting needs everything that a
 * net queue needs (owner, memory table, vring size, base, addresses); the
 * device's size is taken from the file at this moment.  Setting another file
 * on a running queue replaces it: requests taken before are completed on the
 * old one first.  Stopping completes every request already taken, then
 * VHOST_GET_VRING_BASE tells where to go on.  The queues of a device
 * normally share one file.  A store that cannot discard ignores it, one that
 * cannot write zeroes by itself has them written.  Since 1.
 *
 * Errors: EPERM no or another owner; ENOBUFS no such queue; EBADF bad fd or
 * its open mode; EINVAL flags, reserved, or neither regular file nor block
 * device; EFAULT argument, ring addresses or memory table not set or not
 * accessible; ENOMEM.
 */
#define VQHOST_BLK_SET_BACKEND _IOW(VHOST_VIRTIO, 0xD1, struct vqhost_blk_backend)

/**
 * struct vqhost_blk_serial - what VIRTIO_BLK_T_GET_ID answers
 * @serial: padded with 0; all 20 bytes may be used (virtio 1.2, 5.2.6)
 *
 * Since 1.
 */
struct vqhost_blk_serial {
	__u8 serial[20];
};

/*
 * VQHOST_BLK_SET_SERIAL - set the device's identity, empty by default
 *
 * May be called at any time by the owner; holds for requests taken afterwards.
 * Since 1.
 * Errors: EPERM, EFAULT.
 */
#define VQHOST_BLK_SET_SERIAL _IOW(VHOST_VIRTIO, 0xD2, struct vqhost_blk_serial)

/* Causes for which a queue can break, room for those to come included.  Since 2. */
#define VQHOST_BREAKS 32

/**
 * struct vqhost_vring_stats - what a queue has done since its device was opened
 * @index: in: the queue
 * @size: in: sizeof(struct vqhost_vring_stats) of the caller; out: bytes filled.
 *	A caller built against another version gets the fields both know.
 * @error: why the queue is broken, 0 while it is not: the values of enum
 *	virtqueue_error in docs/uapi.md
 * @running: 1 while the queue has a backend, else 0
 * @chains: descriptor chains given back to the driver
 * @bytes: payload bytes moved for them, either direction
 * @kicks: notifications received from the driver
 * @calls: notifications sent to the driver
 * @batches: publications of used entries; @chains / @batches is the mean batch
 * @polls_found: times polling found work before the queue went to sleep
 * @polls_dry: times polling found nothing and the queue went to sleep
 * @sleeps: times the queue's thread went to sleep
 * @errors: requests that ended in an error status, packets that were dropped
 * @memory: bytes of kernel memory held for this queue, without its thread's
 *	stack: ring state, chain buffers, request table
 * @misses: addresses that the owner was asked for by VHOST_IOTLB_MISS
 *
 * All fields to here since 1, all that follow since 2.
 *
 * @requests: requests answered, packets sent, received or dropped; a received
 *	packet may take several chains, a dropped one none
 * @calls_suppressed: publications after which no notification was sent, because the
 *	driver wanted none or there is no call eventfd: @batches - @calls
 * @ring_empty: times the queue had done all that was available in the ring; of a
 *	receive queue, times a packet found too few buffers
 * @ring_full: publications before which the driver had nothing left to add with:
 *	as many chains under way as the ring has descriptors, or, packed, as
 *	many descriptors
 * @backend_waits: times nothing could be done before the backend was ready: no
 *	packet from the tap, a tap that takes none, a disk with as many requests
 *	under way as the ring has descriptors
 * @errors_malformed: of @errors, those the driver asked for: a request beyond the end
 *	of the disk, of no whole sectors, or that writes to one that is read-only; a
 *	packet too short, too long or with a bad header; one that does not fit
 *	the buffers it was to be received in
 * @errors_unsupported: requests of a type that is not known, was not negotiated, or
 *	that the store does not know
 * @errors_backend: requests that the store failed, packets that the tap refused
 * @errors_memory: guest memory that could not be accessed, or no kernel memory.
 *	The four sum up to @errors
 * @in_flight: requests under way in the store at this moment; 0 for the network
 * @busy_ns: nanoseconds in which the queue was served, held or polled, or waited
 *	for its thread to do so
 * @wait_ns: nanoseconds in which the queue slept, napped or was parked.  Both go
 *	on while the queue runs, and their sum is the time for which it did.
 *	Queues that share a worker are busy at the same time
 * @breaks: times the queue broke, by @error.  What has no value yet is counted in
 *	the last one
 */
struct vqhost_vring_stats {
	__u32 index;
	__u32 size;
	__u32 error;
	__u32 running;
	__u64 chains;
	__u64 bytes;
	__u64 kicks;
	__u64 calls;
	__u64 batches;
	__u64 polls_found;
	__u64 polls_dry;
	__u64 sleeps;
	__u64 errors;
	__u64 memory;
	__u64 misses;

	__u64 requests;
	__u64 calls_suppressed;
	__u64 ring_empty;
	__u64 ring_full;
	__u64 backend_waits;
	__u64 errors_malformed;
	__u64 errors_unsupported;
	__u64 errors_backend;
	__u64 errors_memory;
	__u64 in_flight;
	__u64 busy_ns;
	__u64 wait_ns;
	__u64 breaks[VQHOST_BREAKS];
};

/*
 * VQHOST_GET_VRING_STATS - read a queue's counters
 *
 * The counters of a running queue are read without stopping it: each is right
 * for itself, two need not be of the same instant.  Since 1.
 * Errors: EPERM no or another owner; ENOBUFS no such queue; EINVAL @size below
 * 16; EFAULT.
 *
 * An ioctl's number contains the size of what is named here: it is that of
 * version 1 for ever, so that every program works with every module.
 */
#define VQHOST_GET_VRING_STATS _IOWR(VHOST_VIRTIO, 0xD3, __u64[13])

/**
 * struct vqhost_vring_position - where it is kept how far a queue has come
 * @index: queue
 * @reserved: 0
 * @address: of a __u64 in the caller's memory, aligned to 8; 0 for none
 *
 * All fields since 3.
 */
struct vqhost_vring_position {
	__u32 index;
	__u32 reserved;
	__u64 address;
};

/* In the __u64 beside the base: it is known. */
#define VQHOST_POSITION_KNOWN (1ULL << 32)

/*
 * VQHOST_SET_VRING_POSITION - keep how far a queue has come, for whoever is next
 *
 * While the queue runs the __u64 is 0.  When it is stopped, or its owner ends or is
 * killed, and all that was taken is completed, it is what VHOST_GET_VRING_BASE would
 * tell, and VQHOST_POSITION_KNOWN.  It stays 0 if the queue is broken.  If the memory
 * is shared with another process, that one can have the ring go on, also a packed one,
 * which does not tell by itself where that is.  What cannot be written is left.  Since 3.
 *
 * Errors: EPERM no or another owner; ENOBUFS no such queue; EINVAL reserved, alignment;
 * EFAULT.
 */
#define VQHOST_SET_VRING_POSITION _IOW(VHOST_VIRTIO, 0xD4, struct vqhost_vring_position)

#endif /* _UAPI_LINUX_VQHOST_H */
