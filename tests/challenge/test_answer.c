/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/answer.h"

#include <stdlib.h>

#include "frames.h"
#include "suite.h"

static struct burst b;
static struct wire w, asked;

/* The lane's SYN, kept as it was, is turned round with what it offers. */
static void
turn_round(const struct frames_spec *spec, const struct layout *layout, struct answer *a)
{
	frames_syn(&w, spec, layout);
	frames_lane(&b, &w);
	asked = w;
	CU_ASSERT_EQUAL_FATAL(b.facts[0].fault, PACKET_SOUND);
	answer_read_offer(&b, 0, &a->options);
	answer_write(&b, 0, a);
}

static bool
are_equal(const struct tcp_options *a, const struct tcp_options *c)
{
	return a->mss == c->mss && a->wscale == c->wscale && a->has_ts == c->has_ts &&
	       a->has_sack_permitted == c->has_sack_permitted && a->ts_at == c->ts_at &&
	       a->has_fast_open == c->has_fast_open && a->ts_value == c->ts_value &&
	       a->ts_echo == c->ts_echo && a->sacks == c->sacks &&
	       a->sack_at == c->sack_at;
}

/* Of the answer as the parser reads it; options that are the same, wherever they stand. */
static void
judge(const struct facts *syn, const struct answer *a)
{
	const size_t len = b.bytes_len[0];
	struct tcp_options said;
	struct facts f;
	uint8_t pseudo[40] = { 0 };
	unsigned int tcp_len;
	uint32_t sum;

	parse_frame(w.bytes, len, len, &f);
	CU_ASSERT_EQUAL(f.fault, PACKET_SOUND);
	CU_ASSERT(len <= syn->frame_len);
	CU_ASSERT_EQUAL(memcmp(f.src, syn->dst, 16), 0);
	CU_ASSERT_EQUAL(memcmp(f.dst, syn->src, 16), 0);
	CU_ASSERT_EQUAL(f.src_port, syn->dst_port);
	CU_ASSERT_EQUAL(f.dst_port, syn->src_port);
	CU_ASSERT_EQUAL(f.tcp_seq, a->seq);
	CU_ASSERT_EQUAL(f.tcp_ack, a->ack);
	CU_ASSERT_EQUAL(f.tcp_flags, a->tcp_flags);
	CU_ASSERT_EQUAL(f.ttl, 64);
	CU_ASSERT_EQUAL(f.payload_len, 0);
	CU_ASSERT_EQUAL(f.vlan, syn->vlan);
	CU_ASSERT_EQUAL(f.inner_vlan, syn->inner_vlan);
	CU_ASSERT_EQUAL(f.flags & FACT_OPTIONS, 0);
	CU_ASSERT_EQUAL(w.bytes[f.l4_off + 14] << 8 | w.bytes[f.l4_off + 15], a->window);
	CU_ASSERT_EQUAL(memcmp(w.bytes, asked.bytes + 6, 6), 0);
	CU_ASSERT_EQUAL(memcmp(w.bytes + 6, asked.bytes, 6), 0);
	CU_ASSERT_EQUAL(memcmp(w.bytes + 12, asked.bytes + 12, f.l3_off - 12u), 0);

	/* RFC 9293 3.1, RFC 8200 8.1: mapped addresses add nothing that IPv4 has not. */
	tcp_len = f.payload_off - f.l4_off + 0u;
	memcpy(pseudo, f.src, 32);
	pseudo[37] = PROTO_TCP;
	pseudo[39] = (uint8_t)tcp_len;
	sum = 0xffff & ~wire_checksum(pseudo, sizeof(pseudo));
	sum += 0xffff & ~wire_checksum(w.bytes + f.l4_off, tcp_len);
	CU_ASSERT_EQUAL(sum % 0xffff, 0);

	CU_ASSERT(options_read(w.bytes + f.l4_off, tcp_len, &said));
	CU_ASSERT_EQUAL(said.mss, a->options.mss);
	CU_ASSERT_EQUAL(said.wscale, a->options.wscale);
	CU_ASSERT_EQUAL(said.has_sack_permitted, a->options.has_sack_permitted);
	CU_ASSERT_EQUAL(said.has_ts, a->options.has_ts);
	CU_ASSERT_EQUAL(said.ts_value, a->options.ts_value);
	CU_ASSERT_EQUAL(said.ts_echo, a->options.ts_echo);
	for (size_t i = f.payload_off; i < len; i++)
		CU_ASSERT_EQUAL(w.bytes[i], 0);
}

static const struct frames_spec specs[] = {
	{ .is_ipv6 = false },
	{ .is_ipv6 = true },
	{ .tags = 1 },
	{ .tags = 2, .is_ipv6 = true },
	{ .tags = 2, .is_padded = true },
	{ .is_padded = true },
	{ .ip_options = 4 },
	{ .ip_options = 40, .is_padded = true },
	{ .is_ipv6 = true, .ip_options = 8 },
	{ .is_ipv6 = true, .ip_options = 64, .tags = 1 },
};
#define SPECS (sizeof(specs) / sizeof(*specs))

