/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * health_wire - the way of a packet: both ends, arrival, shape, service, verdict, leaving.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prefix/prefix.h"
#include "telemetry/health.h"
#include "telemetry/put.h"

#define SOME       50   /* packets that are enough to judge from */
#define LOST_RATIO 0.01 /* of what arrives: from here on it is a fault */

#define GROWN(h, member) ((h)->now.member - (h)->before.member)

static const char *const side_names[] = { "external", "internal" };

/* What a side received, over all links. */
static uint64_t
received(const struct health *h, unsigned int side)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < h->box->n_links; i++)
		sum += GROWN(h, received[i][side]);
	return sum;
}

static void
look_at_mtu(struct health *h, const struct box_link *link)
{
	const unsigned int a = link->port[0].mtu, b = link->port[1].mtu;

	if (a == 0 || b == 0 || a == b)
		return;
	health_add(h,
	           &(struct health_finding){
			   HEALTH_LINK, HEALTH_FAULT, "mtu_mismatch", link->name,
			   "Give both ends the same MTU (ip link set NAME mtu N) and "
			   "restart "
			   "tidegated: the longest frames of one side are lost." },
	           "The two ends of link %s carry frames of different length: %s has MTU "
	           "%u, "
	           "%s has MTU %u.",
	           link->name, link->port[0].name, a, link->port[1].name, b);
}

static void
look_at_links(struct health *h)
{
	unsigned int up = 0;

	for (unsigned int i = 0; i < 2 * h->box->n_links; i++) {
		const struct box_link *link = &h->view->now->link[i / 2];
		const struct box_port *p = &link->port[i & 1];

		up += p->is_up;
		if (!p->is_up)
			health_add(
				h,
				&(struct health_finding){ HEALTH_LINK, HEALTH_FAULT,
			                                  "link_down", p->name,
			                                  "Look at the cable, the optics "
			                                  "and the port at the "
			                                  "other side; `ip link show` "
			                                  "tells whether somebody "
			                                  "took it down." },
				"Port %s, the %s end of link %s, has no link%s.", p->name,
				side_names[i & 1], link->name,
				h->view->now->link[i / 2].port[!(i & 1)].is_up
					? ""
					: "; where one end fails the other is taken down "
					  "with it");
		if ((i & 1) == 0)
			look_at_mtu(h, link);
	}
	telemetry_put_count(h->counts[HEALTH_LINK], "ports", 2 * h->box->n_links);
	telemetry_put_count(h->counts[HEALTH_LINK], "ports_up", up);
}

static void
say_silence(struct health *h)
{
	char last[64] = "none ever came";
	uint64_t at = 0;

	for (unsigned int i = 0; i < h->box->n_links; i++)
		at = h->pulse.last_received_ns[i][0] > at
		             ? h->pulse.last_received_ns[i][0]
		             : at;
	if (at != 0)
		snprintf(last, sizeof(last), "the last one %.1f s ago",
		         (double)(h->now.time_ns - at) / 1e9);
	health_add(
		h,
		&(struct health_finding){
			HEALTH_RX, at == 0 ? HEALTH_FAULT : HEALTH_WARNING, "no_traffic",
			"external",
			"See whether packets reach the machine at all (counters of the "
			"switch, `ip -s link`), whether the right ports are configured, "
			"and whether traffic is routed through here." },
		"Nothing to speak of arrives from outside: %" PRIu64
		" packets in the last %.1f s, %s.",
		received(h, 0), h->seconds, last);
}

static void
say_one_sided(struct health *h, unsigned int silent)
{
	health_add(
		h,
		&(struct health_finding){
			HEALTH_RX, h->attacks > 0 ? HEALTH_WARNING : HEALTH_FAULT,
			"one_direction", side_names[silent],
			silent == 1
				? "If answers take another way on purpose, write duplex "
				  "= "
				  "\"ingress\" in `dataplane`; else look at the internal "
				  "port and at the routing behind it: connections cannot "
				  "be verified by half."
				: "Look at the external port and at the routing before "
				  "it: "
				  "nothing that comes from outside is protected here." },
		"Only one direction is seen: %" PRIu64
		" packets from outside and %" PRIu64
		" from inside in the last %.1f s, but the box is wired inline%s.",
		received(h, 0), received(h, 1), h->seconds,
		h->attacks > 0 ? " (a flood that nobody answers looks the same)" : "");
}

