/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage/reflection/shape.h"

#include <assert.h>
#include <string.h>

#include "packet/burst.h"

/* What of a payload can be read, in two halves; bytes beyond its end are 0. */
struct window {
	__m128i half[2];
	uint32_t len; /* of the payload, as the packet says */
	uint32_t seen;
	const uint8_t *bytes; /* NULL: none */
};

static void
make_pattern(struct pattern *p, const struct row_test *test, unsigned int most)
{
	uint8_t mask[ROWS_WINDOW] = { 0 }, value[ROWS_WINDOW] = { 0 };

	memset(p, 0, sizeof(*p));
	for (unsigned int t = 0; t < most && test[t].mask != 0; t++) {
		assert(test[t].at < ROWS_WINDOW);
		mask[test[t].at] = test[t].mask;
		value[test[t].at] = test[t].value;
		if (p->need <= test[t].at)
			p->need = (uint8_t)(test[t].at + 1);
	}
	for (unsigned int half = 0; half < 2; half++) {
		p->mask[half] = _mm_loadu_si128((const __m128i *)mask + half);
		p->value[half] = _mm_loadu_si128((const __m128i *)value + half);
	}
	p->is_wide = p->need > 16;
}

static void
make_ports(struct shapes *s, uint8_t r)
{
	const unsigned int last =
		rows[r].last_port != 0 ? rows[r].last_port : rows[r].port;

	for (unsigned int port = rows[r].port; port <= last; port++) {
		uint8_t *at = &s->row[port];

		while (*at != ROWS_NONE)
			at = &s->next[*at];
		*at = r;
		s->reflecting[port / 64] |= UINT64_C(1) << (port % 64);
	}
}

/* Whether no payload fits both: some bit of some byte is asked to be 1 by one, 0 by the other. */
static bool
exclude(const struct pattern *a, const struct pattern *b)
{
	for (unsigned int half = 0; half < 2; half++) {
		const __m128i both = _mm_and_si128(a->mask[half], b->mask[half]);
		const __m128i differs = _mm_xor_si128(a->value[half], b->value[half]);

		if (!_mm_testz_si128(both, differs))
			return true;
	}
	return false;
}

/* Only a port's first row can be plain: what comes before another may be a question. */
static void
make_plain(struct shapes *s, uint8_t r)
{
	struct pattern_plain *p = &s->plain[r];
	struct pattern told;
	bool is_plain;

	make_pattern(&told, rows[r].plain, ROWS_PLAIN);
	is_plain = told.need != 0 || !rows[r].is_ber;
	if (told.need == 0) {
		told = s->answer[r];
		for (unsigned int q = 0;
		     q < ROWS_QUESTIONS && s->question[r][q].need != 0; q++)
			is_plain &= exclude(&told, &s->question[r][q]);
	}
	is_plain &= !told.is_wide && s->row[rows[r].port] == r;
	p->mask = told.mask[0];
	p->value = told.value[0];
	p->least = !is_plain ? UINT32_MAX : rows[r].least > 16 ? rows[r].least : 16;
}

void
shapes_make(struct shapes *s)
{
	memset(s, 0, sizeof(*s));
	memset(s->row, ROWS_NONE, sizeof(s->row));
	memset(s->next, ROWS_NONE, sizeof(s->next));
	s->anywhere = ROWS_NONE;
	for (uint8_t r = 0; r < rows_count(); r++) {
		make_ports(s, r);
		make_pattern(&s->answer[r], rows[r].answer, ROWS_TESTS);
		for (unsigned int q = 0; q < ROWS_QUESTIONS; q++)
			make_pattern(&s->question[r][q], rows[r].question[q], ROWS_TESTS);
		make_plain(s, r);
		if (!rows[r].is_anywhere)
			continue;
		assert(s->anywhere == ROWS_NONE && s->answer[r].need == 4);
		s->anywhere = r;
		s->anywhere_head = (uint32_t)_mm_cvtsi128_si32(s->answer[r].value[0]);
	}
}

/* Up to 16 bytes; where there are fewer, those before them are read and shifted out. */
static inline __m128i
load_half(const uint8_t *at, uint32_t n)
{
	static const uint8_t shift[32] = {
		0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
		11,   12,   13,   14,   15,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	};
	__m128i order;

	if (n >= 16)
		return _mm_loadu_si128((const __m128i *)at);
	order = _mm_loadu_si128((const __m128i *)(shift + 16 - n));
	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + n - 16)), order);
}

