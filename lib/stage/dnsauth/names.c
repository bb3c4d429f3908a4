/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/dnsauth/names.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define SECOND_NS UINT64_C(1000000000)

/* 16 bits a name: 512 k names in a day, 128 k of a flood in ten minutes, 32 k in five seconds. */
#define CALM_LINES    (1u << 14)
#define FLOODED_LINES (1u << 12)
#define RECENT_LINES  (1u << 10)
#define KEYS(lines)   ((uint64_t)(lines)*MEMBER_LINE_BITS / 16)
#define CALM_NS       (24 * 3600 * SECOND_NS)
#define FLOODED_NS    (600 * SECOND_NS)
#define RECENT_NS     (5 * SECOND_NS)

/* With fewer answers in some seconds a share says nothing, or the server is down. */
#define FEW_ANSWERS 32

#define SUFFIX_BYTES (NAMES_SUFFIXES * sizeof(struct names_suffix))

uint64_t
names_bytes(void)
{
	return member_bytes(CALM_LINES) + member_bytes(FLOODED_LINES) +
	       member_bytes(RECENT_LINES) + SUFFIX_BYTES;
}

int
names_open(struct names *n, const struct hash_key *key)
{
	memset(n, 0, sizeof(*n));
	n->key = *key;
	/* Whatever meets another in one table must not meet it in the next. */
	for (unsigned int i = 0; i < sizeof(n->key.round); i++)
		((uint8_t *)n->key.round)[i] ^= 0x6e;
	n->suffix = memory_take(SUFFIX_BYTES);
	if (n->suffix == NULL ||
	    member_open(&n->calm, CALM_LINES, KEYS(CALM_LINES), CALM_NS) < 0 ||
	    member_open(&n->flooded, FLOODED_LINES, KEYS(FLOODED_LINES), FLOODED_NS) <
	            0 ||
	    member_open(&n->recent, RECENT_LINES, KEYS(RECENT_LINES), RECENT_NS) < 0)
		return -ENOMEM;
	return 0;
}

void
names_close(struct names *n)
{
	member_close(&n->recent);
	member_close(&n->flooded);
	member_close(&n->calm);
	memory_give(n->suffix, SUFFIX_BYTES);
	n->suffix = NULL;
}

void
names_tick(struct names *n, uint64_t now_ns)
{
	member_turn(&n->calm, now_ns);
	member_turn(&n->flooded, now_ns);
	member_turn(&n->recent, now_ns);
}

static inline struct names_suffix *
suffix_of(const struct names *n, const struct names_asked *a)
{
	const uint64_t mixed = (a->suffix ^ a->service) * UINT64_C(0x9e3779b97f4a7c15);

	return &n->suffix[mixed >> 50];
}

static inline bool
is_hot(const struct names_suffix *s, uint64_t now_ns)
{
	return now_ns < s->hot_until_ns;
}

/* What was counted counts half after each second. */
static void
age(struct names_suffix *s, uint64_t now_ns)
{
	while (now_ns - s->counted_ns >= SECOND_NS) {
		if ((s->answers | s->missing) == 0) {
			s->counted_ns = now_ns;
			return;
		}
		s->answers /= 2;
		s->missing /= 2;
		s->counted_ns += SECOND_NS;
	}
}

void
names_learn(struct names *n, const struct names_asked *a, bool has_name, bool is_missing,
            uint64_t now_ns)
{
	struct names_suffix *s = suffix_of(n, a);

	age(s, now_ns);
	s->answers++;
	s->missing += is_missing;
	if (!has_name)
		return;
	if (!is_hot(s, now_ns))
		member_add(&n->calm, a->name);
	else if (member_has(&n->calm, a->name))
		member_add(&n->calm, a->name);
	else
		member_add(&n->flooded, a->name);
}

static bool
is_random(struct names_suffix *s, const struct names_limit *limit, uint64_t now_ns)
{
	if (is_hot(s, now_ns) || limit->share == 0)
		return true;
	age(s, now_ns);
	return s->answers < FEW_ANSWERS ||
	       (uint64_t)s->missing * 1000000 >= limit->share * s->answers;
}

bool
names_take(struct names *n, const struct names_asked *a, const struct names_limit *limit,
           uint64_t now_ns)
{
	const uint64_t now = meter_ticks(now_ns);
	struct names_suffix *s;

	if (member_has(&n->calm, a->name) || member_has(&n->recent, a->name) ||
	    member_has(&n->flooded, a->name))
		return true;
	s = suffix_of(n, a);
	if (!meter_take(&s->paid, limit->rate.each, limit->rate.slack, now)) {
		if (is_random(s, limit, now_ns)) {
			s->hot_until_ns = now_ns + NAMES_HOT_NS;
			return false;
		}
	}
	member_add(&n->recent, a->name);
	return true;
}
