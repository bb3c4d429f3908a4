/* SPDX-License-Identifier: BSD-3-Clause */
/* frames - the frames that the parser's tests look at; lay one after wire_ether(). */
#ifndef TESTS_PACKET_FRAMES_H
#define TESTS_PACKET_FRAMES_H

#include "packet/facts.h"
#include "packet/parse.h"
#include "wire.h"

static const uint8_t mss[4] = { 2, 4, 5, 180 };
static const uint8_t stamp[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };

static inline void
syn4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x4000);
	wire_tcp(w, TCP_SYN, mss, 4);
}

static inline void
ack4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x4000);
	wire_tcp(w, TCP_ACK | TCP_PSH, stamp, 12);
	wire_fill(w, 'x', 30);
}

static inline void
synack6(struct wire *w)
{
	wire_ipv6(w, 6);
	wire_tcp(w, TCP_SYN | TCP_ACK, "", 0);
}

static inline void
udp4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 0);
	wire_udp(w);
	wire_fill(w, 'u', 5);
}

static inline void
udp4_padded(struct wire *w)
{
	udp4(w);
	w->trailer = 13;
	wire_fill(w, 0, 13);
}

static inline void
udp6(struct wire *w)
{
	wire_ipv6(w, 17);
	wire_udp(w);
	wire_fill(w, 'u', 100);
}

static inline void
echo4(struct wire *w)
{
	wire_ipv4(w, 1, 0, 0);
	wire_icmp(w, 8, 0);
}

static inline void
unreachable4(struct wire *w)
{
	wire_ipv4(w, 1, 0, 0);
	wire_icmp(w, 3, 4);
	wire_fill(w, 0x45, 28);
}

static inline void
echo6(struct wire *w)
{
	wire_ipv6(w, 58);
	wire_icmp(w, 129, 0);
}

static inline void
icmp_of_the_other_family(struct wire *w)
{
	wire_ipv4(w, 58, 0, 0);
	wire_icmp(w, 128, 0);
}

static inline void
gre4(struct wire *w)
{
	wire_ipv4(w, 47, 0, 0);
	wire_fill(w, 0, 4);
}

static inline void
options4(struct wire *w)
{
	wire_ipv4(w, 17, 12, 0);
	wire_udp(w);
}

static inline void
vlan4(struct wire *w)
{
	wire_tag(w, 0x8100, 0xe00a);
	udp4(w);
}

static inline void
qinq6(struct wire *w)
{
	wire_tag(w, 0x88a8, 7);
	wire_tag(w, 0x8100, 4094);
	udp6(w);
}

static inline void
old_qinq4(struct wire *w)
{
	wire_tag(w, 0x9100, 7);
	wire_tag(w, 0x8100, 8);
	udp4(w);
}

static inline void
arp(struct wire *w)
{
	wire_16(w, 0x0806);
	wire_fill(w, 1, 28);
}

static inline void
lldp_in_vlan(struct wire *w)
{
	wire_tag(w, 0x8100, 3);
	wire_16(w, 0x88cc);
	wire_fill(w, 1, 46);
}

static inline void
first4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 0x2000);
	wire_udp(w);
	wire_fill(w, 'f', 1472);
}

static inline void
first4_says_all(struct wire *w)
{
	first4(w);
	wire_seal(w);
	wire_patch(w, w->udp + 4, 4008);
}

static inline void
rest4(struct wire *w)
{
	wire_ipv4(w, 6, 0, 0x2000 | 185);
	wire_fill(w, 'r', 64);
}

static inline void
last4(struct wire *w)
{
	wire_ipv4(w, 17, 0, 185);
	wire_fill(w, 'r', 61);
}

static inline void
first6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 60, 1);
	wire_extension(w, 17, 1);
	wire_udp(w);
	wire_fill(w, 'f', 64);
}

static inline void
rest6(struct wire *w)
{
	wire_ipv6(w, 0);
	wire_extension(w, 44, 2);
	wire_fragment(w, 6, 1480 | 1);
	wire_fill(w, 'r', 16);
}

static inline void
atomic6(struct wire *w)
{
	wire_ipv6(w, 44);
	wire_fragment(w, 6, 0);
	wire_tcp(w, TCP_SYN, "", 0);
}

static inline void
all_extensions(struct wire *w)
{
	wire_ipv6(w, 0);
	wire_extension(w, 60, 1);
	wire_extension(w, 43, 3);
	wire_extension(w, 135, 2);
	wire_extension(w, 139, 1);
	wire_extension(w, 140, 1);
	wire_extension(w, 44, 1);
	w->len -= 8;
	wire_fragment(w, 51, 0);
	wire_ah(w, 60, 6);
	wire_extension(w, 6, 1);
	wire_tcp(w, TCP_ACK, "", 0);
}

static inline void
esp6(struct wire *w)
{
	wire_ipv6(w, 60);
	wire_extension(w, 50, 1);
	wire_fill(w, 0xee, 24);
}

static inline void
nothing6(struct wire *w)
{
	wire_ipv6(w, 59);
}

/* Parse into a line full of rubbish: what is not written shows. */
static inline struct facts
parse(const struct wire *w)
{
	struct facts out;

	memset(&out, 0xa5, sizeof(out));
	parse_frame(w->bytes, w->len, w->len, &out);
	return out;
}

#endif
