// SPDX-License-Identifier: GPL-2.0
/*
 * Access to a ring whose areas do not lie in one piece each: every address is looked
 * up in the pieces that areas.c has found.
 *
 * A field of a ring is read and written at once if it lies in one piece, which it
 * does unless the owner maps less than 8 bytes at a time.
 */
#include <linux/bsearch.h>

#include "internal.h"
#include "scattered.h"

static int compare(const void *key, const void *element)
{
	const struct vqhost_translation *piece = element;
	u64 address = *(const u64 *)key;

	if (address < piece->start)
		return -1;
	return address > piece->last;
}

/* Returns how many of @length bytes are there in one piece, 0 if none. */
static size_t find(const struct device_virtqueue *vq, u64 address, size_t length,
		   void __user **where)
{
	const struct vqhost_queue *queue = container_of(vq, struct vqhost_queue, ring);
	const struct vqhost_area *area = queue->memory.translations->area;
	const struct vqhost_translation *piece;
	unsigned int i;

	for (i = 0; i < VQHOST_AREAS; i++) {
		if (!area[i].pieces || address - area[i].start >= area[i].length)
			continue;
		piece = bsearch(&address, area[i].piece, area[i].pieces, sizeof(*piece), compare);
		if (!piece)
			continue;
		*where = (void __user *)(unsigned long)(piece->address + (address - piece->start));
		return min_t(u64, length, piece->last - address + 1);
	}
	return 0;
}

static int read_piece(void *to, const void __user *from, size_t length)
{
	if (length == sizeof(u16))
		return get_user(*(u16 *)to, (const u16 __user *)from);
	if (length == sizeof(u64))
		return get_user(*(u64 *)to, (const u64 __user *)from);
	return copy_from_user(to, from, length) ? -EFAULT : 0;
}

static int write_piece(void __user *to, const void *from, size_t length)
{
	if (length == sizeof(u16))
		return put_user(*(const u16 *)from, (u16 __user *)to);
	if (length == sizeof(u64))
		return put_user(*(const u64 *)from, (u64 __user *)to);
	return copy_to_user(to, from, length) ? -EFAULT : 0;
}

/**
 * vqhost_scattered_read() - read from a ring
 * @vq: of a queue whose areas are resolved
 * @to: destination, aligned as its length suggests
 * @from: I/O virtual address
 * @length: bytes; 2 and 8 are read at once
 *
 * Context: owner, on the owner's mm, may sleep.
 * Return: 0 or -EFAULT.
 */
int vqhost_scattered_read(const struct device_virtqueue *vq, void *to, const void __user *from,
			  size_t length)
{
	void __user *where;
	size_t piece;

	for (; length; length -= piece, from += piece, to += piece) {
		piece = find(vq, (unsigned long)from, length, &where);
		if (!piece || read_piece(to, where, piece))
			return -EFAULT;
	}
	return 0;
}

/**
 * vqhost_scattered_write() - write to a ring
 * @vq: of a queue whose areas are resolved
 * @to: I/O virtual address
 * @from: source, aligned as its length suggests
 * @length: bytes; 2 and 8 are written at once
 *
 * Context: owner, on the owner's mm, may sleep.
 * Return: 0 or -EFAULT.
 */
int vqhost_scattered_write(const struct device_virtqueue *vq, void __user *to, const void *from,
			   size_t length)
{
	void __user *where;
	size_t piece;

	for (; length; length -= piece, to += piece, from += piece) {
		piece = find(vq, (unsigned long)to, length, &where);
		if (!piece || write_piece(where, from, piece))
			return -EFAULT;
	}
	return 0;
}

/**
 * vqhost_scattered_log() - log what was written to a ring
 * @vq: of a queue whose areas are resolved
 * @written: I/O virtual address
 * @length: bytes
 *
 * Context: owner, on the owner's mm, may sleep.
 * Return: 0, or -EIO if the log cannot be accessed: the virtqueue is broken then.
 */
int vqhost_scattered_log(const struct device_virtqueue *vq, const void __user *written,
			 size_t length)
{
	void __user *where;
	size_t piece;
	int err = 0;

	for (; length && !err; length -= piece, written += piece) {
		piece = find(vq, (unsigned long)written, length, &where);
		/* It has been written: its pieces are known. */
		if (!piece)
			break;
		err = guest_memory_log_owner(vq->memory, where, piece);
	}
	return err;
}
