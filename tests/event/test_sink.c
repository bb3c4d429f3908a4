/* SPDX-License-Identifier: BSD-3-Clause */
/* The event file: how large it and its forerunners become, and who else may touch it. */
#include "event/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "event/folder.h"
#include "suite.h"

static struct event_sink s;

static bool
put(const char *line)
{
	return event_sink_write(&s, line, strlen(line));
}

/* Everything in a file; a static text. */
static const char *
content(const char *name)
{
	static char text[4096];
	FILE *f = fopen(in_folder(name), "r");
	size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

static void
begin(uint64_t rotate_bytes, unsigned int keep)
{
	folder_open();
	event_sink_open(&s, in_folder("e"), rotate_bytes, keep);
}

static void
end(void)
{
	event_sink_close(&s);
	folder_close();
}

static void
files_stay_as_small_and_as_few_as_asked(void)
{
	char line[16];

	begin(100, 2);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "line %03u..", i);
		CU_ASSERT_TRUE(put(line));
		CU_ASSERT(size_of("e") <= 100);
		CU_ASSERT(size_of("e.1") <= 100);
		CU_ASSERT(size_of("e.2") <= 100);
		CU_ASSERT_EQUAL(size_of("e.3"), -1);
	}
	/* Nine lines of eleven bytes each; the newest are the last. */
	CU_ASSERT_STRING_EQUAL(content("e"), "line 099..\n");
	CU_ASSERT_EQUAL(strncmp(content("e.1"), "line 090..\n", 11), 0);
	CU_ASSERT_EQUAL(strncmp(content("e.2"), "line 081..\n", 11), 0);
	end();
}

static void
a_line_longer_than_a_file_is_written_whole(void)
{
	begin(5, 1);
	CU_ASSERT_TRUE(put("a long line"));
	CU_ASSERT_TRUE(put("another long line"));
	CU_ASSERT_STRING_EQUAL(content("e"), "another long line\n");
	CU_ASSERT_STRING_EQUAL(content("e.1"), "a long line\n");
	end();
}

static void
what_is_there_counts_and_what_is_too_many_goes(void)
{
	begin(0, 1);
	for (unsigned int i = 0; i < 30; i++)
		CU_ASSERT_TRUE(put("123456789"));
	CU_ASSERT_EQUAL(size_of("e"), 300);
	event_sink_close(&s);
	fclose(fopen(in_folder("e.1"), "w"));
	fclose(fopen(in_folder("e.2"), "w"));
	fclose(fopen(in_folder("e.3"), "w"));
	fclose(fopen(in_folder("e.5"), "w"));
	event_sink_open(&s, in_folder("e"), 300, 2);
	CU_ASSERT_TRUE(put("0"));
	CU_ASSERT_EQUAL(size_of("e.1"), 300);
	CU_ASSERT_EQUAL(size_of("e.2"), 0);
	CU_ASSERT_EQUAL(size_of("e.3"), -1);
	/* Not one of a row: it is somebody else's. */
	CU_ASSERT_EQUAL(size_of("e.5"), 0);
	end();
}

static void
others_may_rename_remove_or_empty_it(void)
{
	begin(100, 1);
	for (unsigned int i = 0; i < 9; i++)
		put("123456789");
	CU_ASSERT_EQUAL_FATAL(truncate(in_folder("e"), 0), 0);
	event_sink_check(&s);
	CU_ASSERT_TRUE(put("after"));
	CU_ASSERT_TRUE(put("it was emptied, and so there is room"));
	CU_ASSERT_EQUAL(size_of("e.1"), -1);
	CU_ASSERT_EQUAL_FATAL(unlink(in_folder("e")), 0);
	event_sink_check(&s);
	CU_ASSERT_TRUE(put("removed"));
	CU_ASSERT_STRING_EQUAL(content("e"), "removed\n");
	CU_ASSERT_EQUAL_FATAL(rename(in_folder("e"), in_folder("old")), 0);
	event_sink_reopen(&s);
	event_sink_check(&s);
	CU_ASSERT_TRUE(put("renamed"));
	CU_ASSERT_STRING_EQUAL(content("old"), "removed\n");
	CU_ASSERT_STRING_EQUAL(content("e"), "renamed\n");
	end();
}

