/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of our own making are read back by our own parser and by a plain checksum. */
#include "packet/build.h"

#include "packet/burst.h"
#include "packet/parse.h"
#include "suite.h"
#include "wire.h"

static const uint8_t options[8] = { 2, 4, 5, 180, 1, 1, 4, 2 };

static const struct burst_request answer = {
	.tcp_flags = TCP_SYN | TCP_ACK,
	.window = 4096,
	.seq = 0xdeadbeef,
	.ack = 0x01020305,
	.options_len = 8,
	.options = { 2, 4, 5, 180, 1, 1, 4, 2 },
};

static void
lay(struct wire *w, unsigned int tags, bool is_ipv6, unsigned int proto)
{
	wire_ether(w);
	if (tags > 1)
		wire_tag(w, 0x88a8, 0x6007);
	if (tags > 0)
		wire_tag(w, 0x8100, 0xe00a);
	if (is_ipv6)
		wire_ipv6(w, proto);
	else
		wire_ipv4(w, proto, 8, 0x4000);
	if (proto == PROTO_TCP)
		wire_tcp(w, TCP_SYN, options, 4);
	else
		wire_udp(w);
	wire_fill(w, 'x', 3);
	wire_seal(w);
}

/* Pseudo-header and segment laid out as the RFC draws them, then summed plainly. */
static unsigned int
tcp_sum(const uint8_t *frame, size_t len, const struct facts *p)
{
	struct wire pseudo = { .len = 0 };
	size_t addresses = p->flags & FACT_IPV6 ? 32 : 8;
	size_t at = p->flags & FACT_IPV6 ? p->l3_off + 8u : p->l3_off + 12u;

	memcpy(pseudo.bytes, frame + at, addresses);
	pseudo.len = addresses;
	wire_32(&pseudo, PROTO_TCP);
	wire_32(&pseudo, (uint32_t)(len - p->l4_off));
	memcpy(pseudo.bytes + pseudo.len, frame + p->l4_off, len - p->l4_off);
	return wire_checksum(pseudo.bytes, pseudo.len + len - p->l4_off);
}

static void
check(unsigned int tags, bool is_ipv6, bool reversed)
{
	struct burst_request want = answer;
	struct facts like, made;
	uint8_t out[BUILD_MAX];
	struct wire w;
	size_t len;

	lay(&w, tags, is_ipv6, PROTO_TCP);
	parse_frame(w.bytes, w.len, w.len, &like);
	CU_ASSERT_TRUE_FATAL(build_ends(&want.ends, &like, w.bytes, reversed));
	len = build_tcp(out, &want);
	CU_ASSERT_EQUAL_FATAL(len, 14 + tags * 4 + (is_ipv6 ? 40u : 20u) + 28);
	parse_frame(out, len, len, &made);

	CU_ASSERT_EQUAL(made.fault, PACKET_SOUND);
	CU_ASSERT_EQUAL(memcmp(made.src, reversed ? like.dst : like.src, 16), 0);
	CU_ASSERT_EQUAL(memcmp(made.dst, reversed ? like.src : like.dst, 16), 0);
	CU_ASSERT_EQUAL(made.src_port, reversed ? like.dst_port : like.src_port);
	CU_ASSERT_EQUAL(made.dst_port, reversed ? like.src_port : like.dst_port);
	CU_ASSERT_EQUAL(memcmp(out, w.bytes + (reversed ? 6 : 0), 6), 0);
	CU_ASSERT_EQUAL(memcmp(out + 6, w.bytes + (reversed ? 0 : 6), 6), 0);
	/* Tags with their priority bits, and the ethertype. */
	CU_ASSERT_EQUAL(memcmp(out + 12, w.bytes + 12, 2 + tags * 4), 0);
	CU_ASSERT_EQUAL(made.tcp_flags, TCP_SYN | TCP_ACK);
	CU_ASSERT_EQUAL(made.tcp_seq, 0xdeadbeef);
	CU_ASSERT_EQUAL(made.tcp_ack, 0x01020305);
	CU_ASSERT_EQUAL(out[made.l4_off + 14] * 256 + out[made.l4_off + 15], 4096);
	CU_ASSERT_EQUAL(memcmp(out + made.l4_off + 20, options, 8), 0);
	CU_ASSERT_EQUAL(tcp_sum(out, len, &made), 0);
}

static void
both_families_with_any_tags_in_both_directions(void)
{
	for (unsigned int tags = 0; tags <= 2; tags++)
		for (unsigned int i = 0; i < 4; i++)
			check(tags, i & 1, i & 2);
}

static void
the_longest_frame_fits(void)
{
	struct burst_request want = answer;
	struct facts like;
	uint8_t out[BUILD_MAX];
	struct wire w;

	want.options_len = 40;
	memset(want.options, 1, 40);
	lay(&w, 2, true, PROTO_TCP);
	parse_frame(w.bytes, w.len, w.len, &like);
	CU_ASSERT_TRUE_FATAL(build_ends(&want.ends, &like, w.bytes, true));
	CU_ASSERT_EQUAL(build_tcp(out, &want), BUILD_MAX);
}

static bool
is_model(struct wire *w, size_t len)
{
	struct burst_ends ends;
	struct facts like;

	parse_frame(w->bytes, len, len, &like);
	return build_ends(&ends, &like, w->bytes, true);
}

/* A datagram, a later fragment, a broken segment and impossible options are no model. */
static void
what_is_not_tcp_is_refused(void)
{
	struct burst_request want = answer;
	struct facts like;
	uint8_t out[BUILD_MAX];
	struct wire w;

	lay(&w, 0, false, PROTO_UDP);
	CU_ASSERT_FALSE(is_model(&w, w.len));

	lay(&w, 0, false, PROTO_TCP);
	wire_patch(&w, w.ip + 6, 0x0001);
	wire_seal_ipv4(&w);
	CU_ASSERT_FALSE(is_model(&w, w.len));

	lay(&w, 0, false, PROTO_TCP);
	CU_ASSERT_FALSE(is_model(&w, 40));
	CU_ASSERT_TRUE(is_model(&w, w.len));

	parse_frame(w.bytes, w.len, w.len, &like);
	CU_ASSERT_TRUE_FATAL(build_ends(&want.ends, &like, w.bytes, true));
	want.options_len = 6;
	CU_ASSERT_EQUAL(build_tcp(out, &want), 0);
	want.options_len = 44;
	CU_ASSERT_EQUAL(build_tcp(out, &want), 0);
}

SUITE_MAIN("packet/build", TEST(both_families_with_any_tags_in_both_directions),
           TEST(the_longest_frame_fits), TEST(what_is_not_tcp_is_refused))
