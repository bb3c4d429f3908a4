/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hook_parts - what the files of the hook share, and nobody else sees.
 *
 *     hook.c        queue, thread, when to try again
 *     hook_body.c   what is posted
 *     hook_post.c   the post itself, by libcurl; hook_absent.c without
 */
#ifndef EVENT_HOOK_PARTS_H
#define EVENT_HOOK_PARTS_H

#include <jansson.h>

#include "event/hook.h"

struct hook_batch {
	unsigned int count;
	json_t *event[EVENT_HOOK_BATCH]; /* held */
	uint64_t lost;                   /* before the first of them */
};

/* The text of a body, free() it; NULL when out of memory. */
char *event_hook_body(const struct settings_webhook *s, const char *node,
                      const struct hook_batch *batch);

/* How a post ended. */
struct hook_result {
	bool is_taken;
	bool is_refused;          /* again would help as little */
	unsigned int wait_s;      /* the server asked to wait so long; 0: it did not */
	char why[EVENT_HOOK_WHY]; /* when it was not taken: without any secret */
};

struct hook_post;

/* is_over: asked while a post runs; true ends it. */
struct hook_post *event_hook_post_open(const struct settings_webhook *s,
                                       bool (*is_over)(void *arg), void *arg);
void event_hook_post_close(struct hook_post *p);
void event_hook_post(struct hook_post *p, const char *body, struct hook_result *out);

#endif
