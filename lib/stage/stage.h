/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stage - the contract between the pipeline and a countermeasure.
 *
 * A stage is one folder that exports one `const struct stage`. It looks at
 * facts, never at packet bytes it could change; it decides, and the pipeline
 * acts. It does not know which stage came before, whether its policy only
 * monitors, or how its drops are counted.
 *
 *   params   one per policy; written by configuration + compile, then const
 *            (swapped with the whole snapshot); NULL where a policy does not
 *            run the stage
 *   state    one per worker; opened with its final size before the first
 *            packet, no locks; it never points into params
 *
 * Order within a burst, for each stage in the visible order of the registry:
 * observe() for the lanes of its policies that still travel, both directions
 * and every mode; then decide() for those of them that it may stop: external ->
 * internal, policy in monitor or mitigate, not spared, not exempt. params of
 * those lanes' policies are never NULL there. When all stages have had their
 * turn, follow() of each where there are fragments, then carry() of each.
 */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"
#include "meter/meter.h"

struct aggregates;
struct burst;
struct conf_errors;
struct conf_field;
struct explain;
struct filter_set;
struct flow_table;
struct fragment_table;
struct notices;
struct prefix_table;
struct source_table;
struct watch;
struct watch_rule;

/* How a stopped packet is counted in monitor: would_drop or would_challenge. */
enum reason_class { REASON_DROP, REASON_CHALLENGE };

struct stage_reason {
	const char *name; /* without the stage, as in "truncated" */
	enum reason_class class;
	const char *help; /* one sentence: what it means and what to look at */
};

#define STAGE_MAX         24 /* stages in the registry, and the pseudo stage of io */
#define STAGE_MAX_REASONS 24
#define STAGE_POLICIES    256

/* What all workers share, from before the first packet until after the last. */
struct stage_common {
	struct hash_key key; /* of every table and sketch; nobody outside learns it */
	uint8_t secret[32];  /* of cookies (challenge/cookie.h); boxes may share it */
	bool is_ingress;     /* answers of the inside return another way */
	uint64_t
		wall_ns; /* wall clock (Unix time) minus worker clock; written by control, read relaxed */
};

/* A connection that a stage ends, or would end, with no packet in hand to be stopped. */
struct stage_count {
	uint8_t stage, reason;
	bool is_would;
	uint16_t service;
};

/*
 * Packets that are counted by name beside the reasons: what a list, an operator's rule
 * or one reflecting service met. Names are given out by compile(); ids keep their
 * meaning across reloads. Cell 0 is for names that found no room.
 */
#define STAGE_HITS 4096

/* What every stage of one worker shares. Lower rooms only; owned by the pipeline. */
struct stage_env {
	unsigned int worker;  /* 0..workers - 1 */
	unsigned int workers; /* what is limited in all is divided among so many */
	uint64_t *hits;       /* STAGE_HITS cells; counter_add() by this worker alone */
	const struct stage_common *common;
	struct flow_table *flows;
	struct source_table *sources;
	struct fragment_table *fragments; /* of the burst in work, for b->pieces */
	struct watch *watch;
	struct aggregates *aggregates; /* networks under attack, of the burst in work */
	struct notices
		*notices; /* to control: blocks and the like; never full of packets */
	/* Count it beside the packets of its reason; NULL: nobody counts. */
	void (*count)(void *counts, const struct stage_count *what);
	void *counts; /* owner of count() */
};

/* What a list says of the sources on it. The first two decide, the others are told beside. */
enum list_action { LIST_ALLOW, LIST_DENY, LIST_TAG, LIST_NEVER_BLOCK };

/* One list, as far as it ends at one moment, or one timed block. */
struct stage_listed {
	uint64_t until_ns; /* worker clock when it ends; 0: never */
	uint16_t list;     /* number of the list; of blocks their own */
	uint8_t action;    /* enum list_action */
	uint8_t scale;     /* of never_block: index in stage_lists.scale */
	bool is_block;     /* made at run time */
	char name[64];     /* of the list, or the reason given with the block */
};

/*
 * Everything that is said of an address, as one chain that ends with `under` 0: first who
 * decides, the most specific prefix first, of equal ones allow, and each only where
 * it holds longer than all before it; then tags and never_block. Who has ended is passed
 * over, so nothing has to be built when that happens. A node comes behind its `under`.
 */
struct stage_list_node {
	uint16_t entry, list; /* numbers of the entry and of its list */
	uint16_t under;       /* value of the next one; 0: none */
	uint8_t len;   /* of who decides: length of the prefix, as in prefix/prefix.h */
	bool is_timed; /* somebody from here on ends */
};

#define STAGE_LIST_SCALES 16

/* All lists, or all timed blocks, behind one look-up. */
struct stage_lists {
	const struct prefix_table *table;
	const struct stage_list_node *node; /* value v of the table is node[v - 1] */
	const struct stage_listed
		*entry; /* of lists the first ones are the lists, without an end */
	unsigned int nodes, entries, lists;
	uint32_t scale[STAGE_LIST_SCALES]; /* customers behind one source; [0] is 1 */
};

