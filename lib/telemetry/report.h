/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report - one remembered attack as a document and as a page to print.
 *
 * Threads any but workers; what is returned belongs to the caller.
 */
#ifndef TELEMETRY_REPORT_H
#define TELEMETRY_REPORT_H

#include <stdio.h>

#include "telemetry/telemetry.h"

/* An attack that detection may have forgotten; both to be given back by json_decref(). */
struct telemetry_remembered {
	json_t *attack;  /* as telemetry_attack_object() made it */
	json_t *details; /* its course; NULL when nobody took it down */
};

/* From memory, else from the store. Returns 0, or -ENOENT with nothing to give back. */
int telemetry_remember(struct telemetry *t, const char *id,
                       struct telemetry_remembered *r);

/*
 * The document of telemetry_report() as one self-contained HTML page of one or two
 * printed pages: no script, no link to elsewhere, every text escaped. free() it; NULL
 * when out of memory.
 */
char *telemetry_report_html(const json_t *report);
#define TELEMETRY_REPORT_TYPE "text/html; charset=utf-8"
/* What such a page may do: nothing but its own style. */
#define TELEMETRY_REPORT_POLICY                                                          \
	"default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'"

/* The drawing in that page: what arrived, and what was stopped of it. */
void telemetry_report_drawing(FILE *to, const json_t *report);

/* "1.25 M", "830 ", "0 ": three digits and a prefix, ready for a unit. */
void telemetry_si(double value, char text[32]);

#endif
