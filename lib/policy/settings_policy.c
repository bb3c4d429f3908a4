/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings_policy - policies as written, with what they inherit.
 *
 * A policy begins as a copy of the one it extends, or as the defaults, and its
 * own keys are read over that: keys of the policy, of each vector and of each
 * stage, one by one. Policies may stand in any order.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/settings_parts.h"

enum state { UNREAD, READING, READ };

struct draft_vector {
	uint64_t has; /* keys written here or in what is extended */
	struct settings_vector_written w;
	const struct config_setting_t *at; /* the entry that last wrote a rate */
};

struct draft {
	struct config_setting_t *group; /* NULL: the built-in "default" */
	enum state state;
	struct draft_vector vector[VECTOR_COUNT];
};

struct drafts {
	struct settings *s;
	struct draft *draft; /* s->n_policies of them */
	struct settings_tables tables;
	size_t chain[STAGE_POLICIES]; /* policies being read, each extends the next */
	size_t chained;
	struct conf_errors *errors;
};

/* --- names --- */

static size_t
find(const struct settings *s, const char *name)
{
	size_t i = 0;

	while (i < s->n_policies && strcmp(s->policy[i].name, name) != 0)
		i++;
	return i;
}

static void
unknown_policy(const struct settings *s, const struct config_setting_t *at,
               const char *name, struct conf_errors *errors)
{
	const char *names[STAGE_POLICIES + 1] = { NULL };
	const char *meant;

	for (size_t i = 0; i < s->n_policies; i++)
		names[i] = s->policy[i].name;
	meant = conf_closest(name, names);
	if (meant != NULL)
		conf_fail_at(errors, at,
		             "no policy is named \"%s\"; did you mean \"%s\"?", name,
		             meant);
	else
		conf_fail_at(errors, at, "no policy is named \"%s\"", name);
}

/* Give every policy its place: "default" the first one, the others in their order. */
static void
place_policy(struct drafts *d, struct config_setting_t *group)
{
	const char *name = conf_text_at(group, "name");
	struct settings *s = d->s;
	size_t i;

	if (conf_member(group, "name") == NULL)
		conf_fail_at(d->errors, group,
		             "the key \"name\" is missing; it has no default");
	if (name == NULL)
		name = "";
	i = name[0] != '\0' ? find(s, name) : s->n_policies;
	if (i < s->n_policies && (i > 0 || d->draft[0].group != NULL)) {
		conf_fail_at(d->errors, group, "another policy at line %u has this name",
		             s->policy[i].place.line);
		i = s->n_policies;
	}
	if (i == s->n_policies)
		s->n_policies++;
	free(s->policy[i].name);
	conf_place_free(&s->policy[i].place);
	s->policy[i].name = strdup(name);
	conf_place_of(group, &s->policy[i].place);
	d->draft[i].group = group;
	if (name[0] != '\0')
		settings_check_name(name, &s->policy[i].place, d->errors);
}

/* --- inheritance --- */

static void *
new_params(const struct stage *stage)
{
	void *params = calloc(1, stage->params_size);

	if (params == NULL)
		abort();
	return params;
}

/* Begin with what is extended, or with the defaults. */
static void
inherit(struct drafts *d, size_t i, const struct draft *from,
        const struct settings_policy *old)
{
	struct settings_policy *p = &d->s->policy[i];

	p->mode = old != NULL ? old->mode : POLICY_MONITOR;
	p->pace = old != NULL ? old->pace : SETTINGS_PACE;
	if (from != NULL)
		memcpy(d->draft[i].vector, from->vector, sizeof(from->vector));
	for (unsigned int k = 0; k < stage_count && k < STAGE_MAX; k++) {
		const struct stage *stage = stage_list[k];

		if (stage->params_size == 0)
			continue;
		p->params[k] = new_params(stage);
		if (stage->fields == NULL)
			continue;
		if (old != NULL)
			conf_copy(stage->fields, old->params[k], p->params[k]);
		else
			conf_defaults(stage->fields, p->params[k]);
	}
}

