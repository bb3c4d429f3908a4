/* SPDX-License-Identifier: BSD-3-Clause */
/* tell - what the lists say of one address, as lines of explain. */
#ifndef STAGE_LISTS_TELL_H
#define STAGE_LISTS_TELL_H

#include <stdint.h>

struct explain;
struct meter;
struct stage_view;

/* The stage's explain(); meter[] is the worker's, by counter of what it refused. */
void lists_tell(const struct stage_view *view, const struct meter *meter,
                struct explain *e, uint64_t now_ns);

#endif
