/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doc_ports - books and devices of every link, and what the workers do.
 */
#include <errno.h>

#include "telemetry/load.h"
#include "telemetry/parts.h"
#include "telemetry/put.h"
#include "telemetry/view.h"

/* Packets that workers may hold between two entries of their books. */
#define IN_HAND_MAX (int64_t)(64 * BOX_WORKERS_MAX)

static const char *const side_names[] = { "external", "internal" };

void
telemetry_put_balance(json_t *o, const struct box *box, int64_t unaccounted,
                      int64_t unsent)
{
	/* And those that wait for a worker they were handed over to. */
	const int64_t most = IN_HAND_MAX + (int64_t)box->handoff_room * box->n_workers;
	json_t *books = json_object();

	telemetry_put_bool(books, "balanced", unaccounted == 0 && unsent == 0);
	json_object_set_new(books, "in_flight_packets", json_integer(unaccounted));
	json_object_set_new(books, "unsent_packets", json_integer(unsent));
	telemetry_put_bool(books, "plausible",
	                   unaccounted >= -most && unaccounted <= most);
	json_object_set_new(books, "as_of", json_string("read"));
	json_object_set_new(
		books, "equation",
		json_string("received = forwarded + dropped + replied + consumed"));
	json_object_set_new(o, "books", books);
}

json_t *
telemetry_books_object(const struct books *now, const struct books *base,
                       uint64_t window_ns)
{
	const struct {
		const char *name, *packets, *bytes;
		uint64_t now[2], base[2];
	} rows[] = {
#define ROW(what)                                                                        \
	{                                                                                \
#what, #what "_packets", #what "_bytes",                                 \
			{ now->what##_packets, now->what##_bytes },                      \
		{                                                                        \
			base->what##_packets, base->what##_bytes                         \
		}                                                                        \
	}
		ROW(received), ROW(forwarded), ROW(dropped), ROW(replied),
		ROW(consumed), ROW(emitted),   ROW(sent),
#undef ROW
	};
	json_t *o = json_object(), *rates = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const uint64_t grown[2] = { rows[i].now[0] - rows[i].base[0],
			                    rows[i].now[1] - rows[i].base[1] };

		telemetry_put_count(o, rows[i].packets, rows[i].now[0]);
		telemetry_put_count(o, rows[i].bytes, rows[i].now[1]);
		telemetry_put_rate(rates, rows[i].name, grown, window_ns);
	}
	json_object_set_new(o, "rates", rates);
	return o;
}

static json_t *
port(const struct telemetry_view *v, unsigned int link, unsigned int side)
{
	const struct box_link *l = &v->now->link[link];
	const struct box_port *p = &l->port[side];
	json_t *o = telemetry_books_object(&v->now->books[link][side],
	                                   &v->base->books[link][side], v->window_ns);

	telemetry_put_text(o, "link", l->name);
	telemetry_put_text(o, "side", side_names[side]);
	telemetry_put_text(o, "name", p->name);
	telemetry_put_text(o, "driver", p->driver);
	telemetry_put_bool(o, "up", p->is_up);
	telemetry_put_count(o, "speed_bits_per_second", p->speed_bits);
	telemetry_put_count(o, "missed_packets", p->missed);
	telemetry_put_count(o, "buffer_failures", p->no_buffers);
	telemetry_put_count(o, "errors", p->errors);
	telemetry_put_balance(o, v->box, v->now->unaccounted[link][side],
	                      v->now->unsent[link][side]);
	return o;
}

json_t *
telemetry_ports_array(const struct telemetry_view *v)
{
	json_t *a = json_array();

	for (unsigned int link = 0; link < v->box->n_links; link++) {
		json_array_append_new(a, port(v, link, 0));
		json_array_append_new(a, port(v, link, 1));
	}
	return a;
}

json_t *
telemetry_ports(struct telemetry *t, const struct telemetry_ask *ask)
{
	(void)ask;
	return telemetry_document_of(t, "ports", telemetry_ports_array);
}

static json_t *
worker(const struct telemetry_view *v, unsigned int i)
{
	const struct telemetry_worker_count *now = &v->now->worker[i];
	const struct telemetry_worker_count *base = &v->base->worker[i];
	const struct telemetry_load load = telemetry_load(v, i);
	const uint64_t received = now->received - base->received;
	const uint64_t age = v->now->time_ns > now->last_turn_ns
	                             ? v->now->time_ns - now->last_turn_ns
	                             : 0;
	json_t *o = json_object();

	telemetry_put_count(o, "worker", i);
	json_object_set_new(o, "lcore", json_integer(now->lcore));
	telemetry_put_count(o, "received_packets", now->received);
	telemetry_put_count(o, "forwarded_packets", now->forwarded);
	telemetry_put_count(o, "dropped_packets", now->dropped);
	telemetry_put_count(o, "packets_per_second",
	                    telemetry_per_second(received, v->window_ns));
	telemetry_put_count(o, "turns", now->turns);
	telemetry_put_load(o, &load);
	telemetry_put_ratio(o, "busy_turns_ratio", load.busy_turns_ratio);
	telemetry_put_seconds(o, "heartbeat_age_seconds", (double)age / 1e9);
	telemetry_put_queue(o, v, i);
	return o;
}

json_t *
telemetry_workers(struct telemetry *t, const struct telemetry_ask *ask)
{
	struct telemetry_view v;
	json_t *o, *a = json_array();

	(void)ask;
	if (telemetry_view_open(t, &v) < 0) {
		json_decref(a);
		errno = ENOMEM;
		return NULL;
	}
	o = telemetry_document_new(v.box, &v);
	for (unsigned int i = 0; i < v.box->n_workers; i++)
		json_array_append_new(a, worker(&v, i));
	json_object_set_new(o, "workers", a);
	telemetry_view_close(&v);
	return o;
}