static void
read_vector(struct drafts *d, struct draft *to, struct config_setting_t *entry,
            uint64_t *seen)
{
	struct settings_vector_written w;
	const char *name = conf_text_at(entry, "vector");
	enum vector v = name != NULL ? vector_by_name(name) : VECTOR_COUNT;
	struct draft_vector *old;
	uint64_t has;

	conf_defaults(d->tables.vector, &w);
	conf_read_over(entry, d->tables.vector, &w, d->errors);
	has = conf_written(entry, d->tables.vector);
	if ((has & WRITTEN_VECTOR) == 0)
		conf_fail_at(d->errors, entry,
		             "the key \"vector\" is missing; it has no default");
	if (v == VECTOR_COUNT)
		return;
	if ((*seen >> v & 1) != 0)
		conf_fail_at(d->errors, entry, "\"%s\" stands twice in this policy",
		             name);
	*seen |= UINT64_C(1) << v;
	old = &to->vector[v];
	old->has |= has;
	old->at = entry;
	if ((has & WRITTEN_ALARM) != 0)
		old->w.alarm = w.alarm;
	if ((has & WRITTEN_ACTIVATE) != 0)
		old->w.activate = w.activate;
	if ((has & WRITTEN_MAX) != 0)
		old->w.max = w.max;
	if ((has & WRITTEN_NETWORK) != 0)
		old->w.network = w.network;
	if ((has & WRITTEN_ADDRESS) != 0)
		old->w.address = w.address;
	if ((has & WRITTEN_CHALLENGE) != 0)
		old->w.challenge = w.challenge;
	if ((has & WRITTEN_BLOCK) != 0)
		old->w.block = w.block;
	settings_pace_over(&old->w.pace, &w.pace, has);
}

static void
read_own_keys(struct drafts *d, size_t i)
{
	struct settings_policy *p = &d->s->policy[i];
	struct draft *draft = &d->draft[i];
	struct settings_written w = { .mode = p->mode, .pace = p->pace };
	uint64_t seen = 0;

	conf_read_over(draft->group, d->tables.policy, &w, d->errors);
	p->mode = w.mode;
	p->pace = w.pace;
	for (size_t k = 0; k < conf_sections(w.vectors); k++) {
		struct config_setting_t *entry = conf_section(w.vectors, k);

		if (conf_is_group(entry))
			read_vector(d, draft, entry, &seen);
		else
			conf_fail_at(d->errors, entry, "must be a group { }");
	}
	for (unsigned int k = 0; k < stage_count && k < STAGE_MAX; k++)
		if (w.stage[k] != NULL)
			conf_read_over(w.stage[k], stage_list[k]->fields, p->params[k],
			               d->errors);
	conf_release(d->tables.policy, &w);
}

static void
tell_circle(struct drafts *d, size_t i)
{
	char text[512] = "";
	size_t n = 0, k = 0;

	while (d->chain[k] != i)
		k++;
	for (; k < d->chained && n < sizeof(text); k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s -> ",
		                      d->s->policy[d->chain[k]].name);
	conf_fail_at(d->errors, conf_member(d->draft[i].group, "extends"),
	             "these policies extend each other in a circle: %s%s", text,
	             d->s->policy[i].name);
}

static void
read_policy(struct drafts *d, size_t i)
{
	struct draft *draft = &d->draft[i];
	const char *extends = NULL;
	size_t parent = d->s->n_policies;

	draft->state = READING;
	d->chain[d->chained++] = i;
	if (draft->group != NULL)
		extends = conf_text_at(draft->group, "extends");
	if (extends != NULL && extends[0] != '\0') {
		parent = find(d->s, extends);
		if (parent == d->s->n_policies)
			unknown_policy(d->s, conf_member(draft->group, "extends"),
			               extends, d->errors);
		else if (d->draft[parent].state == READING)
			tell_circle(d, parent);
		else if (d->draft[parent].state == UNREAD)
			read_policy(d, parent);
	}
	if (parent < d->s->n_policies && d->draft[parent].state == READ)
		inherit(d, i, &d->draft[parent], &d->s->policy[parent]);
	else
		inherit(d, i, NULL, NULL);
	if (draft->group != NULL)
		read_own_keys(d, i);
	d->chained--;
	draft->state = READ;
}

/* --- thresholds --- */

/* The key where it is written, else the entry that it would belong to. */
static void
fail_rate(struct drafts *d, const struct draft_vector *v, const char *key,
          const char *message)
{
	const struct config_setting_t *at = conf_member(v->at, key);

	conf_fail_at(d->errors, at != NULL ? at : v->at, "%s", message);
}

static void
check_most(struct drafts *d, const struct draft_vector *v, const struct conf_rate *rate,
           const char *key)
{
	char text[CONF_AMOUNT_TEXT], most[CONF_AMOUNT_TEXT], message[160];

	if (rate->is_bits || rate->per_second <= METER_MAX_PPS)
		return;
	conf_format_rate(rate, text);
	conf_format_amount(CONF_PACKETS, METER_MAX_PPS, most);
	snprintf(message, sizeof(message),
	         "\"%s\" is more than can be metered; the most is %s", text, most);
	fail_rate(d, v, key, message);
}

