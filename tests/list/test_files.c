/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever lies where the file should be: reading ends, and says what it is. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/sha256.h"
#include "list_rig.h"

static void
a_file_is_read_with_its_time_and_digest(void)
{
	static const char text[] = "192.0.2.0/24\n192.0.2.1/24\n";
	const char *path = temporary(".txt");
	char digest[SHA256_TEXT];
	struct timespec times[2] = { { .tv_sec = 1780000000 }, { .tv_sec = 1780000000 } };

	write_file(path, text, strlen(text));
	utimensat(AT_FDCWD, path, times, 0);
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_file(path), -EINVAL);
	CU_ASSERT(is_told(2, "bits set"));
	CU_ASSERT_STRING_EQUAL(errors.error[0].file, path);
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	CU_ASSERT_STRING_EQUAL(shown(), "192.0.2.0/24");
	CU_ASSERT_EQUAL(content->file_time_s, 1780000000);
	sha256_text(text, strlen(text), digest);
	CU_ASSERT_STRING_EQUAL(content->sha256, digest);
	unlink(path);
}

/* Lines that lie across the pieces in which the file is read, all lengths of them. */
static void
no_line_is_lost_where_pieces_meet(void)
{
	const char *path = temporary(".txt");
	FILE *f = fopen(path, "w");
	const unsigned int n = 60000;

	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%u.%u.%u.%u%*s%s\n", 1 + i % 200, i >> 16, (i >> 8) & 255,
		        i & 255, (int)(i % 13), "", i % 3 == 0 ? "# why" : "");
	fputs("2001:db8::1", f);
	fclose(f);
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	CU_ASSERT_EQUAL(content->count, n + 1);
	CU_ASSERT_EQUAL(content->lines, n + 1);

	/* A line that is longer than a piece is one line. */
	f = fopen(path, "a");
	for (unsigned int i = 0; i < 1000000; i++)
		fputc('7', f);
	fputs("\n2001:db8::2\nx\n", f);
	fclose(f);
	spec.on_error = LIST_SKIP;
	CU_ASSERT_EQUAL_FATAL(read_file(path), 0);
	CU_ASSERT_EQUAL(content->count, n + 1);
	CU_ASSERT_EQUAL(content->skipped, 2);
	CU_ASSERT(is_told(n + 1, "longer than"));
	CU_ASSERT(is_told(n + 3, "\"x\" is not a prefix"));
	unlink(path);
}

static void
what_is_no_file_is_refused_at_once(void)
{
	const char *path = temporary(".txt");

	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_file(path), -ENOENT);
	CU_ASSERT(is_told(0, "cannot be opened: No such file"));
	CU_ASSERT_EQUAL(read_file("/tmp"), -EINVAL);
	CU_ASSERT(is_told(0, "a folder and no file"));
	CU_ASSERT_EQUAL(read_file("/dev/zero"), -EINVAL);
	CU_ASSERT(is_told(0, "a device and no file"));
	/* Nobody writes to it: reading must not wait. */
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	CU_ASSERT_EQUAL(read_file(path), -EINVAL);
	CU_ASSERT(is_told(0, "a pipe and no file"));
	unlink(path);
	symlink(path, path);
	CU_ASSERT_EQUAL(read_file(path), -ELOOP);
	unlink(path);
	if (geteuid() != 0) {
		write_file(path, "192.0.2.1\n", 10);
		chmod(path, 0);
		CU_ASSERT_EQUAL(read_file(path), -EACCES);
		CU_ASSERT(is_told(0, "give its user the right"));
		unlink(path);
	}
}

static void
a_file_larger_than_any_list_is_not_read(void)
{
	const char *path = temporary(".txt");
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	/* Sparse: it takes no room. */
	CU_ASSERT_EQUAL(ftruncate(fd, (off_t)LIST_FILE_MAX + 1), 0);
	close(fd);
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_file(path), -EFBIG);
	CU_ASSERT(is_told(0, "2147483648"));
	unlink(path);
}

static struct {
	const char *path;
	int is_over;
} writer;

/* Adds lines all the time, as somebody does who writes in place; comments never get too many. */
static void *
write_on(void *unused)
{
	FILE *f = fopen(writer.path, "a");

	while (!__atomic_load_n(&writer.is_over, __ATOMIC_ACQUIRE)) {
		fputs("# more\n", f);
		fflush(f);
	}
	fclose(f);
	return unused;
}

static void
a_file_that_changes_meanwhile_is_refused(void)
{
	pthread_t thread;
	FILE *f;

	writer.path = temporary(".txt");
	f = fopen(writer.path, "w");
	for (unsigned int i = 0; i < 300000; i++)
		fprintf(f, "10.%u.%u.%u\n", i >> 16, (i >> 8) & 255, i & 255);
	fclose(f);
	pthread_create(&thread, NULL, write_on, NULL);
	usleep(20000);
	start(LIST_PLAIN);
	CU_ASSERT_EQUAL(read_file(writer.path), -EAGAIN);
	CU_ASSERT(is_told(0, "changed while it was read"));
	CU_ASSERT(is_told(0, "rename it over"));
	__atomic_store_n(&writer.is_over, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(read_file(writer.path), 0);
	unlink(writer.path);
}

static void
a_change_is_seen_without_reading(void)
{
	const char *path = temporary(".txt");
	struct list_mark one = { 0 }, two = { 0 };

	CU_ASSERT_EQUAL(list_look(path, &one), -ENOENT);
	write_file(path, "192.0.2.1\n", 10);
	CU_ASSERT_EQUAL(list_look(path, &one), 0);
	CU_ASSERT_EQUAL(list_look(path, &two), 0);
	CU_ASSERT_EQUAL(memcmp(&one, &two, sizeof(one)), 0);
	write_file(path, "192.0.2.1\n192.0.2.2\n", 20);
	CU_ASSERT_EQUAL(list_look(path, &two), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&one, &two, sizeof(one)), 0);
	unlink(path);
	forget();
}

SUITE_MAIN("list files", TEST(a_file_is_read_with_its_time_and_digest),
           TEST(no_line_is_lost_where_pieces_meet),
           TEST(what_is_no_file_is_refused_at_once),
           TEST(a_file_larger_than_any_list_is_not_read),
           TEST(a_file_that_changes_meanwhile_is_refused),
           TEST(a_change_is_seen_without_reading))
