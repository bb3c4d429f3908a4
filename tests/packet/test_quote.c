/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_quote - an error says whose segment it quotes, and is told in the reader's numbers
 * with all of its checksums.
 */
#include "packet/quote.h"

#include <stdbool.h>
#include <stdlib.h>

#include "packet/translate.h"
#include "segment.h"
#include "suite.h"

#define ROUNDS 100000

enum { SEQ = 4, ACK = 8, CHECKSUM = 16, TCP = 32, WHOLE = TCP + 20 };

static const uint8_t stamp[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
static const struct translation t = { .seq = 0xfedcba98,
	                              .ack = 0x12345678,
	                              .ts_value = 7,
	                              .ts_echo = 9,
	                              .window_shift = 3 };

struct kind {
	int is_ipv6;
	unsigned int ip_options; /* bytes of them in the quoted IPv4 header */
};

static const struct kind kinds[] = { { 0, 0 }, { 1, 0 }, { 0, 4 }, { 0, 40 } };

/* The segment that did not get through, as it was sent. */
static void
lay_sent(struct wire *w, const struct kind *k)
{
	wire_ether(w);
	if (k->is_ipv6)
		wire_ipv6(w, PROTO_TCP);
	else
		wire_ipv4(w, PROTO_TCP, k->ip_options, 0x4000);
	wire_tcp(w, TCP_ACK | TCP_PSH, stamp, 12);
	wire_fill(w, 'p', 20);
	segment_seal(w);
}

/* What a router says of it: too big. It quotes so many bytes behind the IP header. */
static void
lay_error(struct wire *w, const struct wire *sent, unsigned int quoted)
{
	const struct facts f = segment_facts(sent);
	const size_t n = (size_t)(f.l4_off - f.l3_off) + quoted;

	wire_ether(w);
	if ((f.flags & FACT_IPV6) != 0) {
		wire_ipv6(w, PROTO_ICMPV6);
		wire_icmp(w, 2, 0);
	} else {
		wire_ipv4(w, PROTO_ICMP, 0, 0);
		wire_icmp(w, 3, 4);
	}
	memcpy(w->bytes + w->len, sent->bytes + f.l3_off, n);
	w->len += n;
	segment_seal(w);
}

static bool
read_quote(const struct wire *w, struct quote *q)
{
	const struct facts f = segment_facts(w);

	CU_ASSERT_EQUAL(f.fault, PACKET_SOUND);
	return quote_read(&f, w->bytes, w->len, q);
}

static void
translate(struct wire *w, const struct translation *by)
{
	const struct facts f = segment_facts(w);
	struct quote q;

	if (quote_read(&f, w->bytes, w->len, &q))
		translate_quote(w->bytes, w->len, &f, &q, by);
}

static bool
is_right(const struct wire *w)
{
	const struct facts f = segment_facts(w);

	return segment_checksum(w->bytes, &f) == 0;
}

/* The quoted packet by itself, which has to be quoted whole. */
static bool
quote_is_right(const struct wire *w, const struct wire *sent)
{
	const struct facts f = segment_facts(w);
	struct wire inner = *sent;

	memcpy(inner.bytes + inner.ip, w->bytes + f.payload_off, inner.len - inner.ip);
	return is_right(&inner);
}

/* --- reading --- */

static void
an_error_says_whose_segment_it_quotes(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct wire sent, w;
		struct facts f;
		struct quote q;

		lay_sent(&sent, &kinds[i]);
		f = segment_facts(&sent);
		lay_error(&w, &sent, 11);
		CU_ASSERT_FATAL(read_quote(&w, &q));
		CU_ASSERT_EQUAL(memcmp(q.src, f.src, 16), 0);
		CU_ASSERT_EQUAL(memcmp(q.dst, f.dst, 16), 0);
		CU_ASSERT_EQUAL(q.src_port, f.src_port);
		CU_ASSERT_EQUAL(q.dst_port, f.dst_port);
		CU_ASSERT_EQUAL(q.proto, PROTO_TCP);
		CU_ASSERT_EQUAL(q.l4_off, w.len - 11);
		CU_ASSERT_EQUAL(q.l4_len, 11);
	}
}

