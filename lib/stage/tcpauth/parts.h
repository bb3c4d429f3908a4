/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts - what the files of this stage share: one worker's state and its parts.
 *
 *     tcpauth.c    keys of the configuration, reasons, who is asked for what
 *     answers.c    SYNs answered, or dropped once
 *     accept.c     what comes back: cookies and resets
 *     state.c      what belongs to no connection, or not to its present state
 *     newcomers.c  connections that begin in a flood, where only clients are heard
 *     halves.c     the half of a spliced connection that leads to the server
 *     carry.c      both halves told in each other's numbers
 *     openings.c   what is remembered while a server has not answered yet
 */
#ifndef STAGE_TCPAUTH_PARTS_H
#define STAGE_TCPAUTH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "challenge/cookie.h"
#include "challenge/repeat.h"
#include "challenge/servers.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "meter/meter.h"
#include "packet/burst.h"
#include "stage/stage.h"
#include "stage/tcpauth/openings.h"

enum tcpauth_method {
	METHOD_AUTO,
	METHOD_PROXY,
	METHOD_BAD_ACK,
	METHOD_DROP_FIRST,
	METHOD_RESET,
	METHOD_OFF,
};

enum tcpauth_reason {
	REASON_SYN_COOKIE,
	REASON_COOKIE_ACCEPTED,
	REASON_EARLY_DATA,
	REASON_HANDSHAKE,
	REASON_BAD_ACK,
	REASON_BAD_ACK_ACCEPTED,
	REASON_FIRST_SYN,
	REASON_RESET,
	REASON_ANSWERS,
	REASON_NO_ROOM,
	REASON_STRAY_ACK,
	REASON_STRAY_RST,
	REASON_STRAY_FIN,
	REASON_STRAY_SYN_ACK,
	REASON_OUT_OF_WINDOW,
	REASONS
};

/* Of a word that says learnt, yes or no. */
enum tcpauth_known { KNOWN_LEARNT, KNOWN_YES, KNOWN_NO };
/* server_window_scale: learnt, none, then 0, 1, 2 ... */
enum { SCALE_LEARNT, SCALE_NONE, SCALE_0 };

struct watch;
struct watch_rule;

struct tcpauth_params {
	int method; /* enum tcpauth_method */
	int keeps_strays;
	uint64_t answers; /* packets/s to one network */
	uint64_t verified_for_ns, learning_ns;
	uint64_t server_mss; /* 0: learnt */
	int server_wscale, server_sack, server_timestamps;
	/* Derived: */
	struct meter_rate answer_rate;
	const struct watch_rule *rules; /* VECTOR_COUNT, of the snapshot */
};

/*
 * How far repetition is believed. Customers repeat few of all SYNs; a flood that repeats
 * its own would pass, so then nobody is believed for a while.
 */
struct tcpauth_trust {
	uint64_t until_ns;      /* end of the second that is being counted */
	uint64_t distrusted_ns; /* until then no repetition proves anything */
	uint32_t syns, repeated;
};

/* Segments of newcomers of one service (newcomers.c). */
struct tcpauth_crowd {
	struct meter met;  /* against half of max_rate */
	uint64_t until_ns; /* SYNs are asked */
};

/* Cells for answers, by hash of the network: 64 M answers/s at 1 kpps each. */
#define TCPAUTH_NETWORKS (1u << 16)

struct tcpauth {
	struct flow_table *flows;
	struct source_table *sources;
	const struct stage_common *common;
	struct cookie_keys keys;
	struct repeat repeat;
	struct tcpauth_trust trust;
	struct servers servers;
	struct openings openings;
	struct meter *answers;   /* TCPAUTH_NETWORKS */
	uint64_t *challenged_ns; /* by service: when it was last answered for; 0: never */
	struct tcpauth_crowd *crowd; /* by service */
	const struct watch *watch;
	unsigned int services;
	uint64_t first_ns; /* of the first burst; 0: none yet */
	uint64_t wall_ns;  /* of the burst in work */
	uint64_t begun;    /* its lanes whose third segment began a spliced connection */
	alignas(64) uint8_t how[LANES_MAX]; /* enum tcpauth_method of an answer */
	const struct tcpauth_params *params[LANES_MAX]; /* with it */
};

