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
	int main(void)                                                                   \
	{                                                                                \
		CU_TestInfo tests[] = { __VA_ARGS__, CU_TEST_INFO_NULL };                \
		CU_SuiteInfo suites[] = {                                                \
			{ name, folder_make, folder_remove, NULL, NULL, tests },         \
			CU_SUITE_INFO_NULL,                                              \
		};                                                                       \
		unsigned int failed;                                                     \
                                                                                         \
		if (CU_initialize_registry() != CUE_SUCCESS ||                           \
		    CU_register_suites(suites) != CUE_SUCCESS)                           \
			return EXIT_FAILURE;                                             \
		CU_basic_set_mode(CU_BRM_VERBOSE);                                       \
		CU_basic_run_tests();                                                    \
		failed = CU_get_number_of_failures();                                    \
		CU_cleanup_registry();                                                   \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                        \
	}

#endif
