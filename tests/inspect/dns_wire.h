/* SPDX-License-Identifier: BSD-3-Clause */
/* dns_wire - lay DNS messages byte by byte for tests, behind a UDP header to port 53. */
#ifndef TESTS_INSPECT_DNS_WIRE_H
#define TESTS_INSPECT_DNS_WIRE_H

#include <string.h>

#include "packet/wire.h"

/* Ethernet, tags, IP and UDP of a client at 198.51.100.1 or 2001:db8::1. */
struct dns_way {
	bool is_ipv6;
	unsigned int vlan, inner; /* 0: no tag */
	unsigned int options;     /* bytes of IPv4 options, a multiple of 4 */
	unsigned int extensions;  /* units of 8 of an IPv6 hop-by-hop header */
};

static inline void
dns_begin(struct wire *w, struct dns_way way)
{
	wire_ether(w);
	if (way.inner != 0)
		wire_tag(w, 0x88a8, way.inner);
	if (way.vlan != 0)
		wire_tag(w, 0x8100, way.vlan);
	if (!way.is_ipv6) {
		wire_ipv4(w, 17, way.options, 0);
	} else {
		wire_ipv6(w, way.extensions != 0 ? 0 : 17);
		if (way.extensions != 0) {
			wire_8(w, 17);
			wire_8(w, way.extensions - 1);
			/* Padding options, so that the header is sound. */
			wire_8(w, 1);
			wire_8(w, way.extensions * 8 - 4);
			wire_fill(w, 0, way.extensions * 8 - 4);
		}
	}
	wire_udp(w);
	wire_patch(w, w->udp + 2, 53);
}

static inline void
dns_header(struct wire *w, unsigned int flags, unsigned int questions,
           unsigned int additionals)
{
	wire_16(w, 0xbeef);
	wire_16(w, flags);
	wire_16(w, questions);
	wire_32(w, 0);
	wire_16(w, additionals);
}

/* "www.example.com", without escapes. */
static inline void
dns_name(struct wire *w, const char *text)
{
	while (*text != '\0') {
		const size_t len = strcspn(text, ".");

		wire_8(w, (unsigned int)len);
		memcpy(w->bytes + w->len, text, len);
		w->len += len;
		text += len;
		text += *text == '.';
	}
	wire_8(w, 0);
}

static inline void
dns_question(struct wire *w, const char *name, unsigned int type)
{
	dns_name(w, name);
	wire_16(w, type);
	wire_16(w, 1);
}

/* An OPT record that announces 1,232 bytes and asks for DNSSEC, with `n` bytes of options. */
static inline void
dns_opt(struct wire *w, const void *options, unsigned int n)
{
	wire_8(w, 0);
	wire_16(w, 41);
	wire_16(w, 1232);
	wire_32(w, 0x00008000);
	wire_16(w, n);
	memcpy(w->bytes + w->len, options, n);
	w->len += n;
}

/* The right checksum of a sealed UDP datagram, where there is one already: 0. */
static inline unsigned int
dns_udp_sum(const struct wire *w, size_t end)
{
	const uint8_t *ip = w->bytes + w->ip;
	const bool is_ipv6 = ip[0] >> 4 == 6;
	const unsigned int len = (unsigned int)(end - w->udp);
	uint8_t pseudo[36] = { 0 };
	unsigned long sum;

	memcpy(pseudo, ip + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8);
	pseudo[33] = 17;
	pseudo[34] = (uint8_t)(len >> 8);
	pseudo[35] = (uint8_t)len;
	sum = (0xffff & ~wire_checksum(pseudo, sizeof(pseudo))) +
	      (0xffff & ~wire_checksum(w->bytes + w->udp, len));
	return 0xffff & ~(unsigned int)((sum & 0xffff) + (sum >> 16));
}

static inline void
dns_seal(struct wire *w)
{
	wire_seal(w);
	wire_patch(w, w->udp + 6, 0);
	wire_patch(w, w->udp + 6, dns_udp_sum(w, w->len - w->trailer));
}

#endif
