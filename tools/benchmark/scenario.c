/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/burst.h"
#include "worker.h"

#define PORT       443
#define SERVER_ISN 1000000u
#define CLIENT_ISN 5000u

/* A policy that mitigates, with every stage and every vector: what a shop would run. */
static const char policy[] =
	"version = 1;\n"
	"dataplane = { flow_entries = \"4M\"; source_entries = \"2M\"; };\n"
	"policies = ( { name = \"shop\"; mode = \"mitigate\"; vectors = (\n"
	"  { vector = \"tcp_syn_flood\";   activate_rate = \"10kpps\"; },\n"
	"  { vector = \"tcp_other_flood\"; activate_rate = \"900Mpps\"; },\n"
	"  { vector = \"udp_flood\";       activate_rate = \"10kpps\"; },\n"
	"  { vector = \"icmp_flood\";      activate_rate = \"1kpps\"; },\n"
	"  { vector = \"fragment_flood\";  activate_rate = \"1kpps\"; },\n"
	"  { vector = \"other_flood\";     activate_rate = \"1kpps\"; } );\n"
	"  sources = { verified_packets = \"off\"; verified_bits = \"off\"; }; } );\n"
	"services = ( { name = \"shop\"; policy = \"shop\";\n"
	"  prefixes = [ \"203.0.113.10/32\", \"2001:db8:a::10/128\" ]; } );\n";

static char *
no_policy(const struct scenario *s)
{
	(void)s;
	return strdup("version = 1;\n");
}

static char *
shop_policy(const struct scenario *s)
{
	(void)s;
	return strdup(policy);
}

/* The shop's policy and 1,000 denied prefixes, among them every source that is sent. */
static char *
denying_policy(const struct scenario *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)s;
	if (f == NULL)
		return NULL;
	fputs(policy, f);
	fputs("lists = ( { name = \"bad\"; action = \"deny\"; prefixes = [\n", f);
	for (unsigned int i = 0; i < 500; i++)
		fprintf(f, "  \"198.%u.%u.0/24\", \"2001:db8:%x:%x::/56\",\n",
		        18 + i / 256, i % 256, 12 + i / 256, (i % 256) << 8);
	fputs("  \"192.0.2.0/24\" ]; } );\n", f);
	fclose(f);
	return text;
}

/* Established connection of source `flow`: the same in prime and in the measurement. */
static void
connection(size_t flow, struct frame_spec *f)
{
	f->kind = FRAME_TCP;
	f->source = (uint32_t)(flow & 0xfffff);
	f->src_port = (uint16_t)(1024 + (flow >> 20));
	f->dst_port = PORT;
	f->len = 64;
}

static void
established(const struct scenario *s, size_t i, struct frame_spec *f)
{
	connection(frame_random(i) % s->flows, f);
	f->tcp_flags = TCP_ACK;
	f->seq = CLIENT_ISN + 1;
	f->ack = SERVER_ISN + 1;
}

static void
imix(const struct scenario *s, size_t i, struct frame_spec *f)
{
	static const uint16_t sizes[12] = { 64, 64,  64,  64,  64,  64,
		                            64, 594, 594, 594, 594, 1518 };

	established(s, i, f);
	f->len = sizes[frame_random(~i) % 12];
}

static void
random_udp(const struct scenario *s, size_t i, struct frame_spec *f)
{
	uint64_t r = frame_random(i);

	(void)s;
	f->kind = FRAME_UDP;
	f->source = (uint32_t)(r & 0xfffff);
	f->src_port = (uint16_t)(1024 + (r >> 20) % 60000);
	f->dst_port = (uint16_t)(1 + (r >> 40) % 60000);
	f->len = 64;
}

/* Sources of 198.18.0.0/16 and 2001:db8:c:0-fff: all of them are on the deny list. */
static void
denied(const struct scenario *s, size_t i, struct frame_spec *f)
{
	random_udp(s, i, f);
	f->source &= 0xffff; /* IPv6: the third and fourth group count sources */
}

/* Few frames stay in the cache, as a card with cache injection would leave them; a million
 * flows or sources need a million frames. */
