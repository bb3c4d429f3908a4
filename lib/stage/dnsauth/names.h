/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names - which names a server has, and how many others are asked for under a suffix.
 *
 * Random sub-domains come through the resolvers of real customers, so nobody can be blocked
 * for them. But what customers ask for was answered before: names that the server said to
 * have are remembered, and of those it never spoke of only so many a second pass under one
 * suffix (a zone, or the last labels of a name). Whoever asks again within some seconds for
 * one that passed pays nothing.
 *
 *     calm    names answered while their suffix was calm
 *     flooded those answered while it was not: a wildcard answers whatever is asked, and
 *             must not push out what was learnt in calm
 *     recent  names that nobody knows and that passed just now
 *
 * A suffix is over its limit only where most of what the server answers under it is
 * NXDOMAIN, or next to nothing is answered; then for HOT_NS from the last name too many.
 *
 * Memory  names_bytes(), taken at open. Suffixes share 16,384 cells by hash, so two that
 *         meet share their limit; nothing fills up.
 * Threads one worker.
 */
#ifndef STAGE_DNSAUTH_NAMES_H
#define STAGE_DNSAUTH_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "hash/hash.h"
#include "meter/meter.h"
#include "sketch/member.h"

#define NAMES_SUFFIXES (1u << 14)
#define NAMES_HOT_NS   (UINT64_C(10) * 1000000000)

struct names_suffix {
	struct meter paid;         /* of names that nobody knows */
	uint64_t hot_until_ns;     /* over its limit until then */
	uint64_t counted_ns;       /* when the counts were halved last */
	uint32_t answers, missing; /* of the last seconds; missing: NXDOMAIN */
};

struct names {
	struct hash_key key;
	struct member calm, flooded, recent;
	struct names_suffix *suffix; /* NAMES_SUFFIXES */
};

/* A name, and what it is counted under. */
struct names_asked {
	uint64_t name, suffix; /* hashes under names.key */
	uint16_t service;
};

struct names_limit {
	struct meter_rate rate;
	uint64_t share; /* of NXDOMAIN, parts per million; 0: not asked for */
};

uint64_t names_bytes(void);
/* Returns 0 or -ENOMEM; `key` is copied. */
int names_open(struct names *n, const struct hash_key *key);
void names_close(struct names *n);

/* Forget what is old, a little at a time. */
void names_tick(struct names *n, uint64_t now_ns);

/* The server answered; has_name: it has such a name, is_missing: NXDOMAIN. */
void names_learn(struct names *n, const struct names_asked *a, bool has_name,
                 bool is_missing, uint64_t now_ns);

/* Whether the name may pass; of one that nobody knows it is charged for. */
bool names_take(struct names *n, const struct names_asked *a,
                const struct names_limit *limit, uint64_t now_ns);

#endif