static void
look_at_losses(struct health *h)
{
	for (unsigned int i = 0; i < 2 * h->box->n_links; i++) {
		const struct box_port *p = &h->view->now->link[i / 2].port[i & 1];
		const uint64_t missed = GROWN(h, missed[i / 2][i & 1]);
		const uint64_t came = GROWN(h, received[i / 2][i & 1]);
		const uint64_t no_buffers = GROWN(h, no_buffers[i / 2][i & 1]);

		if (missed > 0)
			health_add(
				h,
				&(struct health_finding){
					HEALTH_RX,
					(double)missed > LOST_RATIO *
								 (double)(came + missed)
						? HEALTH_FAULT
						: HEALTH_WARNING,
					"rx_missed", p->name,
					"Workers did not fetch in time: give more "
					"workers or cores (dataplane.workers, "
					"dataplane.cores), keep others off them, and "
					"use hugepages." },
				"Port %s lost %" PRIu64 " packets before anybody could "
				"look at them, %" PRIu64 " arrived in the same %.1f s.",
				p->name, missed, came, h->seconds);
		if (no_buffers > 0)
			health_add(h,
			           &(struct health_finding){
					   HEALTH_RX, HEALTH_FAULT, "no_buffers", p->name,
					   "Packets are held somewhere: see `tidegate "
					   "ports` and `tidegate workers`, and restart "
					   "when it does not end." },
			           "Port %s found no buffer for a packet %" PRIu64
			           " times in the last %.1f s.",
			           p->name, no_buffers, h->seconds);
	}
}

static void
look_at_arrival(struct health *h)
{
	const uint64_t out = received(h, 0), in = received(h, 1);

	telemetry_put_count(h->counts[HEALTH_RX], "external_packets", out);
	telemetry_put_count(h->counts[HEALTH_RX], "internal_packets", in);
	look_at_losses(h);
	/* What kernels and switches say of themselves is less than a packet a second. */
	if ((double)out < h->seconds && (double)in < h->seconds)
		say_silence(h);
	else if (!h->is_ingress && out >= SOME && in * SOME < out)
		say_one_sided(h, 1);
	else if (in >= SOME && out * SOME < in)
		say_one_sided(h, 0);
}

static void
look_at_shape(struct health *h)
{
	const uint64_t all = received(h, 0) + received(h, 1);
	const uint64_t bad = GROWN(h, malformed);

	telemetry_put_count(h->counts[HEALTH_PARSE], "packets", all);
	telemetry_put_count(h->counts[HEALTH_PARSE], "malformed_packets", bad);
	if (all >= SOME && bad * 2 > all)
		health_add(
			h,
			&(struct health_finding){
				HEALTH_PARSE, HEALTH_WARNING, "malformed", "",
				"`tidegate reasons --help-texts` tells in what way; when "
				"customers send so, something before this box breaks "
				"packets (checksums, tunnels)." },
			"%" PRIu64 " of %" PRIu64
			" packets of the last %.1f s are malformed.",
			bad, all, h->seconds);
	if (GROWN(h, too_long) > 0)
		health_add(
			h,
			&(struct health_finding){
				HEALTH_TX, HEALTH_FAULT, "too_long", "",
				"Give both ends the MTU of the wire they are in, and see "
				"that neighbours send no longer frames." },
			"%" PRIu64
			" frames of the last %.1f s were longer than the other "
			"end carries, and were dropped.",
			GROWN(h, too_long), h->seconds);
}