static void
every_stacks_syn_becomes_a_sound_answer(void)
{
	/* Of the known layouts macOS's alone could be shorter. */
	static const unsigned int lens[FRAMES_KNOWN] = { 20, 12, 20, 4, 0 };
	struct answer a = { .seq = 0xfedcba98,
		            .ack = 0x01020305,
		            .window = 0xfffe,
		            .tcp_flags = TCP_SYN | TCP_ACK | TCP_ECE };

	for (size_t s = 0; s < SPECS; s++)
		for (size_t l = 0; l < FRAMES_KNOWN; l++) {
			struct facts syn;
			unsigned int len;

			turn_round(&specs[s], frames_known[l], &a);
			syn = b.facts[0];
			judge(&syn, &a);
			len = syn.l3_off + (specs[s].is_ipv6 ? 40u : 20u) + 20 + lens[l];
			if (len < 60)
				len = w.len < 60 ? (unsigned int)w.len : 60;
			CU_ASSERT_EQUAL(b.bytes_len[0], len);
		}
}

/* A frame of 64 bytes with its FCS gives one of 64, whose padding tells nothing. */
static void
the_shortest_frame_stays_the_shortest(void)
{
	const struct frames_spec spec = { .is_padded = true };
	struct answer a = { .tcp_flags = TCP_SYN | TCP_ACK };

	turn_round(&spec, &frames_none, &a);
	CU_ASSERT_EQUAL(b.bytes_len[0], 60);
	judge(&b.facts[0], &a);
	turn_round(&spec, &frames_mss, &a);
	CU_ASSERT_EQUAL(b.bytes_len[0], 60);
	judge(&b.facts[0], &a);
}

/* Whatever the answer is asked to say, what the SYN has no room for is left out whole. */
static void
what_does_not_fit_is_left_out(void)
{
	static const struct {
		const struct layout *syn;
		bool is_padded;
		uint16_t mss;
		bool is_all;
	} cases[] = {
		{ &frames_none, false, 0, false },
		{ &frames_none, true, 1460, false },
		{ &frames_mss, false, 1460, false },
		{ &frames_windows, false, 1460, false },
		{ &frames_linux, false, 1460, true },
		{ &frames_macos, false, 1460, true },
	};
	const struct answer want = { .seq = 1,
		                     .ack = 2,
		                     .tcp_flags = TCP_SYN | TCP_ACK,
		                     .options = { .mss = 1460,
		                                  .wscale = 7,
		                                  .has_sack_permitted = true,
		                                  .has_ts = true,
		                                  .ts_value = 0x01020304,
		                                  .ts_echo = 0xf1f2f3f4 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct frames_spec spec = { .is_padded = cases[i].is_padded };
		struct answer fits = want;

		frames_syn(&w, &spec, cases[i].syn);
		frames_lane(&b, &w);
		asked = w;
		answer_write(&b, 0, &want);
		if (!cases[i].is_all)
			fits.options =
				(struct tcp_options){ .mss = cases[i].mss,
				                      .wscale = OPTIONS_NO_WSCALE };
		judge(&b.facts[0], &fits);
	}
}

/* All 65,536 windows bring every carry there is into the sum. */
static void
no_sum_is_wrong(void)
{
	struct answer a = { .tcp_flags = TCP_SYN | TCP_ACK };
	const struct frames_spec six = { .is_ipv6 = true }, four = { .tags = 1 };

	for (unsigned int window = 0; window <= UINT16_MAX; window += window % 7 + 1) {
		a.window = (uint16_t)window;
		a.seq = (uint32_t)window * 0x9e3779b1;
		a.ack = ~a.seq;
		turn_round(window % 2 ? &six : &four, frames_known[window % FRAMES_KNOWN],
		           &a);
		judge(&b.facts[0], &a);
	}
}

/* Options in the order of known stacks, spoiled in any byte, and any others. */
static void
offers_are_read_as_the_plain_reader_reads_them(void)
{
	const struct frames_spec spec = { .tags = 1 };
	unsigned int known = 0;

	for (unsigned int n = 0; n < 100000; n++) {
		struct layout l = *frames_known[n % FRAMES_KNOWN];
		struct tcp_options fast, slow;
		const uint8_t *tcp;

		if (n % 3 != 0 && l.len > 0)
			l.bytes[(unsigned int)rand() % l.len] = (uint8_t)(rand() % 12);
		if (n % 7 == 0 && l.len > 0)
			l.bytes[(unsigned int)rand() % l.len] = (uint8_t)rand();
		frames_syn(&w, &spec, &l);
		frames_lane(&b, &w);
		if (b.facts[0].fault != PACKET_SOUND)
			continue;
		known++;
		tcp = w.bytes + b.facts[0].l4_off;
		memset(&fast, 0xa5, sizeof(fast));
		answer_read_offer(&b, 0, &fast);
		CU_ASSERT(options_read(tcp, w.len - b.facts[0].l4_off, &slow));
		if (!are_equal(&fast, &slow))
			CU_FAIL("an offer is read otherwise");
	}
	CU_ASSERT(known > 50000);
}

SUITE_MAIN("challenge/answer", TEST(every_stacks_syn_becomes_a_sound_answer),
           TEST(the_shortest_frame_stays_the_shortest),
           TEST(what_does_not_fit_is_left_out), TEST(no_sum_is_wrong),
           TEST(offers_are_read_as_the_plain_reader_reads_them))
