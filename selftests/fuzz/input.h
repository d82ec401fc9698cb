/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzzer's input, consumed from its start; zeroes follow its end.
 */
#ifndef SELFTESTS_FUZZ_INPUT_H
#define SELFTESTS_FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/**
 * struct input - what is left of an input
 * @data: its next byte
 * @size: bytes left
 */
struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t take8(struct input *input)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++;
}

static inline uint16_t take16(struct input *input)
{
	return take8(input) | take8(input) << 8;
}

static inline uint32_t take32(struct input *input)
{
	return take16(input) | (uint32_t)take16(input) << 16;
}

static inline uint64_t take64(struct input *input)
{
	return take32(input) | (uint64_t)take32(input) << 32;
}

/* Ends the process as a crash does: what is demanded of the sources under test. */
#define DEMAND(condition)							\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* SELFTESTS_FUZZ_INPUT_H */
