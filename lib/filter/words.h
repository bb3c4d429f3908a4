/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words - the words of a filter expression, before libpcap sees any of them.
 *
 * libpcap takes every word that it does not know for a name and asks the system who
 * that is, which may ask a server far away. So the text is cut into words here, each
 * must be one of tcpdump's, a number or an address, and what libpcap gets to see is
 * written anew from them: addresses in full, blanks between all words. Nothing is left
 * that it could read in another way.
 *
 * libpcap reads the payload of TCP, UDP and SCTP in IPv4 only; filter_words_ipv6()
 * says the same of IPv6: a comparison that reads `udp[8]` becomes one of `ip6[48]`
 * that holds for UDP alone.
 *
 * Threads any; nothing is shared.
 */
#ifndef FILTER_WORDS_H
#define FILTER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_WORDS_MAX 1024
#define FILTER_WRITTEN   8192 /* bytes of a text written anew, its end included */

enum filter_kind {
	FILTER_WORD,     /* one of tcpdump's */
	FILTER_NUMBER,   /* a number, or a name that stands for one, such as tcpflags */
	FILTER_ADDRESS,  /* IPv4 or IPv6; 192.0.2 too */
	FILTER_RANGE,    /* 1000-2000 */
	FILTER_READ,     /* tcp, udp or sctp before '[' */
	FILTER_RELATION, /* < > <= >= = == != */
	FILTER_SUM,      /* + - * / % & | ^ << >>, and ':' */
	FILTER_LOGIC,    /* and or not && || ! */
	FILTER_BRACKET,  /* ( ) [ ] */
};

struct filter_word {
	uint8_t kind;      /* enum filter_kind */
	uint16_t from;     /* where it stands in the text that was given, */
	uint16_t len;      /* and how many bytes of it */
	uint16_t at, size; /* the same in text[] */
};

struct filter_words {
	unsigned int count;
	size_t written; /* bytes in text[] */
	bool has_read;  /* of a payload that libpcap finds in IPv4 only */
	struct filter_word word[FILTER_WORDS_MAX];
	char text[FILTER_WRITTEN]; /* for libpcap */
};

/* Returns 0; or -EINVAL with a sentence that names the word that is wrong and what to write. */
int filter_words(const char *text, struct filter_words *out, char *error, size_t room);

/* What the expression means for IPv6. Returns 0, or -E2BIG when `to` is too small. */
int filter_words_ipv6(const struct filter_words *w, char *to, size_t room);

#endif
