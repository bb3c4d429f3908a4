/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#include <string.h>

enum { TYPE_A = 1, TYPE_TXT = 16, TYPE_AAAA = 28 };
enum { QUIC_INITIAL = 0xc0, QUIC_HANDSHAKE = 0xe0, QUIC_SHORT = 0x40 };
enum { DATAGRAM = 1200, OPENING = 4 };

void
udp_talk_init(struct talk *t)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA, TYPE_TXT };

	prng_fill(&t->prng, t->udp.ids[CLIENT], 8);
	prng_fill(&t->prng, t->udp.ids[SERVER], 8);
	t->udp.query_id = (uint16_t)prng_next(&t->prng);
	t->udp.query_type = types[prng_range(&t->prng, 0, 2)];
	t->udp.name = (uint32_t)prng_range(&t->prng, 0, 9999);
	t->udp.has_edns = prng_range(&t->prng, 0, 9) < 6;
	/* Ten pauses of at least 150 ms make a conversation longer than a second. */
	t->exchanges = (unsigned int)prng_range(&t->prng, 10, 20);
}

static size_t
put_question(const struct talk *t, uint8_t *p, bool is_answer)
{
	static const uint8_t rest[] = "\4shop\7example";
	size_t at = 12;

	memset(p, 0, at);
	put16(p, t->udp.query_id);
	/* Recursion desired, and in an answer: response, authoritative, one record. */
	put16(p + 2, is_answer ? 0x8500 : 0x0100);
	put16(p + 4, 1);
	put16(p + 6, is_answer ? 1 : 0);
	put16(p + 10, t->udp.has_edns ? 1 : 0);
	p[at++] = 5;
	p[at++] = 'w';
	for (uint32_t place = 1000; place > 0; place /= 10)
		p[at++] = (uint8_t)('0' + t->udp.name / place % 10);
	memcpy(p + at, rest, sizeof(rest));
	at += sizeof(rest);
	put16(p + at, t->udp.query_type);
	put16(p + at + 2, 1);
	return at + 4;
}

/* One record (RFC 1035, 4.1.3) whose name points at the question. */
static size_t
put_record(struct talk *t, uint8_t *p)
{
	size_t data = t->udp.query_type == TYPE_A ? 4 : 16;

	if (t->udp.query_type == TYPE_TXT)
		data = 1 + (size_t)prng_range(&t->prng, 20, 250);
	put16(p, 0xc00c);
	put16(p + 2, t->udp.query_type);
	put16(p + 4, 1);
	put32(p + 6, 300);
	put16(p + 10, (uint16_t)data);
	if (t->udp.query_type == TYPE_TXT) {
		p[12] = (uint8_t)(data - 1);
		memset(p + 13, 't', data - 1);
	} else {
		prng_fill(&t->prng, p + 12, data);
	}
	return 12 + data;
}

static void
send_udp(struct talk *t, struct frame *f, enum talk_side side, const uint8_t *p,
         size_t len)
{
	const struct hop h = talk_hop(t, side);

	memcpy(frame_udp(f, &t->spec->wire, &h, len), p, len);
	frame_seal(f);
}

static bool
dns_step(struct talk *t, struct frame *f)
{
	/* An OPT record (RFC 6891) that offers 1232 bytes. */
	static const uint8_t edns[11] = { 0, 0, 41, 0x04, 0xd0 };
	const enum talk_side side = t->udp.step == 0 ? CLIENT : SERVER;
	uint8_t p[512];
	size_t len = put_question(t, p, side == SERVER);

	if (side == SERVER)
		len += put_record(t, p + len);
	if (t->udp.has_edns) {
		memcpy(p + len, edns, sizeof(edns));
		len += sizeof(edns);
	}
	send_udp(t, f, side, p, len);
	t->udp.step++;
	t->next_ns += t->delay_ns[SERVER] + prng_skewed(&t->prng, 200 * NS_PER_US, 4);
	return side == CLIENT;
}

/* A long header (RFC 9000, 17.2) before random bytes, as sealed ones look. */
static void
send_long(struct talk *t, struct frame *f, enum talk_side side, uint8_t type)
{
	const enum talk_side peer = side == CLIENT ? SERVER : CLIENT;
	uint8_t p[DATAGRAM];
	size_t at = 23;

	p[0] = (uint8_t)(type | prng_range(&t->prng, 0, 15));
	put32(p + 1, 1);
	p[5] = 8;
	memcpy(p + 6, t->udp.ids[peer], 8);
	p[14] = 8;
	memcpy(p + 15, t->udp.ids[side], 8);
	if (type == QUIC_INITIAL)
		p[at++] = 0; /* no token */
	put16(p + at, (uint16_t)(0x4000 | (DATAGRAM - at - 2)));
	prng_fill(&t->prng, p + at + 2, DATAGRAM - at - 2);
	send_udp(t, f, side, p, DATAGRAM);
}

static void
send_short(struct talk *t, struct frame *f, enum talk_side side, size_t size)
{
	const enum talk_side peer = side == CLIENT ? SERVER : CLIENT;
	uint8_t p[DATAGRAM + 52];

	prng_fill(&t->prng, p, size);
	p[0] = (uint8_t)(QUIC_SHORT | (p[0] & 0x3f));
	memcpy(p + 1, t->udp.ids[peer], 8);
	send_udp(t, f, side, p, size);
}

static void
quic_opening(struct talk *t, struct frame *f)
{
	static const struct {
		enum talk_side side;
		uint8_t type;
	} opening[OPENING] = {
		{ CLIENT, QUIC_INITIAL },
		{ SERVER, QUIC_INITIAL },
		{ SERVER, QUIC_HANDSHAKE },
		{ CLIENT, QUIC_HANDSHAKE },
	};
	const unsigned int step = t->udp.step++;

	send_long(t, f, opening[step].side, opening[step].type);
	t->next_ns += step == 0   ? t->delay_ns[SERVER] + NS_PER_MS
	              : step == 1 ? 20 * NS_PER_US
	              : step == 2 ? t->delay_ns[CLIENT]
	                          : 100 * NS_PER_US;
}

/* Steps after the opening go round: question, some packets of answer, acknowledgement. */
static bool
quic_round(struct talk *t, struct frame *f)
{
	switch ((t->udp.step - OPENING) % 3) {
	case 0:
		send_short(t, f, CLIENT, (size_t)prng_range(&t->prng, 60, 400));
		t->udp.left = (unsigned int)prng_range(&t->prng, 1, 10);
		t->udp.step++;
		t->next_ns += t->delay_ns[SERVER] + NS_PER_MS;
		return true;
	case 1:
		t->udp.left--;
		send_short(t, f, SERVER, t->udp.left > 0 ? DATAGRAM + 52 : 300);
		t->next_ns += t->udp.left > 0 ? 15 * NS_PER_US : t->delay_ns[CLIENT];
		t->udp.step += t->udp.left > 0 ? 0 : 1;
		return true;
	default:
		send_short(t, f, CLIENT, (size_t)prng_range(&t->prng, 30, 45));
		t->udp.step++;
		t->next_ns += prng_range(&t->prng, 150, 400) * NS_PER_MS;
		return ++t->exchange < t->exchanges;
	}
}

bool
udp_talk_step(struct talk *t, struct frame *f)
{
	f->at_ns = t->next_ns;
	if (t->spec->kind == KIND_DNS)
		return dns_step(t, f);
	if (t->udp.step < OPENING) {
		quic_opening(t, f);
		return true;
	}
	return quic_round(t, f);
}
