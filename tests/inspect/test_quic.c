/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of every kind and version, and every length that is too short. */
#include "inspect/quic.h"

#include <stdlib.h>
#include <string.h>

#include "suite.h"

static uint8_t datagram[64];

static size_t
lay(unsigned int first, uint32_t version, unsigned int dcid, unsigned int scid)
{
	memset(datagram, 0xcc, sizeof(datagram));
	datagram[0] = (uint8_t)first;
	for (unsigned int i = 0; i < 4; i++)
		datagram[1 + i] = (uint8_t)(version >> (24 - 8 * i));
	datagram[5] = (uint8_t)dcid;
	if (6 + dcid < sizeof(datagram))
		datagram[6 + dcid] = (uint8_t)scid;
	return 7 + dcid + scid;
}

/* A copy of its very length, so that a sanitizer sees every byte too many. */
static struct quic
read_tightly(size_t len)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	struct quic q;

	CU_ASSERT_FATAL(copy != NULL);
	memcpy(copy, datagram, len);
	quic_read(copy, len, &q);
	free(copy);
	return q;
}

static void
kinds_are_told_by_version(void)
{
	static const struct {
		uint32_t version;
		unsigned int first;
		enum quic_kind kind;
	} rows[] = {
		{ QUIC_V1, 0xc0, QUIC_INITIAL },    { QUIC_V1, 0xd3, QUIC_ZERO_RTT },
		{ QUIC_V1, 0xe1, QUIC_HANDSHAKE },  { QUIC_V1, 0xf0, QUIC_RETRY },
		{ QUIC_V2, 0xd0, QUIC_INITIAL },    { QUIC_V2, 0xe0, QUIC_ZERO_RTT },
		{ QUIC_V2, 0xf0, QUIC_HANDSHAKE },  { QUIC_V2, 0xc0, QUIC_RETRY },
		{ QUIC_V1, 0x80, QUIC_INITIAL },    { 0x1a2a3a4a, 0xc0, QUIC_UNKNOWN },
		{ 0xff00001d, 0xc0, QUIC_UNKNOWN }, { 0, 0xc0, QUIC_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct quic q =
			read_tightly(lay(rows[i].first, rows[i].version, 8, 5));

		CU_ASSERT_EQUAL(q.kind, rows[i].kind);
		CU_ASSERT_EQUAL(q.version, rows[i].version);
		CU_ASSERT_EQUAL(q.dcid_len, 8);
		CU_ASSERT_EQUAL(q.scid_len, 5);
	}
	for (unsigned int first = 0; first < 0x80; first++) {
		datagram[0] = (uint8_t)first;
		CU_ASSERT_EQUAL(read_tightly(1).kind, QUIC_SHORT);
	}
}

static void
what_is_cut_is_broken(void)
{
	const size_t whole = lay(0xc0, QUIC_V1, 8, 5);

	for (size_t len = 0; len < whole; len++)
		CU_ASSERT_EQUAL(read_tightly(len).kind, QUIC_BROKEN);
	CU_ASSERT_EQUAL(read_tightly(whole).kind, QUIC_INITIAL);
	lay(0xc0, QUIC_V1, 255, 0);
	CU_ASSERT_EQUAL(read_tightly(sizeof(datagram)).kind, QUIC_BROKEN);
	lay(0xc0, QUIC_V1, 0, 255);
	CU_ASSERT_EQUAL(read_tightly(sizeof(datagram)).kind, QUIC_BROKEN);
	CU_ASSERT_EQUAL(read_tightly(lay(0xc0, QUIC_V1, 0, 0)).kind, QUIC_INITIAL);
}

static void
greased_versions_are_known(void)
{
	CU_ASSERT_TRUE(quic_is_greased(0x0a0a0a0a));
	CU_ASSERT_TRUE(quic_is_greased(0xfa1a2aea));
	CU_ASSERT_FALSE(quic_is_greased(QUIC_V1));
	CU_ASSERT_FALSE(quic_is_greased(0x0a0a0a0b));
}

SUITE_MAIN("inspect/quic", TEST(kinds_are_told_by_version), TEST(what_is_cut_is_broken),
           TEST(greased_versions_are_known))
