/* SPDX-License-Identifier: BSD-3-Clause */
/* The webhook against a server that is well, slow, broken, gone and back again. */
#include "event/hook.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "event/folder.h"
#include "event/web_server.h"
#include "suite.h"

#define MS UINT64_C(1000000)

static struct event_hook *hook;
static uint64_t seq;
static char url[64];
static char *types[] = { (char[]){ "attack" }, (char[]){ "bypass.start" } };

static const struct settings_webhook usual = {
	.url = url,
	.types = { 2, types },
	.timeout_ns = 300 * MS,
	.retry_ns = 60000 * MS,
};

static void
open_with(const struct settings_webhook *settings)
{
	seq = 0;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook/secret", web.port);
	hook = event_hook_open(settings, "gate-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(hook);
}

static void
begin(void)
{
	web_open();
	open_with(&usual);
}

static void
end(void)
{
	event_hook_close(hook, true);
	web_close();
}

static void
add(const char *type, const char *status, size_t len)
{
	json_t *o = json_pack("{s:s, s:s, s:{s:s}, s:I}", "event_type", type, "node",
	                      "gate-1", type, "status", status, "seq", (json_int_t)++seq);

	event_hook_add(hook, &(struct events_told){ .seq = seq,
	                                            .type = type,
	                                            .status = status,
	                                            .event = o,
	                                            .line = "",
	                                            .len = len });
	json_decref(o);
}

static void
add_attacks(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		add("attack", "start", 100);
}

static struct event_hook_counts
counts(void)
{
	struct event_hook_counts c;

	event_hook_read(hook, &c);
	return c;
}

/* Until as many are sent, or three seconds are over. */
static bool
are_sent(uint64_t n)
{
	for (unsigned int i = 0; i < 600; i++) {
		if (counts().sent >= n)
			return true;
		usleep(5000);
	}
	return false;
}

static bool
is_broken_soon(void)
{
	for (unsigned int i = 0; i < 600; i++) {
		if (counts().is_broken)
			return true;
		usleep(5000);
	}
	return false;
}

/* Numbers in the bodies the server took, in order; returns how many. */
static unsigned int
numbers(uint64_t *out, unsigned int max, uint64_t *lost)
{
	unsigned int n = 0;

	pthread_mutex_lock(&web.lock);
	*lost = 0;
	for (unsigned int i = 0; i < web.bodies; i++) {
		json_t *o = json_loads(web.body[i], 0, NULL), *event;
		size_t k;

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		*lost += (uint64_t)json_integer_value(json_object_get(o, "lost"));
		json_array_foreach(json_object_get(o, "events"), k, event)
		{
			if (n < max)
				out[n++] = (uint64_t)json_integer_value(
					json_object_get(event, "seq"));
		}
		json_decref(o);
	}
	pthread_mutex_unlock(&web.lock);
	return n;
}

static void
expect_numbers(uint64_t first, uint64_t last, uint64_t lost_expected)
{
	static uint64_t got[8192];
	uint64_t lost;
	const unsigned int n = numbers(got, 8192, &lost);

	CU_ASSERT_EQUAL(n, last - first + 1);
	CU_ASSERT_EQUAL(lost, lost_expected);
	for (unsigned int i = 0; i < n; i++)
		CU_ASSERT_EQUAL(got[i], first + i);
}

static void
events_arrive_in_order_and_several_at_once(void)
{
	json_t *o;

	begin();
	add_attacks(200);
	CU_ASSERT_TRUE(are_sent(200));
	expect_numbers(1, 200, 0);
	CU_ASSERT(web.bodies >= 4 && web.bodies < 20);
	CU_ASSERT_PTR_NOT_NULL(strstr(web.head, "POST /hook/secret HTTP/1.1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(web.head, "Content-Type: application/json\r\n"));
	o = json_loads(web.body[0], 0, NULL);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "node")), "gate-1");
	CU_ASSERT_EQUAL(strncmp(json_string_value(json_object_get(o, "text")),
	                        "gate-1: Attack", 14),
	                0);
	json_decref(o);
	end();
}

static void
only_wanted_types_are_sent(void)
{
	begin();
	add("audit", "", 10);
	add("attack", "end", 10);
	add("attacks", "", 10);
	add("bypass", "end", 10);
	add("bypass", "start", 10);
	CU_ASSERT_TRUE(are_sent(2));
	usleep(100000);
	CU_ASSERT_EQUAL(counts().sent, 2);
	end();
}

