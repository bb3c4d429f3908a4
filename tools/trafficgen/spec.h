/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spec - what one part of the traffic is, read from 'KIND,key=value,...'.
 *
 * Units   times are ns since the start of the traffic; rates are per second; sizes are
 * bytes.
 */
#ifndef TRAFFICGEN_SPEC_H
#define TRAFFICGEN_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "address.h"
#include "args.h"
#include "frame.h"
#include "live.h"

/* The first kinds are conversations of customers, the others floods. */
enum kind {
	KIND_WEB,
	KIND_DNS,
	KIND_QUIC,
	KIND_BOTS,
	KIND_NTP,
	KIND_DNS_LARGE,
	KIND_ESP,
	KIND_PING,
	KIND_SYN,
	KIND_TCP_OTHER,
	KIND_UDP,
	KIND_ICMP,
	KIND_FRAGMENT,
	KIND_OTHER,
	KIND_ANSWERED_SYN,
	KIND_COUNT
};

/* SPREAD: so many hosts that lie anywhere, the same ones every time. */
enum source_style { SOURCES_RANDOM, SOURCES_NET, SOURCES_HOSTS, SOURCES_SPREAD };

enum fragment_style {
	FRAGMENT_PAIRS,
	FRAGMENT_RESTS,
	FRAGMENT_TINY,
	FRAGMENT_OVERLAP,
	FRAGMENT_ENDLESS
};

#define SPEC_MIX_MAX    8 /* values that flags=, proto= and stack= take */
#define SPEC_REPEAT_MAX 10

struct vector;

struct spec {
	enum kind kind;
	const struct vector *vector; /* NULL: the kind by its own name */
	bool use4, use6;
	struct wire wire;
	uint64_t start_ns, duration_ns;
	uint64_t rate;                      /* packets or conversations per second */
	uint64_t ramp_ns;                   /* how long the rate grows from nothing */
	uint64_t pulse_on_ns, pulse_off_ns; /* both 0: no pulses */
	struct prefix dst4, dst6;
	enum source_style style;
	uint64_t hosts;
	struct prefix from4, from6;
	struct range sport, dport, size, ttl; /* max 0: the kind's own choice */
	struct range rtt_ns;                  /* max 0: a skewed choice per customer */
	uint8_t mix[SPEC_MIX_MAX];            /* flag bytes, protocols, or stacks */
	unsigned int mix_count;
	bool has_icmp_type;
	struct range icmp_type, icmp_code;
	struct range seq, ack; /* TCP numbers, taken modulo 2^32 */
	bool has_seq, has_ack;
	unsigned int repeat; /* how often each packet is sent; 0: once */
	uint64_t gap_ns;     /* between a packet and its repetition */
	struct live live;    /* connections to send into; empty: none */
	enum fragment_style fragments;
	bool inside_starts; /* the inside host opens the conversation */
};

/* What holds for all parts unless one says otherwise. */
struct spec_defaults {
	uint64_t duration_ns;
	uint8_t outside[6], inside[6];
};

/* MACs 02:00:00:01:00:00 outside and 02:00:00:02:00:00 inside, and ten seconds. */
void spec_defaults_init(struct spec_defaults *d);

/*
 * Returns 0, or -EINVAL after complaining with the part's number and a remedy. The caller
 * frees what was read by spec_free.
 */
int spec_parse(struct spec *s, const char *text, unsigned int number,
               const struct spec_defaults *d);

void spec_free(struct spec *s);

/* The name of the vector or of the kind. */
const char *spec_name(const struct spec *s);

static inline bool
spec_is_flood(const struct spec *s)
{
	return s->kind >= KIND_SYN;
}

/* The kinds and keys, for --help. */
void spec_print_help(FILE *to);

/* A line for each kind and vector: its name, a tab, what it is. */
void spec_print_vectors(FILE *to);

#endif
