/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness - the writer of what workers note of packets, from its start to its end.
 *
 * Threads the main thread starts and stops; witness_follow: one ordinary thread.
 */
#ifndef TIDEGATED_WITNESS_H
#define TIDEGATED_WITNESS_H

struct engine;

/* Begin to write. When it cannot, that is told, and nothing is kept of packets. */
void witness_start(struct engine *e);
void witness_stop(struct engine *e);

/* Take over what a reload may have changed; about once a second. */
void witness_follow(struct engine *e);

#endif
