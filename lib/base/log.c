/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char *name = "tidegate";
static enum log_level most_verbose = LOG_LEVEL_INFO;
static bool to_journal;

void
log_open(const char *program, enum log_level most)
{
	name = program;
	most_verbose = most;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > most_verbose)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);

	/* One call, so that lines of several threads never mix. */
	if (to_journal)
		fprintf(stderr, "<%d>%s\n", (int)level, line);
	else
		fprintf(stderr, "%s: %s%s\n", name,
		        level == LOG_LEVEL_WARNING ? "warning: " : "", line);
}
