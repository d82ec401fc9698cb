// SPDX-License-Identifier: GPL-2.0
/*
 * Values of options, and what is said about wrong ones.
 */
#include "option_values.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

static void print_error(const char *option, const char *key, const char *value,
			const char *format, va_list arguments)
{
	int error = errno;

	fprintf(stderr, "%s: %s", program_invocation_short_name, option);
	if (key)
		fprintf(stderr, " %s=%s", key, value);
	else if (value)
		fprintf(stderr, " %s", value);
	fputs(": ", stderr);
	errno = error;
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int option_error(const char *option, const char *value, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_error(option, NULL, value, format, arguments);
	va_end(arguments);
	return OPTION_REJECTED;
}

int option_key_error(const char *option, const char *key, const char *value,
		     const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_error(option, key, value, format, arguments);
	va_end(arguments);
	return OPTION_REJECTED;
}

int option_report(int err, const char *what)
{
	if (err && err != OPTION_REJECTED)
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
			strerror(-err));
	return err;
}

OPTION_PARSER(parse_text)
{
	if (!*value && row->low)
		return reject(parser, "is empty");
	if (row->high && strlen(value) > row->high)
		return reject(parser, "longer than %u characters", (unsigned int)row->high);
	*(const char **)field = value;
	return 0;
}

OPTION_PARSER(parse_name)
{
	if (*value == '.' || strchr(value, '/'))
		return reject(parser, "begins with a dot, or has a slash");
	return parse_text(parser, row, value, field);
}

/* The digits of a number; what follows them goes to rest. */
static int parse_digits(const char *value, uint64_t *number, const char **rest)
{
	char *end;

	/* strtoull() takes signs and white space. */
	if (!isdigit((unsigned char)*value))
		return -EINVAL;
	errno = 0;
	*number = strtoull(value, &end, 10);
	*rest = end;
	return -errno;
}

OPTION_PARSER(parse_number)
{
	const char *rest = "";
	uint64_t number;

	if (parse_digits(value, &number, &rest) || *rest ||
	    number < row->low || number > row->high)
		return reject(parser, "not a number from %u to %u", (unsigned int)row->low,
			      (unsigned int)row->high);
	*(unsigned int *)field = (unsigned int)number;
	return 0;
}

OPTION_PARSER(parse_power_of_2)
{
	unsigned int number;
	int err;

	err = parse_number(parser, row, value, &number);
	if (err)
		return err;
	if (number & (number - 1))
		return reject(parser, "not a power of 2");
	*(unsigned int *)field = number;
	return 0;
}

OPTION_PARSER(parse_size)
{
	static const char units[] = "KMGT";
	char least[OPTION_SIZE_TEXT];
	const char *rest = "", *unit;
	unsigned int shift = 0;
	uint64_t number;
	int err;

	err = parse_digits(value, &number, &rest);
	if (err == -EINVAL)
		return reject(parser, "not a size such as 512M or 4G");
	if (!err && *rest) {
		unit = strchr(units, toupper((unsigned char)*rest));
		if (!unit || rest[1])
			return reject(parser, "not a size such as 512M or 4G");
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (err || number > UINT64_MAX >> shift || number << shift > row->high)
		return reject(parser, "larger than any machine");
	number <<= shift;
	if (number < row->low)
		return reject(parser, "less than %s", option_size_text(row->low, least));
	if (number % PAGE)
		return reject(parser, "not a multiple of 4K");
	*(uint64_t *)field = number;
	return 0;
}

OPTION_PARSER(parse_on_off)
{
	(void)row;
	if (strcmp(value, "on") && strcmp(value, "off"))
		return reject(parser, "neither on nor off");
	*(bool *)field = !strcmp(value, "on");
	return 0;
}

OPTION_PARSER(parse_mac)
{
	const char *at = value;
	uint8_t *mac = field;
	unsigned int i;

	(void)row;
	for (i = 0; i < 6; i++) {
		char digits[3] = "";

		if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]) ||
		    at[2] != (i < 5 ? ':' : '\0'))
			return reject(parser, "not an address such as 52:54:00:12:34:56");
		memcpy(digits, at, 2);
		mac[i] = (uint8_t)strtoul(digits, NULL, 16);
		at += 3;
	}
	if (mac[0] & 1)
		return reject(parser, "a group's address, not a station's");
	return 0;
}

const char *option_size_text(uint64_t size, char text[OPTION_SIZE_TEXT])
{
	static const char units[] = "KMGT";
	unsigned int unit = 0;

	while (unit < 4 && size && !(size & 1023)) {
		size >>= 10;
		unit++;
	}
	snprintf(text, OPTION_SIZE_TEXT, "%llu%.*s", (unsigned long long)size, unit ? 1 : 0,
		 unit ? &units[unit - 1] : "");
	return text;
}
