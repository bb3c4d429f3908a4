/* SPDX-License-Identifier: BSD-3-Clause */
/* Linked to a test, this makes it run on the hash's portable form. */
#include "hash/hash.h"

#include <stdlib.h>

/* After the room has chosen, before main(). */
__attribute__((constructor)) static void
force(void)
{
	if (hash_use_aes(false))
		abort();
}
