/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/explain.h"

#include <string.h>

struct explain_line *
explain_add(struct explain *e)
{
	struct explain_line *line;

	if (e->lines == EXPLAIN_LINES) {
		e->left_out++;
		return NULL;
	}
	line = &e->line[e->lines++];
	memset(line, 0, sizeof(*line));
	line->what = line->unit = line->verdict = "";
	return line;
}