/* Headers of 42 bytes stand before any payload, so 16 before its end can be read. */
static inline struct window
window_of(const struct burst *b, unsigned int i)
{
	const struct facts *f = &b->facts[i];
	struct window w = { .len = f->payload_len };

	if (b->bytes[i] == NULL || f->payload_off < 16 ||
	    f->payload_off >= b->bytes_len[i] || f->payload_len == 0)
		return w;
	w.bytes = b->bytes[i] + f->payload_off;
	w.seen = (uint32_t)b->bytes_len[i] - f->payload_off;
	if (w.seen > w.len)
		w.seen = w.len;
	w.half[0] = load_half(w.bytes, w.seen);
	w.half[1] =
		w.seen > 16 ? load_half(w.bytes + 16, w.seen - 16) : _mm_setzero_si128();
	return w;
}

/* The tag behind a message's version, name or number (X.690 8.1), or 0. */
static uint8_t
ber_operation(const struct window *w)
{
	uint32_t at = 0;

	for (unsigned int element = 0; element < 4 && at < w->seen; element++) {
		const uint8_t tag = w->bytes[at];
		uint32_t len, size;

		if (element > 0 && tag != 0x02 && tag != 0x04)
			return tag;
		if ((element == 0 && tag != 0x30) || w->seen - at < 2)
			return 0;
		len = w->bytes[at + 1];
		size = len & 0x7f;
		at += 2;
		if (len >= 0x80) {
			if (size > 4 || size > w->seen - at)
				return 0;
			for (len = 0; size > 0; size--)
				len = len << 8 | w->bytes[at++];
		}
		if (element == 0)
			continue;
		if (len > w->seen - at)
			return 0;
		at += len;
	}
	return 0;
}

static inline bool
fits(const struct pattern *p, const struct window *w)
{
	__m128i differs =
		_mm_xor_si128(_mm_and_si128(w->half[0], p->mask[0]), p->value[0]);

	if (p->need > w->seen || !_mm_testz_si128(differs, differs))
		return false;
	if (!p->is_wide)
		return true;
	differs = _mm_xor_si128(_mm_and_si128(w->half[1], p->mask[1]), p->value[1]);
	return _mm_testz_si128(differs, differs) != 0;
}

static inline bool
is_question(const struct shapes *s, uint8_t r, const struct window *w)
{
	for (unsigned int q = 0; q < ROWS_QUESTIONS && s->question[r][q].need != 0; q++)
		if (fits(&s->question[r][q], w))
			return true;
	return false;
}

static enum shape
shape_of_row(const struct shapes *s, uint8_t r, const struct window *w)
{
	const uint32_t least = rows[r].least != 0 ? rows[r].least : 1;
	struct window tag;

	if (rows[r].is_ber && w->seen > 0) {
		tag = (struct window){ .half[0] = _mm_cvtsi32_si128(ber_operation(w)),
			               .len = w->len,
			               .seen = w->seen };
		w = &tag;
	}
	if (is_question(s, r, w))
		return SHAPE_QUESTION;
	return w->len >= least && fits(&s->answer[r], w) ? SHAPE_ANSWER : SHAPE_OTHER;
}

enum shape
shape_of_lane(const struct shapes *s, const struct burst *b, unsigned int i,
              uint16_t port, uint8_t *row)
{
	const struct window w = window_of(b, i);
	uint8_t r = s->row[port] != ROWS_NONE ? s->row[port] : s->anywhere;

	*row = r;
	/* Nobody can tell what is not there to be read, so the port alone speaks. */
	if (w.bytes == NULL && w.len > 0)
		return port < ROWS_RESERVED ? SHAPE_ANSWER : SHAPE_OTHER;
	for (; r != ROWS_NONE; r = s->next[r]) {
		const enum shape shape = shape_of_row(s, r, &w);

		if (shape == SHAPE_OTHER)
			continue;
		*row = r;
		return shape;
	}
	return port < ROWS_RESERVED ? SHAPE_ODD : SHAPE_OTHER;
}