/* 500, then no answer, then nobody there, then well: all arrive, in order. */
static void
what_a_broken_server_did_not_take_arrives_later(void)
{
	begin();
	web_answer(500, "");
	add_attacks(3);
	CU_ASSERT_TRUE(is_broken_soon());
	CU_ASSERT_STRING_EQUAL(counts().why, "the server answers 500");
	CU_ASSERT_EQUAL(counts().waiting, 3);
	web_answer(0, "");
	add_attacks(3);
	usleep(700000);
	CU_ASSERT_TRUE(counts().is_broken);
	CU_ASSERT_EQUAL(counts().lost, 0);
	web_answer(200, "");
	CU_ASSERT_TRUE(are_sent(6));
	CU_ASSERT_FALSE(counts().is_broken);
	expect_numbers(1, 6, 0);
	end();
}

/* A second at most for two thousand events, whatever the server does. */
static void
a_slow_server_delays_nobody_and_fills_no_memory(void)
{
	struct timespec a, b;

	begin();
	web_answer(-1, "");
	clock_gettime(CLOCK_MONOTONIC, &a);
	add_attacks(2500);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CU_ASSERT((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 <
	          1000);
	CU_ASSERT_EQUAL(counts().waiting, EVENT_HOOK_QUEUE);
	CU_ASSERT_EQUAL(counts().lost, 1500);
	CU_ASSERT_TRUE(is_broken_soon());
	CU_ASSERT_PTR_NOT_NULL(strstr(counts().why, "imed out"));
	web_answer(200, "");
	CU_ASSERT_TRUE(are_sent(1000));
	expect_numbers(1501, 2500, 1500);
	end();
}

static void
lines_that_are_large_fill_it_sooner(void)
{
	begin();
	web_answer(500, "");
	for (unsigned int i = 0; i < 100; i++)
		add("attack", "start", 100000);
	CU_ASSERT_EQUAL(counts().waiting, EVENT_HOOK_BYTES / 100000);
	CU_ASSERT_EQUAL(counts().lost, 100 - EVENT_HOOK_BYTES / 100000);
	end();
}

static void
events_that_are_too_old_are_given_up(void)
{
	struct settings_webhook brief = usual;

	web_open();
	brief.retry_ns = 400 * MS;
	web_answer(500, "");
	open_with(&brief);
	add_attacks(2);
	usleep(1500000);
	CU_ASSERT_EQUAL(counts().waiting, 0);
	CU_ASSERT_EQUAL(counts().lost, 2);
	web_answer(200, "");
	add_attacks(1);
	CU_ASSERT_TRUE(are_sent(1));
	expect_numbers(3, 3, 2);
	end();
}

static void
who_refuses_is_not_asked_again(void)
{
	static const struct {
		int status;
		const char *header, *why;
	} cases[] = {
		{ 400, "", "the server answers 400" },
		{ 404, "", "the server answers 404" },
		{ 302, "Location: http://127.0.0.1:1/elsewhere\r\n",
		  "the server answers 302, and redirects are not followed" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin();
		web_answer(cases[i].status, cases[i].header);
		add_attacks(2);
		CU_ASSERT_TRUE(is_broken_soon());
		usleep(i == 0 ? 700000 : 1000);
		CU_ASSERT_EQUAL(web.requests, 1);
		CU_ASSERT_EQUAL(counts().lost, 2);
		CU_ASSERT_STRING_EQUAL(counts().why, cases[i].why);
		web_answer(200, "");
		add_attacks(1);
		CU_ASSERT_TRUE(are_sent(1));
		expect_numbers(3, 3, 2);
		end();
	}
}

static void
a_server_that_asks_to_wait_is_not_asked_sooner(void)
{
	begin();
	web_answer(429, "Retry-After: 1\r\n");
	add_attacks(1);
	CU_ASSERT_TRUE(is_broken_soon());
	web_answer(200, "");
	usleep(700000);
	CU_ASSERT_EQUAL(counts().sent, 0);
	CU_ASSERT_TRUE(are_sent(1));
	end();
}

static void
a_secret_header_comes_from_a_file_that_is_secret(void)
{
	struct settings_webhook with = usual;
	char path[384];
	FILE *f;

	folder_open();
	strcpy(path, in_folder("header"));
	with.header_file = path;
	web_open();
	open_with(&with);
	add_attacks(1);
	CU_ASSERT_TRUE(is_broken_soon());
	CU_ASSERT_PTR_NOT_NULL(strstr(counts().why, "No such file"));
	f = fopen(path, "w");
	fputs("# secret\n\nAuthorization: Bearer sesame\nX-Channel: 7\n", f);
	fclose(f);
	chmod(path, 0644);
	usleep(700000);
	CU_ASSERT_PTR_NOT_NULL(strstr(counts().why, "chmod 0600"));
	CU_ASSERT_EQUAL(web.requests, 0);
	chmod(path, 0600);
	CU_ASSERT_TRUE(are_sent(1));
	CU_ASSERT_PTR_NOT_NULL(strstr(web.head, "\r\nAuthorization: Bearer sesame\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(web.head, "\r\nX-Channel: 7\r\n"));
	f = fopen(path, "w");
	fputs("Authorization Bearer\n", f);
	fclose(f);
	add_attacks(1);
	CU_ASSERT_TRUE(is_broken_soon());
	CU_ASSERT_STRING_EQUAL(counts().why, "header_file: a line is not Name: value");
	end();
	folder_close();
}

/* What chats take: one text, fields of theirs, and nothing that they would take for a command. */
static void
a_text_alone_is_what_chats_take(void)
{
	struct settings_webhook chat = usual;
	char *fields[] = { (char[]){ "chat_id=-100" }, (char[]){ "parse_mode=a=b" } };
	json_t *o, *event;

	web_open();
	chat.is_text = 1;
	chat.fields = (struct conf_texts){ 2, fields };
	open_with(&chat);
	event = json_pack("{s:s, s:s, s:{s:s, s:s}}", "event_type", "attack", "node", "g",
	                  "attack", "status", "start", "vector", "<!channel>\n\x7f");
	event_hook_add(hook, &(struct events_told){ .seq = 1,
	                                            .type = "attack",
	                                            .status = "start",
	                                            .event = event });
	json_decref(event);
	CU_ASSERT_TRUE(are_sent(1));
	o = json_loads(web.body[0], 0, NULL);
	CU_ASSERT_EQUAL(json_object_size(o), 3);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "chat_id")), "-100");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "parse_mode")),
	                       "a=b");
	CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(json_object_get(o, "text")),
	                              "\u2039!channel\u203a   on "));
	json_decref(o);
	end();
}

