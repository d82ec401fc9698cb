// SPDX-License-Identifier: GPL-2.0
/*
 * What a machine that runs can be asked for.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <linux/virtio_ids.h>

#include "control/control.h"
#include "machine/machine.h"
#include "machine/memory.h"
#include "machine/pause.h"
#include "text.h"
#include "virtio/device.h"

static uint64_t memory_size(const struct machine *machine)
{
	const struct guest_region *regions;
	unsigned int count;
	uint64_t size = 0;

	regions = guest_memory_regions(machine->memory, &count);
	while (count--)
		size += regions[count].size;
	return size;
}

/* What all replies begin with, without braces. */
static void write_machine(FILE *to, const struct machine *machine, const char *name)
{
	fputs("\"name\": ", to);
	text_put_json(to, name);
	fprintf(to, ", \"pid\": %d, \"state\": \"%s\", \"cpus\": %u, \"memory_bytes\": %" PRIu64,
		getpid(), machine->paused ? "paused" : "running", machine->vcpu_count,
		memory_size(machine));
}

static const char *queue_state(const struct virtio_queue *queue)
{
	if (queue->broken)
		return "broken";
	if (queue->backend)
		return "running";
	return queue->enabled ? "stopped" : "disabled";
}

static void write_device(FILE *to, const struct virtio_device *device)
{
	unsigned int i;

	fprintf(to, "{\"type\": \"%s\", \"option\": ",
		device->id == VIRTIO_ID_NET ? "net" : "disk");
	text_put_json(to, device->name);
	fprintf(to, ", \"driver_ready\": %s, \"features\": \"0x%" PRIx64 "\", \"queues\": [",
		device->status & VIRTIO_CONFIG_S_DRIVER_OK ? "true" : "false", device->features);
	for (i = 0; i < device->queue_count; i++)
		fprintf(to, "%s{\"size\": %u, \"state\": \"%s\"}", i ? ", " : "",
			device->queues[i].size, queue_state(&device->queues[i]));
	fputs("]}", to);
}

static void write_devices(FILE *to, const struct machine *machine)
{
	const struct virtio_device *device;
	const char *separator = "";

	fputs(", \"devices\": [", to);
	for (device = machine->devices; device; device = device->next) {
		fputs(separator, to);
		write_device(to, device);
		separator = ", ";
	}
	fputc(']', to);
}

static void write_reply(FILE *to, const struct machine *machine, const char *name, bool devices)
{
	fputc('{', to);
	write_machine(to, machine, name);
	if (devices)
		write_devices(to, machine);
	fputs("}\n", to);
}

static enum control_result fail(FILE *to, const char *reason)
{
	fputs("{\"error\": ", to);
	text_put_json(to, reason);
	fputs("}\n", to);
	return CONTROL_REPLIED;
}

void control_command_finish(const struct machine *machine, const char *name, FILE *reply)
{
	write_reply(reply, machine, name, false);
}

enum control_result control_command(struct machine *machine, const char *name,
				    const char *request, FILE *reply,
				    void (*later)(void *opaque), void *opaque)
{
	bool stat = !strcmp(request, "stat");

	if (!strcmp(request, "pause") && !machine->paused) {
		if (pause_begin(machine, later, opaque))
			return fail(reply, "it is about to pause for somebody else");
		return CONTROL_LATER;
	}
	if (!strcmp(request, "resume") && pause_end(machine))
		return fail(reply, "it is about to pause for somebody else");
	if (!strcmp(request, "stop"))
		machine_request_exit(machine, MACHINE_EXIT_QUIT);
	else if (!stat && strcmp(request, "list") && strcmp(request, "pause") &&
		 strcmp(request, "resume"))
		return fail(reply, "there is no such command");
	write_reply(reply, machine, name, stat);
	return CONTROL_REPLIED;
}
