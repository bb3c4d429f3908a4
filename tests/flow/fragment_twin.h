/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fragment_twin - pairing and tracking once more, slow and plain: a byte for each unit of
 * each datagram, no table, no stretches.
 *
 * The steps are those of the worker: pair the burst, hold each piece against those before
 * it, note what became of it. Pieces that do not fit are dropped.
 */
#ifndef TESTS_FLOW_FRAGMENT_TWIN_H
#define TESTS_FLOW_FRAGMENT_TWIN_H

#include <stdlib.h>

#include "../packet/pieces.h"
#include "flow/fragment.h"
#include "packet/parse.h"

#define TWIN_DATAGRAMS 8
#define TWIN_UNITS     128 /* no piece of twin_send() reaches further */
#define TWIN_OP        3   /* bytes of one piece */

struct twin_datagram {
	bool is_kept; /* from burst to burst */
	bool has_first, is_dropped, is_complete, is_odd, is_condemned;
	uint16_t there, here;
	unsigned int unit, first_len, last_from, total, pieces;
	uint8_t got[TWIN_UNITS];
	/* Of this burst: */
	bool is_met, takes_first, has_passed;
	unsigned int first_lane;
};

struct twin {
	struct fragment_table table;
	struct burst burst;
	uint64_t now_ns;
	unsigned int count;
	struct piece sent[LANES_MAX];
	uint8_t which[LANES_MAX];
	uint8_t frame[LANES_MAX][PIECES_ROOM];
	struct twin_datagram datagram[TWIN_DATAGRAMS];
	uint64_t met[FRAGMENT_SCATTERED + 1]; /* findings, that a test had them all */
};

static inline void
twin_restart(struct twin_datagram *d)
{
	d->has_first = d->is_dropped = d->is_complete = d->is_odd = false;
	d->is_condemned = false;
	d->unit = d->first_len = d->last_from = d->total = d->pieces = 0;
	memset(d->got, 0, sizeof(d->got));
}

static inline bool
twin_is_piece(const struct piece *p)
{
	return p->at > 0 || p->has_more;
}

static inline void
twin_take_first(struct twin *t, unsigned int lane)
{
	struct twin_datagram *d = &t->datagram[t->which[lane]];
	const struct piece *p = &t->sent[lane];

	if (d->is_complete || d->is_dropped)
		twin_restart(d);
	if (d->has_first)
		return;
	d->has_first = true;
	d->there = p->there;
	d->here = p->here;
	d->takes_first = true;
	d->first_lane = lane;
}

static inline unsigned int
twin_stretches(const uint8_t *got)
{
	unsigned int n = 0;

	for (unsigned int u = 0; u < TWIN_UNITS; u++)
		n += got[u] && (u == 0 || !got[u - 1]);
	return n;
}

static inline unsigned int
twin_reach(const uint8_t *got)
{
	unsigned int reach = TWIN_UNITS;

	while (reach > 0 && !got[reach - 1])
		reach--;
	return reach;
}

static inline bool
twin_is_repeated(const struct twin_datagram *d, const struct piece *p)
{
	const unsigned int units = (p->bytes + 7u) / 8, from = p->at / 8u;

	if (!p->has_more)
		return d->total != 0 && from == d->last_from;
	if (from == 0)
		return units == d->first_len && d->has_first && p->there == d->there &&
		       p->here == d->here;
	return units == d->unit && from % units == 0;
}

static inline bool
twin_is_beyond(const struct twin_datagram *d, const struct piece *p)
{
	const unsigned int end = p->at + (unsigned int)p->bytes;

	if (p->has_more)
		return d->total != 0 && end >= d->total;
	return (d->total != 0 && d->total != end) ||
	       twin_reach(d->got) > p->at / 8u + (p->bytes + 7u) / 8;
}

static inline bool
twin_is_whole(const struct twin_datagram *d)
{
	if (d->total == 0)
		return false;
	for (unsigned int u = 0; u * 8 < d->total; u++)
		if (!d->got[u])
			return false;
	return true;
}

static inline enum fragment_finding
twin_overlap(struct twin_datagram *d, const struct piece *p)
{
	if (p->is_ipv6 && !d->is_odd)
		d->is_condemned = true;
	return FRAGMENT_OVERLAPPING;
}

static inline enum fragment_finding
twin_track(struct twin_datagram *d, const struct piece *p)
{
	const unsigned int units = (p->bytes + 7u) / 8, from = p->at / 8u;
	unsigned int had = 0;

	if (d->is_complete && (twin_is_beyond(d, p) || !twin_is_repeated(d, p)))
		twin_restart(d);
	if (d->is_condemned)
		return FRAGMENT_OVERLAPPING;
	if (d->pieces == FRAGMENT_MOST || twin_is_beyond(d, p))
		return FRAGMENT_ENDLESS;
	d->pieces++;
	for (unsigned int u = 0; u < units; u++)
		had += d->got[from + u];
	if (had > 0)
		return had == units && twin_is_repeated(d, p) ? FRAGMENT_FITS
		                                              : twin_overlap(d, p);
	memset(d->got + from, 1, units);
	if (twin_stretches(d->got) > FRAGMENT_RANGES) {
		memset(d->got + from, 0, units);
		return FRAGMENT_SCATTERED;
	}
	if (!p->has_more) {
		d->total = p->at + (unsigned int)p->bytes;
		d->last_from = from;
	} else if (d->unit == 0) {
		d->unit = units;
	} else if (d->unit != units) {
		d->is_odd = true;
	}
	if (from == 0)
		d->first_len = units;
	d->is_complete = twin_is_whole(d);
	return FRAGMENT_FITS;
}

