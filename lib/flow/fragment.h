/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fragment - the datagrams that come in pieces, and what became of their first one.
 *
 * Only the first fragment of a datagram tells ports, so the later ones (rests) are
 * paired with it before anybody asks which service they are for:
 *
 *     fragment_pair_burst    ports and protocol of the first become facts of its rests
 *     (classify, stages)     fragment_track() holds each piece against those before it
 *     fragment_note_burst    what became of the first is kept for rests of later bursts
 *
 * A datagram is known by its addresses, tags, link and identification; by its protocol
 * too under IPv4 (RFC 791 3.2), not under IPv6, where each piece may tell another one
 * (RFC 8200 4.5). Of what came of it up to FRAGMENT_RANGES stretches are kept, so that
 * pieces in order, reversed or from two lines cost one stretch or a few.
 *
 * A record is made when the burst is over, and then in its class: a datagram whose first
 * fragment belongs to a proven flow or a conversation is earned, one of a verified source
 * is earning, all others are unearned and turn over their own quarter of the table
 * (table.h). A datagram that was complete within its burst leaves no record, nor does
 * one of which nothing passed but pieces that were refused. Who is complete is unearned.
 *
 * Two ends that exchanged fragments in a conversation lately are remembered as good by a
 * 16-bit mark in a cell; strangers share it at worst once in 65,536, and forgers of both
 * addresses gain what a verified source has, no more.
 *
 * Units   offsets and lengths count eight bytes, as the headers do, unless said otherwise.
 * Memory  fragment_table_bytes(), taken at open.
 * Threads one worker.
 * Source  RFC 791, 815, 1858, 3128, 4963, 5722, 8200.
 */
#ifndef FLOW_FRAGMENT_H
#define FLOW_FRAGMENT_H

#include "flow/table.h"
#include "packet/burst.h"

#define FRAGMENT_ENTRIES 32768u
#define FRAGMENT_RANGES  16u
#define FRAGMENT_MOST    8191u /* pieces of 8 bytes in 65,535 bytes */
#define FRAGMENT_IDLE_NS (UINT64_C(2) * 1000000000)
#define FRAGMENT_FLOOD_NS                                                                \
	(UINT64_C(500) * 1000000) /* of what is unearned, under attack */
#define FRAGMENT_GOOD_NS (UINT64_C(60) * 1000000000)
#define FRAGMENT_ENDS    16384u /* cells for pairs of ends, and for sources */

/* What a piece is beside those that came before it. */
enum fragment_finding {
	FRAGMENT_FITS,
	FRAGMENT_TINY,        /* its datagram's transport header is cut, or begun anew */
	FRAGMENT_OVERLAPPING, /* says again, and differently, what was said */
	FRAGMENT_ENDLESS,   /* beyond the end, another end, or more than a datagram has */
	FRAGMENT_SCATTERED, /* one stretch more than is kept; it may overlap unseen */
};

enum fragment_state {
	FRAGMENT_FIRST = 1 << 0,     /* the first was seen: ports and protocol hold */
	FRAGMENT_PORTS = 1 << 1,     /* and it has ports */
	FRAGMENT_DROPPED = 1 << 2,   /* it was stopped, or would have been */
	FRAGMENT_COMPLETE = 1 << 3,  /* no piece is missing */
	FRAGMENT_ODD = 1 << 4,       /* pieces of several lengths: cut twice on the way */
	FRAGMENT_CONDEMNED = 1 << 5, /* IPv6: pieces overlapped (RFC 8200 4.5) */
	FRAGMENT_COUNTED = 1 << 6,   /* as open, by whoever limits how many are */
};

struct fragment_range {
	uint16_t from, to; /* to is the first that is missing */
};

/* One datagram. */
struct fragment {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint16_t vlan, inner_vlan;
	uint8_t link, key_proto; /* key_proto is 0 under IPv6; the key ends here */
	uint8_t state;           /* enum fragment_state */
	uint8_t ranges;          /* filled entries of range, rising and apart */
	uint16_t src_port, dst_port;
	uint8_t proto, tcp_flags;
	uint16_t first_len;
	uint16_t unit; /* length of the pieces that others follow; 0: none came yet */
	uint16_t last_from; /* where the last piece begins, given total */
	uint16_t total;     /* bytes of data; 0: the last piece did not come yet */
	uint16_t pieces;    /* that came, repeated ones too */
	uint32_t spare;
	struct fragment_range range[FRAGMENT_RANGES];
};
static_assert(sizeof(struct fragment) == 128, "a datagram is two cache lines");
static_assert(offsetof(struct fragment, id) == 32 &&
                      offsetof(struct fragment, vlan) == 36 &&
                      offsetof(struct fragment, link) == 40 &&
                      offsetof(struct fragment, state) == 42,
              "the key comes first");
