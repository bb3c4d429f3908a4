/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explain - what the box knows of one address, gathered stage by stage.
 *
 * Asked by the API, filled in by each stage on each worker between two bursts,
 * read again by the API. Bounded: an address with more flows than lines gets
 * the first ones and a count.
 *
 * Threads handed over whole: control -> worker -> control, one side at a time.
 */
#ifndef STAGE_EXPLAIN_H
#define STAGE_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#define EXPLAIN_LINES 128

/* One finding. Strings are static; numbers carry their unit by name. */
struct explain_line {
	uint8_t stage;       /* index in stage_list; written by the pipeline */
	uint16_t service;    /* 0: none or any */
	uint16_t policy;     /* 0: none or any */
	const char *what;    /* "packets", "flow", "blocked", "last drop" */
	const char *unit;    /* "packets_per_second", "seconds", "packets", or "" */
	uint64_t value;      /* measured */
	uint64_t threshold;  /* configured; 0: none */
	uint64_t age_ns;     /* since it happened or was last seen; 0: now */
	const char *verdict; /* "verified", "over", "within", a reason, or "" */
	uint8_t peer[16];    /* of a flow; zero otherwise */
	uint16_t peer_port, port;
	uint8_t proto;
	char name[64]; /* of the list or block that it is about; "" otherwise */
};

struct explain {
	uint8_t address[16]; /* IPv4 as IPv4-mapped IPv6, network order */
	uint64_t cursor;     /* of the stage that is being asked; 0 when it begins */
	unsigned int lines;
	uint64_t left_out; /* findings without a line */
	struct explain_line line[EXPLAIN_LINES];
};

/* The next line to fill, zeroed, or NULL (and counted) when all are used. */
struct explain_line *explain_add(struct explain *e);

#endif
