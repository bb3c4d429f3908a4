/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * micro_cookie - what it costs to answer a SYN without remembering it, and to know the
 * answer again: the cookie, the frame turned round, both together, and the memory of
 * repetitions.
 */
#include <stdio.h>
#include <string.h>

#include "challenge/answer.h"
#include "challenge/cookie.h"
#include "challenge/repeat.h"
#include "challenge/stamp.h"
#include "frames.h"
#include "micro.h"
#include "packet/parse.h"

#define BATCHES 20000
#define WALL_NS (UINT64_C(1784967872) * 1000000000)
#define HEAD    128 /* bytes of a frame */

/* What a stack's SYN says; as tests/challenge has them. */
struct layout {
	const char *item;
	bool is_ipv6;
	uint8_t len; /* of the options */
	uint8_t bytes[24];
};

enum { LAYOUT_LINUX_IPV4 = 1, LAYOUT_LINUX_IPV6 = 4, LAYOUTS };

static const struct layout layouts[LAYOUTS] = {
	{ "none4", false, 0, { 0 } },
	{ "linux4", false, 20, { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2,
	                         3, 4, 0, 0,    0, 0, 1, 3,  3, 7 } },
	{ "windows4", false, 12, { 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2 } },
	{ "macos4", false, 24, { 2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10,
	                         1, 2, 3, 4,    0, 0, 0, 0, 4, 2, 0, 0 } },
	{ "linux6", true, 20, { 2, 4, 5, 0xa0, 4, 2, 8, 10, 1, 2,
	                        3, 4, 0, 0,    0, 0, 1, 3,  3, 7 } },
};

struct answering {
	struct burst b;
	struct cookie_keys keys;
	struct repeat repeat;
	const struct layout *layout;
	bool is_acknowledging;
	uint32_t cookie[LANES_MAX];
	uint8_t frame[LANES_MAX][HEAD];
};

static uint16_t
write_syn(const struct answering *s, uint8_t *to, uint64_t k)
{
	const uint64_t r = frame_random(k);
	struct frame_spec spec = { .kind = FRAME_TCP,
		                   .is_ipv6 = s->layout->is_ipv6,
		                   .tcp_flags = TCP_SYN,
		                   .source = (uint32_t)r & (FRAME_SOURCES - 1),
		                   .src_port = (uint16_t)(r >> 32),
		                   .dst_port = 443,
		                   .seq = (uint32_t)(r >> 16),
		                   .ack = (uint32_t)(r >> 24) };
	const size_t ip = FRAME_ETHERNET, l4 = ip + (spec.is_ipv6 ? 40 : 20);
	struct frame f;

	spec.len = (uint16_t)(l4 + 20 + s->layout->len + 4);
	if (spec.len < 64)
		spec.len = 64;
	frame_write(&f, &spec);
	memcpy(to, f.head, HEAD);
	to[l4 + 12] = (uint8_t)((20 + s->layout->len) / 4 << 4);
	memcpy(to + l4 + 20, s->layout->bytes, s->layout->len);
	return (uint16_t)(spec.len - 4);
}

static void
make_syns(void *state, uint64_t n)
{
	struct answering *s = state;

	burst_start(&s->b, n * 3200, 0, SIDE_EXTERNAL);
	s->b.count = LANES_MAX;
	s->b.live = UINT64_MAX;
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		const uint16_t len = write_syn(s, s->frame[i], n * LANES_MAX + i);

		s->b.bytes[i] = s->frame[i];
		s->b.bytes_len[i] = s->b.frame_len[i] = len;
	}
	parse_burst(&s->b);
	if (!s->is_acknowledging)
		return;
	cookie_make(&s->keys, &s->b, UINT64_MAX, s->cookie);
	for (unsigned int i = 0; i < LANES_MAX; i++) {
		s->b.facts[i].tcp_seq++;
		s->b.facts[i].tcp_ack = s->cookie[i] + 1;
	}
}

static unsigned int
make_cookies(void *state)
{
	struct answering *s = state;

	cookie_make(&s->keys, &s->b, UINT64_MAX, s->cookie);
	return LANES_MAX;
}