#define FRAGMENT_KEY_BYTES 42

/* One fragment of the burst in work. */
struct fragment_piece {
	uint16_t from, to;
	uint16_t end; /* in bytes */
	bool has_more;
	uint8_t group;
};

/* The fragments of one datagram in the burst in work. */
struct fragment_group {
	struct fragment *at;
	uint32_t slot; /* TABLE_NONE: at is not in the table yet */
	uint8_t lane;  /* the first of them */
	uint8_t first; /* the lane whose verdict holds for all; LANES_MAX: none here */
	uint64_t lanes;
};

/* Two ends that talk in fragments. */
struct fragment_ends {
	uint16_t mark;
	uint16_t until; /* tick until which they are good; 0: never */
};

/* Datagrams that were begun and not completed; halved each second. */
struct fragment_open {
	uint16_t count;
	uint16_t tick; /* when it was halved last */
};

struct fragment_table {
	struct table table;
	struct hash_key key;
	uint64_t odd[4]; /* of the key: how ends are spread */
	struct fragment_ends *ends;
	struct fragment_open *sources; /* by source, FRAGMENT_ENDS */
	/* Of the burst in work, valid for lanes in b->pieces: */
	uint64_t rests;   /* offset above 0 */
	uint64_t orphans; /* of these: whose first was not seen */
	uint64_t dropped; /* of these: whose first was dropped in an earlier burst */
	uint64_t good;    /* whose ends are good */
	unsigned int groups;
	uint8_t place[2 * LANES_MAX]; /* by hash: group + 1; 0 is free */
	uint32_t slot[LANES_MAX];
	struct fragment_piece piece[LANES_MAX];
	struct fragment_group group[LANES_MAX];
	struct fragment
		fresh[LANES_MAX]; /* by group: datagrams that are not in the table */
	struct table_batch batch;
};

size_t fragment_table_bytes(void);

/* Take the memory; keys are derived from `key` (copied). Returns 0, -ERANGE or -ENOMEM. */
int fragment_table_open(struct fragment_table *t, const struct hash_key *key);
void fragment_table_close(struct fragment_table *t);

void fragment_pair_lanes(struct fragment_table *t, struct burst *b, uint64_t lanes);
void fragment_note_lanes(struct fragment_table *t, struct burst *b);

/*
 * Between parsing and classifying: fill the facts of rests whose first is known, from an
 * earlier burst or from this one, before them or behind (FACT_PAIRED), and say so in
 * b->pieces. Fragments that are not sound are left to stage `sanity`. The bytes of all
 * lanes are there. A burst without fragments costs one comparison of its flags.
 */
static inline void
fragment_pair_burst(struct fragment_table *t, struct burst *b)
{
	const uint64_t lanes = lanes_with16(b->flags, FACT_FRAGMENT) & b->live;

	if (__builtin_expect(lanes != 0, 0))
		fragment_pair_lanes(t, b, lanes);
}

/* When all stages have decided: keep what became of first fragments, and what passed. */
static inline void
fragment_note_burst(struct fragment_table *t, struct burst *b)
{
	if (__builtin_expect(b->pieces != 0, 0))
		fragment_note_lanes(t, b);
}

/*
 * Hold the fragment of this lane of b->pieces against those of its datagram that came
 * before it, and remember it. In the order of lanes, once each. What does not fit is not
 * remembered.
 */
enum fragment_finding fragment_track(struct fragment_table *t, const struct burst *b,
                                     unsigned int lane);

/* The datagram of a lane of b->pieces. */
static inline struct fragment_group *
fragment_group_of(struct fragment_table *t, unsigned int lane)
{
	return &t->group[t->piece[lane].group];
}

/*
 * Rests of b->pieces whose first is in this burst and was stopped, or spared by monitor,
 * by now.
 */
uint64_t fragment_followers(const struct fragment_table *t, const struct burst *b);

/* Whether the two ends of this lane exchanged fragments in a conversation lately. */
bool fragment_has_good_ends(const struct fragment_table *t, const struct burst *b,
                            unsigned int lane);

/* They are good from now on, for FRAGMENT_GOOD_NS. */
void fragment_call_good(struct fragment_table *t, const struct burst *b,
                        unsigned int lane);

/* Where datagrams of this source are counted that were begun; others may share it. */
struct fragment_open *fragment_open_of(const struct fragment_table *t,
                                       const uint8_t src[16]);

/* Count one more, or one less. */
void fragment_count_open(struct fragment_open *o, int change, uint64_t now_ns);

/* Halve it as often as seconds passed; returns what is left. */
unsigned int fragment_ease_open(struct fragment_open *o, uint64_t now_ns);

#endif
