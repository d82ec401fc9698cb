/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vqhost.ko offers to the modules of a device type.
 *
 * A device type (net, blk) registers a character device whose files are
 * devices.  The core serves the vhost ioctls, owns the guest memory map and
 * the queues' threads; the type supplies the functions of
 * &struct vqhost_device_type, above all run(), the datapath of one queue.
 * chains and batches are counted by vqhost_queue_publish(), requests, bytes,
 * errors and what is in flight by the type.
 *
 * Who owns a queue
 * ----------------
 * Exactly one context owns a queue at any moment:
 *
 * - the thread of its worker, from vqhost_queue_unpark() on until it gives the
 *   queue up, or
 * - a control call that holds &struct vqhost_device.mutex and has parked the
 *   queue (vqhost_queue_park()), or found it parked, as it is from the beginning.
 *
 * A thread gives a queue up when a control call asks for it, or when its process
 * has been killed.  It calls drain() before, so that a control call never meets
 * I/O in flight, and goes on with its other queues.  Fields below are marked with
 * their owner: "thread" as above; "mutex": written under the device's mutex with
 * the queue parked, so readable from both sides; "wakers": any context.
 */
#ifndef VQHOST_CORE_VQHOST_H
#define VQHOST_CORE_VQHOST_H

#include <linux/completion.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/vhost_iotlb.h>
#include <linux/vqhost.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "../virtqueue/virtqueue.h"
#include "iotlb.h"

struct vqhost_device;
struct vqhost_queue;
struct vqhost_worker;

/**
 * struct vqhost_log - where an owner is told which pages of its guest were written
 * @base: of the bitmap, in the owner's address space
 * @event: eventfd signalled after pages were logged, or NULL
 */
struct vqhost_log {
	void __user *base;
	struct eventfd_ctx *event;
};

/**
 * struct guest_memory - a queue's view of its device's memory map
 * @map: guest addresses to addresses of the owner, shared by all queues; with an
 *	IOTLB it translates nothing, but still tells what is guest memory
 * @last: the region that served the previous translation, or NULL; always NULL with
 *	an IOTLB
 * @translations: what has been looked up in the IOTLB, NULL without one
 * @log: what is written through descriptors has to be logged (VHOST_F_LOG_ALL),
 *	there; NULL if it need not
 */
struct guest_memory {
	struct vhost_iotlb *map;
	struct vhost_iotlb_map *last;
	struct vqhost_translations *translations;
	struct vqhost_log *log;
};

/**
 * enum vqhost_run - what a queue's thread does after run()
 * @VQHOST_RUN_AGAIN: progress was made and there may be more: call again
 * @VQHOST_RUN_EMPTY: no chain is available: poll the ring, then ask the driver
 *	to kick and sleep; work of the backend wakes the thread as well
 * @VQHOST_RUN_BACKEND: nothing can be done before the backend is ready: poll
 *	ready(), then sleep without asking the driver to kick
 * @VQHOST_RUN_MISS: an address is not mapped in the IOTLB, and the owner has been
 *	asked for it (-EINPROGRESS): sleep until it is; work of the backend wakes
 *	the thread as well
 */
enum vqhost_run {
	VQHOST_RUN_AGAIN,
	VQHOST_RUN_EMPTY,
	VQHOST_RUN_BACKEND,
	VQHOST_RUN_MISS,
};

/**
 * enum vqhost_phase - what a thread does with a queue when it comes to it
 * @VQHOST_PHASE_RUN: call run()
 * @VQHOST_PHASE_HOLD: look whether there is more, with used entries staged
 * @VQHOST_PHASE_NAP: another task wants the CPU: look when
 *	&struct vqhost_poll.until has come, or when woken
 * @VQHOST_PHASE_POLL: look whether there is more
 * @VQHOST_PHASE_ARM: ask for wake-ups: never between two rounds
 * @VQHOST_PHASE_ASLEEP: nothing before it is woken
 * @VQHOST_PHASE_DRAIN: wait for I/O in flight, then give the queue up
 */
