/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/spread.h"

#include <string.h>

#include "io/rss.h"
#include "packet/burst.h"
#include "packet/quote.h"

/* The two ends of a flow. Ports of 0 where they do not count. */
struct ends {
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
	bool is_ipv6, has_ports;
};

#define MAPPED 12 /* where an IPv4 address starts in its mapped form */

static bool
is_ported(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP;
}

/* The flow that an ICMP error quotes. False when too little of it is there. */
static bool
read_quote(const struct facts *f, const uint8_t *bytes, unsigned int len, struct ends *e)
{
	struct quote q;

	if (!quote_is_there(f) || !quote_read(f, bytes, len, &q))
		return false;
	memcpy(e->src, q.src, 16);
	memcpy(e->dst, q.dst, 16);
	e->is_ipv6 = f->proto == PROTO_ICMPV6;
	e->has_ports = q.l4_off != 0;
	e->src_port = q.src_port;
	e->dst_port = q.dst_port;
	return true;
}

static void
read_facts(const struct facts *f, struct ends *e)
{
	memcpy(e->src, f->src, 16);
	memcpy(e->dst, f->dst, 16);
	e->is_ipv6 = (f->flags & FACT_IPV6) != 0;
	e->has_ports =
		is_ported(f->proto) && (f->flags & (FACT_NO_PORTS | FACT_FRAGMENT)) == 0;
	e->src_port = f->src_port;
	e->dst_port = f->dst_port;
}

static unsigned int
by_device(const struct spread *s, const struct ends *e)
{
	const unsigned int skip = e->is_ipv6 ? 0 : MAPPED, size = 16 - skip;
	uint8_t input[RSS_INPUT_MAX];
	unsigned int len = 2 * size;

	memcpy(input, e->src + skip, size);
	memcpy(input + size, e->dst + skip, size);
	if (s->has_ports && e->has_ports) {
		input[len++] = (uint8_t)(e->src_port >> 8);
		input[len++] = (uint8_t)e->src_port;
		input[len++] = (uint8_t)(e->dst_port >> 8);
		input[len++] = (uint8_t)e->dst_port;
	}
	return rss_queue(rss_hash(rss_key(), input, len), s->reta_size, s->workers);
}

/* The upper half of the hash, scaled to the workers: no division. */
static inline unsigned int
scale(const struct spread *s, uint64_t hash)
{
	return (unsigned int)((hash >> 32) * s->workers >> 32);
}

static inline uint64_t
hash_addresses(const struct spread *s, const uint8_t *src, const uint8_t *dst)
{
	/* The same for both directions, because it is a sum of two that know no place. */
	return hash_16(&s->key, src).hi + hash_16(&s->key, dst).hi;
}

/* Sum and product of two ports know the pair, and not which came first. */
static inline uint64_t
hash_ports(const struct spread *s, uint32_t a, uint32_t b)
{
	const uint64_t pair[2] = { a + b, UINT64_C(1) << 32 | a * b };

	return hash_16(&s->key, pair).hi;
}

static unsigned int
by_software(const struct spread *s, const struct ends *e)
{
	uint64_t hash = hash_addresses(s, e->src, e->dst);

	if (s->has_ports && e->has_ports)
		hash += hash_ports(s, e->src_port, e->dst_port);
	return scale(s, hash);
}

unsigned int
spread_worker(const struct spread *s, const struct facts *f, const uint8_t *bytes,
              unsigned int len, unsigned int here)
{
	struct ends e;

	if ((f->flags & FACT_IP) == 0)
		return here;
	if (!read_quote(f, bytes, len, &e))
		read_facts(f, &e);
	else if (s->is_by_device)
		return by_device(s, &e);
	if (!s->is_by_device)
		return by_software(s, &e);
	/* The device knows addresses and ports itself; first fragments may have gone by ports. */
	return s->has_ports && (f->flags & FACT_FRAGMENT) != 0 ? by_device(s, &e) : here;
}

uint64_t
spread_elsewhere(const struct spread *s, const struct burst *b, unsigned int here,
                 uint8_t owner[64])
{
	uint64_t odd = b->live & ~b->plain, told = b->live;
	unsigned int i;

	/* Plain packets are TCP or UDP in one piece. */
	if (!s->is_by_device && !s->has_ports) {
		LANES_FOREACH (i, b->live & b->plain) {
			const struct facts *f = &b->facts[i];

			owner[i] = (uint8_t)scale(s, hash_addresses(s, f->src, f->dst));
		}
	} else if (!s->is_by_device) {
		odd = b->live;
	} else {
		told = odd;
	}
	LANES_FOREACH (i, odd)
		owner[i] = (uint8_t)spread_worker(s, &b->facts[i], b->bytes[i],
		                                  b->bytes_len[i], here);
	return told & ~lanes_where8(owner, (uint8_t)here);
}
