/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/look.h"

#include "base/counter.h"
#include "event/lines.h"
#include "telemetry/load.h"

#define STUCK_NS UINT64_C(2000000000)

#define BUSY_RATIO     0.95 /* of its cycles, where a worker is near its end */
#define BUSY_FOR       3    /* looks in a row */
#define CALM_FOR       10
#define RING_NUMERATOR 3 /* of four quarters */

enum change { SAME, BEGAN, ENDED };

/* `high` looks in a row begin it, CALM_FOR others end it. */
static enum change
take(struct event_strain *s, bool is_high, unsigned int high)
{
	s->high = is_high ? s->high + 1 : 0;
	s->low = is_high ? 0 : s->low + 1;
	if (!s->is_told && s->high >= high) {
		s->is_told = true;
		return BEGAN;
	}
	if (s->is_told && s->low >= CALM_FOR) {
		s->is_told = false;
		return ENDED;
	}
	return SAME;
}

static void
look_at_port(struct event_look *look, const struct box *box, const struct box_link *link,
             unsigned int index, unsigned int side, struct event_line_to *to)
{
	const struct box_port *port = &link->port[side];
	struct event_strain *s = &look->port[index][side];
	const uint64_t lost = port->missed + port->no_buffers;
	enum change change;

	if (look->is_seen && port->is_up != look->was_up[index][side])
		to->put(to->arg,
		        event_line_port(box, link, side, port->is_up ? "up" : "down"));
	look->was_up[index][side] = port->is_up;
	if (!s->is_told)
		s->lost_before = look->is_seen ? s->lost : lost;
	change = take(s, look->is_seen && lost > s->lost, 1);
	s->lost = lost;
	if (change != SAME)
		to->put(to->arg, event_line_port_loss(box, link, side, change == BEGAN,
		                                      lost - s->lost_before));
}

static void
look_at_ports(struct event_look *look, struct box *box, struct event_line_to *to)
{
	struct box_link link[BOX_LINKS_MAX] = { 0 };

	if (box->read_links == NULL)
		return;
	box->read_links(box->daemon, link, box->n_links);
	for (unsigned int i = 0; i < 2 * box->n_links; i++)
		look_at_port(look, box, &link[i / 2], i / 2, i & 1, to);
}

static void
look_at_worker(struct event_look *look, struct box *box, unsigned int i, uint64_t now_ns,
               struct event_line_to *to)
{
	const uint64_t last = counter_read(&box->worker[i].last_turn_ns);
	const bool is_stuck = now_ns > last + STUCK_NS;

	if (look->is_seen && is_stuck != look->was_stuck[i])
		to->put(to->arg,
		        event_line_worker(box, i, is_stuck ? "stuck" : "moving"));
	look->was_stuck[i] = is_stuck;
}

/* Of a view of at least a second; a ring that is nearly full loses packets soon. */
static void
look_at_load(struct event_look *look, const struct telemetry_view *v, unsigned int i,
             struct event_line_to *to)
{
	const struct telemetry_load load = telemetry_load(v, i);
	const uint64_t room = v->box->handoff_room;
	const uint64_t waiting = v->now->worker[i].waiting;
	const bool is_full = room > 0 && waiting * 4 >= room * RING_NUMERATOR;
	const enum change change = take(
		&look->worker[i], load.busy_ratio >= BUSY_RATIO || is_full, BUSY_FOR);

	if (change != SAME)
		to->put(to->arg, event_line_worker_load(
					 v->box, i, change == BEGAN, load.busy_ratio,
					 room == 0 ? 0 : (double)waiting / (double)room));
}

void
event_look(struct event_look *look, struct telemetry *t, uint64_t now_ns,
           struct event_line_to *to)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;

	look_at_ports(look, box, to);
	for (unsigned int i = 0; i < box->n_workers; i++)
		look_at_worker(look, box, i, now_ns, to);
	/* Opening a view also stores the sample of this second. */
	if (telemetry_view_open(t, &v) == 0) {
		for (unsigned int i = 0; look->is_seen && i < box->n_workers; i++)
			look_at_load(look, &v, i, to);
		telemetry_view_close(&v);
	}
	look->is_seen = true;
}
