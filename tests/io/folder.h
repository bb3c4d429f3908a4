/* SPDX-License-Identifier: BSD-3-Clause */
/* folder - a suite whose tests share a folder of their own, gone when they end. */
#ifndef TESTS_IO_FOLDER_H
#define TESTS_IO_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

static char folder[] = "/tmp/capture-test-XXXXXX";

static int
folder_make(void)
{
	return mkdtemp(folder) == NULL;
}

static int
folder_remove(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

#define FOLDER_MAIN(name, ...)                                                           \
	SUITE_MAIN_WITH(name, folder_make, folder_remove, __VA_ARGS__)

#endif
