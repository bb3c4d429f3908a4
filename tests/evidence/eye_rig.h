/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eye_rig - bursts by hand for one worker's eye, and a writer whose clock the test moves.
 *
 * Frames are Ethernet, IPv4 or IPv6, with or without a tag, read by the real parser.
 */
#ifndef TESTS_EVIDENCE_EYE_RIG_H
#define TESTS_EVIDENCE_EYE_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/evidence.h"
#include "evidence/see.h"
#include "packet/burst.h"
#include "packet/parse.h"
#include "suite.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static struct {
	struct evidence *e;
	struct evidence_eye *eye;
	uint64_t now_ns;
	struct burst b;
	uint8_t frame[LANES_MAX][128];
	unsigned int told;
	uint64_t attack; /* that every armed packet is told to be part of */
} r;

static uint64_t
rig_now(void *arg)
{
	(void)arg;
	return r.now_ns;
}

/* Names as plain as numbers: service "s3", reason "r2.5". */
static void
rig_tell(void *arg, const struct evidence_note *n, struct evidence_story *story)
{
	(void)arg;
	r.told++;
	snprintf(story->link, sizeof(story->link), "uplink");
	snprintf(story->service, sizeof(story->service), "s%u", n->service);
	snprintf(story->policy, sizeof(story->policy), "web");
	story->mode = n->verdict == EVIDENCE_WOULD ? "monitor" : "mitigate";
	story->class = n->reason == 7 ? REASON_CHALLENGE : REASON_DROP;
	if (n->verdict != EVIDENCE_PASSED)
		snprintf(story->reason, sizeof(story->reason), "r%u.%u", n->stage,
		         n->reason);
	if (!n->is_armed || r.attack == 0)
		return;
	story->attack = r.attack;
	snprintf(story->attack_id, sizeof(story->attack_id), "a-%u",
	         (unsigned int)r.attack);
	story->measured = 5000;
	story->threshold = 1000;
	story->unit = "packets_per_second";
}

static inline void
rig_open_with(const struct evidence_settings *settings)
{
	static const char *const link[] = { "uplink" };
	const struct evidence_from from = {
		.tell = rig_tell,
		.now_ns = rig_now,
		.wall_offset_ns = 0,
		.links = 1,
		.link = link,
	};

	memset(&r, 0, sizeof(r));
	r.now_ns = SECOND;
	r.e = evidence_open(1, settings);
	CU_ASSERT_FATAL(r.e != NULL);
	r.eye = evidence_eye(r.e, 0);
	CU_ASSERT_EQUAL_FATAL(evidence_start(r.e, &from), 0);
}

static inline void
rig_open(uint64_t rate)
{
	rig_open_with(&(struct evidence_settings){
		.rate = rate, .snap = 128, .files = 1, .file_size = 1 << 20 });
}

static inline void
rig_close(void)
{
	evidence_stop(r.e);
	evidence_close(r.e);
}

/* What a lane looks like. */
struct look {
	bool is_ipv6;
	uint16_t vlan;  /* 0: no tag */
	uint32_t who;   /* last four bytes of its source */
	uint16_t port;  /* destination, UDP */
	uint16_t bytes; /* of the frame; 0: 100 */
};

static inline void
rig_start(void)
{
	memset(&r.b, 0, sizeof(r.b));
	burst_start(&r.b, r.now_ns, 0, SIDE_EXTERNAL);
}

static inline void
rig_put16(uint8_t *to, unsigned int n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static inline size_t
rig_ip(uint8_t *at, const struct look *l, unsigned int payload)
{
	uint32_t sum = 0;

	if (l->is_ipv6) {
		at[0] = 0x60;
		rig_put16(at + 4, payload);
		at[6] = PROTO_UDP;
		at[7] = 57;
		memcpy(at + 8, "\x20\x01\x0d\xb8", 4);
		rig_put16(at + 20, l->who >> 16);
		rig_put16(at + 22, l->who & 0xffff);
		memcpy(at + 24, "\x20\x01\x0d\xb8\x00\x0a", 6);
		at[39] = 0x10;
		return 40;
	}
	at[0] = 0x45;
	rig_put16(at + 2, 20 + payload);
	at[8] = 57;
	at[9] = PROTO_UDP;
	rig_put16(at + 12, l->who >> 16);
	rig_put16(at + 14, l->who & 0xffff);
	memcpy(at + 16, "\xcb\x00\x71\x0a", 4);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	rig_put16(at + 10, ~(sum + (sum >> 16)) & 0xffff);
	return 20;
}

/* Add a lane that passes; returns it. Its bytes count up behind the headers. */
static inline unsigned int
rig_add(const struct look *l)
{
	const unsigned int i = r.b.count++, len = l->bytes != 0 ? l->bytes : 100;
	const unsigned int l2 = l->vlan != 0 ? 18 : 14;
	uint8_t *f = r.frame[i], *at = f + l2;
	const unsigned int payload = len - l2 - (l->is_ipv6 ? 40 : 20);

	for (unsigned int k = 0; k < len; k++)
		f[k] = (uint8_t)k;
	memset(f, 0, l2 + (l->is_ipv6 ? 48 : 28));
	f[5] = 2;
	f[11] = 1;
	if (l->vlan != 0) {
		rig_put16(f + 12, 0x8100);
		rig_put16(f + 14, l->vlan);
	}
	rig_put16(f + l2 - 2, l->is_ipv6 ? 0x86dd : 0x0800);
	at += rig_ip(at, l, payload);
	rig_put16(at, 4242);
	rig_put16(at + 2, l->port != 0 ? l->port : 53);
	rig_put16(at + 4, payload);
	r.b.bytes[i] = f;
	r.b.bytes_len[i] = (uint16_t)len;
	r.b.frame_len[i] = (uint16_t)len;
	r.b.live |= lane_bit(i);
	return i;
}

/* Read what was added; verdicts come afterwards. */
static inline void
rig_parse(void)
{
	parse_burst(&r.b);
	for (unsigned int i = 0; i < r.b.count; i++)
		CU_ASSERT_EQUAL_FATAL(r.b.facts[i].fault, PACKET_SOUND);
}

static inline void
rig_stop(unsigned int i, enum verdict verdict, uint8_t stage, uint8_t reason)
{
	burst_stop(&r.b, i, verdict, reason);
	r.b.stage[i] = stage;
}

/* Condemned, but its policy monitors. */
static inline void
rig_spare(unsigned int i, uint8_t stage, uint8_t reason)
{
	r.b.stage[i] = stage;
	r.b.reason[i] = reason;
	r.b.spared |= lane_bit(i);
}

/* As worker and pipeline call it. */
static inline void
rig_see(void)
{
	const uint64_t answered = lanes_where8(r.b.verdict, VERDICT_REPLY) & ~r.b.live &
	                          lanes_first(r.b.count);

	if (answered != 0)
		evidence_see_questions(r.eye, &r.b, answered);
	evidence_see(r.eye, &r.b);
}

/* A full burst that is dropped for one reason. */
static inline void
rig_flood(uint16_t service, uint8_t stage, uint8_t reason)
{
	rig_start();
	for (unsigned int i = 0; i < LANES_MAX; i++)
		rig_add(&(struct look){ .who = 0x42000000 + i });
	rig_parse();
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		r.b.service[i] = service;
		rig_stop(i, VERDICT_DROP, stage, reason);
	}
	rig_see();
}

/* Everything in memory that fits, newest first. */
static inline size_t
rig_read(const struct evidence_which *which, struct evidence_sample *out, size_t n)
{
	evidence_turn(r.e);
	return evidence_read(r.e, which, out, n);
}

#endif
