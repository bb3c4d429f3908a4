/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness - what the numbers of a noted packet are called: link, service, reason, attack.
 *
 * Attacks are looked at anew twenty times a second at most, however many packets ask.
 *
 * Threads one: the writer of evidence.
 */
#ifndef TELEMETRY_WITNESS_H
#define TELEMETRY_WITNESS_H

#include "evidence/evidence.h"
#include "telemetry/box.h"

struct telemetry_witness;

/* Names of links are read now. NULL when out of memory. */
struct telemetry_witness *telemetry_witness_open(struct box *box);
void telemetry_witness_close(struct telemetry_witness *w);

/* Names of the links, box->n_links of them. */
const char *const *telemetry_witness_links(const struct telemetry_witness *w);

/* An evidence_tell, and its evidence_from.now_ns; `arg` is the witness. */
void telemetry_witness_tell(void *arg, const struct evidence_note *n,
                            struct evidence_story *story);
uint64_t telemetry_witness_now(void *arg);

#endif
