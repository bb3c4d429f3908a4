/* SPDX-License-Identifier: BSD-3-Clause */
/* What the operator may set, and what a dropped fragment is told to be. */
#include <errno.h>
#include <stddef.h>

#include "stage/fragments/parts.h"

#define BURST_NS    UINT64_C(100000000)
#define BURST_LEAST 64

const struct stage_reason fragments_reasons[] = {
	[REASON_UNWANTED] = { "unwanted", REASON_DROP,
	                      "The service takes no fragments (`accept = \"drop\"`)." },
	[REASON_TINY] = { "tiny", REASON_DROP,
	                  "The first fragment does not hold the transport header, a "
	                  "later "
	                  "one begins inside of it, or one that others follow is shorter "
	                  "than `smallest`." },
	[REASON_OVERLAPPING] = { "overlapping", REASON_DROP,
	                         "The fragment overlaps others of its datagram; no "
	                         "sender "
	                         "does that." },
	[REASON_ENDLESS] = { "endless", REASON_DROP,
	                     "The fragment lies behind the end of its datagram or gives "
	                     "it another end, or there are more than a datagram can "
	                     "have." },
	[REASON_SCATTERED] = { "scattered", REASON_DROP,
	                       "Under attack, the fragment would leave more gaps in its "
	                       "datagram than are followed." },
	[REASON_TOO_MANY_PIECES] = { "too_many_pieces", REASON_DROP,
	                             "Under attack, its datagram comes in more than "
	                             "`max_pieces` fragments." },
	[REASON_FOLLOWS_FIRST] = { "follows_first", REASON_DROP,
	                           "The first fragment of its datagram was dropped or "
	                           "answered, and this goes with it." },
	[REASON_ORPHANS] = { "orphans", REASON_DROP,
	                     "Under attack, later fragments whose first was not seen "
	                     "exceed "
	                     "`orphans` of the service." },
	[REASON_OVER_RATE] = { "over_rate", REASON_DROP,
	                       "Fragments from ends that are not known to talk in "
	                       "fragments "
	                       "exceed `rate` of the service (`accept = \"meter\"`)." },
	[REASON_SOURCE_OPEN] = { "source_open", REASON_DROP,
	                         "Under attack, the source has begun more than "
	                         "`source_open` "
	                         "datagrams that it did not complete." },
	[REASON_SERVICE_OPEN] = { "service_open", REASON_DROP,
	                          "Under attack, more than `service_open` datagrams to "
	                          "the "
	                          "service are begun and not complete." },
	[REASONS] = { NULL, REASON_DROP, NULL },
};

const char *const fragments_full_name[REASONS] = {
	[REASON_UNWANTED] = "fragments.unwanted",
	[REASON_TINY] = "fragments.tiny",
	[REASON_OVERLAPPING] = "fragments.overlapping",
	[REASON_ENDLESS] = "fragments.endless",
	[REASON_SCATTERED] = "fragments.scattered",
	[REASON_TOO_MANY_PIECES] = "fragments.too_many_pieces",
	[REASON_FOLLOWS_FIRST] = "fragments.follows_first",
	[REASON_ORPHANS] = "fragments.orphans",
	[REASON_OVER_RATE] = "fragments.over_rate",
	[REASON_SOURCE_OPEN] = "fragments.source_open",
	[REASON_SERVICE_OPEN] = "fragments.service_open",
};

static const char *const accept_words[] = { "pass", "meter", "drop", NULL };

const struct conf_field fragments_fields[] = {
	{ .key = "accept",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct fragments_params, accept),
	  .absent = "pass",
	  .words = accept_words,
	  .help = "What becomes of sound fragments in calm: all pass, those of ends not "
	          "known to talk in fragments are held to `rate`, or all are dropped, "
	          "for "
	          "services that never need any." },
	{ .key = "rate",
	  .kind = CONF_PACKETS,
	  .offset = offsetof(struct fragments_params, rate),
	  .absent = "1kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Fragments to one service, at all times, where `accept` is "
	          "\"meter\"." },
	{ .key = "orphans",
	  .kind = CONF_PACKETS,
	  .offset = offsetof(struct fragments_params, orphans),
	  .absent = "1kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Later fragments to one service, while fragment_flood is active, whose "
	          "first was not seen before them; in calm all of them pass." },
	{ .key = "source_open",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct fragments_params, source_open),
	  .absent = "64",
	  .min = 1,
	  .max = 60000,
	  .help = "Datagrams that a source which proved nothing may leave incomplete for "
	          "a "
	          "second, while fragment_flood is active." },
	{ .key = "service_open",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct fragments_params, service_open),
	  .absent = "4k",
	  .min = 1,
	  .max = 60000,
	  .help = "The same of all such sources together to one service; its hosts must "
	          "keep them in memory." },
	{ .key = "max_pieces",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct fragments_params, max_pieces),
	  .absent = "256",
	  .min = 2,
	  .max = 8191,
	  .help = "Fragments of one datagram, while fragment_flood is active; the "
	          "longest "
	          "has 45 of 1500 bytes or 119 of 576." },
	{ .key = "smallest",
	  .kind = CONF_INT,
	  .offset = offsetof(struct fragments_params, smallest),
	  .absent = "8",
	  .min = 8,
	  .max = 1280,
	  .help = "Bytes that a fragment carries at least, if others follow it; a router "
	          "that cuts fragments again may leave short ones." },
	{ 0 },
};

int
fragments_compile(void *params, const struct stage_compile *from,
                  struct conf_errors *errors)
{
	struct fragments_params *p = params;
	const struct meter_limit rate = { p->rate, METER_PACKETS };
	const struct meter_limit orphans = { p->orphans, METER_PACKETS };

	(void)from;
	if (meter_rate_init(&p->rate_price, &rate, BURST_NS, BURST_LEAST) == 0 &&
	    meter_rate_init(&p->orphan_price, &orphans, BURST_NS, BURST_LEAST) == 0)
		return 0;
	conf_fail(errors, NULL, "the limit of fragments is out of range");
	return -EINVAL;
}
