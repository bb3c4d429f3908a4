/* SPDX-License-Identifier: BSD-3-Clause */
/* list_rig - read a list from a text or a file, and look at what became of it. */
#ifndef TESTS_LIST_RIG_H
#define TESTS_LIST_RIG_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "list/list.h"
#include "suite.h"

#define NOW INT64_C(1790000000) /* 2026-09-21T13:33:20Z */

static struct list_spec spec;
static struct conf_errors errors;
static struct list_content *content;
static int status;

__attribute__((unused)) static void
forget(void)
{
	list_free(content);
	content = NULL;
	conf_errors_free(&errors);
}

__attribute__((unused)) static void
start(enum list_format format)
{
	forget();
	spec = (struct list_spec){ .name = "feed", .format = format, .most = 1000000 };
}

__attribute__((unused)) static int
read_bytes(const void *text, size_t len)
{
	forget();
	status = list_read_text(&spec, text, len, NOW, &content, &errors);
	return status;
}

__attribute__((unused)) static int
read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

__attribute__((unused)) static int
read_file(const char *path)
{
	forget();
	spec.path = path;
	status = list_read(&spec, NOW, &content, &errors);
	spec.path = NULL;
	return status;
}

/* The content as "192.0.2.0/24 2001:db8::/32@1790003600". */
__attribute__((unused)) static const char *
shown(void)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; content != NULL && i < content->count && n < 4000; i++) {
		char one[PREFIX_TEXT];

		prefix_format(&content->prefix[i].prefix, one);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		                      i > 0 ? " " : "", one);
		if (content->prefix[i].until_s != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "@%u",
			                      content->prefix[i].until_s);
	}
	return text;
}

/* Whether an error or warning at that line (0: of the whole file) holds these words. */
__attribute__((unused)) static bool
is_told(unsigned int line, const char *words)
{
	for (size_t i = 0; i < errors.count + errors.warnings; i++)
		if (errors.error[i].line == line &&
		    strstr(errors.error[i].message, words) != NULL)
			return true;
	conf_errors_print(&errors, stderr);
	return false;
}

/* A file of its own that is gone with the process. */
__attribute__((unused)) static const char *
temporary(const char *ending)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/tidegate-list-%d%s", (int)getpid(), ending);
	unlink(path);
	return path;
}

__attribute__((unused)) static void
write_file(const char *path, const void *text, size_t len)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

#endif
