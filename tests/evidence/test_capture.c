/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures: exactly what was asked for, bounded in every way, and nothing freed under a worker. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "evidence/capture.h"
#include "eye_rig.h"
#include "io/capture.h"

static struct evidence_wanted
wanted(uint8_t verdicts, const char *expression)
{
	struct evidence_wanted w = { .verdicts = verdicts,
		                     .packets = 1000,
		                     .for_ns = 60 * SECOND,
		                     .bytes = 1 << 20 };

	snprintf(w.expression, sizeof(w.expression), "%s", expression);
	return w;
}

/* Whether expressions can be read at all; without libpcap that is all there is to say. */
static bool
has_expressions(void)
{
	struct evidence_wanted w = wanted(0, "udp");
	char why[EVIDENCE_WHY];
	uint32_t id;
	int rc;

	rig_open(0);
	rc = evidence_capture_start(r.e, &w, &id, why);
	rig_close();
	CU_ASSERT(rc == 0 || (rc == -ENOTSUP && strstr(why, "libpcap") != NULL));
	return rc == 0;
}

static uint32_t
start(const struct evidence_wanted *w)
{
	char why[EVIDENCE_WHY];
	uint32_t id = 0;

	CU_ASSERT_EQUAL_FATAL(evidence_capture_start(r.e, w, &id, why), 0);
	return id;
}

static struct evidence_capture
state(uint32_t id)
{
	static struct evidence_capture all[EVIDENCE_HELD], none;
	const size_t n = evidence_capture_list(r.e, all, EVIDENCE_HELD);

	for (size_t i = 0; i < n; i++)
		if (all[i].id == id)
			return all[i];
	return none;
}

/* Packets in the file of a capture, whose whole bytes were fetched in one piece. */
static unsigned int
packets(uint32_t id)
{
	char path[] = "/tmp/evidence-capture-XXXXXX", why[CAPTURE_WHY];
	struct capture_frame frame;
	struct capture *c;
	char *bytes;
	size_t len;
	unsigned int n = 0;
	int fd = mkstemp(path);

	CU_ASSERT_EQUAL_FATAL(evidence_capture_read(r.e, id, 0, &bytes, &len), 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	free(bytes);
	CU_ASSERT_EQUAL_FATAL(capture_open(path, &c, why), 0);
	while (capture_next(c, &frame) == 1)
		n++;
	CU_ASSERT_FALSE(capture_is_truncated(c));
	capture_close(c);
	unlink(path);
	return n;
}

/* Both families, with a tag and without, from two hosts, among them what is dropped. */
static void
mixed_burst(void)
{
	rig_start();
	for (unsigned int i = 0; i < 32; i++)
		rig_add(&(struct look){ .is_ipv6 = i & 1,
		                        .vlan = (i & 2) != 0 ? 42 : 0,
		                        .who = (i & 4) != 0 ? 0xc6336407 : 0x42000001,
		                        .port = (i & 8) != 0 ? 53 : 443 });
	rig_parse();
	for (unsigned int i = 16; i < 32; i++)
		rig_stop(i, VERDICT_DROP, 1, 1);
	rig_see();
}

static void
exactly_what_the_expression_says(void)
{
	static const struct {
		uint8_t verdicts;
		const char *text;
		unsigned int count;
	} cases[] = {
		{ 0, "", 32 },
		{ 0, "udp", 32 },
		{ 0, "tcp", 0 },
		{ 0, "host 198.51.100.7", 8 },
		{ 0, "ip6 and port 53", 8 },
		{ 0, "src host 2001:db8::c633:6407 and port 443", 4 },
		{ 1 << EVIDENCE_PASSED, "host 198.51.100.7", 4 },
		{ 1 << EVIDENCE_DROPPED, "host 198.51.100.7", 4 },
		{ 1 << EVIDENCE_ANSWERED, "host 198.51.100.7", 0 },
		{ 1 << EVIDENCE_PASSED | 1 << EVIDENCE_DROPPED, "", 32 },
	};

	if (!has_expressions())
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct evidence_wanted w = wanted(cases[i].verdicts, cases[i].text);
		uint32_t id;

		rig_open(0);
		mixed_burst();
		id = start(&w);
		mixed_burst();
		evidence_turn(r.e);
		CU_ASSERT_EQUAL(state(id).packets, cases[i].count);
		CU_ASSERT_EQUAL(packets(id), cases[i].count);
		CU_ASSERT_EQUAL(state(id).lost + state(id).unasked, 0);
		rig_close();
	}
}

