// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of options: found in them, read by them, and written into help texts, manual
 * pages and completions.
 */
#include "option_table.h"

#include <string.h>

#include "option_text.h"

const struct option_row *option_find_row(const struct option_row *rows, const char *name)
{
	for (; rows->name; rows++)
		if (!strcmp(rows->name, name))
			return rows;
	return NULL;
}

int option_parse_row(struct parser *parser, const struct option_row *rows,
		     const struct option_row *row, const char *value, void *structure,
		     uint32_t *seen)
{
	uint32_t bit = 1U << (row - rows);

	if (*seen & bit && !row->repeated)
		return reject(parser, "given twice");
	*seen |= bit;
	if (row->given)
		*(bool *)((char *)structure + row->given) = true;
	return row->parse(parser, row, value, (char *)structure + row->offset);
}

const struct option_row *option_find_missing(const struct option_row *rows, uint32_t seen)
{
	const struct option_row *row;

	for (row = rows; row->name; row++)
		if (row->required && !(seen & 1U << (row - rows)))
			return row;
	return NULL;
}

void option_help_rows(FILE *to, const struct option_row *row, int indent, int begin,
		      const char *separator)
{
	for (; row->name; row++) {
		int column = fprintf(to, "%*s%s", indent, "", row->name);

		if (row->argument)
			column += fprintf(to, "%s%s", separator, row->argument);
		option_help_text(to, column, begin, row->text);
		if (row->keys)
			option_help_rows(to, row->keys, indent + 2, begin, "=");
	}
}

void option_manual_rows(FILE *to, const struct option_row *row, const char *separator)
{
	for (; row->name; row++) {
		fputs(".TP\n\\fB", to);
		option_manual_text(to, row->name);
		fputs("\\fR", to);
		if (row->argument) {
			fprintf(to, "%s\\fI", separator);
			option_manual_text(to, row->argument);
			fputs("\\fR", to);
		}
		fputc('\n', to);
		option_manual_text(to, row->text);
		fputc('\n', to);
		if (row->keys) {
			fputs(".RS\n", to);
			option_manual_rows(to, row->keys, "=");
			fputs(".RE\n", to);
		}
	}
}

void option_completion_names(FILE *to, const struct option_row *row, const char *end)
{
	for (; row->name; row++)
		fprintf(to, " %s%s", row->name, end);
}

void option_completion_values(FILE *to, const char *before, const struct option_row *row)
{
	char context[64];

	for (; row->name; row++) {
		if (!row->argument)
			continue;
		snprintf(context, sizeof(context), "%s %s", before, row->name);
		option_completion_begin(to, context);
		if (row->keys)
			option_completion_names(to, row->keys, "=");
		else
			fputs(row->argument, to);
		option_completion_end(to);
		if (row->keys)
			option_completion_values(to, context, row->keys);
	}
}
