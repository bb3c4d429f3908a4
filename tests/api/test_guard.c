/* SPDX-License-Identifier: BSD-3-Clause */
/* Who asks too often, who takes too long, and who asks for a page that is not ours. */
#include "api/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/origin.h"
#include "api/patience.h"
#include "suite.h"

#define MS UINT64_C(1000000)

static struct api_guard guard;

static unsigned int
requests(const struct api_peer *p, unsigned int n, uint64_t now_ns)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < n; i++)
		taken += api_guard_request(&guard, p, now_ns);
	return taken;
}

static void
peer_at(struct api_peer *p, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &a.sin_addr) == 1)
		api_peer_of_address(p, (struct sockaddr *)&a);
	else if (inet_pton(AF_INET6, text, &b.sin6_addr) == 1)
		api_peer_of_address(p, (struct sockaddr *)&b);
}

static void
a_peer_may_burst_and_then_so_many_a_second(void)
{
	struct api_peer alice, bob;

	api_guard_open(&guard);
	api_peer_of_user(&alice, 1000);
	api_peer_of_user(&bob, 1001);
	CU_ASSERT_EQUAL(requests(&alice, 1000, 1000 * MS), API_GUARD_BURST);
	CU_ASSERT_EQUAL(requests(&bob, 10, 1000 * MS), 10);
	CU_ASSERT_EQUAL(requests(&alice, 1000, 1500 * MS), API_GUARD_RATE / 2);
	/* A clock that seems to go back gives nothing. */
	CU_ASSERT_EQUAL(requests(&alice, 1000, 1400 * MS), 0);
	CU_ASSERT_EQUAL(requests(&alice, 1000, 9000 * MS), API_GUARD_BURST);
	api_guard_close(&guard);
}

static void
wrong_tokens_have_a_bucket_of_their_own(void)
{
	struct api_peer p;
	unsigned int taken = 0;

	api_guard_open(&guard);
	peer_at(&p, "127.0.0.1");
	for (unsigned int i = 0; i < 100; i++)
		taken += api_guard_failure(&guard, &p, 1000 * MS);
	CU_ASSERT_EQUAL(taken, API_GUARD_FAILURE_BURST);
	CU_ASSERT_EQUAL(requests(&p, 5, 1000 * MS), 5);
	CU_ASSERT_TRUE(api_guard_failure(&guard, &p, 2100 * MS));
	CU_ASSERT_FALSE(api_guard_failure(&guard, &p, 2100 * MS));
	api_guard_close(&guard);
}

static void
peers_are_users_addresses_and_networks(void)
{
	struct api_peer a, b;

	peer_at(&a, "192.0.2.1");
	peer_at(&b, "192.0.2.2");
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	peer_at(&a, "2001:db8::1");
	peer_at(&b, "2001:db8::ffff");
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	peer_at(&b, "2001:db8:0:1::1");
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	api_peer_of_user(&a, 0);
	api_peer_of_user(&b, 1);
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
}

/* More peers than there is room for: the table stays full, and whoever asks on keeps its place. */
static void
the_one_silent_longest_makes_room(void)
{
	struct api_peer p, busy;

	api_guard_open(&guard);
	api_peer_of_user(&busy, 7);
	CU_ASSERT_EQUAL(requests(&busy, 1000, 1000 * MS), API_GUARD_BURST);
	for (uint32_t i = 0; i < 5000; i++) {
		api_peer_of_user(&p, 100 + i);
		CU_ASSERT_TRUE(
			api_guard_request(&guard, &p, (1000 + i) * MS / 1000 * 1000));
		requests(&busy, 1000, (1000 + i) * MS / 1000 * 1000);
	}
	CU_ASSERT_EQUAL(requests(&busy, 1000, 5999 * MS), 0);
	api_guard_close(&guard);
}

/* --- patience ------------------------------------------------------------------ */

static struct api_patience patience;
static int pair[8][2];
static struct api_wait *wait_of[8];

static void
connect_some(unsigned int n, unsigned int most)
{
	CU_ASSERT_EQUAL_FATAL(api_patience_open(&patience, most), 0);
	for (unsigned int i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair[i]), 0);
		wait_of[i] = NULL;
	}
}

static void
disconnect(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		api_patience_remove(&patience, wait_of[i]);
		close(pair[i][0]);
		close(pair[i][1]);
	}
	api_patience_close(&patience);
}

/* Whether the other end finds the connection ended. */
static bool
is_ended(unsigned int i)
{
	char c;

	return recv(pair[i][1], &c, 1, MSG_DONTWAIT) == 0;
}

/* Far in the future, so that the thread, which has the real clock, leaves them alone. */
#define LATER (UINT64_C(1) << 62)

static void
each_part_of_a_request_has_its_time(void)
{
	connect_some(4, 100);
	for (unsigned int i = 0; i < 4; i++)
		wait_of[i] = api_patience_add(&patience, pair[i][0], 0, LATER);
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 4999 * MS), 0);
	api_patience_body(&patience, wait_of[1], LATER + 4999 * MS);
	api_patience_answer(&patience, wait_of[2], 10 * API_PATIENCE_BYTES,
	                    LATER + 4999 * MS);
	api_patience_idle(&patience, wait_of[3], LATER + 6000 * MS);
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 5000 * MS), 1);
	CU_ASSERT_TRUE(is_ended(0));
	CU_ASSERT_FALSE(is_ended(1));
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 14999 * MS), 1);
	CU_ASSERT_TRUE(is_ended(1));
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 16000 * MS), 1);
	CU_ASSERT_TRUE(is_ended(3));
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 44998 * MS), 0);
	CU_ASSERT_EQUAL(api_patience_turn(&patience, LATER + 44999 * MS), 1);
	CU_ASSERT_TRUE(is_ended(2));
	disconnect(4);
}

