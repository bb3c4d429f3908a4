/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/watch.h"

#include <errno.h>
#include <stddef.h>

#include "base/memory.h"

static size_t
bytes_of(unsigned int services)
{
	return (size_t)services * VECTOR_SLOTS * sizeof(struct watch_cell);
}

int
watch_open(struct watch *w, unsigned int services)
{
	struct watch_cell *cell = memory_take(bytes_of(services));

	if (cell == NULL)
		return -ENOMEM;
	*w = (struct watch){ .services = services, .cell = cell };
	return 0;
}

void
watch_close(struct watch *w)
{
	memory_give(w->cell, bytes_of(w->services));
	*w = (struct watch){ 0 };
}
