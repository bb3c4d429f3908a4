/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * health_files - what the box needs of the disk: configuration, tokens, room to write.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "telemetry/health.h"

#define DISK_LITTLE  (UINT64_C(32) << 20)
#define DISK_NOTHING (UINT64_C(256) << 10)
#define PATH_ROOM    4096

static void
look_at_disk(struct health *h, const char *what, const char *folder)
{
	struct statvfs fs;
	uint64_t left;

	if (statvfs(folder, &fs) < 0) {
		health_add(h,
		           &(struct health_finding){
				   HEALTH_BOX, HEALTH_WARNING, "no_folder", folder,
				   "Make it, and let the daemon's user write there." },
		           "%s cannot be kept in %s: %s.", what, folder, strerror(errno));
		return;
	}
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left >= DISK_LITTLE && (fs.f_favail > 0 || fs.f_files == 0))
		return;
	health_add(h,
	           &(struct health_finding){
			   HEALTH_BOX,
			   left < DISK_NOTHING || (fs.f_favail == 0 && fs.f_files > 0)
				   ? HEALTH_FAULT
				   : HEALTH_WARNING,
			   "disk_full", folder,
			   "Make room there; packets are judged all the same, but what "
			   "happens is not recorded." },
	           "%s: the disk of %s is %s, %.1f MiB are left.", what, folder,
	           left < DISK_NOTHING                  ? "full"
	           : fs.f_favail == 0 && fs.f_files > 0 ? "out of inodes"
	                                                : "nearly full",
	           (double)left / 1048576);
}

static void
folder_of(const char *file, char out[PATH_ROOM])
{
	char *slash;

	snprintf(out, PATH_ROOM, "%s", file);
	slash = strrchr(out, '/');
	if (slash == NULL)
		strcpy(out, ".");
	else
		slash[slash == out ? 1 : 0] = '\0';
}

static void
look_at_tokens(struct health *h, const char *file)
{
	FILE *f;
	struct stat st;
	const char *why = NULL;

	if (file[0] == '\0')
		return;
	f = fopen(file, "re");
	if (f == NULL)
		why = strerror(errno);
	else if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		why = "it is a folder";
	else if ((st.st_mode & S_IWOTH) != 0)
		why = "everybody may write it";
	if (f != NULL)
		fclose(f);
	if (why == NULL)
		return;
	health_add(
		h,
		&(struct health_finding){
			HEALTH_BOX, HEALTH_WARNING, "tokens_unreadable", file,
			"Nobody is let in meanwhile; `tidegate token new NAME` makes the "
			"file, owned by the daemon's user with mode 0600." },
		"The file of tokens %s cannot be used: %s.", file, why);
}

static void
look_at_config(struct health *h, const char *file, const char *running)
{
	struct conf_errors errors = { 0 };
	struct settings *next = NULL;

	if (settings_read(file, &next, &errors) < 0) {
		const struct conf_error *e = NULL;

		for (size_t i = 0; i < errors.count + errors.warnings && e == NULL; i++)
			e = errors.error[i].is_warning ? NULL : &errors.error[i];
		health_add(
			h,
			&(struct health_finding){
				HEALTH_BOX, HEALTH_FAULT, "config_broken", file,
				"`tidegate config check` names every error; until it is "
				"mended a restart would fail." },
			"The configuration file would be refused: %s:%u: %.300s.",
			e != NULL && e->file != NULL ? e->file : file,
			e != NULL ? e->line : 0, e != NULL ? e->message : "");
	} else if (strcmp(next->sha256, running) != 0) {
		health_add(h,
		           &(struct health_finding){ HEALTH_BOX, HEALTH_WARNING,
		                                     "config_differs", file,
		                                     "`tidegate diff` shows what "
		                                     "differs, `tidegate reload` takes "
		                                     "it over." },
		           "The configuration file was changed and is not in force.");
	}
	settings_free(next);
	conf_errors_free(&errors);
}

struct files {
	char config[PATH_ROOM], sha256[65], tokens[PATH_ROOM], events[PATH_ROOM],
		state[PATH_ROOM];
};

static void
put(char out[PATH_ROOM], const char *text)
{
	snprintf(out, PATH_ROOM, "%s", text == NULL ? "" : text);
}

void
health_look_at_files(struct health *h)
{
	struct files *f = calloc(1, sizeof(*f));
	const struct settings *s;
	char folder[PATH_ROOM];

	if (f == NULL)
		return;
	pthread_mutex_lock(&h->box->lock);
	s = h->box->settings;
	if (s != NULL) {
		put(f->config, s->file);
		memcpy(f->sha256, s->sha256, sizeof(f->sha256));
		put(f->tokens, s->api_tokens_file);
		put(f->events, s->events.file);
		put(f->state, s->state_folder);
	}
	pthread_mutex_unlock(&h->box->lock);
	/* What was not read from a file cannot be read again. */
	if (f->config[0] == '/')
		look_at_config(h, f->config, f->sha256);
	look_at_tokens(h, f->tokens);
	if (f->events[0] == '/') {
		folder_of(f->events, folder);
		look_at_disk(h, "Events", folder);
	}
	if (f->state[0] == '/')
		look_at_disk(h, "State", f->state);
	if (h->now.events_dropped > h->before.events_dropped)
		health_add(h,
		           &(struct health_finding){
				   HEALTH_BOX, HEALTH_WARNING, "events_lost", f->events,
				   "See whether the file can be written." },
		           "%llu events of the last %.1f s were not recorded.",
		           (unsigned long long)(h->now.events_dropped -
		                                h->before.events_dropped),
		           h->seconds);
	free(f);
}
