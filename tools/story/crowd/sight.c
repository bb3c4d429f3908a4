/* SPDX-License-Identifier: BSD-3-Clause */
#include "sight.h"

#include <stdbool.h>

#define ETHER_LEN    14
#define IPV6_LEN     40
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_FRAG   44
#define TCP_SYN_ACK  0x12
#define TCP_SYN_ONLY 0x02

const char *const sight_names[SIGHT_KINDS] = {
	[SIGHT_CUSTOMER] = "customer", [SIGHT_UDP] = "udp",
	[SIGHT_FRAGMENT] = "fragment", [SIGHT_SYN] = "syn",
	[SIGHT_TCP] = "tcp",           [SIGHT_BOT_SYN] = "bot_syn",
	[SIGHT_BOT_TCP] = "bot_tcp",   [SIGHT_OTHER] = "other",
};

struct head {
	int family;
	const uint8_t *source;
	bool is_fragment;
	uint8_t proto;
	const uint8_t *payload; /* transport header, may lie beyond the captured bytes */
};

static bool
is_listed(const struct address_prefix *list, unsigned int count, const struct head *h)
{
	for (unsigned int i = 0; i < count; i++)
		if (address_is_in(&list[i], h->family, h->source))
			return true;
	return false;
}

static bool
read_head(struct head *h, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + ETHER_LEN;
	unsigned int type;

	if (len < ETHER_LEN + 20)
		return false;
	type = (unsigned int)frame[12] << 8 | frame[13];
	if (type == 0x0800) {
		h->family = AF_INET;
		h->source = ip + 12;
		h->proto = ip[9];
		/* More-fragments or an offset: everything but the don't-fragment bit. */
		h->is_fragment = (ip[6] & 0x3f) != 0 || ip[7] != 0;
		h->payload = ip + (size_t)(ip[0] & 0xf) * 4;
		return true;
	}
	if (type == 0x86dd && len >= ETHER_LEN + IPV6_LEN) {
		h->family = AF_INET6;
		h->source = ip + 8;
		h->proto = ip[6];
		h->is_fragment = h->proto == PROTO_FRAG;
		h->payload = ip + IPV6_LEN;
		return true;
	}
	return false;
}

enum sight
sight_of(const struct options *o, const uint8_t *frame, size_t len)
{
	struct head h;
	bool is_syn;

	if (!read_head(&h, frame, len))
		return SIGHT_OTHER;
	if (is_listed(o->customers, o->customer_count, &h))
		return SIGHT_CUSTOMER;
	if (h.is_fragment)
		return SIGHT_FRAGMENT;
	if (h.proto == PROTO_UDP)
		return SIGHT_UDP;
	if (h.proto != PROTO_TCP)
		return SIGHT_OTHER;
	is_syn = h.payload + 14 <= frame + len &&
	         (h.payload[13] & TCP_SYN_ACK) == TCP_SYN_ONLY;
	if (is_listed(o->bots, o->bot_count, &h))
		return is_syn ? SIGHT_BOT_SYN : SIGHT_BOT_TCP;
	return is_syn ? SIGHT_SYN : SIGHT_TCP;
}
