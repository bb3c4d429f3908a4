/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual - what the API answers to, in words: from the tables that answer.
 *
 * So the manual page cannot forget a path or a field, and cannot keep one that is gone.
 *
 * Threads any.
 */
#ifndef API_MANUAL_H
#define API_MANUAL_H

#include <stdio.h>

/* One line a path: method, path, what it is. */
void api_manual_list(FILE *to);

/* The part of the manual page that has every path, in the language of scdoc. */
void api_manual_page(FILE *to);

#endif