/* Whether answers to this service may still come back. */
static inline bool
tcpauth_is_challenged(const struct tcpauth *s, uint16_t service, uint64_t now_ns)
{
	const uint64_t last = s->challenged_ns[service];

	return last != 0 && now_ns - last < COOKIE_LIFE_NS;
}

/* What `auto` means here. */
static inline enum tcpauth_method
tcpauth_method_of(const struct tcpauth *s, const struct tcpauth_params *p)
{
	if (p->method != METHOD_AUTO)
		return (enum tcpauth_method)p->method;
	return s->common->is_ingress ? METHOD_BAD_ACK : METHOD_PROXY;
}

/* Stop lanes for one reason. */
static inline void
tcpauth_stop(struct burst *b, uint64_t lanes, enum verdict verdict, uint8_t reason)
{
	b->live &= ~lanes;
	lanes_fill8(b->verdict, lanes, (uint8_t)verdict);
	lanes_fill8(b->reason, lanes, reason);
}

/* tcpauth.c: drop lanes, and remember of their sources why, for explain. */
void tcpauth_drop(struct tcpauth *s, struct burst *b, uint64_t lanes,
                  enum tcpauth_reason reason);

/* answers.c: what happens to first SYNs of one policy; they are sound and whole. */
void tcpauth_answer(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
                    uint64_t lanes);
/* The answers themselves. */
void tcpauth_reply(void *state, struct burst *b, uint64_t lanes);
/* What the server behind this lane promises, by learning and by the operator. */
void tcpauth_server(const struct tcpauth *s, const struct tcpauth_params *p,
                    const struct burst *b, unsigned int lane, struct server *out);
/* What client and server can both use; of `offer` what the server lacks is gone. */
struct tcp_options tcpauth_agree(const struct tcp_options *offer,
                                 const struct server *server);

/*
 * accept.c: of lanes that are no SYNs those that bring back what we sent. They are
 * consumed, or have begun a connection (s->begun) and go on to be judged by others.
 */
void tcpauth_accept(struct tcpauth *s, const struct tcpauth_params *p, struct burst *b,
                    uint64_t lanes);

/* state.c: drop of armed lanes that are no SYNs what belongs to no connection. */
void tcpauth_judge_state(struct tcpauth *s, const struct tcpauth_params *p,
                         struct burst *b, uint64_t lanes);

/*
 * newcomers.c, all of it where only one direction is seen. What these lanes from outside
 * tell of connections that begin; of `lanes`, SYNs, those whose services have too many
 * newcomers; remember SYNs that nobody stopped; give segments of newcomers of one policy
 * a better standing while they are few.
 */
void tcpauth_see_newcomers(struct tcpauth *s, const struct burst *b, uint64_t lanes);
uint64_t tcpauth_crowded(const struct tcpauth *s, const struct burst *b, uint64_t lanes);
void tcpauth_remember(struct tcpauth *s, const struct burst *b, uint64_t syns);
void tcpauth_judge_newcomers(struct tcpauth *s, const struct tcpauth_params *p,
                             struct burst *b, uint64_t lanes);

/* halves.c: third segments of this burst that nobody refused open the other half. */
void tcpauth_open_halves(struct tcpauth *s, struct burst *b);
/* SYNs to be repeated, clients to be told that nobody is there; for the burst's link. */
void tcpauth_run_timers(struct tcpauth *s, struct burst *b);
/* The server's SYN-ACK: from now on the two halves are one connection. */
void tcpauth_join(struct tcpauth *s, struct burst *b, unsigned int i,
                  struct splice *splice);
/* The third segment to the server, for its SYN-ACK in lane i. */
void tcpauth_emit_ack(struct burst *b, unsigned int i, const struct splice *splice,
                      uint32_t ts_value, uint16_t window);

/* carry.c */
void tcpauth_carry(void *state, struct burst *b);
bool tcpauth_is_waiting(const void *state);

/* What the options of a lane's segment say; false, and nothing, when they are not sound. */
bool tcpauth_read_options(const struct burst *b, unsigned int i,
                          struct tcp_options *said);

#endif
