/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vector - the kinds of flood that are counted, limited and reported apart.
 *
 * The parser puts every packet into exactly one of the first classes; each is
 * counted per service. One slot more counts what the service itself sends.
 */
#ifndef PACKET_VECTOR_H
#define PACKET_VECTOR_H

enum vector {
	VECTOR_TCP_SYN_FLOOD,   /* SYN without ACK */
	VECTOR_TCP_OTHER_FLOOD, /* every other TCP segment */
	VECTOR_UDP_FLOOD,
	VECTOR_ICMP_FLOOD,     /* ICMP and ICMPv6 */
	VECTOR_FRAGMENT_FLOOD, /* any fragment, whatever it carries */
	VECTOR_OTHER_FLOOD,    /* other IP protocols, and what is no IP */
	VECTOR_COUNT,
	VECTOR_OUTBOUND = VECTOR_COUNT, /* slot for internal -> external, never limited */
	VECTOR_SLOTS
};

struct vector_info {
	const char *name; /* as written in the configuration */
	const char *help; /* one sentence for the operator */
};

/* Indexed by enum vector, VECTOR_COUNT entries. */
extern const struct vector_info vector_info[];

/* The vector of that name, or VECTOR_COUNT when there is none. */
enum vector vector_by_name(const char *name);

#endif
