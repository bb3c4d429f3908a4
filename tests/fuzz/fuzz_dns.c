/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes as a DNS message: what is read lies within them, and its name hashes the same
 * in any case and by any suffix. Any bytes as a frame: a query in it is turned round into an
 * answer that parses, is not longer, goes back, has the right checksums and holds the
 * same question.
 */
#include <stdlib.h>
#include <string.h>

#include "challenge/truncated.h"
#include "inspect/dns.h"
#include "inspect/dns_wire.h"
#include "packet/burst.h"
#include "packet/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
read_message(const uint8_t *data, size_t size)
{
	struct dns_hashes h, other;
	uint8_t *turned = malloc(size != 0 ? size : 1);
	struct hash_key key;
	struct dns q;

	must(turned != NULL);
	memcpy(turned, data, size);
	hash_key_seeded(&key, 1);
	if (dns_read(turned, size, &q)) {
		must(q.end <= size && q.end == DNS_HEADER + q.name_len + DNS_TAIL);
		must(q.labels <= DNS_MAX_LABELS && q.questions != 0);
		must(!q.has_edns || q.end + (size_t)DNS_OPT + q.edns_data <= size);
		dns_hash(&key, turned, &q, &h);
		for (unsigned int i = 0; i < q.labels; i++) {
			uint8_t *label = turned + DNS_HEADER + q.at[i];

			for (unsigned int k = 1; k <= label[0]; k++)
				if (label[k] >= 'a' && label[k] <= 'z')
					label[k] = (uint8_t)(label[k] - 32);
		}
		dns_hash(&key, turned, &q, &other);
		must(h.name == other.name && h.depth == other.depth);
		for (unsigned int n = 0; n <= h.depth; n++)
			must(dns_suffix(&key, &h, n) == dns_suffix(&key, &other, n));
	}
	free(turned);
}

static void
parse_it(struct burst *b, const uint8_t *frame, size_t len)
{
	burst_start(b, 0, 0, SIDE_EXTERNAL);
	b->count = 1;
	b->live = 1;
	b->bytes[0] = frame;
	b->bytes_len[0] = (uint16_t)len;
	b->frame_len[0] = (uint16_t)len;
	parse_burst(b);
}

static void
judge(const struct burst *b, const struct facts *was, const struct dns *asked)
{
	const struct facts *f = &b->facts[0];
	struct wire w = { 0 };
	struct dns q;

	must(f->fault == PACKET_SOUND && f->proto == PROTO_UDP);
	must(b->bytes_len[0] <= was->frame_len);
	must(memcmp(f->src, was->dst, 16) == 0 && memcmp(f->dst, was->src, 16) == 0);
	must(f->src_port == was->dst_port && f->dst_port == was->src_port);
	must(f->vlan == was->vlan && f->inner_vlan == was->inner_vlan);
	must((f->flags & (FACT_OPTIONS | FACT_FRAGMENT)) == 0);
	must(dns_read(b->bytes[0] + f->payload_off, f->payload_len, &q));
	must(q.id == asked->id && q.end == asked->end && q.type == asked->type);
	must((q.flags & (DNS_QR | DNS_TC | DNS_RCODE | DNS_OPCODE)) == (DNS_QR | DNS_TC));
	must(q.questions == 1 && q.answers + q.authorities == 0);
	must(q.has_edns == asked->has_edns && q.additionals == asked->has_edns);
	if (b->bytes_len[0] > sizeof(w.bytes))
		return;
	memcpy(w.bytes, b->bytes[0], b->bytes_len[0]);
	w.ip = f->l3_off;
	w.udp = f->l4_off;
	must(dns_udp_sum(&w, f->payload_off + (size_t)f->payload_len) == 0);
}

static void
turn_round(const uint8_t *data, size_t size)
{
	static struct burst b;
	uint8_t *frame = malloc(size);
	struct facts was;
	struct dns q;

	must(frame != NULL);
	memcpy(frame, data, size);
	parse_it(&b, frame, size);
	was = b.facts[0];
	if (was.fault == PACKET_SOUND && was.proto == PROTO_UDP &&
	    (was.flags & (FACT_NO_PORTS | FACT_FRAGMENT)) == 0 &&
	    dns_read(frame + was.payload_off, was.payload_len, &q) && q.questions == 1) {
		const struct truncated t = {
			.end = q.end,
			.has_edns = q.has_edns,
			.options = q.has_edns ? truncated_options(
							frame + was.payload_off + q.end,
							q.edns_data)
			                      : 0,
		};

		truncated_write(&b, 0, &t);
		parse_it(&b, frame, b.bytes_len[0]);
		judge(&b, &was, &q);
	}
	free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 9002)
		return 0;
	read_message(data, size);
	turn_round(data, size);
	return 0;
}
