// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that change guest memory, and the dirty log, which has to be as large.
 *
 * While memory goes away no vring is served: then nothing is in flight to or from it.
 */
#include "bridge/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vhost.h>

/* Guest memory that a byte of the log stands for. */
#define BYTE_COVERS (8ULL * VHOST_PAGE_SIZE)

/* The kernel sets the bits of all guest memory, and of nothing else. */
static bool log_suffices(uint64_t size, const struct memory *memory)
{
	uint64_t end = memory_end(memory);

	return !end || (end - 1) / BYTE_COVERS < size;
}

/* Tell the kernel device of the memory.  0; -1, reported. */
static int tell_table(struct session *session, const struct memory *memory)
{
	struct vhost_memory *table;
	int err = -ENOMEM;

	if (session->context.logged && !log_suffices(session->log_size, memory))
		return session_fail(session, "the dirty log is too small for it");
	table = memory_table(memory);
	if (table)
		err = bridge_device_control(session->device, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err ? session_fail(session, "%s", strerror(-err)) : 0;
}

/* Map the regions of the message.  0; -1, reported. */
static int map_table(struct session *session, struct memory *memory)
{
	const union vhost_user_payload *payload = &session->message.payload;
	uint32_t count = payload->table.count, i;
	const char *problem;

	if (count > VHOST_USER_TABLE_REGIONS || session->message.fd_count != count ||
	    session->message.header.size != offsetof(union vhost_user_payload,
						     table.regions[count]))
		return session_fail(session, "%u regions, %u file descriptors, %u bytes", count,
				    session->message.fd_count, session->message.header.size);
	for (i = 0; i < count; i++) {
		problem = memory_add(memory, &payload->table.regions[i], session->message.fds[i]);
		if (problem)
			return session_fail(session, "region %u %s", i, problem);
	}
	return 0;
}

/**
 * session_set_table() - SET_MEM_TABLE
 * @session: has the message
 *
 * Return: 0; -1, reported.
 */
int session_set_table(struct session *session)
{
	struct memory memory = {};

	if (map_table(session, &memory)) {
		memory_clear(&memory);
		return -1;
	}
	session_stop_vrings(session);
	if (tell_table(session, &memory)) {
		memory_clear(&memory);
		return -1;
	}
	memory_clear(&session->context.memory);
	session->context.memory = memory;
	return session_update_vrings(session);
}

/**
 * session_add_region() - ADD_MEM_REG
 * @session: has the message
 *
 * QEMU 7.2 sends it for each pair of queues; so it does the next one.
 * Return: 0; -1, reported.
 */
int session_add_region(struct session *session)
{
	const struct vhost_user_region *region = &session->message.payload.one.region;
	struct memory *memory = &session->context.memory;
	const char *problem;

	if (session->message.fd_count != 1)
		return session_fail(session, "not one file descriptor");
	if (memory_has(memory, region))
		return 0;
	problem = memory_add(memory, region, session->message.fds[0]);
	if (problem)
		return session_fail(session, "the region %s", problem);
	if (tell_table(session, memory))
		return -1;
	return session_update_vrings(session);
}

/**
 * session_remove_region() - REM_MEM_REG
 * @session: has the message
 *
 * Return: 0; -1, reported.
 */
int session_remove_region(struct session *session)
{
	const struct vhost_user_region *region = &session->message.payload.one.region;
	struct memory *memory = &session->context.memory;

	if (!memory_has(memory, region))
		return 0;
	session_stop_vrings(session);
	memory_remove(memory, region);
	if (tell_table(session, memory))
		return -1;
	return session_update_vrings(session);
}

/* What is to be logged may have been said before there was a log.  0 or -errno. */
static int begin_log(struct session *session)
{
	unsigned int i;
	int err;

	session->context.logged = true;
	err = session_tell_features(session);
	for (i = 0; i < session->device->vrings && !err; i++) {
		if (vring_update_address(&session->vrings[i], &session->context))
			err = -EFAULT;
	}
	return err;
}

/**
 * session_set_log() - SET_LOG_BASE
 * @session: has the message
 *
 * Return: 0; -1, reported.
 */
int session_set_log(struct session *session)
{
	uint64_t size = session->message.payload.log.size, base, nothing = 0;
	struct mapping log;
	const char *problem;
	int err;

	if (session->message.fd_count != 1)
		return session_fail(session, "not one file descriptor");
	if (!log_suffices(size, &session->context.memory))
		return session_fail(session, "the log is too small for guest memory");
	problem = mapping_create(&log, session->message.fds[0],
				 session->message.payload.log.offset, size);
	if (problem)
		return session_fail(session, "the log %s", problem);
	base = (uintptr_t)log.start;
	err = bridge_device_control(session->device, VHOST_SET_LOG_BASE, &base);
	if (err) {
		/* Some files may have it already: none uses it any more. */
		session_stop_vrings(session);
		mapping_destroy(&log);
		return session_fail(session, "%s", strerror(-err));
	}
	mapping_destroy(&session->log);
	session->log = log;
	session->log_size = size;
	err = session->context.logged ? 0 : begin_log(session);
	if (err)
		return session_fail(session, "%s", strerror(-err));
	return session_reply(session, &nothing, sizeof(nothing), -1);
}
