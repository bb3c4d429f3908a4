/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcpauth - who opens a connection during a flood proves that he is there.
 *
 * Below activate_rate handshakes are left alone. Above it a SYN is answered by the
 * worker itself, and nothing is remembered of it: what comes back must hold a
 * number that only the receiver of the answer can know. What belongs to no
 * connection at all is dropped while its own vector is under attack.
 */
#include "stage/tcpauth/tcpauth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "meter/watch.h"
#include "stage/tcpauth/parts.h"

#define SECOND_NS    UINT64_C(1000000000)
#define ANSWER_BYTES (TCPAUTH_NETWORKS * sizeof(struct meter))
#define BURST_NS     (200 * UINT64_C(1000000))

static const struct stage_reason reasons[] = {
	[REASON_SYN_COOKIE] = { "syn_cookie", REASON_CHALLENGE,
	                        "A SYN was answered in the server's place; its sender "
	                        "has to show that the answer arrives." },
	[REASON_COOKIE_ACCEPTED] = { "cookie_accepted", REASON_CHALLENGE,
	                             "The third segment of a handshake brought a right "
	                             "number back; the connection to the server is "
	                             "being opened." },
	[REASON_EARLY_DATA] = { "early_data", REASON_CHALLENGE,
	                        "A segment came before the server had answered; the "
	                        "client sends it again." },
	[REASON_HANDSHAKE] = { "handshake", REASON_CHALLENGE,
	                       "The server's part of a handshake that was made in the "
	                       "client's name." },
	[REASON_BAD_ACK] = { "bad_ack", REASON_CHALLENGE,
	                     "A SYN got a wrong answer on purpose; a real client resets "
	                     "it and tries again at once." },
	[REASON_BAD_ACK_ACCEPTED] = { "bad_ack_accepted", REASON_CHALLENGE,
	                              "A reset brought the number of a wrong answer "
	                              "back: "
	                              "its sender is real." },
	[REASON_FIRST_SYN] = { "first_syn", REASON_CHALLENGE,
	                       "A first SYN was dropped; a real client repeats it after "
	                       "a second." },
	[REASON_RESET] = { "reset", REASON_CHALLENGE,
	                   "A handshake was completed and reset: its sender is real and "
	                   "connects again." },
	[REASON_ANSWERS] = { "answers", REASON_DROP,
	                     "More SYNs came from one network than `answers` allows to "
	                     "be answered." },
	[REASON_NO_ROOM] = { "no_room", REASON_DROP,
	                     "A proven client found no room in the tables; it has to "
	                     "try again." },
	[REASON_STRAY_ACK] = { "stray_ack", REASON_DROP,
	                       "A segment of no known connection, while such segments "
	                       "flood." },
	[REASON_STRAY_RST] = { "stray_rst", REASON_DROP,
	                       "A reset of no known connection, while segments flood." },
	[REASON_STRAY_FIN] = { "stray_fin", REASON_DROP,
	                       "A FIN of no known connection, while segments flood." },
	[REASON_STRAY_SYN_ACK] = { "stray_syn_ack", REASON_DROP,
	                           "An answer to a SYN that nobody inside has sent, "
	                           "while "
	                           "segments flood." },
	[REASON_OUT_OF_WINDOW] = { "out_of_window", REASON_DROP,
	                           "A segment of a known connection with numbers far "
	                           "from "
	                           "its own, while segments flood." },
	{ NULL, REASON_DROP, NULL },
};

/* The same with the stage's name, as explain tells it later. */
static const char *const full_name[REASONS] = {
	[REASON_FIRST_SYN] = "tcpauth.first_syn",
	[REASON_ANSWERS] = "tcpauth.answers",
	[REASON_STRAY_ACK] = "tcpauth.stray_ack",
	[REASON_STRAY_RST] = "tcpauth.stray_rst",
	[REASON_STRAY_FIN] = "tcpauth.stray_fin",
	[REASON_STRAY_SYN_ACK] = "tcpauth.stray_syn_ack",
	[REASON_OUT_OF_WINDOW] = "tcpauth.out_of_window",
};

void
tcpauth_drop(struct tcpauth *s, struct burst *b, uint64_t lanes,
             enum tcpauth_reason reason)
{
	struct source_table *sources = s->sources;
	uint64_t known;
	unsigned int i;

	if (lanes == 0)
		return;
	source_ask_deferred(sources, b, lanes);
	known = lanes & sources->asked;
	/* Proven flows with credit go without their source; it is the one that counts them. */
	LANES_FOREACH (i, lanes & ~known) {
		const struct flow *flow =
			b->flow[i] == BURST_NO_FLOW ? NULL : flow_of_lane(s->flows, i);

		if (flow == NULL || !flow_is_counted(flow, flow->source,
		                                     source_at(sources, flow->source)))
			continue;
		sources->lane[i] = flow->source;
		known |= lane_bit(i);
	}
	source_note_drops(sources, b, known, full_name[reason]);
	burst_drop_lanes(b, lanes, (uint8_t)reason);
}

