/* SPDX-License-Identifier: BSD-3-Clause */
/* settings_rig - settings made by hand, for snapshots without a configuration file. */
#ifndef TESTS_POLICY_SETTINGS_RIG_H
#define TESTS_POLICY_SETTINGS_RIG_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "packet/burst.h"
#include "policy/policy.h"
#include "prefix/prefix.h"
#include "suite.h"

#define RIG_SERVICES 1023
#define RIG_POLICIES 4

struct settings_rig {
	struct settings s;
	struct settings_policy policy[RIG_POLICIES];
	struct settings_service service[RIG_SERVICES + 1];
	struct settings_list list[24];
};

static inline void
rig_prefix(struct conf_prefixes *to, const char *text)
{
	struct prefix p;

	CU_ASSERT_EQUAL_FATAL(prefix_parse(text, &p), 0);
	to->prefix = realloc(to->prefix, (to->count + 1) * sizeof(*to->prefix));
	CU_ASSERT_FATAL(to->prefix != NULL);
	memcpy(&to->prefix[to->count++], &p, sizeof(p));
}

static inline struct settings_policy *
rig_policy(struct settings_rig *r, const char *name, enum policy_mode mode)
{
	struct settings_policy *p = &r->policy[r->s.n_policies++];

	p->name = strdup(name);
	p->mode = (int)mode;
	p->pace.activate_after = 300000000;
	p->pace.clear_after = UINT64_C(10000000000);
	return p;
}

/* Settings with the policies "default", "web" (monitor) and "strict" (mitigate). */
static inline void
rig_settings(struct settings_rig *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->s.sha256, sizeof(r->s.sha256), "%064d", 7);
	r->s.policy = r->policy;
	r->s.services.element = r->service;
	r->s.lists.element = r->list;
	rig_policy(r, "default", POLICY_MONITOR);
	rig_policy(r, "web", POLICY_MONITOR);
	rig_policy(r, "strict", POLICY_MITIGATE);
}

/* `what` is "tcp 80 443-445", "udp", "any". */
static inline void
rig_service(struct settings_rig *r, const char *name, const char *prefix,
            const char *what)
{
	struct settings_service *s = &r->service[r->s.services.count++];
	char *words = strdup(what), *rest = NULL;

	s->name = strdup(name);
	s->policy = strdup("web");
	s->protocol = strdup(strtok_r(words, " ", &rest));
	rig_prefix(&s->prefixes, prefix);
	s->ports.range = calloc(16, sizeof(*s->ports.range));
	CU_ASSERT_FATAL(s->ports.range != NULL);
	for (char *w; (w = strtok_r(NULL, " ", &rest)) != NULL;) {
		struct conf_port_range *range = &s->ports.range[s->ports.count++];
		char *dash = strchr(w, '-');

		range->first = (uint16_t)atoi(w);
		range->last = (uint16_t)atoi(dash != NULL ? dash + 1 : w);
	}
	free(words);
}

static inline void
rig_settings_free(struct settings_rig *r)
{
	for (size_t i = 0; i < r->s.n_policies; i++)
		free(r->policy[i].name);
	for (size_t i = 0; i < r->s.services.count; i++) {
		free(r->service[i].name);
		free(r->service[i].policy);
		free(r->service[i].protocol);
		free(r->service[i].prefixes.prefix);
		free(r->service[i].ports.range);
	}
	for (size_t i = 0; i < r->s.lists.count; i++) {
		free(r->list[i].name);
		free(r->list[i].prefixes.prefix);
	}
	free(r->s.routers.prefix);
	memset(r, 0, sizeof(*r));
}

/* Build a snapshot that must succeed. */
static inline struct policies *
rig_build(const struct settings_rig *r, const struct policies *before,
          const struct policy_overrides *over)
{
	struct conf_errors errors = { 0 };
	struct policies *p = NULL;
	int status = policy_build(&r->s, before, over, &p, &errors);

	conf_errors_print(&errors, stderr);
	conf_errors_free(&errors);
	CU_ASSERT_EQUAL_FATAL(status, 0);
	return p;
}

/* The id of a service, or 0. */
static inline unsigned int
rig_id(const struct policies *p, const char *name)
{
	for (unsigned int id = 1; id < p->n_services; id++)
		if (strcmp(p->service[id].name, name) == 0)
			return id;
	return 0;
}

#endif
