/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the virtqueue needs from its home.
 *
 * The sources of this folder are compiled twice: into vqhost.ko and into
 * userland programs.  Everything that differs between the two is in this
 * header and in the three functions of memory.h.
 *
 * A virtqueue's rings lie in the address space of the owner.  The kernel
 * reaches them by user access on the owner's mm (the caller has adopted that
 * mm), userland by plain loads and stores.  All accessors read or write
 * exactly once and return 0 or -EFAULT.
 */
#ifndef VQHOST_VIRTQUEUE_PLATFORM_H
#define VQHOST_VIRTQUEUE_PLATFORM_H

#ifdef __KERNEL__

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/barrier.h>

static inline int ring_load16(u16 *value, const __le16 __user *from)
{
	__le16 raw;

	if (get_user(raw, from))
		return -EFAULT;
	*value = le16_to_cpu(raw);
	return 0;
}

static inline int ring_store16(__le16 __user *to, u16 value)
{
	return put_user(cpu_to_le16(value), to);
}

/* Ring entries are copied as whole 64-bit words, one user access window each. */
static inline int ring_load64x2(u64 value[2], const void __user *from)
{
	const u64 __user *words = from;

	if (!user_read_access_begin(from, 2 * sizeof(u64)))
		return -EFAULT;
	unsafe_get_user(value[0], &words[0], fault);
	unsafe_get_user(value[1], &words[1], fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * Read up to @count pairs of words, as far as each one's second word, which is
 * read first, has the bits @mask as in @value.  Returns how many, or -EFAULT.
 */
static inline int ring_load_while(u64 (*to)[2], const void __user *from, unsigned int count,
				  u64 mask, u64 value)
{
	const u64 __user *words = from;
	unsigned int i;
	u64 raw;

	if (!user_read_access_begin(from, count * sizeof(*to)))
		return -EFAULT;
	for (i = 0; i < count; i++) {
		unsafe_get_user(raw, &words[2 * i + 1], fault);
		to[i][1] = le64_to_cpu((__force __le64)raw);
		if ((to[i][1] & mask) != value)
			break;
		/* What it pairs with is said where this is used. */
		smp_rmb();
		unsafe_get_user(raw, &words[2 * i], fault);
		to[i][0] = le64_to_cpu((__force __le64)raw);
	}
	user_read_access_end();
	return i;
fault:
	user_read_access_end();
	return -EFAULT;
}

static inline int ring_store64(__le64 __user *to, u64 value)
{
	return put_user(cpu_to_le64(value), to);
}

static inline int ring_load(void *to, const void __user *from, size_t length)
{
	return copy_from_user(to, from, length) ? -EFAULT : 0;
}

static inline int ring_store(void __user *to, const void *from, size_t length)
{
	return copy_to_user(to, from, length) ? -EFAULT : 0;
}

static inline void *ring_alloc(size_t count, size_t size)
{
	return kvcalloc(count, size, GFP_KERNEL_ACCOUNT);
}

static inline void ring_free(void *memory)
{
	kvfree(memory);
}

#else /* !__KERNEL__ */

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define __user
#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif
#define EXPORT_SYMBOL_GPL(symbol)
#define U32_MAX UINT32_MAX
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define WRITE_ONCE(to, value) __atomic_store_n(&(to), value, __ATOMIC_RELAXED)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))

#define le16_to_cpu(value) le16toh((__force __u16)(value))
#define le32_to_cpu(value) le32toh((__force __u32)(value))
#define le64_to_cpu(value) le64toh((__force __u64)(value))
#define cpu_to_le16(value) ((__force __le16)htole16(value))
#define cpu_to_le32(value) ((__force __le32)htole32(value))
#define cpu_to_le64(value) ((__force __le64)htole64(value))

/*
 * The driver runs on another CPU of the same coherent machine.  What a barrier
 * pairs with is said where it is used.
 */
#define ring_fence(order) __atomic_thread_fence(order)
#define smp_mb()	ring_fence(__ATOMIC_SEQ_CST)	/* full */
#define smp_rmb()	ring_fence(__ATOMIC_ACQUIRE)	/* loads */
#define smp_wmb()	ring_fence(__ATOMIC_RELEASE)	/* stores */

static inline int ring_load16(u16 *value, const __le16 *from)
{
	*value = le16toh(__atomic_load_n((const u16 *)from, __ATOMIC_RELAXED));
	return 0;
}

static inline int ring_store16(__le16 *to, u16 value)
{
	__atomic_store_n((u16 *)to, htole16(value), __ATOMIC_RELAXED);
	return 0;
}

static inline int ring_load64x2(u64 value[2], const void *from)
{
	const u64 *words = from;

	value[0] = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
	value[1] = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
	return 0;
}

/*
 * Read up to @count pairs of words, as far as each one's second word, which is
 * read first, has the bits @mask as in @value.  Returns how many, or -EFAULT.
 */
static inline int ring_load_while(u64 (*to)[2], const void *from, unsigned int count,
				  u64 mask, u64 value)
{
	const u64 *words = from;
	unsigned int i;

	for (i = 0; i < count; i++) {
		to[i][1] = le64toh(__atomic_load_n(&words[2 * i + 1], __ATOMIC_RELAXED));
		if ((to[i][1] & mask) != value)
			break;
		/* As above. */
		smp_rmb();
		to[i][0] = le64toh(__atomic_load_n(&words[2 * i], __ATOMIC_RELAXED));
	}
	return i;
}

static inline int ring_store64(__le64 *to, u64 value)
{
	__atomic_store_n((u64 *)to, htole64(value), __ATOMIC_RELAXED);
	return 0;
}

static inline int ring_load(void *to, const void *from, size_t length)
{
	memcpy(to, from, length);
	return 0;
}

static inline int ring_store(void *to, const void *from, size_t length)
{
	memcpy(to, from, length);
	return 0;
}

static inline void *ring_alloc(size_t count, size_t size)
{
	return calloc(count, size);
}

static inline void ring_free(void *memory)
{
	free(memory);
}

#endif /* __KERNEL__ */
#endif /* VQHOST_VIRTQUEUE_PLATFORM_H */
