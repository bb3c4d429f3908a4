/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_spread - everything of a flow belongs to one worker, by either rule.
 */
#include <stdalign.h>
#include <string.h>

#include "../packet/pieces.h"
#include "io/rss.h"
#include "io/spread.h"
#include "packet/burst.h"
#include "packet/parse.h"
#include "suite.h"

#define WORKERS 5
#define FLOWS   4000

struct end {
	uint8_t address[16]; /* IPv4: the first 4 */
	uint16_t port;
};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint8_t
random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 32);
}

static struct end
random_end(void)
{
	struct end e;

	for (unsigned int i = 0; i < 16; i++)
		e.address[i] = random_byte();
	/* A unicast address of either family. */
	e.address[0] = 0x20;
	e.port = (uint16_t)(random_byte() << 8 | random_byte());
	return e;
}

/* An IP header and four bytes of ports; `fragment` is the offset field. Returns its length. */
static unsigned int
datagram(uint8_t *p, const struct end *from, const struct end *to, bool is_ipv6,
         uint16_t fragment)
{
	const unsigned int size = is_ipv6 ? 16 : 4, at = is_ipv6 ? 8 : 12;
	unsigned int len = is_ipv6 ? 40 : 20;

	memset(p, 0, 60);
	p[0] = is_ipv6 ? 0x60 : 0x45;
	if (is_ipv6) {
		p[5] = 8;
		p[6] = PROTO_UDP;
		p[7] = 64;
	} else {
		p[3] = 28;
		p[6] = (uint8_t)(fragment >> 8);
		p[7] = (uint8_t)fragment;
		p[8] = 64;
		p[9] = PROTO_UDP;
	}
	memcpy(p + at, from->address, size);
	memcpy(p + at + size, to->address, size);
	p[len] = (uint8_t)(from->port >> 8);
	p[len + 1] = (uint8_t)from->port;
	p[len + 2] = (uint8_t)(to->port >> 8);
	p[len + 3] = (uint8_t)to->port;
	p[len + 5] = 8;
	return len + 8;
}

