/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grammar - whether brackets, keys, values and separators come in order.
 *
 * libconfig would find the same faults, but names neither what is missing nor
 * where the bracket was opened that the end of the file does not close; it also
 * forgets to free a string at which it gives up. So it only sees what is right.
 *
 *     group { }   key = value;  key = value;     separators may be left out
 *     list ( )    value, value                   no separator at the end
 *     array [ ]   the same, values without brackets of their own
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/parts.h"

void
conf_grammar_fail(struct conf_grammar *g, struct conf_at at, bool about_key,
                  const char *format, ...)
{
	struct conf_place place = { conf_text_copy(at.file, strlen(at.file)), at.line,
		                    about_key ? g->key : NULL };
	char *message;
	va_list args;
	int rc;

	va_start(args, format);
	rc = vasprintf(&message, format, args);
	va_end(args);
	conf_fail(g->errors, &place, "%s", rc < 0 ? format : message);
	if (rc >= 0)
		free(message);
	free(place.file);
}

/* An error after which the reader has lost the thread. */
#define LOSE(g, ...)                                                                     \
	do {                                                                             \
		if (!(g)->is_lost)                                                       \
			conf_grammar_fail(g, __VA_ARGS__);                               \
		(g)->is_lost = (g)->is_broken = true;                                    \
	} while (0)

/* An error that leaves no doubt about what was meant. */
#define BREAK(g, ...)                                                                    \
	do {                                                                             \
		if (!(g)->is_lost)                                                       \
			conf_grammar_fail(g, __VA_ARGS__);                               \
		(g)->is_broken = true;                                                   \
	} while (0)

static char
within(const struct conf_grammar *g)
{
	return g->depth > 0 ? g->open[g->depth - 1].bracket : '{';
}

bool
conf_grammar_wants_value(const struct conf_grammar *g)
{
	return within(g) != '{' || g->expect == CONF_EXPECT_VALUE;
}

void
conf_grammar_key(struct conf_grammar *g, struct conf_at at, const char *name)
{
	if (g->expect == CONF_EXPECT_EQUALS)
		LOSE(g, at, true, "'=' is missing before \"%s\"", name);
	snprintf(g->key, sizeof(g->key), "%s", name);
	g->expect = CONF_EXPECT_EQUALS;
	g->was_string = false;
}

void
conf_grammar_value(struct conf_grammar *g, struct conf_at at, bool is_string)
{
	if (g->expect == CONF_EXPECT_EQUALS)
		LOSE(g, at, true, "'=' is missing before this value");
	else if (g->expect == CONF_EXPECT_MORE && is_string && g->was_string)
		BREAK(g, at, true,
		      "a comma is missing before this string; it would be joined to the "
		      "one "
		      "before it");
	else if (g->expect == CONF_EXPECT_MORE && within(g) != '{')
		BREAK(g, at, true, "a comma is missing before this value");
	else if (g->expect == CONF_EXPECT_MORE || g->expect == CONF_EXPECT_KEY)
		LOSE(g, at, false, "a value stands here without a key");
	g->expect = CONF_EXPECT_MORE;
	g->was_string = is_string;
}

void
conf_grammar_mark(struct conf_grammar *g, struct conf_at at, char mark)
{
	bool is_group = within(g) == '{';

	if (mark == '=' || mark == ':') {
		if (g->expect != CONF_EXPECT_EQUALS)
			LOSE(g, at, false, "unexpected '%c'", mark);
		g->expect = CONF_EXPECT_VALUE;
	} else if (g->expect == CONF_EXPECT_MORE && (is_group || mark == ',')) {
		g->expect = is_group ? CONF_EXPECT_KEY : CONF_EXPECT_VALUE;
	} else if (g->expect == CONF_EXPECT_EQUALS ||
	           (is_group && g->expect == CONF_EXPECT_VALUE)) {
		LOSE(g, at, true, "the value is missing before '%c'", mark);
		g->expect = CONF_EXPECT_KEY;
	} else if (mark == ';' && !is_group) {
		LOSE(g, at, true, "values are separated by ',' here, not by ';'");
	} else {
		BREAK(g, at, false, "remove this '%c'; nothing stands before it", mark);
	}
	g->was_string = false;
}

void
conf_grammar_open(struct conf_grammar *g, struct conf_at at, char bracket)
{
	if (within(g) == '[')
		LOSE(g, at, true,
		     "an array [ ] holds plain values only; '%c' needs a list ( )",
		     bracket);
	conf_grammar_value(g, at, false);
	if (g->depth == CONF_MAX_DEPTH) {
		LOSE(g, at, true, "brackets are nested more than %d deep",
		     CONF_MAX_DEPTH);
		return;
	}
	g->open[g->depth++] = (struct conf_open){ bracket, at.line, at.file };
	g->expect = bracket == '{' ? CONF_EXPECT_KEY : CONF_EXPECT_FIRST;
}

static char
closing(char bracket)
{
	return bracket == '{' ? '}' : bracket == '(' ? ')' : ']';
}

void
conf_grammar_close(struct conf_grammar *g, struct conf_at at, char bracket)
{
	const struct conf_open *open;

	if (g->depth == 0) {
		LOSE(g, at, false, "'%c' closes nothing", bracket);
		return;
	}
	open = &g->open[--g->depth];
	if (closing(open->bracket) != bracket)
		LOSE(g, at, false, "'%c' does not close the '%c' of line %u", bracket,
		     open->bracket, open->line);
	else if (g->expect == CONF_EXPECT_VALUE && bracket != '}')
		BREAK(g, at, true, "remove the comma before '%c'", bracket);
	else if (g->expect == CONF_EXPECT_VALUE || g->expect == CONF_EXPECT_EQUALS)
		LOSE(g, at, true, "the value is missing before '%c'", bracket);
	g->expect = CONF_EXPECT_MORE;
	g->was_string = false;
}

void
conf_grammar_end(struct conf_grammar *g, struct conf_at at)
{
	if (g->depth > 0) {
		const struct conf_open *open = &g->open[g->depth - 1];

		LOSE(g, ((struct conf_at){ open->file, open->line }), false,
		     "the '%c' that stands here is never closed", open->bracket);
	} else if (g->expect == CONF_EXPECT_VALUE || g->expect == CONF_EXPECT_EQUALS) {
		LOSE(g, at, true, "the value is missing at the end of the file");
	}
}
