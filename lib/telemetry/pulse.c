/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/pulse.h"

#include <stdlib.h>
#include <string.h>

/* Slewing moves a clock by less between two samples, and so does a bad oscillator. */
#define JUMP_NS INT64_C(1000000000)

static uint64_t
all_of_stage(const struct telemetry_sample *s, const char *name)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < stage_count; i++) {
		if (strcmp(stage_list[i]->name, name) != 0)
			continue;
		for (unsigned int r = 0; r < STAGE_MAX_REASONS; r++)
			sum += s->decided[i][r] + s->would[i][r];
	}
	return sum;
}

void
telemetry_mark_take(const struct box *box, const struct telemetry_sample *s,
                    uint64_t events_dropped, struct telemetry_mark *out)
{
	memset(out, 0, sizeof(*out));
	out->time_ns = s->time_ns;
	for (unsigned int i = 0; i < 2 * box->n_links; i++) {
		const struct books *b = &s->books[i / 2][i & 1];
		const struct box_port *p = &s->link[i / 2].port[i & 1];

		out->received[i / 2][i & 1] = b->received_packets;
		out->sent[i / 2][i & 1] = b->sent_packets;
		out->missed[i / 2][i & 1] = p->missed;
		out->no_buffers[i / 2][i & 1] = p->no_buffers;
	}
	/* Service 0 is for what none claims. */
	out->unclaimed = s->service[0].received[0];
	for (unsigned int i = 0; i < SERVICE_MAX; i++) {
		out->claimed += i > 0 ? s->service[i].received[0] : 0;
		out->verified_dropped += s->service[i].verified_dropped;
	}
	out->malformed = all_of_stage(s, "sanity");
	out->tx_full = s->decided[stage_count][STAGE_IO_TX_FULL];
	out->too_long = s->decided[stage_count][STAGE_IO_TOO_LONG];
	out->events_dropped = events_dropped;
}

void
telemetry_pulse_start(struct telemetry_pulse *p, const struct box *box,
                      const struct telemetry_sample *s)
{
	memset(p, 0, sizeof(*p));
	telemetry_mark_take(box, s, 0, &p->mark[0]);
	p->mark[1] = p->mark[0];
}

/* Both clocks run at one rate; where they come apart at once somebody set one. */
static void
watch_clock(struct telemetry_pulse *p, const struct box *box, uint64_t now_ns)
{
	int64_t offset, moved;

	if (box->wall_ns == NULL)
		return;
	offset = (int64_t)(box->wall_ns(box->daemon) - now_ns);
	moved = offset - p->wall_offset_ns;
	if (p->has_offset && llabs(moved) >= JUMP_NS) {
		p->jumped_ns += moved;
		p->jumped_at_ns = now_ns;
	}
	p->wall_offset_ns = offset;
	p->has_offset = true;
}

void
telemetry_pulse_feed(struct telemetry_pulse *p, const struct box *box,
                     const struct telemetry_sample *s, uint64_t events_dropped)
{
	for (unsigned int i = 0; i < 2 * box->n_links; i++) {
		const uint64_t received = s->books[i / 2][i & 1].received_packets;

		if (received != p->last_received[i / 2][i & 1])
			p->last_received_ns[i / 2][i & 1] = s->time_ns;
		p->last_received[i / 2][i & 1] = received;
	}
	if (!box_is_bypassed(box))
		p->bypassed_ns = 0;
	else if (p->bypassed_ns == 0)
		p->bypassed_ns = s->time_ns;
	watch_clock(p, box, s->time_ns);
	if (s->time_ns < p->mark[0].time_ns + TELEMETRY_MARK_NS)
		return;
	p->mark[1] = p->mark[0];
	telemetry_mark_take(box, s, events_dropped, &p->mark[0]);
}