/* All of them count the same thing, and the alarm comes first. */
static void
check_pair(struct drafts *d, const struct draft_vector *v, const struct conf_rate *rate,
           const char *key)
{
	const struct conf_rate *activate = &v->w.activate;
	char text[CONF_AMOUNT_TEXT], other[CONF_AMOUNT_TEXT], message[200];

	if (rate->per_second == 0 || activate->per_second == 0)
		return;
	conf_format_rate(rate, text);
	conf_format_rate(activate, other);
	if (rate->is_bits != activate->is_bits) {
		snprintf(message, sizeof(message),
		         "%s \"%s\" and activate_rate \"%s\" count different things; "
		         "write both in "
		         "packets or both in bits",
		         key, text, other);
		fail_rate(d, v, key, message);
	} else if (rate == &v->w.alarm && rate->per_second > activate->per_second) {
		snprintf(
			message, sizeof(message),
			"alarm_rate \"%s\" is above activate_rate \"%s\"; it must not be",
			text, other);
		fail_rate(d, v, key, message);
	}
}

static void
finish_vector(struct drafts *d, const struct settings_policy *p,
              const struct draft_vector *v, struct settings_vector *to)
{
	if ((v->has & WRITTEN_ACTIVATE) == 0) {
		conf_fail_at(d->errors, v->at,
		             "the key \"activate_rate\" is missing; it has no default");
		return;
	}
	check_most(d, v, &v->w.alarm, "alarm_rate");
	check_most(d, v, &v->w.activate, "activate_rate");
	check_most(d, v, &v->w.max, "max_rate");
	check_most(d, v, &v->w.network, "network_rate");
	check_most(d, v, &v->w.address, "address_rate");
	check_most(d, v, &v->w.challenge, "challenge_rate");
	check_most(d, v, &v->w.block, "block_rate");
	check_pair(d, v, &v->w.alarm, "alarm_rate");
	check_pair(d, v, &v->w.max, "max_rate");
	check_pair(d, v, &v->w.challenge, "challenge_rate");
	check_pair(d, v, &v->w.block, "block_rate");
	to->written = true;
	to->activate = v->w.activate;
	to->alarm = (v->has & WRITTEN_ALARM) != 0 ? v->w.alarm : v->w.activate;
	to->max = (v->has & WRITTEN_MAX) != 0 ? v->w.max : v->w.activate;
	/* Never activated, never limited, whatever was inherited. */
	if (to->activate.per_second == 0)
		to->max = to->activate;
	to->network = v->w.network;
	to->address = v->w.address;
	to->challenge = (v->has & WRITTEN_CHALLENGE) != 0 ? v->w.challenge : to->activate;
	to->block = (v->has & WRITTEN_BLOCK) != 0 ? v->w.block : to->activate;
	to->pace = p->pace;
	settings_pace_over(&to->pace, &v->w.pace, v->has);
}

/* --- the whole --- */

static void
read_all(struct drafts *d, struct config_setting_t *list)
{
	struct settings *s = d->s;

	for (size_t i = 0; i < conf_sections(list); i++) {
		struct config_setting_t *e = conf_section(list, i);

		if (conf_is_group(e))
			place_policy(d, e);
		else
			conf_fail_at(d->errors, e, "must be a group { }");
	}
	for (size_t i = 0; i < s->n_policies; i++)
		if (d->draft[i].state == UNREAD)
			read_policy(d, i);
	for (size_t i = 0; i < s->n_policies; i++)
		for (int v = 0; v < VECTOR_COUNT; v++)
			if (d->draft[i].vector[v].has != 0)
				finish_vector(d, &s->policy[i], &d->draft[i].vector[v],
				              &s->policy[i].vector[v]);
}

void
settings_read_policies(struct settings *s, struct config_setting_t *list,
                       struct conf_errors *errors)
{
	size_t n = conf_sections(list) + 1;
	struct drafts *d = calloc(1, sizeof(*d));

	if (n > STAGE_POLICIES) {
		conf_fail_at(errors, list,
		             "there are %zu policies; at most %d fit, with the built-in "
		             "\"default\"",
		             n - 1, STAGE_POLICIES - 1);
		n = 1;
		list = NULL;
	}
	s->policy = calloc(n, sizeof(*s->policy));
	if (d == NULL || s->policy == NULL ||
	    (d->draft = calloc(n, sizeof(*d->draft))) == NULL)
		abort();
	d->s = s;
	d->errors = errors;
	settings_tables_fill(&d->tables);
	s->n_policies = 1;
	s->policy[0].name = strdup("default");
	s->policy[0].place.file = strdup(s->file);
	s->policy[0].place.path = strdup("policies(default)");
	read_all(d, list);
	free(d->draft);
	free(d);
}

void
settings_free_policies(struct settings *s)
{
	for (size_t i = 0; i < s->n_policies; i++) {
		struct settings_policy *p = &s->policy[i];

		for (unsigned int k = 0; k < stage_count && k < STAGE_MAX; k++) {
			if (p->params[k] != NULL && stage_list[k]->fields != NULL)
				conf_release(stage_list[k]->fields, p->params[k]);
			free(p->params[k]);
		}
		free(p->name);
		conf_place_free(&p->place);
	}
	free(s->policy);
	s->policy = NULL;
	s->n_policies = 0;
}
