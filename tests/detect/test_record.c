/* SPDX-License-Identifier: BSD-3-Clause */
#include "detect/record.h"

#include <stdlib.h>

#include "suite.h"

static struct record *
fresh(void)
{
	struct record *r = aligned_alloc(64, sizeof(*r));

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	*r = (struct record){ 0 };
	return r;
}

static struct record_slot *
start(struct record *r)
{
	return record_start(r, &(struct detect_attack){ .state = DETECT_ACTIVE });
}

static void
attacks_are_read_newest_first(void)
{
	struct record *r = fresh();
	struct detect_attack out[3];

	for (int i = 0; i < 10; i++)
		record_end(r, start(r), 1);
	CU_ASSERT_EQUAL_FATAL(record_read(r, out, 3), 3);
	CU_ASSERT_EQUAL(out[0].number, 10);
	CU_ASSERT_EQUAL(out[1].number, 9);
	CU_ASSERT_EQUAL(out[2].number, 8);
	CU_ASSERT_EQUAL(record_read(r, out, 0), 0);
	free(r);
}

static void
the_oldest_ended_attack_makes_room_and_a_running_one_never(void)
{
	struct record *r = fresh();
	struct record_slot *running = start(r);

	for (int i = 0; i < 3 * DETECT_ATTACKS; i++)
		record_end(r, start(r), 1);
	CU_ASSERT_EQUAL(record_change(running)->number, 1);
	CU_ASSERT_EQUAL(record_change(running)->state, DETECT_ACTIVE);
	CU_ASSERT_TRUE(record_is_active(r));
	record_end(r, running, 2);
	CU_ASSERT_FALSE(record_is_active(r));

	for (int i = 0; i < DETECT_ATTACKS; i++)
		CU_ASSERT_PTR_NOT_NULL(start(r));
	CU_ASSERT_PTR_NULL(start(r));
	free(r);
}

static void
events_nobody_reads_are_counted(void)
{
	struct record *r = fresh();
	struct detect_event e;
	int told = 0;

	for (int i = 0; i < DETECT_EVENTS; i++)
		record_end(r, start(r), 1); /* two events each */
	CU_ASSERT_EQUAL(r->lost, DETECT_EVENTS);
	while (record_next_event(r, &e))
		told++;
	CU_ASSERT_EQUAL(told, DETECT_EVENTS);
	free(r);
}

static void
a_long_attack_is_told_again_every_minute(void)
{
	struct record *r = fresh();
	struct record_slot *slot = start(r);
	struct detect_event e;
	int updates = 0;

	for (uint64_t s = 1; s <= 150; s++)
		record_update(r, slot, s * UINT64_C(1000000000));
	while (record_next_event(r, &e))
		updates += e.kind == DETECT_EVENT_UPDATE;
	CU_ASSERT_EQUAL(updates, 2);
	free(r);
}

SUITE_MAIN("record", TEST(attacks_are_read_newest_first),
           TEST(the_oldest_ended_attack_makes_room_and_a_running_one_never),
           TEST(events_nobody_reads_are_counted),
           TEST(a_long_attack_is_told_again_every_minute))
