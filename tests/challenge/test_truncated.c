/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer to a query, byte by byte, over every way that a query may take. */
#include "challenge/truncated.h"

#include "inspect/dns.h"
#include "inspect/dns_wire.h"
#include "packet/parse.h"
#include "suite.h"

static struct burst b;
static struct wire asked, w;

static const struct dns_way ways[] = {
	{ 0 },
	{ .is_ipv6 = true },
	{ .vlan = 0x6064 },
	{ .vlan = 0x6064, .inner = 0x0065 },
	{ .options = 8 },
	{ .options = 40, .vlan = 7 },
	{ .is_ipv6 = true, .vlan = 9 },
	{ .is_ipv6 = true, .extensions = 2, .vlan = 7, .inner = 8 },
};
#define WAYS (sizeof(ways) / sizeof(*ways))

static void
parse(const struct wire *frame)
{
	burst_start(&b, 0, 0, SIDE_EXTERNAL);
	b.count = 1;
	b.live = 1;
	b.bytes[0] = frame->bytes;
	b.bytes_len[0] = (uint16_t)frame->len;
	b.frame_len[0] = (uint16_t)frame->len;
	parse_burst(&b);
}

/* Turn w round; the lane then holds the answer as a receiver parses it. */
static void
turn_round(void)
{
	struct truncated t;
	const uint8_t *message;
	struct dns q;

	dns_seal(&w);
	while (w.len < 60) {
		wire_8(&w, 0xee);
		w.trailer++;
	}
	asked = w;
	parse(&w);
	CU_ASSERT_EQUAL_FATAL(b.facts[0].fault, PACKET_SOUND);
	message = w.bytes + b.facts[0].payload_off;
	CU_ASSERT_TRUE_FATAL(dns_read(message, b.facts[0].payload_len, &q));
	t = (struct truncated){
		.end = q.end,
		.has_edns = q.has_edns,
		.options =
			q.has_edns ? truncated_options(message + q.end, q.edns_data) : 0,
	};
	truncated_write(&b, 0, &t);
	w.len = b.bytes_len[0];
	parse(&w);
}

/* What holds of every answer. `records` is what follows the question. */
static void
check(const char *name, unsigned int flags, unsigned int records)
{
	const struct facts *f = &b.facts[0];
	const unsigned int question = 12 + (unsigned int)strlen(name) + 2 + 4;
	struct burst before = b;
	const uint8_t *message = w.bytes + f->payload_off;
	struct dns q;

	CU_ASSERT_EQUAL_FATAL(f->fault, PACKET_SOUND);
	parse(&asked);
	CU_ASSERT(w.len <= asked.len);
	f = &before.facts[0];
	CU_ASSERT_EQUAL(memcmp(f->src, b.facts[0].dst, 16), 0);
	CU_ASSERT_EQUAL(memcmp(f->dst, b.facts[0].src, 16), 0);
	CU_ASSERT_EQUAL(f->src_port, 53);
	CU_ASSERT_EQUAL(f->dst_port, 0x1234);
	CU_ASSERT_EQUAL(f->vlan, b.facts[0].vlan);
	CU_ASSERT_EQUAL(f->inner_vlan, b.facts[0].inner_vlan);
	CU_ASSERT_EQUAL(memcmp(w.bytes, asked.bytes + 6, 6), 0);
	CU_ASSERT_EQUAL(memcmp(w.bytes + 6, asked.bytes, 6), 0);
	CU_ASSERT_EQUAL(f->flags & FACT_OPTIONS, 0);
	CU_ASSERT_EQUAL(f->payload_len, question + records);
	w.ip = f->l3_off;
	w.udp = f->l4_off;
	CU_ASSERT_EQUAL(dns_udp_sum(&w, f->payload_off + f->payload_len), 0);
	/* Nothing of the query is left in what fills the frame. */
	for (size_t i = f->payload_off + f->payload_len; i < w.len; i++)
		CU_ASSERT_EQUAL(w.bytes[i], 0);

	CU_ASSERT_TRUE(dns_read(message, f->payload_len, &q));
	CU_ASSERT_EQUAL(q.id, 0xbeef);
	CU_ASSERT_EQUAL(q.flags, DNS_QR | DNS_TC | flags);
	CU_ASSERT_EQUAL(q.questions, 1);
	CU_ASSERT_EQUAL(q.answers + q.authorities, 0);
	CU_ASSERT_EQUAL(q.additionals, records != 0);
	CU_ASSERT_EQUAL(q.has_edns, records != 0);
	CU_ASSERT_EQUAL(q.end, question);
	CU_ASSERT_EQUAL(memcmp(message + 12, asked.bytes + b.facts[0].payload_off + 12,
	                       question - 12),
	                0);
}

