/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stages_rig - a registry of three stages, so that settings are tested for what
 * they do with stages, and not for what the stages of the day ask.
 */
#ifndef TESTS_POLICY_STAGES_RIG_H
#define TESTS_POLICY_STAGES_RIG_H

#include "conf/conf.h"
#include "stage/stage.h"

struct rig_sanity {
	int private_sources;
};

struct rig_sources {
	uint64_t packets, bits, new_connections, block_for_ns;
	struct conf_prefixes exempt;
};

enum { RIG_SANITY, RIG_LISTS, RIG_SOURCES };

static const char *const rig_words[] = { "allow", "deny", NULL };

static const struct conf_field rig_sanity_fields[] = {
	{ .key = "private_sources",
	  .kind = CONF_WORD,
	  .absent = "allow",
	  .words = rig_words,
	  .help = "Private sources." },
	{ .key = NULL },
};

#define RIG_AT(member) offsetof(struct rig_sources, member)

static const struct conf_field rig_sources_fields[] = {
	{ .key = "packets",
	  .kind = CONF_PACKETS,
	  .offset = RIG_AT(packets),
	  .absent = "10kpps",
	  .help = "Packets of one source." },
	{ .key = "bits",
	  .kind = CONF_BITS,
	  .offset = RIG_AT(bits),
	  .absent = "off",
	  .help = "Bits of one source." },
	{ .key = "new_connections",
	  .kind = CONF_CPS,
	  .offset = RIG_AT(new_connections),
	  .absent = "200cps",
	  .help = "Connections of one source." },
	{ .key = "block_for",
	  .kind = CONF_TIME,
	  .offset = RIG_AT(block_for_ns),
	  .absent = "0s",
	  .max = UINT64_C(3600000000000),
	  .help = "How long to block." },
	{ .key = "exempt",
	  .kind = CONF_PREFIXES,
	  .offset = RIG_AT(exempt),
	  .absent = "",
	  .help = "Sources without a limit." },
	{ .key = NULL },
};

static const struct stage rig_sanity_stage = {
	.name = "sanity",
	.help = "Refuses what cannot be.",
	.fields = rig_sanity_fields,
	.params_size = sizeof(struct rig_sanity),
};

static const struct stage rig_lists_stage = { .name = "lists", .help = "Has no keys." };

static const struct stage rig_sources_stage = {
	.name = "sources",
	.help = "Limits each source.",
	.fields = rig_sources_fields,
	.params_size = sizeof(struct rig_sources),
};

/* Defined here, the generated registry is not linked. */
const struct stage *const stage_list[] = { &rig_sanity_stage, &rig_lists_stage,
	                                   &rig_sources_stage };
const unsigned int stage_count = 3;
const struct stage stage_io = { .name = "io" };

#endif
