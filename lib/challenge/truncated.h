/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * truncated - a DNS query turned round in place into an answer that says: ask by TCP.
 *
 * The answer holds nothing but the question and the TC bit, so who can receive it asks
 * again by TCP (RFC 7766 5), and a forger does not. Nothing is remembered. It is never
 * longer than the query: the header's counts, addresses, ports and checksums are written
 * anew, records behind the question are left out, EDNS excepted, without which a resolver
 * could take the server for one that has none (RFC 6891 7).
 *
 *     | link, MACs swapped | IP | UDP | id, QR TC RD CD, 1 0 0 n | question | OPT |
 *
 * Cost    tools/bench --micro truncated.
 * Threads none.
 */
#ifndef CHALLENGE_TRUNCATED_H
#define CHALLENGE_TRUNCATED_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/burst.h"

/* What of a query comes back. */
struct truncated {
	uint16_t end;     /* bytes of the message up to and with its question */
	bool has_edns;    /* an OPT record follows, all of it in the message */
	uint16_t options; /* bytes of its options that come back with it */
};

/*
 * Of the options of an OPT record that begins at `opt` and has `bytes` of them: how many
 * shall come back. A server's cookie does, when it stands first, because a client that once
 * got one ignores answers without (RFC 7873 5.3); nothing else does.
 */
uint16_t truncated_options(const uint8_t *opt, uint16_t bytes);

/*
 * Rewrite bytes[lane], a sound UDP packet from outside that holds such a query, into the
 * answer, and set bytes_len[lane] to its length. IPv4 options and IPv6 extension headers
 * are left out.
 */
void truncated_write(struct burst *b, unsigned int lane, const struct truncated *t);

#endif
