/* SPDX-License-Identifier: BSD-3-Clause */
/* rules - the thresholds of a policy as what workers and detection reckon with. */
#include <errno.h>

#include "policy/parts.h"

#define ACTIVATE_BURST_NS UINT64_C(100000000)
#define MAX_BURST_NS      UINT64_C(10000000)
#define LEAST_BURST       16 /* packets, however low the rate */

static struct meter_limit
limit_of(const struct conf_rate *rate)
{
	return (struct meter_limit){ rate->per_second,
		                     rate->is_bits ? METER_BITS : METER_PACKETS };
}

/* What needs no more than activate_rate, and no time, is done at packet speed. */
static enum watch_rung
first_rung(const struct watch_rule *r)
{
	const bool asks = r->challenge.per_second != 0 && r->challenge_after_ns == 0 &&
	                  r->challenge.per_second <= r->activate.per_second;
	const bool blocks = r->block.per_second != 0 && r->block_after_ns == 0 &&
	                    r->block.per_second <= r->activate.per_second;

	if (!asks)
		return WATCH_POLICE;
	return blocks ? WATCH_BLOCK : WATCH_CHALLENGE;
}

/* A vector that no file mentions has no threshold. */
static int
fill_rule(struct watch_rule *r, const struct settings_policy *s,
          const struct settings_vector *v)
{
	const struct settings_pace *pace = v->written ? &v->pace : &s->pace;
	int status;

	r->activate_after_ns = pace->activate_after;
	r->clear_after_ns = pace->clear_after;
	r->hold_for_ns =
		pace->hold_for > pace->clear_after ? pace->hold_for : pace->clear_after;
	r->challenge_after_ns = pace->challenge_after;
	r->block_after_ns = pace->block_after;
	r->step_down_after_ns = pace->step_down_after;
	if (v->written) {
		r->alarm = limit_of(&v->alarm);
		r->activate = limit_of(&v->activate);
		r->max = limit_of(&v->max);
		r->challenge = limit_of(&v->challenge);
		r->block = limit_of(&v->block);
	}
	r->first = first_rung(r);
	status = meter_rate_init(&r->activate_rate, &r->activate, ACTIVATE_BURST_NS,
	                         LEAST_BURST);
	if (status == 0)
		status =
			meter_rate_init(&r->max_rate, &r->max, MAX_BURST_NS, LEAST_BURST);
	return status;
}

/* One network is held to one rate: from there on it is limited, and to that. */
static int
fill_network_rule(struct watch_rule *r, const struct settings_policy *s,
                  const struct settings_vector *v)
{
	struct settings_vector of_network = *v;

	of_network.alarm = of_network.activate = of_network.max = v->network;
	if (v->challenge.per_second != 0)
		of_network.challenge = v->network;
	if (v->block.per_second != 0)
		of_network.block = v->network;
	return fill_rule(r, s, &of_network);
}

int
policy_rules_fill(struct policy *to, const struct settings_policy *s,
                  struct conf_errors *errors)
{
	int status = 0;

	for (int v = 0; v < VECTOR_COUNT; v++) {
		to->address[v] = limit_of(&s->vector[v].address);
		if (fill_rule(&to->rule[v], s, &s->vector[v]) == 0 &&
		    fill_network_rule(&to->network[v], s, &s->vector[v]) == 0)
			continue;
		conf_fail(errors, &s->place, "rates of %s are beyond what can be metered",
		          vector_info[v].name);
		status = -EINVAL;
	}
	return status;
}
