/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any sequence of fragments of a few datagrams, in any bursts: pairing and tracking agree
 * with their slow twin.
 */
#include "../flow/fragment_twin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct twin *t;

	if (t == NULL)
		t = twin_new();
	twin_reset(t);
	for (; size >= TWIN_OP; data += TWIN_OP, size -= TWIN_OP)
		twin_send(t, data);
	if (t->count > 0)
		twin_judge(t);
	return 0;
}
