/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/filtering.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "filter/expression.h"
#include "filter/rules.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/explain.h"

const struct stage_reason filtering_reasons[] = {
	[FILTERING_DROPPED] = { "dropped", REASON_DROP,
	                        "A rule of the operator with action drop matched; "
	                        "the counter of its name shows which one." },
	[FILTERING_METERED] = { "metered", REASON_DROP,
	                        "A rule of the operator with action meter matched, and "
	                        "more "
	                        "came than its limit lets through." },
	{ NULL, REASON_DROP, NULL },
};

struct filtering {
	const struct stage_common *common;
	uint64_t *hits;
	unsigned int workers;
	uint64_t wall_ns; /* of the burst in work */
	struct meter
		meter[STAGE_HITS]; /* by the rule's counter, which outlives reloads */
};

/* What is decided of a burst, carried out at its end. */
struct decided {
	uint64_t open; /* lanes no rule has decided yet */
	uint64_t dropped, metered, passed;
};

int
filtering_open(void **state, const struct stage_env *env)
{
	struct filtering *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->common = env->common;
	s->hits = env->hits;
	s->workers = env->workers > 0 ? env->workers : 1;
	*state = s;
	return 0;
}

void
filtering_close(void *state)
{
	free(state);
}

void
filtering_compile(struct filtering_params *params, const struct stage_compile *from,
                  enum filter_part part)
{
	const struct filter_rules_part *rules;

	params->part = NULL;
	params->of = NULL;
	if (from->filters == NULL)
		return;
	rules = filter_set_part(from->filters->set, part);
	if (rules->count == 0)
		return;
	params->part = rules;
	params->of = from->filters->of[part];
}

/* --- one rule ------------------------------------------------------------------- */

static inline bool
is_in_force(const struct filtering *s, const struct filter_rule *r)
{
	return r->until_ns == 0 || s->wall_ns < r->until_ns;
}

static inline bool
is_for(const struct stage_filter *of, uint16_t service)
{
	return !of->has_services || (of->services[service / 64] >> service % 64 & 1);
}

static inline void
count(struct filtering *s, uint16_t hit, uint64_t packets)
{
	if (s->hits != NULL)
		counter_add(&s->hits[hit], packets);
}

/* Each worker has its part of the limit: a packet costs as often as there are workers. */
static inline bool
finds_room(struct filtering *s, const struct stage_filter *of, const struct burst *b,
           unsigned int i)
{
	const uint64_t price = meter_price(&of->rate, b->frame_len[i]) * s->workers;
	const uint64_t least = price * 4;

	return meter_take(&s->meter[of->hit], price,
	                  of->rate.slack > least ? of->rate.slack : least,
	                  meter_ticks(b->now_ns));
}

/* Rule number n matches these lanes; those that it decides leave d->open. */
static void
apply(struct filtering *s, const struct filtering_params *p, unsigned int n,
      const struct burst *b, uint64_t lanes, struct decided *d)
{
	const struct filter_rule *r = &p->part->rule[n];
	const struct stage_filter *of = &p->of[n];
	uint64_t over = 0;
	unsigned int i;

	count(s, of->hit, lanes_count(lanes));
	if (r->action == FILTER_METER) {
		LANES_FOREACH (i, lanes)
			if (!finds_room(s, of, b, i))
				over |= lane_bit(i);
		count(s, of->over, lanes_count(over));
	}
	if (r->is_dry || r->action == FILTER_COUNT || r->action == FILTER_TAG)
		return;
	d->open &= ~lanes;
	if (r->action == FILTER_DROP)
		d->dropped |= lanes;
	else if (r->action == FILTER_PASS)
		d->passed |= lanes;
	else
		d->metered |= over;
}

/* --- all rules -------------------------------------------------------------------- */

/*
 * Apply to lane i the rules that were asked at once, up to rule `before`. *next is the
 * first of them that matches, by its number in the matcher, and moves on.
 */
