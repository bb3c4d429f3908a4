/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/sources/tell.h"

#include <string.h>

#include "prefix/prefix.h"
#include "stage/explain.h"
#include "stage/sources/params.h"
#include "stage/stage.h"

#define SECOND_NS       UINT64_C(1000000000)
#define EXPLAIN_BUCKETS 512u /* looked at in one call */

const char *const sources_what[SOURCE_METERS] = {
	[SOURCE_PACKETS] = "packets",
	[SOURCE_BITS] = "bits",
	[SOURCE_VERIFIED_PACKETS] = "verified packets",
	[SOURCE_VERIFIED_BITS] = "verified bits",
	[SOURCE_CONNECTIONS] = "new connections",
};

/* A line of this source, or NULL when there is no room left. */
static struct explain_line *
add(struct explain *e, const struct source *source, const char *what, const char *verdict)
{
	struct explain_line *line = explain_add(e);

	if (line != NULL) {
		line->service = source->key.service;
		line->what = what;
		line->verdict = verdict;
	}
	return line;
}

static void
tell_until(struct explain *e, const struct source *source, const char *what,
           uint32_t until, uint64_t now_ns)
{
	struct explain_line *line;

	if (!source_is_ahead(until, now_ns) ||
	    (line = add(e, source, what, "yes")) == NULL)
		return;
	line->unit = "seconds";
	line->value =
		(uint64_t)(until - source_tick(now_ns)) * SOURCE_TICK_NS / SECOND_NS;
}

/* A meter knows how much of its burst is used, not a rate; that is what is told. */
static void
tell_meters(struct explain *e, struct source *source, const struct sources_params *p,
            uint64_t now_ns)
{
	const uint64_t now = meter_ticks(now_ns);

	for (unsigned int m = 0; m < SOURCE_METERS; m++) {
		const uint64_t whole = p->rate[m].slack + p->rate[m].each;
		struct explain_line *line;

		if (p->limit[m] == 0)
			continue;
		line = add(e, source, sources_what[m],
		           sources_is_over(source, p, m, now) ? "over" : "within");
		if (line == NULL)
			return;
		line->unit = "percent_of_burst";
		line->value =
			meter_ahead(sources_meter(source, m), now) / (whole / 100 + 1);
		line->threshold = 100;
	}
}

/* The limits of this address, which may stand for many customers. */
static const struct sources_params *
params_for(const struct explain *e, const struct sources_params *p, uint64_t now_ns)
{
	uint32_t value = PREFIX_NONE;
	uint8_t scale = 0;

	if (p->scaled != NULL)
		value = prefix_find(p->lists->table, e->address);
	for (; value != PREFIX_NONE; value = p->lists->node[value - 1].under) {
		const struct stage_listed *entry =
			&p->lists->entry[p->lists->node[value - 1].entry];

		if (entry->action == LIST_NEVER_BLOCK && entry->scale > scale &&
		    (entry->until_ns == 0 || entry->until_ns > now_ns))
			scale = entry->scale;
	}
	return sources_scaled(p, scale);
}

static void
tell(struct explain *e, const struct stage_view *view, struct source *source,
     uint64_t now_ns)
{
	struct source_key wanted;
	struct explain_line *line;

	source_key_of(&wanted, e->address, source->key.service, source->key.prefix_len);
	if (memcmp(&wanted, &source->key, SOURCE_KEY_BYTES) != 0)
		return;
	tell_until(e, source, "verified source", source->verified_until, now_ns);
	tell_until(e, source, "blocked", source->blocked_until, now_ns);
	if (source_is_ahead(source->blocked_until, now_ns) &&
	    (line = add(e, source, "block number", "")) != NULL)
		line->value = source->blocks;
	if (view->params[source->policy] != NULL)
		tell_meters(e, source,
		            params_for(e, view->params[source->policy], now_ns), now_ns);
	line = add(e, source, "verified flows", "");
	if (line != NULL)
		line->value = source->flows;
	if (source->last_reason == NULL)
		return;
	line = add(e, source, "last drop", source->last_reason);
	if (line != NULL)
		line->age_ns = source_since(source->last_drop, now_ns);
}

/* A stranger has no record, but its last drop may have been noted. */
static void
tell_note(struct explain *e, const struct drop_note *note, uint64_t now_ns)
{
	struct explain_line *line;

	if (note == NULL || (line = explain_add(e)) == NULL)
		return;
	line->service = note->service;
	line->what = "last drop";
	line->verdict = note->reason;
	line->age_ns = source_since(note->at, now_ns);
}

bool
sources_tell(const struct source_table *t, const struct stage_view *view,
             struct explain *e, uint64_t now_ns)
{
	const uint64_t end = e->cursor + EXPLAIN_BUCKETS < t->table.buckets
	                             ? e->cursor + EXPLAIN_BUCKETS
	                             : t->table.buckets;

	if (e->cursor == 0)
		tell_note(e, drops_find(&t->drops, e->address), now_ns);
	for (uint32_t slot = (uint32_t)e->cursor * TABLE_WAYS; slot < end * TABLE_WAYS;
	     slot++)
		if (table_class(&t->table, slot) != TABLE_FREE)
			tell(e, view, source_at(t, slot), now_ns);
	e->cursor = end;
	return end == t->table.buckets;
}
