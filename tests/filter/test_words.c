/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/words.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <arpa/inet.h>

#include "filter/expression.h"
#include "suite.h"

static unsigned int asked_names, asked_numbers;

static bool
is_numeric(const char *node)
{
	uint8_t room[16];

	return inet_pton(AF_INET, node, room) == 1 ||
	       inet_pton(AF_INET6, node, room) == 1;
}

/*
 * The system's resolver, watched: this program's functions of these names are found
 * before the library's. Numbers are let through, names are counted and get no answer.
 */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	            struct addrinfo **) = NULL;

	if ((node != NULL && !is_numeric(node)) ||
	    (service != NULL && strspn(service, "0123456789") != strlen(service))) {
		asked_names++;
		return EAI_NONAME;
	}
	asked_numbers++;
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, out);
}

struct netent *
getnetbyname(const char *name)
{
	(void)name;
	asked_names++;
	return NULL;
}

struct protoent *
getprotobyname(const char *name)
{
	(void)name;
	asked_names++;
	return NULL;
}

struct servent *
getservbyname(const char *name, const char *proto)
{
	(void)name;
	(void)proto;
	asked_names++;
	return NULL;
}

struct hostent *
gethostbyname(const char *name)
{
	(void)name;
	asked_names++;
	return NULL;
}

static const struct {
	const char *text, *word, *says;
} refused[] = {
	{ "host www.example.com", "'www.example.com'", "names are not looked up" },
	{ "src host example", "'example'", "names are not looked up" },
	{ "example", "'example'", "names are not looked up" },
	{ "host fe80", "'fe80'", "as numbers" },
	{ "net loopback", "'loopback'", "as numbers" },
	{ "dst net localnet and udp", "'localnet'", "as numbers" },
	{ "port domain", "'domain'", "write its port" },
	{ "udp port http", "'http'", "write its port" },
	{ "portrange ftp-telnet", "'ftp-telnet'", "write its port" },
	{ "proto ospf", "'ospf'", "write its number" },
	{ "ip proto \\tcp", "'\\'", "number" },
	{ "host 20-5", "'20-5'", "blanks" },
	{ "host 12abc", "'12abc'", "as numbers" },
	{ "host 1.2.3.4.5", "'1.2.3.4.5'", "as numbers" },
	{ "host 192.0.2.300", "'192.0.2.300'", "as numbers" },
	{ "gateway 192.0.2.1", "'gateway'", "not about the IP packet" },
	{ "vlan 7 and udp", "'vlan'", "with or without tags" },
	{ "ether host 02:00:00:00:00:01", "'ether'", "not about the IP packet" },
	{ "mpls", "'mpls'", "not about the IP packet" },
	{ "arp", "'arp'", "not about the IP packet" },
	{ "ip6 protochain 6", "'protochain'", "loop" },
	{ "udp; tcp", "';'", "cannot stand" },
	{ "udp port 53 \x01", "0x01", "cannot stand" },
	{ "udp\xc3\xa4", "0xc3", "cannot stand" },
	{ "host 4294967296", "'4294967296'", "as numbers" },
	{ "", "empty", "match everything" },
	{ "  \n", "empty", "match everything" },
	{ "udp and and port 53", "'and', after 'udp'", "begins no condition" },
	{ "udp port", "'port', after 'udp'", "begins no condition" },
	{ "and", "'and'", "is no condition" },
	{ "tcp[13", "'[', after 'tcp'", "begins no condition" },
	{ "port 65536", "65536", "port" },
	{ "ip[0 - 8] = 1", "bytes that no packet has", "" },
	{ "udp[8] = 1 and ip6 and ip", "rejects all packets", "" },
	{ "udp[8] / 0 = 1", "division by zero", "" },
};

/* What is wrong is named, with what to write, and nobody is asked. */
static void
names_are_refused_before_anybody_is_asked(void)
{
	struct filter_expression *e = NULL;
	char error[300];

	asked_names = 0;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		error[0] = '\0';
		CU_ASSERT_EQUAL(
			filter_expression_make(refused[i].text, &e, error, sizeof(error)),
			-EINVAL);
		if (strstr(error, refused[i].word) == NULL ||
		    strstr(error, refused[i].says) == NULL) {
			fprintf(stderr, "'%s': %s\n", refused[i].text, error);
			CU_FAIL("the message does not name the word and the remedy");
		}
	}
	CU_ASSERT_EQUAL(asked_names, 0);
}

