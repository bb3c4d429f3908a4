/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words that are read: what lies at which byte behind the Ethernet addresses, `at` being
 * the first byte of the frame, or the fifth when a tag is to be jumped over. They
 * are kept as they lie, so that their first byte is the lowest one.
 *
 *     10      14      18      22      26      30      34      38      42      46
 *     |   type|ver len|       |ttl    |source |dest   |ports  |seq    |ack    |flags  IPv4
 *     |   type|ver    |len ttl|source ...                     |destination ...        IPv6
 *
 *                                                     54      58      62      66
 *                                                     |ports  |seq    |ack    |flags  IPv6
 */
#include "packet/plain.h"

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "packet/eight.h"
#include "packet/options.h"
#include "packet/vector.h"

#define ETHERNET   14
#define TAG        4
#define UDP_HEADER 8
#define TCP_HEADER 20 /* without options */
/* Bytes that are read of a frame without a tag. */
#define LEAST_IPV4 (ETHERNET + 20 + TCP_HEADER)
#define LEAST_IPV6 (ETHERNET + 40 + UDP_HEADER)

#define EVERY 0xffu

/* What has too little to read is read from here, and found to be no IP. */
static const uint8_t nothing[LEAST_IPV6];

/* --- what is asked --- */

/* A right header sums up to all ones (RFC 1071 2), in whatever byte order. */
static inline eight
is_right_sum(eight a, eight b, eight c, eight d, eight e)
{
	const eight low = ALL(0xffff);
	const eight word[] = { a, b, c, d, e };
	eight sum = _mm256_setzero_si256();

	for (unsigned int i = 0; i < 5; i++) {
		sum = _mm256_add_epi32(sum, both(word[i], low));
		sum = _mm256_add_epi32(sum, _mm256_srli_epi32(word[i], 16));
	}
	sum = _mm256_add_epi32(both(sum, low), _mm256_srli_epi32(sum, 16));
	sum = _mm256_add_epi32(both(sum, low), _mm256_srli_epi32(sum, 16));
	return is_equal(sum, low);
}

/* 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16 and what is no host's. */
static inline eight
is_odd_ipv4(eight a)
{
	eight odd = either(IS_MASKED(a, 0xff, 0), IS_MASKED(a, 0xff, 10));

	odd = either(odd, IS_MASKED(a, 0xff, 127));
	odd = either(odd, IS_MASKED(a, 0xe0, 0xe0));
	odd = either(odd, IS_MASKED(a, 0xc0ff, 64 << 8 | 100));
	odd = either(odd, IS_MASKED(a, 0xffff, 254 << 8 | 169));
	odd = either(odd, IS_MASKED(a, 0xf0ff, 16 << 8 | 172));
	return either(odd, IS_MASKED(a, 0xffff, 168 << 8 | 192));
}

/* Flags that stacks send every day; ECE and CWR may stand with any. */
#define FLAGS(f) (UINT32_C(1) << (f))
#define EVERYDAY                                                                         \
	(FLAGS(TCP_SYN) | FLAGS(TCP_SYN | TCP_ACK) | FLAGS(TCP_ACK) |                    \
	 FLAGS(TCP_ACK | TCP_PSH) | FLAGS(TCP_ACK | TCP_FIN) |                           \
	 FLAGS(TCP_ACK | TCP_FIN | TCP_PSH) | FLAGS(TCP_RST) | FLAGS(TCP_RST | TCP_ACK))

static inline eight
is_everyday(eight tcp_flags)
{
	const eight bit =
		_mm256_srlv_epi32(ALL(EVERYDAY), both(tcp_flags, ALL(TCP_URG - 1)));

	return both(IS_MASKED(bit, 1, 1), IS_MASKED(tcp_flags, TCP_URG, 0));
}

/* Neither end is nobody, BGP (179), or BFD of some kind: what the wire's own talk uses. */
#define IS_PORT(ports, port) _mm256_cmpeq_epi16(ports, ALL((port) << 16 | (port)))

static inline eight
is_customers_ports(eight ports)
{
	eight here = either(IS_PORT(ports, 0), IS_PORT(ports, 179));

	here = either(here, either(IS_PORT(ports, 3784), IS_PORT(ports, 3785)));
	here = either(here, either(IS_PORT(ports, 4784), IS_PORT(ports, 6784)));
	return is_equal(here, _mm256_setzero_si256());
}

