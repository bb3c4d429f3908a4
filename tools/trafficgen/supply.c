/* SPDX-License-Identifier: BSD-3-Clause */
#include "supply.h"

#include <errno.h>
#include <string.h>

void
supply_start(struct supply *s)
{
	if (s->mix.count > 0)
		mix_start(&s->mix, s->seed);
	if (s->side == SUPPLY_USUAL)
		s->side = s->mix.count > 0 ? SUPPLY_OUTSIDE : SUPPLY_ALL;
}

/* --mark-parts uses the last byte of the outside MAC, so only five are compared. */
static bool
is_wanted(const struct supply *s, const struct frame *f)
{
	if (s->side == SUPPLY_ALL)
		return true;
	if (s->mix.count > 0)
		return f->inward == (s->side == SUPPLY_OUTSIDE);
	return memcmp(f->bytes + 6, s->side == SUPPLY_OUTSIDE ? s->outside : s->inside,
	              5) == 0;
}

static int
start_over(struct supply *s)
{
	if (s->taken == 0) {
		complain("nothing to send: no frame is of the wanted side; try --side "
		         "all");
		return -ENODATA;
	}
	if (s->keeps_times && s->taken == 1) {
		complain("one frame alone has no pace to repeat; add --rate");
		return -EINVAL;
	}
	/* The gap between the rounds is the mean gap within one. */
	s->offset_ns += s->last_ns + s->last_ns / (s->taken > 1 ? s->taken - 1 : 1) + 1;
	s->taken = 0;
	s->last_ns = 0;
	if (s->mix.count == 0)
		return pcap_rewind(&s->pcap);
	/* Another seed, so that a flood does not repeat its sources. */
	mix_start(&s->mix, ++s->seed);
	return 0;
}

int
supply_take(struct supply *s, struct frame *f)
{
	for (;;) {
		int got =
			s->mix.count > 0 ? mix_take(&s->mix, f) : pcap_read(&s->pcap, f);

		if (got < 0)
			return got;
		if (got == 0) {
			if (!s->loops)
				return 0;
			got = start_over(s);
			if (got != 0)
				return got;
			continue;
		}
		if (!is_wanted(s, f))
			continue;
		s->taken++;
		if (f->at_ns > s->last_ns)
			s->last_ns = f->at_ns;
		f->at_ns = s->offset_ns + s->last_ns;
		return 1;
	}
}