/* The watch works, and numbers come through it. */
static void
numbers_ask_nobody(void)
{
	static const char *const texts[] = {
		"host 192.0.2.1",
		"net 192.0.2",
		"ip6 host 2001:db8::1",
		"src net 2001:db8::/32 and not dst net 198.51.100.0/24",
		"host ::1 or host ::ffff:192.0.2.1 or ip6 host 2001:db8:1:2:3:4:5:6",
		"portrange 1000-2000 or port 53",
		"net 198.51.100.0 mask 255.255.255.0",
		"proto 17 and ip6 proto 0x11",
	};
	struct addrinfo *found = NULL;
	struct filter_expression *e;
	char error[300];

	asked_names = asked_numbers = 0;
	CU_ASSERT_EQUAL(getaddrinfo("www.example.com", NULL, NULL, &found), EAI_NONAME);
	CU_ASSERT_EQUAL(asked_names, 1);
	asked_names = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int status = filter_expression_make(texts[i], &e, error, sizeof(error));

		CU_ASSERT_EQUAL(status, 0);
		if (status == 0)
			filter_expression_free(e);
		else
			fprintf(stderr, "'%s': %s\n", texts[i], error);
	}
	CU_ASSERT_EQUAL(asked_names, 0);
	CU_ASSERT_TRUE(asked_numbers > 0);
}

static const struct {
	const char *text, *ipv4, *ipv6;
} written[] = {
	{ "udp port 53", "udp port 53", "udp port 53" },
	{ "src net 2001:db8::/32", "src net 2001:db8:0:0:0:0:0:0 / 32",
	  "src net 2001:db8:0:0:0:0:0:0 / 32" },
	{ "udp[8:4]=1", "udp [ 8 : 4 ] = 1",
	  "( ip6 [ 6 ] = 17 and ip6 [ 40 + ( 8 ) : 4 ] = 1 )" },
	{ "not tcp[tcpflags]&tcp-syn!=0", "not tcp [ tcpflags ] & tcp-syn != 0",
	  "not ( ip6 [ 6 ] = 6 and ip6 [ 40 + ( tcpflags ) ] & tcp-syn != 0 )" },
	{ "(udp[8]&3)=1 or (udp[9] = 2)", "( udp [ 8 ] & 3 ) = 1 or ( udp [ 9 ] = 2 )",
	  "( ip6 [ 6 ] = 17 and ( ip6 [ 40 + ( 8 ) ] & 3 ) = 1 ) or ( ( ip6 [ 6 ] = 17 "
	  "and "
	  "ip6 [ 40 + ( 9 ) ] = 2 ) )" },
	{ "udp[udp[8]:2] > ip[0] + 1 and port 7",
	  "udp [ udp [ 8 ] : 2 ] > ip [ 0 ] + 1 and port 7",
	  "( ip6 [ 6 ] = 17 and ip6 [ 40 + ( ip6 [ 40 + ( 8 ) ] ) : 2 ] > ip [ 0 ] + 1 ) "
	  "and "
	  "port 7" },
	{ "5 < tcp[0:2] && ip6[6]==6", "5 < tcp [ 0 : 2 ] && ip6 [ 6 ] == 6",
	  "( ip6 [ 6 ] = 6 and 5 < ip6 [ 40 + ( 0 ) : 2 ] ) && ip6 [ 6 ] == 6" },
};

static void
reads_of_a_payload_are_said_again_for_ipv6(void)
{
	struct filter_words w;
	char error[300], ipv6[FILTER_WRITTEN];

	for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++) {
		CU_ASSERT_EQUAL_FATAL(
			filter_words(written[i].text, &w, error, sizeof(error)), 0);
		CU_ASSERT_STRING_EQUAL(w.text, written[i].ipv4);
		CU_ASSERT_EQUAL(filter_words_ipv6(&w, ipv6, sizeof(ipv6)), 0);
		ipv6[strlen(ipv6) - 1] = '\0'; /* a blank */
		CU_ASSERT_STRING_EQUAL(ipv6, written[i].ipv6);
	}
	CU_ASSERT_EQUAL(filter_words_ipv6(&w, ipv6, 10), -E2BIG);
}

/* More words than an expression may have characters. */
static void
too_many_words_are_refused(void)
{
	char text[2 * FILTER_WORDS_MAX + 8] = "", error[300];
	struct filter_words w;

	memset(text, '(', FILTER_WORDS_MAX + 1);
	CU_ASSERT_EQUAL(filter_words(text, &w, error, sizeof(error)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "1024"));
}

SUITE_MAIN("filter/words", TEST(names_are_refused_before_anybody_is_asked),
           TEST(numbers_ask_nobody), TEST(reads_of_a_payload_are_said_again_for_ipv6),
           TEST(too_many_words_are_refused))
