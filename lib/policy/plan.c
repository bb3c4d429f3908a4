/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which cells count which protected prefix. Only prefixes that no other holds get
 * cells of their own; those within them share, so an address has one cell
 * whatever services name it.
 *
 * A range of cells stays where the snapshot before had it. New ones take cells
 * that were never used, else such as neither snapshot uses; the small ones choose
 * first, so that what does not fit is what is longest to list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/parts.h"
#include "policy/targets.h"

#define IPV4_NETWORK 120 /* a /24 as it stands behind ::ffff:0:0/96 */
#define IPV6_NETWORK 48
#define NOWHERE      0
#define MAX_BITS     24 /* of a range: 16 M cells */

/* One of the two index spaces while it is filled. */
struct space {
	struct aggregate_span *span;
	uint32_t spans, cells, high; /* cells 1..cells; high: first never used */
	uint8_t *used;
};

static void
mask_address(uint8_t address[16], unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int keep = len > 8 * i ? len - 8 * i : 0;

		if (keep < 8)
			address[i] &= (uint8_t)(0xff00u >> keep);
	}
}

static unsigned int
network_len(const struct prefix *p)
{
	return prefix_is_ipv4(p) ? IPV4_NETWORK : IPV6_NETWORK;
}

/* What one cell of a protected prefix counts: a length, or 0 when only networks are. */
static unsigned int
address_part(const struct prefix *p)
{
	if (prefix_is_ipv4(p) || p->len >= 120)
		return 128;
	if (p->len > 64)
		return p->len;
	return p->len >= 56 ? 64 : 0;
}

/* The networks of a root, or the one it lies in. */
static struct aggregate_span
network_span(const struct prefix *root)
{
	const unsigned int part = network_len(root);
	struct aggregate_span span = { .part = (uint8_t)part };
	unsigned int len = root->len < part ? root->len : part;

	memcpy(span.prefix, root->address, 16);
	mask_address(span.prefix, len);
	span.len = (uint8_t)len;
	span.count = part - len <= MAX_BITS ? UINT32_C(1) << (part - len) : UINT32_MAX;
	return span;
}

static struct aggregate_span
address_span(const struct prefix *root)
{
	const unsigned int part = address_part(root);
	struct aggregate_span span = { .part = (uint8_t)part, .len = root->len };

	memcpy(span.prefix, root->address, 16);
	span.count = part != 0 && part - root->len <= MAX_BITS
	                     ? UINT32_C(1) << (part - root->len)
	                     : UINT32_MAX;
	return span;
}

static bool
is_same(const struct aggregate_span *a, const struct aggregate_span *b)
{
	return a->len == b->len && a->part == b->part &&
	       memcmp(a->prefix, b->prefix, sizeof(a->prefix)) == 0;
}

static int
by_prefix(const void *a, const void *b)
{
	const struct aggregate_span *x = a, *y = b;
	int order = memcmp(x->prefix, y->prefix, sizeof(x->prefix));

	return order != 0 ? order : (int)x->len - (int)y->len;
}

/* Small ranges choose first. */
static int
by_count(const void *a, const void *b)
{
	const struct aggregate_span *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return by_prefix(a, b);
}

static const struct aggregate_span *
find_span(const struct aggregate_span *span, uint32_t spans,
          const struct aggregate_span *wanted)
{
	const struct aggregate_span *found =
		spans == 0 ? NULL
			   : bsearch(wanted, span, spans, sizeof(*span), by_prefix);

	return found != NULL && is_same(found, wanted) ? found : NULL;
}

/* The first run of `count` unused cells between two borders, or 0. */
static uint32_t
gap(const struct space *s, uint32_t from, uint32_t end, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t cell = from; cell < end; cell++) {
		run = s->used[cell] ? 0 : run + 1;
		if (run == count)
			return cell + 1 - count;
	}
	return NOWHERE;
}

static void
use(struct space *s, uint32_t first, uint32_t count)
{
	memset(s->used + first, 1, count);
	if (first + count > s->high)
		s->high = first + count;
}

