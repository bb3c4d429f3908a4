/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top_screen - the page on a whole terminal, by ncurses.
 *
 * Asked anew every second. While the daemon does not answer, the last page stays and
 * says how old it is. Keys work at once; the terminal is given back as it was, also
 * on a signal.
 *
 * Threads one.
 */
#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "top.h"

#define LOOK_MS 100 /* for keys */
#define HEAD    5   /* lines before the tables */
#define LEAST   24  /* rows of a terminal that all tables fit in */

struct screen {
	struct cli *c;
	struct top_view *view;
	struct top_facts facts;
	struct top_page page;
	double asked, answered; /* seconds of the monotonic clock */
	bool is_paused, shows_help, is_typing;
	bool is_over;
};

static volatile sig_atomic_t is_asked_to_end;

static void
end(int number)
{
	(void)number;
	is_asked_to_end = 1;
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static attr_t
attributes(enum top_style style)
{
	switch (style) {
	case TOP_HEAD:
		return A_REVERSE;
	case TOP_BOLD:
		return A_BOLD;
	case TOP_GOOD:
		return (attr_t)COLOR_PAIR(TOP_GOOD);
	case TOP_WARN:
		return (attr_t)COLOR_PAIR(TOP_WARN) | A_BOLD;
	case TOP_BAD:
		return (attr_t)COLOR_PAIR(TOP_BAD) | A_BOLD;
	default:
		return A_NORMAL;
	}
}

static void
draw_help(void)
{
	static const char *const text[] = {
		"p b d h n   sort services by packets, bits, dropped, headroom, name",
		"s           sources or destinations",
		"/           show only names that hold what you type; Enter ends it",
		"Esc         show all again",
		"up down     scroll services",
		"space       pause and go on",
		"?           this help",
		"q           end",
	};

	for (int i = 0; i < (int)(sizeof(text) / sizeof(*text)); i++)
		mvaddnstr(i + 2, 2, text[i], COLS > 4 ? COLS - 4 : 0);
}

static void
draw_foot(const struct screen *s)
{
	attrset(A_REVERSE);
	mvhline(LINES - 1, 0, ' ', COLS);
	if (s->is_typing)
		mvprintw(LINES - 1, 0, "show only names with: %s_", s->view->filter);
	else
		mvprintw(LINES - 1, 0, "%.*s", COLS - 1,
		         s->is_paused ? "PAUSED   space goes on   ? help   q end"
		                      : "? help   q end   / filter   p b d h n sort");
	if (!s->is_typing && COLS > 80)
		mvprintw(LINES - 1, COLS - 38, "by %s%s%.20s", top_sorts[s->view->sort],
		         s->view->filter[0] != '\0' ? ", only " : "", s->view->filter);
	attrset(A_NORMAL);
}

/* Half of the room is the services'; the other tables share the rest. */
static void
share_room(struct top_view *view)
{
	const int room = LINES - HEAD - 12;

	view->services = room > 8 ? (unsigned int)room / 2 : 4;
	view->others = LINES >= LEAST && room > 8 ? (unsigned int)room / 6 + 1 : 2;
}

static void
draw(struct screen *s)
{
	erase();
	if (s->shows_help) {
		draw_help();
	} else if (s->facts.live == NULL) {
		mvaddnstr(0, 0, s->facts.why[0] != '\0' ? s->facts.why : "asking ...",
		          COLS);
	} else {
		s->facts.age = now_s() - s->answered;
		share_room(s->view);
		top_write(&s->facts, s->view, &s->page);
		for (unsigned int i = 0; i < s->page.count && (int)i < LINES - 1; i++) {
			attrset((int)attributes(s->page.line[i].style));
			if (s->page.line[i].style == TOP_HEAD)
				mvhline((int)i, 0, ' ', COLS);
			mvaddnstr((int)i, 0, s->page.line[i].text, COLS);
		}
		attrset(A_NORMAL);
	}
	draw_foot(s);
	refresh();
}

static void
type(struct screen *s, int key)
{
	char *text = s->view->filter;
	const size_t n = strlen(text);

	if (key == '\n' || key == '\r' || key == KEY_ENTER || key == 27) {
		s->is_typing = false;
		if (key == 27)
			text[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		text[n > 0 ? n - 1 : 0] = '\0';
	} else if (key >= ' ' && key < 127 && n + 1 < sizeof(s->view->filter)) {
		text[n] = (char)key;
		text[n + 1] = '\0';
	}
}

static void
press(struct screen *s, int key)
{
	static const char sorts[] = "pbdhn"; /* as enum top_sort */
	const char *sort = key > 0 && key < 128 ? strchr(sorts, key) : NULL;

	if (s->is_typing) {
		type(s, key);
		return;
	}
	if (sort != NULL)
		s->view->sort = (enum top_sort)(sort - sorts);
	switch (key) {
	case 'q':
	case 'Q':
		s->is_over = true;
		break;
	case '?':
		s->shows_help = !s->shows_help;
		break;
	case ' ':
		s->is_paused = !s->is_paused;
		break;
	case 's':
		s->view->of_destinations = !s->view->of_destinations;
		s->asked = 0;
		break;
	case '/':
		s->is_typing = true;
		s->view->filter[0] = '\0';
		break;
	case 27:
		s->view->filter[0] = '\0';
		s->shows_help = false;
		break;
	case KEY_DOWN:
		s->view->from++;
		break;
	case KEY_UP:
		s->view->from -= s->view->from > 0;
		break;
	default:
		break;
	}
}

static void
turn(struct screen *s)
{
	const int key = getch();

	if (key != ERR)
		press(s, key);
	if (!s->is_paused && now_s() >= s->asked + 1) {
		s->asked = now_s();
		top_ask(s->c, s->view, &s->facts);
		if (s->facts.why[0] == '\0')
			s->answered = now_s();
	}
	draw(s);
}

static void
prepare(void)
{
	const char *no = getenv("NO_COLOR");

	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	timeout(LOOK_MS);
	if (!has_colors() || (no != NULL && no[0] != '\0'))
		return;
	start_color();
	use_default_colors();
	init_pair(TOP_GOOD, COLOR_GREEN, -1);
	init_pair(TOP_WARN, COLOR_YELLOW, -1);
	init_pair(TOP_BAD, COLOR_RED, -1);
}

int
top_screen(struct cli *c, struct top_view *view)
{
	static struct screen s; /* too large for a stack */
	const struct sigaction on_end = { .sa_handler = end };
	SCREEN *terminal;

	s.c = c;
	s.view = view;
	setlocale(LC_ALL, "");
	terminal = newterm(NULL, stdout, stdin);
	if (terminal == NULL) {
		fputs("tidegate: this terminal is not known (TERM); write --batch\n",
		      stderr);
		return EXIT_FAILED;
	}
	sigaction(SIGINT, &on_end, NULL);
	sigaction(SIGTERM, &on_end, NULL);
	sigaction(SIGHUP, &on_end, NULL);
	prepare();
	while (!s.is_over && !is_asked_to_end)
		turn(&s);
	endwin();
	delscreen(terminal);
	top_forget(&s.facts);
	return 0;
}