/* --- eight frames --- */

struct frames {
	const struct plain_frames *in;
	const uint8_t *const *start; /* the same, or as if there were no tag */
	const uint16_t *left;        /* readable bytes from there */
	eight first[4];              /* words from 10 on */
	eight type, has_tag;
	eight tag; /* its bytes: 4 or 0 */
	eight frame_len;
};

static inline bool
have_all(const uint16_t left[PLAIN_EIGHT], unsigned int least)
{
	const __m128i have = _mm_loadu_si128((const __m128i *)left);
	const __m128i missing = _mm_subs_epu16(_mm_set1_epi16((short)least), have);

	return _mm_testz_si128(missing, missing) != 0;
}

static inline void
look_at_types(struct frames *f)
{
	words(f->start, 10, f->first);
	f->type = _mm256_srli_epi32(f->first[0], 16);
}

/* Starts of their own for frames that have a tag, that are too short, or that are not. */
struct starts {
	const uint8_t *start[PLAIN_EIGHT];
	uint16_t left[PLAIN_EIGHT];
};

static __attribute__((noinline)) unsigned int
find_starts(const struct plain_frames *in, struct starts *s)
{
	unsigned int tags = 0;

	for (unsigned int k = 0; k < PLAIN_EIGHT; k++) {
		const uint16_t readable = k < in->n ? in->readable[k] : 0;
		const uint8_t *at = readable >= LEAST_IPV4 ? in->bytes[k] : nothing;
		const unsigned int tag = at[12] == 0x81 && at[13] == 0;

		s->left[k] = (uint16_t)(readable - tag * TAG);
		s->start[k] = s->left[k] >= LEAST_IPV4 ? at + (size_t)tag * TAG : nothing;
		tags |= tag << k;
	}
	return tags;
}

static inline void
open_frames(struct frames *f, const struct plain_frames *in, struct starts *s)
{
	unsigned int tags = 0;

	f->in = in;
	f->start = NULL;
	f->frame_len =
		_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)in->frame_len));
	if (in->n >= PLAIN_EIGHT && have_all(in->readable, LEAST_IPV4)) {
		f->start = in->bytes;
		f->left = in->readable;
		look_at_types(f);
		tags = bits_of(is_equal(f->type, ALL(0x0081)));
	}
	if (f->start == NULL || tags != 0) {
		tags = find_starts(in, s);
		f->start = s->start;
		f->left = s->left;
		look_at_types(f);
	}
	f->has_tag = eight_of(tags);
	f->tag = both(f->has_tag, ALL(TAG));
}

/* Of the frames of a set with TCP options those whose options are in sight and sound. */
static unsigned int
sound_options(const struct frames *f, unsigned int set, eight at, eight header)
{
	uint32_t from[PLAIN_EIGHT], length[PLAIN_EIGHT];
	unsigned int sound = 0;

	_mm256_storeu_si256((__m256i *)from, at);
	_mm256_storeu_si256((__m256i *)length, header);
	for (; set != 0; set &= set - 1) {
		const unsigned int k = (unsigned int)__builtin_ctz(set);
		const uint8_t *options = f->in->bytes[k] + from[k] + TCP_HEADER;

		if (from[k] + length[k] <= f->in->readable[k] &&
		    options_are_sound(options, length[k] - TCP_HEADER))
			sound |= 1u << k;
	}
	return sound;
}

/* --- above IP --- */

/* What is known of eight packets when their layer-4 headers are reached. */
struct upper {
	eight is_read; /* the headers below are what they should be */
	eight is_host; /* the source could be a customer's */
	eight proto, ttl;
	eight at;   /* of the layer-4 header in the frame */
	eight room; /* bytes from there to the end of the datagram */
	eight ports, seq, ack,
		last; /* as they lie; `last` begins with offset and flags */
	eight flags;  /* enum fact_flag that all have, and l3_off without a tag */
};

/* The same packets, one layer higher. */
struct segments {
	eight is_tcp, is_udp;
	eight header, payload; /* bytes */
	eight flags;           /* of TCP */
	eight ports;           /* numbers */
	eight has_options;
};

