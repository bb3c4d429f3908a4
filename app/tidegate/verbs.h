/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs - what `tidegate VERB` can do; each verb is one file.
 *
 * Each gets its arguments in struct cli and returns the exit code.
 */
#ifndef TIDEGATE_VERBS_H
#define TIDEGATE_VERBS_H

struct cli;

int verb_status(struct cli *c);
int verb_services(struct cli *c);
int verb_attacks(struct cli *c);
int verb_top(struct cli *c);
int verb_reasons(struct cli *c);
int verb_hits(struct cli *c);
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
int verb_token(struct cli *c);
int verb_version(struct cli *c);

#endif
