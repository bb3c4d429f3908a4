/* SPDX-License-Identifier: BSD-3-Clause */
/* folder - a folder of its own for each test of files, gone with all that is in it. */
#ifndef TESTS_EVENT_FOLDER_H
#define TESTS_EVENT_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void
folder_open(void)
{
	strcpy(folder, "/tmp/tidegate-event-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
}

/* A path in it; a static text, four of them at a time. */
static const char *
in_folder(const char *name)
{
	static char path[4][384];
	static unsigned int n;
	char *to = path[n++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", folder, name);
	return to;
}

static inline long
size_of(const char *name)
{
	struct stat st;

	return stat(in_folder(name), &st) < 0 ? -1 : (long)st.st_size;
}

static void
folder_close(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlink(in_folder(e->d_name));
	if (d != NULL)
		closedir(d);
	rmdir(folder);
}

#endif