/* One filter rule as this snapshot counts and prices it, beside struct filter_rule. */
struct stage_filter {
	uint16_t hit, over;     /* counters: what it met, and what exceeded its limit */
	bool has_services;      /* else it is for all */
	struct meter_rate rate; /* of the whole box */
	uint64_t services[1024 / 64]; /* bit: service id */
};

/* The filter rules of a snapshot, by part (filter/set.h). */
struct stage_filters {
	struct filter_set *set;
	struct stage_filter *of[2];
};

/* Customers behind one source by index, for a stage that limits sources; 1 where none is said. */
static inline void
stage_scales(const struct stage_lists *lists, uint32_t scale[STAGE_LIST_SCALES])
{
	for (unsigned int i = 0; i < STAGE_LIST_SCALES; i++)
		scale[i] = lists == NULL || lists->scale[i] == 0 ? 1 : lists->scale[i];
}

/* What a policy's params may be derived from, besides their own keys; lives as long as they. */
struct stage_compile {
	const char *policy;                  /* its name */
	const struct watch_rule *rules;      /* VECTOR_COUNT thresholds of this policy */
	const struct stage_lists *lists;     /* of the configuration; NULL: none */
	const struct stage_lists *blocks;    /* made at run time; NULL: none */
	const struct prefix_table *routers;  /* BGP and OSPF neighbours; NULL: none */
	const struct stage_filters *filters; /* the operator's rules; NULL: none */
	bool is_ingress; /* answers of the inside return another way */
	/* The id of a counter of that name (at most 63 characters); 0: no room is left. */
	uint16_t (*hit)(void *hits, const char *stage, const char *name);
	void *hits; /* owner of hit() */
};

/* One snapshot's params of one stage, by policy. */
struct stage_view {
	const void *params[STAGE_POLICIES];
};

struct stage {
	const char *name; /* key in the configuration, label in the counters */
	const char *help; /* one sentence */
	const struct stage_reason *reasons; /* ended by name == NULL; index is the code */

	/* Slow path: control thread, may fail, may allocate. */
	const struct conf_field
		*fields;    /* keys of the policy's group `name`; NULL: none */
	size_t params_size; /* 0: nothing to configure, params is &stage */
	int (*compile)(void *params, const struct stage_compile *from,
	               struct conf_errors *errors); /* optional: derive, cross-check */
	void (*release)(void *params);              /* optional: undo compile */
	int (*open)(void **state,
	            const struct stage_env *env);  /* optional; 0 or -errno */
	void (*close)(void *state);                /* with open */
	uint64_t (*memory)(uint64_t flow_entries); /* optional; big tables of open */

	/* Hot path: worker thread, cannot fail, does not allocate, log or block. */
	void (*observe)(void *state, const struct stage_view *view, struct burst *b,
	                uint64_t lanes); /* optional */
	void (*decide)(void *state, const struct stage_view *view, struct burst *b,
	               uint64_t todo); /* optional */
	void (*reply)(void *state, struct burst *b,
	              uint64_t lanes); /* with burst_reply */

	/*
	 * Optional. As decide(), after all stages have decided, in bursts with fragments
	 * (b->pieces): for what depends on what became of other lanes.
	 */
	void (*follow)(void *state, const struct stage_view *view, struct burst *b,
	               uint64_t todo);

	/*
	 * Optional. After all stages, for bursts of either side, whatever policy and
	 * mode, in bypass too: carry on what this stage has begun (connections that it
	 * spliced). It may consume live lanes, ask for frames and rewrite bytes[],
	 * which it marks in b->rewritten. While is_waiting() says so it is called for
	 * empty bursts as well, which is when timers run.
	 */
	void (*carry)(void *state, struct burst *b);
	bool (*is_waiting)(const void *state); /* with carry */

	/* Optional. Between bursts: expire a little, at most `budget` entries. */
	void (*tick)(void *state, uint64_t now_ns, unsigned int budget);

	/*
	 * Optional. Tell what this stage knows of the address in `e`. Called on the
	 * worker between bursts, again and again until it returns true, so it looks
	 * at no more than a few thousand entries a call; e->cursor is its own.
	 */
	bool (*explain)(void *state, const struct stage_view *view, struct explain *e,
	                uint64_t now_ns);
};

/*
 * The registry, generated from the list in lib/stage/meson.build: the order is
 * the order in which packets meet the stages. stage_io comes last and is no
 * stage: it holds the reasons of packets lost in transmission.
 */
extern const struct stage *const stage_list[];
extern const unsigned int stage_count; /* without stage_io */
extern const struct stage stage_io;

enum stage_io_reason {
	STAGE_IO_TX_FULL,   /* the other port or its ring took no more */
	STAGE_IO_SHORTENED, /* the receiving port delivered less than the whole frame */
	STAGE_IO_LINK_DOWN, /* the other port has no link */
	STAGE_IO_TOO_LONG,  /* the other port carries no frame that long */
	STAGE_IO_HANDOFF_FULL, /* the worker it belongs to took no more */
};

#endif