static inline void
twin_must(bool holds)
{
	if (!holds)
		abort();
}

/* What the rest was told of its first. */
static inline void
twin_check_pairing(struct twin *t, unsigned int lane)
{
	const struct twin_datagram *d = &t->datagram[t->which[lane]];
	const struct facts *f = &t->burst.facts[lane];

	twin_must(((f->flags & FACT_PAIRED) != 0) == d->has_first);
	if (!d->has_first)
		return;
	twin_must((f->flags & FACT_NO_PORTS) == 0);
	twin_must(f->src_port == d->there && f->dst_port == d->here);
	twin_must((t->table.dropped >> lane & 1) == d->is_dropped);
}

static inline void
twin_note(struct twin *t)
{
	for (unsigned int k = 0; k < TWIN_DATAGRAMS; k++) {
		struct twin_datagram *d = &t->datagram[k];

		if (d->takes_first)
			d->is_dropped = (t->burst.live >> d->first_lane & 1) == 0;
		if (d->is_met && !d->is_kept) {
			d->is_kept = !d->is_complete && (d->takes_first || d->has_passed);
			if (!d->is_kept)
				twin_restart(d);
		}
		d->is_met = d->takes_first = d->has_passed = false;
	}
}

/* Judge what was sent in this burst, both ways. */
static inline void
twin_judge(struct twin *t)
{
	struct burst *b = &t->burst;

	burst_start(b, t->now_ns, 0, SIDE_EXTERNAL);
	b->count = (uint16_t)t->count;
	b->live = lanes_first(t->count);
	for (unsigned int i = 0; i < t->count; i++) {
		b->bytes[i] = t->frame[i];
		b->bytes_len[i] = pieces_frame(t->frame[i], &t->sent[i]);
		b->frame_len[i] = b->bytes_len[i];
	}
	parse_burst(b);
	fragment_pair_burst(&t->table, b);
	for (unsigned int i = 0; i < t->count; i++) {
		twin_must((b->pieces >> i & 1) == twin_is_piece(&t->sent[i]));
		if ((b->pieces >> i & 1) != 0)
			t->datagram[t->which[i]].is_met = true;
		if ((b->pieces >> i & 1) != 0 && t->sent[i].at == 0)
			twin_take_first(t, i);
	}
	for (unsigned int i = 0; i < t->count; i++)
		if (t->sent[i].at > 0)
			twin_check_pairing(t, i);
	for (unsigned int i = 0; i < t->count; i++) {
		enum fragment_finding finding;

		if ((b->pieces >> i & 1) == 0)
			continue;
		finding = fragment_track(&t->table, b, i);
		t->met[finding]++;
		twin_must(finding == twin_track(&t->datagram[t->which[i]], &t->sent[i]));
		if (finding != FRAGMENT_FITS && finding != FRAGMENT_SCATTERED)
			burst_drop(b, i, 0);
		else
			t->datagram[t->which[i]].has_passed = true;
	}
	fragment_note_burst(&t->table, b);
	twin_note(t);
	t->count = 0;
}

/*
 * One piece from TWIN_OP bytes: which datagram, whether others follow, the ports of a
 * first and whether the burst ends; where it begins; how long it is, and a long silence.
 */
static inline void
twin_send(struct twin *t, const uint8_t op[TWIN_OP])
{
	struct piece *p = &t->sent[t->count];
	const unsigned int k = op[0] % TWIN_DATAGRAMS;

	*p = (struct piece){ .who = 7,
		             .id = 100 + k / 2,
		             .is_ipv6 = k % 2 != 0,
		             .proto = PROTO_UDP,
		             .there = 53,
		             .here = (uint16_t)(4000 + (op[0] >> 5 & 1)),
		             .has_more = (op[0] & 0x18) != 0,
		             .at = (uint16_t)((op[1] & 0x3f) * 8),
		             .bytes = (uint16_t)(8 + (op[2] & 3) * 8) };
	if (!p->has_more)
		p->bytes -= op[2] >> 2 & 7;
	if (p->bytes < 8 && p->at == 0)
		p->bytes = 8;
	t->which[t->count++] = (uint8_t)k;
	if ((op[0] & 0xc0) != 0 && t->count < LANES_MAX)
		return;
	twin_judge(t);
	if (op[2] < 0xfc)
		return;
	t->now_ns += FRAGMENT_IDLE_NS + 2 * TABLE_TICK_NS;
	for (unsigned int n = 0; n < TWIN_DATAGRAMS; n++) {
		twin_restart(&t->datagram[n]);
		t->datagram[n].is_kept = false;
	}
}

static inline struct twin *
twin_new(void)
{
	struct twin *t = aligned_alloc(64, (sizeof(*t) + 63) / 64 * 64);
	struct hash_key key;

	twin_must(t != NULL);
	memset(t, 0, sizeof(*t));
	hash_key_seeded(&key, 11);
	twin_must(fragment_table_open(&t->table, &key) == 0);
	t->now_ns = UINT64_C(1000000000);
	return t;
}

/* Everything forgotten, at little cost: a new moment long after. */
static inline void
twin_reset(struct twin *t)
{
	t->count = 0;
	t->now_ns += 10 * FRAGMENT_IDLE_NS;
	for (unsigned int n = 0; n < TWIN_DATAGRAMS; n++) {
		twin_restart(&t->datagram[n]);
		t->datagram[n].is_kept = false;
	}
}

static inline void
twin_free(struct twin *t)
{
	fragment_table_close(&t->table);
	free(t);
}

#endif