static void
begin(size_t way, unsigned int flags, unsigned int additionals, const char *name)
{
	dns_begin(&w, ways[way]);
	dns_header(&w, flags, 1, additionals);
	dns_question(&w, name, 28);
}

static void
the_question_comes_back_with_tc(void)
{
	static const char *const names[] = { "www.example.com", "a.b.c.d", "abc.de",
		                             "x1.example" };

	for (size_t way = 0; way < WAYS; way++)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			begin(way, 0x0120, 0, names[i]);
			turn_round();
			check(names[i], DNS_RD, 0);
			begin(way, 0x0010, 0, names[i]);
			turn_round();
			check(names[i], 0x0010, 0);
		}
}

/* The root's question is the shortest: its frame has to be filled up. */
static void
the_shortest_frame_is_kept(void)
{
	dns_begin(&w, ways[0]);
	dns_header(&w, 0, 1, 0);
	wire_8(&w, 0);
	wire_32(&w, 0x00020001);
	turn_round();
	CU_ASSERT_EQUAL(w.len, 60);
	CU_ASSERT_EQUAL(b.facts[0].payload_len, 17);
	CU_ASSERT_EQUAL(w.bytes[59], 0);
}

static void
edns_comes_back_without_its_options(void)
{
	static const uint8_t client_cookie[12] = { 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t padding[104] = { 0, 12, 0, 100 };

	for (size_t way = 0; way < WAYS; way++)
		for (unsigned int k = 0; k < 3; k++) {
			const uint8_t *opt;

			begin(way, 0x0100, 1, "www.example.com");
			dns_opt(&w, k == 1 ? client_cookie : padding,
			        k == 0   ? 0
			        : k == 1 ? sizeof(client_cookie)
			                 : sizeof(padding));
			w.bytes[w.udp + 8 + 33 + 5] =
				0x12; /* extended code and version */
			w.bytes[w.udp + 8 + 33 + 6] = 0x01;
			turn_round();
			check("www.example.com", DNS_RD, 11);
			opt = w.bytes + b.facts[0].payload_off + 33;
			parse(&w);
			opt = w.bytes + b.facts[0].payload_off + 33;
			CU_ASSERT_EQUAL(memcmp(opt, "\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11),
			                0);
		}
}

/* A client that once got a server's cookie waits for one. */
static void
a_cookie_of_the_server_comes_back(void)
{
	static const struct {
		uint8_t option[8];
		unsigned int bytes, kept;
	} rows[] = {
		{ { 0, 10, 0, 24 }, 28, 28 }, { { 0, 10, 0, 16 }, 20, 20 },
		{ { 0, 10, 0, 40 }, 44, 44 }, { { 0, 10, 0, 24 }, 40, 28 },
		{ { 0, 10, 0, 41 }, 45, 0 },  { { 0, 10, 0, 15 }, 28, 0 },
		{ { 0, 10, 0, 40 }, 43, 0 },  { { 0, 11, 0, 24 }, 28, 0 },
	};

	for (size_t way = 0; way < WAYS; way++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			uint8_t options[64];

			memset(options, 0x5a, sizeof(options));
			memcpy(options, rows[i].option, 4);
			begin(way, 0, 1, "www.example.com");
			dns_opt(&w, options, rows[i].bytes);
			turn_round();
			check("www.example.com", 0, 11 + rows[i].kept);
			parse(&w);
			CU_ASSERT_EQUAL(memcmp(w.bytes + b.facts[0].payload_off + 33 + 11,
			                       options, rows[i].kept),
			                0);
		}
}

/* A signature, or what nobody can name, stays behind. */
static void
other_records_are_left_out(void)
{
	begin(0, 0, 1, "www.example.com");
	wire_8(&w, 0);
	wire_16(&w, 250);
	wire_fill(&w, 0x77, 200);
	turn_round();
	check("www.example.com", 0, 0);
	CU_ASSERT_EQUAL(w.len + 203, asked.len);
}

SUITE_MAIN("challenge/truncated", TEST(the_question_comes_back_with_tc),
           TEST(the_shortest_frame_is_kept), TEST(edns_comes_back_without_its_options),
           TEST(a_cookie_of_the_server_comes_back), TEST(other_records_are_left_out))
