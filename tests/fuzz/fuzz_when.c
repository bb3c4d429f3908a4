/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any text: it is refused and nothing changes, or it is a moment between 1970 and the end
 * of 9999 that can be written and read back, or a time that is not negative.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/put.h"
#include "telemetry/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool is_true)
{
	if (!is_true)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct telemetry_when when = { TELEMETRY_NEVER, -7 }, again;
	char *text = malloc(size + 1), written[TELEMETRY_TIME_TEXT];

	check(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (telemetry_when_parse(text, &when) < 0) {
		check(when.kind == TELEMETRY_NEVER && when.seconds == -7);
	} else {
		check(when.seconds >= 0);
		check(telemetry_when_of(&when, 1000, 5) >= 0);
	}
	if (when.kind == TELEMETRY_AT) {
		check(when.seconds <= INT64_C(253402300799));
		/* Nanoseconds of 64 bits end before the year 2554. */
		if (when.seconds < INT64_C(18000000000)) {
			telemetry_time_text((uint64_t)when.seconds * 1000000000, written);
			check(telemetry_when_parse(written, &again) == 0);
			check(again.kind == TELEMETRY_AT &&
			      again.seconds == when.seconds);
		}
	}
	free(text);
	return 0;
}
