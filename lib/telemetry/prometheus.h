/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prometheus - write families and samples in the text format 0.0.4.
 *
 * Every name gets the prefix tidegate_; label values are escaped here. Labels
 * are pairs of name and value, ended by NULL.
 *
 * Threads a writer belongs to one call.
 * Source  Prometheus documentation, "Exposition formats".
 */
#ifndef TELEMETRY_PROMETHEUS_H
#define TELEMETRY_PROMETHEUS_H

#include <stdint.h>
#include <stdio.h>

#include "telemetry/view.h"

struct telemetry_out {
	FILE *file;
	const char *name; /* of the family being written */
};

/* Begin a family; type is "counter" or "gauge". */
void telemetry_family(struct telemetry_out *o, const char *name, const char *type,
                      const char *help);

/* One sample of it, whole or with a fraction. */
void telemetry_count(struct telemetry_out *o, uint64_t value, ...)
	__attribute__((sentinel));
void telemetry_value(struct telemetry_out *o, double value, ...)
	__attribute__((sentinel));

/* All families about services, vectors and attacks. */
void telemetry_service_metrics(struct telemetry_out *o, const struct telemetry_view *v);

/* All families about what the box itself is busy with. */
struct telemetry_own;
void telemetry_load_metrics(struct telemetry_out *o, const struct telemetry_view *v,
                            const struct telemetry_own *own);

/* All families about lists. */
void telemetry_list_metrics(struct telemetry_out *o, const struct box *box);

/* All families about what crosses between workers. */
void telemetry_queue_metrics(struct telemetry_out *o, const struct telemetry_view *v);

#endif
