/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics - the counters for Prometheus, in its text format 0.0.4.
 *
 * Labels come from the configuration or from tables of the program, never from
 * packets: no address, port number or attack id. A series of a reason appears
 * once the reason was used. Rates are left to the reader of this format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/own.h"
#include "telemetry/parts.h"
#include "telemetry/prometheus.h"

static void
about(struct telemetry_out *o, struct box *box)
{
	telemetry_family(o, "build_info", "gauge", "Version of the program and of DPDK.");
	telemetry_count(o, 1, "version", box->version, "dpdk_version", box->dpdk_version,
	                NULL);
	telemetry_family(o, "start_timestamp_seconds", "gauge",
	                 "When the program started, Unix time.");
	telemetry_value(o, (double)(box->started_unix_ns / 1000000) / 1e3, NULL);
	telemetry_family(o, "bypass", "gauge",
	                 "1 while packets are forwarded without judging.");
	telemetry_count(o, box_is_bypassed(box), NULL);

	pthread_mutex_lock(&box->lock);
	telemetry_family(o, "config_reloads_total", "counter",
	                 "Attempts to reload, by result.");
	telemetry_count(o, box->reloads_ok, "result", "ok", NULL);
	telemetry_count(o, box->reloads_failed, "result", "refused", NULL);
	if (box->last_reload_unix_ns != 0) {
		telemetry_family(
			o, "config_last_reload_success_timestamp_seconds", "gauge",
			"When the configuration in force was loaded, Unix time.");
		telemetry_value(o, (double)(box->last_reload_unix_ns / 1000000) / 1e3,
		                NULL);
	}
	if (box->policies != NULL) {
		telemetry_family(o, "config_info", "gauge",
		                 "Digest of the configuration in force.");
		telemetry_count(o, 1, "sha256", box->policies->sha256, NULL);
	}
	pthread_mutex_unlock(&box->lock);
}

/* One counter of the books for every port. */
static void
books_family(struct telemetry_out *o, const struct telemetry_view *v, const char *name,
             const char *help, size_t offset)
{
	static const char *const sides[] = { "external", "internal" };

	telemetry_family(o, name, "counter", help);
	for (unsigned int i = 0; i < 2 * v->box->n_links; i++) {
		const char *books = (const char *)&v->now->books[i / 2][i & 1];
		uint64_t value;

		memcpy(&value, books + offset, sizeof(value));
		telemetry_count(o, value, "link", v->now->link[i / 2].name, "side",
		                sides[i & 1], NULL);
	}
}

