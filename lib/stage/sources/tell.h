/* SPDX-License-Identifier: BSD-3-Clause */
/* tell - what the box knows of one source, as lines of explain. */
#ifndef STAGE_SOURCES_TELL_H
#define STAGE_SOURCES_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/source.h"

struct explain;
struct stage_view;

/* What a meter is called. */
extern const char *const sources_what[SOURCE_METERS];

/* The stage's explain(): the next few buckets of the table; returns true after the last. */
bool sources_tell(const struct source_table *t, const struct stage_view *view,
                  struct explain *e, uint64_t now_ns);

#endif