/* It ends within its time though the server says nothing, and delivers what it can. */
static void
the_end_waits_two_seconds_and_no_longer(void)
{
	struct settings_webhook patient = usual;
	struct timespec a, b;

	begin();
	add_attacks(10);
	event_hook_close(hook, true);
	expect_numbers(1, 10, 0);
	patient.timeout_ns = 30000 * MS;
	web_answer(-1, "");
	open_with(&patient);
	add_attacks(10);
	usleep(100000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	event_hook_close(hook, true);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CU_ASSERT(b.tv_sec - a.tv_sec <= 4);
	event_hook_close(NULL, true);
	web_close();
}

/* Left alone, it delivers what it has and is gone: a leak would be found with it. */
static void
one_that_is_left_behind_goes_by_itself(void)
{
	begin();
	add_attacks(5);
	event_hook_close(hook, false);
	for (unsigned int i = 0; i < 200 && web.bodies == 0; i++)
		usleep(5000);
	usleep(100000);
	expect_numbers(1, 5, 0);
	web_close();
}

SUITE_MAIN("event/hook", TEST(events_arrive_in_order_and_several_at_once),
           TEST(only_wanted_types_are_sent),
           TEST(what_a_broken_server_did_not_take_arrives_later),
           TEST(a_slow_server_delays_nobody_and_fills_no_memory),
           TEST(lines_that_are_large_fill_it_sooner),
           TEST(events_that_are_too_old_are_given_up),
           TEST(who_refuses_is_not_asked_again),
           TEST(a_server_that_asks_to_wait_is_not_asked_sooner),
           TEST(a_secret_header_comes_from_a_file_that_is_secret),
           TEST(a_text_alone_is_what_chats_take),
           TEST(the_end_waits_two_seconds_and_no_longer),
           TEST(one_that_is_left_behind_goes_by_itself))
