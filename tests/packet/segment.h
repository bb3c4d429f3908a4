/* SPDX-License-Identifier: BSD-3-Clause */
/* segment - TCP segments and ICMP errors with checksums summed in full, for tests of translation. */
#ifndef TESTS_PACKET_SEGMENT_H
#define TESTS_PACKET_SEGMENT_H

#include <stdint.h>
#include <string.h>

#include "packet/facts.h"
#include "packet/parse.h"
#include "wire.h"

static inline uint32_t
segment_32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline unsigned int
segment_16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static inline void
segment_put32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static inline void
segment_put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline struct facts
segment_facts(const struct wire *w)
{
	struct facts f;

	parse_frame(w->bytes, w->len, w->len, &f);
	return f;
}

/* Checksum over what `f` has from its layer-4 header on, and over the pseudo header but for ICMP. */
static inline unsigned int
segment_checksum(const uint8_t *bytes, const struct facts *f)
{
	const size_t len = (size_t)f->payload_off + f->payload_len - f->l4_off;
	const size_t skip = (f->flags & FACT_IPV6) != 0 ? 0 : 12;
	uint8_t all[4096];
	size_t at = 0;

	if (f->proto != PROTO_ICMP) {
		memcpy(all, f->src + skip, 16 - skip);
		memcpy(all + 16 - skip, f->dst + skip, 16 - skip);
		at = 32 - 2 * skip;
		segment_put32(all + at, (uint32_t)len);
		segment_put32(all + at + 4, f->proto);
		at += 8;
	}
	memcpy(all + at, bytes + f->l4_off, len);
	return wire_checksum(all, at + len);
}

static inline size_t
segment_checksum_at(const struct facts *f)
{
	return f->l4_off + (f->proto == PROTO_TCP ? 16u : 2u);
}

/* Lengths and checksums of all layers. */
static inline void
segment_seal(struct wire *w)
{
	struct facts f;
	size_t at;

	wire_seal(w);
	f = segment_facts(w);
	at = segment_checksum_at(&f);
	wire_patch(w, at, 0);
	wire_patch(w, at, segment_checksum(w->bytes, &f));
}

/* A segment of either family with so many bytes of payload, sealed. */
static inline void
segment_lay(struct wire *w, int is_ipv6, unsigned int flags, const void *options,
            unsigned int n, unsigned int payload)
{
	wire_ether(w);
	if (is_ipv6)
		wire_ipv6(w, PROTO_TCP);
	else
		wire_ipv4(w, PROTO_TCP, 0, 0x4000);
	wire_tcp(w, flags, options, n);
	wire_fill(w, 'p', payload);
	segment_seal(w);
}

/* An xorshift generator: the same numbers in every run. */
static inline uint32_t
segment_random(void)
{
	static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

#endif
