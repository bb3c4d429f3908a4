/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flow - the conversations one worker knows, and what is proven of each.
 *
 * A flow is two ends, their ports, the tags and the link. Both directions meet
 * in one record, because its key says which end is outside, not which spoke.
 *
 * Only the inside makes records: what comes from outside finds flows and never
 * makes one, so a flood that nobody answers writes nothing here, and one that
 * is answered turns over the unearned quarter of the table (table.h).
 *
 *   TCP   verified once the outside acknowledges exactly what the inside sent
 *         last: a forger would have to guess 32 bits. A handshake proves it with
 *         its third segment, a connection older than this process with the
 *         first data that is acknowledged. That the inside answered proves
 *         nothing. A verified flow's slot is earned.
 *   TCP, one way   where answers go another way nothing is proven by numbers; a
 *         connection is known by its own, which went on in order in calm, after
 *         FLOW_TALK_PACKETS over FLOW_TALK_NS. Its slot is `earning` at best. What began
 *         with a SYN and was never heard in calm is a newcomer, and is not known by that.
 *   UDP, echo, others   a conversation after FLOW_TALK_PACKETS each way over
 *         FLOW_TALK_NS. It could be forged, so its slot is `earning` at best.
 *
 * Of the inside's receive window a TCP flow keeps the largest that was offered, as a
 * power of two: enough to tell what may belong to the connection from what cannot.
 *
 * A flow closes by FIN of both sides, by an RST from inside, or by an RST from
 * outside that proves to know the sequence numbers (RFC 5961, 3.2, held more
 * strictly: here the price of doubt is a slot that lingers). A closing flow
 * keeps its standing, so that last segments arrive, in a slot no longer earned.
 *
 * Memory  96 bytes a flow, 64 for eight and the bits of recorded.h, taken at open.
 * Threads one worker.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/counter.h"
#include "flow/recorded.h"
#include "flow/source.h"
#include "flow/splice.h"
#include "flow/table.h"
#include "packet/burst.h"

#define FLOW_TALK_PACKETS 3
#define FLOW_TALK_NS      UINT64_C(1000000000)

/* Silence that a flow outlives. */
#define FLOW_IDLE_NEW_NS   (UINT64_C(10) * 1000000000) /* unverified or closing */
#define FLOW_IDLE_ARMED_NS (UINT64_C(2) * 1000000000)  /* the same while under attack */
#define FLOW_IDLE_TALK_NS  (UINT64_C(60) * 1000000000)
#define FLOW_IDLE_TCP_NS                                                                 \
	(UINT64_C(7500) * 1000000000) /* keep-alives come after 7,200 s */

struct quote;

/* No flow lives longer than that without a packet. */
#define FLOW_SPLICED_NS (FLOW_IDLE_TCP_NS + UINT64_C(60) * 1000000000)

enum flow_state {
	FLOW_INSIDE_SEEN = 1 << 0,  /* inside_next holds */
	FLOW_OUTSIDE_SEEN = 1 << 1, /* outside_next holds */
	FLOW_VERIFIED = 1 << 2,
	FLOW_CONVERSATION = 1 << 3, /* not TCP */
	FLOW_SPLICED = 1 << 3,      /* TCP: its numbers are translated (splice.h) */
	FLOW_FIN_INSIDE = 1 << 4,
	FLOW_FIN_OUTSIDE = 1 << 5,
	FLOW_CLOSING = 1 << 6,
	FLOW_COUNTED = 1 << 7, /* stands in `flows` of its source */
};

/* How a TCP flow began, as far as it was seen. */
enum flow_opening {
	FLOW_SCALE = 0x0f,     /* the inside's window scale + 1; 0: not known */
	FLOW_ANSWERED = 0x10,  /* the inside answered a SYN */
	FLOW_IN_PIECES = 0x20, /* the inside sends fragments: inside_next lags behind */
	FLOW_NEWCOMER = 0x01,  /* one-way: known by its SYN and by what a flood brought */
	FLOW_ONE_WAY = 0x40, /* only the outside is ever seen; `window` counts packets */
	FLOW_IN_ORDER =
		0x80, /* one-way, and its numbers went on as they should for a while */
};

