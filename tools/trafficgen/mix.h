/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mix - the parts of the traffic, merged by time.
 *
 * Each part makes its packets one after the other; the mix always takes the earliest, so
 * it holds one frame whatever the length of the traffic. It also keeps the books: the
 * truth that a test compares with what came out behind a scrubber.
 *
 * Threads none: a mix belongs to its caller.
 */
#ifndef TRAFFICGEN_MIX_H
#define TRAFFICGEN_MIX_H

#include "customers.h"
#include "flood.h"

#define MIX_PARTS_MAX 240 /* --mark-parts writes the number into one byte */

struct mix_books {
	uint64_t packets, bytes;
	uint64_t inward_packets, inward_bytes;
	uint64_t first_ns, last_ns;
};

struct mix_part {
	struct spec spec;
	struct flood flood;
	struct customers customers;
	struct mix_books books;
	uint64_t due_ns;
};

struct mix {
	struct mix_part *parts;
	unsigned int count;
};

/* Read one part and append it. Returns 0, or -EINVAL or -ENOMEM after complaining. */
int mix_add(struct mix *m, const char *text, const struct spec_defaults *d);

/* Give each part an outside MAC that ends in its number (1, 2, ...). */
void mix_mark_parts(struct mix *m);

/* Go to the first packet; may be called again to start over. The books are cleared. */
void mix_start(struct mix *m, uint64_t seed);

/* Build the earliest packet. Returns 1, 0 at the end, or -ENOMEM after complaining. */
int mix_take(struct mix *m, struct frame *f);

/* Write the books as JSON. Returns 0, or -errno after complaining. */
int mix_write_truth(const struct mix *m, const char *path, uint64_t seed);

void mix_free(struct mix *m);

#endif