static void
a_file_that_cannot_be_renamed_grows_on(void)
{
	begin(20, 1);
	/* A folder with something in it stands in the way. */
	CU_ASSERT_EQUAL_FATAL(mkdir(in_folder("e.1"), 0700), 0);
	CU_ASSERT_TRUE(put("123456789"));
	CU_ASSERT_TRUE(put("123456789"));
	CU_ASSERT_TRUE(put("123456789"));
	CU_ASSERT_TRUE(s.is_stuck);
	CU_ASSERT_EQUAL(size_of("e"), 30);
	CU_ASSERT_EQUAL_FATAL(rmdir(in_folder("e.1")), 0);
	CU_ASSERT_TRUE(put("123456789"));
	CU_ASSERT_FALSE(s.is_stuck);
	CU_ASSERT_EQUAL(size_of("e"), 10);
	end();
}

/* A pipe whose reader hangs takes what fits; nobody waits, and what comes out is whole lines. */
static void
a_pipe_that_nobody_reads_is_not_waited_for(void)
{
	static char line[1000], got[200000];
	size_t lines = 0;
	ssize_t n;
	int fd;

	folder_open();
	CU_ASSERT_EQUAL_FATAL(mkfifo(in_folder("e"), 0600), 0);
	event_sink_open(&s, in_folder("e"), 1000, 1);
	CU_ASSERT_FALSE(put("no reader"));
	fd = open(in_folder("e"), O_RDONLY | O_NONBLOCK);
	CU_ASSERT_FATAL(fd >= 0);
	memset(line, 'x', sizeof(line) - 1);
	for (unsigned int i = 0; i < 200; i++)
		lines += put(line);
	CU_ASSERT(lines > 10 && lines < 200);
	CU_ASSERT_TRUE(s.is_broken);
	CU_ASSERT_EQUAL(s.lost, 200 - lines);
	n = read(fd, got, sizeof(got));
	CU_ASSERT_EQUAL(n, (ssize_t)(1000 * lines));
	CU_ASSERT_TRUE(put("again"));
	CU_ASSERT_FALSE(s.is_broken);
	CU_ASSERT_EQUAL(read(fd, got, sizeof(got)), 6);
	close(fd);
	end();
}

/* Standard output is the journal's socket under systemd. */
static void
standard_output_may_be_a_socket_that_is_full(void)
{
	const int before = dup(STDOUT_FILENO);
	size_t taken = 0;
	int pair[2];
	char got[64];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fflush(stdout);
	dup2(pair[0], STDOUT_FILENO);
	event_sink_open(&s, "-", 0, 1);
	while (taken < 100000 && put("a line of twenty-six bytes"))
		taken++;
	CU_ASSERT(taken > 100 && taken < 100000);
	CU_ASSERT_EQUAL(recv(pair[1], got, 27, 0), 27);
	CU_ASSERT_EQUAL(memcmp(got, "a line of twenty-six bytes\n", 27), 0);
	event_sink_close(&s);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(pair[0]);
	close(pair[1]);
}

static void
a_try_is_not_counted_as_lost(void)
{
	event_sink_open(&s, "/dev/full", 0, 1);
	CU_ASSERT_FALSE(put("x"));
	CU_ASSERT_FALSE(event_sink_try(&s, "y", 1));
	CU_ASSERT_EQUAL(s.lost, 1);
	CU_ASSERT_EQUAL(s.error, ENOSPC);
	event_sink_close(&s);
}

SUITE_MAIN("event/sink", TEST(files_stay_as_small_and_as_few_as_asked),
           TEST(a_line_longer_than_a_file_is_written_whole),
           TEST(what_is_there_counts_and_what_is_too_many_goes),
           TEST(others_may_rename_remove_or_empty_it),
           TEST(a_file_that_cannot_be_renamed_grows_on),
           TEST(a_pipe_that_nobody_reads_is_not_waited_for),
           TEST(standard_output_may_be_a_socket_that_is_full),
           TEST(a_try_is_not_counted_as_lost))
