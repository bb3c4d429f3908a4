/* SPDX-License-Identifier: BSD-3-Clause */
/* keys - what an operator may say of a source, and is told of one. */
#include "conf/conf.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "stage/sources/params.h"

#define MS_NS     UINT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)

const struct stage_reason sources_reasons[] = {
	[REASON_BLOCKED] = { "blocked", REASON_DROP,
	                     "The source is real, stayed over a limit for `block_after` "
	                     "and is blocked for a while." },
	[REASON_CONNECTIONS] = { "connections", REASON_DROP,
	                         "The source completes more handshakes than "
	                         "`new_connections`; what it has open goes on." },
	[REASON_PACKETS] = { "packets", REASON_DROP,
	                     "The source sends more packets outside of verified flows "
	                     "than `packets` allows." },
	[REASON_BITS] = { "bits", REASON_DROP,
	                  "The source sends more outside of verified flows than "
	                  "`bits`." },
	[REASON_VERIFIED_PACKETS] = { "verified_packets", REASON_DROP,
	                              "The verified flows of the source send more "
	                              "packets than `verified_packets`." },
	[REASON_VERIFIED_BITS] = { "verified_bits", REASON_DROP,
	                           "The verified flows of the source send more than "
	                           "`verified_bits`." },
	{ NULL, REASON_DROP, NULL },
};

#define LIMIT(name, of, unit, off, most, text)                                           \
	{                                                                                \
		.key = name, .kind = unit,                                               \
		.offset = offsetof(struct sources_params, limit[of]), .absent = off,     \
		.min = 1, .max = most, .help = text                                      \
	}

const struct conf_field sources_fields[] = {
	LIMIT("packets", SOURCE_PACKETS, CONF_PACKETS, "10kpps", METER_MAX_PPS,
	      "Packets of one source that belong to no verified flow."),
	LIMIT("bits", SOURCE_BITS, CONF_BITS, "100Mbit/s", METER_MAX_BITS,
	      "Bits of frames of one source that belong to no verified flow."),
	LIMIT("verified_packets", SOURCE_VERIFIED_PACKETS, CONF_PACKETS, "100kpps",
	      METER_MAX_PPS, "Packets of all verified flows of one source."),
	LIMIT("verified_bits", SOURCE_VERIFIED_BITS, CONF_BITS, "1Gbit/s", METER_MAX_BITS,
	      "Bits of frames of all verified flows of one source."),
	LIMIT("new_connections", SOURCE_CONNECTIONS, CONF_CPS, "200cps", METER_MAX_PPS,
	      "Completed handshakes of one source; forged ones are never counted."),
	{ .key = "block_for",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct sources_params, block_for_ns),
	  .absent = "0s",
	  .max = SOURCE_MAX_NS,
	  .help = "How long to block a real source that stays over a verified limit or "
	          "new_connections, the first time; 0s never blocks." },
	{ .key = "block_after",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct sources_params, block_after_ns),
	  .absent = "5s",
	  .min = 100 * MS_NS,
	  .max = 600 * SECOND_NS,
	  .help = "How long a source must stay over such a limit to be blocked." },
	{ .key = "block_repeat",
	  .kind = CONF_COUNT,
	  .offset = offsetof(struct sources_params, block_repeat),
	  .absent = "5",
	  .min = 1,
	  .max = 100,
	  .help = "Each further block of a source is so many times as long as the last "
	          "one; 1 keeps them all the same." },
	{ .key = "block_max",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct sources_params, block_max_ns),
	  .absent = "1h",
	  .min = SECOND_NS,
	  .max = SOURCE_MAX_NS,
	  .help = "No block of a source is longer than this." },
	{ .key = "block_memory",
	  .kind = CONF_TIME,
	  .offset = offsetof(struct sources_params, block_memory_ns),
	  .absent = "10m",
	  .min = 0,
	  .max = SOURCE_MAX_NS,
	  .help = "How long after the end of a block the next one counts as a further "
	          "one." },
	{ 0 },
};
