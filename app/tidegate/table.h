/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table - aligned columns for people; nothing reads them again but eyes.
 *
 * Rates are written with SI prefixes. Bytes that could steer a terminal are
 * shown as '?'. Colour only on a terminal, and not when NO_COLOR is set.
 */
#ifndef TIDEGATE_TABLE_H
#define TIDEGATE_TABLE_H

#include <jansson.h>
#include <stdbool.h>

#define TABLE_COLUMNS 12

struct table {
	unsigned int columns;
	const char *align; /* one letter a column: l or r */
	size_t cells, room;
	char **cell;
};

/* Headers end with NULL; align has as many letters. */
void table_begin(struct table *t, const char *align, const char *const *headers);
void table_add(struct table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "1.25 Mpps" for unit "pps"; 0 is "-". */
void table_add_rate(struct table *t, double value, const char *unit);
/* Print, and forget everything. Says `empty` when there are no rows. */
void table_end(struct table *t, const char *empty);

/* "1.25 M" + unit in one of a few static buffers. */
const char *table_si(double value, const char *unit);
/* "3 d 4 h", "2 min 5 s". */
const char *table_time(double seconds);
/* The text with what could steer a terminal replaced; a static buffer. */
const char *table_safe(const char *text);

/* Members of a document, with defaults for what is missing. "a.b" goes deeper. */
const char *get_text(const json_t *o, const char *key);
double get_number(const json_t *o, const char *key);
bool get_bool(const json_t *o, const char *key);
const json_t *get(const json_t *o, const char *key);

/* Whether standard output is a terminal. */
bool table_is_terminal(void);

/* Escape sequences, empty where colour is not wanted. */
const char *colour_bad(void);
const char *colour_warn(void);
const char *colour_good(void);
const char *colour_bold(void);
const char *colour_off(void);

#endif
