/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring between a worker and the writer: nothing mixed up, nothing beyond its size. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "evidence/note.h"
#include "suite.h"

#define RING (64u << 10)

static bool
put(struct evidence_ring *ring, uint32_t n, uint32_t len)
{
	struct evidence_note *note = evidence_ring_begin(ring, len);

	if (note == NULL)
		return false;
	note->capture = 0;
	note->time_ns = n;
	memset(note + 1, (int)(n & 0xff), len);
	evidence_ring_end(ring, note);
	return true;
}

/* Lengths that never repeat in step with the ring. */
static uint32_t
length_of(uint32_t n)
{
	return (n * 2654435761u >> 8) % 1600;
}

static bool
is_right(const struct evidence_note *note, uint32_t n)
{
	const uint8_t *bytes = evidence_bytes(note);

	if (note->time_ns != n || note->bytes_len != length_of(n))
		return false;
	for (uint32_t i = 0; i < note->bytes_len; i++)
		if (bytes[i] != (n & 0xff))
			return false;
	return true;
}

static void
what_goes_in_comes_out_in_order(void)
{
	struct evidence_ring ring;
	uint32_t in = 0, out = 0;

	CU_ASSERT_EQUAL_FATAL(evidence_ring_open(&ring, RING), 0);
	CU_ASSERT_PTR_NULL(evidence_ring_peek(&ring));
	while (out < 20000) {
		const struct evidence_note *note;

		for (unsigned int k = 0; k < 7 && put(&ring, in, length_of(in)); k++)
			in++;
		for (unsigned int k = 0; k < 5 && out < in; k++, out++) {
			note = evidence_ring_peek(&ring);
			CU_ASSERT_PTR_NOT_NULL_FATAL(note);
			CU_ASSERT_FATAL(is_right(note, out));
			evidence_ring_next(&ring);
		}
	}
	evidence_ring_close(&ring);
}

static void
a_full_ring_refuses_and_counts_and_keeps_what_it_has(void)
{
	struct evidence_ring ring;
	uint32_t n = 0, kept = 0;

	CU_ASSERT_EQUAL_FATAL(evidence_ring_open(&ring, RING), 0);
	while (put(&ring, n, length_of(n)))
		n++;
	CU_ASSERT(n > RING / 2048);
	CU_ASSERT_FALSE(evidence_ring_has_room(&ring, 1500));
	CU_ASSERT_FALSE(put(&ring, n, 1500));
	CU_ASSERT_EQUAL(ring.lost, 2);
	for (const struct evidence_note *note; (note = evidence_ring_peek(&ring)) != NULL;
	     kept++) {
		CU_ASSERT(is_right(note, kept));
		evidence_ring_next(&ring);
	}
	CU_ASSERT_EQUAL(kept, n);
	CU_ASSERT_TRUE(evidence_ring_has_room(&ring, 1500));
	CU_ASSERT_TRUE(put(&ring, n, 1500));
	evidence_ring_close(&ring);
}

/* The largest packet there is, however near the end of the ring. */
static void
the_longest_packet_finds_room(void)
{
	struct evidence_ring ring;

	CU_ASSERT_EQUAL_FATAL(evidence_ring_open(&ring, 256 << 10), 0);
	for (uint32_t n = 0; n < 100; n++) {
		CU_ASSERT_TRUE_FATAL(put(&ring, n, UINT16_MAX));
		CU_ASSERT_EQUAL(evidence_ring_peek(&ring)->bytes_len, UINT16_MAX);
		evidence_ring_next(&ring);
		CU_ASSERT_PTR_NULL(evidence_ring_peek(&ring));
	}
	evidence_ring_close(&ring);
}

#define MANY 30000u

static void *
produce(void *arg)
{
	for (uint32_t n = 0; n < MANY;)
		if (put(arg, n, length_of(n)))
			n++;
		else
			sched_yield();
	return NULL;
}

static void
two_threads_agree(void)
{
	static struct evidence_ring ring;
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(evidence_ring_open(&ring, RING), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, produce, &ring), 0);
	for (uint32_t n = 0; n < MANY;) {
		const struct evidence_note *note = evidence_ring_peek(&ring);

		if (note == NULL) {
			sched_yield();
			continue;
		}
		CU_ASSERT_FATAL(is_right(note, n));
		evidence_ring_next(&ring);
		n++;
	}
	pthread_join(thread, NULL);
	evidence_ring_close(&ring);
}

SUITE_MAIN("evidence/note", TEST(what_goes_in_comes_out_in_order),
           TEST(a_full_ring_refuses_and_counts_and_keeps_what_it_has),
           TEST(the_longest_packet_finds_room), TEST(two_threads_agree))
