/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of a command line: what a row of its tables is, how the values are read,
 * and what is said about wrong ones.
 */
#ifndef VQVMM_OPTION_VALUES_H
#define VQVMM_OPTION_VALUES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parser;

/*
 * What option_error() returns, and nothing else does: the line about it has
 * been printed, the process is to end with the status for bad input.
 */
#define OPTION_REJECTED (-ECANCELED)

/**
 * struct option_row - an option, or a key of one
 * @name: as the user writes it
 * @argument: what to call its value; NULL if it has none
 * @text: what it means; lines of up to 54 columns
 * @parse: reads the value into the field at @offset
 * @offset: of the field in its structure
 * @given: offset of a bool that tells that it was given, 0 for none
 * @low: least number
 * @high: greatest number
 * @keys: the keys that the value consists of
 * @required: it must be given
 * @repeated: it may be given more than once
 */
struct option_row {
	const char *name;
	const char *argument;
	const char *text;
	int (*parse)(struct parser *parser, const struct option_row *row, const char *value,
		     void *field);
	size_t offset;
	size_t given;
	uint64_t low;
	uint64_t high;
	const struct option_row *keys;
	bool required;
	bool repeated;
};

/**
 * struct parser - where in the command line we are, for messages
 * @options: what is being filled, of the program's own type
 * @option: the option
 * @key: the key in its value, or NULL
 * @value: the value of the key or of the option
 */
struct parser {
	void *options;
	const char *option;
	const char *key;
	const char *value;
};

/**
 * option_error() - report what is wrong with an option, in one line
 * @option: as the user knows it: "--disk"
 * @value: what is to blame, "path=/nope", or NULL for the option as such
 * @format: the reason; strerror(errno) by "%m" is often a good one
 *
 * Return: OPTION_REJECTED.
 */
int option_error(const char *option, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * option_key_error() - the same for one key of an option
 * @option: "--disk"
 * @key: "path"
 * @value: its value
 * @format: the reason
 *
 * Return: OPTION_REJECTED.
 */
int option_key_error(const char *option, const char *key, const char *value,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * option_report() - report an error, unless it is an option's fault and was reported
 * @err: 0, OPTION_REJECTED or -errno
 * @what: has failed
 *
 * Return: @err.
 */
int option_report(int err, const char *what);

/* Room for what option_size_text() writes. */
#define OPTION_SIZE_TEXT 24

/**
 * option_size_text() - a size as the user would write it
 * @size: bytes
 * @text: receives it: "256M"
 *
 * Return: @text.
 */
const char *option_size_text(uint64_t size, char text[OPTION_SIZE_TEXT]);

/*
 * Report what is wrong with the value at which the parser is: OPTION_REJECTED.
 */
#define reject(parser, ...) \
	((parser)->key ? \
	 option_key_error((parser)->option, (parser)->key, (parser)->value, __VA_ARGS__) : \
	 option_error((parser)->option, (parser)->value, __VA_ARGS__))

/*
 * The parsers of values, all alike: they read @value as @row says into @field,
 * which has the type named here.  Values that are text are not copied.
 * Return: 0; OPTION_REJECTED, reported.
 */
#define OPTION_PARSER(name) \
	int name(struct parser *parser, const struct option_row *row, const char *value, \
		 void *field)

OPTION_PARSER(parse_text);		/* const char * */
OPTION_PARSER(parse_name);		/* const char *: of a file, in some folder */
OPTION_PARSER(parse_number);		/* unsigned int */
OPTION_PARSER(parse_power_of_2);	/* unsigned int */
OPTION_PARSER(parse_size);		/* uint64_t, bytes */
OPTION_PARSER(parse_on_off);		/* bool */
OPTION_PARSER(parse_mac);		/* uint8_t[6] */

#endif /* VQVMM_OPTION_VALUES_H */
