/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Customers whose talk is short or carried by another protocol than TCP: time, large DNS
 * answers in fragments, IPsec tunnels, pings.
 */
#include <string.h>

#include "answer.h"
#include "talk.h"

/* The most that a fragment carries: under IPv6 with its headers it fits 1500 bytes. */
#define PIECE_LEN 1440

/* Of a tunnel every so many packets one is so large that it goes out in two fragments. */
enum { LARGE_EVERY = 8, LARGE_LEN = 1600 };

static void
wait_for(struct talk *t, enum talk_side side)
{
	t->next_ns += t->delay_ns[side];
}

void
plain_talk_init(struct talk *t)
{
	prng_fill(&t->prng, t->udp.ids[CLIENT], 8);
	prng_fill(&t->prng, t->udp.ids[SERVER], 8);
	t->udp.query_id = (uint16_t)prng_next(&t->prng);
	t->exchanges = t->spec->kind == KIND_ESP
	                       ? (unsigned int)prng_range(&t->prng, 20, 60)
	                       : 4;
}

/* A question and its answer of 48 bytes (RFC 5905): versions and modes 4, 3 and 4. */
static bool
ntp_step(struct talk *t, struct frame *f)
{
	const enum talk_side side = t->udp.step++ == 0 ? CLIENT : SERVER;
	const struct hop h = talk_hop(t, side);
	uint8_t *p = frame_udp(f, &t->spec->wire, &h, 48);

	memset(p, 0, 48);
	put32(p, side == CLIENT ? 0x230006ec : 0x240206e8);
	/* The answer gives back when the client says it asked. */
	memcpy(p + (side == CLIENT ? 40 : 24), t->udp.ids[CLIENT], 8);
	if (side == SERVER)
		memcpy(p + 32, t->udp.ids[SERVER], 8);
	frame_seal(f);
	wait_for(t, SERVER);
	return side == CLIENT;
}

static bool
ping_step(struct talk *t, struct frame *f)
{
	const enum talk_side side = t->udp.step % 2 == 0 ? CLIENT : SERVER;
	struct hop h = talk_hop(t, side);
	uint8_t type, *p;

	if (h.src.family == 4)
		type = side == CLIENT ? 8 : 0;
	else
		type = side == CLIENT ? 128 : 129;
	/* Identifier and sequence, which frame_icmp takes from here, are the same both ways. */
	h.sport = t->udp.query_id;
	h.ip_id = (uint16_t)(1 + t->udp.step / 2);
	p = frame_icmp(f, &t->spec->wire, &h, type, 56);
	memset(p, 0x20, 56);
	memcpy(p, t->udp.ids[CLIENT], 8);
	frame_seal(f);
	t->udp.step++;
	if (side == CLIENT)
		wait_for(t, SERVER);
	else
		t->next_ns += NS_PER_S - t->delay_ns[SERVER];
	return t->udp.step < 2 * t->exchanges;
}

/* One fragment of a datagram; returns whether it was the last. */
static bool
send_piece(struct talk *t, struct frame *f, enum talk_side side, uint8_t proto,
           const uint8_t *datagram, size_t len)
{
	const struct hop h = talk_hop(t, side);
	const size_t at = (size_t)t->udp.left * PIECE_LEN;
	const size_t n = len - at > PIECE_LEN ? PIECE_LEN : len - at;
	const struct fragment part = { (uint32_t)t->udp.query_id << 8 |
		                               (t->udp.step & 0xff),
		                       (uint16_t)at, at + n < len, proto };

	memcpy(frame_fragment(f, &t->spec->wire, &h, &part, n), datagram + at, n);
	t->udp.left++;
	t->next_ns += 12 * NS_PER_US;
	return !part.more;
}

/* Keys and signatures of a zone: about 1,600 bytes; the question lies within the answer. */
static bool
dns_large_step(struct talk *t, struct frame *f)
{
	static const uint8_t edns[11] = { 0, 0, 41, 0x10, 0, 0, 0, 0x80 };
	enum { HEAD = 12, QUESTION = 21 };
	struct prng own = prng_make(t->udp.query_id, 53);
	const bool asks = t->udp.step == 0;
	const struct hop h = talk_hop(t, asks ? CLIENT : SERVER);
	struct payload b;
	uint8_t *p, datagram[8 + 4096];
	uint16_t sum;

	payload_begin(&b, &own, &h);
	answer_dns_dnssec(&b);
	payload_set16(&b, 0, t->udp.query_id);
	if (asks) {
		p = frame_udp(f, &t->spec->wire, &h, HEAD + QUESTION + sizeof(edns));
		memset(p, 0, HEAD);
		put16(p, t->udp.query_id);
		put16(p + 2, 0x0100);
		put16(p + 4, 1);
		put16(p + 10, 1);
		memcpy(p + HEAD, b.bytes + HEAD, QUESTION);
		memcpy(p + HEAD + QUESTION, edns, sizeof(edns));
		frame_seal(f);
		t->udp.step++;
		wait_for(t, SERVER);
		return true;
	}
	put16(datagram, h.sport);
	put16(datagram + 2, h.dport);
	put16(datagram + 4, (uint16_t)(8 + b.len));
	put16(datagram + 6, 0);
	memcpy(datagram + 8, b.bytes, b.len);
	sum = frame_sum(&h.src, &h.dst, PROTO_UDP, datagram, 8 + b.len);
	put16(datagram + 6, sum == 0 ? 0xffff : sum);
	return !send_piece(t, f, SERVER, PROTO_UDP, datagram, 8 + b.len);
}

/* Sealed packets both ways in turn; sequence numbers count, identifiers stay (RFC 4303). */
static bool
esp_step(struct talk *t, struct frame *f)
{
	const enum talk_side side = t->udp.step % 2 == 0 ? CLIENT : SERVER;
	const struct hop h = talk_hop(t, side);
	const bool is_large = t->udp.step % LARGE_EVERY >= LARGE_EVERY - 2;
	struct prng own = prng_make(t->udp.query_id, t->udp.step);
	const size_t len = is_large ? LARGE_LEN : 8 * (size_t)prng_range(&own, 10, 170);
	uint8_t sealed[LARGE_LEN];

	prng_fill(&own, sealed, len);
	memcpy(sealed, t->udp.ids[side], 4);
	sealed[0] |= 1; /* the lowest identifiers are reserved */
	put32(sealed + 4, 1 + t->udp.step / 2);
	if (is_large) {
		if (!send_piece(t, f, side, PROTO_ESP, sealed, len))
			return true;
		t->udp.left = 0;
	} else {
		memcpy(frame_ip(f, &t->spec->wire, &h, PROTO_ESP, len), sealed, len);
	}
	t->udp.step++;
	t->next_ns += prng_range(&t->prng, 5, 40) * NS_PER_MS;
	return t->udp.step < 2 * t->exchanges;
}

bool
plain_talk_step(struct talk *t, struct frame *f)
{
	f->at_ns = t->next_ns;
	switch (t->spec->kind) {
	case KIND_NTP:
		return ntp_step(t, f);
	case KIND_PING:
		return ping_step(t, f);
	case KIND_DNS_LARGE:
		return dns_large_step(t, f);
	default:
		return esp_step(t, f);
	}
}
