/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <string.h>
#include <unistd.h>

#include "suite.h"

static char text[4096];

static void
speak(void)
{
	char longer[2000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	log_error("port %s is gone", "veth0");
	log_warning("no hugepages");
	log_info("%d workers", 2);
	log_debug("never seen");
	log_error("%s", longer);
}

/* What speak() writes to standard error, in text. */
static void
listen_to(void (*what)(void))
{
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t got;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	what();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	got = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[got > 0 ? got : 0] = 0;
}

static void
a_terminal_gets_name_and_sentence(void)
{
	unsetenv("JOURNAL_STREAM");
	log_open("tidegated", LOG_LEVEL_INFO);
	listen_to(speak);
	CU_ASSERT_PTR_EQUAL(strstr(text, "tidegated: port veth0 is gone\n"), text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\ntidegated: warning: no hugepages\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\ntidegated: 2 workers\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "never seen"));
	/* A sentence too long is cut, and still ends its line. */
	CU_ASSERT_EQUAL(text[strlen(text) - 1], '\n');
	CU_ASSERT(strlen(text) < 1500);
}

static void
the_journal_gets_priorities(void)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("tidegated", LOG_LEVEL_WARNING);
	listen_to(speak);
	CU_ASSERT_PTR_EQUAL(strstr(text, "<3>port veth0 is gone\n<4>no hugepages\n<3>x"),
	                    text);
	CU_ASSERT_PTR_NULL(strstr(text, "workers"));
	unsetenv("JOURNAL_STREAM");
}

SUITE_MAIN("base/log", TEST(a_terminal_gets_name_and_sentence),
           TEST(the_journal_gets_priorities))
