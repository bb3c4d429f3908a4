/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options - the command line of every verb of crowd, read into one plain struct.
 *
 * Units   beside the fields. Durations and rates on the command line are plain numbers
 *         whose unit is in the option's name (--timeout-ms).
 */
#ifndef CROWD_OPTIONS_H
#define CROWD_OPTIONS_H

#include <stdint.h>

#include "address.h"

#define OPTIONS_GROUPS 8

struct options {
	struct address_group groups[OPTIONS_GROUPS]; /* --group COUNT@PREFIX */
	unsigned int group_count;
	struct address_prefix customers[OPTIONS_GROUPS]; /* --customers PREFIX */
	unsigned int customer_count;
	struct address_prefix bots[OPTIONS_GROUPS]; /* --bots PREFIX */
	unsigned int bot_count;
	struct address shop4, shop6; /* --shop ADDRESS, one of each family at most */
	const char *interface;       /* --interface NAME */
	const char *host;            /* --host NAME, sent as the Host header */
	const char *paths;           /* --paths /,/a.html: asked for in turn */
	uint64_t timeout_ns;         /* --timeout-ms */
	uint64_t think_ns;           /* --think-ms: mean pause between two requests */
	uint64_t interval_ns; /* --interval-ms: a line of news this often, 0 never */
	uint64_t bucket_ns;   /* --bucket-ms: of the packet counter's time line */
	unsigned int
		keep_alive; /* --keep-alive N: every Nth customer keeps its connection */
	unsigned int cps;   /* --cps: connections per second and bot */
	unsigned int slots; /* --slots: connections a bot has open at most */
	unsigned int seed;  /* --seed: of the jitter */
	uint16_t port;      /* --port */
};

/* Returns 0, or 2 (the exit code for wrong usage) after saying on stderr what is wrong. */
int options_parse(struct options *o, int argc, char **argv);

/* The shop of an address family, or NULL. */
const struct address *options_shop(const struct options *o, int family);

/* How many hosts all groups have, and the address of number 0..total-1. */
unsigned int options_hosts(const struct options *o);
void options_host(struct address *out, const struct options *o, unsigned int host);

#endif