enum vqhost_phase {
	VQHOST_PHASE_RUN,
	VQHOST_PHASE_HOLD,
	VQHOST_PHASE_NAP,
	VQHOST_PHASE_POLL,
	VQHOST_PHASE_ARM,
	VQHOST_PHASE_ASLEEP,
	VQHOST_PHASE_DRAIN,
};

/**
 * struct vqhost_waiter - calls wake up a queue's thread when a file is ready
 * @queue: whose thread
 * @table: used once, to attach
 * @entry: in the file's wait queue
 * @head: the file's wait queue, NULL while detached
 * @events: EPOLL* of interest
 * @is_kick: the file is the queue's kick eventfd
 * @armed: the thread sleeps, or is about to, until this file is ready
 */
struct vqhost_waiter {
	struct vqhost_queue *queue;
	poll_table table;
	wait_queue_entry_t entry;
	wait_queue_head_t *head;
	__poll_t events;
	bool is_kick;
	bool armed;
};

/**
 * struct vqhost_poll - adaptive polling of one queue
 * @limit_ns: longest time to poll, 0 = never; set by the owner ("mutex")
 * @window_ns: how long the next poll lasts ("thread"), as all that follows
 * @since: local_clock() when the queue ran dry
 * @until: when holding or polling ends
 * @gap_ns: how long the next chain usually takes to come, at most @limit_ns
 * @held_since: local_clock() at which holding staged entries began, 0 if none are
 * @holding: holding has paid lately
 * @hold_gained: something came while the present ones were held
 * @hold_misses: times nothing came, in a row
 * @hold_passed: publications since holding was last tried
 * @hold_interval: publications until it is tried again
 * @nap_began_with: chains handled when the latest nap ended, if that is still to
 *	be judged
 * @nap_ended: it is
 */
struct vqhost_poll {
	u64 limit_ns;
	u64 window_ns;
	u64 since;
	u64 until;
	u64 gap_ns;
	u64 held_since;
	bool holding;
	bool hold_gained;
	unsigned int hold_misses;
	unsigned int hold_passed;
	unsigned int hold_interval;
	u64 nap_began_with;
	bool nap_ended;
};

/* However long it could go on, this many used entries are published at once. */
#define VQHOST_PUBLISH_BATCH 32U

/**
 * enum vqhost_error - why a request ended in an error, or a packet was dropped
 * @VQHOST_ERROR_MALFORMED: the driver asked for what cannot be done
 * @VQHOST_ERROR_UNSUPPORTED: or for what this device does not know
 * @VQHOST_ERROR_BACKEND: the store failed, the tap refused
 * @VQHOST_ERROR_MEMORY: guest memory is not accessible, or the kernel has none
 * @VQHOST_ERRORS: how many there are
 */
enum vqhost_error {
	VQHOST_ERROR_MALFORMED,
	VQHOST_ERROR_UNSUPPORTED,
	VQHOST_ERROR_BACKEND,
	VQHOST_ERROR_MEMORY,
	VQHOST_ERRORS,
};

/**
 * struct vqhost_counters - statistics, written by the thread alone
 * @chains: given back to the driver
 * @requests: answered; packets sent, received or dropped
 * @bytes: payload moved, either direction
 * @batches: publications of used entries
 * @calls: sent to the driver
 * @in_flight: requests under way: no count of events
 * @ring_empty: times run() had done all that was available
 * @ring_full: publications before which the driver had no descriptor left
 * @backend_waits: times run() could do nothing before the backend was ready
 * @polls_found: polls that found work
 * @polls_dry: polls that found nothing
 * @sleeps: times the thread went to sleep
 * @misses: addresses that the owner was asked for
 * @run_time: stopwatch, see stats.c: the queue is running ("mutex")
 * @wait_time: stopwatch: meanwhile it sleeps, naps or is parked
 * @errors: requests that ended in an error, packets dropped, by cause
 * @breaks: times the ring broke, by enum virtqueue_error
 * @kicks: received from the driver; written by the wakers, who are serialised
 *	by the lock of the kick eventfd's wait queue
 *
 * What is written for each request or batch is in the first cache line.
 */
