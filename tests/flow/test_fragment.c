/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of datagrams beside its slow twin, and what a flood leaves of it. */
#include "flow/fragment.h"

#include "fragment_twin.h"
#include "suite.h"

#define SEQUENCES 4000u
#define PIECES    200u

static uint64_t state = 1;

static uint64_t
any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Sequences of every density: few datagrams or many, near each other or not. */
static void
random_pieces_are_found_to_be_what_the_twin_says(void)
{
	struct twin *t = twin_new();

	for (unsigned int k = 0; k < SEQUENCES; k++) {
		const uint8_t which = k % 3 == 0 ? 0xf9 : 0xff;
		const uint8_t place = k % 4 == 0 ? 0x07 : k % 4 == 1 ? 0x3f : 0x0f;
		const uint8_t size = k % 5 == 0 ? 0xe0 : 0xfe;

		twin_reset(t);
		for (unsigned int n = 0; n < PIECES; n++) {
			const uint64_t r = any();
			const uint8_t op[TWIN_OP] = { (uint8_t)r & which,
				                      (uint8_t)(r >> 8) & place,
				                      (uint8_t)(r >> 16) & size };

			twin_send(t, op);
		}
	}
	for (unsigned int f = 0; f <= FRAGMENT_SCATTERED; f++)
		CU_ASSERT(f == FRAGMENT_TINY || t->met[f] > 100);
	twin_free(t);
}

/* One burst of first fragments: of a customer, or of strangers. */
static void
send_firsts(struct fragment_table *t, struct burst *b, uint32_t who, unsigned int n,
            enum standing standing)
{
	static uint8_t frame[LANES_MAX][PIECES_ROOM];

	burst_start(b, b->now_ns, 0, SIDE_EXTERNAL);
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	for (unsigned int i = 0; i < n; i++) {
		const struct piece p = { .who = who + i,
			                 .id = who + i,
			                 .proto = PROTO_UDP,
			                 .is_ipv6 = i % 2 != 0,
			                 .has_more = true,
			                 .bytes = 64 };

		b->bytes[i] = frame[i];
		b->bytes_len[i] = pieces_frame(frame[i], &p);
		b->frame_len[i] = b->bytes_len[i];
		b->standing[i] = (uint8_t)standing;
	}
	parse_burst(b);
	fragment_pair_burst(t, b);
	fragment_note_burst(t, b);
}

/* How many of those datagrams are still known. */
static unsigned int
known_of(struct fragment_table *t, struct burst *b, uint32_t who, unsigned int n)
{
	unsigned int known = 0;

	send_firsts(t, b, who, n, STANDING_UNVERIFIED);
	for (unsigned int k = 0; k < t->groups; k++)
		known += t->group[k].slot != TABLE_NONE;
	return known;
}

static void
a_flood_takes_no_place_of_what_is_earned(void)
{
	static const struct {
		enum standing standing;
		bool stays;
	} cases[] = { { STANDING_UNVERIFIED, false },
		      { STANDING_VERIFIED_SOURCE, true },
		      { STANDING_CONVERSATION, true },
		      { STANDING_VERIFIED_FLOW, true } };
	static struct burst b;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct twin *t = twin_new();
		unsigned int known = 0;

		b.now_ns = UINT64_C(1000000000);
		for (uint32_t n = 0; n < 16; n++)
			send_firsts(&t->table, &b, n * 64, 64, cases[k].standing);
		/* Half a million strangers within the second. */
		for (uint32_t n = 0; n < 8192; n++) {
			b.now_ns += 100000;
			send_firsts(&t->table, &b, 0x100000 + n * 64, 64,
			            STANDING_UNVERIFIED);
		}
		CU_ASSERT(t->table.table.used[TABLE_UNEARNED] <=
		          FRAGMENT_ENTRIES / TABLE_WAYS * TABLE_UNEARNED_WAYS);
		for (uint32_t n = 0; n < 16; n++)
			known += known_of(&t->table, &b, n * 64, 64);
		if (cases[k].stays)
			CU_ASSERT_EQUAL(known, 1024);
		if (!cases[k].stays)
			CU_ASSERT(known < 50);
		twin_free(t);
	}
}

SUITE_MAIN("fragment", TEST(random_pieces_are_found_to_be_what_the_twin_says),
           TEST(a_flood_takes_no_place_of_what_is_earned))
