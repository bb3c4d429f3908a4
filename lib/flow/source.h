/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source - what one worker remembers of every source address, by service.
 *
 * A source is an IPv4 address or an IPv6 prefix, as it talks to one service: a
 * limit of the shop never touches the same customer's mail. Its record holds
 * its meters, until when its address counts as verified or is blocked, and the
 * last packet of it that was dropped.
 *
 * A stranger has no record: what it sends is counted in cells that strangers
 * share (crowd.h), and only who proves himself or uses up half of what a
 * stranger may send gets one.
 *
 * A source is earned while it is verified or blocked, unearned otherwise, so a
 * forged flood turns over its own quarter of the table and no customer's
 * meters (see table.h). A source that finds no slot is not judged at all.
 *
 * The stage `flows` looks the sources of a burst up once, for itself and for every
 * later stage; they stand in lane[] until the next burst. Verified flows with
 * credit (credit.h) need none, and have none there. Strangers' first segments and
 * datagrams of a vector under attack are deferred: most of them are answered or dropped
 * without anybody asking who they are from. Who must know whether they are verified
 * asks for that alone. Whose source has no record for sure (recorded.h) is not looked up.
 *
 * Units   times of a record count SOURCE_TICK_NS and are compared as
 *         differences; 0 is never. 32 bits of them last 52 days, and a record
 *         does not outlive two hours of silence.
 * Memory  128 bytes a source, 64 for eight, the cells and the bits of recorded.h,
 *         taken at open.
 * Threads one worker.
 */
#ifndef FLOW_SOURCE_H
#define FLOW_SOURCE_H

#include "base/lanes.h"
#include "flow/credit.h"
#include "flow/crowd.h"
#include "flow/drops.h"
#include "flow/recorded.h"
#include "flow/table.h"
#include "packet/burst.h"

#define SOURCE_TICK_NS (UINT64_C(1) << 20)
#define SOURCE_NONE    TABLE_NONE
#define SOURCE_IDLE_NS (UINT64_C(60) * 1000000000)   /* of an unearned source */
#define SOURCE_MAX_NS  (UINT64_C(3600) * 1000000000) /* longest a source may stay earned */

struct source_key {
	uint8_t address[16]; /* the bits behind the prefix are 0 */
	uint16_t service;
	uint8_t prefix_len; /* counted as IPv6: an IPv4 host is 128 */
	uint8_t zero[13];
	/* Not compared, and 0 in a key that asks; of its flows (flow/credit.h): */
	uint32_t lent;                     /* packets of lots that are not settled */
	uint32_t back_packets, back_bytes; /* returned, and not yet to the meters */
	uint16_t strikes;   /* connections of it that were ended for what they did, */
	uint16_t struck_at; /* the last one at this table_tick() (stage behaviour) */
};
static_assert(sizeof(struct source_key) == TABLE_KEY, "a key fills its place");
static_assert(offsetof(struct source_key, lent) == 32, "what is compared comes first");
#define SOURCE_KEY_BYTES 32

/* How much of an address makes one source; [0] of IPv4, [1] of IPv6. */
struct source_prefix {
	alignas(16) uint8_t mask[2][16];
	uint8_t len[2];
};

/* What a source is limited in. Paid-until times of meter/meter.h, 0 is idle. */
enum source_meter {
	SOURCE_PACKETS, /* of unverified packets */
	SOURCE_BITS,
	SOURCE_VERIFIED_PACKETS, /* of verified flows */
	SOURCE_VERIFIED_BITS,
	SOURCE_CONNECTIONS, /* proven handshakes */
	SOURCE_METERS
};

struct source {
	struct source_key key;
	uint64_t meter[SOURCE_METERS]; /* each is the one word of a struct meter */
	const char
		*last_reason; /* static; why a packet of it was last dropped, or NULL */
	uint32_t last_drop;
	uint32_t verified_until;
	uint32_t blocked_until;
	uint32_t
		over_since; /* when its proven traffic went over a limit, and stayed over */
	uint32_t over_last;
	uint32_t
		over_debt; /* what it was refused meanwhile, in 256 ns of its limit, saturating */
	uint32_t flows;  /* earned flows it holds */
	uint16_t blocks; /* times it was blocked in a row, saturating */
	uint8_t birth;   /* tells two sources apart that had the same slot */
	uint8_t policy;  /* that judged it last */
};
static_assert(sizeof(struct source) == 128, "a source is two cache lines");

