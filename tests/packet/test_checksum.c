/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet/checksum.h"

#include <stdlib.h>

#include "suite.h"
#include "wire.h"

static uint16_t
sum_of(const void *bytes, size_t len)
{
	return checksum_fold(checksum_add(0, bytes, len));
}

/* The example of RFC 1071, 3. */
static void
the_example_of_the_rfc_holds(void)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	CU_ASSERT_EQUAL(sum_of(bytes, sizeof(bytes)), (uint16_t)~0xddf2);
}

static void
every_length_and_start_agrees_with_the_plain_sum(void)
{
	uint8_t bytes[300];

	srand(7);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rand();
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len <= 280; len++)
			CU_ASSERT_EQUAL(sum_of(bytes + start, len),
			                wire_checksum(bytes + start, len));
}

/* 64 KiB of ones are the most carries there can be. */
static void
no_carry_is_lost(void)
{
	size_t len = 65535;
	uint8_t *ones = malloc(len);

	memset(ones, 0xff, len);
	CU_ASSERT_EQUAL(sum_of(ones, len), wire_checksum(ones, len));
	CU_ASSERT_EQUAL(sum_of(ones, len - 1), 0);
	free(ones);
}

static void
a_sum_goes_on_over_several_pieces(void)
{
	uint8_t bytes[64];
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < sizeof(bytes); i += 16)
		sum = checksum_add(sum, bytes + i, 16);
	CU_ASSERT_EQUAL(checksum_fold(sum), wire_checksum(bytes, sizeof(bytes)));
}

SUITE_MAIN("packet/checksum", TEST(the_example_of_the_rfc_holds),
           TEST(every_length_and_start_agrees_with_the_plain_sum), TEST(no_carry_is_lost),
           TEST(a_sum_goes_on_over_several_pieces))