static const char *const method_words[] = { "auto",  "proxy", "bad_ack", "drop_first",
	                                    "reset", "off",   NULL };
static const char *const stray_words[] = { "drop", "pass", NULL };
static const char *const known_words[] = { "learnt", "yes", "no", NULL };
static const char *const scale_words[] = { "learnt", "none", "0",  "1",  "2",  "3",
	                                   "4",      "5",    "6",  "7",  "8",  "9",
	                                   "10",     "11",   "12", "13", "14", NULL };

#define AT(field) offsetof(struct tcpauth_params, field)

static const struct conf_field fields[] = {
	{ .key = "method",
	  .kind = CONF_WORD,
	  .offset = AT(method),
	  .absent = "auto",
	  .words = method_words,
	  .help = "How a SYN has to prove itself while tcp_syn_flood is active; auto is "
	          "proxy where both directions cross the box, else bad_ack." },
	{ .key = "answers",
	  .kind = CONF_PACKETS,
	  .offset = AT(answers),
	  .absent = "1kpps",
	  .min = 1,
	  .max = METER_MAX_PPS,
	  .help = "Answers to SYNs that one network, a /24 or IPv6 /48, gets: its "
	          "addresses may be forged." },
	{ .key = "verified_for",
	  .kind = CONF_TIME,
	  .offset = AT(verified_for_ns),
	  .absent = "10m",
	  .min = SECOND_NS,
	  .max = SOURCE_MAX_NS,
	  .help = "How long an address that has proven itself counts as verified." },
	{ .key = "out_of_state",
	  .kind = CONF_WORD,
	  .offset = AT(keeps_strays),
	  .absent = "drop",
	  .words = stray_words,
	  .help = "What happens to segments of no known connection while tcp_other_flood "
	          "is active." },
	{ .key = "learning_time",
	  .kind = CONF_TIME,
	  .offset = AT(learning_ns),
	  .absent = "30s",
	  .max = 600 * SECOND_NS,
	  .help = "How long after the start connections that are older than the process "
	          "are metered instead of dropped." },
	{ .key = "server_mss",
	  .kind = CONF_COUNT,
	  .offset = AT(server_mss),
	  .absent = "",
	  .example = "1460",
	  .min = 0,
	  .max = 65495,
	  .help = "Largest segment that is promised in the server's name; not set: "
	          "learnt from its own answers." },
	{ .key = "server_window_scale",
	  .kind = CONF_WORD,
	  .offset = AT(server_wscale),
	  .absent = "learnt",
	  .words = scale_words,
	  .help = "Window scale that is promised in the server's name." },
	{ .key = "server_sack",
	  .kind = CONF_WORD,
	  .offset = AT(server_sack),
	  .absent = "learnt",
	  .words = known_words,
	  .help = "Whether selective acknowledgements are promised in the server's "
	          "name." },
	{ .key = "server_timestamps",
	  .kind = CONF_WORD,
	  .offset = AT(server_timestamps),
	  .absent = "learnt",
	  .words = known_words,
	  .help = "Whether timestamps are promised in the server's name; without them "
	          "an answer can hold no window scale and no SACK." },
	{ 0 },
};

static int
compile(void *params, const struct stage_compile *from, struct conf_errors *errors)
{
	struct tcpauth_params *p = params;
	const struct meter_limit limit = { p->answers, METER_PACKETS };

	if (p->method == METHOD_PROXY && from->is_ingress) {
		conf_fail(
			errors, NULL,
			"tcpauth.method = \"proxy\" needs both directions, and "
			"dataplane.duplex is \"ingress\": write \"auto\" or \"bad_ack\"");
		return -EINVAL;
	}
	p->rules = from->rules;
	if (meter_rate_init(&p->answer_rate, &limit, BURST_NS, 64) == 0)
		return 0;
	conf_fail(errors, NULL, "the limit of answers is out of range");
	return -EINVAL;
}

static uint64_t
memory(uint64_t flow_entries)
{
	(void)flow_entries;
	return repeat_bytes() + SERVERS_ENTRIES * 32 + ANSWER_BYTES + openings_bytes();
}

static void
close_state(void *state)
{
	struct tcpauth *s = state;

	openings_close(&s->openings);
	servers_close(&s->servers);
	repeat_close(&s->repeat);
	free(s->challenged_ns);
	free(s->crowd);
	memory_give(s->answers, ANSWER_BYTES);
	free(s);
}