struct source_table {
	struct table table;
	struct hash_key key;
	struct crowd crowd;       /* strangers without a record */
	struct drops drops;       /* and why they were dropped */
	struct recorded recorded; /* who has no record for sure */
	uint8_t births;
	uint8_t epoch; /* another one with each block; never 0 */
	uint64_t
		memory_ns; /* longest that anybody wants to know of a block that is over */
	/* Of the burst in work: */
	uint64_t proven; /* lanes whose packet completed a handshake just now */
	uint64_t asked;  /* lanes whose source was looked up, by source_find_burst() */
	uint64_t known;  /* of these: lanes whose source had a record then */
	uint64_t
		deferred; /* lanes to be looked up only when somebody needs their source */
	uint64_t
		hashed; /* lanes, looked up or deferred, whose key and hash are written */
	uint64_t absent;           /* of these: lanes whose source has no record */
	const void *const *params; /* by policy: where their prefix is, */
	size_t prefix_at;          /* so many bytes from there */
	uint32_t lane[LANES_MAX];  /* slot of its source, or SOURCE_NONE */
	struct table_batch batch;
};

size_t source_table_bytes(uint64_t entries);

/* Take the memory; the key is derived from `key` (copied). Returns 0, -ERANGE or -ENOMEM. */
int source_table_open(struct source_table *t, uint64_t entries,
                      const struct hash_key *key);
void source_table_close(struct source_table *t);

static inline uint32_t
source_tick(uint64_t now_ns)
{
	return (uint32_t)(now_ns / SOURCE_TICK_NS);
}

/* The stored form of a moment: never 0, which means never. */
static inline uint32_t
source_moment(uint64_t at_ns)
{
	uint32_t tick = source_tick(at_ns);

	return tick != 0 ? tick : 1;
}

/* Whether the stored moment still lies ahead. */
static inline bool
source_is_ahead(uint32_t moment, uint64_t now_ns)
{
	return moment != 0 && (int32_t)(moment - source_tick(now_ns)) > 0;
}

/* ns since the stored moment. */
static inline uint64_t
source_since(uint32_t moment, uint64_t now_ns)
{
	return (uint64_t)(source_tick(now_ns) - moment) * SOURCE_TICK_NS;
}

static inline struct source *
source_at(const struct source_table *t, uint32_t slot)
{
	return table_record(&t->table, slot);
}

/* The source of a lane of the burst in work, or NULL. */
static inline struct source *
source_of_lane(const struct source_table *t, unsigned int lane)
{
	return t->lane[lane] == SOURCE_NONE ? NULL : source_at(t, t->lane[lane]);
}

/* The key of an address as IPv4-mapped or IPv6; prefix_len applies to IPv6 only. */
void source_key_of(struct source_key *key, const uint8_t address[16], uint16_t service,
                   uint8_t prefix_len);

/* IPv6 sources are prefixes of `ipv6_len` (48..128) bits, IPv4 sources addresses. */
void source_prefix_init(struct source_prefix *p, unsigned int ipv6_len);

/* Write the key of a lane's source, for source_find_burst(). */
static inline void
source_ask(struct source_table *t, const struct burst *b, unsigned int lane,
           const struct source_prefix *p)
{
	const struct facts *f = &b->facts[lane];
	const unsigned int is_ipv6 = (f->flags & FACT_IPV6) != 0;
	const uint32_t rest = b->service[lane] | (uint32_t)p->len[is_ipv6] << 16;
	const __m128i mask = _mm_load_si128((const __m128i *)p->mask[is_ipv6]);
	const __m128i src = _mm_load_si128((const __m128i *)f->src);

	*table_key_block(&t->batch, lane, 0) = _mm_and_si128(src, mask);
	*table_key_block(&t->batch, lane, 1) = _mm_cvtsi64_si128(rest);
	*table_key_block(&t->batch, lane, 2) = _mm_setzero_si128();
}

