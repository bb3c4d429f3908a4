/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sentence - one event as a person would say it, for chats and the journal.
 *
 * Threads any.
 */
#ifndef EVENT_SENTENCE_H
#define EVENT_SENTENCE_H

#include <jansson.h>

#define EVENT_SENTENCE 512

/* Controls become blanks; what does not fit is cut at a whole character. */
void event_sentence(const json_t *event, char out[EVENT_SENTENCE]);

#endif
