/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of options.  A table ends with a row without a name.
 */
#ifndef VQVMM_OPTION_TABLE_H
#define VQVMM_OPTION_TABLE_H

#include <stdio.h>

#include "option_values.h"

/**
 * option_find_row() - look an option up
 * @rows: a table
 * @name: as the user wrote it
 *
 * Return: its row; NULL if there is none.
 */
const struct option_row *option_find_row(const struct option_row *rows, const char *name);

/**
 * option_parse_row() - read the value of an option
 * @parser: where in the command line we are
 * @rows: the table
 * @row: the option, of that table
 * @value: as the user wrote it
 * @structure: in which it is put
 * @seen: the rows that were given, by position; is brought up to date
 *
 * Return: 0; OPTION_REJECTED, reported; -ENOMEM.
 */
int option_parse_row(struct parser *parser, const struct option_row *rows,
		     const struct option_row *row, const char *value, void *structure,
		     uint32_t *seen);

/**
 * option_find_missing() - an option that is required and was not given
 * @rows: the table
 * @seen: from option_parse_row()
 *
 * Return: its row; NULL if there is none.
 */
const struct option_row *option_find_missing(const struct option_row *rows, uint32_t seen);

/**
 * option_help_rows() - write the help text of a table
 * @to: where
 * @row: the table
 * @indent: columns in front of each option
 * @begin: column in which explanations begin
 * @separator: between option and value
 */
void option_help_rows(FILE *to, const struct option_row *row, int indent, int begin,
		      const char *separator);

/**
 * option_manual_rows() - write the section of a manual page, in troff
 * @to: where
 * @row: the table
 * @separator: between option and value
 */
void option_manual_rows(FILE *to, const struct option_row *row, const char *separator);

/**
 * option_completion_names() - write the names of a table, for bash to complete
 * @to: where
 * @row: the table
 * @end: what follows each name
 */
void option_completion_names(FILE *to, const struct option_row *row, const char *end);

/**
 * option_completion_values() - write what values the options of a table have, for bash to
 * complete: a line for each option that has one, and for each of its keys
 * @to: where
 * @before: what is there before an option, words separated by one space
 * @row: the table
 */
void option_completion_values(FILE *to, const char *before, const struct option_row *row);

#endif /* VQVMM_OPTION_TABLE_H */
