/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metrics - the counters for Prometheus, in its text format 0.0.4.
 *
 * METRICS.md beside this file has a line for each of them. Labels come from the configuration or from tables of the program, never from
 * packets: no address, port number or attack id. A series of a reason appears
 * once the reason was used. Rates are left to the reader of this format.
 */
#include <stdio.h>
#include <string.h>

#include "telemetry/history.h"
#include "telemetry/own.h"
#include "telemetry/parts.h"
#include "telemetry/prometheus.h"

/* Under box->lock. */
static void
configuration(struct telemetry_out *o, const struct box *box)
{
	telemetry_family(o, "config_reloads_total", "counter",
	                 "Attempts to reload the configuration, by result.");
	telemetry_count(o, box->reloads_ok, "result", "ok", NULL);
	telemetry_count(o, box->reloads_failed, "result", "refused", NULL);
	telemetry_family(o, "config_last_reload_successful", "gauge",
	                 "1 when the last attempt was taken over, 0 when it was refused "
	                 "and the configuration before it stayed in force.");
	telemetry_count(o, !box->is_last_reload_refused, NULL);
	telemetry_family(o, "config_last_reload_success_timestamp_seconds", "gauge",
	                 "When the configuration in force was taken over, Unix time.");
	telemetry_moment(o,
	                 box->last_reload_unix_ns != 0 ? box->last_reload_unix_ns
	                                               : box->started_unix_ns,
	                 NULL);
	telemetry_family(o, "config_info", "gauge",
	                 "Always 1; the label is the digest of the configuration in "
	                 "force.");
	if (box->policies != NULL)
		telemetry_count(o, 1, "sha256", box->policies->sha256, NULL);
}

static void
about(struct telemetry_out *o, struct box *box)
{
	telemetry_family(o, "build_info", "gauge",
	                 "Always 1; the labels are the versions of the program and of "
	                 "DPDK.");
	telemetry_count(o, 1, "version", box->version, "dpdk_version", box->dpdk_version,
	                "revision", box->revision, NULL);
	telemetry_family(o, "node_info", "gauge",
	                 "Always 1; the label is the name of the box in its "
	                 "configuration.");
	telemetry_count(o, 1, "node", box->node, NULL);
	telemetry_family(o, "start_timestamp_seconds", "gauge",
	                 "When the program started, Unix time.");
	telemetry_moment(o, box->started_unix_ns, NULL);
	telemetry_family(o, "bypass", "gauge",
	                 "1 while packets are forwarded without judging.");
	telemetry_count(o, box_is_bypassed(box), NULL);
	pthread_mutex_lock(&box->lock);
	configuration(o, box);
	telemetry_family(o, "warnings", "gauge",
	                 "Sentences about the machine that the status shows since the "
	                 "start.");
	telemetry_count(o, box->n_warnings, NULL);
	pthread_mutex_unlock(&box->lock);
	telemetry_family(
		o, "timed_entries", "gauge",
		"Addresses and networks blocked or allowed for a time, by hand or "
		"by API.");
	if (box->block_list != NULL)
		telemetry_count(o, box->block_list(box->daemon, NULL, 0), NULL);
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
	BOOK(replied, packets,
	     "Of the packets taken in, those answered by the box itself.");
	BOOK(replied, bytes,
	     "Bytes of these answers; never more than the questions had.");
	BOOK(consumed, packets,
	     "Of the packets taken in, those that completed a challenge and served "
	     "their purpose.");
	BOOK(emitted, packets, "Frames of our own that left by the port.");
	BOOK(emitted, bytes, "Bytes of frames of our own that left by the port.");
	BOOK(sent, packets, "Packets that left by the port.");
	BOOK(sent, bytes, "Bytes of frames that left by the port.");
#undef BOOK
}

