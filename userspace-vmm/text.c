// SPDX-License-Identifier: GPL-2.0
/*
 * UTF-8.
 */
#include "text.h"

#define REPLACEMENT 0xfffd

/* Bytes that follow a first one, and what the first one says; -1 if it is none. */
static int begin(unsigned char first, uint32_t *character, uint32_t *least)
{
	if (first < 0x80) {
		*character = first;
		*least = 0;
		return 0;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*character = first & 0x1f;
		*least = 0x80;
		return 1;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*character = first & 0xf;
		*least = 0x800;
		return 2;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*character = first & 7;
		*least = 0x10000;
		return 3;
	}
	return -1;
}

uint32_t text_next(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	uint32_t character, least;
	int more, i;

	if (!*at)
		return 0;
	++*text;
	more = begin(*at, &character, &least);
	if (more < 0)
		return REPLACEMENT;
	for (i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		character = character << 6 | (at[i] & 0x3f);
	}
	if (character < least || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return REPLACEMENT;
	*text += more;
	return character;
}

void text_put(FILE *to, uint32_t character)
{
	int shift = character < 0x80 ? 0 : character < 0x800 ? 6 : character < 0x10000 ? 12 : 18;
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };

	fputc((int)(first[shift / 6] | character >> shift), to);
	while (shift) {
		shift -= 6;
		fputc((int)(0x80 | (character >> shift & 0x3f)), to);
	}
}

void text_put_json(FILE *to, const char *text)
{
	uint32_t character;

	fputc('"', to);
	while ((character = text_next(&text))) {
		if (character < ' ' || character == '"' || character == '\\' || character == 0x7f)
			fprintf(to, "\\u%04x", character);
		else
			text_put(to, character);
	}
	fputc('"', to);
}
