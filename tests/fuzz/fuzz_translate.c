/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a frame, any numbers to add: what is translated parses to the same facts
 * but for its numbers, has a checksum as right or as wrong as before, and comes back. The
 * first 17 bytes are the translation.
 */
#include <stdlib.h>

#include "../packet/segment.h"
#include "packet/translate.h"

#define BYTES_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct translation
take_translation(const uint8_t *data)
{
	return (struct translation){ segment_32(data), segment_32(data + 4),
		                     segment_32(data + 8), segment_32(data + 12),
		                     (int8_t)(data[16] % 29 - 14) };
}

static struct translation
reverse(const struct translation *t)
{
	return (struct translation){ -t->seq, -t->ack, -t->ts_value, -t->ts_echo, 0 };
}

/* The two zeros of ones' complement are one. */
static unsigned int
how_wrong(const uint8_t *bytes, const struct facts *f)
{
	return segment_checksum(bytes, f) % 65535;
}

/* No stack writes the other zero, and it does not come back. */
static void
write_one_zero(uint8_t *at)
{
	if (segment_16(at) == 0xffff)
		segment_put16(at, 0);
}

static void
check_segment(uint8_t *bytes, size_t len, struct facts *f, const struct translation *t)
{
	const struct translation back = reverse(t);
	uint8_t before[BYTES_MAX];
	unsigned int wrong;
	struct facts after;

	write_one_zero(bytes + segment_checksum_at(f));
	memcpy(before, bytes, len);
	wrong = how_wrong(bytes, f);
	translate_segment(bytes, len, f, t);
	parse_frame(bytes, len, len, &after);
	f->tcp_seq += t->seq;
	f->tcp_ack += (f->tcp_flags & TCP_ACK) != 0 ? t->ack : 0;
	if (memcmp(f, &after, sizeof(after)) != 0 || how_wrong(bytes, f) != wrong)
		abort();
	translate_segment(bytes, len, f, &back);
	if (t->window_shift == 0 && memcmp(bytes, before, len) != 0)
		abort();
}

static void
check_quote(uint8_t *bytes, size_t len, const struct facts *f,
            const struct translation *t)
{
	const struct translation back = reverse(t);
	uint8_t before[BYTES_MAX];
	unsigned int wrong;
	struct facts after;
	struct quote q;

	write_one_zero(bytes + segment_checksum_at(f));
	if (!quote_read(f, bytes, len, &q))
		return;
	if (q.l4_len >= 18)
		write_one_zero(bytes + q.l4_off + 16);
	memcpy(before, bytes, len);
	wrong = how_wrong(bytes, f);
	translate_quote(bytes, len, f, &q, t);
	parse_frame(bytes, len, len, &after);
	if (memcmp(f, &after, sizeof(after)) != 0 || how_wrong(bytes, f) != wrong)
		abort();
	translate_quote(bytes, len, f, &q, &back);
	if (memcmp(bytes, before, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct translation t;
	struct facts f;
	uint8_t *bytes;
	size_t len;

	if (size < 17 || size - 17 > BYTES_MAX)
		return 0;
	t = take_translation(data);
	len = size - 17;
	bytes = malloc(len);
	memcpy(bytes, data + 17, len);
	parse_frame(bytes, len, len, &f);
	if (f.fault == PACKET_SOUND && f.proto == PROTO_TCP &&
	    (f.flags & FACT_NO_PORTS) == 0)
		check_segment(bytes, len, &f, &t);
	else if (quote_is_there(&f))
		check_quote(bytes, len, &f, &t);
	free(bytes);
	return 0;
}
