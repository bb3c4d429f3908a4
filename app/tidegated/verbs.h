/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs - what `tidegated VERB` can do; each verb is one file.
 *
 * Each gets its own argc and argv, argv[0] being the verb, and returns the
 * exit code of the process: 0 done, 1 failed, 2 wrong usage, 65 unreadable
 * input, 78 bad configuration (sysexits.h).
 */
#ifndef TIDEGATED_VERBS_H
#define TIDEGATED_VERBS_H

#define EXIT_USAGE    2
#define EXIT_BAD_DATA 65
#define EXIT_BAD_CONF 78

int verb_run(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_replay(int argc, char **argv);

#endif
