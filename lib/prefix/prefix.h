/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prefix - longest match over IPv4 and IPv6 prefixes.
 *
 * A table is built once and then only read: a change is a new table. Each family
 * has its own way, described in ipv4.c and ipv6.h.
 *
 * Addresses are 16 bytes in network order, IPv4 as IPv4-mapped IPv6. A prefix
 * length of IPv4 is 0..32 in text and 96..128 here. The families never meet:
 * ::/0 does not hold an IPv4 address.
 *
 * Cost    cycles an address in bursts of 64, all listed / random, large pages,
 *         Xeon (Sapphire Rapids) at 3.0 GHz, two cores shared with other work:
 *           IPv4  1 host 7 / 7 · 1 K hosts 12 / 12 · 1 M hosts 19 / 17 · 4 M hosts
 *                 23 / 22 · 1 M of four lengths 45 / 27 · 4 M of /8 to /32 49 / 40
 *           IPv6  1 K of four lengths 34 / 12 · 1 M of /32 to /64 86 / 96 · 1 M
 *                 of /128 46 / 45 · 1 M of /20 to /128 160 / 157
 *         rte_fib (DIR24_8, two bytes) behind the same entry took 36 / 31 for
 *         100 K of /8 to /32, where this takes 29 / 32; a million hosts need more
 *         groups than it has. To measure: build N entries; ask bursts of 64 from
 *         2^19 addresses drawn from them (or at random), stride 16 or 64; of many
 *         runs take the lowest quarter.
 * Memory  IPv4 13 bytes a prefix when all have one length; else 256 KiB, or 64 MiB
 *         for many, and 13 bytes for each prefix longer than /16 or /24. IPv6
 *         256 KiB and about 42 bytes a prefix up to /64, 54 (97 with several
 *         lengths) past that. prefix_bytes() says it exactly. Building takes 8
 *         bytes for each IPv4 and 32 for each IPv6 prefix on top, for a while.
 * Time    4 M IPv4 and 1 M IPv6 prefixes are built in 1.6 s, 2.6 s beside other work.
 * Threads building: one control thread. Finding: any number of workers.
 */
#ifndef PREFIX_PREFIX_H
#define PREFIX_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Found nothing. Values run from 1. */
#define PREFIX_NONE      0
#define PREFIX_MAX_VALUE 65535

struct prefix {
	uint8_t address[16]; /* host bits are 0 */
	uint8_t len;         /* 0..128, IPv4: 96..128 */
};

struct prefix_table;

/*
 * Read "192.0.2.0/24", "192.0.2.1", "2001:db8::/32". Returns 0; -EINVAL when it
 * is not an address with an optional length; -ERANGE for a length too long;
 * -EDOM when host bits are set (then *out holds the masked prefix, for the
 * message). No names, no leading zeros (inet_pton). *out is untouched by the
 * first two.
 */
int prefix_parse(const char *text, struct prefix *out);

/* Write it back: IPv4 dotted, IPv6 per RFC 5952, length always. Needs 50 bytes. */
#define PREFIX_TEXT 50
void prefix_format(const struct prefix *p, char text[PREFIX_TEXT]);
/* The same for a bare address (46 bytes are enough). */
void prefix_format_address(const uint8_t address[16], char text[PREFIX_TEXT]);

bool prefix_is_ipv4(const struct prefix *p);
/* Whether `p` holds the address. */
bool prefix_holds(const struct prefix *p, const uint8_t address[16]);

/* Give the prefix the address, cut to its length, which is set. */
void prefix_mask(struct prefix *p, const uint8_t address[16]);

/* One entry to build from. Of equal prefixes the last one wins. */
struct prefix_entry {
	struct prefix prefix;
	uint32_t value; /* 1..PREFIX_MAX_VALUE */
};

/*
 * Build a table of `count` entries (0 is allowed). Returns 0 and *out, which
 * the caller frees; -ENOMEM; -ERANGE for a value or a length out of range;
 * -errno of getrandom().
 */
int prefix_build(const struct prefix_entry *entries, size_t count,
                 struct prefix_table **out);
void prefix_free(struct prefix_table *t);

/* Bytes of memory that a table holds. */
size_t prefix_bytes(const struct prefix_table *t);

/*
 * What a burst asks: the address of lane i stands at first + i * stride. No lane
 * is in both sets; addresses of other lanes are not read. The family is the
 * caller's word: what is IPv4 lies behind ::ffff:0:0/96 and only its last four
 * bytes are read, what is IPv6 is looked for among the IPv6 prefixes alone.
 */
struct prefix_ask {
	const uint8_t *first;
	size_t stride; /* bytes from one lane's address to the next one's */
	uint64_t ipv4, ipv6;
};

/*
 * Look for the longest prefix that holds each address asked. Returns the lanes
 * found. value[], of 64 places always, holds the value or PREFIX_NONE of an asked
 * lane; of another lane it is untouched. Worker-safe.
 */
uint64_t prefix_find_lanes(const struct prefix_table *t, const struct prefix_ask *ask,
                           uint32_t value[64]);

/* Value for one address of either family, or PREFIX_NONE; slow path. */
uint32_t prefix_find(const struct prefix_table *t, const uint8_t address[16]);

#endif
