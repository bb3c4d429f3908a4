/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
telemetry_frames_open(struct telemetry_frames *f, size_t most, size_t most_bytes)
{
	memset(f, 0, sizeof(*f));
	f->frame = calloc(most, sizeof(*f->frame));
	if (f->frame == NULL)
		return -ENOMEM;
	f->most = most;
	f->most_bytes = most_bytes;
	return 0;
}

static struct telemetry_frame *
place(const struct telemetry_frames *f, size_t i)
{
	return &f->frame[(f->first + i) % f->most];
}

static void
forget(struct telemetry_frames *f, struct telemetry_frame *frame)
{
	f->bytes -= frame->rows * sizeof(*frame->row);
	free(frame->row);
	memset(frame, 0, sizeof(*frame));
}

static void
drop_oldest(struct telemetry_frames *f)
{
	forget(f, place(f, 0));
	f->first = (f->first + 1) % f->most;
	f->count--;
	f->dropped++;
}

void
telemetry_frames_close(struct telemetry_frames *f)
{
	while (f->count > 0)
		drop_oldest(f);
	free(f->frame);
	memset(f, 0, sizeof(*f));
}

int
telemetry_frames_add(struct telemetry_frames *f, int64_t at_s,
                     const struct telemetry_row *row, size_t rows)
{
	const size_t bytes = rows * sizeof(*row);
	struct telemetry_row *copy = malloc(bytes > 0 ? bytes : 1);
	struct telemetry_frame *last;

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, row, bytes);
	/* A clock that was set back must not bring the order of time into disorder. */
	if (f->count > 0 && place(f, f->count - 1)->at_s >= at_s) {
		last = place(f, f->count - 1);
		at_s = last->at_s;
		forget(f, last);
	} else {
		if (f->count == f->most)
			drop_oldest(f);
		last = place(f, f->count++);
	}
	*last = (struct telemetry_frame){ at_s, rows, copy };
	f->bytes += bytes;
	while (f->bytes > f->most_bytes && f->count > 1)
		drop_oldest(f);
	return 0;
}

const struct telemetry_frame *
telemetry_frames_at(const struct telemetry_frames *f, size_t i)
{
	return place(f, i);
}

size_t
telemetry_frames_from(const struct telemetry_frames *f, int64_t at_s)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (place(f, middle)->at_s < at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
telemetry_row_order(const void *a, const void *b)
{
	const struct telemetry_row *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (int)x->vector - (int)y->vector;
}

const struct telemetry_row *
telemetry_frame_row(const struct telemetry_frame *f, uint32_t name, uint8_t vector)
{
	const struct telemetry_row key = { .name = name, .vector = vector };

	if (f->rows == 0)
		return NULL;
	return bsearch(&key, f->row, f->rows, sizeof(*f->row), telemetry_row_order);
}
