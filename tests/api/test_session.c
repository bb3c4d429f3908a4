/* SPDX-License-Identifier: BSD-3-Clause */
/* The token that the daemon leaves for root: who can read it may write, nobody else. */
#include "api/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/route.h"
#include "suite.h"
#include "telemetry/by_hand.h"

static char top[] = "/tmp/tidegate-session-XXXXXX", place[64], file[80];

static int
make_folder(void)
{
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(place, sizeof(place), "%s/api.sock", top);
	snprintf(file, sizeof(file), "%s.token", place);
	return 0;
}

static int
remove_folder(void)
{
	unlink(file);
	return rmdir(top);
}

static void
read_token(char token[80])
{
	FILE *f = fopen(file, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(token, 80, f));
	token[strcspn(token, "\n")] = '\0';
	fclose(f);
}

static void
only_its_owner_can_read_it(void)
{
	struct api_session s;
	struct stat st;
	char token[80];

	CU_ASSERT_EQUAL_FATAL(api_session_open(&s, place), 0);
	CU_ASSERT_EQUAL_FATAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	read_token(token);
	CU_ASSERT_EQUAL(strlen(token), 64);
	CU_ASSERT_TRUE(api_session_is(&s, token));
	token[63] = token[63] == '0' ? '1' : '0';
	CU_ASSERT_FALSE(api_session_is(&s, token));
	CU_ASSERT_FALSE(api_session_is(&s, ""));
	api_session_close(&s);
	CU_ASSERT_EQUAL(stat(file, &st), -1);
}

/* One that a killed daemon left, or that somebody laid there to read what we write. */
static void
what_lies_in_its_place_is_replaced(void)
{
	char before[80], now[80], trap[80];
	struct api_session s;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(api_session_open(&s, place), 0);
	read_token(before);
	CU_ASSERT_EQUAL_FATAL(api_session_open(&s, place), 0);
	read_token(now);
	CU_ASSERT_STRING_NOT_EQUAL(before, now);
	CU_ASSERT_FALSE(api_session_is(&s, before));
	api_session_close(&s);

	snprintf(trap, sizeof(trap), "%s/trap", top);
	CU_ASSERT_EQUAL_FATAL(symlink(trap, file), 0);
	CU_ASSERT_EQUAL_FATAL(api_session_open(&s, place), 0);
	CU_ASSERT_EQUAL(stat(trap, &st), -1);
	api_session_close(&s);
}

static void
without_a_place_there_is_none(void)
{
	char deep[200], nowhere[96];
	struct api_session s;

	snprintf(nowhere, sizeof(nowhere), "%s/none/api.sock", top);
	CU_ASSERT_EQUAL(api_session_open(&s, nowhere), -ENOENT);
	CU_ASSERT_FALSE(api_session_is(&s, ""));
	memset(deep, 'd', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	CU_ASSERT_EQUAL(api_session_open(&s, deep), -ENAMETOOLONG);
}

static unsigned int
ask(const struct api_context *c, const char *authorization)
{
	struct api_answer out;

	api_answer(c,
	           &(struct api_request){ .method = "POST",
	                                  .target = "/api/v1/config/reload",
	                                  .content_type = "application/json",
	                                  .authorization = authorization,
	                                  .body = "{}",
	                                  .body_len = 2,
	                                  .is_unix = true,
	                                  .is_local = true },
	           &out);
	free(out.body);
	return out.status;
}

/* Also without any tokens file; but being on the socket is not enough. */
static void
it_opens_what_an_admin_may_do(void)
{
	struct box *box = hand_open();
	struct api_session s;
	struct api_context c = { .telemetry = telemetry_open(box) };
	char token[80], authorization[96];

	CU_ASSERT_EQUAL_FATAL(api_session_open(&s, place), 0);
	read_token(token);
	snprintf(authorization, sizeof(authorization), "Bearer %s", token);
	CU_ASSERT_EQUAL(ask(&c, authorization), 403);
	c.session = &s;
	c.n_sessions = 1;
	CU_ASSERT_EQUAL(ask(&c, authorization), 200);
	CU_ASSERT_EQUAL(ask(&c, NULL), 403);
	CU_ASSERT_EQUAL(ask(&c, "Bearer root"), 403);
	api_session_close(&s);
	CU_ASSERT_EQUAL(ask(&c, authorization), 403);
	telemetry_close(c.telemetry);
	hand_close(box);
}

SUITE_MAIN_WITH("session", make_folder, remove_folder, TEST(only_its_owner_can_read_it),
                TEST(what_lies_in_its_place_is_replaced),
                TEST(without_a_place_there_is_none), TEST(it_opens_what_an_admin_may_do))
