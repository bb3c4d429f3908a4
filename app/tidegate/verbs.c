/* SPDX-License-Identifier: BSD-3-Clause */
#include "verbs.h"

#include <stddef.h>

#define TIMED                                                                            \
	"  --for TIME     as in 10m; without it, until taken back\n"                     \
	"  --reason TEXT  why, for those who find it later\n"

const struct verb verbs[] = {
	{ "status", "", "who the box is, how it is, and its books", "", "", verb_status },
	{ "top", "[--batch] [-n N] [--sort KEY] [--filter TEXT] [--destinations]",
	  "what the gate does at this moment, on a whole terminal",
	  "  --batch         a page of text instead, for pipes and cron\n"
	  "  -n N            with --batch: N pages, one a second; 0 for ever (1)\n"
	  "  --sort KEY      services by packets, bits, dropped, headroom or name\n"
	  "  --filter TEXT   only services, reasons and addresses that hold it\n"
	  "  --destinations  who receives most instead of who sends most\n"
	  "Keys: ? help, q end, space pause, / filter, s sources or destinations,\n"
	  "p b d h n sort.\n",
	  "packets bits dropped headroom name", verb_top },
	{ "services", "[show NAME]",
	  "services with mode and rates; one with every vector",
	  "With `show NAME`: thresholds, measured values and headroom of each vector.\n",
	  "show @services", verb_services },
	{ "show", "SERVICE [--all]",
	  "each threshold of a service: what it counts, over how long, and how near it "
	  "is",
	  "  --all  also vectors without a threshold\n", "@services", verb_show },
	{ "attacks", "[ID] [--active] [--since TIME] [--limit N]",
	  "attacks, newest first",
	  "  ID            everything about one attack\n"
	  "  --active      only those that still run\n"
	  "  --since TIME  not older than, as in 7d; also what the history holds\n"
	  "  --limit N     at most N, 1 to 256 (20; with --since 256)\n",
	  "@attacks", verb_attacks },
	{ "report", "ID [--html] [-o FILE]",
	  "what an attack was and what was done about it",
	  "  --html   a page to print or to hand on\n"
	  "  -o FILE  write it there\n",
	  "@attacks @files", verb_report },
	{ "events", "[--follow] [--type TYPE] [--since TIME] [--limit N]",
	  "what happened, the newest last",
	  "  --follow      and go on with new ones until interrupted\n"
	  "  --type TYPE   only of one type, as attack or config\n"
	  "  --since TIME  not older than, as in 10m\n"
	  "  --limit N     at most N, 1 to 256 (50)\n",
	  "", verb_events },
	{ "thresholds", "suggest SERVICE",
	  "thresholds that the history of a service suggests",
	  "Nothing is changed: a person looks at them and writes them.\n",
	  "suggest @services", verb_thresholds },
	{ "talkers", "[--destinations] [--bits] [--limit N]",
	  "who sends or receives most",
	  "  --destinations  by destination, else by source\n"
	  "  --bits          largest bit rate first, else packet rate\n"
	  "  --limit N       at most N, 1 to 256 (20)\n",
	  "", verb_talkers },
	{ "reasons", "[--all] [--help-texts]", "why packets were dropped, and how many",
	  "  --all         also reasons that were never used\n"
	  "  --help-texts  what each means and what to look at\n",
	  "", verb_reasons },
	{ "hits", "[STAGE] [--all]",
	  "what single lists, filter rules and reflecting services met",
	  "  STAGE  of one stage alone: lists, filters, reflection\n"
	  "  --all  also those that met nothing\n",
	  "lists filters reflection", verb_hits },
	{ "capture",
	  "[--verdict V] [--reason NAME] [--service NAME] [-c N] [--for TIME] -w FILE|- "
	  "[EXPRESSION]",
	  "packets of now into a file for tshark and Wireshark",
	  "  --verdict V     passed, dropped, answered, consumed or would (in monitor)\n"
	  "  --reason NAME   of one reason, as shape.udp_flood, or stage, as shape\n"
	  "  --service NAME  of one service\n"
	  "  -c N            until so many packets came, 1000000 at most\n"
	  "  --for TIME      for so long, as in 30s; an hour at most\n"
	  "  -w FILE         pcapng, with verdict and reason as comments; - for standard "
	  "output\n"
	  "  EXPRESSION      in tcpdump's syntax without names, as 'host 192.0.2.1 and "
	  "udp'\n"
	  "Interrupted it ends, and what came is in the file.\n",
	  "", verb_capture },
	{ "sample",
	  "[--address ADDRESS] [--reason NAME] [--service NAME] [--attack ID] [--limit "
	  "N] "
	  "[--follow]",
	  "packets that were stopped, as they came",
	  "  --address A     from or to an address\n"
	  "  --reason NAME   of one reason, as shape.udp_flood, or stage, as shape\n"
	  "  --service NAME  of one service\n"
	  "  --attack ID     of one attack\n"
	  "  --limit N       the last N, 1 to 256 (20)\n"
	  "  --follow        and go on with new ones until interrupted\n"
	  "Of each reason a few packets a second are kept: the keys of `samples`.\n",
	  "", verb_sample },
	{ "ports", "", "both ends of every link: books, rates, losses", "", "",
	  verb_ports },
	{ "workers", "", "what each worker does and how busy it is", "", "",
	  verb_workers },
	{ "reload", "", "read the configuration again, all or nothing",
	  "Exits 78 when the file was refused; the old configuration stays then.\n", "",
	  verb_reload },
	{ "mode", "SERVICE|all learn|monitor|mitigate|configured [--for TIME]",
	  "set the mode of one or all services",
	  "  --for TIME  as in 30m; then the file's mode is back\n"
	  "  configured  go back to the file's mode now\n",
	  "@services all learn monitor mitigate configured", verb_mode },
	{ "bypass", "on|off [--for TIME]", "forward everything without judging",
	  "  --for TIME  as in 5m; then packets are judged again\n", "on off",
	  verb_bypass },
	{ "explain", "ADDRESS", "all the box knows of one address, and why", "", "",
	  verb_explain },
	{ "block", "add|del PREFIX [--for TIME] [--reason TEXT] | ls",
	  "timed entries of the deny list", TIMED, "add del ls @blocks", verb_block },
	{ "allow", "add|del PREFIX [--for TIME] [--reason TEXT] | ls",
	  "timed entries of the allow list", TIMED, "add del ls @allows", verb_allow },
	{ "filters", "list | add FILE | check FILE | del NAME",
	  "the operator's filter rules, with what each has met",
	  "  FILE  one rule as JSON, - for standard input\n",
	  "list add check del @filters @files", verb_filters },
	{ "lists", "[show NAME | reload NAME | add|del NAME PREFIX [--for TIME]]",
	  "lists: what is wanted and what is loaded; entries by hand",
	  "  show NAME    one list, its file's errors, its entries made by hand\n"
	  "  reload NAME  read its file now\n"
	  "  --for TIME   as in 10m; without it, until taken back\n",
	  "show reload add del @lists", verb_lists },
	{ "diff", "", "the configuration file against what is in force",
	  "Exits 78 when the file would be refused.\n", "", verb_diff },
	{ "check", "[--warn FIGURE=RANGE] [--crit FIGURE=RANGE] ...",
	  "health in one line, for Nagios and its kin",
	  "  --warn, --crit  limits, as often as wanted, of received, received_bits,\n"
	  "                  dropped, would, missed, busy, headroom, attacks; ranges as\n"
	  "                  plugins write them: 80, 20:, ~:80, @10:20\n"
	  "Exits 0 when all is well, 1 for a warning (attack, bypass), 2 when packets "
	  "or\n"
	  "control are in danger or nobody answers, 3 when that cannot be told.\n",
	  "", verb_check },
	{ "config", "[check [FILE]]",
	  "the configuration in force; what a reload would find",
	  "With `check`: look through the file in use, or FILE, and change nothing.\n"
	  "Exits 78 when it would be refused.\n",
	  "check @files", verb_config },
	{ "doctor", "[--config FILE] [--daemon FILE] [--timeout SECONDS]",
	  "what is wrong with the box, and what to do about it",
	  "  --config FILE      what the daemon would read, where it does not run\n"
	  "                     (/etc/tidegate/tidegate.conf)\n"
	  "  --daemon FILE      the program tidegated, where it is not found\n"
	  "  --timeout SECONDS  how long the daemon may take to answer, 1 to 60 (3)\n"
	  "Exits 0 when nothing is wrong, 1 for warnings, 2 for faults.\n",
	  "@files", verb_doctor },
	{ "token", "new|del NAME | ls [--role ROLE] [--tokens-file FILE]",
	  "who may change something: lines of the tokens file",
	  "  new NAME            make a token, print it once, keep its hash\n"
	  "  --role ROLE         read, operate (modes, blocks, bypass; the default) or\n"
	  "                      admin (also the configuration)\n"
	  "  --tokens-file FILE  as api.tokens_file names it; else "
	  "/etc/tidegate/tokens\n"
	  "Asks no daemon, and what is written is in force at once.\n",
	  "new del ls read operate admin", verb_token },
	{ "completion", "bash", "a script that lets the shell complete these words",
	  "Put this line into ~/.bashrc:  source <(tidegate completion bash)\n", "bash",
	  verb_completion },
	{ "version", "", "versions of this command and of the daemon", "", "",
	  verb_version },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};
