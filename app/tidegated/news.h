/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * news - the event writer of this daemon, and all it is told: what workers notice,
 * what operators change and what of it ends, lists, the start and the stop.
 *
 * Threads the main thread opens and closes.
 */
#ifndef TIDEGATED_NEWS_H
#define TIDEGATED_NEWS_H

struct engine;
struct events;
struct telemetry;

/* Open the writer and let the engine tell it. NULL, with errno, when that failed. */
struct events *news_open(struct engine *e, struct telemetry *t);

/* After everybody who tells; the last event is the stop. */
void news_close(struct engine *e, struct events *events);

#endif