static void
only_errors_quote(void)
{
	static const struct {
		struct kind kind;
		uint8_t first, last;
	} errors[] = { { { 0, 0 }, 3, 5 }, { { 0, 0 }, 11, 12 }, { { 1, 0 }, 1, 127 } };

	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		const struct kind kind = { is_ipv6, 0 };
		struct wire sent, w;
		struct quote q;

		lay_sent(&sent, &kind);
		lay_error(&w, &sent, 8);
		for (unsigned int type = 0; type < 256; type++) {
			bool is_error = false;

			for (size_t i = 0; i < 3; i++)
				if (errors[i].kind.is_ipv6 == is_ipv6 &&
				    type >= errors[i].first && type <= errors[i].last)
					is_error = true;
			w.bytes[segment_facts(&w).l4_off] = (uint8_t)type;
			CU_ASSERT_EQUAL(read_quote(&w, &q), is_error);
		}
	}
}

/* Which bytes of the quoted packet are put in, and whether its ends are known then. */
static void
what_has_no_ports_is_quoted_without(void)
{
	static const struct {
		struct kind kind;
		uint8_t at, value;
		bool is_read, has_ports;
	} table[] = {
		{ { 0, 0 }, 9, PROTO_TCP, true, true },
		{ { 0, 0 }, 9, PROTO_UDP, true, true },
		{ { 0, 0 }, 9, PROTO_ICMP, true, false },
		{ { 0, 0 }, 6, 0x20, true, false },
		{ { 0, 0 }, 7, 0x01, true, false },
		{ { 0, 0 }, 6, 0x40, true, true },
		{ { 0, 0 }, 0, 0x44, true, false },
		{ { 0, 0 }, 0, 0x4f, true, false },
		{ { 0, 0 }, 0, 0x65, false, false },
		{ { 1, 0 }, 6, PROTO_UDP, true, true },
		{ { 1, 0 }, 6, PROTO_FRAGMENT, true, false },
		{ { 1, 0 }, 6, PROTO_ESP, true, false },
		{ { 1, 0 }, 0, 0x45, false, false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct wire sent, w;
		struct quote q;

		lay_sent(&sent, &table[i].kind);
		lay_error(&w, &sent, 8);
		w.bytes[segment_facts(&w).payload_off + table[i].at] = table[i].value;
		CU_ASSERT_EQUAL(read_quote(&w, &q), table[i].is_read);
		if (!table[i].is_read)
			continue;
		CU_ASSERT_EQUAL(q.l4_off != 0, table[i].has_ports);
		CU_ASSERT_EQUAL(q.l4_len, table[i].has_ports ? 8 : 0);
		CU_ASSERT_EQUAL(q.src_port, table[i].has_ports ? 0x1234 : 0);
		CU_ASSERT_EQUAL(q.dst_port, table[i].has_ports ? 443 : 0);
	}
}

/* A flow without ports is known by its addresses, an echo's by its identifier. */
static void
the_ends_of_other_protocols_are_told_where_they_can_be(void)
{
	static const struct {
		struct kind kind;
		uint8_t at, proto, type;
		bool has_ends;
		uint16_t port;
	} table[] = {
		{ { 0, 0 }, 9, PROTO_TCP, 0x12, true, 0x1234 },
		{ { 0, 0 }, 9, PROTO_ESP, 0x12, true, 0 },
		{ { 0, 0 }, 9, PROTO_ICMP, 8, true, 0x77 },
		{ { 0, 0 }, 9, PROTO_ICMP, 0, true, 0x77 },
		{ { 0, 0 }, 9, PROTO_ICMP, 13, false, 0 },
		{ { 1, 0 }, 6, PROTO_ESP, 0x12, true, 0 },
		{ { 1, 0 }, 6, PROTO_ICMPV6, 128, true, 0x77 },
		{ { 1, 0 }, 6, PROTO_ICMPV6, 129, true, 0x77 },
		{ { 1, 0 }, 6, PROTO_ICMPV6, 135, false, 0 },
		{ { 1, 0 }, 6, PROTO_FRAGMENT, 0x12, false, 0 },
		{ { 1, 0 }, 6, PROTO_DSTOPTS, 0x12, false, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct wire sent, w;
		struct quote q;
		size_t at, l4;

		lay_sent(&sent, &table[i].kind);
		lay_error(&w, &sent, 8);
		at = segment_facts(&w).payload_off;
		l4 = at + (table[i].kind.is_ipv6 ? 40 : 20);
		w.bytes[at + table[i].at] = table[i].proto;
		w.bytes[l4] = table[i].type;
		w.bytes[l4 + 4] = 0;
		w.bytes[l4 + 5] = 0x77;
		CU_ASSERT_FATAL(read_quote(&w, &q));
		CU_ASSERT_EQUAL(q.has_ends, table[i].has_ends);
		if (table[i].proto != PROTO_TCP)
			CU_ASSERT_EQUAL(q.src_port, table[i].port);
	}
	/* An echo whose identifier is cut off, and a fragment of a datagram. */
	for (int cut = 0; cut < 2; cut++) {
		struct wire sent, w;
		struct quote q;

		lay_sent(&sent, &kinds[0]);
		lay_error(&w, &sent, cut ? 5 : 8);
		w.bytes[segment_facts(&w).payload_off + (cut ? 9 : 6)] =
			cut ? PROTO_ICMP : 0x20;
		CU_ASSERT_FATAL(read_quote(&w, &q));
		CU_ASSERT_FALSE(q.has_ends);
	}
}

static void
a_quote_may_end_anywhere(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct wire sent, w;
		struct facts f;

		lay_sent(&sent, &kinds[i]);
		lay_error(&w, &sent, 8);
		f = segment_facts(&w);
		for (size_t len = f.payload_off; len <= w.len; len++) {
			const size_t header = kinds[i].is_ipv6 ? 40 : 20;
			uint8_t *exact = malloc(len);
			struct quote q;
			bool is_read;

			memcpy(exact, w.bytes, len);
			is_read = quote_read(&f, exact, len, &q);
			CU_ASSERT_EQUAL(is_read, len >= f.payload_off + header);
			CU_ASSERT_EQUAL(q.l4_off != 0, len + 4 >= w.len);
			if (is_read)
				translate_quote(exact, len, &f, &q, &t);
			CU_ASSERT_EQUAL(memcmp(exact, w.bytes, len) == 0, len < w.len);
			free(exact);
		}
	}
}

static void
what_is_not_readable_is_left(void)
{
	struct wire sent, w, before;
	struct facts f;
	struct quote q;

	lay_sent(&sent, &kinds[1]);
	lay_error(&w, &sent, WHOLE);
	before = w;
	f = segment_facts(&w);
	CU_ASSERT_FATAL(read_quote(&w, &q));
	for (size_t len = 0; len < w.len; len++)
		translate_quote(w.bytes, len, &f, &q, &t);
	CU_ASSERT_EQUAL(memcmp(&w, &before, sizeof(w)), 0);
}

static void
padding_is_no_quote(void)
{
	struct wire sent, w;
	struct quote q;

	lay_sent(&sent, &kinds[0]);
	lay_error(&w, &sent, 3);
	wire_fill(&w, 0, 20);
	CU_ASSERT(read_quote(&w, &q));
	CU_ASSERT_EQUAL(q.l4_off, 0);
	lay_error(&w, &sent, 8);
	wire_fill(&w, 0, 20);
	CU_ASSERT(read_quote(&w, &q));
	CU_ASSERT_EQUAL(q.l4_len, 8);
	translate(&w, &t);
	CU_ASSERT(is_right(&w));
}

/* --- translating --- */

static void
as_much_as_is_quoted_is_translated(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (unsigned int quoted = 0; quoted <= WHOLE; quoted++) {
			struct wire sent, w, before;
			uint8_t *tcp, *old;
			uint32_t moved;

			lay_sent(&sent, &kinds[i]);
			lay_error(&w, &sent, quoted);
			before = w;
			translate(&w, &t);
			CU_ASSERT(is_right(&w));
			if (quoted < 8) {
				CU_ASSERT_EQUAL(memcmp(&w, &before, sizeof(w)), 0);
				continue;
			}
			tcp = w.bytes + w.len - quoted;
			old = before.bytes + w.len - quoted;
			CU_ASSERT_EQUAL(segment_32(tcp + SEQ),
			                segment_32(old + SEQ) + t.seq);
			moved = quoted >= 14 ? t.ack : 0;
			if (quoted >= 12)
				CU_ASSERT_EQUAL(segment_32(tcp + ACK),
				                segment_32(old + ACK) + moved);
			if (quoted == WHOLE)
				CU_ASSERT(quote_is_right(&w, &sent));
			if (quoted > 18)
				CU_ASSERT_EQUAL(memcmp(tcp + 18, old + 18, quoted - 18),
				                0);
		}
}

static void
without_ack_nothing_is_acknowledged(void)
{
	struct wire sent, w, before;

	segment_lay(&sent, 0, TCP_SYN, stamp, 12, 20);
	lay_error(&w, &sent, WHOLE);
	before = w;
	translate(&w, &t);
	CU_ASSERT(is_right(&w));
	CU_ASSERT(quote_is_right(&w, &sent));
	CU_ASSERT_EQUAL(memcmp(w.bytes + w.len - WHOLE + ACK,
	                       before.bytes + w.len - WHOLE + ACK, 8),
	                0);
}

static void
another_protocol_is_left(void)
{
	struct wire sent, w, before;

	lay_sent(&sent, &kinds[1]);
	lay_error(&w, &sent, WHOLE);
	w.bytes[segment_facts(&w).payload_off + 6] = PROTO_UDP;
	before = w;
	translate(&w, &t);
	CU_ASSERT_EQUAL(memcmp(&w, &before, sizeof(w)), 0);
}

/* The unused word of the ICMP header takes the checksum through all of its values. */
static void
every_checksum_agrees_with_the_full_sum(void)
{
	for (size_t i = 0; i < 2; i++)
		for (unsigned int word = 0; word < 65536; word++) {
			struct wire sent, w;
			struct facts f;

			lay_sent(&sent, &kinds[i]);
			lay_error(&w, &sent, word % 2 == 0 ? 8 : WHOLE);
			f = segment_facts(&w);
			wire_patch(&w, f.l4_off + 4u, word);
			segment_seal(&w);
			translate(&w, &t);
			CU_ASSERT_FATAL(is_right(&w));
			CU_ASSERT_NOT_EQUAL_FATAL(segment_16(w.bytes + f.l4_off + 2),
			                          0xffff);
		}
}

static void
a_broken_checksum_stays_broken(void)
{
	for (unsigned int by = 1; by < 65535; by++) {
		struct wire sent, w;
		unsigned int at;

		lay_sent(&sent, &kinds[by % 4]);
		lay_error(&w, &sent, by % 3 == 0 ? WHOLE : 8);
		at = segment_facts(&w).l4_off + 2u;
		wire_patch(&w, at, (segment_16(w.bytes + at) + by) % 65535);
		translate(&w, &t);
		CU_ASSERT_FATAL(!is_right(&w));
		wire_patch(&w, at, (segment_16(w.bytes + at) + 65535 - by) % 65535);
		CU_ASSERT_FATAL(is_right(&w));
	}
}

static void
nothing_added_changes_nothing(void)
{
	static const struct translation none;

	for (unsigned int sum = 0; sum < 65536; sum++) {
		struct wire sent, w, before;

		lay_sent(&sent, &kinds[sum % 2]);
		segment_put16(sent.bytes + segment_facts(&sent).l4_off + CHECKSUM, sum);
		lay_error(&w, &sent, sum % 3 == 0 ? WHOLE : 8);
		wire_patch(&w, segment_facts(&w).l4_off + 2u, sum);
		before = w;
		translate(&w, &none);
		CU_ASSERT_EQUAL_FATAL(memcmp(&w, &before, sizeof(w)), 0);
	}
}

/* Memory of the exact size, where a sanitizer would see one byte too many. */
static void
random_quotes_come_back_as_they_were(void)
{
	const struct translation back = { -t.seq, -t.ack, 0, 0, 0 };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		const unsigned int quoted = segment_random() % (WHOLE + 1);
		struct wire sent, w;
		struct facts f;
		struct quote q;
		uint8_t *exact;

		lay_sent(&sent, &kinds[segment_random() % 4]);
		lay_error(&w, &sent, quoted);
		f = segment_facts(&w);
		/* None becomes 255, or a checksum could become the other zero. */
		for (unsigned int k = segment_random() % 4; k > 0; k--)
			w.bytes[f.payload_off + segment_random() % f.payload_len] =
				(uint8_t)(segment_random() % 255);
		if (i % 2 == 0)
			segment_seal(&w);
		f = segment_facts(&w);
		exact = malloc(w.len);
		memcpy(exact, w.bytes, w.len);
		if (quote_read(&f, exact, w.len, &q)) {
			translate_quote(exact, w.len, &f, &q, &t);
			if (i % 2 == 0)
				CU_ASSERT_EQUAL_FATAL(segment_checksum(exact, &f), 0);
			translate_quote(exact, w.len, &f, &q, &back);
		}
		CU_ASSERT_EQUAL_FATAL(memcmp(exact, w.bytes, w.len), 0);
		free(exact);
	}
}

SUITE_MAIN("packet/quote", TEST(an_error_says_whose_segment_it_quotes),
           TEST(only_errors_quote), TEST(what_has_no_ports_is_quoted_without),
           TEST(the_ends_of_other_protocols_are_told_where_they_can_be),
           TEST(a_quote_may_end_anywhere), TEST(what_is_not_readable_is_left),
           TEST(padding_is_no_quote), TEST(as_much_as_is_quoted_is_translated),
           TEST(without_ack_nothing_is_acknowledged), TEST(another_protocol_is_left),
           TEST(every_checksum_agrees_with_the_full_sum),
           TEST(a_broken_checksum_stays_broken), TEST(nothing_added_changes_nothing),
           TEST(random_quotes_come_back_as_they_were))