static int
open_state(void **state, const struct stage_env *env)
{
	struct tcpauth *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);

	if (s == NULL)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->flows = env->flows;
	s->sources = env->sources;
	s->common = env->common;
	s->watch = env->watch;
	s->services = env->watch->services;
	s->crowd = calloc(s->services, sizeof(*s->crowd));
	cookie_keys_open(&s->keys, env->common->secret, 0);
	s->answers = memory_take(ANSWER_BYTES);
	s->challenged_ns = calloc(s->services, sizeof(*s->challenged_ns));
	if (s->answers == NULL || s->challenged_ns == NULL || s->crowd == NULL ||
	    repeat_open(&s->repeat, &env->common->key) < 0 ||
	    servers_open(&s->servers, &env->common->key) < 0 ||
	    openings_open(&s->openings) < 0) {
		close_state(s);
		return -ENOMEM;
	}
	*state = s;
	return 0;
}

/* What servers say of themselves in handshakes that are left alone. */
static void
learn(struct tcpauth *s, const struct burst *b, uint64_t lanes)
{
	unsigned int i;

	LANES_FOREACH (i, lanes & lanes_with16(b->flags, FACT_TCP_OPTIONS)) {
		const struct facts *f = &b->facts[i];
		struct tcp_options said;

		if ((f->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
		    tcpauth_read_options(b, i, &said))
			servers_learn(&s->servers, f->src, f->src_port, &said,
			              (f->tcp_flags & TCP_ECE) != 0, NULL);
	}
}

static void
observe(void *state, const struct stage_view *view, struct burst *b, uint64_t lanes)
{
	struct tcpauth *s = state;

	(void)view;
	s->begun = 0;
	s->wall_ns = counter_read(&s->common->wall_ns) + b->now_ns;
	if (s->first_ns == 0)
		s->first_ns = b->now_ns;
	if (b->side == SIDE_INTERNAL)
		learn(s, b, lanes);
	else if (s->common->is_ingress)
		tcpauth_see_newcomers(s, b, lanes);
}

/* SYNs that had to prove something, and that nobody stopped. */
static void
answer(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b, uint64_t syns)
{
	tcpauth_answer(s, p, b, syns);
	syns &= b->live;
	if (s->common->is_ingress && syns != 0 && b->now_ns >= s->trust.distrusted_ns)
		tcpauth_remember(s, b, syns);
}

/* The lanes of one policy. */
static void
decide_policy(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
              uint64_t syns, uint64_t others)
{
	if (p->method != METHOD_OFF && syns != 0)
		answer(s, p, b, syns);
	if (p->method != METHOD_OFF && others != 0)
		tcpauth_accept(s, p, b, others);
	others &= b->live & b->challenged & ~s->begun;
	if (!p->keeps_strays && others != 0)
		tcpauth_judge_state(s, p, b, others);
}

/* Only what is armed, or may still bring an answer back, is looked at. */
static void
decide(void *state, const struct stage_view *view, struct burst *b, uint64_t todo)
{
	const uint64_t broken = lanes_with16(b->flags, FACT_FRAGMENT);
	uint64_t syns = lanes_where8(b->vector, VECTOR_TCP_SYN_FLOOD) & todo;
	uint64_t others = lanes_where8(b->vector, VECTOR_TCP_OTHER_FLOOD) & todo;
	struct tcpauth *s = state;
	uint64_t rest;

	if (syns != 0)
		syns &= b->challenged |
		        (s->common->is_ingress ? tcpauth_crowded(s, b, syns) : 0);
	for (unsigned int k = 0; k < b->groups; k++) {
		const struct burst_group *g = &b->group[k];

		if ((g->lanes & others & b->challenged) == 0 &&
		    !tcpauth_is_challenged(s, g->service, b->now_ns))
			others &= ~g->lanes;
	}
	syns &= ~broken;
	others &= ~broken;
	for (rest = syns | others; rest != 0;) {
		const uint16_t policy = b->policy[__builtin_ctzll(rest)];
		const uint64_t same = lanes_where16(b->policy, policy) & rest;

		decide_policy(s, view->params[policy], b, syns & same, others & same);
		rest &= ~same;
	}
}

const struct stage stage_tcpauth = {
	.name = "tcpauth",
	.help = "Lets TCP clients prove that they are real while SYNs flood, and drops "
		"segments of no connection.",
	.reasons = reasons,
	.fields = fields,
	.params_size = sizeof(struct tcpauth_params),
	.compile = compile,
	.open = open_state,
	.memory = memory,
	.close = close_state,
	.observe = observe,
	.decide = decide,
	.reply = tcpauth_reply,
	.carry = tcpauth_carry,
	.is_waiting = tcpauth_is_waiting,
};