/* Returns which packets are sound TCP or UDP. */
static inline eight
read_segments(const struct upper *u, struct segments *s)
{
	eight length, is_wrong, is_right;

	s->is_tcp = is_equal(u->proto, ALL(PROTO_TCP));
	s->is_udp = is_equal(u->proto, ALL(PROTO_UDP));
	s->header = where(s->is_tcp, _mm256_srli_epi32(both(u->last, ALL(0xf0)), 2),
	                  ALL(UDP_HEADER));
	/* UDP tells its length; TCP reaches to the end. */
	length = where(s->is_tcp, u->room, first16(u->seq));
	is_wrong = either(is_above(s->header, length), is_above(length, u->room));
	is_right = either(s->is_udp,
	                  both(s->is_tcp, is_above(s->header, ALL(TCP_HEADER - 1))));
	s->has_options = both(s->is_tcp, is_above(s->header, ALL(TCP_HEADER)));
	s->payload = _mm256_sub_epi32(length, s->header);
	s->flags = both(s->is_tcp, both(_mm256_srli_epi32(u->last, 8), ALL(0xff)));
	s->ports = numbers16(u->ports);
	return unless(is_wrong, both(u->is_read, is_right));
}

/* The last two words of facts: flags and protocols, as they stand there. */
static inline void
describe(const struct frames *f, const struct upper *u, const struct segments *s,
         eight what[2])
{
	const eight is_customers = both(is_customers_ports(s->ports),
	                                either(s->is_udp, is_everyday(s->flags)));
	const eight is_later = unless(IS_MASKED(s->flags, TCP_SYN | TCP_ACK, TCP_SYN),
	                              ALL(VECTOR_TCP_OTHER_FLOOD));
	const eight vector = where(s->is_udp, ALL(VECTOR_UDP_FLOOD), is_later);

	static_assert(VECTOR_TCP_SYN_FLOOD == 0, "what is left out is a first SYN");
	what[0] = _mm256_add_epi32(u->flags, _mm256_slli_epi32(f->tag, 16));
	what[0] = either(what[0], _mm256_slli_epi32(u->proto, 24));
	what[0] = either(what[0], both(f->has_tag, ALL(FACT_VLAN)));
	what[0] = either(what[0], both(s->has_options, ALL(FACT_TCP_OPTIONS)));
	what[0] = either(what[0], both(both(u->is_host, is_customers), ALL(FACT_PLAIN)));
	what[1] = either(s->flags, _mm256_slli_epi32(u->ttl, 8));
	what[1] = either(what[1], _mm256_slli_epi32(vector, 24));
}

/* Note beside the facts what was read. */
static inline void
note(struct plain_read *read, unsigned int set, const eight what[2])
{
	const eight is_read = eight_of(set);
	const eight flags = both(is_read, both(what[0], ALL(0xffff)));
	const eight vector = both(is_read, _mm256_srli_epi32(what[1], 24));
	const __m128i flags16 = _mm_packus_epi32(_mm256_castsi256_si128(flags),
	                                         _mm256_extracti128_si256(flags, 1));
	const __m128i vector16 = _mm_packus_epi32(_mm256_castsi256_si128(vector),
	                                          _mm256_extracti128_si256(vector, 1));
	__m128i *f = (__m128i *)read->flags, *v = (__m128i *)read->vector;

	/* The other family may have noted its own already. */
	_mm_storeu_si128(f, _mm_or_si128(_mm_loadu_si128(f), flags16));
	_mm_storel_epi64(v, _mm_or_si128(_mm_loadl_epi64(v),
	                                 _mm_packus_epi16(vector16, vector16)));
	read->plain |=
		set & bits_of(_mm256_slli_epi32(what[0], __builtin_clz(FACT_PLAIN)));
}

static inline void
put_half(struct facts *out, __m128i third, __m128i fourth)
{
	_mm_store_si128((__m128i *)&out->tcp_seq, third);
	_mm_store_si128((__m128i *)&out->l4_off, fourth);
}

/* Some of eight, where others of them are written by somebody else. */
static __attribute__((noinline)) void
put_some(struct facts *out, unsigned int set, const eight third[4], const eight fourth[4])
{
	for (; set != 0; set &= set - 1) {
		const unsigned int k = (unsigned int)__builtin_ctz(set);
		const __m128i *a = (const __m128i *)&third[k % 4] + k / 4;
		const __m128i *b = (const __m128i *)&fourth[k % 4] + k / 4;

		put_half(&out[k], *a, *b);
	}
}

