// SPDX-License-Identifier: GPL-2.0
/*
 * The Linux/x86 boot protocol, 64-bit entry (Documentation/x86/boot.rst).
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/boot.h"
#include "boot/layout.h"
#include "machine/machine.h"
#include "options.h"

#define SECTOR 512
#define PAGE 4096ULL

#define BOOT_FLAG 0xaa55
#define HEADER_MAGIC 0x53726448	/* "HdrS" */
/* The first version with a 64-bit entry point. */
#define VERSION_LEAST 0x020c
#define SETUP_SECTORS_DEFAULT 4
#define LOADER_UNDEFINED 0xff
/* The 64-bit entry point's place in what is loaded. */
#define ENTRY_64 0x200

#define E820_RAM 1
#define E820_RESERVED 2

/* A kernel as found in its file. */
struct image {
	int fd;
	struct setup_header header;
	uint64_t payload;	/* offset in the file */
	uint64_t size;		/* bytes of the payload */
	uint64_t address;	/* where it is loaded */
	uint64_t end;		/* where what it needs at first ends */
};

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

static uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value / alignment * alignment;
}

/* Open a regular file for reading, tell its size. */
static int open_file(const char *option, const char *path, uint64_t *size)
{
	struct stat stat;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return option_error(option, path, "%m");
	if (fstat(fd, &stat)) {
		option_error(option, path, "%m");
		goto close_fd;
	}
	if (!S_ISREG(stat.st_mode)) {
		option_error(option, path, "not a regular file");
		goto close_fd;
	}
	*size = (uint64_t)stat.st_size;
	return fd;

close_fd:
	close(fd);
	return OPTION_REJECTED;
}

