// SPDX-License-Identifier: GPL-2.0
/*
 * The text of "format":
 *
 *	name: vqhost_request_complete
 *	ID: 1722
 *	format:
 *		field:u32 device;	offset:8;	size:4;	signed:0;
 */
#include "tracepoint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void parse_line(const char *line, struct tracepoint_field *fields, unsigned int count,
		       bool *found)
{
	unsigned int offset, size, i;
	char declaration[128];
	const char *name;

	if (sscanf(line, " field:%127[^;]; offset:%u; size:%u;", declaration, &offset, &size) != 3)
		return;
	name = strrchr(declaration, ' ');
	if (!name)
		return;
	for (i = 0; i < count; i++) {
		if (strcmp(name + 1, fields[i].name) || size != fields[i].size)
			continue;
		fields[i].offset = offset;
		found[i] = true;
	}
}

int tracepoint_parse(char *text, struct tracepoint_field *fields, unsigned int count,
		     struct problem *problem)
{
	bool found[8] = { false };
	unsigned int i;
	int id = -1;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (sscanf(line, "ID: %d", &id) != 1)
			parse_line(line, fields, count, found);
	}
	for (i = 0; i < count; i++)
		if (!found[i])
			return problem_set(problem, VQTOP_EXIT_NO_TRACEFS,
					   "the tracepoint has no %s of %u bytes: the module is of another version",
					   fields[i].name, fields[i].size);
	if (id < 0)
		return problem_set(problem, VQTOP_EXIT_NO_TRACEFS, "the tracepoint has no ID");
	return id;
}
