/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * match - what a rule asks of a packet, in numbers: the components of flowspec.
 *
 * Destination and source prefix, IP protocol, ports, ICMP type and code, TCP flags,
 * length, DSCP, fragment bits, IPv6 flow label. A component that is named must hold;
 * of several values one must. Sources: RFC 8955, 4.2.2, and RFC 8956, 3.
 *
 * Threads any; plain data.
 */
#ifndef FILTER_MATCH_H
#define FILTER_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

struct burst;

#define FILTER_VALUES 16 /* values of one component */

/* Components of at most 256 values, as sets. */
enum filter_small {
	FILTER_PROTOCOL, /* after IPv6 extension headers */
	FILTER_ICMP_TYPE,
	FILTER_ICMP_CODE,
	FILTER_TCP_FLAGS, /* enum tcp_flag */
	FILTER_DSCP,
	FILTER_FRAGMENT, /* enum filter_fragment */
	FILTER_SMALL
};

/* Components of more values, as ranges. */
enum filter_wide {
	FILTER_PORT, /* source or destination */
	FILTER_SRC_PORT,
	FILTER_DST_PORT,
	FILTER_LENGTH, /* bytes of the datagram with its IP header */
	FILTER_LABEL,  /* of IPv6, 20 bits */
	FILTER_WIDE
};

enum filter_end { FILTER_DST, FILTER_SRC, FILTER_ENDS };

enum filter_fragment {
	FILTER_DONT = 1,  /* IPv4: may not be fragmented */
	FILTER_IS = 2,    /* a fragment that is not the first */
	FILTER_FIRST = 4, /* the first of several */
	FILTER_LAST = 8,  /* the last of several */
};

#define FILTER_NO_SMALL 256        /* the packet has no such field */
#define FILTER_NO_WIDE  UINT32_MAX /* the same */

struct filter_range {
	uint32_t first, last;
};

struct filter_match {
	bool has_small[FILTER_SMALL], has_wide[FILTER_WIDE], has_end[FILTER_ENDS];
	uint64_t small[FILTER_SMALL][4]; /* bit v: value v is meant */
	struct {
		unsigned int count;
		struct filter_range range[FILTER_VALUES];
	} wide[FILTER_WIDE];
	struct {
		unsigned int count;
		struct conf_prefix prefix[FILTER_VALUES];
	} end[FILTER_ENDS];
};

/* What a packet answers. */
struct filter_key {
	const uint8_t *end[FILTER_ENDS]; /* 16 bytes each, as in facts */
	bool is_ipv6;
	uint16_t small[FILTER_SMALL];
	uint32_t wide[FILTER_WIDE]; /* FILTER_PORT unused: it asks the other two */
};

/*
 * The key of a lane that is IP. Length, DSCP, fragment bits and label stand in the IP
 * header alone, which is only read where `reads_header`.
 */
void filter_key_of(const struct burst *b, unsigned int lane, bool reads_header,
                   struct filter_key *key);

/* One rule, one packet, as it is written above: what the matcher of many must agree with. */
bool filter_match_one(const struct filter_match *m, const struct filter_key *key);

/* Whether it asks for something in the IP header that facts do not hold. */
bool filter_match_reads_header(const struct filter_match *m);

#endif
