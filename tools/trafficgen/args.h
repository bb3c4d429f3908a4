/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * args - reading numbers as people write them, and saying what is wrong with them.
 *
 * Every reader returns 0 or -EINVAL with the result untouched; the caller knows the name
 * of the option and complains.
 */
#ifndef TRAFFICGEN_ARGS_H
#define TRAFFICGEN_ARGS_H

#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

struct range {
	uint64_t min, max; /* both included */
};

/* Exit statuses of the program. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Whole number, decimal or 0x. */
int args_number(uint64_t *out, const char *text);

/* "50k", "2M", "300", with "pps" or "cps" behind it if wanted; 1 to 1e9. */
int args_rate(uint64_t *out, const char *text);

/* "10s", "500ms", "20us", "7ns", "2m", "1h"; the unit is required except for 0. */
int args_duration(uint64_t *out_ns, const char *text);

/* "N" or "MIN-MAX". */
int args_range(struct range *out, const char *text);
int args_duration_range(struct range *out_ns, const char *text);

/* "1%", "0.25%", in millionths. */
int args_percent(uint32_t *out_ppm, const char *text);

/* "02:00:00:00:00:01". */
int args_mac(uint8_t out[6], const char *text);

/* A VLAN number, 1..4094, and "OUTER.INNER". */
int args_vlan(uint16_t *out, const char *text);
int args_qinq(uint16_t out[2], const char *text);

/* Print "trafficgen: ..." and a line end to the standard error output. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
