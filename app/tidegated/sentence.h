/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sentence - how the box is, in one line of `systemctl status`.
 *
 *     mitigate, 3 services, 1 attack; in 1.2 Mpps 3.4 Gbit/s, dropped 0.9 Mpps
 *
 * What is wrong comes first: bypass, a link that is down, a worker that stands still.
 *
 * Threads any but workers and control.
 */
#ifndef TIDEGATED_SENTENCE_H
#define TIDEGATED_SENTENCE_H

#define SENTENCE_MAX 400

struct telemetry;

void sentence_of(struct telemetry *t, char out[SENTENCE_MAX]);

#endif
