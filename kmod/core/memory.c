// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory in the kernel: a vhost_iotlb from guest addresses to addresses
 * of the owner, read and written by user access on the owner's mm.
 *
 * A map never changes once it is set; VHOST_SET_MEM_TABLE replaces it while
 * all threads are parked.  Every region has passed access_ok(), so a
 * translated range never points into the kernel.
 *
 * With VIRTIO_F_ACCESS_PLATFORM the addresses are virtual ones, which the
 * device's IOTLB translates instead, see iotlb.h.
 */
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "internal.h"

/* Regions of a memory table; mainline's default and what VMMs assume. */
static ushort max_mem_regions = 64;
module_param(max_mem_regions, ushort, 0444);
MODULE_PARM_DESC(max_mem_regions, "Largest number of regions in a memory table (default: 64)");

static int add_region(struct vhost_iotlb *map, const struct vhost_memory_region *region)
{
	u64 last = region->guest_phys_addr + region->memory_size - 1;

	/* No region is empty, none wraps around, none covers all addresses. */
	if (!region->memory_size || last < region->guest_phys_addr)
		return -EFAULT;
	if (region->userspace_addr != (unsigned long)region->userspace_addr ||
	    !access_ok((void __user *)(unsigned long)region->userspace_addr, region->memory_size))
		return -EFAULT;
	return vhost_iotlb_add_range(map, region->guest_phys_addr, last,
				     region->userspace_addr, VHOST_MAP_RW);
}

/**
 * vqhost_map_from_user() - build a map from a memory table of the owner
 * @table: argument of VHOST_SET_MEM_TABLE
 *
 * Context: process context, may sleep.
 * Return: the map, to be freed by vhost_iotlb_free(); ERR_PTR of -EFAULT for
 * an unreadable table or an impossible region, -EOPNOTSUPP for padding that
 * is not 0, -E2BIG for too many regions, -ENOMEM.
 */
struct vhost_iotlb *vqhost_map_from_user(const struct vhost_memory __user *table)
{
	struct vhost_memory_region region;
	struct vhost_memory header;
	struct vhost_iotlb *map;
	unsigned int i;
	int err;

	if (copy_from_user(&header, table, sizeof(header)))
		return ERR_PTR(-EFAULT);
	if (header.padding)
		return ERR_PTR(-EOPNOTSUPP);
	if (header.nregions > max_mem_regions)
		return ERR_PTR(-E2BIG);

	map = vhost_iotlb_alloc(max_mem_regions, 0);
	if (!map)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < header.nregions; i++) {
		err = -EFAULT;
		if (copy_from_user(&region, &table->regions[i], sizeof(region)))
			goto err_free;
		err = add_region(map, &region);
		if (err)
			goto err_free;
	}
	return map;

err_free:
	vhost_iotlb_free(map);
	return ERR_PTR(err);
}

/* Neighbouring pages, and those of areas far apart, have entries of their own. */
static struct vqhost_translation *entry_of(struct guest_memory *memory, u64 address)
{
	u64 page = address >> PAGE_SHIFT;

	return &memory->translations->entry[(page ^ page / VQHOST_TRANSLATIONS) %
					    VQHOST_TRANSLATIONS];
}

/* translate_piece() of a device with an IOTLB. */
static u64 translate_virtual(struct guest_memory *memory, u64 address, u64 length, u32 access,
			     void __user **base)
{
	struct vqhost_translation *entry = entry_of(memory, address);
	u64 left;

	if (unlikely(address < entry->start || address > entry->last ||
		     (entry->access & access) != access) &&
	    !vqhost_iotlb_lookup(container_of(memory, struct vqhost_queue, memory), address, access,
				 entry))
		return 0;
	left = entry->last - address + 1;
	*base = (void __user *)(unsigned long)(entry->address + address - entry->start);
	return min(left, length);
}

/*
 * One contiguous piece from the start of a guest range.  Returns its length,
 * at most @length, or 0 if @address is not mapped.
 */
static u64 translate_piece(struct guest_memory *memory, u64 address, u64 length, u32 access,
			   void __user **base)
{
	struct vhost_iotlb_map *region = memory->last;
	u64 left;

	if (!region || address < region->start || address > region->last) {
		/* Looked at here, where nothing is fast: then there is no last region. */
		if (memory->translations)
			return translate_virtual(memory, address, length, access, base);
		region = vhost_iotlb_itree_first(memory->map, address, address);
		if (unlikely(!region))
			return 0;
		memory->last = region;
	}
	left = region->last - address + 1;
	*base = (void __user *)(unsigned long)(region->addr + address - region->start);
	return min(left, length);
}

/* What is not mapped never will be, or else the owner has been asked for it. */
static int not_mapped(const struct guest_memory *memory)
{
	return memory->translations ? -EINPROGRESS : -EFAULT;
}

/* Documented in ../virtqueue/memory.h, as are the next two. */
int guest_memory_translate(struct guest_memory *memory, u64 address, u64 length,
			   bool write, struct iovec *vectors, unsigned int count)
{
	u32 access = write ? VHOST_ACCESS_WO : VHOST_ACCESS_RO;
	unsigned int filled = 0;
	void __user *base;
	u64 piece;

	while (length) {
		piece = translate_piece(memory, address, length, access, &base);
		if (unlikely(!piece))
			return not_mapped(memory);
		if (unlikely(filled == count))
			return -ENOBUFS;
		vectors[filled].iov_base = base;
		vectors[filled].iov_len = piece;
		filled++;
		address += piece;
		length -= piece;
	}
	return filled;
}
EXPORT_SYMBOL_GPL(guest_memory_translate);

int guest_memory_read(struct guest_memory *memory, void *to, u64 address, u64 length)
{
	void __user *base;
	u64 piece;

	while (length) {
		piece = translate_piece(memory, address, length, VHOST_ACCESS_RO, &base);
		if (unlikely(!piece))
			return not_mapped(memory);
		if (copy_from_user(to, base, piece))
			return -EFAULT;
		to += piece;
		address += piece;
		length -= piece;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(guest_memory_read);

int guest_memory_write(struct guest_memory *memory, u64 address, const void *from, u64 length)
{
	void __user *base;
	u64 piece;
	int err;

	while (length) {
		piece = translate_piece(memory, address, length, VHOST_ACCESS_WO, &base);
		if (unlikely(!piece))
			return not_mapped(memory);
		err = guest_memory_write_translated(memory, base, from, piece);
		if (unlikely(err))
			return err;
		from += piece;
		address += piece;
		length -= piece;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(guest_memory_write);

/**
 * guest_memory_write_translated() - write where guest_memory_translate() has pointed
 * @memory: the map
 * @to: in one piece
 * @from: source
 * @length: bytes
 *
 * Context: the owner of the queue, which has not been parked since; on the
 * owner's mm, may sleep.
 * Return: 0; -EFAULT; -EIO if it cannot be logged: the virtqueue is broken then.
 */
int guest_memory_write_translated(struct guest_memory *memory, void __user *to, const void *from,
				  size_t length)
{
	unsigned long left = copy_to_user(to, from, length);

	/* What came before a fault was written, too. */
	if (unlikely(memory->log) && guest_memory_log_owner(memory, to, length))
		return -EIO;
	return left ? -EFAULT : 0;
}
EXPORT_SYMBOL_GPL(guest_memory_write_translated);
