/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wiretalk - the wire's own talk is never dropped.
 *
 * What keeps a link alive (address resolution, link aggregation, spanning tree,
 * router redundancy, routing sessions) is recognised by what cannot easily be
 * forged from afar, let through for good, and metered by kind, so that its
 * disguise carries no flood. What exceeds its meter is judged like any packet.
 * None of it is ever a plain packet (packet/plain.h), so only the others are asked.
 */
#include "stage/wiretalk/wiretalk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "prefix/prefix.h"

#define QUOTA_BURST_NS UINT64_C(100000000)
#define QUOTA_LEAST    64 /* packets, however small the quota is */

enum { REASON_OVER_QUOTA, REASON_ETHERTYPE, REASON_UNREADABLE };
static const struct stage_reason reasons[] = {
	[REASON_OVER_QUOTA] = { "over_quota", REASON_DROP,
	                        "More ARP or other frames without IP arrived than "
	                        "`quota` allows; "
	                        "look for a loop or a flooding neighbour on the link." },
	[REASON_ETHERTYPE] = { "ethertype", REASON_DROP,
	                       "The frame carries neither IP nor a protocol of the wire, "
	                       "and "
	                       "`ethertypes` is \"deny\"." },
	[REASON_UNREADABLE] = { "unreadable", REASON_DROP,
	                        "The frame ends before its addresses, contradicts its "
	                        "own "
	                        "ethertype or has three VLAN tags, so no service can "
	                        "claim it, "
	                        "and `unreadable` is \"deny\"." },
	{ NULL, REASON_DROP, NULL },
};

/* Each has a meter of its own: a flood in one costs no other. */
enum class {
	CLASS_NONE, /* ordinary traffic */
	CLASS_ARP,
	CLASS_SLOW, /* LACP, marker and OAM: "slow protocols" */
	CLASS_LLDP,
	CLASS_EAPOL,
	CLASS_LLC,   /* spanning tree, IS-IS */
	CLASS_OTHER, /* any other ethertype */
	CLASS_ND,
	CLASS_MULTICAST, /* IGMP and MLD */
	CLASS_VRRP,
	CLASS_BFD,
	CLASS_OSPF,
	CLASS_ROUTERS, /* BGP, OSPF and multihop BFD between configured routers */
	CLASS_UNREADABLE,
	CLASSES
};

enum { PASS, DENY };
static const char *const pass_or_deny[] = { [PASS] = "pass", [DENY] = "deny", NULL };

struct params {
	uint64_t quota; /* packets per second of each class and worker; 0: no limit */
	int ethertypes, unreadable;
	struct meter_rate rate;             /* derived */
	const struct prefix_table *routers; /* derived; of the snapshot */
};

struct state {
	struct meter meter[CLASSES];
};

static const struct conf_field fields[] = {
	{ .key = "quota",
	  .kind = CONF_PACKETS,
	  .offset = offsetof(struct params, quota),
	  .absent = "10kpps",
	  .min = 0,
	  .max = METER_MAX_PPS,
	  .help = "Packets of each kind of wire talk that every worker lets through "
	          "unjudged." },
	{ .key = "ethertypes",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct params, ethertypes),
	  .absent = "pass",
	  .words = pass_or_deny,
	  .help = "What happens to frames of other ethertypes than IP and the wire's "
	          "own; only the "
	          "policy \"default\" meets them." },
	{ .key = "unreadable",
	  .kind = CONF_WORD,
	  .offset = offsetof(struct params, unreadable),
	  .absent = "deny",
	  .words = pass_or_deny,
	  .help = "What happens to frames that show no addresses because they are cut, "
	          "contradict "
	          "their ethertype or have three VLAN tags; only the policy \"default\" "
	          "meets them." },
	{ .key = NULL },
};

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct params *p = params;
	const struct meter_limit limit = { p->quota, METER_PACKETS };

	(void)errors; /* The bounds of the field are the bounds of the meter. */
	p->routers = from->routers;
	return meter_rate_init(&p->rate, &limit, QUOTA_BURST_NS, QUOTA_LEAST);
}

static int
open_state(void **state, const struct stage_env *env)
{
	(void)env;
	*state = calloc(1, sizeof(struct state));
	return *state == NULL ? -ENOMEM : 0;
}

static enum class class_of_frame(const struct facts *f) {
	/* IP that the parser could not read as IP is no "other" ethertype. */
	if (f->fault != PACKET_SOUND || f->ethertype == 0x0800 ||
	    f->ethertype == 0x86dd) return CLASS_UNREADABLE;
	switch (f->ethertype){
		case 0x0806 : return CLASS_ARP; case 0x8809 : return CLASS_SLOW;
		case 0x88cc : return CLASS_LLDP;
		case 0x888e : return CLASS_EAPOL;
		default :
					/* Below 1,536 it is a length, and LLC follows (IEEE 802.3 3.2.6). */
					return f->ethertype < 1536
			? CLASS_LLC
			: CLASS_OTHER;
	}
}

static inline bool
is_ipv4_multicast(const uint8_t address[16])
{
	return (address[12] & 0xf0) == 0xe0;
}

/* fe80::/10, or :: of a host that has no address yet (RFC 3590). */
static bool
is_link_local_or_none(const uint8_t address[16])
{
	static const uint8_t none[16];

	return (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) ||
	       memcmp(address, none, sizeof(none)) == 0;
}

