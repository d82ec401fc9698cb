// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous transfers between the store and kernel pages: data from or to
 * guest buffers that direct I/O cannot take as they lie, and zeroes.
 *
 * Falling back to the page cache instead would not do: direct writes of other
 * requests to the same page of the store would be lost when it is written back.
 */
#include <linux/bvec.h>
#include <linux/slab.h>

#include "blk.h"

/* Pages moved at once. */
#define TRANSFER_PAGES 64

/* Move @length bytes at the position of @iocb, and that position. */
static int transfer(struct kiocb *iocb, const struct bio_vec *pages, size_t length)
{
	unsigned int count = DIV_ROUND_UP(length, PAGE_SIZE);
	bool write = iocb->ki_flags & IOCB_WRITE;
	struct iov_iter iter;
	ssize_t ret;

	iov_iter_bvec(&iter, write ? ITER_SOURCE : ITER_DEST, pages, count, length);
	while (iov_iter_count(&iter)) {
		if (write)
			ret = vfs_iocb_iter_write(iocb->ki_filp, iocb, &iter);
		else
			ret = vfs_iocb_iter_read(iocb->ki_filp, iocb, &iter);
		if (ret <= 0)
			return ret ? ret : -EIO;
	}
	return 0;
}

static void free_pages_of(struct bio_vec *pages, unsigned int count)
{
	while (count--)
		__free_page(pages[count].bv_page);
	kfree(pages);
}

static struct bio_vec *alloc_pages_of(unsigned int count)
{
	struct bio_vec *pages = kcalloc(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i].bv_page = alloc_page(GFP_KERNEL_ACCOUNT);
		pages[i].bv_len = PAGE_SIZE;
		if (!pages[i].bv_page) {
			free_pages_of(pages, i);
			return NULL;
		}
	}
	return pages;
}

/* Copy between @pages and guest memory. */
static int copy_data(struct bio_vec *pages, size_t length, struct iov_iter *data, bool write)
{
	size_t piece, copied;

	for (; length; length -= piece, pages++) {
		piece = min(length, PAGE_SIZE);
		if (write)
			copied = copy_page_from_iter(pages->bv_page, 0, piece, data);
		else
			copied = copy_page_to_iter(pages->bv_page, 0, piece, data);
		if (copied != piece)
			return -EFAULT;
	}
	return 0;
}

/**
 * blk_transfer_bounced() - carry out a read or write through kernel pages
 * @request: says where, how, and whether it is a write; not changed
 * @data: guest memory
 *
 * Context: the queue's thread, on the owner's mm; sleeps until all is done.
 * Return: bytes moved, which is all of @data, or -errno.
 */
ssize_t blk_transfer_bounced(const struct kiocb *request, struct iov_iter *data)
{
	bool write = request->ki_flags & IOCB_WRITE;
	size_t total = iov_iter_count(data);
	struct kiocb iocb = *request;
	struct bio_vec *pages;
	unsigned int count;
	size_t left, piece;
	int err = 0;

	count = min_t(size_t, DIV_ROUND_UP(total, PAGE_SIZE), TRANSFER_PAGES);
	pages = alloc_pages_of(count);
	if (!pages)
		return -ENOMEM;
	iocb.ki_complete = NULL;
	for (left = total; left && !err; left -= piece) {
		piece = min(left, count * PAGE_SIZE);
		if (write)
			err = copy_data(pages, piece, data, true);
		if (!err)
			err = transfer(&iocb, pages, piece);
		if (!err && !write)
			err = copy_data(pages, piece, data, false);
	}
	free_pages_of(pages, count);
	return err ? err : total;
}

/**
 * blk_transfer_zeroes() - write zeroes
 * @blk: the queue; its store is not read-only, compat_write_start() was called
 * @offset: first byte
 * @length: bytes
 *
 * Context: process context; sleeps until all is done.
 * Return: 0 or -errno.
 */
int blk_transfer_zeroes(struct blk_queue *blk, loff_t offset, u64 length)
{
	struct bio_vec *pages;
	struct kiocb iocb;
	unsigned int i;
	size_t piece;
	int err = 0;

	pages = kcalloc(TRANSFER_PAGES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < TRANSFER_PAGES; i++) {
		pages[i].bv_page = ZERO_PAGE(0);
		pages[i].bv_len = PAGE_SIZE;
	}
	blk_iocb_init(&iocb, blk, true);
	iocb.ki_pos = offset;
	for (; length && !err; length -= piece) {
		piece = min_t(u64, length, TRANSFER_PAGES * PAGE_SIZE);
		err = transfer(&iocb, pages, piece);
	}
	kfree(pages);
	return err;
}
