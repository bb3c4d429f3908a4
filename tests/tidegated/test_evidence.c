/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples of a whole worker under attack: what is dropped, what is answered and what
 * monitor spares is noted as it came, customers are not, and no verdict is another one
 * than without. Both families, half of the frames with a tag.
 */
#include <stdio.h>

#include "evidence/evidence.h"
#include "flood_rig.h"
#include "telemetry/witness.h"

#define BURSTS 400u

static const char text[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"64k\"; source_entries = \"64k\"; };\n"
	"samples = { rate = \"%s\"; };\n"
	"links = ( { name = \"a\"; external = \"x0\"; internal = \"x1\"; } );\n"
	"policies = ( { name = \"shop\"; mode = \"%s\"; udpauth = { method = \"off\"; "
	"};\n"
	"  vectors = (\n"
	"  { vector = \"tcp_syn_flood\"; activate_rate = \"1kpps\"; },\n"
	"  { vector = \"udp_flood\"; activate_rate = \"1kpps\"; } ); } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static struct flood_rig r;
static struct telemetry_witness *witness;
static struct evidence_sample found[EVIDENCE_KEPT];

static uint64_t
rig_clock(void)
{
	return r.now_ns;
}

static void
open_all(const char *mode, const char *rate)
{
	char conf[sizeof(text) + 32];

	snprintf(conf, sizeof(conf), text, rate, mode);
	rig_open(&r, conf, rig_clock);
	witness = telemetry_witness_open(&r.engine.box);
	CU_ASSERT_FATAL(witness != NULL);
	CU_ASSERT_EQUAL_FATAL(
		evidence_start(
			r.engine.evidence,
			&(struct evidence_from){ .tell = telemetry_witness_tell,
	                                         .now_ns = telemetry_witness_now,
	                                         .arg = witness,
	                                         .link = telemetry_witness_links(witness),
	                                         .links = 1 }),
		0);
}

static void
close_all(void)
{
	evidence_stop(r.engine.evidence);
	telemetry_witness_close(witness);
	rig_close(&r);
}

/* Put a tag into every second frame of the burst in the making. */
static void
tag(void)
{
	for (unsigned int i = 0; i < r.count; i += 2) {
		struct frame *f = &r.frame[i];

		memmove(f->bytes + 16, f->bytes + 12, f->len - 12u);
		rig_put16(f->bytes + 12, 0x8100);
		rig_put16(f->bytes + 14, 42);
		f->len = (uint16_t)(f->len + 4);
	}
}

/* What became of it all, as one number that any other verdict would change. */
struct outcome {
	uint64_t verdicts;
	unsigned int customers; /* packets of theirs that passed */
	uint64_t stopped, would;
};

static void
count_burst(struct outcome *o, const struct burst *b)
{
	for (unsigned int i = 0; i < b->count; i++)
		o->verdicts = rig_mixed(o->verdicts ^ (uint64_t)b->verdict[i] << 16 ^
		                        ((b->spared >> i) & 1) << 8 ^ b->bytes_len[i]);
	o->stopped += lanes_count(lanes_first(b->count) & ~b->live);
	o->would += lanes_count(b->spared);
}

/* 64 SYNs or datagrams of strangers a millisecond, and a customer's segment among them. */
static struct outcome
flood(void)
{
	struct outcome o = { 0 };

	rig_connect(&r, 1, 2, false);
	for (unsigned int n = 0; n < BURSTS; n++) {
		const struct packet customer =
			rig_segment(SIDE_EXTERNAL, 1, TCP_ACK, false);
		const struct burst *b;

		rig_start(&r, SIDE_EXTERNAL);
		while (r.count < LANES_MAX - 1) {
			struct packet p =
				rig_segment(SIDE_EXTERNAL,
			                    FORGER | rig_mixed(n * LANES_MAX + r.count),
			                    TCP_SYN, (r.count & 2) != 0);

			if (n % 2 != 0) {
				p.proto = PROTO_UDP;
				p.port = 7000;
			}
			rig_add(&r, &p);
		}
		tag();
		rig_add(&r, &customer);
		b = rig_judge(&r);
		count_burst(&o, b);
		o.customers += b->verdict[LANES_MAX - 1] == VERDICT_PASS &&
		               (b->spared >> (LANES_MAX - 1)) == 0;
		r.now_ns += MS;
		engine_tick(&r.engine, r.now_ns);
		evidence_turn(r.engine.evidence);
	}
	return o;
}

/* How many samples have this verdict and a reason of this stage; each is a whole one. */
static unsigned int
samples(const char *verdict, const char *stage, uint8_t proto)
{
	const struct evidence_which which = { .reason = stage, .service = "shop" };
	const size_t n = evidence_read(r.engine.evidence, &which, found, EVIDENCE_KEPT);
	unsigned int count = 0, kinds = 0;

	for (size_t i = 0; i < n; i++) {
		const struct evidence_note *note = &found[i].note;
		const struct facts *f = &note->facts;

		if (strcmp(evidence_verdict_name(note->verdict, found[i].story.class),
		           verdict) != 0)
			continue;
		count++;
		kinds |= 1u << (((f->flags & FACT_IPV6) != 0) +
		                ((f->flags & FACT_VLAN) != 0 ? 2 : 0));
		CU_ASSERT_EQUAL(f->proto, proto);
		CU_ASSERT_EQUAL(f->dst_port, proto == PROTO_TCP ? 443 : 7000);
		/* As it came: a SYN, no answer to one. */
		if (proto == PROTO_TCP)
			CU_ASSERT_EQUAL(found[i].bytes[f->l4_off + 13], TCP_SYN);
	}
	/* IPv4 and IPv6, with a tag and without. */
	if (count > 0)
		CU_ASSERT_EQUAL(kinds, 15);
	return count;
}

static void
an_attack_leaves_samples_of_every_kind(void)
{
	open_all("mitigate", "1000pps");
	CU_ASSERT_EQUAL(flood().customers, BURSTS);
	CU_ASSERT(samples("answered", "tcpauth", PROTO_TCP) > 10);
	CU_ASSERT(samples("dropped", "shape", PROTO_UDP) > 10);
	CU_ASSERT_EQUAL(samples("would_drop", "shape", PROTO_UDP), 0);
	CU_ASSERT_STRING_EQUAL(found[0].story.mode, "mitigate");
	CU_ASSERT_NOT_EQUAL(found[0].story.attack, 0);
	CU_ASSERT_EQUAL(found[0].story.threshold, 1000);
	close_all();
}

static void
monitor_leaves_samples_of_what_it_would_do(void)
{
	struct outcome o;

	open_all("monitor", "1000pps");
	o = flood();
	CU_ASSERT_EQUAL(o.stopped, 0);
	CU_ASSERT(o.would > 0);
	CU_ASSERT_EQUAL(o.customers, BURSTS);
	CU_ASSERT(samples("would_challenge", "tcpauth", PROTO_TCP) > 10);
	CU_ASSERT(samples("would_drop", "shape", PROTO_UDP) > 10);
	CU_ASSERT_EQUAL(samples("dropped", "shape", PROTO_UDP), 0);
	CU_ASSERT_STRING_EQUAL(found[0].story.mode, "monitor");
	close_all();
}

static void
no_verdict_is_another_one_with_samples(void)
{
	static const char *const modes[] = { "learn", "monitor", "mitigate" };

	for (unsigned int m = 0; m < 3; m++) {
		struct outcome with, without;

		open_all(modes[m], "1000pps");
		with = flood();
		close_all();
		open_all(modes[m], "off");
		without = flood();
		CU_ASSERT_EQUAL(evidence_read(r.engine.evidence,
		                              &(struct evidence_which){ 0 }, found, 1),
		                0);
		close_all();
		CU_ASSERT_EQUAL(with.verdicts, without.verdicts);
		CU_ASSERT_EQUAL(with.stopped, without.stopped);
		CU_ASSERT_EQUAL(with.would, without.would);
		CU_ASSERT((m == 2) == (with.stopped > 0));
	}
}

SUITE_MAIN("tidegated/evidence", TEST(an_attack_leaves_samples_of_every_kind),
           TEST(monitor_leaves_samples_of_what_it_would_do),
           TEST(no_verdict_is_another_one_with_samples))
