/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * burst - up to 64 packets travelling together, and what was decided of each.
 *
 * All packets of a burst came in by the same side of the same link. Facts are
 * an array of structures (a stage asks several questions of one packet);
 * decisions are a structure of arrays (the pipeline asks one question of all
 * packets). Invariant, after every stage:
 *
 *     lane i is in live  <=>  i < count and verdict[i] == VERDICT_PASS
 *
 * A lane that stays in live may still be out of judgement: `spared` lanes were
 * condemned by a policy that only monitors, `exempt` lanes were let through by
 * a stage for good (the wire's own talk, an allow list). Both are observed by
 * every stage and decided by none.
 *
 * Packet bytes are read-only to observe() and decide(). A reply turns the packet
 * round in place, and a spliced connection's packets are translated in place by
 * carry(), which marks them `rewritten`. Frames of our own are asked for here
 * and built by packet/build.
 *
 * Threads a burst belongs to one worker and never crosses to another.
 */
#ifndef PACKET_BURST_H
#define PACKET_BURST_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/lanes.h"
#include "packet/facts.h"

struct rte_mbuf;

enum verdict {
	VERDICT_PASS = 0,
	VERDICT_DROP,
	VERDICT_REPLY, /* answer the sender; the deciding stage builds the answer */
	VERDICT_CONSUME, /* served its purpose (completes a challenge) and goes no further */
};

/* Where a packet came in. The other side is where it goes out. */
enum side { SIDE_EXTERNAL = 0, SIDE_INTERNAL = 1 };

/* How much is proven of a packet's sender, worst first. Unproven goes first under pressure. */
enum standing {
	STANDING_UNVERIFIED = 0,
	STANDING_VERIFIED_SOURCE, /* the address completed a handshake lately */
	STANDING_CONVERSATION,  /* UDP both ways for a while: good, but could be forged */
	STANDING_VERIFIED_FLOW, /* the client proved that it sees the server's answers */
};

#define BURST_NO_FLOW UINT32_MAX

/* Whose link and addresses a frame of our own carries; filled by build_ends(). */
struct burst_ends {
	uint8_t src[16], dst[16]; /* IPv4 is mapped, as in facts */
	uint16_t src_port, dst_port;
	bool is_ipv6;
	uint8_t link_len; /* bytes of link: 14, 18 or 22 */
	uint8_t link[22]; /* MACs, tags and ethertype as they go out */
};

/* A TCP frame that nobody sent, wanted by a stage (a SYN to the server, a window update). */
struct burst_request {
	struct burst_ends ends;
	uint8_t side;      /* enum side it leaves by */
	uint8_t tcp_flags; /* enum tcp_flag */
	uint16_t window;   /* as it stands in the header */
	uint32_t seq, ack;
	uint8_t options_len; /* multiple of 4, 0..40 */
	uint8_t options[40];
};

/* A server's answer to an opening asks for two. */
#define BURST_OUTBOX (2 * LANES_MAX)

/* Lanes of one service and vector: what is counted and metered together. */
struct burst_group {
	uint64_t lanes;
	uint16_t service;
	uint8_t slot; /* enum vector; VECTOR_OUTBOUND from inside */
};

struct burst {
	uint64_t live;    /* lanes still travelling */
	uint64_t spared;  /* condemned, but their policy only monitors */
	uint64_t exempt;  /* let through for good */
	uint64_t watched; /* lanes whose policy only monitors */
	uint64_t armed;   /* lanes whose service and vector are under attack */
	uint64_t
		challenged; /* of armed: unproven senders are asked to prove themselves */
	uint64_t
		blocking; /* of challenged: proven senders that go too far are shut out */
	uint64_t trusted; /* lanes whose source is never blocked by address */
	uint64_t ipv4, ipv6; /* lanes of each family, by the parser */
	uint64_t plain;      /* lanes with FACT_PLAIN, by the parser */
	uint64_t starts;     /* of runs of one protected address, by the parser */
	uint64_t sought;     /* lanes whose flow was looked for, by stage `flows` */
	uint64_t rewritten;  /* lanes whose bytes[] are no longer what came in */
	uint64_t pieces;     /* fragments that flow/fragment.h has paired or tried to */
	uint64_t now_ns;     /* worker clock, read once per burst; starts near 0 */
	uint16_t count;      /* lanes filled by receive, 0..64 */
	uint8_t link;        /* index of the port pair */
	uint8_t side;        /* enum side the burst came in by */
	alignas(64) uint8_t verdict[LANES_MAX]; /* enum verdict */
	uint8_t stage[LANES_MAX];    /* who decided; valid unless PASS, or when spared */
	uint8_t reason[LANES_MAX];   /* reason code of that stage */
	uint8_t standing[LANES_MAX]; /* enum standing, set by stage `flows` */
	uint8_t scale[LANES_MAX];    /* of trusted lanes: index in stage_lists.scale */
	uint16_t service[LANES_MAX]; /* 0: no service protects this packet */
	uint16_t policy[LANES_MAX];
	uint16_t frame_len[LANES_MAX]; /* by receive: bytes on the link */
	uint16_t flags[LANES_MAX];     /* of facts, side by side: enum fact_flag, */
	uint8_t vector[LANES_MAX];
	uint16_t target[LANES_MAX]; /* number of the protected prefix; 0: none */
	uint32_t flow[LANES_MAX];   /* slot in the worker's flow table or BURST_NO_FLOW */
	uint16_t bytes_len[LANES_MAX];   /* readable bytes at bytes[i] */
	const uint8_t *bytes[LANES_MAX]; /* frame start, contiguous for all headers */
	struct rte_mbuf *mbuf[LANES_MAX];
	struct facts facts[LANES_MAX];
	uint16_t groups;   /* filled entries of group, by pipeline_run() */
	uint16_t requests; /* filled entries of outbox */
	struct burst_group group[LANES_MAX];
	struct burst_request outbox[BURST_OUTBOX];
};

/*
 * Make room for a new burst; the caller then fills mbuf, bytes, bytes_len,
 * frame_len, count and live.
 */
static inline void
burst_start(struct burst *b, uint64_t now_ns, uint8_t link, enum side side)
{
	b->live = b->spared = b->exempt = b->watched = b->armed = 0;
	b->challenged = b->blocking = b->trusted = 0;
	b->ipv4 = b->ipv6 = b->plain = b->starts = 0;
	b->sought = b->rewritten = b->pieces = 0;
	b->now_ns = now_ns;
	b->count = 0;
	b->link = link;
	b->side = (uint8_t)side;
	b->groups = b->requests = 0;
	memset(b->verdict, VERDICT_PASS, sizeof(b->verdict));
	memset(b->standing, STANDING_UNVERIFIED, sizeof(b->standing));
	memset(b->flow, 0xff, sizeof(b->flow));
}

/*
 * Note where runs of one protected address begin: a flood has one victim or a few, and
 * what is asked or counted by address is so once a run. Four lanes are compared with
 * those before them at a time, and shrink to four bits.
 */
static inline void
burst_find_runs(struct burst *b)
{
	const bool is_inbound = b->side == SIDE_EXTERNAL;
	const uint8_t *first = is_inbound ? b->facts[0].dst : b->facts[0].src;
	const struct facts *at = (const void *)first;
	const __m128i every = _mm_set1_epi32(-1);
	const uint64_t known = b->ipv4 | b->ipv6;
	__m128i last = _mm_load_si128((const __m128i *)at);
	uint64_t same = 0;

	for (unsigned int i = 0; i < b->count; i += 4) {
		const __m128i v0 = _mm_load_si128((const __m128i *)(at + i));
		const __m128i v1 = _mm_load_si128((const __m128i *)(at + i + 1));
		const __m128i v2 = _mm_load_si128((const __m128i *)(at + i + 2));
		const __m128i v3 = _mm_load_si128((const __m128i *)(at + i + 3));
		const __m128i low = _mm_packs_epi32(_mm_cmpeq_epi32(last, v0),
		                                    _mm_cmpeq_epi32(v0, v1));
		const __m128i high =
			_mm_packs_epi32(_mm_cmpeq_epi32(v1, v2), _mm_cmpeq_epi32(v2, v3));
		const __m128i all = _mm_cmpeq_epi32(_mm_packs_epi16(low, high), every);

		same |= (uint64_t)(unsigned int)_mm_movemask_ps(_mm_castsi128_ps(all))
		        << i;
		last = v3;
	}
	/* What is no IP has no address, nor has it one for the lane that follows. */
	b->starts = ~(same & known & known << 1) & lanes_first(b->count);
}

/* What parse_burst() leaves beside the facts, for facts that were written by hand. */
static inline void
burst_describe(struct burst *b)
{
	const uint64_t all = lanes_first(b->count);

	for (unsigned int i = 0; i < b->count; i++) {
		b->frame_len[i] = b->facts[i].frame_len;
		b->flags[i] = b->facts[i].flags;
		b->vector[i] = b->facts[i].vector;
	}
	b->plain = lanes_with16(b->flags, FACT_PLAIN) & all;
	b->ipv6 = lanes_with16(b->flags, FACT_IPV6) & all;
	b->ipv4 = lanes_with16(b->flags, FACT_IP) & all & ~b->ipv6;
	burst_find_runs(b);
}

/* The lanes from one that begins a run to the one before the next run's first. */
static inline uint64_t
burst_run(const struct burst *b, unsigned int first)
{
	const uint64_t later = b->starts & ~(lane_bit(first) | (lane_bit(first) - 1));

	return ((later & -later) - lane_bit(first)) & lanes_first(b->count);
}

/* The three ways a packet stops travelling. Only lanes in `todo` may be stopped. */
static inline void
burst_stop(struct burst *b, unsigned int lane, enum verdict verdict, uint8_t reason)
{
	b->live &= ~lane_bit(lane);
	b->verdict[lane] = (uint8_t)verdict;
	b->reason[lane] = reason;
}

static inline void
burst_drop(struct burst *b, unsigned int lane, uint8_t reason)
{
	burst_stop(b, lane, VERDICT_DROP, reason);
}

/* The same for many lanes at once, which costs about what three of them cost. */
static inline void
burst_drop_lanes(struct burst *b, uint64_t lanes, uint8_t reason)
{
	b->live &= ~lanes;
	lanes_fill8(b->verdict, lanes, VERDICT_DROP);
	lanes_fill8(b->reason, lanes, reason);
}

static inline void
burst_reply(struct burst *b, unsigned int lane, uint8_t reason)
{
	burst_stop(b, lane, VERDICT_REPLY, reason);
}

static inline void
burst_consume(struct burst *b, unsigned int lane, uint8_t reason)
{
	burst_stop(b, lane, VERDICT_CONSUME, reason);
}

/* No later stage judges this lane; all still observe it. */
static inline void
burst_exempt(struct burst *b, unsigned int lane)
{
	b->exempt |= lane_bit(lane);
}

/* Ask for a frame of our own. Returns the request to fill, or NULL when the outbox is full. */
static inline struct burst_request *
burst_emit(struct burst *b)
{
	struct burst_request *r;

	if (b->requests == BURST_OUTBOX)
		return NULL;
	r = &b->outbox[b->requests++];
	memset(r, 0, sizeof(*r));
	return r;
}

#endif
