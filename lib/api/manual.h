/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * manual - what the API answers to, in words: from its own description, openapi.json.
 *
 * So the manual page cannot forget a path or a field, and cannot keep one that is gone.
 *
 * Threads any.
 */
#ifndef API_MANUAL_H
#define API_MANUAL_H

#include <jansson.h>
#include <stdio.h>

/* The description, for a daemon that does not run; the caller's. NULL: out of memory. */
json_t *api_manual_source(const char *version);

/* One line a path and method, and below it what it is. */
void api_manual_list(const json_t *openapi, FILE *to);

/* The part of the manual page that has every path, in the language of scdoc. */
void api_manual_page(const json_t *openapi, FILE *to);

#endif
