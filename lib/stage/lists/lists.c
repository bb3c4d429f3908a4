/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lists - whom the operator knows: allowed for good, denied, metered, or never blocked.
 *
 * One longest match on the source tells everything that lists say of it, as a chain (see
 * stage/stage.h); a second one, only while there are any, does so for timed
 * blocks. Of both the most specific prefix decides, and of equal ones the allowing. An
 * entry that has ended gives way to what lies under it.
 *
 * Lanes with the same chain are weighed together: a flood from one list costs one walk.
 */
#include "stage/lists/lists.h"

#include <errno.h>
#include <stdlib.h>

#include "base/counter.h"
#include "packet/burst.h"
#include "prefix/prefix.h"
#include "stage/lists/params.h"
#include "stage/lists/tell.h"

enum { REASON_DENIED, REASON_TAG_DENIED, REASON_METERED };

static const struct stage_reason reasons[] = {
	[REASON_DENIED] = { "denied", REASON_DROP,
	                    "The source is on a deny list or under a timed block; "
	                    "`tidegate explain ADDRESS` names which." },
	[REASON_TAG_DENIED] = { "tag_denied", REASON_DROP,
	                        "The source has a tag, such as its country, that the "
	                        "policy does not let in; see its `lists.deny`." },
	[REASON_METERED] = { "metered", REASON_DROP,
	                     "The source has a tag whose sources together send more than "
	                     "the policy grants them; see its `lists.meter`." },
	{ NULL, REASON_DROP, NULL },
};

/* Chains of one burst that are looked for in all lanes; what is left goes lane by lane. */
#define GROUPS_MOST 8

struct state {
	const struct stage_env *env;
	struct meter meter[STAGE_HITS]; /* by the counter of what it refused */
};

/* What was found of a burst, and what follows from it. */
struct look {
	const struct lists_params *p;
	uint64_t found, blocked; /* lanes with a value in each */
	uint64_t means[6];       /* lanes, by bit of enum meaning */
	uint32_t value[LANES_MAX], block[LANES_MAX];
};

static inline uint64_t
lanes_of(const struct look *l, enum meaning means)
{
	return l->means[__builtin_ctz(means)];
}

/* --- what is said --- */

/* Who decides by this chain now, or NULL. */
static const struct stage_list_node *
decider_of(const struct stage_lists *lists, uint32_t value, uint64_t now_ns)
{
	for (; value != PREFIX_NONE; value = lists->node[value - 1].under) {
		const struct stage_list_node *node = &lists->node[value - 1];
		const uint8_t action = lists->entry[node->entry].action;

		if (action != LIST_ALLOW && action != LIST_DENY)
			return NULL;
		if (!lists_has_ended(lists, node, now_ns))
			return node;
	}
	return NULL;
}

/*
 * All that a chain says, counted for `lanes`. With MEANS_DECIDED in `known` somebody
 * else has decided.
 */
static void
walk(struct state *s, struct look *l, struct burst *b, uint64_t lanes, uint32_t value,
     unsigned int known)
{
	const struct stage_lists *lists = l->p->lists;
	const unsigned int n = lanes_count(lanes);
	unsigned int said = 0, bits;
	uint8_t scale = 0;

	for (; value != PREFIX_NONE; value = lists->node[value - 1].under) {
		const struct stage_list_node *node = &lists->node[value - 1];
		const struct list_meaning *m = &l->p->list[node->list];

		if (node->is_timed && lists_has_ended(lists, node, b->now_ns))
			continue;
		if ((m->means & MEANS_DECIDED) != 0 &&
		    ((known | said) & MEANS_DECIDED) != 0)
			continue;
		said |= m->means;
		if ((m->means & MEANS_TRUST) != 0 &&
		    lists->entry[node->entry].scale > scale)
			scale = lists->entry[node->entry].scale;
		counter_add(&s->env->hits[m->hit], n);
	}
	for (bits = said; bits != 0; bits &= bits - 1)
		l->means[__builtin_ctz(bits)] |= lanes;
	if ((said & MEANS_TRUST) != 0)
		lanes_fill8(b->scale, lanes, scale);
}

/* Lanes with the same value together, while that pays. */
static void
walk_lanes(struct state *s, struct look *l, struct burst *b, uint64_t lanes,
           unsigned int known)
{
	unsigned int i;

	for (unsigned int n = 0; n < GROUPS_MOST && lanes != 0; n++) {
		const uint32_t value = l->value[__builtin_ctzll(lanes)];
		const uint64_t same = lanes_where32(l->value, value) & lanes;

		walk(s, l, b, same, value, known);
		lanes &= ~same;
	}
	LANES_FOREACH (i, lanes)
		walk(s, l, b, lane_bit(i), l->value[i], known);
}

/* Whether a timed block is nearer to the source than what the lists say, or allows at the same prefix. */
static bool
is_nearer(const struct look *l, const struct stage_list_node *block,
          const struct stage_list_node *listed)
{
	if (listed == NULL || block->len != listed->len)
		return listed == NULL || block->len > listed->len;
	return l->p->lists->entry[listed->entry].action != LIST_ALLOW;
}

/* Lanes that a timed block decides, whatever the lists say. */
static uint64_t
weigh_blocks(struct state *s, struct look *l, const struct burst *b, uint64_t lanes)
{
	const struct stage_lists *blocks = l->p->blocks;
	uint64_t decided = 0, allowed = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes) {
		const struct stage_list_node *listed = NULL, *block;

		block = decider_of(blocks, l->block[i], b->now_ns);
		if (block == NULL)
			continue;
		if ((l->found & lane_bit(i)) != 0)
			listed = decider_of(l->p->lists, l->value[i], b->now_ns);
		if (!is_nearer(l, block, listed))
			continue;
		decided |= lane_bit(i);
		if (blocks->entry[block->entry].action == LIST_ALLOW)
			allowed |= lane_bit(i);
	}
	l->means[__builtin_ctz(MEANS_ALLOW)] |= allowed;
	l->means[__builtin_ctz(MEANS_DENY)] |= decided & ~allowed;
	if (decided != 0)
		counter_add(&s->env->hits[l->p->hit_blocks], lanes_count(decided));
	return decided;
}

