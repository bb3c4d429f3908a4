/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reach - whether a rule meets an address, as far as the address alone decides.
 *
 * A rule in components is asked for its prefixes. An expression's classic program is
 * walked with the address in its place in the IP header and all else unknown: a value
 * is known bit by bit, a jump on what is unknown goes both ways, and where ways meet
 * only what both agree on stays known. The answer errs towards FILTER_MAYBE.
 *
 * Threads any; nothing is shared.
 */
#ifndef FILTER_REACH_H
#define FILTER_REACH_H

#include <stdint.h>

#include "filter/match.h"

enum filter_reach { FILTER_NEVER, FILTER_MAYBE, FILTER_ALWAYS };

/* Whether packets whose `end` is this address match; IPv4 is mapped. */
enum filter_reach filter_reach_match(const struct filter_match *m,
                                     const uint8_t address[16], enum filter_end end);

/* The same of an expression; FILTER_MAYBE where it cannot be compiled. */
enum filter_reach filter_reach_expression(const char *text, const uint8_t address[16],
                                          enum filter_end end);

#endif