static void
ports(struct telemetry_out *o, const struct telemetry_view *v)
{
#define BOOK(what, unit, help)                                                           \
	books_family(o, v, "port_" #what "_" #unit "_total", help,                       \
	             offsetof(struct books, what##_##unit))
	BOOK(received, packets, "Packets taken in by the port.");
	BOOK(received, bytes, "Bytes of frames taken in by the port, without FCS.");
	BOOK(forwarded, packets,
	     "Of the packets taken in, those sent on by the other port.");
	BOOK(forwarded, bytes, "Of the bytes taken in, those sent on by the other port.");
	BOOK(dropped, packets, "Of the packets taken in, those dropped.");
	BOOK(dropped, bytes, "Of the bytes taken in, those dropped.");
	BOOK(replied, packets, "Of the packets taken in, those answered.");
	BOOK(consumed, packets,
	     "Of the packets taken in, those that completed a challenge.");
	BOOK(emitted, packets, "Frames of our own that left by the port.");
	BOOK(sent, packets, "Packets that left by the port.");
	BOOK(sent, bytes, "Bytes of frames that left by the port.");
#undef BOOK
}

static void
device_family(struct telemetry_out *o, const struct telemetry_view *v, const char *name,
              const char *const what[2], uint64_t (*read)(const struct box_port *))
{
	static const char *const sides[] = { "external", "internal" };

	telemetry_family(o, name, what[0], what[1]);
	for (unsigned int i = 0; i < 2 * v->box->n_links; i++) {
		const struct box_link *link = &v->now->link[i / 2];

		telemetry_count(o, read(&link->port[i & 1]), "link", link->name, "side",
		                sides[i & 1], NULL);
	}
}

static uint64_t
missed(const struct box_port *p)
{
	return p->missed;
}

static uint64_t
no_buffers(const struct box_port *p)
{
	return p->no_buffers;
}

static uint64_t
is_up(const struct box_port *p)
{
	return p->is_up;
}

static uint64_t
speed(const struct box_port *p)
{
	return p->speed_bits / 8;
}

static void
devices(struct telemetry_out *o, const struct telemetry_view *v)
{
	device_family(
		o, v, "port_missed_packets_total",
		(const char *[]){ "counter", "Packets the device lost: ring full." },
		missed);
	device_family(o, v, "port_mbuf_allocation_failures_total",
	              (const char *[]){ "counter", "Receptions that found no buffer." },
	              no_buffers);
	device_family(o, v, "port_link_up",
	              (const char *[]){ "gauge", "1 while the port has a link." }, is_up);
	device_family(o, v, "port_speed_bytes_per_second",
	              (const char *[]){ "gauge", "Speed of the link, 0 when unknown." },
	              speed);
}

static void
reason_family(struct telemetry_out *o,
              const uint64_t counts[STAGE_MAX][STAGE_MAX_REASONS], const char *name,
              const char *help)
{
	char reason[96];

	telemetry_family(o, name, "counter", help);
	for (unsigned int i = 0; i <= stage_count; i++) {
		const struct stage *s = telemetry_stage(i);

		for (unsigned int r = 0; s->reasons != NULL && s->reasons[r].name != NULL;
		     r++) {
			if (counts[i][r] == 0)
				continue;
			snprintf(reason, sizeof(reason), "%s.%s", s->name,
			         s->reasons[r].name);
			telemetry_count(o, counts[i][r], "stage", s->name, "reason",
			                reason, "class",
			                s->reasons[r].class == REASON_DROP ? "drop"
			                                                   : "challenge",
			                NULL);
		}
	}
}

/* Only what met a packet: there may be a thousand rules. */
static void
hits_family(struct telemetry_out *o, struct box *box)
{
	const struct policy_hits *h;

	telemetry_family(o, "hits_total", "counter",
	                 "Packets that a list, an operator's rule or the row of a "
	                 "reflecting service met.");
	pthread_mutex_lock(&box->lock);
	h = box->policies != NULL ? box->policies->hits : NULL;
	for (unsigned int id = 1; h != NULL && id < h->count; id++) {
		const uint64_t packets = telemetry_hits_of(box, id);

		if (policy_hit_is_used(h, id) && packets != 0)
			telemetry_count(o, packets, "stage", h->hit[id].stage, "name",
			                h->hit[id].name, NULL);
	}
	pthread_mutex_unlock(&box->lock);
}

char *
telemetry_metrics(struct telemetry *t)
{
	struct box *box = telemetry_box(t);
	struct telemetry_view v;
	struct telemetry_out o = { 0 };
	char *text = NULL;
	size_t size = 0;

	if (telemetry_view_open(t, &v) < 0)
		return NULL;
	o.file = open_memstream(&text, &size);
	if (o.file == NULL) {
		telemetry_view_close(&v);
		return NULL;
	}
	about(&o, box);
	ports(&o, &v);
	devices(&o, &v);
	reason_family(&o, v.now->decided, "reason_packets_total",
	              "Packets stopped, by the one reason that decided.");
	reason_family(&o, v.now->would, "reason_would_packets_total",
	              "Packets that only the mode spared, by reason.");
	hits_family(&o, box);
	telemetry_service_metrics(&o, &v);
	telemetry_load_metrics(&o, &v, telemetry_own(t));
	telemetry_queue_metrics(&o, &v);
	telemetry_list_metrics(&o, box);
	telemetry_view_close(&v);
	if (fclose(o.file) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