/* Read a part of a file to its end: 0, -EIO if it is shorter, another -errno. */
static int read_at(int fd, void *to, uint64_t size, uint64_t offset)
{
	uint8_t *bytes = to;

	while (size) {
		ssize_t count = pread(fd, bytes, size, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (!count)
			return -EIO;
		bytes += count;
		offset += (uint64_t)count;
		size -= (uint64_t)count;
	}
	return 0;
}

static int read_header(struct image *image, const char *path, uint64_t file_size)
{
	struct setup_header *header = &image->header;
	uint64_t sectors;

	if (read_at(image->fd, header, sizeof(*header), offsetof(struct boot_params, hdr)) ||
	    header->boot_flag != BOOT_FLAG || header->header != HEADER_MAGIC)
		return option_error("--kernel", path, "not a Linux bzImage");
	if (header->version < VERSION_LEAST || !(header->loadflags & LOADED_HIGH) ||
	    !(header->xloadflags & XLF_KERNEL_64))
		return option_error("--kernel", path, "a kernel without a 64-bit entry point");
	sectors = header->setup_sects ? header->setup_sects : SETUP_SECTORS_DEFAULT;
	image->payload = (sectors + 1) * SECTOR;
	image->size = header->syssize * 16ULL;
	if (image->size <= ENTRY_64 || file_size < image->payload ||
	    file_size - image->payload < align_down(image->size, SECTOR))
		return option_error("--kernel", path, "the file is cut off");
	/* The size is rounded up to 16 bytes, the file need not be. */
	image->size = min(image->size, file_size - image->payload);
	return 0;
}

/* The end of the RAM in which a kernel can be loaded. */
static uint64_t low_memory_end(const struct machine *machine)
{
	const struct guest_region *regions;
	unsigned int count;

	regions = guest_memory_regions(machine->memory, &count);
	return regions[0].size;
}

static int place(struct image *image, const struct machine *machine,
		 const struct options *options)
{
	const struct setup_header *header = &image->header;
	uint64_t needed = header->init_size > image->size ? header->init_size : image->size;
	uint64_t alignment = header->kernel_alignment;
	uint64_t end = low_memory_end(machine);
	char size[OPTION_SIZE_TEXT];

	image->address = header->pref_address;
	if (image->address < BOOT_HIGH_MEMORY || image->address > end ||
	    needed > end - image->address) {
		/* A relocatable kernel may take what is there. */
		if (!header->relocatable_kernel || !alignment)
			goto no_room;
		image->address = align_up(BOOT_HIGH_MEMORY, alignment);
		if (image->address > end || needed > end - image->address)
			goto no_room;
	}
	image->end = image->address + needed;
	return 0;

no_room:
	return option_error("--memory", option_size_text(options->memory, size),
			    "too little for the kernel, which needs %llu MiB",
			    (unsigned long long)(needed >> 20) + 1);
}

static int load_kernel(struct image *image, const struct machine *machine,
		       const struct options *options)
{
	uint64_t size;
	int err;

	image->fd = open_file("--kernel", options->kernel, &size);
	if (image->fd < 0)
		return image->fd;
	err = read_header(image, options->kernel, size);
	if (err)
		goto close_fd;
	err = place(image, machine, options);
	if (err)
		goto close_fd;
	err = read_at(image->fd, guest_memory_host(machine->memory, image->address, image->size),
		      image->size, image->payload);
	if (err)
		err = option_error("--kernel", options->kernel, "%s", strerror(-err));
close_fd:
	close(image->fd);
	return err;
}

/* As high as the kernel allows, out of the way of its unpacking. */
static int load_initrd(struct boot_params *params, const struct image *image,
		       const struct machine *machine, const struct options *options)
{
	uint64_t end = low_memory_end(machine), address, size;
	int fd, err;

	if (!options->initrd)
		return 0;
	fd = open_file("--initrd", options->initrd, &size);
	if (fd < 0)
		return fd;
	end = min(end, image->header.initrd_addr_max + 1ULL);
	if (size > end || align_down(end - size, PAGE) < image->end) {
		err = option_error("--initrd", options->initrd,
				   "too large for the guest's memory (%llu MiB)",
				   (unsigned long long)(options->memory >> 20));
		goto close_fd;
	}
	address = align_down(end - size, PAGE);
	err = size ? read_at(fd, guest_memory_host(machine->memory, address, size), size, 0) : 0;
	if (err) {
		err = option_error("--initrd", options->initrd, "%s", strerror(-err));
		goto close_fd;
	}
	params->hdr.ramdisk_image = (uint32_t)address;
	params->hdr.ramdisk_size = (uint32_t)size;
close_fd:
	close(fd);
	return err;
}

static int load_cmdline(struct boot_params *params, const struct machine *machine,
			const struct options *options)
{
	size_t length = strlen(options->cmdline);
	size_t max = min(params->hdr.cmdline_size, BOOT_CMDLINE_END - BOOT_CMDLINE - 1);

	if (length > max)
		return option_error("--cmdline", options->cmdline,
				    "%zu characters, the kernel takes %zu", length, max);
	memcpy(guest_memory_host(machine->memory, BOOT_CMDLINE, length + 1), options->cmdline,
	       length + 1);
	params->hdr.cmd_line_ptr = BOOT_CMDLINE;
	return 0;
}

static void add_e820(struct boot_params *params, uint64_t address, uint64_t end, uint32_t type)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
		.addr = address, .size = end - address, .type = type,
	};
}

static void describe_memory(struct boot_params *params, const struct machine *machine)
{
	const struct guest_region *regions;
	unsigned int count, i;

	regions = guest_memory_regions(machine->memory, &count);
	add_e820(params, 0, BOOT_LOW_MEMORY_END, E820_RAM);
	add_e820(params, BOOT_LOW_MEMORY_END, 0xa0000, E820_RESERVED);
	add_e820(params, BOOT_FIRMWARE, BOOT_FIRMWARE_END, E820_RESERVED);
	add_e820(params, BOOT_HIGH_MEMORY, regions[0].size, E820_RAM);
	for (i = 1; i < count; i++)
		add_e820(params, regions[i].address, regions[i].address + regions[i].size,
			 E820_RAM);
}

int linux_load(struct machine *machine, const struct options *options, uint64_t rsdp,
	       uint64_t *entry)
{
	struct boot_params *params;
	struct image image = { .fd = -1 };
	int err;

	err = load_kernel(&image, machine, options);
	if (err)
		return err;
	/* Memory is zeroed: fields that are not set say "nothing". */
	params = guest_memory_host(machine->memory, BOOT_PARAMS, sizeof(*params));
	params->hdr = image.header;
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->acpi_rsdp_addr = rsdp;
	describe_memory(params, machine);
	err = load_initrd(params, &image, machine, options);
	if (err)
		return err;
	err = load_cmdline(params, machine, options);
	if (err)
		return err;
	*entry = image.address + ENTRY_64;
	return 0;
}
