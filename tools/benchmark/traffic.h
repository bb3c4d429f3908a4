/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * traffic - frame k of a scenario, made where it is wanted.
 *
 * A frame is one of a few templates with its source and ports patched in from a
 * random number made of k. A list of precomputed frames would have to be
 * streamed from memory and would push the tables that are measured out of the
 * cache; a template stays in the first-level cache, and ten million flows need
 * no gigabyte of frames. The same k gives the same frame on every run.
 */
#ifndef BENCHMARK_TRAFFIC_H
#define BENCHMARK_TRAFFIC_H

#include <string.h>

#include "frames.h"

#define TRAFFIC_PARTS 3
#define TRAFFIC_SLOTS 16

/* Whose frame it is. */
enum traffic_pick {
	PICK_FLOW,      /* one of `population` established connections */
	PICK_LISTED,    /* one of `population` sources, any port */
	PICK_REFLECTOR, /* one of TRAFFIC_REFLECTORS, from its protocol's port */
	PICK_RANDOM,    /* forged: one of half a billion */
};

#define TRAFFIC_REFLECTORS      8192u
#define TRAFFIC_FIRST_REFLECTOR (UINT32_C(1) << 28)
#define TRAFFIC_FIRST_RANDOM    (UINT32_C(1) << 29)

/* A million sources have all connections, each a port of its own. */
#define TRAFFIC_CUSTOMERS (UINT32_C(1) << 20)
#define TRAFFIC_PORT      443

struct traffic_part {
	struct frame frame; /* the template: source 0 */
	uint32_t sum;       /* IPv4: of the header's words without source and checksum */
	uint16_t len;       /* without FCS */
	uint8_t bytes;      /* of the template to copy: whole cache lines */
	uint8_t pick;       /* enum traffic_pick */
	uint8_t ports;      /* where they lie behind IP's start; 0: there are none */
	bool has_id;        /* a fragment: its identification is random */
	bool has_any_port;  /* the destination port is random, too */
};

struct traffic {
	struct traffic_part part[TRAFFIC_PARTS];
	uint8_t slot[TRAFFIC_SLOTS]; /* parts, as often as their share says */
	unsigned int slots;
	uint32_t population;
	bool is_ipv6;
	/* What each connection acknowledges; NULL: what the template says. Not owned. */
	const uint32_t *ack;
};

/* What is patched into the template. */
struct traffic_ends {
	uint32_t source;
	uint16_t src_port, dst_port; /* dst_port 0: the template's */
};

/* How an answer of each reflecting protocol begins, in the order of traffic_pick(). */
#define TRAFFIC_ANSWER 16
static const uint8_t traffic_answer[8][TRAFFIC_ANSWER] = {
	"\x12\x34\x81\x80\0\1\0\x10\0\0\0\1\0\0\xff",
	"\xd7\0\3\x2a\0\6\0\x48",
	"HTTP/1.1 200 OK",
	"\x30\x84\0\0\x0b\x20\2\1\7\x64\x84\0\0\x0b",
	"\0\0\0\0\0\1\0\0VALUE x",
	" !\"#$%&'()*+,-.",
	"\x30\x82\x05\x10\2\1\1\4\6"
	"public\xa2",
	"\x12\x34\x56\x78\0\0\0\1",
};

/* Connection number `flow`. */
static inline struct traffic_ends
traffic_flow(uint32_t flow)
{
	return (struct traffic_ends){ flow & (TRAFFIC_CUSTOMERS - 1),
		                      (uint16_t)(1024 + flow / TRAFFIC_CUSTOMERS), 0 };
}

/* Which connection a random number picks. */
static inline uint32_t
traffic_one(const struct traffic *t, uint64_t r)
{
	return (uint32_t)((r & UINT32_MAX) * t->population >> 32);
}

static inline struct traffic_ends
traffic_pick(const struct traffic *t, const struct traffic_part *p, uint64_t r)
{
	/* DNS, NTP, SSDP, CLDAP, memcached, chargen, SNMP, portmapper. */
	static const uint16_t reflecting[8] = { 53, 123, 1900, 389, 11211, 19, 161, 111 };
	uint32_t one = traffic_one(t, r);
	uint32_t reflector = (uint32_t)r & (TRAFFIC_REFLECTORS - 1);
	uint16_t any = (uint16_t)(1024 + (r >> 32 & 0x7fff));

	switch (p->pick) {
	case PICK_FLOW:
		return traffic_flow(one);
	case PICK_LISTED:
		return (struct traffic_ends){ one, any, 0 };
	case PICK_REFLECTOR:
		return (struct traffic_ends){ TRAFFIC_FIRST_REFLECTOR + reflector,
			                      reflecting[reflector % 8], any };
	default:
		return (struct traffic_ends){
			TRAFFIC_FIRST_RANDOM | ((uint32_t)r & (TRAFFIC_FIRST_RANDOM - 1)),
			any, p->has_any_port ? (uint16_t)(1 + (r >> 33 & 0x7fff)) : 0
		};
	}
}

static inline void
traffic_put16(uint8_t *at, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(at, &v, sizeof(v));
}

/* Write frame k to `to`, which has room for FRAME_HEAD bytes; returns its length. */
static inline uint16_t
traffic_frame(const struct traffic *t, uint64_t k, uint8_t *to)
{
	const uint64_t r = frame_random(k);
	const struct traffic_part *p = &t->part[t->slot[(r >> 48) * t->slots >> 16]];
	const struct traffic_ends ends = traffic_pick(t, p, r);
	const uint32_t address = frame_address(ends.source);
	const uint32_t wire = __builtin_bswap32(address);
	uint8_t *ip = to + FRAME_ETHERNET, *l4 = ip + p->ports;
	const uint32_t id = (uint32_t)(r >> 16);

	memcpy(to, p->frame.head, 64);
	if (p->bytes > 64)
		memcpy(to + 64, p->frame.head + 64, 64);
	if (t->is_ipv6) {
		memcpy(ip + 12, &wire, sizeof(wire));
		if (p->has_id)
			memcpy(ip + 44, &id, sizeof(id));
	} else {
		uint32_t sum = p->sum + (address >> 16) + (address & 0xffff);

		if (p->has_id) {
			traffic_put16(ip + 4, (uint16_t)id);
			sum += (uint16_t)id;
		}

		sum = (sum >> 16) + (sum & 0xffff);
		sum = (sum >> 16) + (sum & 0xffff);
		memcpy(ip + 12, &wire, sizeof(wire));
		traffic_put16(ip + 10, (uint16_t)~sum);
	}
	if (p->ports == 0)
		return p->len;
	traffic_put16(l4, ends.src_port);
	if (t->ack != NULL) {
		const uint32_t ack = __builtin_bswap32(t->ack[traffic_one(t, r)]);

		memcpy(l4 + 8, &ack, sizeof(ack));
	}
	if (ends.dst_port != 0)
		traffic_put16(l4 + 2, ends.dst_port);
	if (p->pick == PICK_REFLECTOR)
		memcpy(l4 + 8, traffic_answer[r % 8], TRAFFIC_ANSWER);
	return p->len;
}

#endif
