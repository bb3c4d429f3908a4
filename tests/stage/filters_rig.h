/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters_rig - rules as the operator writes them, and real frames through the pipeline.
 *
 * Two services: "shop" (203.0.113.2 and 2001:db8::2, where all frames of tests/packet
 * go), and "desk" beside it.
 */
#ifndef TESTS_STAGE_FILTERS_RIG_H
#define TESTS_STAGE_FILTERS_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "packet/frames.h"
#include "packet/parse.h"
#include "pipeline/pipeline.h"
#include "policy/policy.h"
#include "suite.h"

#define SECOND UINT64_C(1000000000)

struct filters_rig {
	struct policies *p;
	struct pipeline pl;
	struct stage_common common;
	struct notices notices;
	struct burst b;
	struct wire wire[LANES_MAX];
	uint64_t now_ns;
};

/* The file around `filters`, or NULL with what is wrong in `why`. */
static inline struct policies *
filters_build(const char *filters, const char *mode, const struct policies *before,
              char why[4096])
{
	static const char file[] =
		"version = 1;\nfilters = ( %s );\n"
		"policies = ( { name = \"web\"; mode = \"%s\"; } );\n"
		"services = (\n"
		"{ name = \"desk\"; prefixes = [ \"203.0.113.0/24\" ]; policy = \"web\"; "
		"},\n"
		"{ name = \"shop\"; prefixes = [ \"203.0.113.2\", \"2001:db8::2\" ];\n"
		"  policy = \"web\"; } );\n";
	struct conf_errors errors = { 0 };
	struct settings *s = NULL;
	struct policies *p = NULL;
	size_t room = strlen(filters) + sizeof(file) + 16, used = 0;
	char *text = malloc(room);
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	snprintf(text, room, file, filters, mode);
	status = settings_read_text(text, strlen(text), "rig.conf", &s, &errors);
	if (status == 0)
		policy_build(s, before, NULL, &p, &errors);
	why[0] = '\0';
	for (size_t i = 0; i < errors.count && used < 4000; i++)
		used += (size_t)snprintf(why + used, 4096 - used, "%s\n",
		                         errors.error[i].message);
	conf_errors_free(&errors);
	settings_free(s);
	free(text);
	return p;
}

static inline void
filters_open(struct filters_rig *f, const char *filters, const char *mode)
{
	const struct pipeline_sizes sizes = { 1024, 1024, SERVICE_MAX, 64, 64, 2 };
	char why[4096];

	memset(f, 0, sizeof(*f));
	f->now_ns = SECOND;
	hash_key_seeded(&f->common.key, 5);
	f->p = filters_build(filters, mode, NULL, why);
	if (f->p == NULL)
		fprintf(stderr, "%s", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->p);
	CU_ASSERT_EQUAL_FATAL(pipeline_open(&f->pl, 0, &sizes, &f->common, &f->notices),
	                      0);
}

static inline void
filters_close(struct filters_rig *f)
{
	pipeline_close(&f->pl);
	policy_free(f->p);
}

static inline void
filters_begin(struct filters_rig *f)
{
	burst_start(&f->b, f->now_ns, 0, SIDE_EXTERNAL);
}

/* Lay one frame with so many tags. */
static inline void
filters_lay(struct filters_rig *f, void (*frame)(struct wire *), unsigned int tags)
{
	const unsigned int i = f->b.count++;
	struct wire *w = &f->wire[i];

	wire_ether(w);
	for (unsigned int t = 0; t < tags; t++)
		wire_tag(w, 0x8100, 7 + t);
	frame(w);
	wire_seal(w);
	f->b.bytes[i] = w->bytes;
	f->b.bytes_len[i] = (uint16_t)w->len;
	f->b.frame_len[i] = (uint16_t)w->len;
	f->b.mbuf[i] = NULL;
	f->b.live |= lane_bit(i);
}

/* Parse, classify, judge; what is laid so far. */
static inline void
filters_send(struct filters_rig *f)
{
	parse_burst(&f->b);
	policy_classify(f->p, &f->b);
	pipeline_run(&f->pl, f->p, &f->b);
	pipeline_account(&f->pl, &f->b);
}

/* "passed", or why lane i was dropped. */
static inline const char *
filters_fate(const struct filters_rig *f, unsigned int i)
{
	static char name[64];
	const struct stage *s = stage_list[f->b.stage[i]];

	if (f->b.verdict[i] == VERDICT_PASS)
		return "passed";
	snprintf(name, sizeof(name), "%s.%s", s->name, s->reasons[f->b.reason[i]].name);
	return name;
}

/* What the counter of a rule says. */
static inline uint64_t
filters_hits(const struct filters_rig *f, const char *stage, const char *name)
{
	for (unsigned int id = 1; id < STAGE_HITS; id++)
		if (policy_hit_is_used(f->p->hits, id) &&
		    strcmp(f->p->hits->hit[id].stage, stage) == 0 &&
		    strcmp(f->p->hits->hit[id].name, name) == 0)
			return f->pl.hits[id];
	return UINT64_MAX;
}

/* The books of one reason. */
static inline uint64_t
filters_book(const struct filters_rig *f, const char *stage, unsigned int reason,
             bool is_would)
{
	for (unsigned int s = 0; s < stage_count; s++)
		if (strcmp(stage_list[s]->name, stage) == 0)
			return is_would ? f->pl.books.would[s][reason]
			                : f->pl.books.decided[s][reason];
	return UINT64_MAX;
}

#endif
