/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* Between two passes of captures that take no time at all. */
#define PASS_NS UINT64_C(1000000)

/* Replace the head by the capture's next frame, if there is one. */
static int
advance(struct replay_source *s, struct replay_capture *c)
{
	int rc = capture_next(c->capture, &c->head);

	c->has_head = rc == 1;
	c->is_taken = false;
	c->is_truncated |= capture_is_truncated(c->capture);
	if (rc < 0)
		snprintf(s->why, sizeof(s->why), "%s", capture_why(c->capture));
	return rc < 0 ? rc : 0;
}

int
replay_source_open(struct replay_source *s, const struct replay_ask *ask)
{
	int rc = 0;

	memset(s, 0, sizeof(*s));
	s->from = calloc(ask->captures, sizeof(*s->from));
	s->speed = ask->speed;
	s->loop_ns = ask->loop_ns;
	s->is_new_pass = true;
	if (s->from == NULL) {
		snprintf(s->why, sizeof(s->why), "no memory for %u captures",
		         ask->captures);
		return -ENOMEM;
	}
	for (; rc == 0 && s->n < ask->captures; s->n++) {
		struct replay_capture *c = &s->from[s->n];

		c->path = ask->capture[s->n];
		rc = capture_open(c->path, &c->capture, s->why);
		if (rc == 0)
			rc = advance(s, c);
	}
	if (rc < 0)
		replay_source_close(s);
	return rc;
}

void
replay_source_close(struct replay_source *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		capture_close(s->from[i].capture);
	free(s->from);
	s->from = NULL;
	s->n = 0;
}

static int
rewind_all(struct replay_source *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		int rc = capture_rewind(s->from[i].capture);

		if (rc == 0)
			rc = advance(s, &s->from[i]);
		else
			snprintf(s->why, sizeof(s->why),
			         "'%.200s' cannot be read a second time: it is no file",
			         s->from[i].path);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The capture whose head is the earliest; of equals the first named. */
static struct replay_capture *
earliest(struct replay_source *s)
{
	struct replay_capture *first = NULL;

	for (unsigned int i = 0; i < s->n; i++) {
		struct replay_capture *c = &s->from[i];

		if (c->has_head &&
		    (first == NULL || c->head.time_ns < first->head.time_ns))
			first = c;
	}
	return first;
}

static uint64_t
virtual_time(const struct replay_source *s)
{
	return REPLAY_START_NS +
	       (uint64_t)((unsigned __int128)s->elapsed_ns * REPLAY_SPEED_ONE / s->speed);
}

/* Let the clock go on to a frame of capture time `time_ns`. */
static void
pass_time(struct replay_source *s, uint64_t time_ns)
{
	uint64_t step = 0;

	if (s->packets == 0) {
		s->first_ns = time_ns;
	} else if (s->is_new_pass) {
		step = s->between_ns;
	} else if (time_ns < s->last_ns) {
		s->clamped++;
		time_ns = s->last_ns;
	} else {
		step = time_ns - s->last_ns;
	}
	if (step > REPLAY_GAP_NS) {
		s->gaps++;
		s->gap_ns += step - REPLAY_GAP_NS;
		step = REPLAY_GAP_NS;
	}
	s->is_new_pass = false;
	s->last_ns = time_ns;
	s->elapsed_ns += step;
	s->packets++;
}

/* All captures ended. Returns 1 when another pass begins, else 0 or -errno. */
static int
next_pass(struct replay_source *s)
{
	int rc;

	s->passes++;
	if (s->packets == 0 || virtual_time(s) - REPLAY_START_NS >= s->loop_ns)
		return 0;
	if (s->passes == 1)
		s->between_ns =
			s->elapsed_ns == 0 ? PASS_NS : s->elapsed_ns / (s->packets - 1);
	if (s->between_ns == 0)
		s->between_ns = 1;
	rc = rewind_all(s);
	s->is_new_pass = true;
	return rc < 0 ? rc : 1;
}

int
replay_source_next(struct replay_source *s, struct capture_frame *frame, uint64_t *now_ns)
{
	struct replay_capture *c;
	int rc;

	for (unsigned int i = 0; i < s->n; i++) {
		if (!s->from[i].is_taken)
			continue;
		rc = advance(s, &s->from[i]);
		if (rc < 0)
			return rc;
	}
	c = earliest(s);
	if (c == NULL) {
		rc = next_pass(s);
		if (rc <= 0)
			return rc;
		c = earliest(s);
	}
	pass_time(s, c->head.time_ns);
	*now_ns = virtual_time(s);
	*frame = c->head;
	c->is_taken = true;
	if (s->passes == 0) {
		c->packets++;
		return 1;
	}
	/* Later passes end in the middle, and are written with shifted times. */
	if (*now_ns - REPLAY_START_NS >= s->loop_ns) {
		s->packets--;
		return 0;
	}
	frame->time_ns = s->first_ns + s->elapsed_ns;
	return 1;
}
