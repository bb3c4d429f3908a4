/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports compared all at once say what they say one by one. */
#include "packet/ports.h"

#include "suite.h"

static struct burst b;

/* At both ends of the numbers too, and where a signed comparison would turn round. */
static void
lanes_between_two_ports_are_those_that_go_there(void)
{
	static const uint16_t range[][2] = { { 53, 53 },
		                             { 0, 0 },
		                             { 0, UINT16_MAX },
		                             { 32767, 32768 },
		                             { 65000, UINT16_MAX } };
	struct ports ports;

	for (unsigned int i = 0; i < LANES_MAX; i++)
		b.facts[i].dst_port = (uint16_t)(i % 2 == 0 ? i * 1040 : 32760 + i);
	b.facts[1].dst_port = 53;
	b.facts[63].dst_port = UINT16_MAX;
	ports_read(&ports, &b);
	for (unsigned int k = 0; k < sizeof(range) / sizeof(*range); k++) {
		uint64_t expect = 0;

		for (unsigned int i = 0; i < LANES_MAX; i++)
			if (b.facts[i].dst_port >= range[k][0] &&
			    b.facts[i].dst_port <= range[k][1])
				expect |= lane_bit(i);
		CU_ASSERT_NOT_EQUAL(expect, 0);
		CU_ASSERT_EQUAL(ports_between(&ports, range[k][0], range[k][1]), expect);
	}
}

SUITE_MAIN("packet/ports", TEST(lanes_between_two_ports_are_those_that_go_there))
