/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario - what the benchmark sends, and the configuration it meets.
 */
#ifndef BENCHMARK_SCENARIO_H
#define BENCHMARK_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/settings.h"
#include "traffic.h"

struct scenario_part {
	unsigned int share; /* slots of all frames; 0 ends the parts */
	enum frame_kind kind;
	uint8_t tcp_flags;
	uint16_t len; /* frame with FCS, bytes */
	enum traffic_pick pick;
	enum frame_layout layout;
	uint16_t port; /* of the service; 0: 443, of UDP any */
	enum frame_payload payload;
};

/* What goes through the worker before the measurement. */
enum scenario_opening {
	OPENING_PLAIN,   /* handshakes of client and server, which pass */
	OPENING_SPLICED, /* handshakes with the gate; long ago, so nothing is checked now */
	OPENING_CHALLENGED, /* no connection, but SYNs that are answered, just now */
};

struct scenario {
	const char *name, *help;
	struct scenario_part part[TRAFFIC_PARTS + 1];
	uint32_t flows; /* established before the measurement; 0: none */
	/* Prefixes on the deny list: IPv4, IPv6; 0: no list. */
	uint32_t listed[2];
	bool is_mixed; /* both families at once, and networks among the hosts */
	enum scenario_opening opening;
	bool has_cookies;    /* SYNs are answered; otherwise all but the meters is off */
	const char *dropped; /* "stage.reason" of all that does not pass; NULL: any */
	double replied;      /* share of packets that must be answered */
	double forwarded; /* share of packets that must come through, for a check of the run */
	const char *stages;    /* keys of the policy that matter here; NULL: none */
	const char *entries;   /* of the flow table; NULL: twice a million */
	const char *tcp_syn;   /* threshold of SYNs; NULL: 10kpps */
	const char *tcp_other; /* threshold of TCP that is no SYN; NULL: out of reach */
	const char *verified_bits; /* limit of one source; NULL: the default */
	bool is_bare;              /* no service and no policy at all */
	bool is_pcap; /* from a pcap device that repeats a file, instead of stamped */
};

/* All scenarios, ended by a NULL name. */
extern const struct scenario scenarios[];

const struct scenario *scenario_by_name(const char *name);

/* Make the templates. */
void scenario_traffic(const struct scenario *s, bool is_ipv6, struct traffic *t);

/* The configuration, checked; the caller frees it. NULL after a sentence. */
struct settings *scenario_settings(const struct scenario *s, bool is_ipv6);

#endif
