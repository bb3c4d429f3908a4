/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/stamp.h"

#include "challenge/cookie.h"
#include "packet/options.h"

#define SECOND_NS   UINT64_C(1000000000)
#define BITS        10 /* that tell what was agreed */
#define SCALE_MASK  0x0fu
#define NO_SCALE    0x0fu
#define PROMISED_AT 4
#define SACK_BIT    0x100u
#define ECN_BIT     0x200u
#define CLOCK_MASK  (UINT32_MAX >> BITS)
#define LIFE_S      (COOKIE_LIFE_NS / SECOND_NS)

static inline uint32_t
scale_bits(uint8_t scale)
{
	return scale < NO_SCALE ? scale : NO_SCALE;
}

static inline uint8_t
scale_of(uint32_t bits)
{
	bits &= SCALE_MASK;
	return bits == NO_SCALE ? OPTIONS_NO_WSCALE : (uint8_t)bits;
}

uint32_t
stamp_make(const struct stamp *agreed, uint64_t wall_ns)
{
	const uint32_t behind = (uint32_t)(wall_ns / SECOND_NS - 1);
	uint32_t said = scale_bits(agreed->wscale) | scale_bits(agreed->promised)
	                                                     << PROMISED_AT;

	if (agreed->has_sack)
		said |= SACK_BIT;
	if (agreed->has_ecn)
		said |= ECN_BIT;
	return behind << BITS | said;
}

bool
stamp_read(uint32_t stamp, uint64_t wall_ns, struct stamp *out)
{
	const uint64_t now_s = wall_ns / SECOND_NS;
	const uint32_t age = ((uint32_t)now_s - ((stamp >> BITS) + 1)) & CLOCK_MASK;

	*out = (struct stamp){ .wscale = scale_of(stamp),
		               .promised = scale_of(stamp >> PROMISED_AT),
		               .has_sack = (stamp & SACK_BIT) != 0,
		               .has_ecn = (stamp & ECN_BIT) != 0,
		               .made_s = now_s - age };
	return age <= LIFE_S;
}