struct device {
	const char *name, *type, *help;
	uint64_t (*read)(const struct box_port *);
};

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
errors(const struct box_port *p)
{
	return p->errors;
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

static const struct device device[] = {
	{ "port_missed_packets_total", "counter",
	  "Packets that the device lost because its receive ring was full.", missed },
	{ "port_mbuf_allocation_failures_total", "counter",
	  "Receptions of the device that found no packet buffer.", no_buffers },
	{ "port_errors_total", "counter",
	  "Frames that the device received broken or could not send, by its own account.",
	  errors },
	{ "port_link_up", "gauge", "1 while the port has a carrier.", is_up },
	{ "port_speed_bytes_per_second", "gauge",
	  "The most that the port can carry, 0 when unknown.", speed },
};

static void
devices(struct telemetry_out *o, const struct telemetry_view *v)
{
	static const char *const sides[] = { "external", "internal" };

	for (size_t k = 0; k < sizeof(device) / sizeof(*device); k++) {
		telemetry_family(o, device[k].name, device[k].type, device[k].help);
		for (unsigned int i = 0; i < 2 * v->box->n_links; i++) {
			const struct box_link *link = &v->now->link[i / 2];

			telemetry_count(o, device[k].read(&link->port[i & 1]), "link",
			                link->name, "side", sides[i & 1], NULL);
		}
	}
}

/* Packet buffers, where the devices have a pool of them. */
static void
pools(struct telemetry_out *o, const struct telemetry_view *v)
{
	telemetry_family(o, "mempool_capacity_buffers", "gauge",
	                 "Packet buffers of the link, in use or not.");
	for (unsigned int i = 0; i < v->box->n_links; i++)
		if (v->now->link[i].buffers != 0)
			telemetry_count(o, v->now->link[i].buffers, "pool",
			                v->now->link[i].name, NULL);
	telemetry_family(o, "mempool_buffers_in_use", "gauge",
	                 "Packet buffers of the link that hold a packet or wait for one "
	                 "in a ring of a device.");
	for (unsigned int i = 0; i < v->box->n_links; i++)
		if (v->now->link[i].buffers != 0)
			telemetry_count(o, v->now->link[i].buffers_in_use, "pool",
			                v->now->link[i].name, NULL);
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

/*
 * Only what met a packet, and not more than a dashboard can bear: there may be thousands
 * of rules. The API has them all.
 */
static void
hits_family(struct telemetry_out *o, struct box *box)
{
	const struct policy_hits *h;
	uint64_t others = 0;

	telemetry_family(o, "hits_total", "counter",
	                 "Packets that a list, an operator's rule or the row of a "
	                 "reflecting service met.");
	pthread_mutex_lock(&box->lock);
	h = box->policies != NULL ? box->policies->hits : NULL;
	for (unsigned int id = 1; h != NULL && id < h->count; id++) {
		const uint64_t packets = telemetry_hits_of(box, id);

		if (packets == 0)
			continue;
		if (!series_of_hit(o->split, id))
			others += packets;
		else if (policy_hit_is_used(h, id))
			telemetry_count(o, packets, "stage", h->hit[id].stage, "name",
			                h->hit[id].name, NULL);
	}
	pthread_mutex_unlock(&box->lock);
	if (others != 0)
		telemetry_count(o, others, "stage", "(other)", "name", "(other)", NULL);
}

/* How much of the budget is used, and what it costs to be over it. */
static void
budget(struct telemetry_out *o)
{
	const struct telemetry_split *s = o->split;

	telemetry_family(o, "metrics_series", "gauge",
	                 "Time series of this page, these left out.");
	telemetry_count(o, o->series, NULL);
	telemetry_family(
		o, "metrics_is_full", "gauge",
		"1 when no new series is made any more and what is new counts as "
		"\"other\".");
	telemetry_count(o, s->vectors == SERIES_VECTORS, "of", "vectors", NULL);
	telemetry_count(o, s->reasons == SERIES_REASONS, "of", "reasons", NULL);
	telemetry_count(o, s->attacks == SERIES_ATTACKS, "of", "attacks", NULL);
	telemetry_count(o, s->hits == SERIES_HITS, "of", "hits", NULL);
}

static void
write_all(struct telemetry_out *o, const struct telemetry_view *v, struct telemetry *t)
{
	struct box *box = v->box;

	about(o, box);
	ports(o, v);
	devices(o, v);
	pools(o, v);
	reason_family(o, v->now->decided, "reason_packets_total",
	              "Packets stopped, by the one reason that decided.");
	reason_family(o, v->now->would, "reason_would_packets_total",
	              "Packets that only the mode spared, by reason.");
	hits_family(o, box);
	telemetry_service_metrics(o, v);
	telemetry_attack_metrics(o, box);
	telemetry_load_metrics(o, v);
	telemetry_queue_metrics(o, v);
	telemetry_list_metrics(o, box);
	telemetry_desk_metrics(o, box, telemetry_own(t),
	                       telemetry_history_trouble(telemetry_history_of(t)));
	budget(o);
}

char *
telemetry_metrics(struct telemetry *t)
{
	struct telemetry_view v;
	struct telemetry_out o;

	if (telemetry_view_open(t, &v) < 0)
		return NULL;
	if (telemetry_out_open(&o) < 0) {
		telemetry_view_close(&v);
		return NULL;
	}
	o.split = telemetry_split_lock(t);
	write_all(&o, &v, t);
	telemetry_split_unlock(t);
	telemetry_view_close(&v);
	return telemetry_out_close(&o);
}
