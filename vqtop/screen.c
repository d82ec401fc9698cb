// SPDX-License-Identifier: GPL-2.0
/*
 * The live table: three lines of what it is about, rows, and a line of keys.
 */
#include "screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "monitor.h"

/* Lines above the rows, and below. */
#define LINES_ABOVE 3
#define LINES_BELOW 1

/* Milliseconds after which an escape is a key of its own. */
#define ESCAPE_MS 25

#define KEY_ESCAPE 27

/**
 * struct screen - what is shown
 * @monitor: the queues
 * @order: which rows, in which order
 * @top: first row that is shown
 * @typing: keys go to the filter
 * @problem: why there are no queues
 */
struct screen {
	struct monitor monitor;
	struct order order;
	unsigned int top;
	bool typing;
	struct problem problem;
};

static unsigned int page(void)
{
	int lines = LINES - LINES_ABOVE - LINES_BELOW;

	return lines > 0 ? (unsigned int)lines : 1;
}

/* Why there are no queues, or what is not known of them. */
static void draw_note(const struct screen *screen)
{
	char note[256] = "";
	FILE *to;

	if (screen->problem.exit) {
		mvaddnstr(1, 0, screen->problem.text, COLS);
		return;
	}
	to = fmemopen(note, sizeof(note), "w");
	if (!to)
		return;
	monitor_notes(&screen->monitor, to);
	fclose(to);
	note[strcspn(note, "\n")] = '\0';
	mvaddnstr(1, 0, note, COLS);
}

static void draw_state(const struct screen *screen)
{
	const struct order *order = &screen->order;

	mvprintw(0, 0, "vqtop: %u of %u queues, by %s%s", screen->monitor.shown,
		 screen->monitor.now.count, order->column->name,
		 order->reverse ? ", reversed" : "");
	if (order->pid >= 0)
		printw(", of PID %ld", order->pid);
	if (order->queue >= 0)
		printw(", index %ld", order->queue);
	if (*order->text || screen->typing)
		printw(", with \"%s\"", order->text);
	draw_note(screen);
}

/* Write a column's cell at its place, as far as the window goes: where the next one is. */
static int draw_cell(int line, int at, const char *cell)
{
	if (at < COLS)
		mvaddnstr(line, at, cell, COLS - at);
	return at + (int)strlen(cell) + 1;
}

static void draw_headings(const struct order *order)
{
	char cell[CELL_SIZE];
	unsigned int i;
	int at = 0;

	attron(A_REVERSE);
	mvhline(LINES_ABOVE - 1, 0, ' ', COLS);
	for (i = 0; i < TABLE_COLUMNS; i++) {
		if (&columns[i] == order->column)
			attron(A_BOLD | A_UNDERLINE);
		at = draw_cell(LINES_ABOVE - 1, at, column_write_heading(&columns[i], cell));
		attroff(A_BOLD | A_UNDERLINE);
	}
	attroff(A_REVERSE);
}

static void draw_row(const struct row *row, int line)
{
	char cell[CELL_SIZE];
	unsigned int i;
	int at = 0;

	if (!strcmp(row->queue->state, "broken"))
		attron(A_BOLD);
	for (i = 0; i < TABLE_COLUMNS; i++)
		at = draw_cell(line, at, column_write(&columns[i], row, cell));
	attroff(A_BOLD);
}

static void draw_keys(const struct screen *screen)
{
	move(LINES - 1, 0);
	clrtoeol();
	if (screen->typing)
		printw("filter by PID, name or type: %s", screen->order.text);
	else
		addnstr("q quit  < > sort by  r reverse  / filter  Esc all  arrows scroll", COLS);
}

static void draw(struct screen *screen)
{
	unsigned int shown = screen->monitor.shown, i;

	if (screen->top + page() > shown)
		screen->top = shown > page() ? shown - page() : 0;
	erase();
	draw_state(screen);
	draw_headings(&screen->order);
	for (i = 0; i < page() && screen->top + i < shown; i++)
		draw_row(&screen->monitor.rows[screen->top + i], LINES_ABOVE + (int)i);
	draw_keys(screen);
	refresh();
}