const struct scenario scenarios[] = {
	{ "forward_bare", "UDP through the whole pipeline, no service claims it", 1 << 12,
	  0, no_policy, random_udp, 1, false },
	{ "forward_1k", "established TCP, 1,000 flows", 1 << 12, 1000, shop_policy,
	  established, 1, false },
	{ "forward_1m", "established TCP, 1,000,000 flows", 1 << 20, 1000000, shop_policy,
	  established, 1, false },
	{ "denylist", "UDP from denied sources, 1,001 prefixes", 1 << 12, 0,
	  denying_policy, denied, 0, false },
	{ "udp_flood", "UDP from a million random sources above its limit", 1 << 20, 0,
	  shop_policy, random_udp, 0.005, false },
	{ "imix", "established TCP, 1,000 flows, frames of 64, 594 and 1,518 bytes 7:4:1",
	  1 << 12, 1000, shop_policy, imix, 1, false },
	{ "pcap_forward", "established TCP, 1,000 flows, from a pcap device", 1 << 12,
	  1000, shop_policy, established, 1, true },
	{ "pcap_imix", "imix from a pcap device", 1 << 12, 1000, shop_policy, imix, 1,
	  true },
	{ NULL, NULL, 0, 0, NULL, NULL, 0, false },
};

const struct scenario *
scenario_by_name(const char *name)
{
	for (const struct scenario *s = scenarios; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

int
scenario_traffic(const struct scenario *s, bool is_ipv6, struct traffic *t)
{
	*t = (struct traffic){ .is_ipv6 = is_ipv6, .frames = s->frames };
	t->frame = aligned_alloc(64, s->frames * sizeof(*t->frame));
	t->len = calloc(s->frames, sizeof(*t->len));
	if (t->frame == NULL || t->len == NULL) {
		scenario_release(t);
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->frames; i++) {
		struct frame_spec spec = { .is_ipv6 = is_ipv6 };

		s->frame(s, i, &spec);
		t->len[i] = frame_write(&t->frame[i], &spec);
	}
	return 0;
}

void
scenario_release(struct traffic *t)
{
	free(t->frame);
	free(t->len);
}

/* Judge up to 64 frames that came in by one side, without any device. */
static void
judge(struct worker *w, const struct policies *policies, struct frame *frames,
      const uint16_t *len, unsigned int n, enum side side, uint64_t now_ns)
{
	struct burst *b = &w->burst;

	burst_start(b, now_ns, 0, side);
	for (unsigned int i = 0; i < n; i++) {
		b->bytes[i] = frames[i].head;
		b->bytes_len[i] = len[i] < FRAME_HEAD ? len[i] : FRAME_HEAD;
		b->facts[i].frame_len = len[i];
	}
	b->count = (uint16_t)n;
	b->live = lanes_first(n);
	worker_judge(w, policies, b);
	worker_account(w, b);
	worker_upkeep(w, policies, now_ns);
}

/* SYN, SYN-ACK, ACK of 64 connections at a time, slowly enough for every threshold. */
void
scenario_prime(const struct scenario *s, bool is_ipv6, struct worker *w,
               const struct policies *policies, uint64_t *now_ns)
{
	static const struct {
		uint8_t flags;
		bool is_answer;
		uint32_t seq, ack;
	} step[3] = { { TCP_SYN, false, CLIENT_ISN, 0 },
		      { TCP_SYN | TCP_ACK, true, SERVER_ISN, CLIENT_ISN + 1 },
		      { TCP_ACK, false, CLIENT_ISN + 1, SERVER_ISN + 1 } };

	for (size_t flow = 0; flow < s->flows; flow += 64) {
		unsigned int n =
			s->flows - flow < 64 ? (unsigned int)(s->flows - flow) : 64;

		for (unsigned int k = 0; k < 3; k++) {
			struct frame frames[64];
			uint16_t len[64];

			for (unsigned int i = 0; i < n; i++) {
				struct frame_spec f = { .is_ipv6 = is_ipv6 };

				connection(flow + i, &f);
				f.len = 0; /* no data, or the acknowledgement would not fit it */
				f.tcp_flags = step[k].flags;
				f.is_answer = step[k].is_answer;
				f.seq = step[k].seq;
				f.ack = step[k].ack;
				len[i] = frame_write(&frames[i], &f);
			}
			judge(w, policies, frames, len, n,
			      step[k].is_answer ? SIDE_INTERNAL : SIDE_EXTERNAL, *now_ns);
		}
		*now_ns += UINT64_C(10000000);
	}
}
