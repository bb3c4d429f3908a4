/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the parser know of each other. */
#ifndef PACKET_PARTS_H
#define PACKET_PARTS_H

#include <stddef.h>
#include <stdint.h>

struct facts;

/* The general way through any frame; arguments as in parse_frame(). */
void parse_generally(const uint8_t *bytes, size_t len, size_t frame_len,
                     struct facts *out);

#endif