static void
checksum4(uint8_t *h)
{
	uint32_t sum = 0;

	h[10] = h[11] = 0;
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)(h[i] << 8 | h[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	h[10] = (uint8_t)(sum >> 8);
	h[11] = (uint8_t)sum;
}

struct frame {
	uint8_t bytes[160];
	unsigned int len;
	struct facts facts;
};

static void
seal(struct frame *f, bool is_ipv6)
{
	f->bytes[12] = is_ipv6 ? 0x86 : 0x08;
	f->bytes[13] = is_ipv6 ? 0xdd : 0x00;
	if (!is_ipv6)
		checksum4(f->bytes + 14);
	parse_frame(f->bytes, f->len, f->len, &f->facts);
}

static struct frame
udp(const struct end *from, const struct end *to, bool is_ipv6, uint16_t fragment)
{
	struct frame f = { .len = 14 };

	f.len += datagram(f.bytes + 14, from, to, is_ipv6, fragment);
	seal(&f, is_ipv6);
	return f;
}

/* What a router on the way says of a datagram: it could not be delivered. */
static struct frame
icmp_error(const struct end *router, const struct end *from, const struct end *to,
           bool is_ipv6)
{
	struct frame f = { .len = 14 };
	uint8_t *ip = f.bytes + 14, *icmp;
	unsigned int quote;

	/* A zero payload, and then the ICMP header where the ports were. */
	icmp = ip + datagram(ip, router, from, is_ipv6, 0) - 8;
	memset(icmp, 0, 8);
	icmp[0] = is_ipv6 ? 1 : 3;
	quote = datagram(icmp + 8, from, to, is_ipv6, 0);
	f.len = (unsigned int)(icmp - f.bytes) + 8 + quote;
	if (is_ipv6) {
		ip[5] = (uint8_t)(8 + quote);
		ip[6] = PROTO_ICMPV6;
	} else {
		ip[3] = (uint8_t)(f.len - 14);
		ip[9] = PROTO_ICMP;
	}
	seal(&f, is_ipv6);
	CU_ASSERT_EQUAL(f.facts.fault, PACKET_SOUND);
	CU_ASSERT_EQUAL(f.facts.proto, is_ipv6 ? PROTO_ICMPV6 : PROTO_ICMP);
	return f;
}

static unsigned int
worker_of(const struct spread *s, const struct frame *f, unsigned int here)
{
	return spread_worker(s, &f->facts, f->bytes, f->len, here);
}

static struct spread
by_software(bool has_ports)
{
	struct spread s = { .workers = WORKERS, .has_ports = has_ports };

	hash_key_seeded(&s.key, 7);
	return s;
}

static struct spread
by_device(bool has_ports)
{
	struct spread s = { .workers = WORKERS,
		            .has_ports = has_ports,
		            .is_by_device = true,
		            .reta_size = 128 };

	return s;
}

static void
both_directions_and_icmp_errors_meet_one_worker(void)
{
	for (unsigned int ports = 0; ports < 2; ports++) {
		const struct spread s = by_software(ports);
		unsigned int met[WORKERS] = { 0 };

		for (unsigned int i = 0; i < FLOWS; i++) {
			struct end a = random_end(), b = random_end(), r = random_end();
			bool is_ipv6 = i % 2 == 1;
			struct frame there = udp(&a, &b, is_ipv6, 0),
				     back = udp(&b, &a, is_ipv6, 0),
				     error = icmp_error(&r, &a, &b, is_ipv6);
			unsigned int w = worker_of(&s, &there, 0);

			CU_ASSERT_TRUE_FATAL(w < WORKERS);
			CU_ASSERT_EQUAL(worker_of(&s, &back, 3), w);
			CU_ASSERT_EQUAL(worker_of(&s, &error, 2), w);
			met[w]++;
		}
		for (unsigned int w = 0; w < WORKERS; w++)
			CU_ASSERT(met[w] > FLOWS / WORKERS * 8 / 10 &&
			          met[w] < FLOWS / WORKERS * 12 / 10);
	}
}

/* Two flows between the same two addresses: one worker, or with luck another, as asked for. */
static void
ports_count_only_when_asked_for(void)
{
	const struct spread addresses = by_software(false), ports = by_software(true);
	unsigned int apart = 0;

	for (unsigned int i = 0; i < FLOWS; i++) {
		struct end a = random_end(), b = random_end(), c = a;
		struct frame first, second;

		c.port = (uint16_t)(a.port + 1);
		first = udp(&a, &b, i % 2, 0);
		second = udp(&c, &b, i % 2, 0);
		CU_ASSERT_EQUAL(worker_of(&addresses, &first, 0),
		                worker_of(&addresses, &second, 0));
		apart += worker_of(&ports, &first, 0) != worker_of(&ports, &second, 0);
	}
	CU_ASSERT(apart > FLOWS * 7 / 10);
}

static void
all_fragments_meet_one_worker(void)
{
	for (unsigned int ports = 0; ports < 2; ports++) {
		const struct spread soft = by_software(ports), device = by_device(ports);

		for (unsigned int i = 0; i < FLOWS; i++) {
			struct end a = random_end(), b = random_end();
			struct frame first = udp(&a, &b, false, 0x2000),
				     rest = udp(&a, &b, false, 0x00b9);

			CU_ASSERT_EQUAL(worker_of(&soft, &first, 0),
			                worker_of(&soft, &rest, 0));
			/* Here 1 got the first and 2 the rest; by addresses a device agrees. */
			CU_ASSERT_EQUAL(worker_of(&device, &first, 1),
			                ports ? worker_of(&device, &rest, 2) : 1);
		}
	}
}

/* Worker of a piece that came to worker `here`. */
static unsigned int
worker_of_piece(const struct spread *s, const struct piece *p, unsigned int here)
{
	uint8_t bytes[PIECES_ROOM];
	const uint16_t len = pieces_frame(bytes, p);
	struct facts f;

	parse_frame(bytes, len, len, &f);
	CU_ASSERT_EQUAL_FATAL(f.fault, PACKET_SOUND);
	return spread_worker(s, &f, bytes, len, here);
}

/* First, middle and last, whatever they are pieces of and whichever queue each came to. */
static void
pieces_of_any_datagram_meet_one_worker(void)
{
	static const uint8_t protos[] = { PROTO_UDP, PROTO_TCP, PROTO_ESP, PROTO_GRE };
	const struct spread rules[] = { by_software(false), by_software(true),
		                        by_device(true) };

	for (unsigned int i = 0; i < FLOWS; i++) {
		struct piece p = { .who = (uint32_t)(random_byte() << 8 | random_byte()),
			           .id = i,
			           .is_ipv6 = i % 2 != 0,
			           .has_options = i % 4 == 3,
			           .tags = (uint8_t)(i % 3),
			           .proto = protos[i / 2 % 4],
			           .there = (uint16_t)(random_byte() << 8),
			           .here = 4000,
			           .bytes = 64 };
		unsigned int first[3];

		for (unsigned int nth = 0; nth < 3; nth++, p.at += 64) {
			p.has_more = nth < 2;
			for (unsigned int k = 0; k < 3; k++) {
				const unsigned int w = worker_of_piece(
					&rules[k], &p, (i + nth) % WORKERS);

				if (nth == 0)
					first[k] = w;
				CU_ASSERT_EQUAL(w, first[k]);
			}
		}
	}
}

/* What the device did with the flow is told by its own hash. */
static void
an_icmp_error_goes_where_the_device_sent_its_flow(void)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		const struct spread s = by_device(i / 2 % 2);
		struct end a = random_end(), b = random_end(), r = random_end();
		const bool is_ipv6 = i % 2 == 1;
		const unsigned int size = is_ipv6 ? 16 : 4;
		struct frame flow = udp(&b, &a, is_ipv6, 0),
			     error = icmp_error(&r, &a, &b, is_ipv6);
		const uint8_t *ends = flow.bytes + 14 + (is_ipv6 ? 8 : 12);
		unsigned int queue;

		/* Addresses and ports stand one after the other in both headers. */
		queue = rss_queue(
			rss_hash(rss_key(), ends, 2 * size + (s.has_ports ? 4 : 0)), 128,
			WORKERS);
		CU_ASSERT_EQUAL(worker_of(&s, &error, 0), queue);
		CU_ASSERT_EQUAL(worker_of(&s, &flow, queue), queue);
	}
}