struct vqhost_counters {
	u64 chains;
	u64 requests;
	u64 bytes;
	u64 batches;
	u64 calls;
	u64 in_flight;
	u64 ring_empty;
	u64 ring_full;
	u64 backend_waits;
	u64 polls_found;
	u64 polls_dry;
	u64 sleeps;
	u64 misses;
	s64 run_time;
	s64 wait_time;
	u64 errors[VQHOST_ERRORS];
	u64 breaks[VQHOST_BREAKS];
	u64 kicks ____cacheline_aligned_in_smp;
};

/* Add to a counter of which one is the only writer; others may read it meanwhile. */
static inline void vqhost_count(u64 *counter, u64 more)
{
	WRITE_ONCE(*counter, *counter + more);
}

/**
 * struct vqhost_queue - one virtqueue
 * @ring: the virtqueue ("thread")
 * @memory: what @ring.memory points to
 * @device: to which it belongs
 * @index: in the device
 * @worker: whose thread serves the queue, NULL until it has one ("mutex")
 * @thread: of @worker, for wakers, who may see the one before; NULL at first ("mutex")
 * @thread_pid: the same, for those who look
 * @parked: the thread has given the queue up, so a control call owns it ("mutex")
 * @wanted: a control call asks for the queue
 * @given_up: completed whenever the thread gives the queue up
 * @node: in a list of @worker, see there
 * @phase: what comes next ("thread")
 * @state: what run() returned last, if the queue is dry ("thread")
 * @wake: bit 0: the thread must look again before it sleeps ("wakers")
 * @woken_at: local_clock() when what the thread waits for came, if it did not find it
 *	by itself ("wakers")
 * @call: eventfd that notifies the driver, or NULL ("mutex")
 * @error: eventfd signalled when the queue breaks, or NULL ("mutex")
 * @kick: the driver's notifications, or NULL ("mutex")
 * @kick_waiter: attached to @kick while the queue runs ("mutex")
 * @backend_waiter: for the type; detached by the core after stop() ("mutex")
 * @size: as set by the owner ("mutex")
 * @base: where to start, see &struct virtqueue_config.base ("mutex")
 * @address: ring addresses; all 0 until set ("mutex")
 * @position: where it is kept how far the queue has come, or NULL ("mutex")
 * @positioned: it is there, and to be taken away before the queue goes on
 * @running: a backend is set and @ring is initialised ("mutex")
 * @waiting: &struct vqhost_counters.wait_time goes on ("thread")
 * @noted: it has been counted that @ring is broken ("thread")
 * @reported: the owner has been told ("thread")
 * @unresolved: the areas of @ring are to be looked up before it is touched ("thread")
 * @miss: what @memory waits for
 * @logged: pages were logged since the log's event was signalled ("thread")
 * @poll: adaptive polling
 * @counters: statistics
 * @private: the type's
 * @rcu: whoever calls vqhost_queue_wake() under rcu_read_lock(), with work that
 *	drain() waits for, may still be in it when the queue is freed
 */
struct vqhost_queue {
	struct device_virtqueue ring;
	struct guest_memory memory;
	struct vqhost_device *device;
	unsigned int index;
	struct vqhost_worker *worker;
	struct task_struct *thread;
	pid_t thread_pid;
	bool parked;
	bool wanted;
	struct completion given_up;
	struct list_head node;
	enum vqhost_phase phase;
	enum vqhost_run state;
	unsigned long wake ____cacheline_aligned_in_smp;
	u64 woken_at;
	struct eventfd_ctx *call ____cacheline_aligned_in_smp;
	struct eventfd_ctx *error;
	struct file *kick;
	struct vqhost_waiter kick_waiter;
	struct vqhost_waiter backend_waiter;
	u32 size;
	u32 base;
	struct vhost_vring_addr address;
	u64 __user *position;
	bool positioned;
	bool running;
	bool waiting;
	bool noted;
	bool reported;
	bool unresolved;
	struct vqhost_miss miss;
	bool logged;
	struct vqhost_poll poll;
	struct vqhost_counters counters;
	void *private;
	struct rcu_head rcu;
};