/* Under box->lock: whether any service protects it. */
static bool
is_claimed(const struct policies *p, const uint8_t address[16])
{
	struct prefix prefix;

	for (unsigned int i = 1; i < p->n_services; i++) {
		const struct conf_prefixes *all = &p->service[i].prefixes;

		for (size_t k = 0; p->service[i].name[0] != '\0' && k < all->count; k++) {
			memcpy(prefix.address, all->prefix[k].address,
			       sizeof(prefix.address));
			prefix.len = all->prefix[k].len;
			if (prefix_holds(&prefix, address))
				return true;
		}
	}
	return false;
}

/* The busiest destination that no service protects, or "". */
static void
busiest_unclaimed(struct health *h, char text[PREFIX_TEXT])
{
	struct telemetry_ask ask;
	const json_t *e;
	json_t *top;
	size_t i;

	text[0] = '\0';
	telemetry_ask_init(&ask);
	ask.by_destinations = true;
	top = telemetry_top(h->telemetry, &ask);
	pthread_mutex_lock(&h->box->lock);
	json_array_foreach(json_object_get(top, "top"), i, e)
	{
		const char *a = json_string_value(json_object_get(e, "address"));
		struct prefix p;

		if (a == NULL || prefix_parse(a, &p) < 0 || h->box->policies == NULL ||
		    is_claimed(h->box->policies, p.address))
			continue;
		snprintf(text, PREFIX_TEXT, "%s", a);
		break;
	}
	pthread_mutex_unlock(&h->box->lock);
	json_decref(top);
}

static unsigned int
services(struct health *h)
{
	unsigned int n = 0;

	pthread_mutex_lock(&h->box->lock);
	for (unsigned int i = 1;
	     h->box->policies != NULL && i < h->box->policies->n_services; i++)
		n += h->box->policies->service[i].name[0] != '\0';
	pthread_mutex_unlock(&h->box->lock);
	return n;
}

static void
look_at_services(struct health *h)
{
	const uint64_t claimed = GROWN(h, claimed), unclaimed = GROWN(h, unclaimed);
	const unsigned int n = services(h);
	char busiest[PREFIX_TEXT];

	telemetry_put_count(h->counts[HEALTH_SERVICE], "services", n);
	telemetry_put_count(h->counts[HEALTH_SERVICE], "packets_to_services", claimed);
	telemetry_put_count(h->counts[HEALTH_SERVICE], "packets_to_none", unclaimed);
	if (n == 0) {
		health_add(h,
		           &(struct health_finding){
				   HEALTH_SERVICE, HEALTH_WARNING, "no_services", "",
				   "Write what is to be protected into `services`; "
				   "tidegate.conf(5) has an example." },
		           "No service is configured: everything is judged by the policy "
		           "\"default\".");
		return;
	}
	if (claimed > 0 || unclaimed < SOME)
		return;
	busiest_unclaimed(h, busiest);
	health_add(
		h,
		&(struct health_finding){
			HEALTH_SERVICE, HEALTH_FAULT, "no_service_matches", busiest,
			"Compare `prefixes`, `protocol` and `ports` of `services` with "
			"what arrives (`tidegate talkers --destinations`), and see that "
			"external and internal are not exchanged." },
		"%" PRIu64 " packets came from outside in the last %.1f s, and none is "
		"for any of the %u services%s%s.",
		unclaimed, h->seconds, n, busiest[0] == '\0' ? "" : "; most go to ",
		busiest);
}

/* One attack that nothing is done about. Under box->lock. */
static void
look_at_mode(struct health *h, const struct detect_attack *a)
{
	const struct policies *p = h->box->policies;
	const struct service *s;
	char remedy[160];
	int mode;

	if (a->state != DETECT_ACTIVE || p == NULL || a->service >= p->n_services)
		return;
	s = &p->service[a->service];
	mode = (int)p->policy[s->policy].mode;
	if (mode == POLICY_MITIGATE)
		return;
	snprintf(remedy, sizeof(remedy),
	         "`tidegate mode %.60s mitigate --for 1h` drops it now; the mode in the "
	         "file is what stays.",
	         s->name);
	health_add(h,
	           &(struct health_finding){ HEALTH_VERDICT, HEALTH_FAULT,
	                                     "attack_not_mitigated", s->name, remedy },
	           "Service %s is under attack (%s, at most %" PRIu64
	           " packets/s) in mode %s: nothing is dropped.",
	           s->name, vector_info[a->vector].name, a->peak_pps,
	           policy_mode_names[mode]);
}