struct flow_key {
	uint8_t outside[16], inside[16];
	uint16_t outside_port, inside_port; /* ICMP echo: the identifier in both */
	uint16_t vlan, inner_vlan;
	uint8_t link, proto;
	struct credit credit; /* not compared, and 0 in a key that asks */
};
static_assert(sizeof(struct flow_key) == TABLE_KEY, "a key fills its place");
static_assert(sizeof(struct credit) == 6 && offsetof(struct flow_key, credit) == 42,
              "what is compared comes first");
#define FLOW_KEY_BYTES 42

/* What may still answer the inside's questions (stage reflection). */
struct flow_due {
	uint16_t packets;
	uint16_t units; /* of 64 bytes of frames */
};

struct flow {
	struct flow_key key;
	union {
		uint32_t
			inside_next; /* TCP: sequence number after the newest segment from inside */
		struct flow_due due; /* UDP */
	};
	union {
		uint32_t outside_next; /* TCP: what the inside acknowledged last */
		uint32_t first;        /* others: source_moment() of the first packet */
	};
	uint32_t source;      /* slot in the source table, while FLOW_COUNTED */
	uint8_t state;        /* enum flow_state */
	uint8_t source_birth; /* the source's, when it was counted */
	union {
		uint8_t opening; /* TCP: enum flow_opening */
		uint8_t in;      /* others: packets from outside, saturating */
	};
	union {
		uint8_t window; /* TCP: no window the inside offered exceeds 2^window */
		uint8_t out;    /* others: packets from inside, saturating */
	};
};
static_assert(sizeof(struct flow) == 64, "a flow is one cache line");

struct flow_table {
	struct table table;
	struct hash_key key;
	struct splice *splice; /* by slot; counts where a flow is FLOW_SPLICED */
	uint64_t
		overlooked_ns; /* when packets last passed that nobody followed; 0: never */
	uint64_t spliced;      /* lanes of the burst in work whose flows are spliced */
	uint64_t spliced_ns; /* when a packet of a spliced flow was last seen; 0: never */
	/* TCP flows that proved themselves, and those of them that were reset; read by anyone. */
	uint64_t proven, resets;
	struct source_table *sources; /* where earned flows are counted, or NULL */
	struct recorded recorded;     /* what is no flow for sure */
	struct table_batch batch;     /* of the burst in work */
};

size_t flow_table_bytes(uint64_t entries);

/* Take the memory; `key` is copied. Returns 0, -ERANGE or -ENOMEM. */
int flow_table_open(struct flow_table *t, uint64_t entries, const struct hash_key *key);
void flow_table_close(struct flow_table *t);

/*
 * Between bursts: free what has expired in the next `buckets` buckets, going round. Who asks
 * for a single one has little time.
 */
void flow_sweep(struct flow_table *t, unsigned int buckets, uint64_t now_ns);

/* Count earned flows in these sources (which outlive the table) from now on. */
void flow_count_sources(struct flow_table *t, struct source_table *sources);

static inline struct flow *
flow_at(const struct flow_table *t, uint32_t slot)
{
	return table_record(&t->table, slot);
}

/* The flow of a lane of the burst in work that flow_find_burst() found. */
static inline struct flow *
flow_of_lane(const struct flow_table *t, unsigned int lane)
{
	return t->batch.record[lane];
}

/*
 * Whether the packet can belong to a flow: sound IP, no ICMP error, no later fragment
 * whose first nobody has seen.
 */
static inline bool
flow_is_possible(const struct facts *f)
{
	if ((f->flags & FACT_IP) == 0 || f->fault != PACKET_SOUND ||
	    (f->flags & (FACT_FRAG_REST | FACT_PAIRED)) == FACT_FRAG_REST)
		return false;
	return (f->proto != PROTO_ICMP && f->proto != PROTO_ICMPV6) ||
	       (f->flags & FACT_NO_PORTS) == 0;
}

