/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints, documented in docs/observing.md: names and fields are an interface,
 * what is added is added at the end.
 *
 * Each event says which queue of which device it is about.  The device's number is
 * that of debugfs; a process may own several.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vqhost

#if !defined(VQHOST_CORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VQHOST_CORE_TRACE_H

#include <linux/ktime.h>
#include <linux/tracepoint.h>
#include <linux/virtio_blk.h>

#include "core/vqhost.h"

/* What request_submit and request_complete call a packet, beside VIRTIO_BLK_T_*. */
#define VQHOST_TRACE_RECEIVE	0x1000000
#define VQHOST_TRACE_TRANSMIT	0x1000001

#define VQHOST_TRACE_KIND_SIZE 12
#define VQHOST_TRACE_CAUSE_SIZE 40

/* For programs that decode records, which do not know our names. */
TRACE_DEFINE_ENUM(VQHOST_RUN_AGAIN);
TRACE_DEFINE_ENUM(VQHOST_RUN_EMPTY);
TRACE_DEFINE_ENUM(VQHOST_RUN_BACKEND);
TRACE_DEFINE_ENUM(VQHOST_RUN_MISS);

#define VQHOST_QUEUE_FIELDS \
	__field(u32, device) \
	__array(char, kind, VQHOST_TRACE_KIND_SIZE) \
	__field(int, owner) \
	__field(u32, queue)

#define VQHOST_QUEUE_ASSIGN(from) \
	do { \
		__entry->device = (from)->device->number; \
		strscpy(__entry->kind, (from)->device->type->name, VQHOST_TRACE_KIND_SIZE); \
		__entry->owner = (from)->device->owner_pid; \
		__entry->queue = (from)->index; \
	} while (0)

#define VQHOST_QUEUE_FORMAT "device=%u kind=%s owner=%d queue=%u"
#define VQHOST_QUEUE_ARGUMENTS \
	__entry->device, __entry->kind, __entry->owner, __entry->queue

#define vqhost_show_run(result) \
	__print_symbolic(result, \
		{ VQHOST_RUN_AGAIN, "again" }, \
		{ VQHOST_RUN_EMPTY, "empty" }, \
		{ VQHOST_RUN_BACKEND, "backend" }, \
		{ VQHOST_RUN_MISS, "miss" }, \
		{ -1, "broken" })

#define vqhost_show_type(type) \
	__print_symbolic(type, \
		{ VIRTIO_BLK_T_IN, "read" }, \
		{ VIRTIO_BLK_T_OUT, "write" }, \
		{ VIRTIO_BLK_T_FLUSH, "flush" }, \
		{ VIRTIO_BLK_T_GET_ID, "get_id" }, \
		{ VIRTIO_BLK_T_DISCARD, "discard" }, \
		{ VIRTIO_BLK_T_WRITE_ZEROES, "write_zeroes" }, \
		{ VQHOST_TRACE_RECEIVE, "receive" }, \
		{ VQHOST_TRACE_TRANSMIT, "transmit" })

TRACE_EVENT(vqhost_queue_start,
	TP_PROTO(const struct vqhost_queue *queue),
	TP_ARGS(queue),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, size)
		__field(u32, base)
		__field(bool, packed)
		__field(int, thread)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->size = queue->size;
		__entry->base = queue->base;
		__entry->packed = vqhost_has_feature(queue->device, VIRTIO_F_RING_PACKED);
		__entry->thread = queue->thread_pid;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " size=%u base=%#x packed=%d thread=%d",
		  VQHOST_QUEUE_ARGUMENTS, __entry->size, __entry->base, __entry->packed,
		  __entry->thread)
);

TRACE_EVENT(vqhost_queue_stop,
	TP_PROTO(const struct vqhost_queue *queue),
	TP_ARGS(queue),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, base)
		__field(u32, error)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->base = queue->base;
		__entry->error = queue->ring.error;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " base=%#x error=%u",
		  VQHOST_QUEUE_ARGUMENTS, __entry->base, __entry->error)
);

TRACE_EVENT(vqhost_kick,
	TP_PROTO(const struct vqhost_queue *queue, bool wakes),
	TP_ARGS(queue, wakes),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(bool, wakes)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->wakes = wakes;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " wakes=%d", VQHOST_QUEUE_ARGUMENTS, __entry->wakes)
);

