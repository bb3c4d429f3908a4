/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * when - a moment as people and programs write it.
 *
 *     7d  90m  -1h                   so long ago
 *     2026-11-21T22:30:00Z           RFC 3339, with any offset and any fraction
 *     2026-11-21                     midnight in UTC
 *     1795300200                     Unix time
 *
 * Units   seconds of Unix time.
 * Threads any.
 * Source  RFC 3339, section 5.6.
 */
#ifndef TELEMETRY_WHEN_H
#define TELEMETRY_WHEN_H

#include <stdint.h>

enum telemetry_when_kind { TELEMETRY_NEVER, TELEMETRY_AGO, TELEMETRY_AT };

struct telemetry_when {
	enum telemetry_when_kind kind; /* TELEMETRY_NEVER: nothing was said */
	int64_t seconds;               /* before now, or since 1970; never negative */
};

/*
 * Read one of the forms above, of the years 1970 to 9999. Returns 0, or -EINVAL for
 * anything else; `out` is untouched then.
 */
int telemetry_when_parse(const char *text, struct telemetry_when *out);

/* As Unix time in seconds; `absent` where nothing was said. Never negative. */
int64_t telemetry_when_of(const struct telemetry_when *when, int64_t now_s,
                          int64_t absent);

#endif
