/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top - what the gate does at this moment, as lines of text.
 *
 * The page is made the same way for a whole screen and for a pipe; a screen shows as
 * much of it as there is room for and lets keys change what is asked.
 *
 * Threads one.
 */
#ifndef TIDEGATE_TOP_H
#define TIDEGATE_TOP_H

#include <jansson.h>
#include <stdbool.h>

#include "cli.h"

#define TOP_TEXT  320
#define TOP_LINES 320

enum top_style { TOP_PLAIN, TOP_BOLD, TOP_GOOD, TOP_WARN, TOP_BAD, TOP_HEAD };
enum top_sort {
	TOP_BY_PACKETS,
	TOP_BY_BITS,
	TOP_BY_DROPPED,
	TOP_BY_HEADROOM,
	TOP_BY_NAME
};

/* What the operator wants to see. */
struct top_view {
	enum top_sort sort;
	char filter[64];       /* only names that hold it; "" all */
	bool of_destinations;  /* talkers: else sources */
	unsigned int services; /* rows at most */
	unsigned int others;   /* rows of each of the other tables at most */
	unsigned int from;     /* services left out at the beginning: scrolled */
};

/* What the daemon said last; documents are NULL before the first answer. */
struct top_facts {
	json_t *live, *talkers, *workers;
	double age;    /* seconds since it said so */
	char why[256]; /* it does not answer: why; "" it does */
};

struct top_page {
	unsigned int count;
	struct {
		enum top_style style;
		char text[TOP_TEXT];
	} line[TOP_LINES];
};

/* Ask anew. On failure the old facts stay, and `why` says so. */
void top_ask(struct cli *c, const struct top_view *view, struct top_facts *facts);
void top_forget(struct top_facts *facts);

/* Write the page of these facts; page is overwritten. */
void top_write(const struct top_facts *facts, const struct top_view *view,
               struct top_page *page);

extern const char *const top_sorts[]; /* by enum top_sort, NULL-ended */

/* A whole terminal until q is pressed. Returns the exit code. */
int top_screen(struct cli *c, struct top_view *view);

#endif
