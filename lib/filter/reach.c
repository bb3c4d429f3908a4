/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/reach.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/classic.h"
#include "filter/convert.h"
#include "filter/words.h"

#define HEADER   40 /* bytes of an IP header that may be known */
#define MEMORIES 16

/* Bits that are known, and what they are; others are 0 in `bits`. */
struct value {
	uint32_t bits, known;
};

struct state {
	bool is_reached;
	struct value a, x, memory[MEMORIES];
};

struct header {
	uint8_t bits[HEADER], known[HEADER];
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static struct value
constant(uint32_t bits)
{
	return (struct value){ bits, UINT32_MAX };
}

static void
put_header(struct header *h, const uint8_t address[16], enum filter_end end)
{
	const bool is_ipv4 = memcmp(address, mapped, sizeof(mapped)) == 0;
	const unsigned int len = is_ipv4 ? 4 : 16;
	const unsigned int at = (is_ipv4 ? 12u : 8u) + (end == FILTER_DST ? len : 0);

	memset(h, 0, sizeof(*h));
	h->bits[0] = is_ipv4 ? 0x40 : 0x60;
	h->known[0] = 0xf0;
	memcpy(h->bits + at, address + (is_ipv4 ? 12 : 0), len);
	memset(h->known + at, 0xff, len);
}

static struct value
load(const struct header *h, uint32_t at, unsigned int bytes)
{
	struct value v = { 0, bytes == 4 ? 0 : UINT32_MAX << 8 * bytes };

	for (unsigned int i = 0; i < bytes; i++) {
		const bool is_here = at < HEADER && at + i < HEADER;

		v.bits = v.bits << 8 | (is_here ? h->bits[at + i] : 0);
		v.known |= (is_here ? (uint32_t)h->known[at + i] : 0)
		           << 8 * (bytes - 1 - i);
	}
	return v;
}

/* What both ways agree on. */
static struct value
meet(struct value a, struct value b)
{
	const uint32_t known = a.known & b.known & ~(a.bits ^ b.bits);

	return (struct value){ a.bits & known, known };
}

static void
join(struct state *to, const struct state *from)
{
	if (!to->is_reached) {
		*to = *from;
		return;
	}
	to->a = meet(to->a, from->a);
	to->x = meet(to->x, from->x);
	for (unsigned int i = 0; i < MEMORIES; i++)
		to->memory[i] = meet(to->memory[i], from->memory[i]);
}

static struct value
compute(uint16_t operation, struct value a, struct value b)
{
	const bool is_known = a.known == UINT32_MAX && b.known == UINT32_MAX;
	struct value v;

	switch (operation) {
	case 0x50: /* and: a known 0 on either side is one */
		v.known = (a.known & b.known) | (a.known & ~a.bits) | (b.known & ~b.bits);
		v.bits = a.bits & b.bits & v.known;
		return v;
	case 0x40: /* or: a known 1 is one */
		v.known = (a.known & b.known) | a.bits | b.bits;
		v.bits = (a.bits | b.bits) & v.known;
		return v;
	default:
		break;
	}
	if (!is_known)
		return (struct value){ 0, 0 };
	switch (operation) {
	case 0x00:
		return constant(a.bits + b.bits);
	case 0x10:
		return constant(a.bits - b.bits);
	case 0x20:
		return constant(a.bits * b.bits);
	case 0x60:
		return b.bits < 32 ? constant(a.bits << b.bits) : constant(0);
	case 0x70:
		return b.bits < 32 ? constant(a.bits >> b.bits) : constant(0);
	case 0xa0:
		return constant(a.bits ^ b.bits);
	default:
		return (struct value){ 0, 0 };
	}
}

/* Which ways a jump may go: bit 0 when the condition may fail, bit 1 when it may hold. */
static unsigned int
ways(uint16_t condition, struct value a, struct value b)
{
	const uint32_t both = a.known & b.known;
	const uint32_t least = a.bits, most = a.bits | ~a.known;
	const uint32_t b_least = b.bits, b_most = b.bits | ~b.known;

	switch (condition) {
	case 0x10: /* equal */
		if (((a.bits ^ b.bits) & both) != 0)
			return 1;
		return both == UINT32_MAX ? 2 : 3;
	case 0x20: /* greater */
		return least > b_most ? 2 : most <= b_least ? 1 : 3;
	case 0x30: /* not less */
		return least >= b_most ? 2 : most < b_least ? 1 : 3;
	case 0x40: /* any of the bits */
		if ((a.bits & b.bits) != 0)
			return 2;
		return (most & b_most) == 0 ? 1 : 3;
	default:
		return 3;
	}
}

static void
set(struct state *s, const struct convert_insn *i, const struct header *h)
{
	const struct value unknown = { 0, 0 };
	const unsigned int slot = i->k < MEMORIES ? i->k : 0;

	switch (i->code & 7) {
	case 0: /* load */
		switch (i->code & 0xe0) {
		case 0x00:
			s->a = constant(i->k);
			break;
		case 0x20:
			s->a = load(h, i->k,
			            (i->code & 0x18) == 0x00   ? 4
			            : (i->code & 0x18) == 0x08 ? 2
			                                       : 1);
			break;
		case 0x60:
			s->a = s->memory[slot];
			break;
		default:
			s->a = unknown;
		}
		break;
	case 1: /* load the index */
		s->x = (i->code & 0xe0) == 0x00   ? constant(i->k)
		       : (i->code & 0xe0) == 0x60 ? s->memory[slot]
		                                  : unknown;
		break;
	case 2:
		s->memory[slot] = s->a;
		break;
	case 3:
		s->memory[slot] = s->x;
		break;
	case 4:
		s->a = (i->code & 0xf0) == 0x80
		               ? unknown
		               : compute(i->code & 0xf0, s->a,
		                         (i->code & 8) != 0 ? s->x : constant(i->k));
		break;
	default:
		if ((i->code & 0xf8) == 0)
			s->x = s->a;
		else
			s->a = s->x;
	}
}

/* Bit 0: it may say no; bit 1: it may say yes. */
static unsigned int
walk(const struct convert_insn *code, unsigned int n, const struct header *h)
{
	struct state *at = calloc(n + 1, sizeof(*at));
	unsigned int found = 0;

	if (at == NULL)
		return 3;
	at[0].is_reached = true;
	for (unsigned int i = 0; i < n; i++) {
		const struct convert_insn *insn = &code[i];
		struct state *s = &at[i];
		unsigned int may;

		if (!s->is_reached)
			continue;
		switch (insn->code & 7) {
		case 6: /* return */
			if ((insn->code & 0x18) != 0)
				found |= 3;
			else
				found |= insn->k != 0 ? 2 : 1;
			break;
		case 5: /* jump */
			if ((insn->code & 0xf0) == 0) {
				if (insn->k < n - i - 1)
					join(&at[i + 1 + insn->k], s);
				break;
			}
			may = ways(insn->code & 0xf0, s->a,
			           (insn->code & 8) != 0 ? s->x : constant(insn->k));
			if ((may & 2) != 0 && i + 1u + insn->jt < n)
				join(&at[i + 1 + insn->jt], s);
			if ((may & 1) != 0 && i + 1u + insn->jf < n)
				join(&at[i + 1 + insn->jf], s);
			break;
		default:
			set(s, insn, h);
			join(&at[i + 1], s);
		}
	}
	free(at);
	return found;
}

enum filter_reach
filter_reach_expression(const char *text, const uint8_t address[16], enum filter_end end)
{
	const bool is_ipv4 = memcmp(address, mapped, sizeof(mapped)) == 0;
	struct filter_words *words = malloc(sizeof(*words));
	char *ipv6 = malloc(FILTER_WRITTEN), why[256];
	struct convert_insn *code = NULL;
	struct header h;
	unsigned int found = 3;
	int n = -1;

	if (words != NULL && ipv6 != NULL &&
	    filter_words(text, words, why, sizeof(why)) == 0) {
		if (is_ipv4 || !words->has_read)
			n = classic_compile(words, &code, why, sizeof(why));
		else if (filter_words_ipv6(words, ipv6, FILTER_WRITTEN) == 0)
			n = classic_compile_text(ipv6, &code, why, sizeof(why));
	}
	put_header(&h, address, end);
	if (n > 0)
		found = walk(code, (unsigned int)n, &h);
	else if (n < 0 && strstr(why, "rejects all packets") != NULL)
		found = 1;
	free(code);
	free(ipv6);
	free(words);
	return found == 2 ? FILTER_ALWAYS : found == 1 ? FILTER_NEVER : FILTER_MAYBE;
}

/* Whether the prefix, IPv4 as mapped, holds the address. */
static bool
holds(const struct conf_prefix *p, const uint8_t address[16])
{
	const unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (memcmp(p->address, address, bytes) != 0)
		return false;
	return bits == 0 ||
	       ((p->address[bytes] ^ address[bytes]) & (uint8_t)(0xff00u >> bits)) == 0;
}

enum filter_reach
filter_reach_match(const struct filter_match *m, const uint8_t address[16],
                   enum filter_end end)
{
	const enum filter_end other = end == FILTER_SRC ? FILTER_DST : FILTER_SRC;
	bool is_held = !m->has_end[end], asks_more = m->has_end[other];

	for (unsigned int i = 0; m->has_end[end] && i < m->end[end].count; i++)
		is_held |= holds(&m->end[end].prefix[i], address);
	if (!is_held)
		return FILTER_NEVER;
	for (unsigned int i = 0; i < FILTER_SMALL; i++)
		asks_more |= m->has_small[i];
	for (unsigned int i = 0; i < FILTER_WIDE; i++)
		asks_more |= m->has_wide[i];
	return asks_more ? FILTER_MAYBE : FILTER_ALWAYS;
}