/* The second halves of the lines of facts, from fields to packets. */
static inline void
put_halves(struct facts *out, unsigned int set, eight third[4], eight fourth[4])
{
	turn(third, third);
	turn(fourth, fourth);
	if (set != EVERY) {
		put_some(out, set, third, fourth);
		return;
	}
	for (unsigned int k = 0; k < 4; k++) {
		put_half(&out[k], _mm256_castsi256_si128(third[k]),
		         _mm256_castsi256_si128(fourth[k]));
		put_half(&out[k + 4], _mm256_extracti128_si256(third[k], 1),
		         _mm256_extracti128_si256(fourth[k], 1));
	}
}

/* Judge what lies above IP, and write the second halves. Returns which were read. */
static inline __attribute__((always_inline)) unsigned int
read_upper(const struct frames *f, const struct upper *u, struct facts *out,
           struct plain_read *read)
{
	struct segments s;
	unsigned int set = bits_of(read_segments(u, &s));
	const unsigned int optional = set & bits_of(s.has_options);
	eight third[4], fourth[4];

	if (optional != 0)
		set &= ~optional | sound_options(f, optional, u->at, s.header);
	third[0] = both(s.is_tcp, number(u->seq));
	third[1] = both(s.is_tcp, number(u->ack));
	third[2] = s.ports;
	third[3] = either(f->frame_len, _mm256_slli_epi32(s.payload, 16));
	fourth[0] =
		either(u->at, _mm256_slli_epi32(_mm256_add_epi32(u->at, s.header), 16));
	fourth[1] = both(f->has_tag, both(first16(f->first[0]), ALL(0xfff)));
	describe(f, u, &s, &fourth[2]);
	note(read, set, &fourth[2]);
	put_halves(out, set, third, fourth);
	return set;
}

/* --- the families --- */

/* The addresses are the words 4 and 5 of the 32 bytes that are read here. */
static inline void
put_ends_ipv4(struct facts *out, const uint8_t *start)
{
	const __m256i order = _mm256_setr_epi32(0, 0, 0, 4, 0, 0, 0, 5);
	const __m256i mapped = _mm256_set_epi64x(0xffff0000, 0, 0xffff0000, 0);
	const __m256i ends = _mm256_permutevar8x32_epi32(
		_mm256_loadu_si256((const __m256i *)(start + 10)), order);

	_mm256_store_si256((__m256i *)out->src, _mm256_blend_epi32(mapped, ends, 0x88));
}

static inline void
put_ends_ipv6(struct facts *out, const uint8_t *start)
{
	_mm256_store_si256((__m256i *)out->src,
	                   _mm256_loadu_si256((const __m256i *)(start + 22)));
}

static unsigned int
read_ipv4(const struct frames *f, eight is_ipv4, struct facts *out,
          struct plain_read *read)
{
	const eight *first = f->first, total = last16(first[1]);
	const eight end =
		_mm256_add_epi32(_mm256_add_epi32(total, f->tag), ALL(ETHERNET));
	struct upper u;
	eight ends[4], upper[4];
	unsigned int set;

	words(f->start, 26, ends);
	words(f->start, 38, upper);
	/* No more fragments and no offset; the reserved bit and "don't fragment" may be. */
	u.is_read = both(is_ipv4, both(IS_MASKED(first[1], 0xff, 0x45),
	                               IS_MASKED(first[2], 0xff3f0000, 0)));
	u.is_read = both(u.is_read,
	                 is_right_sum(first[1], first[2], first[3], ends[0], ends[1]));
	u.is_read = unless(is_above(end, f->frame_len), u.is_read);
	u.is_host =
		unless(either(is_odd_ipv4(ends[0]), is_equal(ends[0], ends[1])), is_ipv4);
	u.ttl = both(first[3], ALL(0xff));
	u.proto = both(_mm256_srli_epi32(first[3], 8), ALL(0xff));
	u.at = _mm256_add_epi32(f->tag, ALL(ETHERNET + 20));
	/* Below 0 where the datagram ends within its header: no segment fits. */
	u.room = _mm256_sub_epi32(total, ALL(20));
	u.ports = ends[2];
	u.seq = upper[0];
	u.ack = upper[1];
	u.last = upper[2];
	u.flags = ALL(FACT_IP | ETHERNET << 16);
	set = read_upper(f, &u, out, read);
	if (set == EVERY)
		for (unsigned int k = 0; k < PLAIN_EIGHT; k++)
			put_ends_ipv4(&out[k], f->start[k]);
	else
		for (unsigned int left = set; left != 0; left &= left - 1)
			put_ends_ipv4(&out[__builtin_ctz(left)],
			              f->start[__builtin_ctz(left)]);
	return set;
}

