/* SPDX-License-Identifier: BSD-3-Clause */
/* stamp - the receive callback that makes a null device deliver the rig's frames. */
#ifndef BENCHMARK_STAMP_H
#define BENCHMARK_STAMP_H

#include "rig.h"

/* Put the callback on the external port. 0, or -ENOTSUP after a sentence. */
int stamp_open(struct rig *r);

#endif
