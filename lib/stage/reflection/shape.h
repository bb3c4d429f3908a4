/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape - rows made ready for the hot path: which port, which bytes.
 *
 * Threads read-only after shapes_make().
 */
#ifndef STAGE_REFLECTION_SHAPE_H
#define STAGE_REFLECTION_SHAPE_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "stage/reflection/rows.h"

struct burst;

enum shape {
	SHAPE_OTHER,    /* none of ours, or may well be a client's */
	SHAPE_ANSWER,   /* what the service of this row sends */
	SHAPE_QUESTION, /* what is sent to it */
	SHAPE_ODD,      /* neither, and yet from a port that no client has by chance */
};

struct pattern {
	__m128i mask[2], value[2];
	bool is_wide; /* the second half counts */
	uint8_t need; /* bytes of payload; 0: no pattern */
};

/*
 * An answer that sixteen bytes tell: no question of its row, nor of one before it, looks
 * like it. Of other rows it never fits.
 */
struct pattern_plain {
	__m128i mask, value;
	uint32_t least; /* bytes of payload, 16 or more */
};

struct shapes {
	uint64_t reflecting[65536 / 64]; /* bit per port */
	uint8_t row[65536];              /* of such a port: its first one */
	uint8_t next[ROWS_MAX];          /* another row of the same port, or ROWS_NONE */
	uint8_t anywhere;                /* the row known at any port, or ROWS_NONE */
	uint32_t anywhere_head;          /* its first four bytes, as they stand there */
	struct pattern_plain plain[ROWS_MAX];
	struct pattern answer[ROWS_MAX];
	struct pattern question[ROWS_MAX][ROWS_QUESTIONS];
};

void shapes_make(struct shapes *s);

static inline bool
shapes_has_port(const uint64_t *reflecting, uint16_t port)
{
	return (reflecting[port / 64] >> (port % 64) & 1) != 0;
}

/*
 * Whether this payload, of which `seen` bytes can be read, is plainly an answer of the
 * first row of its port. False says nothing: shape_of_lane() does.
 */
static inline bool
shape_is_plain(const struct shapes *s, uint8_t row, const uint8_t *payload, uint32_t seen)
{
	const struct pattern_plain *p = &s->plain[row];
	__m128i differs;

	if (seen < p->least)
		return false;
	differs = _mm_loadu_si128((const __m128i *)payload);
	differs = _mm_xor_si128(_mm_and_si128(differs, p->mask), p->value);
	return _mm_testz_si128(differs, differs) != 0;
}

/*
 * What the payload of a lane is, for the service that has `port` (the other end's, or
 * that of `anywhere` when it has none); *row says which one, also when it is odd.
 */
enum shape shape_of_lane(const struct shapes *s, const struct burst *b, unsigned int i,
                         uint16_t port, uint8_t *row);

#endif
