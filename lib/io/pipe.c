/* SPDX-License-Identifier: BSD-3-Clause */
#include "io/pipe.h"

#include <stdlib.h>
#include <string.h>

struct pipe *
pipe_new(uint32_t room)
{
	size_t size = sizeof(struct pipe) + room * sizeof(uintptr_t);
	struct pipe *p;

	size = (size + 63) & ~(size_t)63;
	p = aligned_alloc(alignof(struct pipe), size);
	if (p == NULL)
		return NULL;
	memset(p, 0, size);
	p->put_mask = p->take_mask = room - 1;
	return p;
}

void
pipe_free(struct pipe *p)
{
	free(p);
}
