/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table is before the first packet: its memory and its settings. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "flow/table.h"

#define MIN_SLOTS   UINT64_C(64)
#define MIN_ENTRIES UINT64_C(8)
#define MAX_ENTRIES (UINT64_C(1) << 31)

uint64_t
table_slots(uint64_t entries)
{
	uint64_t slots = MIN_SLOTS;

	while (slots < entries)
		slots *= 2;
	return slots;
}

/* Whether records lie behind their bucket. */
static bool
is_together(size_t record_size)
{
	return record_size == sizeof(struct table_bucket);
}

static size_t
bucket_step(size_t record_size)
{
	return sizeof(struct table_bucket) +
	       (is_together(record_size) ? TABLE_WAYS * record_size : 0);
}

static size_t
bucket_bytes(uint64_t slots, size_t record_size)
{
	return slots / TABLE_WAYS * bucket_step(record_size);
}

static size_t
record_bytes(uint64_t slots, size_t record_size)
{
	return is_together(record_size) ? 0 : slots * record_size;
}

size_t
table_bytes(uint64_t entries, size_t record_size)
{
	uint64_t slots = table_slots(entries);

	return bucket_bytes(slots, record_size) + record_bytes(slots, record_size);
}

int
table_open(struct table *t, uint64_t entries, size_t record_size)
{
	struct table fresh = { .record_size = record_size };
	uint64_t slots;

	if (entries < MIN_ENTRIES || entries > MAX_ENTRIES || record_size < TABLE_KEY ||
	    record_size % 64 != 0)
		return -ERANGE;
	slots = table_slots(entries);
	fresh.buckets = (uint32_t)(slots / TABLE_WAYS);
	fresh.bucket_step = bucket_step(record_size);
	fresh.bucket = memory_take(bucket_bytes(slots, record_size));
	if (fresh.bucket == NULL)
		return -ENOMEM;
	if (is_together(record_size)) {
		fresh.record = fresh.bucket + sizeof(struct table_bucket);
		fresh.record_step = fresh.bucket_step;
	} else {
		fresh.record = memory_take(record_bytes(slots, record_size));
		fresh.record_step = TABLE_WAYS * record_size;
	}
	if (fresh.record == NULL) {
		memory_give(fresh.bucket, bucket_bytes(slots, record_size));
		return -ENOMEM;
	}
	*t = fresh;
	table_set_key_bytes(t, TABLE_KEY);
	for (int class = TABLE_UNEARNED; class < TABLE_CLASSES; class ++)
		table_set_idle(t, (enum table_class) class, UINT64_C(10000000000));
	return 0;
}

void
table_close(struct table *t)
{
	uint64_t slots = (uint64_t)t->buckets * TABLE_WAYS;

	memory_give(t->bucket, bucket_bytes(slots, t->record_size));
	if (!is_together(t->record_size))
		memory_give(t->record, record_bytes(slots, t->record_size));
	*t = (struct table){ 0 };
}

void
table_set_key_bytes(struct table *t, unsigned int bytes)
{
	const unsigned int last = TABLE_KEY - sizeof(t->compared);

	assert(bytes >= last && bytes <= TABLE_KEY);
	memset(t->compared, 0, sizeof(t->compared));
	memset(t->compared, 0xff, bytes - last);
}

void
table_set_idle(struct table *t, enum table_class class, uint64_t idle_ns)
{
	assert(idle_ns <= TABLE_MAX_IDLE_NS);
	t->idle[class] = (uint16_t)((idle_ns + TABLE_TICK_NS - 1) / TABLE_TICK_NS);
	t->least_idle = UINT16_MAX;
	for (int c = TABLE_UNEARNED; c < TABLE_CLASSES; c++)
		if (t->idle[c] < t->least_idle)
			t->least_idle = t->idle[c];
}
