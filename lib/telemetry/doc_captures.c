/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_captures - captures that run or are held: what they look for, and what they have.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/capture.h"
#include "evidence/see.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"

static void
put_wish(json_t *o, const char *key, const char *name)
{
	if (name[0] != '\0')
		telemetry_put_text(o, key, name);
	else
		json_object_set_new(o, key, json_null());
}

static json_t *
limits(const struct evidence_wanted *w)
{
	json_t *o = json_object();

	telemetry_put_count(o, "packets", w->packets);
	telemetry_put_seconds(o, "seconds", (double)w->for_ns / 1e9);
	telemetry_put_count(o, "bytes", w->bytes);
	return o;
}

static json_t *
capture_object(const struct box *box, const struct evidence_capture *c)
{
	static const char *const ends[EVIDENCE_ENDS] = {
		[EVIDENCE_RUNS] = NULL,
		[EVIDENCE_ENOUGH_PACKETS] = "packets",
		[EVIDENCE_ENOUGH_BYTES] = "bytes",
		[EVIDENCE_ENOUGH_TIME] = "seconds",
		[EVIDENCE_OUT_OF_MEMORY] = "memory",
	};
	const struct evidence_wanted *w = &c->wanted;
	json_t *o = json_object();

	telemetry_put_count(o, "id", c->id);
	telemetry_put_text(o, "state", c->is_held ? "ended" : "running");
	put_wish(o, "ended_by", c->is_held && ends[c->end] != NULL ? ends[c->end] : "");
	put_wish(o, "verdict", w->verdict_name);
	put_wish(o, "reason", w->reason_name);
	put_wish(o, "service", w->service_name);
	put_wish(o, "expression", w->expression);
	json_object_set_new(o, "limits", limits(w));
	telemetry_put_time(o, "started", telemetry_unix(box, c->started_ns));
	telemetry_put_time(o, "ended", telemetry_unix(box, c->ended_ns));
	telemetry_put_count(o, "packets", c->packets);
	telemetry_put_count(o, "bytes", c->bytes);
	telemetry_put_count(o, "lost", c->lost);
	telemetry_put_count(o, "not_asked", c->unasked);
	return o;
}

/* All of them, or the one of that id (NULL when there is none); errno says why not. */
static json_t *
captures(const struct box *box, const char *id)
{
	struct evidence_capture *c;
	json_t *list = NULL;
	char number[16];
	size_t n;

	errno = box->evidence == NULL ? ENOSYS : ENOMEM;
	c = box->evidence == NULL ? NULL : calloc(EVIDENCE_HELD, sizeof(*c));
	if (c == NULL)
		return NULL;
	n = evidence_capture_list(box->evidence, c, EVIDENCE_HELD);
	if (id == NULL)
		list = json_array();
	for (size_t i = 0; i < n; i++) {
		snprintf(number, sizeof(number), "%u", c[i].id);
		if (id == NULL)
			json_array_append_new(list, capture_object(box, &c[i]));
		else if (strcmp(number, id) == 0)
			list = capture_object(box, &c[i]);
	}
	free(c);
	errno = ENOENT;
	return list;
}

json_t *
telemetry_captures(struct telemetry *t, const struct telemetry_ask *ask)
{
	const struct box *box = telemetry_box(t);
	json_t *list = captures(box, NULL), *o;

	(void)ask;
	if (list == NULL)
		return NULL;
	o = telemetry_document_new(box, NULL);
	telemetry_put_count(o, "running_most", EVIDENCE_ARMED);
	telemetry_put_count(o, "held_most", EVIDENCE_HELD);
	json_object_set_new(o, "captures", list);
	return o;
}

json_t *
telemetry_capture(struct telemetry *t, const struct telemetry_ask *ask)
{
	const struct box *box = telemetry_box(t);
	json_t *one = captures(box, ask->name), *o;

	if (one == NULL)
		return NULL;
	o = telemetry_document_new(box, NULL);
	json_object_set_new(o, "capture", one);
	return o;
}
