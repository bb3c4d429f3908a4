/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames - the recent past in memory: rows of one moment form a frame.
 *
 *     frame   12:00  [ whole box | shop | shop, udp_flood | game ]
 *             12:01  [ whole box | shop ]          nothing came for game
 *
 * A row is there for whoever had something to tell; in a frame without his row
 * everything was 0, and where there is no frame nothing is known. Rows are sorted,
 * so one is found by halving. The oldest frame goes first, when there are too many or
 * when they take too much memory.
 *
 * Units   packets and bits per second of the frame's length; seconds of Unix time.
 * Threads none: whoever owns the frames guards them.
 */
#ifndef TELEMETRY_FRAMES_H
#define TELEMETRY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/vector.h"

/* What a row tells. Peaks are the highest second. */
enum telemetry_value {
	TELEMETRY_RECEIVED_PACKETS,
	TELEMETRY_RECEIVED_BITS,
	TELEMETRY_FORWARDED_PACKETS,
	TELEMETRY_FORWARDED_BITS,
	TELEMETRY_DROPPED_PACKETS, /* stopped in any way, so answered ones too */
	TELEMETRY_DROPPED_BITS,
	TELEMETRY_ANSWERED_PACKETS, /* of the dropped: met a challenge */
	TELEMETRY_WOULD_PACKETS,    /* spared by monitor */
	TELEMETRY_VERIFIED_DROPPED, /* of the dropped: of verified flows */
	TELEMETRY_OUTBOUND_PACKETS,
	TELEMETRY_OUTBOUND_BITS,
	TELEMETRY_PEAK_PACKETS, /* of received */
	TELEMETRY_PEAK_BITS,
	TELEMETRY_VALUES
};

#define TELEMETRY_ALL_VECTORS VECTOR_COUNT /* in the place of a vector: the whole */

struct telemetry_row {
	uint32_t name;  /* number of the service's name; 0: the whole box */
	uint8_t vector; /* enum vector, or TELEMETRY_ALL_VECTORS */
	bool is_attack; /* an attack ran in this time */
	uint64_t value[TELEMETRY_VALUES];
};

struct telemetry_frame {
	int64_t at_s; /* its beginning */
	size_t rows;
	struct telemetry_row *row; /* by name, then vector */
};

struct telemetry_frames {
	size_t most;              /* frames */
	size_t bytes, most_bytes; /* of rows */
	size_t first, count;      /* in `frame`, a ring */
	uint64_t dropped;         /* frames that left, oldest first */
	struct telemetry_frame *frame;
};

/* Room for `most` frames of together `most_bytes`. Returns 0 or -ENOMEM. */
int telemetry_frames_open(struct telemetry_frames *f, size_t most, size_t most_bytes);
void telemetry_frames_close(struct telemetry_frames *f);

/*
 * Keep a frame of sorted rows, which are copied. Its time must be later than the last
 * one's, else it takes the last one's place. Returns 0 or -ENOMEM; nothing changes then.
 */
int telemetry_frames_add(struct telemetry_frames *f, int64_t at_s,
                         const struct telemetry_row *row, size_t rows);

/* The i-th oldest, 0 .. count - 1; valid until something is added. */
const struct telemetry_frame *telemetry_frames_at(const struct telemetry_frames *f,
                                                  size_t i);
/* Index of the first frame that begins at `at_s` or later; count when there is none. */
size_t telemetry_frames_from(const struct telemetry_frames *f, int64_t at_s);
/* The row in a frame, or NULL. */
const struct telemetry_row *telemetry_frame_row(const struct telemetry_frame *f,
                                                uint32_t name, uint8_t vector);
/* For qsort(): by name, then vector. */
int telemetry_row_order(const void *a, const void *b);

#endif