/* ND needs hop limit 255 (RFC 4861 6.1, 7.1), MLD hop limit 1 from fe80:: (RFC 3810 5). */
static enum class class_of_icmpv6(const struct facts *f) {
	if (f->icmp_type >= 133 && f->icmp_type <= 137) return f->ttl == 255 &&
			f->icmp_code == 0
		? CLASS_ND
		: CLASS_NONE;
	if ((f->icmp_type >= 130 && f->icmp_type <= 132) ||
	    f->icmp_type == 143) return f->ttl == 1 &&
			f->dst[0] == 0xff && is_link_local_or_none(f->src)
		? CLASS_MULTICAST
		: CLASS_NONE;
	return CLASS_NONE;
}

/*
 * BFD: one hop (3784, and 6784 on members of a LAG, RFC 7130) comes with TTL
 * 255; an echo (3785) comes back from the neighbour with one less (RFC 5881 5);
 * several hops (4784, RFC 5883) are known by their ends only.
 */
static enum class class_of_udp(const struct facts *f) {
	switch (f->dst_port){
		case 3784 : case 6784 : return f->ttl == 255 ? CLASS_BFD : CLASS_NONE;
		case 3785 : return f->ttl >= 254 ? CLASS_BFD : CLASS_NONE;
		case 4784 : return CLASS_ROUTERS;
		default : return CLASS_NONE;
	}
}

/* 224.0.0.5, 224.0.0.6, ff02::5, ff02::6 (RFC 2328 A.1, RFC 5340 A.1). */
static bool
is_to_ospf_routers(const struct facts *f)
{
	static const uint8_t ipv4[15] = { [10] = 0xff, [11] = 0xff, [12] = 224 };
	static const uint8_t ipv6[15] = { 0xff, 0x02 };
	const uint8_t *group = (f->flags & FACT_IPV6) ? ipv6 : ipv4;

	return memcmp(f->dst, group, sizeof(ipv4)) == 0 &&
	       (f->dst[15] == 5 || f->dst[15] == 6);
}

/* CLASS_ROUTERS is a candidate until both its ends were found among the routers. */
static enum class class_of(const struct facts *f) {
	const bool is_ipv6 = f->flags & FACT_IPV6;

	if (!(f->flags & FACT_IP)) return class_of_frame(f);
	/* None of this talk comes in fragments. */
	if (f->fault != PACKET_SOUND || (f->flags & FACT_FRAGMENT)) return CLASS_NONE;
	switch (f->proto){
		case PROTO_TCP : return f->dst_port == 179 || f->src_port == 179
			? CLASS_ROUTERS
			: CLASS_NONE;
		case PROTO_UDP : return class_of_udp(f);
		case PROTO_ICMPV6 : return is_ipv6 ? class_of_icmpv6(f) : CLASS_NONE;
		case PROTO_IGMP : return !is_ipv6 && f->ttl == 1 &&
				is_ipv4_multicast(f->dst)
			? CLASS_MULTICAST
			: CLASS_NONE;
		case PROTO_VRRP : return f->ttl == 255 ? CLASS_VRRP : CLASS_NONE;
		case PROTO_OSPF : return is_to_ospf_routers(f) ? CLASS_OSPF
							       : CLASS_ROUTERS;
		default : return CLASS_NONE;
	}
}

/* Which of the lanes run between two routers of their policy. */
static uint64_t
between_routers(const struct stage_view *view, const struct burst *b, uint64_t lanes)
{
	struct prefix_ask src = { .first = b->facts[0].src,
		                  .stride = sizeof(b->facts[0]),
		                  .ipv4 = lanes & b->ipv4,
		                  .ipv6 = lanes & b->ipv6 };
	struct prefix_ask dst = src;
	uint32_t value[LANES_MAX];
	const struct params *p;

	if (lanes == 0)
		return 0;
	/* The routers are the snapshot's: every policy of it has the same table. */
	p = view->params[b->policy[__builtin_ctzll(lanes)]];
	if (p->routers == NULL)
		return 0;
	dst.first = b->facts[0].dst;
	return prefix_find_lanes(p->routers, &src, value) &
	       prefix_find_lanes(p->routers, &dst, value);
}

/* Let it through for good while its meter allows; frames without IP end here anyway. */
static void
settle(struct state *s, const struct params *p, struct burst *b, unsigned int lane,
       enum class class)
{
	if (class == CLASS_UNREADABLE && p->unreadable == DENY)
		burst_drop(b, lane, REASON_UNREADABLE);
	else if (class == CLASS_OTHER && p->ethertypes == DENY)
		burst_drop(b, lane, REASON_ETHERTYPE);
	else if (meter_take(&s->meter[class],
	                    meter_price(&p->rate, b->facts[lane].frame_len),
	                    p->rate.slack, meter_ticks(b->now_ns)))
		burst_exempt(b, lane);
	else if (!(b->facts[lane].flags & FACT_IP))
		burst_drop(b, lane, REASON_OVER_QUOTA);
}

static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	uint64_t talk = 0, candidates = 0;
	uint8_t class[LANES_MAX];
	unsigned int i;

	LANES_FOREACH (i, todo & ~b->plain) {
		class[i] = (uint8_t)class_of(&b->facts[i]);
		if (class[i] == CLASS_ROUTERS)
			candidates |= lane_bit(i);
		else if (class[i] != CLASS_NONE)
			talk |= lane_bit(i);
	}
	if (candidates != 0)
		talk |= between_routers(view, b, candidates);
	LANES_FOREACH (i, talk)
		settle(state, view->params[b->policy[i]], b, i, (enum class) class[i]);
}

const struct stage stage_wiretalk = {
	.name = "wiretalk",
	.help = "Lets the wire's own talk through: ARP, link and routing protocols, "
		"within quotas.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct params),
	.compile = compile,
	.open = open_state,
	.close = free,
	.decide = decide,
};
