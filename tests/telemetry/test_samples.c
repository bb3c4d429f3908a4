/* SPDX-License-Identifier: BSD-3-Clause */
/* Kept packets as a document: named as configured, and tied to their attack. */
#include "evidence/see.h"
#include "packet/parse.h"
#include "suite.h"
#include "telemetry/by_hand.h"
#include "telemetry/witness.h"

static struct box *box;
static struct telemetry *t;
static struct telemetry_witness *witness;
static struct burst b;

/* 60 bytes of UDP, 198.51.100.7:4242 > 203.0.113.10:80. */
static uint8_t frame[60] = { 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0,
	                     /* IPv4 */
	                     0x45, 0, 0, 46, 0, 0, 0, 0, 57, 17, 0x1b, 0x7a, 198, 51, 100,
	                     7, 203, 0, 113, 10,
	                     /* UDP */
	                     0x10, 0x92, 0, 80, 0, 26 };

static unsigned int
stage_of(const char *name)
{
	for (unsigned int s = 0; s < stage_count; s++)
		if (strcmp(stage_list[s]->name, name) == 0)
			return s;
	abort();
}

/* One packet that worker 1 stops at this stage. */
static void
stop(const char *stage, enum verdict verdict, bool is_armed)
{
	memset(&b, 0, sizeof(b));
	burst_start(&b, hand.now_ns, 0, SIDE_EXTERNAL);
	b.bytes[0] = frame;
	b.bytes_len[0] = b.frame_len[0] = sizeof(frame);
	b.count = 1;
	b.live = 1;
	parse_burst(&b);
	b.service[0] = 1;
	b.stage[0] = (uint8_t)stage_of(stage);
	b.armed = is_armed;
	if (verdict == VERDICT_PASS)
		b.spared = 1;
	else
		burst_stop(&b, 0, verdict, 0);
	evidence_see(evidence_eye(box->evidence, 1), &b);
}

static json_t *
ask(const char *key, const char *value)
{
	struct telemetry_ask a;
	const struct telemetry_document *d;
	char why[160];

	telemetry_ask_init(&a);
	d = telemetry_find("samples", &a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	if (key != NULL)
		CU_ASSERT_EQUAL_FATAL(telemetry_ask_set(&a, key, value, why), 0);
	evidence_turn(box->evidence);
	return d->make(t, &a);
}

static size_t
count(const char *key, const char *value)
{
	json_t *o = ask(key, value);
	const size_t n = json_array_size(json_object_get(o, "samples"));

	json_decref(o);
	return n;
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void
open_all(void)
{
	box = hand_open();
	t = telemetry_open(box);
	witness = telemetry_witness_open(box);
	CU_ASSERT_FATAL(t != NULL && witness != NULL);
	CU_ASSERT_EQUAL_FATAL(
		evidence_start(box->evidence,
	                       &(struct evidence_from){
				       .tell = telemetry_witness_tell,
				       .now_ns = telemetry_witness_now,
				       .arg = witness,
				       .links = 1,
				       .link = telemetry_witness_links(witness) }),
		0);
}

static void
close_all(void)
{
	evidence_stop(box->evidence);
	telemetry_witness_close(witness);
	telemetry_close(t);
	hand_close(box);
}

static void
a_packet_has_the_names_of_the_configuration(void)
{
	json_t *o, *s;

	open_all();
	stop("lists", VERDICT_DROP, false);
	o = ask(NULL, NULL);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "packets_per_second")), 10);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "last")), 1);
	CU_ASSERT_TRUE(json_is_null(json_object_get(o, "files")));
	s = json_array_get(json_object_get(o, "samples"), 0);
	CU_ASSERT_STRING_EQUAL(text(s, "time"), "2026-11-21T22:30:01.000Z");
	CU_ASSERT_STRING_EQUAL(text(s, "link"), "uplink");
	CU_ASSERT_STRING_EQUAL(text(s, "side"), "external");
	CU_ASSERT_STRING_EQUAL(text(s, "verdict"), "dropped");
	CU_ASSERT_EQUAL(strncmp(text(s, "reason"), "lists.", 6), 0);
	CU_ASSERT_STRING_EQUAL(text(s, "service"), "shop");
	CU_ASSERT_STRING_EQUAL(text(s, "policy"), "web");
	CU_ASSERT_STRING_EQUAL(text(s, "mode"), "mitigate");
	CU_ASSERT_STRING_EQUAL(text(s, "vector"), "udp_flood");
	CU_ASSERT_STRING_EQUAL(text(s, "src_ip"), "198.51.100.7");
	CU_ASSERT_STRING_EQUAL(text(s, "dest_ip"), "203.0.113.10");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(s, "src_port")), 4242);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(s, "dest_port")), 80);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(s, "length")), 60);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(s, "worker")), 1);
	CU_ASSERT_EQUAL(strlen(text(s, "bytes")), 120);
	CU_ASSERT_EQUAL(strncmp(text(s, "bytes"), "0200000000020200000000010800", 28), 0);
	CU_ASSERT_STRING_EQUAL(text(s, "summary"),
	                       "UDP 198.51.100.7:4242 > 203.0.113.10:80, 60 bytes");
	CU_ASSERT_TRUE(json_is_null(json_object_get(s, "attack")));
	json_decref(o);
	close_all();
}