static void
who_waits_idly_makes_room_and_who_works_does_not(void)
{
	connect_some(6, 3);
	wait_of[0] = api_patience_add(&patience, pair[0][0], 0, LATER);
	wait_of[1] = api_patience_add(&patience, pair[1][0], 0, LATER);
	api_patience_idle(&patience, wait_of[0], LATER + 2000 * MS);
	api_patience_idle(&patience, wait_of[1], LATER + 1000 * MS);
	/* Another server has places of its own. */
	wait_of[2] = api_patience_add(&patience, pair[2][0], 1, LATER);
	api_patience_idle(&patience, wait_of[2], LATER);
	CU_ASSERT_FALSE(is_ended(1));
	wait_of[3] = api_patience_add(&patience, pair[3][0], 0, LATER + 3000 * MS);
	CU_ASSERT_TRUE(is_ended(1));
	CU_ASSERT_FALSE(is_ended(0));
	CU_ASSERT_FALSE(is_ended(2));
	api_patience_body(&patience, wait_of[0], LATER + 3000 * MS);
	wait_of[4] = api_patience_add(&patience, pair[4][0], 0, LATER + 3000 * MS);
	wait_of[5] = api_patience_add(&patience, pair[5][0], 0, LATER + 3000 * MS);
	CU_ASSERT_FALSE(is_ended(0));
	CU_ASSERT_FALSE(is_ended(3));
	disconnect(6);
}

/* The thread, with the clock as it is: a byte now and then does not help. */
static void
the_thread_ends_what_is_slow(void)
{
	connect_some(1, 3);
	wait_of[0] = api_patience_add(&patience, pair[0][0], 0,
	                              api_patience_clock() - API_PATIENCE_HEAD_NS);
	for (unsigned int i = 0; i < 100 && !is_ended(0); i++)
		usleep(20000);
	CU_ASSERT_TRUE(is_ended(0));
	disconnect(1);
}

/* --- origin --------------------------------------------------------------------- */

static void
pages_of_others_are_refused(void)
{
	static const char *const names[] = { "gate.example.net" };
	static const struct api_context context = { .names = names, .n_names = 1 };
	static const struct {
		const char *method, *host, *origin, *site, *mode, *token;
		bool is_ours;
	} cases[] = {
		{ "PUT", "127.0.0.1:9686", NULL, NULL, NULL, NULL, true },
		{ "PUT", "127.0.0.1:9686", "http://127.0.0.1:9686", "same-origin", "cors",
		  "t", true },
		{ "PUT", "LocalHost:9686", "http://localhost:9686", NULL, NULL, NULL,
		  true },
		{ "PUT", "localhost:9686", "https://GATE.example.net", NULL, NULL, NULL,
		  true },
		{ "PUT", "localhost:9686", "https://gate.example.net:8443", NULL, NULL,
		  NULL, true },
		{ "PUT", "127.0.0.1:9686", "http://127.0.0.1:3000", NULL, NULL, NULL,
		  false },
		{ "PUT", "127.0.0.1:9686", "http://localhost:9686", NULL, NULL, NULL,
		  false },
		{ "PUT", "127.0.0.1:9686", "http://evil.example", NULL, NULL, NULL,
		  false },
		{ "PUT", "127.0.0.1:9686", "http://127.0.0.1:9686.evil.example", NULL,
		  NULL, NULL, false },
		{ "PUT", "localhost", "http://gate.example.net.evil", NULL, NULL, NULL,
		  false },
		{ "PUT", "127.0.0.1:9686", "null", NULL, NULL, NULL, false },
		{ "PUT", "127.0.0.1:9686", "", NULL, NULL, NULL, false },
		{ "PUT", "127.0.0.1:9686", "file://", NULL, NULL, NULL, false },
		{ "PUT", NULL, "http://127.0.0.1:9686", NULL, NULL, NULL, false },
		{ "GET", "127.0.0.1:9686", "http://evil.example", NULL, NULL, NULL,
		  false },
		{ "PUT", "127.0.0.1:9686", NULL, "cross-site", NULL, NULL, false },
		{ "POST", "127.0.0.1:9686", NULL, "same-site", "navigate", NULL, false },
		{ "GET", "127.0.0.1:9686", NULL, "cross-site", "no-cors", NULL, false },
		{ "GET", "127.0.0.1:9686", NULL, "cross-site", NULL, NULL, false },
		{ "GET", "127.0.0.1:9686", NULL, "cross-site", "navigate", NULL, true },
		{ "GET", "127.0.0.1:9686", NULL, "cross-site", "navigate", "t", false },
		{ "GET", "127.0.0.1:9686", NULL, "none", "navigate", NULL, true },
		{ "GET", "127.0.0.1:9686", NULL, "nonsense", NULL, NULL, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_EQUAL(
			api_origin_is_ours(
				&context,
				&(struct api_request){ .method = cases[i].method,
		                                       .host = cases[i].host,
		                                       .origin = cases[i].origin,
		                                       .fetch_site = cases[i].site,
		                                       .fetch_mode = cases[i].mode,
		                                       .authorization = cases[i].token }),
			cases[i].is_ours);
}

SUITE_MAIN("api/guard", TEST(a_peer_may_burst_and_then_so_many_a_second),
           TEST(wrong_tokens_have_a_bucket_of_their_own),
           TEST(peers_are_users_addresses_and_networks),
           TEST(the_one_silent_longest_makes_room),
           TEST(each_part_of_a_request_has_its_time),
           TEST(who_waits_idly_makes_room_and_who_works_does_not),
           TEST(the_thread_ends_what_is_slow), TEST(pages_of_others_are_refused))
