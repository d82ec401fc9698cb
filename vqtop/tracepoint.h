/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the fields of a tracepoint's record are: its "format" in tracefs.
 */
#ifndef VQTOP_TRACEPOINT_H
#define VQTOP_TRACEPOINT_H

#include <stdint.h>

#include "problem.h"

/**
 * struct tracepoint_field - a field
 * @name: which
 * @size: how many bytes it has to have
 * @offset: where it is found
 */
struct tracepoint_field {
	const char *name;
	uint32_t size;
	uint32_t offset;
};

/**
 * tracepoint_parse() - find fields in the text of "format"
 * @text: the text; is taken apart
 * @fields: whose offsets are filled
 * @count: how many
 * @problem: is filled on failure
 *
 * Return: the tracepoint's id; -1.
 */
int tracepoint_parse(char *text, struct tracepoint_field *fields, unsigned int count,
		     struct problem *problem);

#endif /* VQTOP_TRACEPOINT_H */
