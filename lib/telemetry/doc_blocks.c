/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_blocks - timed entries of the deny and allow lists.
 */
#include <errno.h>
#include <stdlib.h>

#include "prefix/prefix.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

#define BLOCKS_SHOWN 4096

static json_t *
entry(const struct box *box, const struct policy_block *b, uint64_t now_ns)
{
	json_t *o = json_object();
	char text[PREFIX_TEXT];

	prefix_format(&b->prefix, text);
	telemetry_put_text(o, "prefix", text);
	telemetry_put_text(o, "action", b->is_allow ? "allow" : "deny");
	telemetry_put_text(o, "reason", b->reason);
	telemetry_put_time(o, "since", telemetry_unix(box, b->since_ns));
	telemetry_put_time(o, "until", telemetry_unix(box, b->until_ns));
	if (b->until_ns == 0)
		json_object_set_new(o, "remaining_seconds", json_null());
	else
		telemetry_put_seconds(
			o, "remaining_seconds",
			b->until_ns > now_ns ? (double)(b->until_ns - now_ns) / 1e9 : 0);
	return o;
}

json_t *
telemetry_blocks(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct box *box = telemetry_box(t);
	struct policy_block *b;
	json_t *o, *list;
	size_t n;

	(void)ask;
	if (box->block_list == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	b = calloc(BLOCKS_SHOWN, sizeof(*b));
	if (b == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	n = box->block_list(box->daemon, b, BLOCKS_SHOWN);
	o = telemetry_document_new(box, NULL);
	list = json_array();
	for (size_t i = 0; i < n && i < BLOCKS_SHOWN; i++)
		json_array_append_new(list, entry(box, &b[i], box->now_ns(box->daemon)));
	telemetry_put_count(o, "total", n);
	json_object_set_new(o, "blocks", list);
	free(b);
	return o;
}