/* The same for a lane of b->ipv4, where no prefix matters. */
static inline void
source_ask_ipv4(struct source_table *t, const struct burst *b, unsigned int lane)
{
	const __m128i src = _mm_load_si128((const __m128i *)b->facts[lane].src);

	*table_key_block(&t->batch, lane, 0) = src;
	*table_key_block(&t->batch, lane, 1) =
		_mm_cvtsi32_si128(b->service[lane] | 128 << 16);
	*table_key_block(&t->batch, lane, 2) = _mm_setzero_si128();
}

/*
 * Look up the sources of `lanes`, whose keys source_ask() has written, and fill
 * lane[]; every other lane has none. Nothing is made.
 */
void source_find_burst(struct source_table *t, uint64_t lanes, uint64_t now_ns);

/* Lanes without a proven flow whose source is verified get that standing. */
void source_tell_standing(const struct source_table *t, struct burst *b, uint64_t lanes);

/*
 * Leave the sources of these lanes to whoever needs them first; after source_find_burst().
 * Their struct source_prefix lies prefix_at bytes into the params of their policy, which
 * outlive the burst.
 */
static inline void
source_defer(struct source_table *t, uint64_t lanes, const void *const *params,
             size_t prefix_at)
{
	t->deferred = lanes;
	t->params = params;
	t->prefix_at = prefix_at;
}

/* Look up those of `lanes` that were deferred, and tell their standing. */
void source_ask_deferred(struct source_table *t, struct burst *b, uint64_t lanes);

/*
 * The same of those that may be verified, for who needs no more than b->standing. The
 * others, which have no record, stay deferred.
 */
void source_ask_verified(struct source_table *t, struct burst *b, uint64_t lanes);

/* Lanes of the burst in work whose drops can be noted: by their sources, or as strangers'. */
static inline uint64_t
source_noted(const struct source_table *t)
{
	return t->asked | t->deferred;
}

/* As flow_sweep(). */
void source_sweep(struct source_table *t, unsigned int buckets, uint64_t now_ns);

/*
 * Make the source of a lane that was asked for and has none, unearned. Returns its
 * slot, as lane[] then says, or SOURCE_NONE in a full table. A lane whose source
 * had to give way has none any more.
 */
uint32_t source_make(struct source_table *t, unsigned int lane, uint64_t now_ns);

/* The slot of this very source, or SOURCE_NONE (slow path). */
uint32_t source_find(struct source_table *t, const struct source_key *key,
                     uint64_t now_ns);

/* The source proved itself: verified for `for_ns` (up to SOURCE_MAX_NS) from now at least. */
void source_verify(struct source_table *t, uint32_t slot, uint64_t now_ns,
                   uint64_t for_ns);

/* Block it for `for_ns` (up to SOURCE_MAX_NS) from now. */
void source_block(struct source_table *t, uint32_t slot, uint64_t now_ns,
                  uint64_t for_ns);

/* How long a source is blocked that goes too far again and again. */
struct source_penalty {
	uint64_t first_ns; /* the first time */
	uint64_t factor;   /* each further time so many times as long as the last one, */
	uint64_t most_ns;  /* but never longer than this, up to SOURCE_MAX_NS */
	uint64_t
		memory_ns; /* after the end of a block, up to SOURCE_MAX_NS: then it is forgotten */
};

/* Block it as it deserves. Returns for how long; source->blocks says which time it is. */
uint64_t source_punish(struct source_table *t, uint32_t slot, uint64_t now_ns,
                       const struct source_penalty *penalty);

/*
 * A flow of this source gives its lot up: what is left of it goes back. Whoever next
 * charges the meters takes it from back_packets and back_bytes.
 */
static inline void
source_settle(struct source *s, const struct credit *c)
{
	const unsigned int lot = credit_lot(c);

	if (lot == 0)
		return;
	s->key.lent -= s->key.lent < lot - 1 ? s->key.lent : lot - 1;
	s->key.back_packets += credit_left(c);
	s->key.back_bytes += c->bytes;
}

/*
 * Remember why the packets of these lanes were dropped, in their sources' records or,
 * of strangers, in the notes (drops.h); `reason` is static.
 */
void source_note_drops(struct source_table *t, const struct burst *b, uint64_t lanes,
                       const char *reason);

#endif
