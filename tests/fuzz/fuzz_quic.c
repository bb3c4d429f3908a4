/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a QUIC datagram: what is told of it lies within them. */
#include <stdlib.h>
#include <string.h>

#include "inspect/quic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own, so that a byte read behind it is found. */
	uint8_t *copy = malloc(size != 0 ? size : 1);
	struct quic q;

	must(copy != NULL);
	memcpy(copy, data, size);
	quic_read(copy, size, &q);
	free(copy);
	if (q.kind == QUIC_BROKEN)
		return 0;
	must(size > 0 && (q.kind == QUIC_SHORT) == ((data[0] & 0x80) == 0));
	if (q.kind == QUIC_SHORT)
		return 0;
	must(size >= 7u + q.dcid_len + q.scid_len);
	must((q.kind == QUIC_UNKNOWN) == (q.version != QUIC_V1 && q.version != QUIC_V2));
	return 0;
}
