/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain_answer - one plain sentence for the telephone, made of what was found.
 *
 * The document of explain gets: `verdict` (blocked, limited, would_be_blocked, passes),
 * `reason`, `since`, `until`, `remedy` (commands to copy) and `answer`; and `network`,
 * what else is known of the addresses around.
 *
 * Threads the one that makes the document.
 */
#ifndef TELEMETRY_EXPLAIN_ANSWER_H
#define TELEMETRY_EXPLAIN_ANSWER_H

#include "telemetry/view.h"

/* Call when all else stands in the document; takes box->lock for a moment. */
void telemetry_explain_answer(json_t *document, struct telemetry *t,
                              const uint8_t address[16]);

#endif
