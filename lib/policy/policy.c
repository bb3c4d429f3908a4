/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/facts.h"
#include "policy/list_set.h"
#include "policy/parts.h"

/* --- policies -------------------------------------------------------------- */

/* Policy 0 is for what no service claims: only the wire's own talk is judged there. */
static uint32_t
stages_of(size_t policy)
{
	uint32_t mask = 0;

	for (unsigned int s = 0; s < stage_count; s++)
		if (policy > 0 || strcmp(stage_list[s]->name, "wiretalk") == 0)
			mask |= UINT32_C(1) << s;
	return mask;
}

static void
drop_params(const struct stage *stage, void *params)
{
	if (stage->fields != NULL)
		conf_release(stage->fields, params);
	free(params);
}

/* A policy's own params for one stage: copied, because settings may go, then compiled. */
static int
make_params(const struct policies *p, const struct settings_policy *s, unsigned int index,
            const struct watch_rule *rules, const void **out, struct conf_errors *errors)
{
	const struct stage *stage = stage_list[index];
	const struct stage_compile from = { .policy = s->name,
		                            .rules = rules,
		                            .lists = list_set_lists(p->lists),
		                            .blocks = list_set_lists(p->blocks),
		                            .routers = p->routers,
		                            .filters = p->filters,
		                            .is_ingress = p->is_ingress,
		                            .hit = policy_hit,
		                            .hits = p->hits };
	const size_t before = errors->count;
	void *params;
	int status = 0;

	if (stage->params_size == 0) {
		*out = stage;
		return 0;
	}
	params = calloc(1, stage->params_size);
	if (params == NULL) {
		conf_fail(errors, &s->place, "no memory for stage %s", stage->name);
		return -ENOMEM;
	}
	if (stage->fields != NULL && s->params[index] != NULL)
		conf_copy(stage->fields, s->params[index], params);
	else if (stage->fields != NULL)
		conf_defaults(stage->fields, params);
	if (stage->compile != NULL)
		status = stage->compile(params, &from, errors);
	if (status != 0) {
		if (errors->count == before)
			conf_fail(errors, &s->place,
			          "stage %s cannot use these values: %s", stage->name,
			          strerror(-status));
		drop_params(stage, params);
		return status;
	}
	*out = params;
	return 0;
}

static int
make_policy(struct policies *p, const struct settings_policy *s, unsigned int id,
            struct conf_errors *errors)
{
	struct policy *to = &p->policy[id];
	int status = 0;

	snprintf(to->name, sizeof(to->name), "%s", s->name);
	to->mode = (enum policy_mode)s->mode;
	to->stages = stages_of(id);
	status = policy_rules_fill(to, s, errors);
	for (unsigned int i = 0; i < stage_count && status == 0; i++)
		if (to->stages & UINT32_C(1) << i)
			status = make_params(p, s, i, to->rule, &p->view[i].params[id],
			                     errors);
	return status;
}

static int
make_policies(struct policies *p, const struct settings *s, struct conf_errors *errors)
{
	int status = 0;

	if (s->n_policies == 0 || s->n_policies > POLICY_MAX) {
		conf_fail(errors, NULL, "%zu policies; 1 to %d are possible",
		          s->n_policies, POLICY_MAX);
		return -EINVAL;
	}
	/* Go on after an error, so that all are told in one run. */
	for (size_t i = 0; i < s->n_policies; i++) {
		int one = make_policy(p, &s->policy[i], (unsigned int)i, errors);

		status = status != 0 ? status : one;
		p->n_policies = p->n_configured = (unsigned int)i + 1;
	}
	return status;
}

/* --- services -------------------------------------------------------------- */

/* -1 any, -2 no such protocol. */
static int
proto_of(const char *text)
{
	static const struct {
		const char *name;
		int proto;
	} known[] = { { "any", -1 },
		      { "tcp", PROTO_TCP },
		      { "udp", PROTO_UDP },
		      { "icmp", PROTO_ICMP } };
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (text == NULL || strcmp(text, known[i].name) == 0)
			return known[i].proto;
	if (*text < '0' || *text > '9')
		return -2;
	number = strtoul(text, &end, 10);
	return *end == '\0' && number <= 255 ? (int)number : -2;
}

static bool
is_used(const struct policies *p, unsigned int id)
{
	return p != NULL && p->service[id].name[0] != '\0';
}

