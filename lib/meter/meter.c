/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/meter.h"

#include <errno.h>

#define NS_PER_SECOND    UINT64_C(1000000000)
#define TICKS_PER_SECOND (METER_TICKS_PER_NS * NS_PER_SECOND)
#define MAX_BURST_NS     (3600 * NS_PER_SECOND)
#define FULL_PACKET      1500u /* bytes, by which a burst of bits is counted in packets */
/* Two years ahead: a meter may owe that much and still be far from wrapping. */
#define MAX_SLACK (UINT64_C(1) << 62)

/* Intermediate products pass 64 bits (ticks of a second times bits of a burst). */
typedef unsigned __int128 wide;

static uint64_t
divide_rounded(uint64_t a, uint64_t b)
{
	return (a + b / 2) / b;
}

/* Ticks that all but the last packet of the burst pay; the last may start at the border. */
static wide
slack_of_packets(const struct meter_rate *rate, uint64_t pps, uint64_t burst_ns,
                 uint64_t least)
{
	wide packets = (wide)pps * burst_ns / NS_PER_SECOND;

	if (packets < least)
		packets = least;
	return packets <= 1 ? 0 : (packets - 1) * rate->each;
}

static wide
slack_of_bits(const struct meter_rate *rate, uint64_t bits, uint64_t burst_ns,
              uint64_t least)
{
	wide bytes = (wide)bits * burst_ns / (8 * NS_PER_SECOND);

	if (bytes < (wide)least * FULL_PACKET)
		bytes = (wide)least * FULL_PACKET;
	if (bytes <= FULL_PACKET)
		return 0;
	return ((bytes - FULL_PACKET) * rate->per_byte) >> METER_BYTE_SHIFT;
}

int
meter_rate_init(struct meter_rate *rate, const struct meter_limit *limit,
                uint64_t burst_ns, unsigned int least)
{
	const uint64_t per_second = limit->per_second;
	const bool is_bits = limit->unit == METER_BITS;
	struct meter_rate fresh = { 0 };
	wide slack;

	if (per_second > (is_bits ? METER_MAX_BITS : METER_MAX_PPS) ||
	    burst_ns > MAX_BURST_NS)
		return -ERANGE;
	if (per_second == 0) {
		*rate = (struct meter_rate){ .slack = UINT64_MAX };
		return 0;
	}

	if (is_bits) {
		fresh.per_byte = divide_rounded(TICKS_PER_SECOND * 8 << METER_BYTE_SHIFT,
		                                per_second);
		slack = slack_of_bits(&fresh, per_second, burst_ns, least);
	} else {
		fresh.each = divide_rounded(TICKS_PER_SECOND, per_second);
		slack = slack_of_packets(&fresh, per_second, burst_ns, least);
	}
	if (slack > MAX_SLACK)
		return -ERANGE;
	fresh.slack = (uint64_t)slack;
	*rate = fresh;
	return 0;
}