/* --- meters --- */

/* Whether every meter of this lane's tags has room; then all of them are paid. */
static bool
pay(struct state *s, const struct look *l, const struct burst *b, unsigned int lane)
{
	const struct stage_lists *lists = l->p->lists;
	const uint64_t now = meter_ticks(b->now_ns);

	for (int is_paying = 0; is_paying <= 1; is_paying++)
		for (uint32_t v = l->value[lane]; v != PREFIX_NONE;
		     v = lists->node[v - 1].under) {
			const struct stage_list_node *node = &lists->node[v - 1];
			const struct list_meaning *m = &l->p->list[node->list];
			const struct list_price *price = &l->p->price[m->meter];
			struct meter *meter = &s->meter[price->hit];

			if ((m->means & MEANS_METER) == 0 ||
			    (node->is_timed && lists_has_ended(lists, node, b->now_ns)))
				continue;
			if (is_paying) {
				/* Each worker grants its part of the limit. */
				meter_take(meter,
				           meter_price(&price->rate, b->frame_len[lane]) *
				                   s->env->workers,
				           UINT64_MAX, now);
			} else if (meter_ahead(meter, now) > price->rate.slack) {
				counter_add(&s->env->hits[price->hit], 1);
				return false;
			}
		}
	return true;
}

static uint64_t
over_limit(struct state *s, const struct look *l, const struct burst *b, uint64_t lanes)
{
	uint64_t over = 0;
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (!pay(s, l, b, i))
			over |= lane_bit(i);
	return over;
}

/* --- the stage --- */

static int
open_state(void **state, const struct stage_env *env)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->env = env;
	*state = s;
	return 0;
}

static void
close_state(void *state)
{
	free(state);
}

/* Ask for all lanes at once; the tables are the same for every policy of a snapshot. */
static void
find(struct look *l, const struct burst *b, uint64_t todo)
{
	const struct prefix_ask ask = { .first = b->facts[0].src,
		                        .stride = sizeof(b->facts[0]),
		                        .ipv4 = todo & b->ipv4,
		                        .ipv6 = todo & b->ipv6 };

	if (l->p->lists != NULL)
		l->found = prefix_find_lanes(l->p->lists->table, &ask, l->value);
	if (l->p->blocks != NULL)
		l->blocked = prefix_find_lanes(l->p->blocks->table, &ask, l->block);
}

static void
weigh(struct state *s, struct look *l, struct burst *b, uint64_t lanes)
{
	uint64_t decided = 0;

	if ((l->blocked & lanes) != 0)
		decided = weigh_blocks(s, l, b, l->blocked & lanes);
	if ((l->found & lanes & ~decided) != 0)
		walk_lanes(s, l, b, l->found & lanes & ~decided, 0);
	if ((l->found & decided) != 0)
		walk_lanes(s, l, b, l->found & decided, MEANS_DECIDED);
}

/* Never blocked goes before any block, and what is said of the address before its tags. */
static void
conclude(struct state *s, const struct look *l, struct burst *b, uint64_t lanes)
{
	const uint64_t trusted = lanes_of(l, MEANS_TRUST) & lanes;
	const uint64_t denied = lanes_of(l, MEANS_DENY) & lanes & ~trusted;
	const uint64_t allowed =
		(lanes_of(l, MEANS_ALLOW) | lanes_of(l, MEANS_TAG_ALLOW)) & lanes &
		~denied;
	const uint64_t tagged = lanes & ~trusted & ~denied & ~allowed;
	const uint64_t refused = lanes_of(l, MEANS_TAG_DENY) & tagged;
	const uint64_t metered = lanes_of(l, MEANS_METER) & tagged & ~refused;
	uint64_t over;

	b->trusted |= trusted;
	b->exempt |= allowed;
	if (denied != 0)
		burst_drop_lanes(b, denied, REASON_DENIED);
	if (refused != 0)
		burst_drop_lanes(b, refused, REASON_TAG_DENIED);
	if (metered != 0 && (over = over_limit(s, l, b, metered)) != 0)
		burst_drop_lanes(b, over, REASON_METERED);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	struct look l;
	uint64_t rest;

	l.p = view->params[b->policy[__builtin_ctzll(todo)]];
	if (l.p->lists == NULL && l.p->blocks == NULL)
		return;
	l.found = l.blocked = 0;
	find(&l, b, todo);
	rest = (l.found | l.blocked) & todo;
	if (rest == 0)
		return;
	for (unsigned int k = 0; k < sizeof(l.means) / sizeof(*l.means); k++)
		l.means[k] = 0;
	while (rest != 0) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;

		l.p = view->params[policy];
		weigh(state, &l, b, same);
		conclude(state, &l, b, same);
		rest &= ~same;
	}
}

static bool
explain(void *state, const struct stage_view *view, struct explain *e, uint64_t now_ns)
{
	const struct state *s = state;

	lists_tell(view, s->meter, e, now_ns);
	return true;
}

const struct stage stage_lists = {
	.name = "lists",
	.help = "Lets listed and blocked sources through or not, and meters those with a "
		"tag: lists of the configuration and timed blocks.",
	.reasons = reasons,
	.fields = lists_fields,
	.params_size = sizeof(struct lists_params),
	.compile = lists_compile,
	.release = lists_release,
	.open = open_state,
	.close = close_state,
	.decide = decide,
	.explain = explain,
};