static void
what_monitor_spares_says_so(void)
{
	json_t *o, *s;

	open_all();
	stop("sanity", VERDICT_PASS, false);
	o = ask(NULL, NULL);
	s = json_array_get(json_object_get(o, "samples"), 0);
	CU_ASSERT_STRING_EQUAL(text(s, "verdict"), "would_drop");
	CU_ASSERT_STRING_EQUAL(text(s, "mode"), "monitor");
	json_decref(o);
	close_all();
}

/* What came while its service and vector were under attack belongs to the attack. */
static void
packets_of_an_attack_are_found_by_its_id(void)
{
	char id[TELEMETRY_ATTACK_ID];
	struct detect_attack a;
	json_t *o, *s, *of;

	open_all();
	hand_flood(box, 10000, 600);
	CU_ASSERT_EQUAL_FATAL(detect_read_attacks(box->detect, &a, 1), 1);
	telemetry_attack_id(box, &a, id);
	stop("shape", VERDICT_DROP, true);
	stop("lists", VERDICT_DROP, false);
	CU_ASSERT_EQUAL(count(NULL, NULL), 2);
	CU_ASSERT_EQUAL(count("attack", "a-20261121-9999"), 0);
	CU_ASSERT_EQUAL(count("reason", "lists"), 1);
	CU_ASSERT_EQUAL(count("service", "shop"), 2);
	CU_ASSERT_EQUAL(count("service", "nobody"), 0);
	CU_ASSERT_EQUAL(count("after", "1"), 1);
	CU_ASSERT_EQUAL(count("ip", "198.51.100.7"), 2);
	CU_ASSERT_EQUAL(count("ip", "198.51.100.8"), 0);
	o = ask("attack", id);
	CU_ASSERT_EQUAL_FATAL(json_array_size(json_object_get(o, "samples")), 1);
	s = json_array_get(json_object_get(o, "samples"), 0);
	CU_ASSERT_EQUAL(strncmp(text(s, "reason"), "shape.", 6), 0);
	of = json_object_get(s, "attack");
	CU_ASSERT_STRING_EQUAL(text(of, "attack_id"), id);
	CU_ASSERT_STRING_EQUAL(text(of, "metric"), "packets_per_second");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(of, "threshold")), 1000);
	CU_ASSERT(json_integer_value(json_object_get(of, "value")) >= 1000);
	json_decref(o);
	close_all();
}

static void
wrong_questions_are_refused(void)
{
	static const char *const wrong[][2] = {
		{ "after", "-1" }, { "after", "x" },  { "after", "99999999999999999999" },
		{ "reason", "" },  { "service", "" }, { "limit", "257" },
	};
	struct telemetry_ask a;
	char why[160];

	telemetry_ask_init(&a);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CU_ASSERT_EQUAL(telemetry_ask_set(&a, wrong[i][0], wrong[i][1], why),
		                -EINVAL);
}

SUITE_MAIN("telemetry/samples", TEST(a_packet_has_the_names_of_the_configuration),
           TEST(what_monitor_spares_says_so),
           TEST(packets_of_an_attack_are_found_by_its_id),
           TEST(wrong_questions_are_refused))
