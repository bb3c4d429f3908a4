/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quiet - keep the chatter of DPDK, libbpf and libxdp from the operator.
 *
 * While quiet, standard error goes to a memory file; afterwards each of its
 * lines becomes a debug line of ours, and the last line that complains can
 * be quoted in our own sentence.
 *
 * Threads control side, at start and stop only: standard error is the process's.
 */
#ifndef IO_QUIET_H
#define IO_QUIET_H

#include <stdbool.h>
#include <stddef.h>

struct quiet {
	int memory; /* file descriptor, -1 when it could not be made */
	int before; /* the true standard error */
};

void quiet_begin(struct quiet *q);

/* Between begin and end: what goes to standard error is heard, not shown. */
bool quiet_is_on(void);

/* Back to the true standard error. `last` (or NULL) gets the last complaint, "" when none. */
void quiet_end(struct quiet *q, char *last, size_t size);

#endif
