/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dns - what a DNS message says of itself: its header and its first question.
 *
 * Nothing else of a message is followed: no answer, no pointer. A question never needs
 * one (RFC 1035 4.1.4 compresses repeated names, and the first name repeats none), so a
 * name with a pointer is refused.
 *
 *     0        12                        end
 *     | header | 3 www 7 example 3 com 0 | type class | what follows, e.g. EDNS
 *               ^at[0]  ^at[1]    ^at[2]
 *
 * Names are hashed from the right, label by label and in lower case, under a key of the
 * caller's: one pass gives the hash of the whole name and of every suffix that is short
 * enough to be a zone.
 *
 * Threads any: pure functions of their arguments.
 * Source  RFC 1035 (4.1), RFC 6891 (EDNS), RFC 4343 (case).
 */
#ifndef INSPECT_DNS_H
#define INSPECT_DNS_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash/hash.h"

#define DNS_HEADER     12
#define DNS_MAX_NAME   255 /* bytes of a name, its lengths and the root's included */
#define DNS_MAX_LABELS 127
#define DNS_MAX_LABEL  63
#define DNS_TAIL       4  /* type and class behind the name */
#define DNS_OPT        11 /* bytes of an EDNS record without options */
#define DNS_DEPTH      24 /* labels of the longest suffix that is hashed apart */

/* Bits of dns.flags, as they stand in the header. */
enum dns_flag {
	DNS_QR = 0x8000,     /* an answer */
	DNS_OPCODE = 0x7800, /* << 11 */
	DNS_AA = 0x0400,
	DNS_TC = 0x0200, /* cut short: ask by TCP */
	DNS_RD = 0x0100,
	DNS_RCODE = 0x000f,
};
#define DNS_OPCODE_SHIFT 11

enum dns_opcode { DNS_QUERY = 0, DNS_NOTIFY = 4, DNS_UPDATE = 5 };
enum dns_rcode { DNS_NOERROR = 0, DNS_NXDOMAIN = 3 };

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_MAILB = 253,
	DNS_TYPE_MAILA = 254,
	DNS_TYPE_ANY = 255,
};

enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_CHAOS = 3 };

struct dns {
	uint16_t id, flags;
	uint16_t questions, answers, authorities, additionals; /* as counted by it */
	uint16_t type, class;                                  /* of the first question */
	uint16_t end;       /* bytes up to and with the first question */
	uint8_t name_len;   /* bytes of the name, 1 for the root */
	uint8_t labels;     /* without the root */
	bool has_edns;      /* the first record behind the only question is a whole OPT */
	uint16_t edns_data; /* bytes of that record's options */
	uint8_t at
		[DNS_MAX_LABELS]; /* where each label's length stands, from DNS_HEADER */
};

/* Suffixes of one name. */
struct dns_hashes {
	unsigned int depth;           /* of state: the shorter of labels and DNS_DEPTH */
	__m128i state[DNS_DEPTH + 1]; /* by labels; private, see dns_suffix() */
	uint64_t name;                /* of the whole name */
};

/*
 * Read a message of `len` bytes, of which no more are touched. Returns false when it ends
 * before its first question does, has no question, or its name holds a pointer, a label of
 * another kind or more than DNS_MAX_NAME bytes; *out is then half filled.
 */
bool dns_read(const uint8_t *message, size_t len, struct dns *out);

/* Hash the name of a message that dns_read() has read. */
void dns_hash(const struct hash_key *key, const uint8_t *message, const struct dns *q,
              struct dns_hashes *out);

/* The hash of the last `labels` labels, 0..h->depth. */
static inline uint64_t
dns_suffix(const struct hash_key *key, const struct dns_hashes *h, unsigned int labels)
{
	return hash_of_state(hash_finish_state_by(hash_is_aes, key, h->state[labels])).lo;
}

/*
 * The hash of a name in text ("Example.com", a dot at its end is allowed, "." is the root) as
 * dns_suffix() gives it. Returns its labels, or -EINVAL when it is no name or longer than
 * DNS_DEPTH labels; *hash is untouched then. Backslashes are not understood.
 */
int dns_hash_text(const struct hash_key *key, const char *text, uint64_t *hash);

/*
 * The number of a type by its name ("AAAA") or number ("TYPE28", RFC 3597), in any case;
 * -EINVAL when there is none.
 */
int dns_type_by_name(const char *name);

#endif
