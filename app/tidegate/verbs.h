/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs - what `tidegate VERB` can do; each verb is one file.
 *
 * One table says for each its name, usage, help and what may stand behind it; help,
 * completion of the shell and the tests of the manual read it.
 */
#ifndef TIDEGATE_VERBS_H
#define TIDEGATE_VERBS_H

struct cli;

struct verb {
	const char *name; /* NULL ends the table */
	const char *usage, *help, *details;
	/*
	 * Words that may follow, for the shell; "@services", "@attacks", "@lists",
	 * "@verbs", "@blocks" and "@allows" stand for the names there are, "@files" for files.
	 */
	const char *words;
	int (*run)(struct cli *c); /* with its arguments; returns the exit code */
};

extern const struct verb verbs[];

int verb_status(struct cli *c);
int verb_services(struct cli *c);
int verb_show(struct cli *c);
int verb_attacks(struct cli *c);
int verb_talkers(struct cli *c);
int verb_top(struct cli *c);
int verb_report(struct cli *c);
int verb_events(struct cli *c);
int verb_diff(struct cli *c);
int verb_thresholds(struct cli *c);
int verb_reasons(struct cli *c);
int verb_hits(struct cli *c);
int verb_capture(struct cli *c);
int verb_sample(struct cli *c);
int verb_ports(struct cli *c);
int verb_workers(struct cli *c);
int verb_reload(struct cli *c);
int verb_mode(struct cli *c);
int verb_bypass(struct cli *c);
int verb_explain(struct cli *c);
int verb_block(struct cli *c);
int verb_allow(struct cli *c);
int verb_filters(struct cli *c);
int verb_lists(struct cli *c);
int verb_check(struct cli *c);
int verb_config(struct cli *c);
int verb_doctor(struct cli *c);
int verb_token(struct cli *c);
int verb_completion(struct cli *c);
int verb_version(struct cli *c);

#endif
