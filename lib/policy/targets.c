/* SPDX-License-Identifier: BSD-3-Clause */
/* Building the targets of a snapshot from what its services claim. */
#include "policy/targets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "packet/facts.h"
#include "policy/parts.h"

/* A service claims a prefix; a struct prefix has no padding and compares as bytes. */
struct claim {
	struct prefix prefix;
	uint16_t order; /* in the file */
	uint16_t service;
};

/* A range of ports as a service wrote it. */
struct wish {
	uint32_t first, last;
	uint16_t order, service;
};

static int
compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = (int)prefix_is_ipv4(&x->prefix) - (int)prefix_is_ipv4(&y->prefix);

	if (order != 0)
		return order;
	order = memcmp(&x->prefix, &y->prefix, sizeof(x->prefix));

	return order != 0 ? order : (int)x->order - (int)y->order;
}

/* Narrow ranges first, then the order of the file. */
static int
compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	uint32_t wide_x = x->last - x->first, wide_y = y->last - y->first;

	if (wide_x != wide_y)
		return wide_x < wide_y ? -1 : 1;
	return (int)x->order - (int)y->order;
}

static int
compare_ports(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Ports without a protocol mean both protocols that have ports. */
static bool
speaks(const struct service *s, unsigned int proto)
{
	if (s->proto == PROTO_ICMP)
		return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
	if (s->proto < 0)
		return s->ports.count > 0 && (proto == PROTO_TCP || proto == PROTO_UDP);
	return (unsigned int)s->proto == proto;
}

/* Cut the ports at every border and give each piece to the first wish that covers it. */
static int
cut_spans(struct rules *r, const struct wish *wish, size_t wishes)
{
	uint32_t *border = calloc(wishes * 2, sizeof(*border));
	size_t n = 0;
	int status = -ENOMEM;

	r->span = calloc(wishes * 2, sizeof(*r->span));
	if (border == NULL || r->span == NULL)
		goto out;
	for (size_t i = 0; i < wishes; i++) {
		border[n++] = wish[i].first;
		border[n++] = wish[i].last + 1;
	}
	qsort(border, n, sizeof(*border), compare_ports);
	for (size_t i = 0; i + 1 < n; i++) {
		size_t w = 0;

		if (border[i] == border[i + 1])
			continue;
		while (w < wishes &&
		       (wish[w].first > border[i] || wish[w].last < border[i]))
			w++;
		if (w < wishes)
			r->span[r->spans++] =
				(struct span){ (uint16_t)border[i],
				               (uint16_t)(border[i + 1] - 1),
				               wish[w].service };
	}
	status = 0;
out:
	free(border);
	return status;
}

/* Rules of one protocol from the `n` claims of one prefix. */
static int
fill_rules(const struct policies *p, struct rules *r, const struct claim *claim, size_t n)
{
	struct wish *wish = NULL;
	size_t wishes = 0, room = 0;
	int status = 0;

	for (size_t i = 0; i < n; i++)
		if (speaks(&p->service[claim[i].service], r->proto))
			room += p->service[claim[i].service].ports.count;
	if (room > 0 && (wish = calloc(room, sizeof(*wish))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct service *s = &p->service[claim[i].service];

		if (!speaks(s, r->proto))
			continue;
		if (s->ports.count == 0 && r->portless == 0)
			r->portless = claim[i].service;
		for (size_t k = 0; k < s->ports.count; k++)
			wish[wishes++] =
				(struct wish){ s->ports.range[k].first,
				               s->ports.range[k].last, claim[i].order,
				               claim[i].service };
	}
	if (wishes > 0) {
		qsort(wish, wishes, sizeof(*wish), compare_wishes);
		r->first = wish[0].service;
		status = cut_spans(r, wish, wishes);
	}
	free(wish);
	return status;
}

static int
fill_target(const struct policies *p, struct target *t, const struct claim *claim,
            size_t n)
{
	bool used[256] = { false };

	for (size_t i = 0; i < n; i++) {
		const struct service *s = &p->service[claim[i].service];

		if (s->proto < 0 && s->ports.count == 0 && t->any == 0)
			t->any = claim[i].service;
		for (unsigned int proto = 0; proto < 256; proto++) {
			t->n = (uint16_t)(t->n + (!used[proto] && speaks(s, proto)));
			used[proto] |= speaks(s, proto);
		}
	}
	t->rules = calloc(t->n + 1u, sizeof(*t->rules));
	if (t->rules == NULL) {
		t->n = 0;
		return -ENOMEM;
	}
	for (unsigned int proto = 0, at = 0; proto < 256; proto++) {
		struct rules *r = &t->rules[at];
		int status;

		if (!used[proto])
			continue;
		at++;
		r->proto = (uint8_t)proto;
		status = fill_rules(p, r, claim, n);
		if (status != 0)
			return status;
		if (t->first == 0)
			t->first = r->first != 0 ? r->first : r->portless;
	}
	if (t->first == 0)
		t->first = t->any;
	return 0;
}

static size_t
same_prefix(const struct claim *claim, size_t n)
{
	size_t same = 1;

	while (same < n && memcmp(&claim[same].prefix, &claim[0].prefix,
	                          sizeof(claim[0].prefix)) == 0)
		same++;
	return same;
}

/*
 * The nearest shorter prefix. In sorted order it is the prefix before, or one
 * of the parents of that.
 */
static uint16_t
parent_of(const struct policy_targets *t, const struct prefix_entry *entry, size_t at)
{
	size_t up = at;

	while (up > 0 && !prefix_holds(&entry[up - 1].prefix, entry[at].prefix.address))
		up = t->target[up - 1].parent;
	return (uint16_t)up;
}

static struct claim *
gather_claims(const struct policies *p, const uint16_t *order, size_t count,
              size_t *claims)
{
	struct claim *claim;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += p->service[order[i]].prefixes.count;
	claim = calloc(n + 1, sizeof(*claim));
	if (claim == NULL)
		return NULL;
	n = 0;
	for (size_t i = 0; i < count; i++) {
		const struct conf_prefixes *all = &p->service[order[i]].prefixes;

		for (size_t k = 0; k < all->count; k++)
			claim[n++] = (struct claim){ policy_prefix(&all->prefix[k]),
				                     (uint16_t)i, order[i] };
	}
	qsort(claim, n, sizeof(*claim), compare_claims);
	*claims = n;
	return claim;
}

static bool
asks_ports(const struct target *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->rules[i].spans > 0)
			return true;
	return false;
}

/* Fill one target for each distinct prefix of the sorted claims. */
static int
fill_targets(const struct policies *p, struct policy_targets *t,
             const struct claim *claim, size_t claims)
{
	struct prefix_entry *entry = calloc(claims + 1, sizeof(*entry));
	int status = 0;

	t->target = calloc(claims + 1, sizeof(*t->target));
	t->prefix = calloc(claims + 1, sizeof(*t->prefix));
	if (entry == NULL || t->target == NULL || t->prefix == NULL)
		status = -ENOMEM;
	for (size_t i = 0, same; i < claims && status == 0; i += same) {
		struct target *at = &t->target[t->count];

		same = same_prefix(&claim[i], claims - i);
		entry[t->count].prefix = t->prefix[t->count] = claim[i].prefix;
		entry[t->count].value = (uint32_t)t->count + 1;
		at->parent = parent_of(t, entry, t->count);
		status = fill_target(p, at, &claim[i], same);
		at->has_ports = asks_ports(at) ||
		                (at->parent != 0 && t->target[at->parent - 1].has_ports);
		if (at->n == 0)
			at->whole = at->any != 0 || at->parent == 0
			                    ? at->any
			                    : t->target[at->parent - 1].whole;
		t->count++;
	}
	if (status == 0)
		status = prefix_build(entry, t->count, &t->table);
	free(entry);
	return status;
}

int
policy_targets_build(struct policies *p, const uint16_t *order, size_t count,
                     struct conf_errors *errors)
{
	struct claim *claim;
	size_t claims = 0;
	int status = -ENOMEM;

	p->targets = calloc(1, sizeof(*p->targets));
	claim = gather_claims(p, order, count, &claims);
	if (claims > PREFIX_MAX_VALUE) {
		conf_fail(errors, NULL,
		          "services name %zu prefixes; at most %d are possible, so join "
		          "neighbours into shorter prefixes",
		          claims, PREFIX_MAX_VALUE);
		free(claim);
		return -EINVAL;
	}
	if (p->targets != NULL && claim != NULL)
		status = fill_targets(p, p->targets, claim, claims);
	if (status != 0)
		conf_fail(errors, NULL, "no memory for %zu prefixes of services", claims);
	free(claim);
	return status;
}

void
policy_targets_free(struct policy_targets *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++) {
		for (unsigned int r = 0; r < t->target[i].n; r++)
			free(t->target[i].rules[r].span);
		free(t->target[i].rules);
	}
	free(t->target);
	free(t->prefix);
	prefix_free(t->table);
	free(t);
}

unsigned int
policy_targets_count(const struct policy_targets *t)
{
	return (unsigned int)t->count;
}

const struct prefix *
policy_target_prefix(const struct policy_targets *t, unsigned int number)
{
	return &t->prefix[number - 1];
}

unsigned int
policy_target_parent(const struct policy_targets *t, unsigned int number)
{
	return t->target[number - 1].parent;
}
