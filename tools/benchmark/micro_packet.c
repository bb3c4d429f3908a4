/* SPDX-License-Identifier: BSD-3-Clause */
/* micro_packet - what each packet pays before any table: hash, parser, one meter. */
#include <string.h>

#include <rte_cycles.h>
#include <rte_meter.h>

#include "hash/hash.h"
#include "meter/meter.h"
#include "micro.h"
#include "packet/burst.h"
#include "packet/parse.h"
#include "scenario.h"

#define BATCHES 20000

/* --- hash --- */

struct hashing {
	struct hash_key key;
	uint8_t message[MICRO_BATCH][48];
	uint64_t sum; /* keeps the compiler from leaving the work out */
};

static void
make_messages(void *state, uint64_t n)
{
	struct hashing *h = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++) {
		uint64_t r = frame_random(n * MICRO_BATCH + i);

		memcpy(h->message[i], &r, sizeof(r));
	}
}

static unsigned int
hash_long(void *state)
{
	struct hashing *h = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		h->sum ^= hash_48(&h->key, h->message[i]).lo;
	return MICRO_BATCH;
}

static unsigned int
hash_short(void *state)
{
	struct hashing *h = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		h->sum ^= hash_16(&h->key, h->message[i]).lo;
	return MICRO_BATCH;
}

int
micro_hash(const struct job *job, const struct micro *m)
{
	static struct hashing h;
	struct micro_row row = { .micro = m->name, .good = 1, .batches = BATCHES };

	hash_key_seeded(&h.key, 1);
	row.item = "16_bytes";
	row.ours = (struct micro_case){ "hash_16", &h, make_messages, hash_short };
	if (!micro_tell(job, &row))
		return 1;
	row.item = "48_bytes";
	row.ours = (struct micro_case){ "hash_48", &h, make_messages, hash_long };
	return micro_tell(job, &row) ? 0 : 1;
}

/* --- parser --- */

struct parsing {
	struct traffic traffic;
	struct frame frame[LANES_MAX];
	struct burst b;
};

static void
make_frames(void *state, uint64_t n)
{
	struct parsing *p = state;

	burst_start(&p->b, 1, 0, SIDE_EXTERNAL);
	p->b.count = LANES_MAX;
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		p->b.bytes[i] = p->frame[i].head;
		p->b.bytes_len[i] = p->b.frame_len[i] =
			traffic_frame(&p->traffic, n * LANES_MAX + i, p->frame[i].head);
	}
}

static unsigned int
parse_all(void *state)
{
	struct parsing *p = state;

	parse_burst(&p->b);
	return lanes_count(p->b.plain);
}

int
micro_parse(const struct job *job, const struct micro *m)
{
	static struct parsing p;
	struct micro_row row = { .micro = m->name,
		                 .good = 1,
		                 .batches = BATCHES,
		                 .ours = { "parse_burst", &p, make_frames, parse_all } };

	for (unsigned int family = 0; family < 2; family++) {
		scenario_traffic(scenario_by_name("forward_1k"), family == 1, &p.traffic);
		row.item = family == 1 ? "ipv6_tcp" : "ipv4_tcp";
		if (!micro_tell(job, &row))
			return 1;
	}
	return 0;
}

/* --- meter --- */

#define METERS    4096 /* of each kind, in the first-level cache or nearly */
#define BATCH_NS  3200 /* 20 million packets/s, so that each meter meets 4,883 */
#define FRAME_LEN 64

struct metering {
	struct meter_rate rate;
	struct meter meter[METERS];
	struct rte_meter_srtcm_profile profile;
	struct rte_meter_srtcm srtcm[METERS];
	uint32_t which[MICRO_BATCH];
	uint64_t now_ns, now_tsc;
	double tsc_per_ns;
};

static void
make_arrivals(void *state, uint64_t n)
{
	struct metering *s = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		s->which[i] = (uint32_t)frame_random(n * MICRO_BATCH + i) % METERS;
	s->now_ns = (n + 1) * BATCH_NS;
	s->now_tsc = (uint64_t)((double)s->now_ns * s->tsc_per_ns);
}

static unsigned int
take_gcra(void *state)
{
	struct metering *s = state;
	const uint64_t now = meter_ticks(s->now_ns);
	unsigned int passed = 0;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		passed +=
			meter_take(&s->meter[s->which[i]],
		                   meter_price(&s->rate, FRAME_LEN), s->rate.slack, now);
	return passed;
}

static unsigned int
take_srtcm(void *state)
{
	struct metering *s = state;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		passed += rte_meter_srtcm_color_blind_check(&s->srtcm[s->which[i]],
		                                            &s->profile, s->now_tsc,
		                                            FRAME_LEN) == RTE_COLOR_GREEN;
	return passed;
}

static bool
set_rate(struct metering *s, uint64_t pps)
{
	const struct meter_limit limit = { pps, METER_PACKETS };
	struct rte_meter_srtcm_params params = { .cir = pps * FRAME_LEN,
		                                 .cbs = 16 * FRAME_LEN };

	memset(s->meter, 0, sizeof(s->meter));
	if (meter_rate_init(&s->rate, &limit, 0, 16) != 0 ||
	    rte_meter_srtcm_profile_config(&s->profile, &params) != 0)
		return false;
	for (unsigned int i = 0; i < METERS; i++)
		if (rte_meter_srtcm_config(&s->srtcm[i], &s->profile) != 0)
			return false;
	return true;
}

int
micro_meter(const struct job *job, const struct micro *m)
{
	static const struct {
		const char *item;
		uint64_t pps;
		double passing;
	} rates[] = { { "passing", 1000000, 1 },
		      { "refusing", 50, 0.01 },
		      { "half", 2441, 0.5 } };
	static struct metering s;
	struct micro_row row = { .micro = m->name,
		                 .batches = BATCHES,
		                 .ours = { "meter_take", &s, make_arrivals, take_gcra },
		                 .reference = { "rte_meter srTCM", &s, make_arrivals,
		                                take_srtcm } };

	/* The srTCM works out its refill from the counter's frequency, which EAL knows. */
	if (!job_start_eal(job))
		return 1;
	s.tsc_per_ns = (double)rte_get_tsc_hz() / 1e9;
	for (unsigned int i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		row.item = rates[i].item;
		row.good = rates[i].passing;
		if (!set_rate(&s, rates[i].pps) || !micro_tell(job, &row))
			return 1;
	}
	return 0;
}
