/* SPDX-License-Identifier: BSD-3-Clause */
/* The secret of cookies: where it comes from, who may share it, and what stops a start. */
#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/check.h"
#include "suite.h"

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char top[] = "/tmp/tidegate-keys-XXXXXX", folder[64], own[96], named[96];

static int
make_folder(void)
{
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "%s/state", top);
	snprintf(own, sizeof(own), "%s/cookie-secret", folder);
	snprintf(named, sizeof(named), "%s/shared", top);
	return 0;
}

static int
remove_folder(void)
{
	unlink(own);
	unlink(named);
	rmdir(folder);
	return rmdir(top);
}

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

/* Settings with this folder and, where it is not empty, this file. */
static struct settings *
settings_of(const char *in, const char *file)
{
	struct conf_errors errors = { 0 };
	struct settings *s;
	char text[512];

	snprintf(text, sizeof(text),
	         "version = 1; state = { folder = \"%s\"; cookie_secret = \"%s\"; };", in,
	         file);
	CU_ASSERT_EQUAL(settings_read_text(text, strlen(text), "t.conf", &s, &errors), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	conf_errors_free(&errors);
	return s;
}

/*
 * Open, and say what came: `rc`, and one sentence with `said` in it, or none. The secret
 * goes to `out`.
 */
static void
expect(const char *in, const char *file, int rc, const char *said, uint8_t out[static 32])
{
	struct settings *s = settings_of(in, file);
	struct stage_common common = { 0 };
	struct conf_errors errors = { 0 };

	CU_ASSERT_EQUAL(keys_open(&common, s, NULL, &errors), rc);
	CU_ASSERT_EQUAL(errors.count, rc == 0 ? 0 : 1);
	CU_ASSERT_EQUAL(errors.warnings, rc == 0 && said != NULL ? 1 : 0);
	if (said != NULL && errors.count + errors.warnings > 0) {
		CU_ASSERT_PTR_NOT_NULL(strstr(errors.error[0].message, said));
		CU_ASSERT_STRING_EQUAL(errors.error[0].path,
		                       file[0] == '\0' ? "state.folder"
		                                       : "state.cookie_secret");
	}
	memcpy(out, common.secret, 32);
	conf_errors_free(&errors);
	settings_free(s);
}

static bool
is_drawn(const uint8_t secret[32])
{
	uint8_t any = 0;

	for (unsigned int i = 0; i < 32; i++)
		any |= secret[i];
	return any != 0;
}

static void
our_own_secret_is_made_once_and_kept(void)
{
	uint8_t first[32], again[32];
	struct stat st;

	expect(folder, "", 0, NULL, first);
	CU_ASSERT_TRUE(is_drawn(first));
	CU_ASSERT_EQUAL(stat(own, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(stat(folder, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	expect(folder, "", 0, NULL, again);
	CU_ASSERT_EQUAL(memcmp(first, again, 32), 0);
}

static void
a_folder_that_cannot_be_written_is_a_warning(void)
{
	uint8_t first[32], again[32];
	char below[128];

	snprintf(below, sizeof(below), "%s/no/such", top);
	expect(below, "", 0, "cannot be written", first);
	expect(below, "", 0, "cannot be written", again);
	CU_ASSERT_TRUE(is_drawn(first));
	CU_ASSERT_NOT_EQUAL(memcmp(first, again, 32), 0);

	put(named, DIGITS, 0600);
	snprintf(below, sizeof(below), "%s/in-a-file", named);
	expect(below, "", 0, "Not a directory", again);
	CU_ASSERT_TRUE(is_drawn(again));
}

static void
our_own_file_that_is_unsound_is_left_and_not_used(void)
{
	uint8_t first[32], again[32];
	struct stat st;

	mkdir(folder, 0700);
	put(own, DIGITS, 0644);
	expect(folder, "", 0, "others may know", first);
	CU_ASSERT_TRUE(is_drawn(first));
	CU_ASSERT_EQUAL(stat(own, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0644);
	put(own, "ours", 0600);
	expect(folder, "", 0, "hexadecimal digits", again);
	CU_ASSERT_TRUE(is_drawn(again));
	CU_ASSERT_NOT_EQUAL(memcmp(first, again, 32), 0);
	unlink(own);
}

static void
boxes_with_one_file_have_one_secret(void)
{
	uint8_t first[32], second[32];
	char other[128];

	put(named, DIGITS "\n", 0600);
	snprintf(other, sizeof(other), "%s/other", top);
	expect(folder, named, 0, NULL, first);
	expect(other, named, 0, NULL, second);
	CU_ASSERT_EQUAL(memcmp(first, second, 32), 0);
	CU_ASSERT_EQUAL(first[1], 0x11);
	CU_ASSERT_EQUAL(first[31], 0xff);
	/* Nothing of our own is made beside it. */
	CU_ASSERT_EQUAL(access(other, F_OK), -1);
}

static void
a_named_file_that_is_unsound_stops_the_start(void)
{
	uint8_t out[32];

	unlink(named);
	expect(folder, named, -EINVAL, "openssl rand -hex 32", out);
	CU_ASSERT_EQUAL(access(named, F_OK), -1);
	put(named, DIGITS, 0640);
	expect(folder, named, -EINVAL, "chmod 600", out);
	put(named, "0011", 0600);
	expect(folder, named, -EINVAL, "64 hexadecimal digits", out);
	expect(folder, top, -EINVAL, "not a regular file", out);
}

static void
a_check_tells_of_a_named_file_and_makes_nothing(void)
{
	struct conf_errors errors = { 0 };
	struct settings *s;

	unlink(own);
	s = settings_of(folder, "");
	CU_ASSERT_EQUAL(keys_check(s, &errors), 0);
	CU_ASSERT_EQUAL(access(own, F_OK), -1);
	settings_free(s);

	put(named, DIGITS, 0600);
	s = settings_of(folder, named);
	CU_ASSERT_EQUAL(keys_check(s, &errors), 0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	chmod(named, 0604);
	CU_ASSERT_EQUAL(keys_check(s, &errors), -EINVAL);
	CU_ASSERT_EQUAL(errors.count, 1);
	CU_ASSERT_EQUAL(access(own, F_OK), -1);
	settings_free(s);
	conf_errors_free(&errors);
}

static void
a_seed_decides_everything_and_touches_no_file(void)
{
	struct conf_errors errors = { 0 };
	struct stage_common one = { 0 }, two = { 0 }, other = { 0 };
	const uint64_t seed = 7, next = 8;
	struct settings *s;

	unlink(own);
	unlink(named);
	/* The named file is not there, and nobody asks for it. */
	s = settings_of(folder, named);
	CU_ASSERT_EQUAL(keys_open(&one, s, &seed, &errors), 0);
	CU_ASSERT_EQUAL(keys_open(&two, s, &seed, &errors), 0);
	CU_ASSERT_EQUAL(keys_open(&other, s, &next, &errors), 0);
	CU_ASSERT_TRUE(is_told(&errors, ""));
	CU_ASSERT_TRUE(is_drawn(one.secret));
	CU_ASSERT_EQUAL(memcmp(&one, &two, sizeof(one)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(one.secret, other.secret, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&one.key, &other.key, sizeof(one.key)), 0);
	CU_ASSERT_EQUAL(access(own, F_OK), -1);
	settings_free(s);
	conf_errors_free(&errors);
}

SUITE_MAIN_WITH("keys", make_folder, remove_folder,
                TEST(our_own_secret_is_made_once_and_kept),
                TEST(a_folder_that_cannot_be_written_is_a_warning),
                TEST(our_own_file_that_is_unsound_is_left_and_not_used),
                TEST(boxes_with_one_file_have_one_secret),
                TEST(a_named_file_that_is_unsound_stops_the_start),
                TEST(a_check_tells_of_a_named_file_and_makes_nothing),
                TEST(a_seed_decides_everything_and_touches_no_file))
