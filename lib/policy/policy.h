/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * policy - what each service asked for, as one immutable snapshot.
 *
 * The control side builds a new snapshot, swaps one pointer and frees the old
 * one after a grace period. A worker loads the pointer once per burst, so one
 * packet never meets two versions. Service ids are stable across reloads: a
 * service that keeps its name keeps its id, and with it its meters.
 *
 * Service 0 is `default`: what no service claims. It is forwarded: policy 0
 * (named "default", redefinable) runs stage `wiretalk` alone and so says how the
 * wire's own talk is treated. Every other policy runs every stage.
 *
 * Threads building: control side. policy_classify: any worker.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "meter/aggregate.h"
#include "meter/watch.h"
#include "policy/hits.h"
#include "policy/settings.h"
#include "prefix/prefix.h"
#include "stage/stage.h"

struct burst;
struct list_set;

#define POLICY_MAX  STAGE_POLICIES
#define SERVICE_MAX 1024

struct policy {
	char name[64];
	enum policy_mode mode;
	uint32_t stages; /* bit s: this policy runs stage s */
	struct watch_rule rule[VECTOR_COUNT];
	struct watch_rule network[VECTOR_COUNT];  /* of one network, a /24 or /48 */
	struct meter_limit address[VECTOR_COUNT]; /* of one address: only told */
};

struct service {
	char name[64]; /* empty: the id is not in use */
	uint16_t policy;
	int proto;                     /* -1 any, PROTO_ICMP also means ICMPv6 */
	struct conf_prefixes prefixes; /* owned by the snapshot */
	struct conf_ports ports;       /* owned; empty: all */
};

struct policies {
	uint64_t generation; /* 1, 2, 3 … */
	char sha256[65];     /* of the effective configuration text */
	bool is_ingress;     /* answers of the inside return another way */
	unsigned int n_policies;
	unsigned int
		n_configured; /* policies of the file; the others are these with another mode */
	unsigned int n_services; /* highest id in use + 1 */
	struct policy policy[POLICY_MAX];
	struct service service[SERVICE_MAX];
	struct stage_view view[STAGE_MAX];
	uint16_t in_file[SERVICE_MAX]; /* ids of the services in the order of the file */
	unsigned int n_in_file;
	struct policy_targets *targets; /* classification, private */
	struct aggregate_plan *plan;    /* where each protected address is counted */
	struct list_set *lists;         /* held; NULL: the configuration has none */
	struct list_set
		*blocks; /* what was blocked or allowed at run time; NULL: nothing */
	struct prefix_table *routers;  /* NULL: none */
	struct stage_filters *filters; /* NULL: no filter rules */
	struct policy_hits *hits;      /* names of what stages count beside reasons */
};

/* A timed block or allow made by the API, kept across reloads by control. */
struct policy_block {
	struct prefix prefix;
	bool is_allow;
	uint64_t until_ns; /* worker clock; 0: no end */
	uint64_t since_ns; /* the same; set by who keeps it */
	char reason[96];
};

/*
 * What overrides the file until it is taken back (API calls). The mode of one
 * service goes before that of all. A service whose mode differs from that of
 * its policy gets a copy of the policy, under the same name.
 */
struct policy_overrides {
	const struct policy_block *block;
	size_t blocks;
	/*
	 * Lists with what their files hold (policy/list_set.h); the snapshot holds it on its
	 * own. NULL: the prefixes written in the settings alone, as of `before` if they are
	 * the same.
	 */
	struct list_set *lists;
	/* Filter rules made by the API, behind those of the file. */
	const struct filter_spec *filter;
	size_t filters;
	int mode_all;          /* enum policy_mode, or -1 */
	int mode[SERVICE_MAX]; /* by service id; -1: as configured */
};

/*
 * Build a snapshot from checked settings, which may be freed afterwards. `before`
 * (or NULL) gives stable ids and the next generation; the id of a service that
 * is gone is not given away while `before` may still be in use, that is not by
 * this call. `over` may be NULL. Returns 0 and *out; -EINVAL with errors; -ENOMEM
 * with an error that says what did not fit.
 *
 * Of lists and timed blocks the more specific prefix wins; of equal prefixes
 * allow wins, then what has no end, then what ends last.
 */
int policy_build(const struct settings *s, const struct policies *before,
                 const struct policy_overrides *over, struct policies **out,
                 struct conf_errors *errors);
void policy_free(struct policies *p);

/*
 * Give every lane its service and policy: by the protected end of the packet,
 * which is the destination of what comes from outside and the source of what
 * comes from inside. Most specific prefix first, then exact ports, then ranges by
 * width, then the protocol without ports, then any protocol; then the same for
 * the next less specific prefix. Of equal rules the first in the file wins.
 *
 * What has no ports (later fragments) goes to the service of its protocol
 * without ports, then to any protocol, then to the first with ports. What hides
 * its protocol (broken headers, later fragments of an extension header) goes to
 * the first service of the prefix: it shall not escape by being unreadable.
 */
void policy_classify(const struct policies *p, struct burst *b);

/*
 * The service that would own such a packet, or 0 (slow path, for explain and
 * replay). port 0: the packet has none. proto -1: unknown, the first service.
 */
uint16_t policy_service_of(const struct policies *p, const uint8_t address[16], int proto,
                           uint16_t port);

/* Whether any service protects the address (replay's direction). Worker-safe. */
bool policy_protects(const struct policies *p, const uint8_t address[16]);

/* The counters of a protected address and of its network; 0: not counted apart. */
struct policy_cells {
	uint32_t address, network;
};

/* Returns false, and *out is untouched, for an address that nobody protects. Slow path. */
bool policy_find_cells(const struct policies *p, const uint8_t address[16],
                       struct policy_cells *out);

#endif