/* Keep what stood before, then give the others their cells; s->span ends by prefix. */
static int
allot(struct space *s, const struct aggregate_span *before, uint32_t n_before)
{
	uint32_t at = 1;

	s->used = calloc((size_t)s->cells + 1, 1);
	if (s->used == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_before; i++)
		if (before[i].first != NOWHERE)
			use(s, before[i].first, before[i].count);
	for (uint32_t i = 0; i < s->spans; i++) {
		const struct aggregate_span *old =
			find_span(before, n_before, &s->span[i]);

		s->span[i].first = old != NULL ? old->first : NOWHERE;
	}
	qsort(s->span, s->spans, sizeof(*s->span), by_count);
	for (uint32_t i = 0; i < s->spans; i++) {
		struct aggregate_span *span = &s->span[i];

		if (span->first != NOWHERE)
			continue;
		if (span->count > s->cells)
			break;
		span->first = gap(s, s->high, s->cells + 1, span->count);
		if (span->first == NOWHERE)
			span->first = gap(s, at, s->cells + 1, span->count);
		/* Where this one does not fit, none of those that follow does. */
		if (span->first == NOWHERE)
			break;
		if (span->first < s->high)
			at = span->first + span->count;
		use(s, span->first, span->count);
	}
	qsort(s->span, s->spans, sizeof(*s->span), by_prefix);
	free(s->used);
	return 0;
}

static uint64_t
half_of(const uint8_t address[16], unsigned int half)
{
	uint64_t number;

	memcpy(&number, address + half, sizeof(number));
	return __builtin_bswap64(number);
}

/* Where the addresses of a root are counted, its spans having their cells. */
static struct aggregate_place
place_of(const struct aggregate_plan *plan, const struct prefix *root)
{
	const struct aggregate_span want_address = address_span(root);
	const struct aggregate_span want_network = network_span(root);
	const struct aggregate_span *address =
		find_span(plan->address_span, plan->address_spans, &want_address);
	const struct aggregate_span *network =
		find_span(plan->network_span, plan->network_spans, &want_network);
	struct aggregate_place at = { 0 };

	/* Addresses of /128 are told apart by the low half, /64 and networks by the high one. */
	at.half = prefix_is_ipv4(root) || root->len > 64 ? 8 : 0;
	at.first = half_of(root->address, at.half);
	at.shift = prefix_is_ipv4(root) ? 8 : at.half == 8 ? 63 : 16;
	if (address != NULL && address->first != NOWHERE) {
		at.address = address->first;
		at.address_mask = address->count - 1;
	}
	if (network != NULL && network->first != NOWHERE) {
		at.network = network->first;
		at.network_mask = network->count - 1;
	}
	return at;
}

/* Count the roots into both spaces, each network once. */
static void
gather_spans(const struct policies *p, struct space *addresses, struct space *networks)
{
	const unsigned int n = policy_targets_count(p->targets);

	for (unsigned int i = 1; i <= n; i++) {
		const struct prefix *root = policy_target_prefix(p->targets, i);
		struct aggregate_span span;

		if (policy_target_parent(p->targets, i) != 0)
			continue;
		span = address_span(root);
		if (span.part != 0)
			addresses->span[addresses->spans++] = span;
		span = network_span(root);
		/* Roots come sorted, so those of one network follow each other. */
		if (networks->spans == 0 ||
		    !is_same(&networks->span[networks->spans - 1], &span))
			networks->span[networks->spans++] = span;
	}
}

static bool
has_limit(const struct policy *policy)
{
	for (int v = 0; v < VECTOR_COUNT; v++)
		if (policy->network[v].activate.per_second != 0 ||
		    policy->address[v].per_second != 0)
			return true;
	return false;
}

/* Give the networks of one protected prefix to a service, where no better one has them. */
static void
claim_networks(struct policies *p, unsigned int service, const struct prefix *prefix)
{
	struct aggregate_plan *plan = p->plan;
	const struct policy *policy = &p->policy[p->service[service].policy];
	const struct aggregate_place *at =
		&plan->place[prefix_find(p->targets->table, prefix->address)];
	const unsigned int part = network_len(prefix);
	const bool is_limited = has_limit(policy);
	uint64_t number = half_of(prefix->address, at->half) >> at->shift;
	uint32_t first = at->network + ((uint32_t)(number - (at->first >> at->shift)) &
	                                at->network_mask);
	uint32_t count = prefix->len < part ? UINT32_C(1) << (part - prefix->len) : 1;

	if (at->network == NOWHERE)
		return;
	for (uint32_t i = first; i < first + count; i++) {
		struct aggregate_network *n = &plan->network[i];

		if (n->rule != NULL || (n->service != 0 && !is_limited))
			continue;
		n->service = (uint16_t)service;
		n->policy = p->service[service].policy;
		n->rule = is_limited ? policy->network : NULL;
	}
}

