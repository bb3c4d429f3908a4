/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * put - write one member of a JSON object, with the house's units and times.
 *
 * Counters are unsigned and JSON integers of jansson are signed: what does not
 * fit is cut to the largest integer. Times are RFC 3339 in UTC. A jansson call
 * that runs out of memory leaves the member out; the document stays valid.
 *
 * Threads any; an object belongs to who makes it.
 */
#ifndef TELEMETRY_PUT_H
#define TELEMETRY_PUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_errors;

#define TELEMETRY_TIME_TEXT 40

void telemetry_put_count(json_t *o, const char *key, uint64_t value);
void telemetry_put_text(json_t *o, const char *key, const char *text);
void telemetry_put_bool(json_t *o, const char *key, bool value);
/* Rounded to microseconds. */
void telemetry_put_seconds(json_t *o, const char *key, double seconds);
/* Rounded to four digits after the point. */
void telemetry_put_ratio(json_t *o, const char *key, double ratio);
/* Unix time in ns as "2026-11-21T22:30:01.123Z"; 0 becomes null. */
void telemetry_put_time(json_t *o, const char *key, uint64_t unix_ns);
/* {"packets_per_second", "bits_per_second"} of what was counted in window_ns. */
void telemetry_put_rate(json_t *o, const char *key, const uint64_t packets_bytes[2],
                        uint64_t window_ns);
/* An address without, and a prefix with its length. */
void telemetry_put_address(json_t *o, const char *key, const uint8_t address[16]);

/* Events a second when `count` of them fell into window_ns; 0 when the window is empty. */
uint64_t telemetry_per_second(uint64_t count, uint64_t window_ns);

/* "2026-11-21T22:30:01.123Z", or with microseconds and +0000 as EVE writes it. */
void telemetry_time_text(uint64_t unix_ns, char text[TELEMETRY_TIME_TEXT]);
void telemetry_time_eve(uint64_t unix_ns, char text[TELEMETRY_TIME_TEXT]);

/* Errors, or else warnings, of a configuration: file, line, path, message. */
json_t *telemetry_errors_array(const struct conf_errors *errors, bool warnings);

/* One line of text, or NULL when out of memory; free() it. */
char *telemetry_text(const json_t *document);

#endif
