/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

#define DIGITS "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"

static char folder[64], path[96], why[256];
static uint8_t out[COOKIE_SECRET];

static int
make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/tidegate-secret-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/cookie.secret", folder);
	return 0;
}

static int
remove_folder(void)
{
	unlink(path);
	return rmdir(folder);
}

static void
put(const char *text, mode_t mode)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static unsigned int
files_in_folder(void)
{
	DIR *d = opendir(folder);
	unsigned int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void
a_secret_is_made_once_and_kept(void)
{
	uint8_t first[COOKIE_SECRET];
	struct stat st;
	uint8_t any = 0;

	unlink(path);
	CU_ASSERT_EQUAL(secret_open(path, true, first, why, sizeof(why)), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(st.st_size, 65);
	CU_ASSERT_EQUAL(files_in_folder(), 1);
	CU_ASSERT_EQUAL(secret_open(path, true, out, why, sizeof(why)), 0);
	CU_ASSERT_EQUAL(memcmp(first, out, sizeof(out)), 0);
	for (size_t i = 0; i < sizeof(out); i++)
		any |= out[i];
	CU_ASSERT_NOT_EQUAL(any, 0);
}

static void
two_secrets_differ(void)
{
	uint8_t first[COOKIE_SECRET];

	unlink(path);
	secret_open(path, true, first, why, sizeof(why));
	unlink(path);
	secret_open(path, true, out, why, sizeof(why));
	CU_ASSERT_NOT_EQUAL(memcmp(first, out, sizeof(out)), 0);
}

static void
digits_are_read_as_they_stand(void)
{
	static const char *const texts[] = { DIGITS, DIGITS "\n" };

	for (unsigned int n = 0; n < 2; n++) {
		put(texts[n], 0600);
		memset(out, 0, sizeof(out));
		CU_ASSERT_EQUAL(secret_open(path, false, out, why, sizeof(why)), 0);
		for (unsigned int i = 0; i < 16; i++) {
			CU_ASSERT_EQUAL(out[i], i * 0x11);
			CU_ASSERT_EQUAL(out[31 - i], i * 0x11);
		}
	}
	put(DIGITS, 0400);
	CU_ASSERT_EQUAL(secret_open(path, false, out, why, sizeof(why)), 0);
}

static void
a_file_that_others_may_read_is_refused(void)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0601, 0610, 0644, 0777 };
	uint8_t before[COOKIE_SECRET];

	memcpy(before, out, sizeof(out));
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		put(DIGITS, modes[i]);
		CU_ASSERT_EQUAL(secret_open(path, true, out, why, sizeof(why)), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, path));
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "chmod 600"));
	}
	CU_ASSERT_EQUAL(memcmp(before, out, sizeof(out)), 0);
}

static void
anything_but_64_digits_is_refused(void)
{
	static const char *const texts[] = {
		"",
		"\n",
		"0011",
		DIGITS "0",
		DIGITS "\n\n",
		DIGITS "00\n",
		" " DIGITS,
		DIGITS "\r\n",
		"g0112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100",
		"00112233445566778899aabbccddeeffFFEEDDCCBBAA9988776655443322110",
		"0x112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100",
	};

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(texts[i], 0600);
		CU_ASSERT_EQUAL(secret_open(path, true, out, why, sizeof(why)), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "64 hexadecimal digits"));
	}
}

static void
what_is_no_file_is_refused_at_once(void)
{
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	CU_ASSERT_EQUAL(secret_open(path, true, out, why, sizeof(why)), -EINVAL);
	CU_ASSERT_EQUAL(secret_open(folder, true, out, why, sizeof(why)), -EINVAL);
	unlink(path);
}

static void
without_a_file_a_secret_is_drawn_all_the_same(void)
{
	uint8_t first[COOKIE_SECRET] = { 0 };
	char nowhere[160];

	unlink(path);
	CU_ASSERT_EQUAL(secret_open(path, false, first, why, sizeof(why)), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, path));
	CU_ASSERT_EQUAL(files_in_folder(), 0);
	snprintf(nowhere, sizeof(nowhere), "%s/missing/cookie.secret", folder);
	CU_ASSERT_EQUAL(secret_open(nowhere, true, out, why, sizeof(why)), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "cannot be written"));
	CU_ASSERT_NOT_EQUAL(memcmp(first, out, sizeof(out)), 0);
}

SUITE_MAIN_WITH("challenge/secret", make_folder, remove_folder,
                TEST(a_secret_is_made_once_and_kept), TEST(two_secrets_differ),
                TEST(digits_are_read_as_they_stand),
                TEST(a_file_that_others_may_read_is_refused),
                TEST(anything_but_64_digits_is_refused),
                TEST(what_is_no_file_is_refused_at_once),
                TEST(without_a_file_a_secret_is_drawn_all_the_same))
