/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a TCP header: the reader of options agrees with its slow twin. Any bytes as
 * a frame: every sound TCP packet is turned round into one that parses, is not longer than
 * it was, goes where it came from and has the right checksums, whatever it shall say.
 */
#include <stdlib.h>
#include <string.h>

#include "../packet/options_twin.h"
#include "../packet/wire.h"
#include "challenge/answer.h"
#include "packet/burst.h"
#include "packet/parse.h"

#define CHOICES 8 /* bytes in front that choose what the answer says */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
read_options(const uint8_t *data, size_t size)
{
	struct options_twin slow = options_twin_read(data, size);
	struct tcp_options fast;

	memset(&fast, 0xa5, sizeof(fast));
	must(options_read(data, size, &fast) == slow.is_sound);
	must(options_twin_agrees(&slow, &fast));
}

/* A sum over pseudo-header and segment that is right leaves nothing. */
static bool
is_tcp_sum_right(const uint8_t *frame, const struct facts *f)
{
	const unsigned int len =
		(unsigned int)(f->payload_off - f->l4_off) + f->payload_len;
	uint8_t pseudo[36];
	uint32_t sum;

	memcpy(pseudo, f->src, 32);
	pseudo[32] = 0;
	pseudo[33] = PROTO_TCP;
	pseudo[34] = (uint8_t)(len >> 8);
	pseudo[35] = (uint8_t)len;
	sum = 0xffff & ~wire_checksum(pseudo, sizeof(pseudo));
	sum += 0xffff & ~wire_checksum(frame + f->l4_off, len);
	return sum % 0xffff == 0;
}

static void
judge(const struct burst *b, const struct facts *was, const struct answer *a)
{
	const struct facts *f = &b->facts[0];

	must(f->fault == PACKET_SOUND && f->proto == PROTO_TCP);
	must(b->bytes_len[0] <= was->frame_len && f->payload_len == 0);
	must(memcmp(f->src, was->dst, 16) == 0 && memcmp(f->dst, was->src, 16) == 0);
	must(f->src_port == was->dst_port && f->dst_port == was->src_port);
	must(f->tcp_seq == a->seq && f->tcp_ack == a->ack &&
	     f->tcp_flags == a->tcp_flags);
	must(f->vlan == was->vlan && f->inner_vlan == was->inner_vlan);
	must((f->flags & (FACT_OPTIONS | FACT_FRAGMENT)) == 0);
	must(is_tcp_sum_right(b->bytes[0], f));
}

static void
parse_it(struct burst *b, const uint8_t *frame, size_t len, size_t frame_len)
{
	burst_start(b, 0, 0, SIDE_EXTERNAL);
	b->count = 1;
	b->live = 1;
	b->bytes[0] = frame;
	b->bytes_len[0] = (uint16_t)len;
	b->frame_len[0] = (uint16_t)frame_len;
	parse_burst(b);
}

/* A header's checksum is too hard to guess, and it is not what is sought here. */
static void
mend(struct burst *b, uint8_t *frame, size_t len, size_t frame_len)
{
	uint8_t *ip = frame + b->facts[0].l3_off;
	const size_t header = (ip[0] & 15u) * 4;
	unsigned int sum;

	memset(ip + 10, 0, 2);
	sum = wire_checksum(ip, header);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	parse_it(b, frame, len, frame_len);
}

static void
turn_round(const uint8_t choice[CHOICES], const uint8_t *data, size_t size)
{
	static struct burst b;
	/* Of its own, so that a byte written behind it is found. */
	uint8_t *frame = malloc(size);
	const size_t beyond = choice[0] & 1 ? choice[1] : 0;
	struct answer a = { .seq = choice[2] * 0x01020304u,
		            .ack = choice[3] * 0xff0fff0fu,
		            .window = (uint16_t)(choice[4] * 0x0101),
		            .tcp_flags = choice[5] };
	struct facts was;

	must(frame != NULL);
	memcpy(frame, data, size);
	parse_it(&b, frame, size, size + beyond);
	if (b.facts[0].fault == PACKET_BAD_IP_CHECKSUM)
		mend(&b, frame, size, size + beyond);
	was = b.facts[0];
	if (was.fault == PACKET_SOUND && was.proto == PROTO_TCP &&
	    (was.flags & FACT_NO_PORTS) == 0) {
		struct tcp_options slow;

		answer_read_offer(&b, 0, &a.options);
		must(options_read(frame + was.l4_off, size - was.l4_off, &slow));
		must(a.options.mss == slow.mss && a.options.wscale == slow.wscale &&
		     a.options.has_ts == slow.has_ts && a.options.ts_at == slow.ts_at &&
		     a.options.has_sack_permitted == slow.has_sack_permitted);
		/* More than was offered: what does not fit must be left out. */
		if (choice[6] & 1)
			a.options.mss = (uint16_t)(choice[7] * 0x0101);
		if (choice[6] & 2)
			a.options.wscale = choice[7] % 15;
		a.options.has_ts |= (choice[6] & 4) != 0;
		a.options.has_sack_permitted |= (choice[6] & 8) != 0;
		answer_write(&b, 0, &a);
		parse_it(&b, frame, b.bytes_len[0], b.bytes_len[0]);
		judge(&b, &was, &a);
	}
	free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CHOICES || size > 9002)
		return 0;
	read_options(data, size);
	if (size > CHOICES)
		turn_round(data, data + CHOICES, size - CHOICES);
	return 0;
}
