/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the tables of options are written in help texts, manual pages and completions, of
 * vqtop too.
 */
#ifndef VQVMM_OPTION_TEXT_H
#define VQVMM_OPTION_TEXT_H

#include <stdio.h>

/**
 * option_help_text() - write an explanation to the right of what it explains
 * @to: where
 * @column: how many characters the line has already
 * @begin: column in which explanations begin; if there is no room, on a line of its own
 * @text: may have several lines
 */
void option_help_text(FILE *to, int column, int begin, const char *text);

/**
 * option_manual_text() - write a text for troff, which takes a plain hyphen for a
 * typographic one
 * @to: where
 * @text: the text
 */
void option_manual_text(FILE *to, const char *text);

/**
 * option_completion_begin() - begin a line of the table by which bash completes, an
 * element of an associative array; what may follow is then written to the same stream
 * @to: where
 * @before: what is there before, words separated by one space
 */
void option_completion_begin(FILE *to, const char *before);

/**
 * option_completion_end() - end the line
 * @to: where
 */
void option_completion_end(FILE *to);

/**
 * struct option_exit - an exit status in words
 * @status: of a program
 * @text: why it ends with it; NULL ends a table
 */
struct option_exit {
	int status;
	const char *text;
};

/**
 * option_help_exits() - write the exit statuses for a help text
 * @to: where
 * @row: a table
 */
void option_help_exits(FILE *to, const struct option_exit *row);

/**
 * option_manual_exits() - write them for a manual page, in troff
 * @to: where
 * @row: a table
 */
void option_manual_exits(FILE *to, const struct option_exit *row);

#endif /* VQVMM_OPTION_TEXT_H */
