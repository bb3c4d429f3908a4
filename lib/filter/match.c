/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/match.h"

#include <string.h>

#include "packet/burst.h"

static bool
is_inside(const struct conf_prefix *p, const uint8_t address[16])
{
	const unsigned int bytes = p->len / 8, bits = p->len % 8;

	return memcmp(p->address, address, bytes) == 0 &&
	       (bits == 0 || (p->address[bytes] ^ address[bytes]) >> (8 - bits) == 0);
}

/* ::/0 is all of IPv6 and nothing of IPv4, which lies inside it as mapped. */
static bool
is_of_family(const struct conf_prefix *p, bool is_ipv6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool is_ipv4 = p->len >= 96 && memcmp(p->address, mapped, 12) == 0;

	return is_ipv4 != is_ipv6;
}

static bool
has_end(const struct filter_match *m, const struct filter_key *key, enum filter_end e)
{
	for (unsigned int i = 0; i < m->end[e].count; i++)
		if (is_of_family(&m->end[e].prefix[i], key->is_ipv6) &&
		    is_inside(&m->end[e].prefix[i], key->end[e]))
			return true;
	return false;
}

static bool
has_wide(const struct filter_match *m, enum filter_wide w, uint32_t value)
{
	for (unsigned int i = 0; i < m->wide[w].count && value != FILTER_NO_WIDE; i++)
		if (value >= m->wide[w].range[i].first &&
		    value <= m->wide[w].range[i].last)
			return true;
	return false;
}

bool
filter_match_one(const struct filter_match *m, const struct filter_key *key)
{
	for (unsigned int e = 0; e < FILTER_ENDS; e++)
		if (m->has_end[e] && !has_end(m, key, (enum filter_end)e))
			return false;
	for (unsigned int s = 0; s < FILTER_SMALL; s++) {
		const uint16_t v = key->small[s];

		if (m->has_small[s] &&
		    (v == FILTER_NO_SMALL || !(m->small[s][v / 64] >> v % 64 & 1)))
			return false;
	}
	if (m->has_wide[FILTER_PORT] &&
	    !has_wide(m, FILTER_PORT, key->wide[FILTER_SRC_PORT]) &&
	    !has_wide(m, FILTER_PORT, key->wide[FILTER_DST_PORT]))
		return false;
	for (unsigned int w = FILTER_SRC_PORT; w < FILTER_WIDE; w++)
		if (m->has_wide[w] && !has_wide(m, (enum filter_wide)w, key->wide[w]))
			return false;
	return true;
}

bool
filter_match_reads_header(const struct filter_match *m)
{
	return m->has_small[FILTER_DSCP] || m->has_small[FILTER_FRAGMENT] ||
	       m->has_wide[FILTER_LENGTH] || m->has_wide[FILTER_LABEL];
}

/* The fragment header of IPv6 is found by walking to it; its word is like IPv4's, turned. */
static unsigned int
fragment6(const uint8_t *ip, uint32_t readable, uint16_t flags)
{
	uint32_t at = 40;
	uint8_t next = ip[6];
	unsigned int hops = 0;

	if (!(flags & FACT_FRAGMENT))
		return 0;
	while (next != PROTO_FRAGMENT && at + 8 <= readable && hops++ < 8) {
		next = ip[at];
		at += 8 + 8 * (uint32_t)ip[at + 1];
	}
	if (next != PROTO_FRAGMENT || at + 8 > readable)
		return flags & FACT_FRAG_REST ? FILTER_IS : FILTER_FIRST;
	if (!(flags & FACT_FRAG_REST))
		return FILTER_FIRST;
	return FILTER_IS | (ip[at + 3] & 1 ? 0 : FILTER_LAST);
}

static unsigned int
fragment4(const uint8_t *ip, uint16_t flags)
{
	const unsigned int dont = ip[6] & 0x40 ? FILTER_DONT : 0;

	if (!(flags & FACT_FRAGMENT))
		return dont;
	if (!(flags & FACT_FRAG_REST))
		return dont | FILTER_FIRST;
	return dont | FILTER_IS | (ip[6] & 0x20 ? 0 : FILTER_LAST);
}

static void
read_header(const struct burst *b, unsigned int i, struct filter_key *key)
{
	const struct facts *f = &b->facts[i];
	const uint8_t *ip = b->bytes[i] + f->l3_off;
	uint32_t readable = b->bytes_len[i], length;

	key->small[FILTER_DSCP] = key->small[FILTER_FRAGMENT] = FILTER_NO_SMALL;
	key->wide[FILTER_LENGTH] = key->wide[FILTER_LABEL] = FILTER_NO_WIDE;
	if (readable < (uint32_t)f->l3_off + (key->is_ipv6 ? 40 : 20))
		return;
	readable -= f->l3_off;
	if (key->is_ipv6) {
		key->small[FILTER_DSCP] =
			(uint16_t)(((ip[0] & 15) << 4 | ip[1] >> 4) >> 2);
		key->small[FILTER_FRAGMENT] = (uint16_t)fragment6(ip, readable, f->flags);
		key->wide[FILTER_LABEL] =
			(uint32_t)(ip[1] & 15) << 16 | (uint32_t)ip[2] << 8 | ip[3];
		length = 40 + ((uint32_t)ip[4] << 8 | ip[5]);
	} else {
		key->small[FILTER_DSCP] = ip[1] >> 2;
		key->small[FILTER_FRAGMENT] = (uint16_t)fragment4(ip, f->flags);
		length = (uint32_t)ip[2] << 8 | ip[3];
	}
	key->wide[FILTER_LENGTH] = length < 65535 ? length : 65535;
}

void
filter_key_of(const struct burst *b, unsigned int i, bool reads_header,
              struct filter_key *key)
{
	const struct facts *f = &b->facts[i];
	const bool is_sound = f->fault == PACKET_SOUND && !(f->flags & FACT_FRAG_REST) &&
	                      f->l4_off != 0;
	const bool is_icmp = f->proto == PROTO_ICMP || f->proto == PROTO_ICMPV6;
	const bool has_ports = is_sound && !is_icmp && !(f->flags & FACT_NO_PORTS);

	key->end[FILTER_SRC] = f->src;
	key->end[FILTER_DST] = f->dst;
	key->is_ipv6 = (f->flags & FACT_IPV6) != 0;
	key->small[FILTER_PROTOCOL] = f->proto;
	key->small[FILTER_ICMP_TYPE] =
		is_sound && is_icmp ? f->icmp_type : FILTER_NO_SMALL;
	key->small[FILTER_ICMP_CODE] =
		is_sound && is_icmp ? f->icmp_code : FILTER_NO_SMALL;
	key->small[FILTER_TCP_FLAGS] =
		has_ports && f->proto == PROTO_TCP ? f->tcp_flags : FILTER_NO_SMALL;
	key->wide[FILTER_PORT] = FILTER_NO_WIDE;
	key->wide[FILTER_SRC_PORT] = has_ports ? f->src_port : FILTER_NO_WIDE;
	key->wide[FILTER_DST_PORT] = has_ports ? f->dst_port : FILTER_NO_WIDE;
	if (reads_header)
		read_header(b, i, key);
}
