/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a MaxMind database: an answer that keeps its word (list_fuzz.h). */
#include "list_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_list(LIST_MMDB, data, size);
	return 0;
}