static void
look_at_attacks(struct health *h)
{
	size_t n;
	struct detect_attack *a = telemetry_attacks_copy(h->box, &n);

	pthread_mutex_lock(&h->box->lock);
	for (size_t i = 0; i < n; i++)
		look_at_mode(h, &a[i]);
	pthread_mutex_unlock(&h->box->lock);
	free(a);
}

static void
look_at_bypass(struct health *h)
{
	const uint64_t since = h->pulse.bypassed_ns;

	if (!box_is_bypassed(h->box))
		return;
	health_add(h,
	           &(struct health_finding){
			   HEALTH_VERDICT, h->attacks > 0 ? HEALTH_FAULT : HEALTH_WARNING,
			   "bypass", "",
			   "`tidegate bypass off` has packets judged "
			   "again." },
	           "Bypass is on, for %.0f s now: everything is forwarded and nothing is "
	           "judged.",
	           since == 0 ? 0.0 : (double)(h->now.time_ns - since) / 1e9);
}

static void
look_at_verdicts(struct health *h)
{
	struct books now, base;
	json_t *counts = h->counts[HEALTH_VERDICT];

	telemetry_books_total(h->box, h->view->now, &now);
	telemetry_books_total(h->box, h->view->base, &base);
	telemetry_put_count(
		counts, "forwarded_packets_per_second",
		telemetry_per_second(now.forwarded_packets - base.forwarded_packets,
	                             h->view->window_ns));
	telemetry_put_count(
		counts, "dropped_packets_per_second",
		telemetry_per_second(now.dropped_packets - base.dropped_packets,
	                             h->view->window_ns));
	telemetry_put_count(counts, "attacks_active", h->attacks);
	telemetry_put_count(counts, "customers_hit_packets", GROWN(h, verified_dropped));
	look_at_bypass(h);
	look_at_attacks(h);
	if (GROWN(h, verified_dropped) > 0)
		health_add(
			h,
			&(struct health_finding){
				HEALTH_VERDICT, HEALTH_WARNING, "customers_hit", "",
				"`tidegate reasons` tells why; limits of one source that "
				"are too low are the usual cause (`tidegate show "
				"SERVICE`)." },
			"%" PRIu64 " packets of proven customers were dropped in the "
			"last %.1f s.",
			GROWN(h, verified_dropped), h->seconds);
}

static void
look_at_leaving(struct health *h)
{
	uint64_t sent[2] = { 0 };

	for (unsigned int i = 0; i < 2 * h->box->n_links; i++)
		sent[i & 1] += GROWN(h, sent[i / 2][i & 1]);
	telemetry_put_count(h->counts[HEALTH_TX], "external_packets", sent[0]);
	telemetry_put_count(h->counts[HEALTH_TX], "internal_packets", sent[1]);
	if (GROWN(h, tx_full) > 0)
		health_add(h,
		           &(struct health_finding){
				   HEALTH_TX, HEALTH_FAULT, "tx_full", "",
				   "More arrives than the port that sends can carry: "
				   "compare "
				   "the speeds in `tidegate ports`, and see whether the "
				   "neighbour holds it back (pause frames)." },
		           "%" PRIu64
		           " packets of the last %.1f s could not be sent: the "
		           "port or its ring was full.",
		           GROWN(h, tx_full), h->seconds);
}

void
health_look_at_wire(struct health *h)
{
	look_at_links(h);
	look_at_arrival(h);
	look_at_shape(h);
	look_at_services(h);
	look_at_verdicts(h);
	look_at_leaving(h);
}
