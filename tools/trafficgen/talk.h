/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * talk - one conversation between a client and a server, packet by packet.
 *
 * A talk knows its next packet and when it passes the observer between the two. Each step
 * builds that packet and moves on; what one side sends is answered after the round trip
 * from the observer to the other side. Every talk draws its own random numbers, so it
 * comes out the same whatever else goes on.
 *
 * Units   ns since the start of the traffic; bytes.
 * Threads none: a talk belongs to its caller.
 */
#ifndef TRAFFICGEN_TALK_H
#define TRAFFICGEN_TALK_H

#include "message.h"
#include "spec.h"
#include "tcp_options.h"

enum talk_side { CLIENT, SERVER };

enum talk_step {
	STEP_SYN,
	STEP_SYN_ACK,
	STEP_ACK,
	STEP_ASK,
	STEP_ASK_ACK,
	STEP_ANSWER,
	STEP_ANSWER_ACK,
	STEP_FIN,
	STEP_FIN_BACK,
	STEP_LAST_ACK,
	STEP_RST,
};

struct talk {
	const struct spec *spec;
	struct prng prng;
	uint64_t next_ns;
	uint64_t serial; /* orders talks that are due at the same time */
	struct address hosts[2];
	uint16_t ports[2];
	uint64_t delay_ns[2]; /* from the observer to the side and back */
	uint8_t ttl[2];
	enum tcp_stack stack;  /* of the client */
	unsigned int exchange; /* questions and answers so far */
	unsigned int exchanges;
	union {
		struct {
			enum talk_step step;
			enum talk_side closer;
			bool is_tls, resets, has_stamps;
			uint32_t seq[2];   /* next to send */
			uint32_t acked[2]; /* what the side has acknowledged */
			uint32_t stamp_base[2], stamp_seen[2];
			struct message message;
			uint32_t sent;        /* of the message */
			uint32_t window;      /* segments per round */
			uint32_t round_left;  /* segments */
			uint64_t round_at_ns; /* when its first segment passed */
		} tcp;
		struct {
			unsigned int step;
			unsigned int left; /* packets of this round */
			uint8_t ids[2][8]; /* connection identifiers */
			uint16_t query_id, query_type;
			uint32_t name;
			bool has_edns;
		} udp;
	};
};

/* Set up what is special to the kind; hosts, ports, delays and next_ns are filled in. */
void tcp_talk_init(struct talk *t);
void udp_talk_init(struct talk *t);
void plain_talk_init(struct talk *t);

/* Build the packet that is due. Returns false when it was the last. */
bool tcp_talk_step(struct talk *t, struct frame *f);
bool udp_talk_step(struct talk *t, struct frame *f);
bool plain_talk_step(struct talk *t, struct frame *f);

/* The way from a side to the other. */
struct hop talk_hop(struct talk *t, enum talk_side from);

#endif
