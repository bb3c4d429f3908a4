/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood_datagram.h"

#include <string.h>

#include "vector.h"

/* The most that a fragment carries: under IPv6 with its headers it fits 1500 bytes. */
#define PIECE_LEN 1440

/* The most that a datagram holds behind IP without being cut. */
#define WHOLE_LEN 1448

/* How much of a datagram without end is sent under one identifier. */
#define ENDLESS_LEN 16384

static struct prng *
chance(struct flood *f)
{
	return &f->run[0].prng;
}

/* Fill the payload as the vector says, or with random bytes of the size asked for. */
static void
write_payload(struct flood *f, const struct hop *h, uint64_t min, uint64_t max)
{
	const struct vector *v = f->spec->vector;

	payload_begin(&f->payload, chance(f), h);
	if (v != NULL && v->write != NULL)
		v->write(&f->payload);
	else
		payload_random(&f->payload,
		               (size_t)flood_pick(&f->spec->size, min, max, chance(f)));
}

/* The next fragment of the datagram that waits. */
static void
take_piece(struct flood *f, struct frame *frame)
{
	struct flood_pieces *d = &f->pieces;
	const uint32_t left = d->len - d->at;
	const uint32_t n = left < d->piece ? left : d->piece;
	const struct fragment part = { d->id, (uint16_t)d->at, n < left || d->is_endless,
		                       d->proto };

	memcpy(frame_fragment(frame, &f->spec->wire, &d->hop, &part, n), d->bytes + d->at,
	       n);
	d->at += n;
	if (d->at == d->len) {
		d->len = 0;
	} else if (d->back != 0) {
		d->at -= d->back;
		d->back = 0;
	}
}

/* Begin a datagram of proto whose bytes are in place, in pieces of at most that size. */
static void
cut(struct flood *f, const struct hop *h, uint8_t proto, size_t len, size_t piece)
{
	struct flood_pieces *d = &f->pieces;

	d->hop = *h;
	d->id = (uint32_t)prng_next(chance(f));
	d->proto = proto;
	d->len = (uint32_t)len;
	d->at = 0;
	d->piece = (uint16_t)(piece / 8 * 8);
	d->back = 0;
	d->is_endless = false;
}

/* A UDP header before the payload, with the checksum of both. */
static size_t
put_udp(struct flood *f, const struct hop *h)
{
	uint8_t *to = f->pieces.bytes;
	const size_t len = 8 + f->payload.len;
	uint16_t sum;

	put16(to, h->sport);
	put16(to + 2, h->dport);
	put16(to + 4, (uint16_t)len);
	put16(to + 6, 0);
	memcpy(to + 8, f->payload.bytes, f->payload.len);
	sum = frame_sum(&h->src, &h->dst, PROTO_UDP, to, len);
	put16(to + 6, sum == 0 ? 0xffff : sum);
	return len;
}

void
flood_udp(struct flood *f, struct frame *frame)
{
	const struct spec *s = f->spec;
	struct hop h;

	if (f->pieces.len > 0) {
		take_piece(f, frame);
		return;
	}
	h = flood_hop(s, chance(f));
	write_payload(f, &h, 64, 512);
	/* Random bytes of a size that was asked for go as they are, up to jumbo frames. */
	if (s->vector != NULL && s->vector->write != NULL &&
	    8 + f->payload.len > WHOLE_LEN + (h.src.family == 4 ? 32 : 0)) {
		cut(f, &h, PROTO_UDP, put_udp(f, &h),
		    PIECE_LEN + (h.src.family == 4 ? 40 : 0));
		take_piece(f, frame);
		return;
	}
	memcpy(frame_udp(frame, &s->wire, &h, f->payload.len), f->payload.bytes,
	       f->payload.len);
	frame_seal(frame);
}

/* ICMPv6 has another number for what means the same (RFC 4443). */
static void
to_icmp6(uint8_t *type, uint8_t *code)
{
	switch (*type) {
	case 0:
		*type = 129;
		break;
	case 3:
		*type = *code == 4 ? 2 : 1;
		*code = *code == 4 ? 0 : 4;
		break;
	case 8:
		*type = 128;
		break;
	case 11:
		*type = 3;
		break;
	default:
		break;
	}
}

static bool
is_error(unsigned int family, uint8_t type)
{
	return family == 4 ? type == 3 || type == 11 || type == 12
	                   : type >= 1 && type <= 4;
}

/* The beginning of a packet that the victim is said to have sent (RFC 792, RFC 4443). */
static void
quote(struct flood *f, const struct hop *h)
{
	struct hop sent = { .src = h->dst,
		            .dst = address_random(h->src.family, chance(f)),
		            .ttl = 54,
		            .ip_id = (uint16_t)prng_next(chance(f)) };
	struct payload *b = &f->payload;
	uint8_t header[20];
	size_t at;

	payload_begin(b, chance(f), h);
	if (h->src.family == 4) {
		frame_put_ipv4(header, &sent, PROTO_UDP, 72);
		payload_bytes(b, header, sizeof(header));
	} else {
		payload_32(b, 0x60000000);
		payload_16(b, 72);
		payload_8(b, PROTO_UDP);
		payload_8(b, 54);
		payload_bytes(b, sent.src.bytes, 16);
		payload_bytes(b, sent.dst.bytes, 16);
	}
	at = b->len;
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, (unsigned int)payload_pick(b, 61000, 65535));
	payload_16(b, 72);
	payload_16(b, 0);
	payload_repeat(b, 0, 64);
	payload_udp_sum(b, at, &sent.src, &sent.dst);
	/* IPv4 routers quote no more than eight bytes behind the header. */
	if (h->src.family == 4)
		b->len = at + 8;
}