static void
what_has_no_flow_stays_where_it_came(void)
{
	const struct spread s = by_software(false);
	struct end a = random_end(), b = random_end(), r = random_end();
	struct frame arp = { .bytes = { [12] = 0x08, [13] = 0x06 }, .len = 60 };
	struct frame error = icmp_error(&r, &a, &b, false);
	struct spread other = s;
	unsigned int len = error.len;

	parse_frame(arp.bytes, arp.len, arp.len, &arp.facts);
	CU_ASSERT_EQUAL(worker_of(&s, &arp, 3), 3);
	/* A quote cut anywhere is never read beyond its end, and goes by what is left. */
	other.has_ports = true;
	for (; len > 0; len--) {
		uint8_t *bytes = malloc(len);

		CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
		memcpy(bytes, error.bytes, len);
		CU_ASSERT(spread_worker(&other, &error.facts, bytes, len, 1) < WORKERS);
		free(bytes);
	}
}

static void
a_burst_is_told_lane_by_lane(void)
{
	static struct burst b;
	static struct frame f[LANES_MAX];

	for (unsigned int rule = 0; rule < 4; rule++) {
		const struct spread s =
			rule < 2 ? by_software(rule) : by_device(rule % 2);
		alignas(32) uint8_t owner[LANES_MAX] = { 0 };
		uint64_t elsewhere, wanted = 0;

		burst_start(&b, 0, 0, SIDE_EXTERNAL);
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			struct end from = random_end(), to = random_end(),
				   r = random_end();

			f[i] = i % 5 == 4   ? icmp_error(&r, &from, &to, i % 2)
			       : i % 5 == 3 ? udp(&from, &to, false, 0x2000)
			                    : udp(&from, &to, i % 2, 0);
			b.bytes[i] = f[i].bytes;
			b.bytes_len[i] = (uint16_t)f[i].len;
			b.frame_len[i] = (uint16_t)f[i].len;
		}
		b.count = LANES_MAX;
		b.live = UINT64_MAX;
		parse_burst(&b);
		burst_drop(&b, 17, 0);
		elsewhere = spread_elsewhere(&s, &b, 2, owner);
		for (unsigned int i = 0; i < LANES_MAX; i++) {
			unsigned int w = worker_of(&s, &f[i], 2);

			if (w == 2 || i == 17)
				continue;
			wanted |= lane_bit(i);
			CU_ASSERT_EQUAL(owner[i], w);
		}
		CU_ASSERT_EQUAL(elsewhere, wanted);
		CU_ASSERT_NOT_EQUAL(elsewhere, 0);
	}
}

SUITE_MAIN("spread", TEST(both_directions_and_icmp_errors_meet_one_worker),
           TEST(ports_count_only_when_asked_for), TEST(all_fragments_meet_one_worker),
           TEST(pieces_of_any_datagram_meet_one_worker),
           TEST(an_icmp_error_goes_where_the_device_sent_its_flow),
           TEST(what_has_no_flow_stays_where_it_came), TEST(a_burst_is_told_lane_by_lane))
