/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods at servers of time (RFC 5905 and ntpd's mode 7), of voice (RFC 3261) and of the
 * web over QUIC (RFC 8999, 9000).
 */
#include <stdbool.h>

#include "ask.h"

void
ask_ntp_monlist(struct payload *b)
{
	payload_32(b, 0x1700032a); /* version 2, mode 7, MON_GETLIST_1 of ntpd */
	payload_32(b, 0);
}

void
ask_ntp_client(struct payload *b)
{
	payload_32(b, 0x230006ec);
	payload_repeat(b, 0, 36);
	payload_random(b, 8);
}

static void
put_sip(struct payload *b, const char *method, bool has_body)
{
	const unsigned int from = (unsigned int)payload_pick(b, 100, 9999);
	const unsigned int host = (unsigned int)payload_pick(b, 1, 254);
	const unsigned int branch = (unsigned int)prng_next(b->prng);
	static const char body[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\n"
		"t=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=rtpmap:8 PCMA/8000\r\n";

	payload_print(b,
	              "%s sip:%u@voice.example SIP/2.0\r\n"
	              "Via: SIP/2.0/UDP 192.0.2.%u:5060;branch=z9hG4bK%08x;rport\r\n"
	              "Max-Forwards: 70\r\nFrom: <sip:%u@voice.example>;tag=%08x\r\n"
	              "To: <sip:%u@voice.example>\r\nCall-ID: %08x@192.0.2.%u\r\n"
	              "CSeq: 1 %s\r\nContact: <sip:%u@192.0.2.%u:5060>\r\n"
	              "User-Agent: friendly-scanner\r\n",
	              method, from + 1, host, branch, from, branch ^ 0x5a5a5a5a, from + 1,
	              (unsigned int)prng_next(b->prng), host, method, from, host);
	if (has_body)
		payload_text(b, "Content-Type: application/sdp\r\n");
	payload_print(b, "Content-Length: %zu\r\n\r\n", has_body ? sizeof(body) - 1 : 0);
	if (has_body)
		payload_text(b, body);
}

void
ask_sip_invite(struct payload *b)
{
	put_sip(b, "INVITE", true);
}

void
ask_sip_options(struct payload *b)
{
	put_sip(b, "OPTIONS", false);
}

void
ask_sip_register(struct payload *b)
{
	put_sip(b, "REGISTER", false);
}

/* A client's first packet as seen before anything is decrypted. */
static void
put_initial(struct payload *b, uint32_t version, size_t size)
{
	payload_8(b, 0xc0 | (unsigned int)payload_pick(b, 0, 15));
	payload_32(b, version);
	for (unsigned int i = 0; i < 2; i++) {
		payload_8(b, 8);
		payload_random(b, 8);
	}
	payload_8(b, 0);
	payload_16(b, 0x4000 | (unsigned int)(size - b->len - 2));
	payload_random(b, size - b->len);
}

void
ask_quic_initial(struct payload *b)
{
	put_initial(b, 1, 1200);
}

void
ask_quic_undersized(struct payload *b)
{
	put_initial(b, 1, (size_t)payload_pick(b, 64, 400));
}

void
ask_quic_version(struct payload *b)
{
	/* None of those that ask for a negotiation on purpose (?a?a?a?a), but unknown. */
	put_initial(b, 0x51303030 | (uint32_t)payload_pick(b, 1, 9), 1200);
}

void
ask_quic_short(struct payload *b)
{
	payload_8(b, 0x40 | (unsigned int)payload_pick(b, 0, 63));
	payload_random(b, (size_t)payload_pick(b, 40, 1200));
}