static void
every_verdict_service_and_reason(void)
{
	static const struct {
		struct evidence_wanted wanted;
		unsigned int count;
	} cases[] = {
		{ { .verdicts = 1 << EVIDENCE_PASSED }, 1 },
		{ { .verdicts = 1 << EVIDENCE_DROPPED }, 2 },
		{ { .verdicts = 1 << EVIDENCE_ANSWERED }, 1 },
		{ { .verdicts = 1 << EVIDENCE_CONSUMED }, 1 },
		{ { .verdicts = 1 << EVIDENCE_WOULD }, 1 },
		{ { .has_service = true, .service = 9 }, 1 },
		{ { .has_stage = true, .stage = 1 }, 3 },
		{ { .has_stage = true, .stage = 1, .has_reason = true, .reason = 2 }, 2 },
		{ { .has_stage = true, .stage = 0 }, 0 },
		{ { .verdicts = 1 << EVIDENCE_PASSED, .has_stage = true, .stage = 1 },
		  0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence_wanted w = cases[i].wanted;
		uint32_t id;

		rig_open(0);
		w.packets = 100;
		w.for_ns = SECOND;
		w.bytes = 1 << 20;
		id = start(&w);
		rig_start();
		for (unsigned int k = 0; k < 6; k++)
			rig_add(&(struct look){ .who = k });
		rig_parse();
		r.b.service[5] = 9;
		rig_stop(0, VERDICT_DROP, 1, 1);
		rig_stop(1, VERDICT_REPLY, 1, 2);
		rig_stop(2, VERDICT_CONSUME, 2, 3);
		rig_spare(3, 1, 2);
		rig_stop(4, VERDICT_DROP, 2, 1);
		rig_see();
		evidence_turn(r.e);
		CU_ASSERT_EQUAL(state(id).packets, cases[i].count);
		rig_close();
	}
}

static void
it_ends_by_packets_bytes_and_time(void)
{
	static const struct {
		uint64_t packets, bytes, for_ns;
		enum evidence_end end;
	} cases[] = {
		{ 40, 1 << 20, 60 * SECOND, EVIDENCE_ENOUGH_PACKETS },
		{ 1000, 10000, 60 * SECOND, EVIDENCE_ENOUGH_BYTES },
		{ 1000, 1 << 20, SECOND, EVIDENCE_ENOUGH_TIME },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence_wanted w = wanted(0, "");
		struct evidence_capture c;
		uint32_t id;

		rig_open(0);
		w.packets = cases[i].packets;
		w.bytes = cases[i].bytes;
		w.for_ns = cases[i].for_ns;
		id = start(&w);
		for (unsigned int n = 0; n < 8; n++) {
			rig_flood(3, 1, 1);
			evidence_turn(r.e);
			r.now_ns += SECOND / 4;
		}
		evidence_turn(r.e);
		c = state(id);
		CU_ASSERT_TRUE(c.is_held);
		CU_ASSERT_EQUAL(c.end, cases[i].end);
		CU_ASSERT(c.packets > 0 && c.packets <= cases[i].packets);
		CU_ASSERT(c.bytes <= cases[i].bytes);
		CU_ASSERT(c.ended_ns >= c.started_ns);
		CU_ASSERT_EQUAL(packets(id), c.packets);
		if (cases[i].end == EVIDENCE_ENOUGH_PACKETS)
			CU_ASSERT_EQUAL(c.packets, 40);
		/* An hour later nobody wants it any more. */
		r.now_ns += EVIDENCE_CAPTURE_NS;
		evidence_turn(r.e);
		CU_ASSERT_EQUAL(state(id).id, 0);
		rig_close();
	}
}

static void
it_can_be_read_while_it_runs(void)
{
	const struct evidence_wanted w = wanted(0, "");
	char *bytes, *rest, *all;
	size_t len, more, whole;
	uint32_t id;

	rig_open(0);
	id = start(&w);
	CU_ASSERT_EQUAL(packets(id), 0);
	rig_flood(3, 1, 1);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(packets(id), LANES_MAX);
	CU_ASSERT_EQUAL(evidence_capture_read(r.e, id, 0, &bytes, &len), 0);
	rig_flood(3, 1, 1);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(evidence_capture_read(r.e, id, len, &rest, &more), 0);
	CU_ASSERT_EQUAL(evidence_capture_read(r.e, id, 0, &all, &whole), 0);
	CU_ASSERT_EQUAL_FATAL(len + more, whole);
	CU_ASSERT_EQUAL(memcmp(all, bytes, len), 0);
	CU_ASSERT_EQUAL(memcmp(all + len, rest, more), 0);
	CU_ASSERT_EQUAL(evidence_capture_read(r.e, id, whole + 1, &rest, &more), -ERANGE);
	CU_ASSERT_EQUAL(evidence_capture_read(r.e, id + 1, 0, &rest, &more), -ENOENT);
	free(all);
	free(bytes);
	free(rest);
	rig_close();
}

static void
only_so_many_run_and_are_held(void)
{
	struct evidence_wanted w = wanted(0, "");
	struct evidence_capture all[EVIDENCE_HELD];
	char why[EVIDENCE_WHY];
	uint32_t id[EVIDENCE_ARMED], more;

	rig_open(0);
	for (unsigned int k = 0; k < EVIDENCE_ARMED; k++)
		id[k] = start(&w);
	CU_ASSERT_EQUAL(evidence_capture_start(r.e, &w, &more, why), -EBUSY);
	CU_ASSERT_EQUAL(evidence_capture_forget(r.e, id[1]), 0);
	CU_ASSERT_EQUAL(evidence_capture_forget(r.e, id[1]), -ENOENT);
	evidence_turn(r.e);
	more = start(&w);
	CU_ASSERT_EQUAL(evidence_capture_start(r.e, &w, &more, why), -EBUSY);
	/* Each that is over is held, until its place is needed. */
	for (unsigned int n = 0; n < 5; n++) {
		rig_flood(3, 1, 1);
		r.now_ns += 61 * SECOND;
		evidence_turn(r.e);
		for (unsigned int k = 0; k < EVIDENCE_ARMED; k++)
			more = start(&w);
	}
	CU_ASSERT_EQUAL(evidence_capture_list(r.e, all, EVIDENCE_HELD), EVIDENCE_HELD);
	CU_ASSERT_EQUAL(all[0].id, more);
	CU_ASSERT_EQUAL(all[EVIDENCE_HELD - 1].id, more - EVIDENCE_HELD + 1);
	rig_close();
}

static void
a_wrong_expression_is_named(void)
{
	const struct evidence_wanted w = wanted(0, "udp and hots 192.0.2.1");
	char why[EVIDENCE_WHY];
	uint32_t id;

	if (!has_expressions())
		return;
	rig_open(0);
	CU_ASSERT_EQUAL(evidence_capture_start(r.e, &w, &id, why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'hots'"));
	rig_close();
}

/*
 * Ten million packets a second are dropped, bursts come full, and one customer's pass: the
 * capture of what passes has them all, and the one of everything says what it left out.
 */
static void
a_customer_is_found_in_a_flood(void)
{
	const struct evidence_wanted mine =
		wanted(1 << EVIDENCE_PASSED, "src host 10.0.0.7");
	const struct evidence_wanted all = wanted(0, "src host 10.0.0.7");
	uint32_t id, every;
	unsigned int sent = 0;

	if (!has_expressions())
		return;
	rig_open(0);
	id = start(&mine);
	every = start(&all);
	for (unsigned int n = 0; n < 20000; n++) {
		const unsigned int at = n % 200 == 7 ? 33 : LANES_MAX;

		rig_start();
		for (unsigned int i = 0; i < LANES_MAX; i++)
			rig_add(&(struct look){ .who = i == at ? 0x0a000007
			                                       : 0x42000000 + i });
		parse_burst(&r.b);
		for (unsigned int i = 0; i < LANES_MAX; i++)
			if (i != at)
				rig_stop(i, VERDICT_DROP, 1, 1);
		sent += at != LANES_MAX;
		rig_see();
		r.now_ns += 6400;
		if (n % 100 == 0)
			evidence_turn(r.e);
	}
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(state(id).packets, sent);
	CU_ASSERT_EQUAL(state(id).unasked, 0);
	CU_ASSERT_EQUAL(state(every).packets, sent);
	CU_ASSERT(state(every).unasked > 20000 * 64 / 2);
	rig_close();
}

/* A capture of the flood itself: its ring is full at once, and that is counted. */
static void
a_full_ring_loses_and_counts(void)
{
	const struct evidence_wanted w = wanted(0, "");
	uint32_t id;

	rig_open(0);
	id = start(&w);
	for (unsigned int n = 0; n < 100; n++)
		rig_flood(3, 1, 1);
	evidence_turn(r.e);
	CU_ASSERT_EQUAL(state(id).packets, 1000);
	CU_ASSERT(state(id).lost >= 100 * LANES_MAX - EVIDENCE_RING / 192 - 1);
	rig_close();
}

static bool is_over;

static void *
work(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		evidence_see(r.eye, &r.b);
		sched_yield();
	}
	return NULL;
}

/* A worker looks all the time while captures come and go. */
static void
nothing_is_freed_under_a_worker(void)
{
	pthread_t worker;
	const bool has = has_expressions();

	rig_open(0);
	rig_flood(3, 1, 1);
	is_over = false;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&worker, NULL, work, NULL), 0);
	for (unsigned int n = 0; n < 300; n++) {
		const struct evidence_wanted w = wanted(0, has ? "udp and ip" : "");
		const uint32_t id = start(&w);

		evidence_turn(r.e);
		CU_ASSERT_EQUAL(evidence_capture_forget(r.e, id), 0);
		for (unsigned int k = 0; k < 1000 && r.e != NULL; k++) {
			uint32_t other;
			char why[EVIDENCE_WHY];

			evidence_turn(r.e);
			if (evidence_capture_start(r.e, &w, &other, why) == 0) {
				evidence_capture_forget(r.e, other);
				break;
			}
		}
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	pthread_join(worker, NULL);
	rig_close();
}

SUITE_MAIN("evidence/capture", TEST(exactly_what_the_expression_says),
           TEST(every_verdict_service_and_reason),
           TEST(it_ends_by_packets_bytes_and_time), TEST(it_can_be_read_while_it_runs),
           TEST(only_so_many_run_and_are_held), TEST(a_wrong_expression_is_named),
           TEST(a_customer_is_found_in_a_flood), TEST(a_full_ring_loses_and_counts),
           TEST(nothing_is_freed_under_a_worker))
