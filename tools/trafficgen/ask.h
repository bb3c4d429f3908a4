/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ask - what a flood of questions and of tunnelled packets carries.
 *
 * Each is what a client of the service would send, so that the service answers it; only
 * their number makes them an attack.
 *
 * Threads none: a payload belongs to its caller.
 */
#ifndef TRAFFICGEN_ASK_H
#define TRAFFICGEN_ASK_H

#include "payload.h"

/* ask_dns.c */
void ask_dns(struct payload *b);
void ask_dns_any(struct payload *b);
void ask_dns_torture(struct payload *b);
void ask_dns_malformed(struct payload *b);
void ask_dns_answer(struct payload *b);

/* ask_service.c: time, voice, QUIC. */
void ask_ntp_monlist(struct payload *b);
void ask_ntp_client(struct payload *b);
void ask_sip_invite(struct payload *b);
void ask_sip_options(struct payload *b);
void ask_sip_register(struct payload *b);
void ask_quic_initial(struct payload *b);
void ask_quic_undersized(struct payload *b);
void ask_quic_version(struct payload *b);
void ask_quic_short(struct payload *b);

/* ask_game.c */
void ask_a2s_info(struct payload *b);
void ask_teeworlds(struct payload *b);
void ask_quake_status(struct payload *b);
void ask_bedrock_ping(struct payload *b);
void ask_samp(struct payload *b);

/* ask_tunnel.c: what other IP protocols carry. */
void ask_gre_ip(struct payload *b);
void ask_gre_ethernet(struct payload *b);
void ask_esp(struct payload *b);
void ask_ah(struct payload *b);
void ask_ipip(struct payload *b);
void ask_6in4(struct payload *b);
void ask_sctp(struct payload *b);

#endif
