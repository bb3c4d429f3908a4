/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/stamp.h"

#include "challenge/cookie.h"

#define NS_A_MS     1000000u
#define BITS        6 /* that tell what was agreed */
#define WSCALE_BITS 0x0fu
#define NO_WSCALE   0x0fu
#define SACK_BIT    0x10u
#define ECN_BIT     0x20u
#define LIFE_TICKS  (COOKIE_LIFE_NS / NS_A_MS >> BITS)

uint32_t
stamp_make(const struct tcp_options *agreed, bool has_ecn, uint64_t wall_ns)
{
	const uint32_t ms = (uint32_t)(wall_ns / NS_A_MS);
	const uint32_t mask = (1u << BITS) - 1;
	uint32_t said = agreed->wscale < NO_WSCALE ? agreed->wscale : NO_WSCALE;

	if (agreed->has_sack_permitted)
		said |= SACK_BIT;
	if (has_ecn)
		said |= ECN_BIT;
	return ((ms & ~mask) | said) - (said > (ms & mask) ? 1u << BITS : 0);
}

bool
stamp_read(uint32_t stamp, uint64_t wall_ns, struct tcp_options *agreed, bool *has_ecn)
{
	const uint32_t ms = (uint32_t)(wall_ns / NS_A_MS);
	/* One tick more, because making the stamp may have taken one off. */
	const uint32_t age = ((ms >> BITS) - (stamp >> BITS)) & (UINT32_MAX >> BITS);
	const uint32_t wscale = stamp & WSCALE_BITS;

	agreed->wscale = wscale == NO_WSCALE ? OPTIONS_NO_WSCALE : (uint8_t)wscale;
	agreed->has_sack_permitted = (stamp & SACK_BIT) != 0;
	*has_ecn = (stamp & ECN_BIT) != 0;
	return age <= LIFE_TICKS + 1;
}
