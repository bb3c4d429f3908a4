/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples on disk: readable at once, never more than was granted, and no harm when it fails. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eye_rig.h"
#include "io/capture.h"

static char folder[64];
static struct evidence_settings settings;

static int
make_folder(void)
{
	strcpy(folder, "/tmp/evidence-test-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void
open_at(const char *name, uint64_t files, uint64_t file_size)
{
	settings = (struct evidence_settings){
		.rate = 1000, .snap = 128, .files = files, .file_size = file_size
	};
	snprintf(settings.folder, sizeof(settings.folder), "%.60s/%.20s", folder, name);
	rig_open_with(&settings);
}

/* Seconds pass, and each brings a full burst of another reason. */
static void
flood(unsigned int bursts)
{
	for (unsigned int n = 0; n < bursts; n++) {
		r.now_ns += SECOND;
		rig_flood(3, 1, (uint8_t)(n % 20));
		evidence_turn(r.e);
	}
}

struct found {
	unsigned int files, packets;
	uint64_t bytes, largest, first, last;
};

/* Packets of one file; every one of them must have a comment. */
static unsigned int
read_file(const char *path)
{
	char why[CAPTURE_WHY];
	struct capture *c;
	struct capture_frame frame;
	unsigned int n = 0;
	int rc;

	CU_ASSERT_EQUAL_FATAL(capture_open(path, &c, why), 0);
	while ((rc = capture_next(c, &frame)) == 1) {
		CU_ASSERT_EQUAL(frame.len, 100);
		n++;
	}
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_FALSE(capture_is_truncated(c));
	capture_close(c);
	return n;
}

static struct found
look(void)
{
	DIR *d = opendir(settings.folder);
	struct found f = { 0 };

	CU_ASSERT_FATAL(d != NULL);
	for (struct dirent *at; (at = readdir(d)) != NULL;) {
		char path[EVIDENCE_PATH + 300];
		struct stat st;
		uint64_t number;

		if (at->d_name[0] == '.')
			continue;
		CU_ASSERT_EQUAL_FATAL(sscanf(at->d_name, "samples-%lu.pcapng", &number),
		                      1);
		snprintf(path, sizeof(path), "%s/%s", settings.folder, at->d_name);
		CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
		CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
		f.files++;
		f.packets += read_file(path);
		f.bytes += (uint64_t)st.st_size;
		if ((uint64_t)st.st_size > f.largest)
			f.largest = (uint64_t)st.st_size;
		if (number > f.last)
			f.last = number;
		if (f.first == 0 || number < f.first)
			f.first = number;
	}
	closedir(d);
	return f;
}

static struct evidence_state *
state(void)
{
	static struct evidence_state s;

	evidence_state(r.e, &s);
	return &s;
}

static void
what_is_written_can_be_read_at_once(void)
{
	open_at("once", 4, 1 << 20);
	flood(3);
	CU_ASSERT_EQUAL(look().packets, r.told);
	CU_ASSERT_EQUAL(look().files, 1);
	CU_ASSERT_EQUAL(state()->written, r.told);
	CU_ASSERT_STRING_EQUAL(state()->error, "");
	rig_close();
	CU_ASSERT_EQUAL(look().packets, 3 * LANES_MAX);
}

static void
files_rotate_and_stay_below_their_bound(void)
{
	struct found f;

	open_at("ring", 3, 20000);
	flood(40);
	f = look();
	CU_ASSERT_EQUAL(f.files, 3);
	CU_ASSERT(f.largest <= 20000);
	CU_ASSERT(f.bytes > 40000);
	CU_ASSERT(f.first > 1 && f.last == f.first + 2);
	CU_ASSERT_EQUAL(state()->written, r.told);
	rig_close();
	/* The next run goes on where this one ended, with fewer files. */
	open_at("ring", 2, 20000);
	flood(1);
	CU_ASSERT_EQUAL(look().files, 2);
	CU_ASSERT_EQUAL(look().last, f.last + 1);
	rig_close();
}

/* Others may keep things in the folder too. */
static void
files_of_others_are_left_alone(void)
{
	char path[EVIDENCE_PATH + 32];
	struct stat st;
	int fd;

	open_at("others", 1, 20000);
	flood(1);
	snprintf(path, sizeof(path), "%s/.samples-1.pcapng", settings.folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	flood(20);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(look().files, 1);
	rig_close();
}

static void
a_folder_that_cannot_be_is_told_and_tried_again(void)
{
	char path[EVIDENCE_PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/later", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	open_at("later", 3, 20000);
	flood(1);
	CU_ASSERT_STRING_NOT_EQUAL(state()->error, "");
	CU_ASSERT_EQUAL(state()->unwritten, LANES_MAX);
	CU_ASSERT_EQUAL(state()->kept, LANES_MAX);
	CU_ASSERT_EQUAL(unlink(path), 0);
	flood(2);
	CU_ASSERT_EQUAL(state()->written, 0);
	flood(10);
	CU_ASSERT_STRING_EQUAL(state()->error, "");
	CU_ASSERT_EQUAL(state()->written + state()->unwritten, r.told);
	CU_ASSERT_EQUAL(look().packets, state()->written);
	rig_close();
}

/* A bound on the size of files stands for the disk: writes fail in the middle of a packet. */
static void
a_full_disk_costs_what_does_not_fit(void)
{
	const struct rlimit narrow = { 30000, RLIM_INFINITY };
	struct rlimit wide;
	struct found f;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &wide), 0);
	signal(SIGXFSZ, SIG_IGN);
	open_at("full", 3, 1 << 20);
	flood(1);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &narrow), 0);
	flood(3);
	CU_ASSERT_STRING_NOT_EQUAL(state()->error, "");
	f = look();
	CU_ASSERT(f.bytes <= 30000);
	CU_ASSERT_EQUAL(f.packets, state()->written);
	CU_ASSERT(f.packets >= LANES_MAX && f.packets < 4 * LANES_MAX);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &wide), 0);
	flood(12);
	CU_ASSERT_STRING_EQUAL(state()->error, "");
	CU_ASSERT(state()->written > f.packets);
	CU_ASSERT_EQUAL(look().packets, state()->written);
	CU_ASSERT_EQUAL(state()->written + state()->unwritten, r.told);
	rig_close();
}