/*
 * The words behind an IPv6 header, where not all frames have room for TCP: a short one
 * has UDP's words, and 0 for the others. Returns starts that may be read from.
 */
static __attribute__((noinline)) const uint8_t *const *
words_of_short(const struct frames *f, struct starts *s, eight upper[4])
{
	__m128i word[PLAIN_EIGHT];

	for (unsigned int k = 0; k < PLAIN_EIGHT; k++) {
		const __m128i *at;

		s->start[k] = f->left[k] >= LEAST_IPV6 ? f->start[k] : nothing;
		at = (const __m128i *)(s->start[k] + ETHERNET + 40);
		word[k] = f->left[k] < ETHERNET + 40 + TCP_HEADER ? _mm_loadl_epi64(at)
		                                                  : _mm_loadu_si128(at);
	}
	for (unsigned int k = 0; k < 4; k++)
		upper[k] = _mm256_set_m128i(word[k + 4], word[k]);
	turn(upper, upper);
	return s->start;
}

static unsigned int
read_ipv6(const struct frames *f, eight is_ipv6, struct facts *out,
          struct plain_read *read)
{
	const eight *first = f->first;
	const uint8_t *const *start = f->start;
	struct starts shorter;
	struct upper u;
	eight middle[4], ends[4], upper[4], is_same;
	unsigned int set;

	if (have_all(f->left, LEAST_IPV6 - UDP_HEADER + TCP_HEADER))
		words(start, ETHERNET + 40, upper);
	else
		start = words_of_short(f, &shorter, upper);
	words(start, 26, middle);
	words(start, 42, ends);
	is_same = both(both(is_equal(first[3], middle[3]), is_equal(middle[0], ends[0])),
	               both(is_equal(middle[1], ends[1]), is_equal(middle[2], ends[2])));
	/* 2000::/3 is what is given out to hosts. */
	u.is_host = unless(is_same, IS_MASKED(first[3], 0xe0, 0x20));
	u.room = first16(first[2]);
	u.proto = both(_mm256_srli_epi32(first[2], 16), ALL(0xff));
	u.ttl = _mm256_srli_epi32(first[2], 24);
	u.at = _mm256_add_epi32(f->tag, ALL(ETHERNET + 40));
	u.is_read = both(is_ipv6, IS_MASKED(first[1], 0xf0, 0x60));
	u.is_read =
		unless(is_above(_mm256_add_epi32(u.at, u.room), f->frame_len), u.is_read);
	u.ports = upper[0];
	u.seq = upper[1];
	u.ack = upper[2];
	u.last = upper[3];
	u.flags = ALL(FACT_IP | FACT_IPV6 | ETHERNET << 16);
	set = read_upper(f, &u, out, read);
	if (set == EVERY)
		for (unsigned int k = 0; k < PLAIN_EIGHT; k++)
			put_ends_ipv6(&out[k], start[k]);
	else
		for (unsigned int left = set; left != 0; left &= left - 1)
			put_ends_ipv6(&out[__builtin_ctz(left)],
			              start[__builtin_ctz(left)]);
	return set;
}

void
plain_read(const struct plain_frames *in, struct facts *out, struct plain_read *read)
{
	struct starts starts;
	eight is_ipv4, is_ipv6;
	struct frames f;

	open_frames(&f, in, &starts);
	is_ipv4 = is_equal(f.type, ALL(0x0008));
	is_ipv6 = is_equal(f.type, ALL(0xdd86));
	memset(read, 0, sizeof(*read));
	if (bits_of(is_ipv4) != 0)
		read->ipv4 = read_ipv4(&f, is_ipv4, out, read);
	if (bits_of(is_ipv6) != 0)
		read->ipv6 = read_ipv6(&f, is_ipv6, out, read);
}
