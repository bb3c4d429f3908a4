/* SPDX-License-Identifier: BSD-3-Clause */
/* check - what a text of configuration makes the reader say, as one string. */
#ifndef TESTS_CONF_CHECK_H
#define TESTS_CONF_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* The caller frees it. */
static inline char *
told(const struct conf_errors *errors)
{
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		abort();
	conf_errors_print(errors, to);
	fclose(to);
	return text;
}

/* Whether both are the same; else both are shown. */
static inline bool
is_told(const struct conf_errors *errors, const char *expected)
{
	char *text = told(errors);
	bool same = strcmp(text, expected) == 0;

	if (!same)
		printf("\n--- expected\n%s--- told\n%s---\n", expected, text);
	free(text);
	return same;
}

#endif
