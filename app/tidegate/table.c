/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

static char *
next_buffer(size_t *size)
{
	static char buffers[16][512];
	static unsigned int turn;

	*size = sizeof(buffers[0]);
	return buffers[turn++ % 16];
}

const char *
table_safe(const char *text)
{
	size_t size;
	char *out = next_buffer(&size);

	words_clean(text, out, size);
	return out;
}

static void
add(struct table *t, char *text)
{
	if (t->cells == t->room) {
		char **grown = realloc(t->cell, (t->room + 64) * sizeof(*grown));

		if (grown == NULL)
			abort();
		t->cell = grown;
		t->room += 64;
	}
	t->cell[t->cells++] = text;
}

void
table_begin(struct table *t, const char *align, const char *const *headers)
{
	memset(t, 0, sizeof(*t));
	t->align = align;
	t->columns = (unsigned int)strlen(align);
	for (unsigned int i = 0; headers[i] != NULL; i++)
		table_add(t, "%s", headers[i]);
}

void
table_add(struct table *t, const char *format, ...)
{
	char text[512];
	va_list args;
	char *copy;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	copy = strdup(table_safe(text));
	if (copy == NULL)
		abort();
	add(t, copy);
}

void
table_add_rate(struct table *t, double value, const char *unit)
{
	table_add(t, "%s", value > 0 ? table_si(value, unit) : "-");
}

/* Columns a text takes: bytes that begin a UTF-8 character. */
static int
width(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
print_row(const struct table *t, size_t row, const int *widths)
{
	for (unsigned int i = 0; i < t->columns; i++) {
		const char *cell = t->cell[row * t->columns + i];
		const int pad = widths[i] - width(cell);
		const bool is_last = i + 1 == t->columns;

		if (t->align[i] == 'r')
			printf("%*s%s", pad, "", cell);
		else
			printf("%s%*s", cell, is_last ? 0 : pad, "");
		fputs(is_last ? "\n" : "  ", stdout);
	}
}

void
table_end(struct table *t, const char *empty)
{
	const size_t rows = t->cells / t->columns;
	int widths[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < rows * t->columns; i++) {
		const int w = width(t->cell[i]);

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	if (rows <= 1) {
		puts(empty);
	} else {
		fputs(colour_bold(), stdout);
		print_row(t, 0, widths);
		fputs(colour_off(), stdout);
		for (size_t i = 1; i < rows; i++)
			print_row(t, i, widths);
	}
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}

const char *
table_si(double value, const char *unit)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T", "P" };
	size_t size, i = 0;
	char *out = next_buffer(&size);

	while (value >= 999.5 && i < 5) {
		value /= 1000;
		i++;
	}
	/* Of nothing known there are so many. */
	if (value >= 1e6)
		snprintf(out, size, "%.2e %s", value, unit);
	else
		snprintf(out, size,
		         i == 0 || value >= 99.95 ? "%.0f %s%s"
		         : value >= 9.995         ? "%.1f %s%s"
		                                  : "%.2f %s%s",
		         value, prefixes[i], unit);
	return out;
}

const char *
table_time(double seconds)
{
	size_t size;
	char *out = next_buffer(&size);
	/* What a document says may be anything. */
	const unsigned long s = seconds > 0 ? (unsigned long)fmin(seconds, 1e12) : 0;

	if (s >= 86400)
		snprintf(out, size, "%lu d %lu h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(out, size, "%lu h %lu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, size, "%lu min %lu s", s / 60, s % 60);
	else if (seconds >= 10)
		snprintf(out, size, "%lu s", s);
	else
		snprintf(out, size, "%.1f s", seconds > 0 ? seconds : 0);
	return out;
}

const json_t *
get(const json_t *o, const char *key)
{
	const char *dot = strchr(key, '.');
	char first[64];

	if (dot == NULL || (size_t)(dot - key) >= sizeof(first))
		return json_object_get(o, key);
	memcpy(first, key, (size_t)(dot - key));
	first[dot - key] = '\0';
	return get(json_object_get(o, first), dot + 1);
}

const char *
get_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(get(o, key));

	return text != NULL ? text : "";
}

double
get_number(const json_t *o, const char *key)
{
	return json_number_value(get(o, key));
}

bool
get_bool(const json_t *o, const char *key)
{
	return json_is_true(get(o, key));
}

bool
table_is_terminal(void)
{
	return isatty(STDOUT_FILENO) != 0;
}

static const char *
colour(const char *sequence)
{
	const char *no = getenv("NO_COLOR");

	return table_is_terminal() && (no == NULL || no[0] == '\0') ? sequence : "";
}

const char *
colour_bad(void)
{
	return colour("\033[31m");
}

const char *
colour_warn(void)
{
	return colour("\033[33m");
}

const char *
colour_good(void)
{
	return colour("\033[32m");
}

const char *
colour_bold(void)
{
	return colour("\033[1m");
}

const char *
colour_off(void)
{
	return colour("\033[0m");
}
