/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters - the operator's rules in a snapshot: the compiled set, which snapshots share,
 * and what is this snapshot's own: ids of counters, prices, services by id.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/set.h"
#include "policy/parts.h"

#define BURST_NS    UINT64_C(100000000)
#define LEAST_BURST 16

static_assert(sizeof(((struct stage_filter *)0)->services) * 8 >= SERVICE_MAX,
              "a rule has a bit for each service");

/* --- building ------------------------------------------------------------------- */

/* Counters and price of one rule. A meter without a counter would share another's. */
static int
price(struct policies *p, const char *stage, const struct filter_rule *rule,
      struct stage_filter *of, struct conf_errors *errors)
{
	const struct meter_limit limit = { rule->limit.per_second,
		                           rule->limit.is_bits ? METER_BITS
		                                               : METER_PACKETS };
	char over[sizeof(rule->name) + 8];

	of->hit = policy_hit(p->hits, stage, rule->name);
	of->has_services = rule->services.count > 0;
	if (rule->action != FILTER_METER)
		return 0;
	snprintf(over, sizeof(over), "%s.over", rule->name);
	of->over = policy_hit(p->hits, stage, over);
	if (of->hit == 0 || of->over == 0) {
		conf_fail(
			errors, NULL,
			"filter '%s' finds no counter: lists and filters have more than "
			"%d names together",
			rule->name, STAGE_HITS - 1);
		return -ENOSPC;
	}
	if (meter_rate_init(&of->rate, &limit, BURST_NS, LEAST_BURST) == 0)
		return 0;
	conf_fail(errors, NULL, "filter '%s' has a limit beyond what can be metered",
	          rule->name);
	return -EINVAL;
}

static int
price_all(struct policies *p, struct conf_errors *errors)
{
	static const char *const stages[FILTER_PARTS] = { "filters", "latefilters" };
	int status = 0;

	for (unsigned int k = 0; k < FILTER_PARTS; k++) {
		const struct filter_rules_part *part =
			filter_set_part(p->filters->set, (enum filter_part)k);

		p->filters->of[k] = calloc(part->count + 1, sizeof(*p->filters->of[k]));
		if (p->filters->of[k] == NULL) {
			conf_fail(errors, NULL, "no memory for %u filter rules",
			          part->count);
			return -ENOMEM;
		}
		for (unsigned int i = 0; i < part->count && status == 0; i++)
			status = price(p, stages[k], &part->rule[i],
			               &p->filters->of[k][i], errors);
	}
	return status;
}

/* Those of the file, then those of the API that the file has no name for. */
static unsigned int
gather(const struct settings *s, const struct policy_overrides *over,
       struct filter_given *to)
{
	const struct filter_spec *file = s->filters.element;
	unsigned int n = 0;

	for (size_t i = 0; i < s->filters.count; i++)
		to[n++] = (struct filter_given){
			&file[i], s->filters.place == NULL ? NULL : &s->filters.place[i]
		};
	for (size_t i = 0; over != NULL && i < over->filters; i++) {
		size_t k = 0;

		while (k < s->filters.count &&
		       strcmp(file[k].name, over->filter[i].name) != 0)
			k++;
		if (k == s->filters.count)
			to[n++] = (struct filter_given){ &over->filter[i], NULL };
	}
	return n;
}

int
policy_filters_build(struct policies *p, const struct policies *before,
                     const struct settings *s, const struct policy_overrides *over,
                     struct conf_errors *errors)
{
	const size_t most = s->filters.count + (over == NULL ? 0 : over->filters);
	struct filter_given *given;
	struct filter_set *like, *set = NULL;
	unsigned int count;
	int status;

	if (most == 0)
		return 0;
	given = calloc(most, sizeof(*given));
	if (given == NULL) {
		conf_fail(errors, NULL, "no memory for %zu filter rules", most);
		return -ENOMEM;
	}
	count = gather(s, over, given);
	like = before == NULL || before->filters == NULL ? NULL : before->filters->set;
	status = filter_set_make(given, count, like, &set, errors);
	free(given);
	if (status != 0)
		return status;
	p->filters = calloc(1, sizeof(*p->filters));
	if (p->filters == NULL) {
		filter_set_release(set);
		conf_fail(errors, NULL, "no memory for %zu filter rules", most);
		return -ENOMEM;
	}
	p->filters->set = set;
	return price_all(p, errors);
}

/* --- services -------------------------------------------------------------------- */

/* The id of that name, 0 for "default", or -1. */
static int
service_of(const struct policies *p, const char *name)
{
	for (unsigned int id = 0; id < p->n_services; id++)
		if (strcmp(p->service[id].name, name) == 0)
			return (int)id;
	return -1;
}

static const struct conf_place *
place_of(const struct settings *s, const char *name)
{
	const struct filter_spec *file = s->filters.element;

	for (size_t i = 0; i < s->filters.count && s->filters.place != NULL; i++)
		if (strcmp(file[i].name, name) == 0)
			return &s->filters.place[i];
	return NULL;
}

int
policy_filters_bind(struct policies *p, const struct settings *s,
                    struct conf_errors *errors)
{
	int status = 0;

	for (unsigned int k = 0; p->filters != NULL && k < FILTER_PARTS; k++) {
		const struct filter_rules_part *part =
			filter_set_part(p->filters->set, (enum filter_part)k);

		for (unsigned int i = 0; i < part->count; i++) {
			const struct filter_rule *r = &part->rule[i];
			uint64_t *bits = p->filters->of[k][i].services;

			for (size_t n = 0; n < r->services.count; n++) {
				int id = service_of(p, r->services.text[n]);

				if (id >= 0) {
					bits[id / 64] |= UINT64_C(1) << id % 64;
					continue;
				}
				conf_fail(errors, place_of(s, r->name),
				          "filter '%s' is for service '%s', and there is "
				          "none of that name",
				          r->name, r->services.text[n]);
				status = -EINVAL;
			}
		}
	}
	return status;
}

void
policy_filters_free(struct stage_filters *filters)
{
	if (filters == NULL)
		return;
	filter_set_release(filters->set);
	for (unsigned int k = 0; k < FILTER_PARTS; k++)
		free(filters->of[k]);
	free(filters);
}
