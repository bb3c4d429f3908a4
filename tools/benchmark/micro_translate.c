/* SPDX-License-Identifier: BSD-3-Clause */
/* micro_translate - what a segment of a spliced connection pays to be told in other numbers. */
#include <string.h>

#include "frames.h"
#include "micro.h"
#include "packet/checksum.h"
#include "packet/facts.h"
#include "packet/translate.h"

#define BATCHES 20000
#define L4      34 /* behind Ethernet and IPv4 */
#define TCP_LEN 20

struct translating {
	struct translation by;
	struct facts facts;
	const uint8_t *options;
	uint16_t sum[MICRO_BATCH]; /* of the words of each header, before */
	bool is_right;             /* the checksums of the batch before followed */
	struct frame frame[MICRO_BATCH];
};

static uint16_t
sum_of(const struct translating *s, unsigned int lane)
{
	const size_t header = (size_t)s->facts.payload_off - L4;

	return checksum_fold(checksum_add(0, s->frame[lane].head + L4, header));
}

static void
make_segments(void *state, uint64_t n)
{
	struct translating *s = state;
	const unsigned int options = s->facts.payload_off - L4 - TCP_LEN;

	for (unsigned int i = 0; i < MICRO_BATCH; i++) {
		const uint64_t r[2] = { frame_random(2 * (n * MICRO_BATCH + i)),
			                frame_random(2 * (n * MICRO_BATCH + i) + 1) };
		uint8_t *tcp = s->frame[i].head + L4;

		s->is_right &= n == 0 || sum_of(s, i) == s->sum[i];
		memcpy(tcp + 4, r, sizeof(r));
		tcp[12] = (uint8_t)(0x50 + options / 4 * 16);
		tcp[13] = TCP_ACK;
		memcpy(tcp + TCP_LEN, s->options, options);
		s->sum[i] = sum_of(s, i);
	}
}

static unsigned int
translate_all(void *state)
{
	struct translating *s = state;

	for (unsigned int i = 0; i < MICRO_BATCH; i++)
		translate_segment(s->frame[i].head, FRAME_HEAD, &s->facts, &s->by);
	return s->is_right ? MICRO_BATCH : 0;
}

/* Layouts that Linux sends: data and ACKs, after a loss, and without timestamps. */
static const uint8_t stamp[12] = { 1, 1, 8, 10 };
static const uint8_t sack[24] = { 1, 1, 8, 10, [12] = 1, 1, 5, 10 };

int
micro_translate(const struct job *job, const struct micro *m)
{
	static const struct {
		const char *item;
		const uint8_t *options;
		uint8_t len;
		int8_t window_shift;
	} items[] = {
		{ "stamps", stamp, sizeof(stamp), 0 },
		{ "stamps_window", stamp, sizeof(stamp), -2 },
		{ "no_options", stamp, 0, 0 },
		{ "stamps_sack", sack, sizeof(sack), 0 },
	};
	static struct translating s;
	struct micro_row row = {
		.micro = m->name,
		.good = 1,
		.batches = BATCHES,
		.ours = { "translate_segment", &s, make_segments, translate_all },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		s = (struct translating){
			.by = { 0x9e3779b9, 0, 0x12345678, 0, items[i].window_shift },
			.facts = { .l4_off = L4,
			           .payload_off =
			                   (uint16_t)(L4 + TCP_LEN + items[i].len) },
			.options = items[i].options,
			.is_right = true,
		};
		row.item = items[i].item;
		if (!micro_tell(job, &row))
			return 1;
	}
	return 0;
}