void
flood_icmp(struct flood *f, struct frame *frame)
{
	const struct spec *s = f->spec;
	struct hop h = flood_hop(s, chance(f));
	const unsigned int echo = h.src.family == 4 ? 8 : 128;
	uint8_t type =
		(uint8_t)(s->has_icmp_type ? prng_range(chance(f), s->icmp_type.min,
	                                                s->icmp_type.max)
	                                   : echo);
	uint8_t code = (uint8_t)flood_pick(&s->icmp_code, 0, 0, chance(f));
	uint8_t *to;

	if (s->vector != NULL && h.src.family == 6)
		to_icmp6(&type, &code);
	if (s->vector != NULL && is_error(h.src.family, type)) {
		quote(f, &h);
		h.sport = 0;
		/* The next hop's MTU where the error is about size (RFC 1191, 4443). */
		h.ip_id = code == 4 || type == 2 ? 1280 : 0;
	} else {
		write_payload(f, &h, 56, 56);
	}
	to = frame_icmp(frame, &s->wire, &h, type, f->payload.len);
	to[-7] = code;
	memcpy(to, f->payload.bytes, f->payload.len);
	frame_seal(frame);
}

/* What GRE and ESP carry must look like it, or a parser gives up before it is tried. */
static void
put_tunnel(uint8_t *to, size_t size, uint8_t proto, struct prng *p)
{
	struct hop inner = { .ttl = 64, .src.family = 4, .dst.family = 4 };

	prng_fill(p, to, size);
	if (proto != PROTO_GRE || size < 32)
		return;
	inner.src = address_random(4, p);
	inner.dst = address_random(4, p);
	put32(to, 0x00000800);
	frame_put_ipv4(to + 4, &inner, PROTO_UDP, size - 24);
	put16(to + 28, (uint16_t)(size - 24));
	put16(to + 30, 0);
}

void
flood_other(struct flood *f, struct frame *frame)
{
	static const uint8_t usual[] = { PROTO_GRE, PROTO_ESP, 253 };
	const struct spec *s = f->spec;
	const struct hop h = flood_hop(s, chance(f));
	uint8_t *to, proto;

	write_payload(f, &h, 64, 512);
	if (s->mix_count > 0)
		proto = s->mix[prng_range(chance(f), 0, s->mix_count - 1)];
	else
		proto = usual[prng_range(chance(f), 0, sizeof(usual) - 1)];
	to = frame_ip(frame, &s->wire, &h, proto, f->payload.len);
	if (s->vector != NULL)
		memcpy(to, f->payload.bytes, f->payload.len);
	else
		put_tunnel(to, f->payload.len, proto, chance(f));
}

static void
take_rest_alone(struct flood *f, struct frame *frame)
{
	struct prng *p = chance(f);
	const struct hop h = flood_hop(f->spec, p);
	struct fragment part = { .proto = PROTO_UDP, .id = (uint32_t)prng_next(p) };
	size_t size;

	part.offset = (uint16_t)(8 * prng_range(p, 1, 1000));
	part.more = (prng_next(p) & 1) != 0;
	size = (size_t)flood_pick(&f->spec->size, 64, PIECE_LEN, p);
	/* All but the last fragment carry whole units of eight bytes (RFC 791). */
	if (size < 8 || size % 8 != 0)
		part.more = false;
	prng_fill(p, frame_fragment(frame, &f->spec->wire, &h, &part, size), size);
}

/* A SYN whose flags are not in the first fragment (RFC 1858). */
static void
begin_tiny(struct flood *f)
{
	const struct hop h = flood_hop(f->spec, chance(f));
	uint8_t *to = f->pieces.bytes;

	memset(to, 0, 40);
	put16(to, h.sport);
	put16(to + 2, h.dport);
	put32(to + 4, (uint32_t)prng_next(chance(f)));
	put16(to + 12, 0xa002);
	put16(to + 14, 64240);
	to[20] = 2;
	to[21] = 4;
	put16(to + 22, 1460);
	memset(to + 24, 1, 16);
	put16(to + 16, frame_sum(&h.src, &h.dst, PROTO_TCP, to, 40));
	cut(f, &h, PROTO_TCP, 40, 8);
}

static void
begin_large(struct flood *f)
{
	const struct hop h = flood_hop(f->spec, chance(f));
	const enum fragment_style style = f->spec->fragments;
	size_t len, piece;

	write_payload(f, &h, 1500, 2872);
	len = put_udp(f, &h);
	/* What would fit into one packet is cut in the middle, at a unit of eight bytes. */
	piece = len > PIECE_LEN ? PIECE_LEN : len / 16 * 8;
	cut(f, &h, PROTO_UDP, len, piece);
	if (style == FRAGMENT_OVERLAP)
		f->pieces.back = (uint16_t)(8 * prng_range(chance(f), 1, 3));
	if (style != FRAGMENT_ENDLESS)
		return;
	/* The header promises more than will ever come. */
	put16(f->pieces.bytes + 4, 65507);
	memset(f->pieces.bytes + len, 0, sizeof(f->pieces.bytes) - len);
	f->pieces.is_endless = true;
	f->pieces.piece = PIECE_LEN;
	f->pieces.len = ENDLESS_LEN / PIECE_LEN * PIECE_LEN;
}

void
flood_fragment(struct flood *f, struct frame *frame)
{
	if (f->spec->fragments == FRAGMENT_RESTS) {
		take_rest_alone(f, frame);
		return;
	}
	if (f->pieces.len == 0 && f->spec->fragments == FRAGMENT_TINY)
		begin_tiny(f);
	else if (f->pieces.len == 0)
		begin_large(f);
	take_piece(f, frame);
}