/**
 * struct vqhost_device_type - a kind of device
 * @name: of the character device and in messages
 * @features: every feature bit that works, core and type
 * @queues_max: number of queues of a device
 * @device_open: allocate what &struct vqhost_device.private holds; optional
 * @device_release: free it; all queues are stopped; optional
 * @ioctl: what the core does not know; -ENOIOCTLCMD for what the type does not
 *	know either.  Called with the device's mutex held.
 * @start: prepare a queue for run(): allocate request tables for
 *	&struct vqhost_queue.size, attach the backend waiter.  The ring is
 *	initialised, the thread parked.  @backend is what was passed to
 *	vqhost_queue_start(); the type owns it when start() has returned 0.
 * @stop: undo start(): the thread is parked and drained
 * @run: handle one bounded batch.  Called by the thread on the owner's mm; may
 *	sleep, must not for longer than its I/O needs.  Returns enum vqhost_run,
 *	or -errno after virtqueue_break() or a failed virtqueue call.  Used
 *	entries it leaves staged are published when the driver has no more to
 *	add to them, see poll.c.
 * @ready: what the thread polls besides the ring, given what run() returned:
 *	is there work from the backend?  Cheap, no side effects; optional.
 *	Called once more after the thread announced that it is going to sleep.
 * @drain: stage what has completed of the I/O in flight, also on a broken ring;
 *	false if some is left: then called again after a wake-up.  Called by the
 *	thread before it gives the queue up; does not wait; optional
 * @memory: bytes the type holds for a queue; optional
 */
struct vqhost_device_type {
	const char *name;
	u64 features;
	unsigned int queues_max;
	int (*device_open)(struct vqhost_device *device);
	void (*device_release)(struct vqhost_device *device);
	long (*ioctl)(struct vqhost_device *device, unsigned int cmd, void __user *argument);
	int (*start)(struct vqhost_queue *queue, void *backend);
	void (*stop)(struct vqhost_queue *queue);
	int (*run)(struct vqhost_queue *queue);
	bool (*ready)(struct vqhost_queue *queue, enum vqhost_run state);
	bool (*drain)(struct vqhost_queue *queue);
	size_t (*memory)(const struct vqhost_queue *queue);
};

/**
 * struct vqhost_device - an open file of a device type
 * @type: its kind
 * @mutex: serialises control calls; protects everything marked "mutex"
 * @number: never used twice while the module is loaded
 * @node: in the list of all devices, see debugfs.c
 * @owner_pid: process that called VHOST_SET_OWNER, in the initial namespace, or 0
 *	("mutex", and the lock of that list)
 * @owner_name: of that process, or empty; as @owner_pid
 * @mm: its address space, or NULL without an owner ("mutex")
 * @features: as negotiated ("mutex": run() may read them, they change only
 *	while every thread is parked)
 * @map: guest memory map, or NULL ("mutex")
 * @iotlb: what takes its place with VIRTIO_F_ACCESS_PLATFORM
 * @log: the dirty log ("mutex")
 * @queues: allocated at the first control call that names them ("mutex"; read by
 *	those who look under rcu_read_lock())
 * @workers: by id ("mutex")
 * @private: the type's
 */
