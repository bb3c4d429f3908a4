/* SPDX-License-Identifier: BSD-3-Clause */
/* micro_prefix - the prefix table against rte_fib (DIR24_8, values of four bytes). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_fib.h>
#include <rte_memory.h>

#include "base/lanes.h"
#include "frames.h"
#include "micro.h"
#include "prefix/prefix.h"

#define BATCHES    20000
#define AGREEMENTS 4096 /* batches of addresses that both must answer alike */
#define ELSEWHERE  (UINT32_C(1) << 29) /* sources from here on are on no list */
#define VALUES     1000

struct prefixes {
	bool is_hosts, is_ipv6;
	uint32_t count;
	struct prefix_table *table;
	struct rte_fib *fib;
	uint8_t address[MICRO_BATCH][16];
	uint32_t ip[MICRO_BATCH];
	uint32_t value[MICRO_BATCH];
	uint64_t next_hop[MICRO_BATCH];
};

static struct prefix_entry
entry_of(const struct prefixes *p, uint32_t i)
{
	struct prefix_entry e = { .value = 1 + i % VALUES };
	unsigned int len = 16 + (unsigned int)(frame_random(i) % 9);
	uint32_t ip = frame_address(i);

	e.prefix.len = 128;
	if (p->is_hosts) {
		frame_source(p->is_ipv6, i, e.prefix.address);
		return e;
	}
	frame_source(false, i, e.prefix.address);
	e.prefix.len = (uint8_t)(96 + len);
	ip &= ~(UINT32_MAX >> len);
	ip = __builtin_bswap32(ip);
	memcpy(e.prefix.address + 12, &ip, sizeof(ip));
	return e;
}

/* --- batches --- */

static void
set(struct prefixes *p, unsigned int i, uint32_t source)
{
	frame_source(p->is_ipv6, source, p->address[i]);
	p->ip[i] = frame_address(source);
}

static void
make_listed(void *state, uint64_t n)
{
	struct prefixes *p = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		set(p, i,
		    (uint32_t)((frame_random(n * MICRO_BATCH + i) & UINT32_MAX) *
		                       p->count >>
		               32));
}

static void
make_unlisted(void *state, uint64_t n)
{
	struct prefixes *p = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		set(p, i,
		    ELSEWHERE | ((uint32_t)frame_random(n * MICRO_BATCH + i) &
		                 (ELSEWHERE - 1)));
}

static unsigned int
find(void *state)
{
	struct prefixes *p = state;
	const struct prefix_ask ask = { .first = p->address[0],
		                        .stride = sizeof(p->address[0]),
		                        .ipv4 = p->is_ipv6 ? 0 : UINT64_MAX,
		                        .ipv6 = p->is_ipv6 ? UINT64_MAX : 0 };

	return lanes_count(prefix_find_lanes(p->table, &ask, p->value));
}

static unsigned int
find_reference(void *state)
{
	struct prefixes *p = state;
	unsigned int found = 0;

	rte_fib_lookup_bulk(p->fib, p->ip, p->next_hop, MICRO_BATCH);
	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		found += p->next_hop[i] != PREFIX_NONE;
	return found;
}

/* --- building --- */

static bool
build_ours(struct prefixes *p)
{
	struct prefix_entry *all = calloc(p->count, sizeof(*all));
	int rc = -1;

	for (uint32_t i = 0; all != NULL && i < p->count; i++)
		all[i] = entry_of(p, i);
	if (all != NULL)
		rc = prefix_build(all, p->count, &p->table);
	free(all);
	if (rc != 0)
		fputs("benchmark: the prefix table cannot be built\n", stderr);
	return rc == 0;
}

static void
build_reference(struct prefixes *p, const char *micro)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = PREFIX_NONE,
		.max_routes = (int)p->count + 1,
		.dir24_8 = { RTE_FIB_DIR24_8_4B, p->is_hosts ? p->count + 1 : 256 },
	};

	p->fib = rte_fib_create("reference", SOCKET_ID_ANY, &conf);
	for (uint32_t i = 0; p->fib != NULL && i < p->count; i++) {
		struct prefix_entry e = entry_of(p, i);
		uint32_t ip;

		memcpy(&ip, e.prefix.address + 12, sizeof(ip));
		if (rte_fib_add(p->fib, __builtin_bswap32(ip),
		                (uint8_t)(e.prefix.len - 96), e.value) == 0)
			continue;
		rte_fib_free(p->fib);
		p->fib = NULL;
	}
	if (p->fib == NULL)
		micro_skip(micro, "rte_fib", "there are not enough hugepages for it");
}

/* Two tables that disagree are not to be compared. */
static bool
do_agree(struct prefixes *p)
{
	for (uint64_t n = 0; p->fib != NULL && n < AGREEMENTS; n++) {
		if (n % 2 == 0)
			make_listed(p, n);
		else
			make_unlisted(p, n);
		memset(p->value, 0, sizeof(p->value));
		find(p);
		find_reference(p);
		for (unsigned int i = 0; i < MICRO_BATCH; i++)
			if (p->value[i] != p->next_hop[i])
				return fputs("benchmark: rte_fib answers otherwise\n",
				             stderr),
				       false;
	}
	return true;
}

static bool
tell(const struct job *job, const struct micro *m, struct prefixes *p)
{
	struct micro_row row = {
		.micro = m->name,
		.item = p->is_ipv6 ? "ipv6_hit" : "ipv4_hit",
		.good = p->is_hosts ? 1 : MICRO_ANY,
		.batches = BATCHES,
		.ours = { "prefix_find_lanes", p, make_listed, find },
		.reference = { p->fib != NULL ? "rte_fib_lookup_bulk" : NULL, p,
		               make_listed, find_reference },
	};

	if (!do_agree(p))
		return false;
	if (!p->is_hosts)
		row.item = "ipv4_covered";
	if (!micro_tell(job, &row))
		return false;
	row.item = p->is_ipv6 ? "ipv6_miss" : "ipv4_miss";
	if (!p->is_hosts)
		row.item = "ipv4_any";
	row.good = p->is_hosts ? 0 : MICRO_ANY;
	row.ours.make = row.reference.make = make_unlisted;
	return micro_tell(job, &row);
}

int
micro_prefix(const struct job *job, const struct micro *m)
{
	static struct prefixes p;
	bool is_good;

	p.count = (uint32_t)m->size;
	p.is_hosts = strcmp(m->name, "prefix_mixed") != 0;
	if (!job_start_eal(job))
		return 1;
	build_reference(&p, m->name);
	is_good = build_ours(&p) && tell(job, m, &p);
	prefix_free(p.table);
	rte_fib_free(p.fib);
	if (!is_good || !p.is_hosts)
		return is_good ? 0 : 1;

	/* DPDK's trie for IPv6 is slower than hashing by length by far, so ours stands alone. */
	p.is_ipv6 = true;
	p.fib = NULL;
	is_good = build_ours(&p) && tell(job, m, &p);
	prefix_free(p.table);
	return is_good ? 0 : 1;
}
