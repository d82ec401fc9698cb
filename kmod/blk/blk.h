/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of vqhost_blk.ko share.
 *
 * The life of a request
 * ---------------------
 * The queue's thread takes a chain and parses it (queue.c).  What needs no I/O
 * is answered at once.  For anything else the thread takes an entry of the
 * request table, struct blk_io, which from then on belongs in turn to
 *
 * - the store, while a read or write is under way (io.c), or the queue's work
 *   item for flush, discard and write zeroes (slow.c);
 * - the list of completed requests, where blk_io_completed() puts it from
 *   whatever context, also from interrupts;
 * - the thread again, which takes the whole list, writes the status bytes,
 *   stages the used entries and publishes them together.
 *
 * Entries are found by a free list and not by the chain's head: a driver that
 * makes a head available twice confuses none but itself.
 */
#ifndef VQHOST_BLK_BLK_H
#define VQHOST_BLK_BLK_H

#include <linux/fs.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "../core/trace.h"
#include "../core/vqhost.h"
#include "request.h"

/* Chains taken before the used entries are published. */
#define BLK_BATCH 64U

/*
 * Bytes of their data after which no more are taken: through the page cache they
 * have been copied by then, however little memory the driver names for them.
 */
#define BLK_BATCH_BYTES (4ULL << 20)

/**
 * struct blk_backend - the store behind a queue
 * @file: the queue holds a reference
 * @cred: of the task that set the backend; all I/O is done with them
 * @superblock: of a regular file, protected against freezing while written;
 *	NULL for a block device
 * @sectors: capacity, in units of 512 bytes
 * @readonly: nothing may be written
 * @direct: opened with O_DIRECT
 * @offset_mask: direct I/O wants offsets and lengths with these bits 0
 * @memory_mask: direct I/O wants addresses with these bits 0
 */
struct blk_backend {
	struct file *file;
	const struct cred *cred;
	struct super_block *superblock;
	u64 sectors;
	bool readonly;
	bool direct;
	unsigned int offset_mask;
	unsigned int memory_mask;
};

/**
 * struct blk_ranges - what a discard or write zeroes works on
 * @count: of @range
 * @range: checked
 */
struct blk_ranges {
	unsigned int count;
	struct blk_range range[];
};

/**
 * struct blk_kept - what has to be known of a read or write when it completes
 * @redo: do it once more if it fails: its thread is being killed, and may have been
 *	stopped in the middle of submitting it
 * @position: in the store
 * @count: of @vectors
 * @vectors: its data, in addresses of the owner
 */
struct blk_kept {
	bool redo;
	loff_t position;
	unsigned int count;
	struct iovec vectors[];
};

/**
 * struct blk_reply - what it takes to answer a request
 * @status: guest address of the status byte
 * @status_byte: with an IOTLB: where that is, else NULL
 * @taken_at: vqhost_trace_time() when its chain was taken
 * @type: VIRTIO_BLK_T_*
 * @id: of the chain
 */
struct blk_reply {
	u64 status;
	u8 __user *status_byte;
	u64 taken_at;
	u32 type;
	u16 id;
};

/**
 * struct blk_io - an entry of a queue's request table
 * @iocb: of a read or write
 * @ranges: of a discard or write zeroes
 * @node: in the free list, the slow list or the list of completed requests
 * @queue: whose table this is
 * @kept: what is needed when it completes to log what was read, or to do it once
 *	more; NULL if nothing is
 * @reply: how to answer it
 * @length: bytes of data to be moved
 * @result: bytes moved, or -errno
 */
struct blk_io {
	union {
		struct kiocb iocb;
		struct blk_ranges *ranges;
	};
	struct llist_node node;
	struct vqhost_queue *queue;
	struct blk_kept *kept;
	struct blk_reply reply;
	u32 length;
	int result;
};

/**
 * struct blk_queue - &struct vqhost_queue.private of this device type
 * @backend: the store
 * @limits: what requests are checked against, as of blk_queue_start()
 * @direct: reads and writes go past the page cache
 * @table: request table, as many entries as the queue has descriptors
 * @free: entries that are not in use; &struct vqhost_counters.in_flight are
 * @vectors: the data of the request at hand, in addresses of the owner: the
 *	store needs them only while a request is submitted
 * @vectors_count: room in @vectors
 * @slow_work: works off @slow
 * @rcu: the last completion may still be on its way out of here
 * @submitting: the thread is going to look at @completed anyhow
 * @slow: requests for @slow_work
 * @completed: requests for the thread
 *
 * All but the last two belong to the thread.
 */
struct blk_queue {
	struct blk_backend backend;
	struct blk_limits limits;
	bool direct;
	struct blk_io *table;
	struct llist_node *free;
	struct iovec *vectors;
	unsigned int vectors_count;
	struct work_struct slow_work;
	struct rcu_head rcu;
	bool submitting;
	struct llist_head slow;
	struct llist_head completed ____cacheline_aligned_in_smp;
};

/**
 * struct blk_device - &struct vqhost_device.private of this device type
 * @slow_workqueue: works off &struct blk_queue.slow of all queues.  A workqueue
 *	has a limit of items under way: a store that stalls uses up that of its
 *	own device
 * @lock: protects @serial
 * @serial: answer to VIRTIO_BLK_T_GET_ID
 */
struct blk_device {
	struct workqueue_struct *slow_workqueue;
	spinlock_t lock;	/* protects @serial */
	u8 serial[VIRTIO_BLK_ID_BYTES];
};

/* main.c */
void blk_device_serial(struct vqhost_device *device, u8 serial[VIRTIO_BLK_ID_BYTES]);

/* backend.c */
int blk_backend_get(struct blk_backend *backend, int fd, bool readonly);
void blk_backend_put(struct blk_backend *backend);

/* queue.c */
int blk_queue_start(struct vqhost_queue *queue, void *backend);
void blk_queue_stop(struct vqhost_queue *queue);
int blk_queue_run(struct vqhost_queue *queue);
bool blk_queue_ready(struct vqhost_queue *queue, enum vqhost_run state);
bool blk_queue_drain(struct vqhost_queue *queue);
size_t blk_queue_memory(const struct vqhost_queue *queue);
void blk_io_completed(struct blk_io *io, long result);

/* io.c */
void blk_iocb_init(struct kiocb *iocb, const struct blk_queue *blk, bool write);
int blk_io_submit(struct blk_io *io, const struct blk_request *request);
int blk_io_redo(struct blk_io *io);

/* transfer.c */
ssize_t blk_transfer_bounced(const struct kiocb *request, struct iov_iter *data);
int blk_transfer_zeroes(struct blk_queue *blk, loff_t offset, u64 length);

/* slow.c */
void blk_slow_submit(struct blk_io *io);
void blk_slow_work(struct work_struct *work);

#endif /* VQHOST_BLK_BLK_H */
