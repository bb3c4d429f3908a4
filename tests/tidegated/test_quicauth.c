/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods of QUIC as frames through a whole worker: without the defence they arrive, with it
 * they do not while conversations beside them go on, and in monitor nothing changes and
 * each packet is counted. IPv4 and IPv6, with a tag and without.
 */
#include "flood_rig.h"
#include "packet/checksum.h"

#define ROUNDS    400u
#define CUSTOMERS 32u

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"16k\"; source_entries = \"16k\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"web\"; mode = \"%s\"; vectors = (\n"
	"  { vector = \"udp_flood\"; activate_rate = \"10kpps\"; max_rate = \"900Mpps\"; "
	"} );\n"
	"  sources = { packets = \"off\"; bits = \"off\"; new_connections = \"off\"; };\n"
	"  udpauth = { method = \"off\"; };\n"
	"  quicauth = { %s }; } );\n"
	"services = ( { name = \"web\"; policy = \"web\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct flood_rig r;
static bool is_ipv6, is_tagged;

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

static void
open_with(const char *mode, const char *keys)
{
	char conf[sizeof(text) + 256];

	snprintf(conf, sizeof(conf), text, mode, keys);
	rig_open(&r, conf, rig_clock);
}

enum shape { SHORT, UNDERSIZED };

/* A datagram of 40 bytes into the burst in the making. */
static void
add(enum side side, uint64_t who, enum shape shape)
{
	static const uint8_t initial[] = { 0xc3, 0, 0, 0, 1, 8, 1, 2,
		                           3,    4, 5, 6, 7, 8, 0, 0 };
	const struct packet p = { .side = side,
		                  .is_ipv6 = is_ipv6,
		                  .proto = PROTO_UDP,
		                  .who = who,
		                  .port = 443 };
	const unsigned int lane = rig_add(&r, &p), l4 = is_ipv6 ? 54 : 34, len = 40;
	struct frame *f = &r.frame[lane];
	uint8_t *ip = f->bytes + 14;

	memset(f->bytes + l4 + 8, 0x41, len);
	if (shape == UNDERSIZED)
		memcpy(f->bytes + l4 + 8, initial, sizeof(initial));
	rig_put16(f->bytes + l4 + 4, 8 + len);
	if (is_ipv6) {
		rig_put16(ip + 4, 8 + len);
	} else {
		rig_put16(ip + 2, 28 + len);
		memset(ip + 10, 0, 2);
		rig_put16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
	}
	f->len = (uint16_t)(l4 + 8 + len);
	if (!is_tagged)
		return;
	memmove(f->bytes + 16, f->bytes + 12, f->len - 12u);
	rig_put16(f->bytes + 12, 0x8100);
	rig_put16(f->bytes + 14, 9);
	f->len = (uint16_t)(f->len + 4);
}

/* Both ways for two seconds, as a page being read. */
static void
talk(void)
{
	for (unsigned int k = 0; k < 5; k++) {
		for (unsigned int side = 0; side < 2; side++) {
			rig_start(&r, side == 0 ? SIDE_EXTERNAL : SIDE_INTERNAL);
			for (unsigned int who = 1; who <= CUSTOMERS; who++)
				add(r.side, who, SHORT);
			rig_judge(&r);
		}
		r.now_ns += SECOND / 2;
	}
}

static uint64_t
books(const char *reason, bool would)
{
	const struct pipeline_books *all = &r.worker->pipeline.books;

	for (unsigned int s = 0; s < stage_count; s++)
		for (unsigned int k = 0; strcmp(stage_list[s]->name, "quicauth") == 0 &&
		                         stage_list[s]->reasons[k].name != NULL;
		     k++)
			if (strcmp(stage_list[s]->reasons[k].name, reason) == 0)
				return would ? all->would[s][k] : all->decided[s][k];
	CU_FAIL("no such reason");
	return 0;
}

/* What a flood came to: packets of it that found the vector armed, and customers'. */
struct outcome {
	uint64_t judged, passed, lost;
};

static struct outcome
flood(enum shape shape)
{
	struct outcome out = { 0 };
	uint64_t n = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		const struct burst *b;

		rig_start(&r, SIDE_EXTERNAL);
		for (unsigned int i = 0; i < 63; i++)
			add(SIDE_EXTERNAL, rig_mixed(n++) | FORGER, shape);
		add(SIDE_EXTERNAL, 1 + round % CUSTOMERS, SHORT);
		r.now_ns += 63 * MS / 1000;
		b = rig_judge(&r);
		for (unsigned int i = 0; i < 63; i++) {
			const bool is_judged = (b->armed & lane_bit(i)) != 0;

			out.judged += is_judged;
			out.passed += is_judged && b->verdict[i] == VERDICT_PASS;
		}
		out.lost += b->verdict[63] != VERDICT_PASS;
	}
	return out;
}

static void
floods_stop_and_conversations_go_on(void)
{
	static const struct {
		enum shape shape;
		const char *keys, *reason;
		unsigned int
			most; /* that pass: a burst of 100 packets, and what 25 ms allow */
	} rows[] = {
		{ UNDERSIZED, "", "undersized_initial", 0 },
		{ SHORT, "", "unknown_flow", 100 + 15 },
		{ SHORT, "fallback = true;", "fallback", 0 },
	};
	struct outcome out;

	for (unsigned int k = 0; k < 4 * 3; k++) {
		is_ipv6 = k / 3 % 2 != 0;
		is_tagged = k / 6 != 0;
		open_with("mitigate", "method = \"off\";");
		talk();
		out = flood(rows[k % 3].shape);
		CU_ASSERT(out.judged > 63 * ROUNDS - 2000);
		CU_ASSERT_EQUAL(out.passed, out.judged);
		CU_ASSERT_EQUAL(out.lost, 0);
		rig_close(&r);

		open_with("mitigate", rows[k % 3].keys);
		talk();
		out = flood(rows[k % 3].shape);
		CU_ASSERT(out.judged > 63 * ROUNDS - 2000);
		CU_ASSERT(out.passed <= rows[k % 3].most);
		CU_ASSERT_EQUAL(out.lost, 0);
		CU_ASSERT_EQUAL(books(rows[k % 3].reason, false),
		                out.judged - out.passed);
		rig_close(&r);

		open_with("monitor", rows[k % 3].keys);
		talk();
		out = flood(rows[k % 3].shape);
		CU_ASSERT_EQUAL(out.passed, out.judged);
		CU_ASSERT_EQUAL(out.lost, 0);
		CU_ASSERT_EQUAL(books(rows[k % 3].reason, false), 0);
		CU_ASSERT(books(rows[k % 3].reason, true) <= out.judged);
		CU_ASSERT(books(rows[k % 3].reason, true) + rows[k % 3].most >=
		          out.judged);
		rig_close(&r);
	}
}

SUITE_MAIN("tidegated/quicauth", TEST(floods_stop_and_conversations_go_on))