static void type(struct screen *screen, int key)
{
	char *text = screen->order.text;
	size_t length = strlen(text);

	switch (key) {
	case KEY_BACKSPACE:
	case 127:
	case '\b':
		if (length)
			text[length - 1] = '\0';
		break;
	case '\n':
	case KEY_ENTER:
		screen->typing = false;
		break;
	case KEY_ESCAPE:
		screen->typing = false;
		*text = '\0';
		break;
	default:
		if (key >= ' ' && key <= '~' && length + 1 < sizeof(screen->order.text)) {
			text[length] = (char)key;
			text[length + 1] = '\0';
		}
	}
}

static void sort_by_next(struct order *order, int step)
{
	int next = (int)(order->column - columns) + step;

	order->column = &columns[(next + TABLE_COLUMNS) % TABLE_COLUMNS];
}

static void scroll_by(struct screen *screen, int lines)
{
	unsigned int up = lines < 0 ? (unsigned int)-lines : 0;

	screen->top -= up < screen->top ? up : screen->top;
	screen->top += lines > 0 ? (unsigned int)lines : 0;
}

/* Whatever a key does is drawn afterwards.  False: to end. */
static bool obey(struct screen *screen, int key)
{
	if (screen->typing) {
		type(screen, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case '<':
	case KEY_LEFT:
		sort_by_next(&screen->order, -1);
		break;
	case '>':
	case KEY_RIGHT:
		sort_by_next(&screen->order, 1);
		break;
	case 'r':
		screen->order.reverse = !screen->order.reverse;
		break;
	case '/':
		screen->typing = true;
		break;
	case KEY_ESCAPE:
		*screen->order.text = '\0';
		break;
	case KEY_UP:
		scroll_by(screen, -1);
		break;
	case KEY_DOWN:
		scroll_by(screen, 1);
		break;
	case KEY_PPAGE:
		scroll_by(screen, -(int)page());
		break;
	case KEY_NPAGE:
		scroll_by(screen, (int)page());
		break;
	}
	return true;
}

static bool obey_keys(struct screen *screen)
{
	int key;

	while ((key = getch()) != ERR)
		if (!obey(screen, key))
			return false;
	monitor_order(&screen->monitor, &screen->order);
	return true;
}

static void show(struct screen *screen, struct events *events)
{
	for (;;) {
		draw(screen);
		switch (events_wait(events, STDIN_FILENO)) {
		case EVENT_TICK:
			screen->problem.exit = VQTOP_EXIT_GOOD;
			monitor_update(&screen->monitor, &screen->order, &screen->problem);
			break;
		case EVENT_INPUT:
			if (!obey_keys(screen))
				return;
			break;
		case EVENT_END:
			return;
		}
	}
}

static int show_on_terminal(struct screen *screen, struct events *events, struct problem *problem)
{
	SCREEN *terminal = newterm(NULL, stdout, stdin);

	if (!terminal)
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "a terminal of the type \"%s\" is not known: set TERM",
				   getenv("TERM") ?: "");
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	show(screen, events);
	endwin();
	delscreen(terminal);
	return 0;
}

int screen_run(const struct options *options, struct problem *problem)
{
	struct screen screen = { .order = options->order };
	struct events events;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return problem_set(problem, VQTOP_EXIT_USAGE,
				   "there is no terminal: use --once or --json");
	/* Signals are blocked before there is a terminal to restore. */
	if (events_open(&events, options->interval, problem))
		return -1;
	ret = monitor_open(&screen.monitor, options, problem);
	if (!ret)
		ret = monitor_update(&screen.monitor, &screen.order, problem);
	if (!ret)
		ret = show_on_terminal(&screen, &events, problem);
	monitor_close(&screen.monitor);
	events_close(&events);
	return ret;
}
