/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to a ring whose areas do not lie in one piece each.
 *
 * The addresses of such a ring are I/O virtual ones: they may be reckoned with, but
 * only these functions may look behind them.  Each is what its namesake in
 * ../virtqueue/platform.h is to a ring in one piece.
 */
#ifndef VQHOST_CORE_SCATTERED_H
#define VQHOST_CORE_SCATTERED_H

#include "../virtqueue/virtqueue.h"

/* Layouts for struct device_virtqueue that are &struct vqhost_queue.ring. */
extern const struct virtqueue_layout vqhost_scattered_split;
extern const struct virtqueue_layout vqhost_scattered_packed;

int vqhost_scattered_read(const struct device_virtqueue *vq, void *to, const void __user *from,
			  size_t length);
int vqhost_scattered_write(const struct device_virtqueue *vq, void __user *to, const void *from,
			   size_t length);
int vqhost_scattered_log(const struct device_virtqueue *vq, const void __user *written,
			 size_t length);

static inline int scattered_load16(const struct device_virtqueue *vq, u16 *value,
				   const __le16 __user *from)
{
	__le16 raw;

	if (vqhost_scattered_read(vq, &raw, from, sizeof(raw)))
		return -EFAULT;
	*value = le16_to_cpu(raw);
	return 0;
}

static inline int scattered_store16(const struct device_virtqueue *vq, __le16 __user *to,
				    u16 value)
{
	__le16 raw = cpu_to_le16(value);

	return vqhost_scattered_write(vq, to, &raw, sizeof(raw));
}

static inline int scattered_load64x2(const struct device_virtqueue *vq, u64 value[2],
				     const void __user *from)
{
	if (vqhost_scattered_read(vq, &value[0], from, sizeof(value[0])))
		return -EFAULT;
	return vqhost_scattered_read(vq, &value[1], from + sizeof(value[0]), sizeof(value[1]));
}

static inline int scattered_load_while(const struct device_virtqueue *vq, u64 (*to)[2],
				       const void __user *from, unsigned int count, u64 mask,
				       u64 value)
{
	unsigned int i;
	__le64 raw;

	for (i = 0; i < count; i++, from += sizeof(*to)) {
		if (vqhost_scattered_read(vq, &raw, from + sizeof(raw), sizeof(raw)))
			return -EFAULT;
		to[i][1] = le64_to_cpu(raw);
		if ((to[i][1] & mask) != value)
			break;
		/* What it pairs with is said where this is used. */
		smp_rmb();
		if (vqhost_scattered_read(vq, &raw, from, sizeof(raw)))
			return -EFAULT;
		to[i][0] = le64_to_cpu(raw);
	}
	return i;
}

static inline int scattered_store64(const struct device_virtqueue *vq, __le64 __user *to,
				    u64 value)
{
	__le64 raw = cpu_to_le64(value);

	return vqhost_scattered_write(vq, to, &raw, sizeof(raw));
}

#endif /* VQHOST_CORE_SCATTERED_H */