struct vqhost_device {
	const struct vqhost_device_type *type;
	struct mutex mutex;	/* protects everything marked "mutex" */
	u32 number;
	struct list_head node;
	pid_t owner_pid;
	char owner_name[TASK_COMM_LEN];
	struct mm_struct *mm;
	u64 features;
	struct vhost_iotlb *map;
	struct vqhost_iotlb iotlb;
	struct vqhost_log log;
	struct vqhost_queue **queues;
	struct xarray workers;
	void *private;
};

/**
 * struct vqhost_registration - a registered device type
 * @misc: its character device
 * @type: the kind of device that its files are
 */
struct vqhost_registration {
	struct miscdevice misc;
	const struct vqhost_device_type *type;
};

/*
 * The features of the core itself: a type adds its own, also VIRTIO_F_IN_ORDER if
 * it pushes all chains in the order in which it took them.
 */
#define VQHOST_RING_FEATURES (BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			      BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | \
			      BIT_ULL(VIRTIO_F_ANY_LAYOUT) | \
			      BIT_ULL(VIRTIO_F_VERSION_1) | \
			      BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | \
			      BIT_ULL(VIRTIO_F_RING_PACKED) | \
			      BIT_ULL(VIRTIO_F_RING_RESET) | \
			      BIT_ULL(VHOST_F_LOG_ALL))

/*
 * What decides about the format of a ring, or where it lies: fixed while a queue of the
 * device runs.
 */
#define VQHOST_FORMAT_FEATURES (BIT_ULL(VIRTIO_F_RING_PACKED) | \
				BIT_ULL(VIRTIO_F_IN_ORDER) | \
				BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

static inline bool vqhost_has_feature(const struct vqhost_device *device, unsigned int bit)
{
	return device->features & BIT_ULL(bit);
}

/* For the file operations of a type, whose .owner is the type's module. */
#define VQHOST_FILE_OPERATIONS \
	.open		= vqhost_device_open, \
	.release	= vqhost_device_release, \
	.unlocked_ioctl	= vqhost_device_ioctl, \
	.compat_ioctl	= compat_ptr_ioctl, \
	.read_iter	= vqhost_device_read_iter, \
	.write_iter	= vqhost_device_write_iter, \
	.poll		= vqhost_device_poll, \
	.llseek		= noop_llseek

int vqhost_device_open(struct inode *inode, struct file *file);
int vqhost_device_release(struct inode *inode, struct file *file);
long vqhost_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
ssize_t vqhost_device_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t vqhost_device_write_iter(struct kiocb *iocb, struct iov_iter *from);
__poll_t vqhost_device_poll(struct file *file, poll_table *table);

int vqhost_register(struct vqhost_registration *registration);
void vqhost_unregister(struct vqhost_registration *registration);

/* For a type's ioctl(), with the device's mutex held. */
int vqhost_check_owner(struct vqhost_device *device);
struct vqhost_queue *vqhost_queue_get(struct vqhost_device *device, u32 index);
int vqhost_queue_start(struct vqhost_queue *queue, void *backend);
void vqhost_queue_stop(struct vqhost_queue *queue);
void vqhost_queue_park(struct vqhost_queue *queue);
void vqhost_queue_unpark(struct vqhost_queue *queue);

/* From any context, also interrupts. */
void vqhost_queue_wake(struct vqhost_queue *queue);

/* For start() and stop(). */
int vqhost_waiter_attach(struct vqhost_waiter *waiter, struct vqhost_queue *queue,
			 struct file *file, __poll_t events);
void vqhost_waiter_detach(struct vqhost_waiter *waiter);

/* For run() and drain(). */
int guest_memory_write_translated(struct guest_memory *memory, void __user *to, const void *from,
				  size_t length);
void vqhost_count_error(struct vqhost_queue *queue, int err);
int vqhost_queue_publish(struct vqhost_queue *queue);
int vqhost_queue_publish_batch(struct vqhost_queue *queue);
int vqhost_log_vectors(struct vqhost_queue *queue, const struct iovec *vectors, size_t length);

#endif /* VQHOST_CORE_VQHOST_H */
