/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look - read small facts from the files of /proc and /sys.
 *
 * Threads any.
 */
#ifndef IO_LOOK_H
#define IO_LOOK_H

#include <stdbool.h>
#include <stddef.h>

/* First line of a file named by a format, without its newline. False when it cannot be read. */
bool look_line(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The number that a file begins with, or `otherwise`. */
long look_number(long otherwise, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool look_exists(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What follows `key` and a colon in a file of "key: value" lines, indented or not. */
bool look_value(const char *path, const char *key, char *out, size_t size);

/* Whether a space-separated list holds the word. */
bool look_has_word(const char *list, const char *word);

/*
 * Numbers of a list such as "0-3,6", in its own order. Returns how many were
 * written to out[max], or -1 when the text is no list or has more.
 */
int look_list(const char *text, unsigned int *out, unsigned int max);

#endif
