/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/options.h"

#include <string.h>

#define TCP_LEN    20
#define WSCALE_MAX 14 /* RFC 7323 2.3: what is larger counts as this */
#define SACK_BLOCK 8

enum length { /* of an option, with its kind and length, where it is fixed */
	      MSS_LEN = 4,
	      WSCALE_LEN = 3,
	      SACK_PERMITTED_LEN = 2,
	      STAMP_LEN = 10,
};

static const struct tcp_options nothing = { .wscale = OPTIONS_NO_WSCALE };

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static size_t
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
	return sizeof(v);
}

/* RFC 7413 4.1.1: a request is empty, a cookie has 4 to 16 bytes, in pairs. */
static bool
is_fast_open(unsigned int len)
{
	return len == 2 || (len >= 6 && len <= 18 && len % 2 == 0);
}

/*
 * One option of `len` bytes at `at` of the header. A length that its kind cannot have makes
 * the option unknown, as it does in the stacks that will read it; of two the later counts.
 */
static void
take(struct tcp_options *out, const uint8_t *tcp, unsigned int at, unsigned int len)
{
	const uint8_t *o = tcp + at;

	switch (o[0]) {
	case OPTION_MSS:
		if (len == MSS_LEN)
			out->mss = get16(o + 2);
		break;
	case OPTION_WSCALE:
		if (len == WSCALE_LEN)
			out->wscale = o[2] < WSCALE_MAX ? o[2] : WSCALE_MAX;
		break;
	case OPTION_SACK_PERMITTED:
		if (len == SACK_PERMITTED_LEN)
			out->has_sack_permitted = true;
		break;
	case OPTION_SACK:
		if (len > 2 && (len - 2) % SACK_BLOCK == 0) {
			out->sack_at = (uint8_t)(at + 2);
			out->sacks = (uint8_t)((len - 2) / SACK_BLOCK);
		}
		break;
	case OPTION_TIMESTAMPS:
		if (len == STAMP_LEN) {
			out->has_ts = true;
			out->ts_at = (uint8_t)(at + 2);
			out->ts_value = get32(o + 2);
			out->ts_echo = get32(o + 6);
		}
		break;
	case OPTION_FAST_OPEN:
		if (is_fast_open(len))
			out->has_fast_open = true;
		break;
	default:
		break;
	}
}

bool
options_read(const uint8_t *tcp, size_t len, struct tcp_options *out)
{
	unsigned int at = TCP_LEN, end;

	*out = nothing;
	if (len < TCP_LEN)
		return false;
	end = tcp[12] / 16u * 4;
	if (end < TCP_LEN || end > len)
		return false;
	while (at < end && tcp[at] != OPTION_END) {
		unsigned int n = 1;

		if (tcp[at] != OPTION_NOP) {
			n = at + 1 < end ? tcp[at + 1] : 0;
			if (n < 2 || n > end - at) {
				*out = nothing;
				return false;
			}
			take(out, tcp, at, n);
		}
		at += n;
	}
	return true;
}

/*
 * Every list is as short as any that says the same, so an answer that says part of what a
 * question said is no longer than it.
 */
size_t
options_write_opening(uint8_t out[OPTIONS_MAX], const struct tcp_options *o)
{
	size_t at = 0;

	if (o->mss != 0)
		at += put32(out, 0x02040000u | o->mss);
	if (o->has_ts) {
		at += put32(out + at, o->has_sack_permitted ? 0x0402080a : 0x0101080a);
		at += put32(out + at, o->ts_value);
		at += put32(out + at, o->ts_echo);
	} else if (o->has_sack_permitted) {
		at += put32(out + at, 0x01010402);
	}
	if (o->wscale != OPTIONS_NO_WSCALE)
		at += put32(out + at, 0x01030300u | o->wscale);
	return at;
}

size_t
options_write_stamp(uint8_t out[OPTIONS_MAX], const struct tcp_options *o)
{
	if (!o->has_ts)
		return 0;
	put32(out, 0x0101080a);
	put32(out + 4, o->ts_value);
	put32(out + 8, o->ts_echo);
	return 12;
}

bool
options_are_sound(const uint8_t *options, size_t n)
{
	/* NOP NOP TIMESTAMP of every Linux segment skips the walk. */
	static const uint8_t stamp[4] = { 1, 1, 8, 10 };
	size_t i = 0;

	if (n == 12 && memcmp(options, stamp, sizeof(stamp)) == 0)
		return true;
	while (i < n && options[i] != 0) {
		if (options[i] == 1) {
			i++;
			continue;
		}
		if (n - i < 2 || options[i + 1] < 2 || options[i + 1] > n - i)
			return false;
		i += options[i + 1];
	}
	return true;
}
