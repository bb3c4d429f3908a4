/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/servers.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"

#define WAYS   2
#define PLACES (SERVERS_ENTRIES / WAYS)
#define BYTES  (SERVERS_ENTRIES * sizeof(struct entry))

/* RFC 9293 3.7.1: what a side that says nothing of its MSS can take. */
#define UNSAID_IPV4 536
#define UNSAID_IPV6 1220

/* What most servers say: Linux on Ethernet. ECN is asked of them too seldom to count on. */
#define USUAL_IPV4   1460
#define USUAL_IPV6   1440
#define USUAL_WSCALE 7

/* What a server is known to do about an option. */
enum known { UNKNOWN = 0, DOES, DOES_NOT };

struct entry {
	uint8_t address[16];
	uint16_t port;
	uint16_t mss;    /* 0: no entry */
	uint8_t scaling; /* enum known, and so are: */
	uint8_t sack, ts, ecn;
	uint8_t wscale; /* with DOES */
	uint8_t spare[7];
};
static_assert(sizeof(struct entry) == 32,
              "both ways of a place are one line of the cache");
static_assert((PLACES & (PLACES - 1)) == 0, "a place is picked by bits");

int
servers_open(struct servers *s, const struct hash_key *key)
{
	s->key = *key;
	/* Whoever meets another in one table must not meet him in the next. */
	for (unsigned int i = 0; i < sizeof(s->key.round); i++)
		((uint8_t *)s->key.round)[i] ^= 0x5e;
	s->cells = memory_take(BYTES);
	return s->cells != NULL ? 0 : -ENOMEM;
}

void
servers_close(struct servers *s)
{
	memory_give(s->cells, BYTES);
	s->cells = NULL;
}

static struct entry *
place_of(const struct servers *s, const uint8_t address[16], uint16_t port)
{
	struct entry *all = s->cells;
	uint8_t message[48] = { 0 };

	memcpy(message, address, 16);
	memcpy(message + 16, &port, sizeof(port));
	return &all[(hash_48(&s->key, message).lo & (PLACES - 1)) * WAYS];
}

static struct entry *
find(struct entry *place, const uint8_t address[16], uint16_t port)
{
	for (unsigned int w = 0; w < WAYS; w++)
		if (place[w].mss != 0 && place[w].port == port &&
		    memcmp(place[w].address, address, 16) == 0)
			return &place[w];
	return NULL;
}

/* The newest stands first. */
static struct entry *
begin(struct entry *place, const uint8_t address[16], uint16_t port)
{
	place[1] = place[0];
	place[0] = (struct entry){ .port = port };
	memcpy(place[0].address, address, 16);
	return &place[0];
}

static bool
is_ipv4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

/* What is missing tells something only if it was asked for. */
static void
learn(uint8_t *known, bool is_there, bool was_offered)
{
	if (is_there)
		*known = DOES;
	else if (was_offered)
		*known = DOES_NOT;
}

void
servers_learn(struct servers *s, const uint8_t address[16], uint16_t port,
              const struct tcp_options *said, bool said_ecn,
              const struct tcp_options *offer)
{
	static const struct tcp_options unknown = { .wscale = OPTIONS_NO_WSCALE };
	struct entry *place = place_of(s, address, port);
	struct entry *e = find(place, address, port);

	if (e == NULL)
		e = begin(place, address, port);
	if (offer == NULL)
		offer = &unknown;
	e->mss = said->mss;
	if (said->mss == 0)
		e->mss = is_ipv4(address) ? UNSAID_IPV4 : UNSAID_IPV6;
	learn(&e->scaling, said->wscale != OPTIONS_NO_WSCALE,
	      offer->wscale != OPTIONS_NO_WSCALE);
	if (e->scaling == DOES && said->wscale != OPTIONS_NO_WSCALE)
		e->wscale = said->wscale;
	learn(&e->sack, said->has_sack_permitted, offer->has_sack_permitted);
	learn(&e->ts, said->has_ts, offer->has_ts);
	learn(&e->ecn, said_ecn, false);
}

bool
servers_find(const struct servers *s, const uint8_t address[16], uint16_t port,
             bool is_ipv6, struct server *out)
{
	const struct entry *e = find(place_of(s, address, port), address, port);

	*out = (struct server){ .mss = is_ipv6 ? USUAL_IPV6 : USUAL_IPV4,
		                .wscale = USUAL_WSCALE,
		                .has_sack = true,
		                .has_ts = true };
	if (e == NULL)
		return false;
	out->mss = e->mss;
	if (e->scaling != UNKNOWN)
		out->wscale = e->scaling == DOES ? e->wscale : OPTIONS_NO_WSCALE;
	out->has_sack = e->sack != DOES_NOT;
	out->has_ts = e->ts != DOES_NOT;
	out->has_ecn = e->ecn == DOES;
	return true;
}