static int
fill_networks(struct policies *p)
{
	p->plan->network =
		calloc((size_t)p->plan->networks + 1, sizeof(*p->plan->network));
	if (p->plan->network == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < p->n_in_file; i++) {
		const struct conf_prefixes *all = &p->service[p->in_file[i]].prefixes;

		for (size_t k = 0; k < all->count; k++) {
			struct prefix prefix = policy_prefix(&all->prefix[k]);

			claim_networks(p, p->in_file[i], &prefix);
		}
	}
	return 0;
}

static int
fill_places(struct policies *p)
{
	const unsigned int n = policy_targets_count(p->targets);
	struct aggregate_place *place = calloc((size_t)n + 1, sizeof(*place));

	p->plan->place = place;
	if (place == NULL)
		return -ENOMEM;
	for (unsigned int i = 1; i <= n; i++) {
		const unsigned int parent = policy_target_parent(p->targets, i);

		place[i] = parent != 0 ? place[parent]
		                       : place_of(p->plan,
		                                  policy_target_prefix(p->targets, i));
	}
	return 0;
}

static int
fill_plan(struct policies *p, const struct aggregate_plan *before,
          const struct settings *s)
{
	const size_t n = policy_targets_count(p->targets);
	struct aggregate_plan *plan = p->plan;
	struct space addresses = { .cells = (uint32_t)s->addresses, .high = 1 };
	struct space networks = { .cells = (uint32_t)s->networks, .high = 1 };
	int status;

	addresses.span = plan->address_span = calloc(n + 1, sizeof(*addresses.span));
	networks.span = plan->network_span = calloc(n + 1, sizeof(*networks.span));
	if (addresses.span == NULL || networks.span == NULL)
		return -ENOMEM;
	if (before != NULL) {
		addresses.high = before->addresses;
		networks.high = before->networks;
	}
	gather_spans(p, &addresses, &networks);
	status = allot(&addresses, before == NULL ? NULL : before->address_span,
	               before == NULL ? 0 : before->address_spans);
	if (status == 0)
		status = allot(&networks, before == NULL ? NULL : before->network_span,
		               before == NULL ? 0 : before->network_spans);
	plan->address_spans = addresses.spans;
	plan->network_spans = networks.spans;
	plan->addresses = addresses.high;
	plan->networks = networks.high;
	if (status == 0)
		status = fill_places(p);
	return status == 0 ? fill_networks(p) : status;
}

int
policy_plan_build(struct policies *p, const struct policies *before,
                  const struct settings *s, struct conf_errors *errors)
{
	int status = -ENOMEM;

	p->plan = calloc(1, sizeof(*p->plan));
	if (p->plan != NULL)
		status = fill_plan(p, before == NULL ? NULL : before->plan, s);
	if (status != 0)
		conf_fail(errors, NULL, "no memory to plan the counters of %zu prefixes",
		          (size_t)policy_targets_count(p->targets));
	return status;
}

bool
policy_find_cells(const struct policies *p, const uint8_t address[16],
                  struct policy_cells *out)
{
	const uint32_t target = prefix_find(p->targets->table, address);
	const struct aggregate_place *at = &p->plan->place[target];
	const uint64_t number = half_of(address, at->half);

	if (target == PREFIX_NONE)
		return false;
	out->address = at->address + ((uint32_t)(number - at->first) & at->address_mask);
	out->network = at->network +
	               ((uint32_t)((number >> at->shift) - (at->first >> at->shift)) &
	                at->network_mask);
	return true;
}

void
policy_plan_free(struct aggregate_plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->place);
	free(plan->network);
	free(plan->address_span);
	free(plan->network_span);
	free(plan);
}
