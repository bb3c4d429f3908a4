/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fragments_rig - stage fragments fed frames: parsed, paired, judged by this stage alone and
 * noted, as the worker does it. What other stages would say is told by hand.
 */
#ifndef TESTS_STAGE_FRAGMENTS_RIG_H
#define TESTS_STAGE_FRAGMENTS_RIG_H

#include "stage/fragments/fragments.h"

#include <stdlib.h>

#include "../packet/pieces.h"
#include "flow/fragment.h"
#include "packet/parse.h"
#include "rig.h"

#define UNIT 64 /* bytes of a piece */

static struct rig rig;
static struct fragment_table *table;
static uint8_t bytes[LANES_MAX][PIECES_ROOM];
static struct piece sent[LANES_MAX];
static unsigned int count;

/* What the burst is like that send_all() judges. */
static struct {
	bool is_armed;
	uint8_t standing;
	/* Lanes that a later stage drops, or drops and monitor spares. */
	uint64_t dropped, spared;
} how;

static inline void
open_stage(const char *config)
{
	struct hash_key key;

	hash_key_seeded(&key, 3);
	table = aligned_alloc(64, (sizeof(*table) + 63) / 64 * 64);
	CU_ASSERT_FATAL(table != NULL);
	CU_ASSERT_EQUAL_FATAL(fragment_table_open(table, &key), 0);
	rig.env.fragments = table;
	rig_open(&rig, &stage_fragments, config);
	memset(&how, 0, sizeof(how));
	count = 0;
}

static inline void
close_stage(void)
{
	rig_close(&rig);
	fragment_table_close(table);
	free(table);
}

/* A piece of a datagram of customer `who`, whose data are 3 * UNIT bytes long. */
static inline struct piece
piece(uint32_t who, uint32_t id, unsigned int nth)
{
	return (struct piece){ .who = who,
		               .id = id,
		               .proto = PROTO_UDP,
		               .there = 53,
		               .here = 4000,
		               .at = (uint16_t)(nth * UNIT),
		               .bytes = UNIT,
		               .has_more = nth < 2 };
}

static inline void
add(const struct piece *p)
{
	sent[count++] = *p;
}

/* The three pieces of a datagram, in this order ("210"). */
static inline void
add_order(uint32_t who, uint32_t id, const char *order)
{
	for (; *order != '\0'; order++) {
		const struct piece p = piece(who, id, (unsigned int)(*order - '0'));

		add(&p);
	}
}

/* Judge what was added, and begin anew. */
static inline void
send_all(void)
{
	struct burst *b = &rig.burst;
	uint64_t todo;

	rig_packets(&rig, count);
	for (unsigned int i = 0; i < count; i++) {
		b->bytes[i] = bytes[i];
		b->bytes_len[i] = pieces_frame(bytes[i], &sent[i]);
		b->frame_len[i] = b->bytes_len[i];
	}
	count = 0;
	parse_burst(b);
	fragment_pair_burst(table, b);
	b->armed = how.is_armed ? b->live : 0;
	todo = b->live;
	stage_fragments.observe(rig.state, &rig.view, b, todo);
	stage_fragments.decide(rig.state, &rig.view, b, todo);
	memset(b->standing, how.standing, sizeof(b->standing));
	b->spared = how.spared & b->live;
	burst_drop_lanes(b, how.dropped & b->live, 0);
	if (b->pieces != 0 && b->live != 0)
		stage_fragments.follow(rig.state, &rig.view, b, b->live & ~b->spared);
	rig_check(&rig, todo, todo);
	fragment_note_burst(table, b);
}

static inline void
send_one(const struct piece *p)
{
	add(p);
	send_all();
}

/* Under IPv4 and IPv6, with no tag, one and two. */
#define EACH_WIRE(p)                                                                     \
	for (unsigned int wire_ = 0; wire_ < 6; wire_++)                                 \
		if (((p).is_ipv6 = wire_ >= 3, (p).tags = (uint8_t)(wire_ % 3), 1))

#endif