static void
settle(struct filtering *s, const struct filtering_params *p, const struct burst *b,
       unsigned int i, uint16_t *next, unsigned int before, struct decided *d)
{
	const struct filter_rules_part *part = p->part;

	while (*next != FILTER_RULES_NONE && part->of_match[*next] < before) {
		const unsigned int n = part->of_match[*next];

		if (is_in_force(s, &part->rule[n]) && is_for(&p->of[n], b->service[i]))
			apply(s, p, n, b, lane_bit(i), d);
		if (!(d->open & lane_bit(i)))
			return;
		*next = filter_rules_next(part->matcher, b, i, *next + 1u);
	}
}

static uint64_t
served(const struct stage_filter *of, const struct burst *b, uint64_t lanes)
{
	uint64_t set = 0;
	unsigned int i;

	if (!of->has_services)
		return lanes;
	LANES_FOREACH (i, lanes)
		if (is_for(of, b->service[i]))
			set |= lane_bit(i);
	return set;
}

static void
carry_out(struct burst *b, const struct decided *d)
{
	b->exempt |= d->passed;
	if (d->dropped != 0)
		burst_drop_lanes(b, d->dropped, FILTERING_DROPPED);
	if (d->metered != 0)
		burst_drop_lanes(b, d->metered, FILTERING_METERED);
}

void
filtering_decide(struct filtering *s, const struct filtering_params *p, struct burst *b,
                 uint64_t todo)
{
	const struct filter_rules_part *part = p->part;
	struct decided d = { .open = todo & (b->ipv4 | b->ipv6) };
	uint64_t matched = 0;
	uint16_t next[LANES_MAX];
	unsigned int i;

	if (part == NULL || d.open == 0)
		return;
	s->wall_ns =
		b->now_ns + (s->common == NULL ? 0 : counter_read(&s->common->wall_ns));
	if (part->matcher != NULL)
		matched = filter_rules_find(part->matcher, b, d.open, next);
	for (unsigned int k = 0; k < part->expressions && d.open != 0; k++) {
		const unsigned int n = part->of_expression[k];
		uint64_t lanes;

		LANES_FOREACH (i, matched & d.open)
			settle(s, p, b, i, &next[i], n, &d);
		if (!is_in_force(s, &part->rule[n]))
			continue;
		lanes = served(&p->of[n], b, d.open);
		lanes = filter_expression_match(part->rule[n].expression, b, lanes);
		if (lanes != 0)
			apply(s, p, n, b, lanes, &d);
	}
	LANES_FOREACH (i, matched & d.open)
		settle(s, p, b, i, &next[i], UINT32_MAX, &d);
	carry_out(b, &d);
}

/* --- explain ------------------------------------------------------------------------ */

static bool
is_from(const struct filter_match *m, const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool is_ipv6 = memcmp(address, mapped, sizeof(mapped)) != 0;
	struct filter_match only = { .has_end[FILTER_SRC] = true };
	struct filter_key key = { .end = { address, address }, .is_ipv6 = is_ipv6 };

	if (!m->has_end[FILTER_SRC])
		return false;
	only.end[FILTER_SRC] = m->end[FILTER_SRC];
	return filter_match_one(&only, &key);
}

bool
filtering_explain(struct filtering *s, const struct stage_view *view, struct explain *e,
                  uint64_t now_ns)
{
	static const char *const verdicts[] = { "dropped", "passed", "metered", "counted",
		                                "tagged" };
	const struct filtering_params *p = NULL;

	for (unsigned int i = 0; i < STAGE_POLICIES && p == NULL; i++)
		p = view->params[i];
	if (p == NULL || p->part == NULL)
		return true;
	s->wall_ns = now_ns + counter_read(&s->common->wall_ns);
	for (unsigned int n = 0; n < p->part->count; n++) {
		const struct filter_rule *r = &p->part->rule[n];
		struct explain_line *line;

		if (r->expression != NULL || !is_in_force(s, r) ||
		    !is_from(&r->match, e->address))
			continue;
		line = explain_add(e);
		if (line == NULL)
			return true;
		line->what = r->is_dry ? "filter rule, dry run" : "filter rule";
		line->verdict = verdicts[r->action];
		snprintf(line->name, sizeof(line->name), "%s", r->name);
		if (r->until_ns != 0) {
			line->unit = "seconds";
			line->value = (r->until_ns - s->wall_ns + 999999999) / 1000000000;
		}
	}
	return true;
}