/* The id of that name, 0 when there is none. */
static unsigned int
id_of(const struct policies *p, const char *name)
{
	for (unsigned int id = 1; p != NULL && id < p->n_services; id++)
		if (strcmp(p->service[id].name, name) == 0)
			return id;
	return 0;
}

/*
 * The id that a name has or had; else one that neither this snapshot nor the one
 * before uses. Ids never used go first, so that a freed one rests for long.
 */
static unsigned int
id_for(const struct policies *p, const struct policies *before, const char *name)
{
	const unsigned int fresh = before == NULL ? 1 : before->n_services;
	const unsigned int had = id_of(before, name);

	if (had != 0)
		return had;
	for (unsigned int n = 0; n < SERVICE_MAX; n++) {
		unsigned int id = (fresh + n) % SERVICE_MAX;

		if (id != 0 && !is_used(p, id) && !is_used(before, id))
			return id;
	}
	return 0;
}

static void *
copy_of(const void *from, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);

	if (copy != NULL && count > 0)
		memcpy(copy, from, count * size);
	return copy;
}

static int
policy_id(const struct policies *p, const char *name)
{
	for (unsigned int i = 0; i < p->n_configured; i++)
		if (strcmp(p->policy[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
make_service(struct policies *p, const struct policies *before,
             const struct settings_service *s, const struct conf_place *place,
             struct conf_errors *errors)
{
	const bool is_twice = id_of(p, s->name) != 0;
	const unsigned int id = is_twice ? 0 : id_for(p, before, s->name);
	const int proto = proto_of(s->protocol), policy = policy_id(p, s->policy);
	struct service *to = &p->service[id];

	if (is_twice)
		conf_fail(errors, place, "service '%s' stands there twice", s->name);
	else if (id == 0)
		conf_fail(errors, place,
		          "too many services: %d are possible, those that this reload "
		          "removes "
		          "included",
		          SERVICE_MAX - 1);
	if (proto == -2)
		conf_fail(errors, place, "protocol '%s' is unknown", s->protocol);
	if (policy < 0)
		conf_fail(errors, place, "policy '%s' is unknown", s->policy);
	if (id == 0 || proto == -2 || policy < 0)
		return -EINVAL;

	snprintf(to->name, sizeof(to->name), "%s", s->name);
	to->policy = (uint16_t)policy;
	to->proto = proto;
	to->prefixes.prefix = copy_of(s->prefixes.prefix, s->prefixes.count,
	                              sizeof(*s->prefixes.prefix));
	to->ports.range =
		copy_of(s->ports.range, s->ports.count, sizeof(*s->ports.range));
	if (to->prefixes.prefix == NULL || to->ports.range == NULL) {
		conf_fail(errors, place, "no memory for service '%s'", s->name);
		return -ENOMEM;
	}
	to->prefixes.count = s->prefixes.count;
	to->ports.count = s->ports.count;
	if (id >= p->n_services)
		p->n_services = id + 1;
	return (int)id;
}

static int
make_services(struct policies *p, const struct settings *s, const struct policies *before,
              struct conf_errors *errors)
{
	const struct settings_service *all = s->services.element;
	int status = 0;

	p->n_services = 1;
	snprintf(p->service[0].name, sizeof(p->service[0].name), "default");
	p->service[0].proto = -1;
	if (s->services.count >= SERVICE_MAX) {
		conf_fail(errors, NULL, "%zu services; at most %d are possible",
		          s->services.count, SERVICE_MAX - 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < s->services.count; i++) {
		const struct conf_place *place =
			s->services.place == NULL ? NULL : &s->services.place[i];
		int id = make_service(p, before, &all[i], place, errors);

		if (id < 0)
			status = status != 0 ? status : id;
		else
			p->in_file[p->n_in_file++] = (uint16_t)id;
	}
	return status != 0 ? status
	                   : policy_targets_build(p, p->in_file, p->n_in_file, errors);
}

/* --- overrides ------------------------------------------------------------- */

/* The policy like `like` with that mode, made when there is none; -1: no room. */
static int
policy_with_mode(struct policies *p, unsigned int like, enum policy_mode mode)
{
	unsigned int at;

	if (p->policy[like].mode == mode)
		return (int)like;
	for (at = p->n_configured; at < p->n_policies; at++)
		if (p->policy[at].mode == mode &&
		    strcmp(p->policy[at].name, p->policy[like].name) == 0)
			return (int)at;
	if (at == POLICY_MAX)
		return -1;
	p->policy[at] = p->policy[like];
	p->policy[at].mode = mode;
	/* Params are shared: they do not depend on the mode. */
	for (unsigned int s = 0; s < stage_count; s++)
		p->view[s].params[at] = p->view[s].params[like];
	p->n_policies++;
	return (int)at;
}

static int
apply_modes(struct policies *p, const struct policy_overrides *over,
            struct conf_errors *errors)
{
	if (over == NULL)
		return 0;
	for (unsigned int i = 0; i < p->n_configured && over->mode_all >= 0; i++)
		p->policy[i].mode = (enum policy_mode)over->mode_all;
	if (over->mode[0] >= 0)
		p->policy[0].mode = (enum policy_mode)over->mode[0];
	for (unsigned int id = 1; id < p->n_services; id++) {
		int policy;

		if (!is_used(p, id) || over->mode[id] < 0)
			continue;
		policy = policy_with_mode(p, p->service[id].policy,
		                          (enum policy_mode)over->mode[id]);
		if (policy < 0) {
			conf_fail(errors, NULL,
			          "no room for another mode of policy '%s': %d policies "
			          "are possible",
			          p->policy[p->service[id].policy].name, POLICY_MAX);
			return -EINVAL;
		}
		p->service[id].policy = (uint16_t)policy;
	}
	return 0;
}

/* --- the snapshot ---------------------------------------------------------- */

static int
make_routers(struct policies *p, const struct settings *s, struct conf_errors *errors)
{
	struct prefix_entry *entry;
	int status = -ENOMEM;

	if (s->routers.count == 0)
		return 0;
	entry = calloc(s->routers.count, sizeof(*entry));
	for (size_t i = 0; entry != NULL && i < s->routers.count; i++)
		entry[i] =
			(struct prefix_entry){ policy_prefix(&s->routers.prefix[i]), 1 };
	if (entry != NULL)
		status = prefix_build(entry, s->routers.count, &p->routers);
	if (status != 0)
		conf_fail(errors, NULL, "no memory for %zu routers", s->routers.count);
	free(entry);
	return status;
}

static int
make_hits(struct policies *p, const struct policies *before, struct conf_errors *errors)
{
	p->hits = policy_hits_new(before == NULL ? NULL : before->hits, p->generation);
	if (p->hits != NULL)
		return 0;
	conf_fail(errors, NULL, "no memory for the names of counters");
	return -ENOMEM;
}

int
policy_build(const struct settings *s, const struct policies *before,
             const struct policy_overrides *over, struct policies **out,
             struct conf_errors *errors)
{
	struct policies *p = calloc(1, sizeof(*p));
	int status;

	if (p == NULL) {
		conf_fail(errors, NULL, "no memory for a new configuration");
		return -ENOMEM;
	}
	p->generation = before == NULL ? 1 : before->generation + 1;
	memcpy(p->sha256, s->sha256, sizeof(p->sha256));
	p->is_ingress = s->ingress;

	status = make_hits(p, before, errors);
	if (status == 0)
		status = policy_lists_build(p, before, s, over, errors);
	if (status == 0)
		status = make_routers(p, s, errors);
	if (status == 0)
		status = policy_filters_build(p, before, s, over, errors);
	if (status == 0)
		status = make_policies(p, s, errors);
	if (status == 0)
		status = make_services(p, s, before, errors);
	if (status == 0)
		status = policy_filters_bind(p, s, errors);
	if (status == 0)
		status = apply_modes(p, over, errors);
	if (status == 0)
		status = policy_plan_build(p, before, s, errors);
	if (status != 0) {
		policy_free(p);
		return status;
	}
	*out = p;
	return 0;
}

void
policy_free(struct policies *p)
{
	if (p == NULL)
		return;
	for (unsigned int s = 0; s < stage_count; s++) {
		for (unsigned int i = 0; i < p->n_configured; i++) {
			void *params = (void *)(uintptr_t)p->view[s].params[i];

			if (params == NULL || params == stage_list[s])
				continue;
			if (stage_list[s]->release != NULL)
				stage_list[s]->release(params);
			drop_params(stage_list[s], params);
		}
	}
	for (unsigned int id = 0; id < SERVICE_MAX; id++) {
		free(p->service[id].prefixes.prefix);
		free(p->service[id].ports.range);
	}
	policy_plan_free(p->plan);
	policy_targets_free(p->targets);
	list_set_release(p->lists);
	list_set_release(p->blocks);
	prefix_free(p->routers);
	policy_filters_free(p->filters);
	policy_hits_free(p->hits);
	free(p);
}
