/* SPDX-License-Identifier: BSD-3-Clause */
/* keys - what an operator may say of connections, and what follows from it. */
#include <errno.h>

#include "conf/conf.h"
#include "stage/behaviour/parts.h"

#define SECOND_NS UINT64_C(1000000000)

static const char *const responses[] = { [RESPONSE_BOTH] = "both",
	                                 [RESPONSE_SERVER] = "server",
	                                 [RESPONSE_DROP] = "drop",
	                                 NULL };

#define IN(member) offsetof(struct behaviour_params, member)

const struct conf_field behaviour_fields[] = {
	{ .key = "max_connections",
	  .kind = CONF_COUNT,
	  .offset = IN(max_connections),
	  .absent = "0",
	  .max = 10000000,
	  .help = "Proven connections of one source at a time; 0 is no limit." },
	{ .key = "max_half_open",
	  .kind = CONF_COUNT,
	  .offset = IN(max_half_open),
	  .absent = "0",
	  .max = 1000000,
	  .help = "Handshakes one source may begin in ten seconds without completing "
	          "them; 0 is no limit." },
	{ .key = "initial_bytes",
	  .kind = CONF_COUNT,
	  .offset = IN(initial_bytes),
	  .absent = "1",
	  .min = 1,
	  .max = 1000000,
	  .help = "Bytes that a new connection must bring within initial_time." },
	{ .key = "initial_time",
	  .kind = CONF_TIME,
	  .offset = IN(initial_time_ns),
	  .absent = "0s",
	  .max = 600 * SECOND_NS,
	  .help = "How long it may take to bring initial_bytes; 0s is no limit." },
	{ .key = "min_rate",
	  .kind = CONF_BITS,
	  .offset = IN(min_rate),
	  .absent = "off",
	  .min = 8,
	  .max = SECOND_NS,
	  .help = "Bits of data that a client must send a second while the server has "
	          "not answered." },
	{ .key = "min_rate_time",
	  .kind = CONF_TIME,
	  .offset = IN(min_rate_time_ns),
	  .absent = "10s",
	  .min = SECOND_NS,
	  .max = 600 * SECOND_NS,
	  .help = "Over how long min_rate is measured; two such times in a row end the "
	          "connection." },
	{ .key = "header_time",
	  .kind = CONF_TIME,
	  .offset = IN(header_time_ns),
	  .absent = "0s",
	  .max = 600 * SECOND_NS,
	  .help = "How long the first header of plain HTTP on http_ports may take; 0s is "
	          "no limit." },
	{ .key = "http_ports",
	  .kind = CONF_PORTS,
	  .offset = IN(http_ports),
	  .absent = "",
	  .help = "Ports of the service that speak plain HTTP." },
	{ .key = "idle_limit",
	  .kind = CONF_TIME,
	  .offset = IN(idle_limit_ns),
	  .absent = "0s",
	  .max = 3600 * SECOND_NS,
	  .help = "How long nothing new may come in either direction; 0s is no limit." },
	{ .key = "response",
	  .kind = CONF_WORD,
	  .offset = IN(response),
	  .absent = "both",
	  .words = responses,
	  .help = "Who is told that a connection is ended: both sides or the server, by "
	          "a "
	          "reset, or nobody." },
	{ .key = "block_after",
	  .kind = CONF_INT,
	  .offset = IN(block_after),
	  .absent = "20",
	  .min = 1,
	  .max = 60000,
	  .help = "Connections of one source ended for what they did, without a minute "
	          "of calm, after which it is blocked." },
	{ .key = "block_for",
	  .kind = CONF_TIME,
	  .offset = IN(block_for_ns),
	  .absent = "0s",
	  .max = SOURCE_MAX_NS,
	  .help = "How long to block such a source; 0s never blocks." },
	{ 0 },
};

/* Rounded up, and never 0 where a limit is. */
static uint16_t
ticks_of(uint64_t ns)
{
	return (uint16_t)((ns + TABLE_TICK_NS - 1) / TABLE_TICK_NS);
}

int
behaviour_compile(void *params, const struct stage_compile *from,
                  struct conf_errors *errors)
{
	struct behaviour_params *p = params;

	stage_scales(from->lists, p->scale);
	p->initial_ticks = ticks_of(p->initial_time_ns);
	p->header_ticks = ticks_of(p->header_time_ns);
	p->idle_ticks = ticks_of(p->idle_limit_ns);
	p->rate_ticks = p->min_rate != 0 ? ticks_of(p->min_rate_time_ns) : 0;
	p->bits_per_tick =
		(p->min_rate << RATE_SHIFT) * (TABLE_TICK_NS >> 10) / (SECOND_NS >> 10);
	p->has_lives =
		p->initial_ticks + p->header_ticks + p->idle_ticks + p->rate_ticks > 0;
	if (p->max_half_open != 0) {
		p->half_each = meter_ticks(HALVES_NS) / p->max_half_open;
		p->half_slack = (p->max_half_open - 1) * p->half_each;
	}
	if (p->header_ticks == 0 || p->http_ports.count > 0)
		return 0;
	conf_fail(errors, NULL,
	          "behaviour.header_time needs http_ports, the ports that speak plain "
	          "HTTP");
	return -EINVAL;
}
