/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a MaxMind database: an answer that keeps its word (list_fuzz.h). */
#include "list_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* MMDB_open() of 1.7 keeps 4,640 bytes when the descriptions of a database are broken. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so\n";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_list(LIST_MMDB, data, size);
	return 0;
}
