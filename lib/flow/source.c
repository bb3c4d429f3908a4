/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow/source.h"

#include <string.h>

size_t
source_table_bytes(uint64_t entries)
{
	return table_bytes(entries, sizeof(struct source));
}

int
source_table_open(struct source_table *t, uint64_t entries, const struct hash_key *key)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = table_open(&t->table, entries, sizeof(struct source));
	if (rc < 0)
		return rc;
	t->key = *key;
	/* Flows and sources must not share their collisions. */
	for (unsigned int i = 0; i < sizeof(t->key.round); i++)
		((uint8_t *)t->key.round)[i] ^= 0x53;
	table_set_idle(&t->table, TABLE_UNEARNED, SOURCE_IDLE_NS);
	table_set_idle(&t->table, TABLE_EARNED, SOURCE_IDLE_NS);
	memset(t->lane, 0xff, sizeof(t->lane));
	return 0;
}

void
source_table_close(struct source_table *t)
{
	table_close(&t->table);
}

static bool
is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

void
source_key_of(struct source_key *key, const uint8_t address[16], uint16_t service,
              uint8_t prefix_len)
{
	unsigned int whole;

	*key = (struct source_key){ .service = service, .prefix_len = 128 };
	memcpy(key->address, address, sizeof(key->address));
	if (prefix_len >= 128 || is_ipv4(address))
		return;
	key->prefix_len = prefix_len;
	whole = prefix_len / 8u;
	key->address[whole] &= (uint8_t)(0xff00 >> (prefix_len % 8));
	memset(&key->address[whole + 1], 0, 15 - whole);
}

/* Verified time and blocks run out in silence; the class follows when somebody looks. */
static void
settle_class(struct source_table *t, uint32_t slot, uint64_t now_ns)
{
	const struct source *s = source_at(t, slot);

	if (table_class(&t->table, slot) == TABLE_EARNED &&
	    !source_is_ahead(s->verified_until, now_ns) &&
	    !source_is_ahead(s->blocked_until, now_ns))
		table_set_class(&t->table, slot, TABLE_UNEARNED);
}

static uint32_t
make(struct source_table *t, struct hash128 hash, const uint8_t key[TABLE_KEY],
     uint16_t tick)
{
	/* Another lane of this burst may have made it a moment ago. */
	uint32_t slot = table_find(&t->table, hash, key, tick);

	if (slot != TABLE_NONE)
		return slot;
	slot = table_insert(&t->table, hash, key, TABLE_UNEARNED, tick);
	if (slot != TABLE_NONE)
		source_at(t, slot)->birth = ++t->births;
	return slot;
}

/* A slot made for one lane may be one that another lane had found: it loses it. */
static void
drop_replaced(struct source_table *t, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes)
		if (t->lane[i] != SOURCE_NONE &&
		    memcmp(source_at(t, t->lane[i]), t->batch.key[i], TABLE_KEY) != 0)
			t->lane[i] = SOURCE_NONE;
}

void
source_find_burst(struct source_table *t, const struct burst *b, uint64_t lanes,
                  const uint8_t prefix_len[LANES_MAX])
{
	const uint16_t tick = table_tick(b->now_ns);
	struct table_batch *batch = &t->batch;
	uint64_t missing = 0;
	unsigned int i;

	memset(t->lane, 0xff, sizeof(t->lane));
	t->proven = 0;
	LANES_FOREACH (i, lanes)
		source_key_of((struct source_key *)batch->key[i], b->facts[i].src,
		              b->service[i], prefix_len[i]);
	table_hash_bulk(batch, &t->key, lanes);
	table_find_bulk(&t->table, batch, lanes, tick, t->lane);

	LANES_FOREACH (i, lanes) {
		if (t->lane[i] == SOURCE_NONE)
			missing |= lane_bit(i);
		else
			settle_class(t, t->lane[i], b->now_ns);
	}
	if (missing == 0)
		return;
	table_ask_bulk(&t->table, batch, missing, tick);
	LANES_FOREACH (i, missing)
		t->lane[i] = make(t, batch->hash[i], batch->key[i], tick);
	drop_replaced(t, lanes);
}

uint32_t
source_find(struct source_table *t, const struct source_key *key, uint64_t now_ns)
{
	return table_find(&t->table, hash_48(&t->key, key), (const uint8_t *)key,
	                  table_tick(now_ns));
}

/* An earned source must outlive the silence that its time allows. */
static void
earn(struct source_table *t, uint32_t slot, uint64_t for_ns)
{
	uint16_t ticks = (uint16_t)(for_ns / TABLE_TICK_NS + 1);

	assert(for_ns <= SOURCE_MAX_NS);
	if (t->table.idle[TABLE_EARNED] < ticks)
		t->table.idle[TABLE_EARNED] = ticks;
	table_set_class(&t->table, slot, TABLE_EARNED);
}

void
source_verify(struct source_table *t, uint32_t slot, uint64_t now_ns, uint64_t for_ns)
{
	source_at(t, slot)->verified_until = source_moment(now_ns + for_ns);
	earn(t, slot, for_ns);
}

void
source_block(struct source_table *t, uint32_t slot, uint64_t now_ns, uint64_t for_ns)
{
	struct source *s = source_at(t, slot);

	s->blocked_until = source_moment(now_ns + for_ns);
	if (s->blocks != UINT16_MAX)
		s->blocks++;
	earn(t, slot, for_ns);
}
