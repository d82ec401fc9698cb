// SPDX-License-Identifier: GPL-2.0
/*
 * How the tables of options are written in help texts, manual pages and completions.
 */
#include "option_text.h"

#include <string.h>

void option_help_text(FILE *to, int column, int begin, const char *text)
{
	for (;;) {
		int length = (int)strcspn(text, "\n");
		int gap = begin - column;

		if (gap < 1) {
			fputc('\n', to);
			gap = begin;
		}
		fprintf(to, "%*s%.*s\n", gap, "", length, text);
		text += length;
		if (!*text++)
			break;
		column = 0;
	}
}

void option_manual_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			fputc('\\', to);
		fputc(*text, to);
	}
}

void option_completion_begin(FILE *to, const char *before)
{
	fprintf(to, "\t\t['%s']='", before);
}

void option_completion_end(FILE *to)
{
	fputs("'\n", to);
}

void option_help_exits(FILE *to, const struct option_exit *row)
{
	fputs("\nexit status:\n", to);
	for (; row->text; row++)
		fprintf(to, "  %3d  %s\n", row->status, row->text);
}

void option_manual_exits(FILE *to, const struct option_exit *row)
{
	for (; row->text; row++)
		fprintf(to, ".TP\n.B %d\n%s\n", row->status, row->text);
}