/* While nothing can be written, no old file is given up for an empty new one. */
static void
a_full_disk_removes_nothing(void)
{
	const struct rlimit narrow = { 100, RLIM_INFINITY };
	struct rlimit wide;
	struct found before, after;

	open_at("kept", 3, 20000);
	flood(20);
	before = look();
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &wide), 0);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &narrow), 0);
	flood(100);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &wide), 0);
	after = look();
	CU_ASSERT(after.files >= 2);
	CU_ASSERT(after.first <= before.first + 1);
	CU_ASSERT(after.packets >= before.packets / 2);
	rig_close();
}

static void
a_reload_turns_files_on_and_off(void)
{
	struct evidence_settings s;

	open_at("live", 3, 1 << 20);
	s = settings;
	s.folder[0] = '\0';
	evidence_configure(r.e, &s);
	flood(1);
	CU_ASSERT_EQUAL(state()->written, 0);
	evidence_configure(r.e, &settings);
	flood(1);
	CU_ASSERT_EQUAL(state()->written, LANES_MAX);
	evidence_configure(r.e, &s);
	flood(1);
	CU_ASSERT_EQUAL(state()->written, LANES_MAX);
	CU_ASSERT_EQUAL(state()->unwritten, 0);
	CU_ASSERT_EQUAL(look().packets, LANES_MAX);
	rig_close();
}

SUITE_MAIN_WITH("evidence/files", make_folder, remove_folder,
                TEST(what_is_written_can_be_read_at_once),
                TEST(files_rotate_and_stay_below_their_bound),
                TEST(files_of_others_are_left_alone),
                TEST(a_folder_that_cannot_be_is_told_and_tried_again),
                TEST(a_full_disk_costs_what_does_not_fit),
                TEST(a_full_disk_removes_nothing), TEST(a_reload_turns_files_on_and_off))