TRACE_EVENT(vqhost_batch_begin,
	TP_PROTO(const struct vqhost_queue *queue),
	TP_ARGS(queue),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u64, chains)
		__field(u32, staged)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->chains = queue->counters.chains;
		__entry->staged = queue->ring.staged_count;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " chains=%llu staged=%u",
		  VQHOST_QUEUE_ARGUMENTS, __entry->chains, __entry->staged)
);

TRACE_EVENT(vqhost_batch_end,
	TP_PROTO(const struct vqhost_queue *queue, int result),
	TP_ARGS(queue, result),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u64, chains)
		__field(u32, staged)
		__field(int, result)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->chains = queue->counters.chains;
		__entry->staged = queue->ring.staged_count;
		__entry->result = result < 0 ? -1 : result;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " chains=%llu staged=%u result=%s",
		  VQHOST_QUEUE_ARGUMENTS, __entry->chains, __entry->staged,
		  vqhost_show_run(__entry->result))
);

TRACE_EVENT(vqhost_request_submit,
	TP_PROTO(const struct vqhost_queue *queue, u16 id, u32 type, u64 sector, u64 bytes),
	TP_ARGS(queue, id, type, sector, bytes),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, id)
		__field(u32, type)
		__field(u64, sector)
		__field(u64, bytes)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->id = id;
		__entry->type = type;
		__entry->sector = sector;
		__entry->bytes = bytes;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " id=%u type=%s sector=%llu bytes=%llu",
		  VQHOST_QUEUE_ARGUMENTS, __entry->id, vqhost_show_type(__entry->type),
		  __entry->sector, __entry->bytes)
);

TRACE_EVENT(vqhost_request_complete,
	TP_PROTO(const struct vqhost_queue *queue, u16 id, u32 type, u64 bytes, int status,
		 u64 taken_at),
	TP_ARGS(queue, id, type, bytes, status, taken_at),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, id)
		__field(u32, type)
		__field(u64, bytes)
		__field(int, status)
		__field(u64, latency_ns)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->id = id;
		__entry->type = type;
		__entry->bytes = bytes;
		__entry->status = status;
		__entry->latency_ns = taken_at ? ktime_get_ns() - taken_at : 0;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " id=%u type=%s bytes=%llu status=%d latency_ns=%llu",
		  VQHOST_QUEUE_ARGUMENTS, __entry->id, vqhost_show_type(__entry->type),
		  __entry->bytes, __entry->status, __entry->latency_ns)
);

TRACE_EVENT(vqhost_notify,
	TP_PROTO(const struct vqhost_queue *queue, unsigned int chains, bool called),
	TP_ARGS(queue, chains, called),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, chains)
		__field(bool, called)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->chains = chains;
		__entry->called = called;
	),
	TP_printk(VQHOST_QUEUE_FORMAT " chains=%u called=%d",
		  VQHOST_QUEUE_ARGUMENTS, __entry->chains, __entry->called)
);

TRACE_EVENT(vqhost_malformed,
	TP_PROTO(const struct vqhost_queue *queue),
	TP_ARGS(queue),
	TP_STRUCT__entry(
		VQHOST_QUEUE_FIELDS
		__field(u32, error)
		__array(char, cause, VQHOST_TRACE_CAUSE_SIZE)
	),
	TP_fast_assign(
		VQHOST_QUEUE_ASSIGN(queue);
		__entry->error = queue->ring.error;
		strscpy(__entry->cause, virtqueue_error_name(queue->ring.error),
			VQHOST_TRACE_CAUSE_SIZE);
	),
	TP_printk(VQHOST_QUEUE_FORMAT " error=%u cause=\"%s\"",
		  VQHOST_QUEUE_ARGUMENTS, __entry->error, __entry->cause)
);

#ifndef TRACE_HEADER_MULTI_READ
/* When a request is taken: the time for vqhost_request_complete, 0 while that is off. */
static inline u64 vqhost_trace_time(void)
{
	return trace_vqhost_request_complete_enabled() ? ktime_get_ns() : 0;
}
#endif

#endif /* VQHOST_CORE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH core
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