static unsigned int
check_cookies(void *state)
{
	struct answering *s = state;

	return lanes_count(cookie_check(&s->keys, &s->b, UINT64_MAX, 1));
}

static unsigned int
turn_round(void *state)
{
	struct answering *s = state;
	unsigned int done = 0;

	for (unsigned int i = 0; i < LANES_MAX; i++) {
		struct answer a = { .seq = s->cookie[i],
			            .ack = s->b.facts[i].tcp_seq + 1,
			            .tcp_flags = TCP_SYN | TCP_ACK };

		answer_read_offer(&s->b, i, &a.options);
		if (a.options.has_ts) {
			a.options.ts_echo = a.options.ts_value;
			a.options.ts_value = stamp_make(
				&(struct stamp){ .wscale = a.options.wscale,
			                         .promised = a.options.wscale },
				WALL_NS);
		} else {
			a.options.has_sack_permitted = false;
			a.options.wscale = OPTIONS_NO_WSCALE;
		}
		if (a.options.mss != 0)
			a.seq |= cookie_mss_index(a.options.mss, s->layout->is_ipv6);
		answer_write(&s->b, i, &a);
		done += s->b.bytes_len[i] >= 60;
	}
	return done;
}

static unsigned int
make_and_turn_round(void *state)
{
	make_cookies(state);
	return turn_round(state);
}

static unsigned int
see(void *state)
{
	struct answering *s = state;

	return lanes_count(repeat_see(&s->repeat, &s->b, UINT64_MAX));
}

/* One row; `good` is the share of its items that do what they should. */
struct telling {
	const char *item;
	unsigned int (*run)(void *state);
	double good;
};

static bool
tell(const struct job *job, const struct micro *m, struct answering *s, struct telling t)
{
	const struct micro_row row = { .micro = m->name,
		                       .item = t.item,
		                       .good = t.good,
		                       .batches = BATCHES,
		                       .ours = { t.item, s, make_syns, t.run } };

	return micro_tell(job, &row);
}

static void
open_keys(struct answering *s)
{
	static const uint8_t secret[COOKIE_SECRET] = "of the benchmark";

	cookie_keys_open(&s->keys, secret, WALL_NS);
}

int
micro_cookie(const struct job *job, const struct micro *m)
{
	static const struct telling rows[2][3] = {
		{ { "make_ipv4", make_cookies, 1 },
		  { "refuse_ipv4", check_cookies, 0 },
		  { "accept_ipv4", check_cookies, 1 } },
		{ { "make_ipv6", make_cookies, 1 },
		  { "refuse_ipv6", check_cookies, 0 },
		  { "accept_ipv6", check_cookies, 1 } },
	};
	static struct answering s;

	open_keys(&s);
	for (unsigned int v6 = 0; v6 < 2; v6++)
		for (unsigned int i = 0; i < 3; i++) {
			s.layout = &layouts[v6 ? LAYOUT_LINUX_IPV6 : LAYOUT_LINUX_IPV4];
			s.is_acknowledging = i == 2;
			if (!tell(job, m, &s, rows[v6][i]))
				return 1;
		}
	return 0;
}

int
micro_answer(const struct job *job, const struct micro *m)
{
	static struct answering s;
	char item[32];

	open_keys(&s);
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		s.layout = &layouts[i];
		snprintf(item, sizeof(item), "cookie_%s", layouts[i].item);
		if (!tell(job, m, &s,
		          (struct telling){ layouts[i].item, turn_round, 1 }) ||
		    !tell(job, m, &s, (struct telling){ item, make_and_turn_round, 1 }))
			return 1;
	}
	return 0;
}

int
micro_repeat(const struct job *job, const struct micro *m)
{
	static struct answering s;
	struct hash_key key;
	bool is_good;

	s.layout = &layouts[1];
	hash_key_seeded(&key, 1);
	if (repeat_open(&s.repeat, &key) != 0) {
		fputs("benchmark: there is not enough memory for repetitions\n", stderr);
		return 1;
	}
	is_good = tell(job, m, &s, (struct telling){ "flood", see, 0 });
	repeat_close(&s.repeat);
	return is_good ? 0 : 1;
}
