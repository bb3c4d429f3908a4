/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer - what servers say to questions that somebody else asked in the victim's name.
 *
 * One writer per service, named by it. Sizes and shapes are those of the real answers: a
 * filter that looks at the port, the length, the first bytes or the direction bit meets
 * here what it meets on a wire. Sources stand beside the writers.
 *
 * Threads none: a payload belongs to its caller.
 */
#ifndef TRAFFICGEN_ANSWER_H
#define TRAFFICGEN_ANSWER_H

#include "payload.h"

/* answer_dns.c: names and directories of the DNS kind. */
void answer_dns_any(struct payload *b);
void answer_dns_dnssec(struct payload *b);
void answer_dns_txt(struct payload *b);
void answer_mdns(struct payload *b);
void answer_netbios(struct payload *b);

/* answer_network.c: time, routing, remote procedure and management. */
void answer_ntp_monlist(struct payload *b);
void answer_ntp_readvar(struct payload *b);
void answer_portmap(struct payload *b);
void answer_rip(struct payload *b);
void answer_ripng(struct payload *b);
void answer_snmp(struct payload *b);
void answer_cldap(struct payload *b);
void answer_slp(struct payload *b);
void answer_tftp(struct payload *b);

/* answer_host.c: desktops and servers. */
void answer_qotd(struct payload *b);
void answer_chargen(struct payload *b);
void answer_memcached(struct payload *b);
void answer_mssql(struct payload *b);
void answer_ard(struct payload *b);
void answer_rdp(struct payload *b);
void answer_xdmcp(struct payload *b);
void answer_jenkins(struct payload *b);
void answer_sentinel(struct payload *b);
void answer_vxworks(struct payload *b);
void answer_natpmp(struct payload *b);
void answer_bittorrent(struct payload *b);
void answer_kad(struct payload *b);

/* answer_device.c: things in homes and factories. */
void answer_ssdp(struct payload *b);
void answer_wsd(struct payload *b);
void answer_coap(struct payload *b);
void answer_dvr(struct payload *b);
void answer_sadp(struct payload *b);
void answer_ubiquiti(struct payload *b);
void answer_tp240(struct payload *b);
void answer_plex(struct payload *b);
void answer_digiman(struct payload *b);
void answer_lantronix(struct payload *b);
void answer_crestron(struct payload *b);
void answer_bacnet(struct payload *b);

/* answer_tunnel.c: what opens tunnels and calls. */
void answer_stun(struct payload *b);
void answer_l2tp(struct payload *b);
void answer_ike(struct payload *b);
void answer_openvpn(struct payload *b);
void answer_dtls(struct payload *b);
void answer_quic(struct payload *b);
void answer_quic_version(struct payload *b);

/* answer_game.c */
void answer_steam(struct payload *b);
void answer_quake(struct payload *b);

/* answer_http.c: what middleboxes send into connections that do not exist. */
void answer_blocked_page(struct payload *b);

#endif
