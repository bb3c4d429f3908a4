/* SPDX-License-Identifier: BSD-3-Clause */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORMAL_RATIO 0.99 /* a customer with this much success is served normally */

/* What the customers' counts say when they are read one by one. */
struct spread {
	unsigned int asked;
	unsigned int normal;
	unsigned int intermittent;
	unsigned int none;
	unsigned int worst;
	double worst_ratio;
	unsigned int slowest;
};

struct tally *
tally_new(unsigned int customers)
{
	struct tally *t;

	t = calloc(1, sizeof(*t) + customers * sizeof(t->by_customer[0]));
	if (t != NULL)
		t->customers = customers;
	return t;
}

void
tally_reset(struct tally *t, const char *name)
{
	const unsigned int customers = t->customers;

	memset(t, 0, sizeof(*t) + customers * sizeof(t->by_customer[0]));
	t->customers = customers;
	t->began_ns = exchange_now_ns();
	snprintf(t->name, sizeof(t->name), "%s", name);
}

/* Small values have a bucket each; from there on 32 buckets per power of two. */
static unsigned int
bucket_of(uint32_t us)
{
	unsigned int power;

	if (us < TALLY_STEPS)
		return us;
	power = 31U - (unsigned int)__builtin_clz(us) - 5;
	return (power + 1) * TALLY_STEPS + ((us >> power) & (TALLY_STEPS - 1));
}

/* The largest value that falls into the bucket, in microseconds. */
static double
top_of(unsigned int bucket)
{
	const unsigned int power = bucket / TALLY_STEPS;
	const unsigned int step = bucket % TALLY_STEPS;

	if (power == 0)
		return (double)bucket + 1;
	return (double)((uint64_t)(TALLY_STEPS + step + 1) << (power - 1));
}

void
tally_begin(struct tally *t, unsigned int customer)
{
	t->began++;
	t->by_customer[customer].began++;
}

void
tally_end(struct tally *t, unsigned int customer, enum exchange_end end, uint64_t took_ns)
{
	struct tally_customer *c = &t->by_customer[customer];
	const uint64_t took_us = took_ns / 1000;
	const uint32_t us = took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;

	t->ended++;
	t->ends[end]++;
	c->ended++;
	if (end != EXCHANGE_OK)
		return;
	c->ok++;
	if (us > c->slowest_us)
		c->slowest_us = us;
	t->latency[bucket_of(us)]++;
}

double
tally_percentile_ms(const struct tally *t, double share)
{
	const double wanted = share * (double)t->ends[EXCHANGE_OK];
	uint64_t seen = 0;

	if (t->ends[EXCHANGE_OK] == 0)
		return 0;
	for (unsigned int i = 0; i < TALLY_BUCKETS; i++) {
		seen += t->latency[i];
		if ((double)seen >= wanted && seen > 0)
			return top_of(i) / 1000;
	}
	return top_of(TALLY_BUCKETS - 1) / 1000;
}

static void
look_at_everyone(struct spread *s, const struct tally *t)
{
	memset(s, 0, sizeof(*s));
	s->worst_ratio = 1;
	for (unsigned int i = 0; i < t->customers; i++) {
		const struct tally_customer *c = &t->by_customer[i];
		double ratio;

		if (c->slowest_us > t->by_customer[s->slowest].slowest_us)
			s->slowest = i;
		if (c->ended == 0)
			continue;
		ratio = (double)c->ok / (double)c->ended;
		s->asked++;
		if (ratio >= NORMAL_RATIO)
			s->normal++;
		else if (c->ok > 0)
			s->intermittent++;
		else
			s->none++;
		if (ratio < s->worst_ratio) {
			s->worst_ratio = ratio;
			s->worst = i;
		}
	}
}

void
tally_print(const struct tally *t, const char *type, const struct address *addresses)
{
	const double seconds = (double)(exchange_now_ns() - t->began_ns) / 1e9;
	char worst[ADDRESS_TEXT], slowest[ADDRESS_TEXT];
	struct spread s;

	look_at_everyone(&s, t);
	address_print(worst, &addresses[s.worst]);
	address_print(slowest, &addresses[s.slowest]);
	printf("{\"type\":\"%s\",\"name\":\"%s\",\"seconds\":%.3f,\"customers\":%u,"
	       "\"customers_normal\":%u,\"customers_intermittent\":%u,\"customers_none\":"
	       "%u,"
	       "\"requests\":%llu,\"ok\":%llu,\"ok_ratio\":%.6f,",
	       type, t->name, seconds, s.asked, s.normal, s.intermittent, s.none,
	       (unsigned long long)t->ended, (unsigned long long)t->ends[EXCHANGE_OK],
	       t->ended == 0 ? 1.0 : (double)t->ends[EXCHANGE_OK] / (double)t->ended);
	printf("\"worst_customer_ok_ratio\":%.6f,\"worst_customer\":\"%s\","
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	       "\"slowest_customer\":\"%s\",\"slowest_customer_ms\":%.3f,",
	       s.worst_ratio, worst, tally_percentile_ms(t, 0.5),
	       tally_percentile_ms(t, 0.99), slowest,
	       (double)t->by_customer[s.slowest].slowest_us / 1000);
	printf("\"connect_timeouts\":%llu,\"read_timeouts\":%llu,\"resets\":%llu,"
	       "\"short_answers\":%llu,\"local_errors\":%llu}\n",
	       (unsigned long long)t->ends[EXCHANGE_CONNECT_TIMEOUT],
	       (unsigned long long)t->ends[EXCHANGE_READ_TIMEOUT],
	       (unsigned long long)t->ends[EXCHANGE_RESET],
	       (unsigned long long)t->ends[EXCHANGE_SHORT],
	       (unsigned long long)t->ends[EXCHANGE_LOCAL]);
	fflush(stdout);
}
