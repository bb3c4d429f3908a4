/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs - what the program can do; each takes the words from its own name on.
 *
 * Returns the exit status: STATUS_OK, STATUS_FAILED or STATUS_USAGE.
 */
#ifndef TRAFFICGEN_VERBS_H
#define TRAFFICGEN_VERBS_H

int write_main(int argc, char **argv);
int send_main(int argc, char **argv);
int relay_main(int argc, char **argv);
int slow_main(int argc, char **argv);

/* The page that --help prints. */
void help_print(void);

#endif
