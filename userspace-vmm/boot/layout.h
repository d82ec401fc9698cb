/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where things lie in low guest memory when the kernel is entered.
 */
#ifndef VQVMM_BOOT_LAYOUT_H
#define VQVMM_BOOT_LAYOUT_H

#define BOOT_GDT 0x500
#define BOOT_PARAMS 0x7000
/* One page of level 4, one of level 3, four of level 2: the first 4 GiB. */
#define BOOT_PAGE_TABLES 0x9000
#define BOOT_CMDLINE 0x20000
#define BOOT_CMDLINE_END 0x90000

/* RAM ends here and goes on at BOOT_HIGH_MEMORY. */
#define BOOT_LOW_MEMORY_END 0x9fc00
#define BOOT_HIGH_MEMORY 0x100000

/* Reserved; what firmware leaves for the operating system. */
#define BOOT_FIRMWARE 0xe0000
#define BOOT_FIRMWARE_END 0x100000

#endif /* VQVMM_BOOT_LAYOUT_H */