/*
 * Whether it may start a connection: the first segment from outside. It belongs to
 * no flow that is proven and changes none, so its flow is not even looked for.
 */
static inline bool
flow_is_opening(const struct facts *f, enum side side)
{
	return side == SIDE_EXTERNAL && f->proto == PROTO_TCP &&
	       (f->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static inline bool
flow_is_spliced(const struct flow *flow)
{
	return (flow->state & FLOW_SPLICED) != 0 && flow->key.proto == PROTO_TCP;
}

/* Whether any flow can still be spliced; if not, nobody need look. */
static inline bool
flow_has_splices(const struct flow_table *t, uint64_t now_ns)
{
	const uint64_t last = counter_read(&t->spliced_ns);

	return last != 0 && now_ns < last + FLOW_SPLICED_NS;
}

/*
 * Find the flow of each of `lanes`, and make it where the burst comes from
 * inside: fills flow[] of all lanes (BURST_NO_FLOW where there is none, and where
 * flow_is_opening()). Returns the lanes that have one.
 */
uint64_t flow_find_burst(struct flow_table *t, struct burst *b, uint64_t lanes);

/*
 * Find the flows of further lanes of a burst, one by one, and make none: for packets
 * whose policy does not follow flows. Lanes already sought are left alone. What was
 * known of a connection's numbers is forgotten, because others pass that nobody sees.
 */
void flow_find_more(struct flow_table *t, struct burst *b, uint64_t lanes);

/*
 * Make the flow of a lane from outside that was sought and has none, or take over the
 * record that is there: verified, spliced, unearned until flow_earn(). Returns its
 * slot, as b->flow[lane] then says, or TABLE_NONE in a full table.
 */
uint32_t flow_make_spliced(struct flow_table *t, struct burst *b, unsigned int lane);

/*
 * The flow of the packet that an error in this lane quotes, or TABLE_NONE. The quote has
 * ends (q->has_ends).
 */
uint32_t flow_find_quoted(struct flow_table *t, const struct burst *b, unsigned int lane,
                          const struct quote *q);

/*
 * The same for many lanes at once: quote[] and slot[] are indexed by lane, and of every
 * one of `lanes` the quote has its ends. Returns the lanes whose flow is known.
 */
uint64_t flow_find_quoted_lanes(struct flow_table *t, const struct burst *b,
                                uint64_t lanes, const struct quote *quote,
                                uint32_t *slot);

/* Spliced flows of one source; without a safe place in the table none may live. */
#define FLOW_SPLICED_PER_SOURCE 10000

/*
 * Where only the outside is seen: make the flows of lanes from outside that were sought
 * and have none, unearned. A reset makes none. Which connections may be made is the
 * caller's to say: whatever a flood brings should not.
 */
void flow_make_one_way(struct flow_table *t, struct burst *b, uint64_t lanes);

/*
 * The same for lanes that open connections (flow_is_opening()), which b->flow goes on to
 * know nothing of: their flows begin as newcomers. A record of these ends that is known to
 * go on in order is left alone, so that nobody can end it by a forged SYN.
 */
void flow_open_one_way(struct flow_table *t, const struct burst *b, uint64_t lanes);

/* Whether nothing is known of this connection but its SYN and what came in a flood. */
static inline bool
flow_is_newcomer(const struct flow *flow)
{
	return flow->key.proto == PROTO_TCP &&
	       (flow->opening & (FLOW_ONE_WAY | FLOW_NEWCOMER)) ==
	               (FLOW_ONE_WAY | FLOW_NEWCOMER);
}

/* The splice of a flow ends: the numbers of its packets are left alone from now on. */
void flow_unsplice(struct flow_table *t, uint32_t slot);

/*
 * Whether there is nothing to learn from this packet of a flow: a segment from
 * outside of a proven connection, which neither opens nor closes. Most are.
 */
static inline bool
flow_is_plain(const struct flow *flow, const struct facts *f, enum side side)
{
	return side == SIDE_EXTERNAL && (flow->state & FLOW_VERIFIED) != 0 &&
	       (f->tcp_flags & (TCP_SYN | TCP_RST | TCP_FIN)) == 0;
}

/* Whether the inside answered a SYN, so that the flow is no older than this process. */
static inline bool
flow_is_answered(const struct flow *flow)
{
	return (flow->opening & FLOW_ANSWERED) != 0;
}

/*
 * Learn from the packet of a lane that has a flow. Returns true when the packet proved
 * its flow just now; the flow then is FLOW_VERIFIED, and its slot still unearned until
 * flow_earn(). Facts without bytes (b->bytes[lane] is NULL) tell nothing of windows.
 */
bool flow_see(struct flow_table *t, const struct burst *b, unsigned int lane);

#define FLOW_ACK_LAG      (UINT32_C(1) << 24)
#define FLOW_LEAST_WINDOW (UINT32_C(1) << 16)
#define FLOW_GUESS_WINDOW                                                                \
	(UINT32_C(1) << 20) /* the least where the scale is not known, */
#define FLOW_GUESS_SCALE 8u /* which is taken to be this */

/*
 * Whether a segment from outside of a verified flow can be of this connection: it
 * begins within one window of what the inside expects, before or behind, and
 * acknowledges nothing that was not sent nor anything FLOW_ACK_LAG old (RFC 9293
 * 3.10.7.4, RFC 5961 5.2). So retransmissions, keep-alives, probes of a closed window
 * and challenge ACKs are; a window is taken to be FLOW_LEAST_WINDOW at least. A reset
 * (RFC 5961 3.2) may be of it anywhere in the window ahead: the inside judges it.
 */
bool flow_is_in_window(const struct flow *flow, const struct facts *f);

/*
 * Give a proven flow an earned slot and count it in its source (slot in the
 * source table or SOURCE_NONE); if it stood in another's count, it leaves. Returns false, and leaves it unearned, when the
 * source holds `most` earned flows already; it stays verified either way.
 */
bool flow_earn(struct flow_table *t, uint32_t slot, uint32_t source, uint64_t most);

/* Whether the flow stands in the count of this very source. */
static inline bool
flow_is_counted(const struct flow *flow, uint32_t slot, const struct source *s)
{
	return (flow->state & FLOW_COUNTED) != 0 && flow->source == slot &&
	       flow->source_birth == s->birth;
}

/* End a TCP flow, as if both sides had; what comes of it later still finds it. */
void flow_close(struct flow_table *t, uint32_t slot);

/* Take the proof back, as if the acknowledgement had never come. */
void flow_unprove(struct flow_table *t, uint32_t slot);

/*
 * Whether what comes from outside may answer what the inside asked: it has sent as many
 * packets as came. Later fragments are not counted. A forger has to know the flow.
 */
static inline bool
flow_is_asked(const struct flow *flow)
{
	return flow->key.proto != PROTO_TCP && flow->out > 0 && flow->in <= flow->out;
}

/* What the packet's sender has proven by this flow. A SYN belongs to no proven flow. */
static inline enum standing
flow_standing(const struct flow *flow, const struct facts *f)
{
	if ((flow->state & FLOW_VERIFIED) != 0)
		return (f->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN
		               ? STANDING_UNVERIFIED
		               : STANDING_VERIFIED_FLOW;
	if (f->proto == PROTO_TCP)
		return (flow->opening & FLOW_IN_ORDER) != 0 ? STANDING_CONVERSATION
		                                            : STANDING_UNVERIFIED;
	return (flow->state & FLOW_CONVERSATION) != 0 ? STANDING_CONVERSATION
	                                              : STANDING_UNVERIFIED;
}

#endif
